package jalon.android

import android.app.job.JobInfo
import android.app.job.JobScheduler
import android.content.ComponentName
import android.content.Context
import android.os.Build
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.ThreadPoolExecutor
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicBoolean

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
internal class BackgroundUploads(
    private val app: Context,
    private val journey: Journey,
    private val jobId: Int?,
) {
    val scheduler: JobScheduler? by lazy {
        val scheduler = app.getSystemService(Context.JOB_SCHEDULER_SERVICE) as? JobScheduler
        val named = Build.VERSION.SDK_INT >= Build.VERSION_CODES.UPSIDE_DOWN_CAKE
        if (named) scheduler?.let(::inNamespace) else scheduler
    }

    private val leaving = AtomicBoolean()
    private val working = AtomicBoolean()

    private val thread = ThreadPoolExecutor(
        1, 1, IDLE_THREAD_MS, TimeUnit.MILLISECONDS, LinkedBlockingQueue(),
        { work -> Thread(work, "jalon-uploads") },
    ).apply { allowCoreThreadTimeOut(true) }

    /** The app starts: what an earlier process left has its job again, which a reboot took. */
    fun resume() = inBackground {
        // Its answer comes after the worker has opened the store: then the count is that of the disk.
        journey.preview()
        if (somethingWaits()) schedule()
    }

    /**
     * The app leaves the screen, or perhaps only lost the focus to a menu: what waits is uploaded now,
     * or by the job. Once at a time: what is recorded meanwhile goes along.
     */
    fun leave() {
        if (!leaving.compareAndSet(false, true)) return
        inBackground {
            try {
                // First, since the process may be gone before the upload ends.
                if (somethingWaits()) schedule()
                if (journey.uploadAndWait(LEAVING_MS)) cancel() else schedule()
            } finally {
                leaving.set(false)
            }
        }
    }

    /** The job runs: uploads, and says whether all of it is done. Not for the main thread. */
    fun work(): Boolean {
        working.set(true)
        return try {
            journey.uploadAndWait(JOB_MS)
        } finally {
            working.set(false)
        }
    }

    private fun somethingWaits() =
        journey.status().run { queued > 0 && consent == Consent.GRANTED }

    /** One that stands already stays, and with it the system's patience after failures. */
    private fun schedule() {
        val id = jobId ?: return
        if (scheduler?.allPendingJobs.orEmpty().any { it.id == id }) return
        val job = JobInfo.Builder(id, ComponentName(app, UploadService::class.java))
            .setRequiredNetworkType(JobInfo.NETWORK_TYPE_ANY)
            // While the process lives, its own upload comes first.
            .setMinimumLatency(LEAVING_MS)
            .build()
        scheduler?.schedule(job)
    }

    /** A job that runs ends by itself. */
    private fun cancel() {
        if (!working.get()) jobId?.let { scheduler?.cancel(it) }
    }

    @RequiresApi(Build.VERSION_CODES.UPSIDE_DOWN_CAKE)
    private fun inNamespace(scheduler: JobScheduler) = scheduler.forNamespace(NAMESPACE)

    private fun inBackground(work: () -> Unit) = thread.execute { harmless(work) }
}
