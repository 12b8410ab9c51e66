package jalon.android

import android.app.job.JobInfo
import android.app.job.JobScheduler
import android.content.ComponentName
import android.content.Context
import android.os.Build
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.ThreadPoolExecutor
import java.util.concurrent.TimeUnit

/** The job's namespace, where the system has such. */
private const val NAMESPACE = "jalon"

/** How long the library waits for its own uploads as the app leaves; the job does the rest. */
private const val LEAVING_MS = 20_000L

/** A job may take ten minutes; what is not done in two can wait for the next. */
private const val JOB_MS = 120_000L

private const val IDLE_THREAD_MS = 5_000L

/**
 * Uploads when the app is not there: at once while the process lives, else in a job that waits for
 * a network. Asks the system on a thread of its own, which ends when there is nothing to do.
 */
internal class Uploads(
    private val app: Context,
    private val journey: Journey,
    private val jobId: Int?,
) {
    val scheduler: JobScheduler? by lazy {
        val scheduler = app.getSystemService(Context.JOB_SCHEDULER_SERVICE) as? JobScheduler
        val named = Build.VERSION.SDK_INT >= Build.VERSION_CODES.UPSIDE_DOWN_CAKE
        if (named) scheduler?.let(::inNamespace) else scheduler
    }

    private val thread = ThreadPoolExecutor(
        1, 1, IDLE_THREAD_MS, TimeUnit.MILLISECONDS, LinkedBlockingQueue(),
        { work -> Thread(work, "jalon-uploads") },
    ).apply { allowCoreThreadTimeOut(true) }

    /** The app starts: what an earlier process left has its job again, which a reboot took. */
    fun resume() = inBackground {
        // Its answer comes after the worker has opened the store: then the count is that of the disk.
        journey.preview()
        if (journey.status().queued > 0) schedule()
    }

    /** The app leaves the screen: what waits is uploaded now, or by the job. */
    fun leave() {
        journey.uploadNow()
        inBackground {
            if (journey.status().queued > 0) schedule()
            if (journey.uploadAndWait(LEAVING_MS)) jobId?.let { scheduler?.cancel(it) }
        }
    }

    /** The job runs: uploads, and says whether all of it is done. Not for the main thread. */
    fun work(): Boolean = journey.uploadAndWait(JOB_MS)

    private fun schedule() {
        val id = jobId ?: return
        val service = ComponentName(app, UploadService::class.java)
        val job = JobInfo.Builder(id, service).setRequiredNetworkType(JobInfo.NETWORK_TYPE_ANY).build()
        scheduler?.schedule(job)
    }

    @RequiresApi(Build.VERSION_CODES.UPSIDE_DOWN_CAKE)
    private fun inNamespace(scheduler: JobScheduler) = scheduler.forNamespace(NAMESPACE)

    private fun inBackground(work: () -> Unit) = thread.execute { harmless(work) }
}
