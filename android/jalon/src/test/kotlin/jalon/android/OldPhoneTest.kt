package jalon.android

import android.app.job.JobScheduler
import android.content.Context
import android.net.ConnectivityManager
import jalon.android.support.Device
import jalon.android.support.FakeCollector
import jalon.android.support.HelpActivity
import jalon.android.support.await
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric.buildActivity
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowNetwork

/** The oldest Android there is: what newer ones have is not asked for. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [23])
class OldPhoneTest {
    @Test
    fun `Android 6 records, calls and arms its job in the app's own namespace`() {
        FakeCollector().use { collector ->
            Device(collector.url).use { device ->
                val journey = device.open()
                assertEquals(null, journey.status().problem)
                collector.status = 500
                val controller = buildActivity(HelpActivity::class.java).setup()
                controller.get().button.performClick()
                assertEquals("tel:+33123456789", shadowOf(device.app).nextStartedActivity.dataString)
                controller.pause().stop()
                val scheduler = device.app.getSystemService(Context.JOB_SCHEDULER_SERVICE) as JobScheduler
                val deadline = System.nanoTime() + 20_000_000_000
                while (scheduler.allPendingJobs.isEmpty() && System.nanoTime() < deadline) Thread.yield()
                assertEquals(Configuration.DEFAULT_JOB_ID, scheduler.allPendingJobs.single().id)
                collector.status = 200
                check(journey.uploadAndWait(60_000))
                assertEquals(listOf("screen_view", "call"), collector.events.map { it["type"].asString })
            }
        }
    }

    @Test
    fun `on Android 6 the phone is offline once the last of its networks is gone`() {
        FakeCollector().use { collector ->
            Device(collector.url).use { device ->
                val system =
                    shadowOf(device.app.getSystemService(Context.CONNECTIVITY_SERVICE) as ConnectivityManager)
                val journey = device.open()
                val callback = await { system.networkCallbacks.singleOrNull() }
                val (wifi, mobile) = listOf(1, 2).map(ShadowNetwork::newInstance)
                callback.onAvailable(wifi)
                callback.onAvailable(mobile)
                callback.onLost(mobile)
                journey.screen("home")
                assertTrue(journey.uploadAndWait(60_000))
                callback.onLost(wifi)
                journey.screen("cart")
                assertFalse(journey.uploadAndWait(60_000))
            }
        }
    }
}
