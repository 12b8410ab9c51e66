package jalon.android

import android.content.Context
import android.content.Intent
import android.os.Looper
import android.os.StrictMode
import android.os.UserManager
import android.util.Log
import jalon.android.support.Device
import jalon.android.support.FakeCollector
import jalon.android.support.ListActivity
import java.io.File
import java.util.concurrent.FutureTask
import kotlin.concurrent.thread
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertSame
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowApplication
import org.robolectric.shadows.ShadowLog

/** `Journey.open` in `Application.onCreate`: in every process, and whatever the app got wrong. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
class OpeningDeviceTest {
    private val collector = FakeCollector()
    private val device = Device(collector.url)
    private val folder = File(device.app.applicationInfo.dataDir, "no_backup/jalon")

    private fun lines() = ShadowLog.getLogsForTag("Jalon").map { it.msg }

    @After
    fun end() {
        device.close()
        collector.close()
    }

    @Test
    fun `opening makes a folder where backups do not reach, for this app alone`() {
        val journey = device.open()
        assertNull(journey.status().problem)
        assertEquals(device.app.noBackupFilesDir, folder.parentFile)
        assertTrue(File(folder, "identity").isFile)
        assertFalse(java.nio.file.Files.getPosixFilePermissions(folder.toPath()).any { "GROUP" in it.name || "OTHERS" in it.name })
    }

    @Test
    fun `opening twice gives the same journey`() {
        val journey = device.open()
        assertSame(journey, device.open())
        assertSame(journey, Journey.open(device.app, "wk_other", "https://other.example.com"))
    }

    @Test
    fun `two threads that open get one journey, and each screen is recorded once`() {
        val journeys = List(8) { FutureTask { device.open() }.also { thread(block = it::run) } }.map { it.get() }
        assertEquals(1, journeys.toSet().size)
        Robolectric.buildActivity(ListActivity::class.java).setup()
        check(journeys.first().uploadAndWait(60_000))
        assertEquals(1, collector.events.size)
    }

    @Test
    fun `a journey that was closed watches no more`() {
        device.open().close()
        val again = device.open()
        Robolectric.buildActivity(ListActivity::class.java).setup()
        check(again.uploadAndWait(60_000))
        assertEquals(1, collector.events.size)
    }

    @Test
    fun `the collector hears what the app is and runs on`() {
        device.open().screen("home")
        check(OpenJourneys.current!!.uploadAndWait(60_000))
        val app = collector.requests.first { (_, body) -> body != null }.second!!["app"].asJsonObject
        assertEquals(device.app.packageName, app["id"].asString)
        assertEquals("Android 15", app["os"].asString)
        assertTrue(app["locale"].asString.isNotEmpty())
    }

    @Test
    fun `a wrong option opens a journey that records nothing`() {
        val journey = Journey.open(device.app, "", "https://calls.example.com")
        journey.screen("home")
        assertTrue(journey.status().problem!!.contains("write_key"))
        assertEquals(0L, journey.status().recorded)
    }

    @Test
    fun `a configuration that throws leaves the other options as they are`() {
        val journey = Journey.open(device.app, "wk_test", collector.url) {
            consent = Consent.GRANTED
            error("a mistake of the app's")
        }
        assertEquals(Consent.GRANTED, journey.status().consent)
        assertEquals(1, lines().size)
    }

    @Test
    fun `another process of the app records nothing and says why`() {
        ShadowApplication.setProcessName("com.example.shop:push")
        val journey = device.open()
        journey.screen("home")
        assertTrue(journey.status().problem!!.contains("main process"))
        assertFalse(folder.exists())
        assertEquals(1, lines().count { "com.example.shop:push" in it })
    }

    @Test
    fun `before the first unlock events wait in memory, and are kept at the unlock`() {
        val users = device.app.getSystemService(Context.USER_SERVICE) as UserManager
        shadowOf(users).setUserUnlocked(false)
        // The folder is out of reach: a file stands where it should be.
        File(device.app.applicationInfo.dataDir).mkdirs()
        File(device.app.applicationInfo.dataDir, "no_backup").apply { deleteRecursively() }.writeText("")
        val journey = device.open()
        journey.screen("home")
        assertTrue(journey.status().storageTrouble!!.contains("not unlocked since it started"))
        assertEquals(1L, journey.status().queued)
        File(device.app.applicationInfo.dataDir, "no_backup").delete()
        shadowOf(users).setUserUnlocked(true)
        device.app.sendBroadcast(Intent(Intent.ACTION_USER_UNLOCKED))
        shadowOf(Looper.getMainLooper()).idle()
        val deadline = System.nanoTime() + 20_000_000_000
        while (!File(folder, "identity").isFile && System.nanoTime() < deadline) Thread.yield()
        assertTrue(File(folder, "identity").isFile)
        assertTrue(journey.uploadAndWait(60_000))
        assertEquals(1, collector.events.size)
        assertNull(journey.status().storageTrouble)
    }

    @Test
    fun `strict mode has nothing to say, and gets its policy back`() {
        val policy = StrictMode.ThreadPolicy.Builder().detectAll().penaltyDeath().build()
        StrictMode.setThreadPolicy(policy)
        val journey = device.open()
        journey.screen("home")
        journey.callContext("112")
        assertEquals(policy.toString(), StrictMode.getThreadPolicy().toString())
    }

    @Test
    fun `the library's own lines go to Android's log under one tag`() {
        JourneyLog.failed(IllegalStateException("what the app recorded"))
        val line = ShadowLog.getLogsForTag("Jalon").single()
        assertEquals(Log.ERROR, line.type)
        assertFalse("recorded" in line.msg)
    }
}
