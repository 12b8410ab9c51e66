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

/** The job's namespace, where the system supports namespaces. */
private const val NAMESPACE = "jalon"

/** How long the library waits for its own uploads as the app leaves; the job does the rest. */
private const val LEAVING_MS = 20_000L

/** A job may take ten minutes; what is not done in two can wait for the next. */
private const val JOB_MS = 120_000L

private const val IDLE_THREAD_MS = 5_000L

/**
 * Uploads when the app leaves the screen: immediately while the process lives, otherwise in a job that
 * waits for a network. Talks to the system on a thread of its own, which ends when it is idle.
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

    /** The app starts: schedules the job again for what an earlier process left, since a reboot removes it. */
    fun resume() = inBackground {
        // Returns after the worker has opened the store: then the count includes what is on disk.
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
        // The job has a network, of which a process that was frozen until now may not have heard yet.
        journey.setOnline(true)
        return try {
            journey.uploadAndWait(JOB_MS)
        } finally {
            working.set(false)
        }
    }

    private fun somethingWaits() =
        journey.status().run { queued > 0 && consent == Consent.GRANTED }

    /** Keeps a job that is scheduled already, and with it the system's back-off after failures. */
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

    /** A running job ends by itself. */
    private fun cancel() {
        if (!working.get()) jobId?.let { scheduler?.cancel(it) }
    }

    @RequiresApi(Build.VERSION_CODES.UPSIDE_DOWN_CAKE)
    private fun inNamespace(scheduler: JobScheduler) = scheduler.forNamespace(NAMESPACE)

    /** Runs [work] after what came before it. */
    fun inBackground(work: () -> Unit) = thread.execute { harmless(work) }
}
