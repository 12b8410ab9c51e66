package jalon.android

import android.os.StrictMode
import android.util.Log
import jalon.android.support.Device
import jalon.android.support.FakeCollector
import java.io.File
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertSame
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
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
    fun `the collector hears what the app is and runs on`() {
        device.open().screen("home")
        check(Opening.current!!.uploadAndWait(60_000))
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
    @Config(sdk = [35])
    fun `before the first unlock events wait in memory, and the status says so`() {
        // The folder is out of reach: a file stands where it should be.
        File(device.app.applicationInfo.dataDir).mkdirs()
        File(device.app.applicationInfo.dataDir, "no_backup").apply { deleteRecursively() }.writeText("")
        val journey = device.open()
        journey.screen("home")
        assertNotNull(journey.status().storageTrouble)
        assertEquals(1L, journey.status().queued)
        File(device.app.applicationInfo.dataDir, "no_backup").delete()
        assertTrue(journey.uploadAndWait(60_000))
        assertEquals(1, collector.events.size)
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
        Lines.failed(IllegalStateException("what the app recorded"))
        val line = ShadowLog.getLogsForTag("Jalon").single()
        assertEquals(Log.ERROR, line.type)
        assertFalse("recorded" in line.msg)
    }
}
