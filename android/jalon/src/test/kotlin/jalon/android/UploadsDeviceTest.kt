package jalon.android

import android.app.job.JobInfo
import jalon.android.support.Device
import jalon.android.support.FakeCollector
import jalon.android.support.ListActivity
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertSame
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric.buildActivity
import org.robolectric.Robolectric.buildService
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config

/** What waits is uploaded when the customer leaves, and by a job when the app is not there. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
class UploadsDeviceTest {
    private val collector = FakeCollector()
    private val device = Device(collector.url)

    private fun jobs(): List<JobInfo> = OpenJourneys.uploads!!.scheduler!!.allPendingJobs

    @After
    fun end() {
        device.close()
        collector.close()
    }

    private fun await(what: String, condition: () -> Boolean) {
        val deadline = System.nanoTime() + 20_000_000_000
        while (!condition() && System.nanoTime() < deadline) Thread.yield()
        assertTrue(what, condition())
    }

    @Test
    fun `going to the background uploads what waits and leaves no job`() {
        device.open()
        val list = buildActivity(ListActivity::class.java).setup()
        assertTrue(collector.events.isEmpty())
        list.pause().stop()
        await("uploaded") { collector.events.size == 1 }
        await("no job") { jobs().isEmpty() && OpenJourneys.current!!.status().queued == 0L }
    }

    @Test
    fun `losing the window's focus uploads too`() {
        device.open()
        val list = buildActivity(ListActivity::class.java).setup().visible()
        list.windowFocusChanged(false)
        await("uploaded") { collector.events.size == 1 }
    }

    @Test
    fun `without network a job waits for one, under the app's own id`() {
        collector.status = 500
        device.open { jobId = 77 }
        val list = buildActivity(ListActivity::class.java).setup()
        list.pause().stop()
        await("a job") { jobs().isNotEmpty() }
        val job = jobs().single()
        assertEquals(77, job.id)
        assertEquals(JobInfo.NETWORK_TYPE_ANY, job.networkType)
        assertEquals(UploadService::class.java.name, job.service.className)
        // It needs no permission to start at boot.
        assertFalse(job.isPersisted)
    }

    @Test
    fun `without a job id there is none`() {
        collector.status = 500
        device.open { jobId = null }
        buildActivity(ListActivity::class.java).setup().pause().stop()
        await("tried") { OpenJourneys.current!!.status().lastUpload?.problem != null }
        assertEquals(emptyList<JobInfo>(), jobs())
    }

    @Test
    fun `the job is armed again at the app's next start when something waits`() {
        collector.status = 500
        device.open().screen("home")
        device.close()
        device.open()
        await("a job") { jobs().map { it.id } == listOf(Configuration.DEFAULT_JOB_ID) }
    }

    @Test
    fun `a job that stands already stays as it is`() {
        collector.status = 500
        device.open()
        val list = buildActivity(ListActivity::class.java).setup()
        list.pause().stop()
        await("a job") { jobs().isNotEmpty() }
        val first = jobs().single()
        OpenJourneys.uploads!!.resume()
        await("tried") { OpenJourneys.current!!.status().lastUpload?.problem != null }
        OpenJourneys.current!!.preview()
        assertSame(first, jobs().single())
    }

    @Test
    fun `an erasure that waits has a job too`() {
        collector.status = 500
        val journey = device.open()
        journey.screen("home")
        journey.preview()
        journey.erase()
        buildActivity(ListActivity::class.java).setup().pause().stop()
        await("a job") { jobs().isNotEmpty() }
    }

    @Test
    fun `an app that starts with nothing to upload asks the system for nothing`() {
        device.open().preview()
        assertEquals(emptyList<JobInfo>(), jobs())
    }

    @Test
    fun `the job uploads and says that it is done`() {
        device.open().screen("home")
        val service = buildService(UploadService::class.java).create().get()
        val job = shadowOf(service)
        assertTrue(service.onStartJob(parameters()))
        await("finished") { job.isJobFinished }
        assertEquals(1, collector.events.size)
        assertFalse(job.isRescheduleNeeded)
    }

    @Test
    fun `a job that cannot upload asks to come again`() {
        collector.status = 500
        device.open().screen("home")
        val service = buildService(UploadService::class.java).create().get()
        assertTrue(service.onStartJob(parameters()))
        val job = shadowOf(service)
        await("finished") { job.isJobFinished }
        assertTrue(job.isRescheduleNeeded)
        assertTrue(service.onStopJob(parameters()))
    }

    @Test
    fun `a job in an app that opens no journey ends at once`() {
        val service = buildService(UploadService::class.java).create().get()
        assertFalse(service.onStartJob(parameters()))
    }

    private fun parameters(): android.app.job.JobParameters = org.robolectric.shadow.api.Shadow
        .newInstanceOf(android.app.job.JobParameters::class.java)
}
