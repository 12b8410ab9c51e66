package jalon.android

import android.content.Context
import android.net.ConnectivityManager
import android.net.ConnectivityManager.NetworkCallback
import jalon.android.support.Device
import jalon.android.support.FakeCollector
import jalon.android.support.await
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.Implementation
import org.robolectric.annotation.Implements
import org.robolectric.shadows.ShadowConnectivityManager
import org.robolectric.shadows.ShadowNetwork

private const val PATIENCE_MS = 60_000L

/** What the system says about the network reaches the journey. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
class ConnectivityDeviceTest {
    private val collector = FakeCollector()
    private val device = Device(collector.url)
    private val system = shadowOf(
        device.app.getSystemService(Context.CONNECTIVITY_SERVICE) as ConnectivityManager,
    )
    private val wifi = ShadowNetwork.newInstance(1)
    private val mobile = ShadowNetwork.newInstance(2)

    /** The one that the system was given. */
    private fun callback(): NetworkCallback = await { system.networkCallbacks.singleOrNull() }

    /** Whether what waits is uploaded. */
    private fun Journey.uploads() = uploadAndWait(PATIENCE_MS)

    @After
    fun end() {
        device.close()
        collector.close()
    }

    @Test
    fun `without a network nothing is tried, and what waits goes out when it is back`() {
        system.setActiveNetworkInfo(null)
        val journey = device.open()
        val callback = callback()
        journey.screen("home")
        assertFalse(journey.uploads())
        assertEquals(emptyList<Any>(), collector.events)
        callback.onAvailable(wifi)
        await { collector.events.singleOrNull() }
    }

    @Test
    fun `from one network to the next the phone stays online`() {
        val journey = device.open()
        val callback = callback()
        callback.onAvailable(wifi)
        callback.onAvailable(mobile)
        journey.screen("home")
        assertTrue(journey.uploads())
        callback.onLost(mobile)
        journey.screen("cart")
        assertFalse(journey.uploads())
    }

    @Test
    fun `a journey that is closed asks no more`() {
        device.open()
        callback()
        device.close()
        await { Unit.takeIf { system.networkCallbacks.isEmpty() } }
    }

    @Test
    fun `the job has a network, whatever was said before`() {
        system.setActiveNetworkInfo(null)
        val journey = device.open()
        callback()
        journey.screen("home")
        assertTrue(OpenJourneys.uploads!!.work())
    }

    @Test
    @Config(shadows = [Refusing::class])
    fun `an app that removed the permission is taken for online`() {
        system.setActiveNetworkInfo(null)
        val journey = device.open()
        await { Unit.takeIf { Refusing.asked } }
        journey.screen("home")
        await { Unit.takeIf { journey.uploads() } }
        assertEquals(1, collector.events.size)
    }

    /** A system that says no. */
    @Implements(ConnectivityManager::class)
    class Refusing : ShadowConnectivityManager() {
        @Implementation
        override fun registerDefaultNetworkCallback(networkCallback: NetworkCallback) {
            asked = true
            throw SecurityException()
        }

        companion object {
            @Volatile
            var asked = false
        }
    }
}
