package jalon.android

import android.app.job.JobParameters
import android.app.job.JobService

/**
 * Uploads what is queued when the system says that there is a network. Only the system starts it; it
 * uses the journey that `Application.onCreate` opened. Its name is public: the manifest and scheduled
 * jobs refer to it.
 */
public class UploadService : JobService() {
    override fun onStartJob(params: JobParameters): Boolean = harmless({ false }) {
        val uploads = OpenJourneys.uploads
        if (uploads == null) {
            JourneyLog.warn("nothing was uploaded: open the journey in Application.onCreate")
            return false
        }
        val work = Runnable { harmless { jobFinished(params, !uploads.work()) } }
        Thread(work, "jalon-job").start()
        true
    }

    /** The network is gone, or the time is up: try again later. An upload in progress loses nothing. */
    override fun onStopJob(params: JobParameters): Boolean = true
}
