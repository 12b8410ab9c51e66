package jalon.android

import android.app.job.JobParameters
import android.app.job.JobService

/**
 * Uploads what waits when the system says that there is a network. Started by the system alone; it
 * finds the journey that `Application.onCreate` has opened.
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

    /** The network is gone, or the time is up: again later. What is under way loses nothing. */
    override fun onStopJob(params: JobParameters): Boolean = true
}
