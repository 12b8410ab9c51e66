package jalon.android

import android.app.Application
import android.content.Context
import android.content.pm.ApplicationInfo
import android.os.Build
import java.util.Locale

/** What the collector is told of the app and the phone, and what the app itself says of its process. */
internal object AppInfo {
    /** How this build names itself to the collector. */
    const val SDK = "jalon-android/0.1.0"

    val os: String get() = "Android ${Build.VERSION.RELEASE}"

    val device: String get() = Build.MODEL ?: ""

    val locale: String get() = Locale.getDefault().toLanguageTag()

    fun versionOf(app: Context): String =
        harmless({ "" }) { app.packageManager.getPackageInfo(app.packageName, 0).versionName ?: "" }

    fun defaultLogLevel(app: Context): LogLevel {
        val debuggable = app.applicationInfo.flags and ApplicationInfo.FLAG_DEBUGGABLE != 0
        return if (debuggable) LogLevel.WARN else LogLevel.ERROR
    }

    /** The name of this process, where it is not the app's main one: only one can have the folder. */
    fun otherProcess(app: Context): String? {
        val modern = Build.VERSION.SDK_INT >= Build.VERSION_CODES.P
        val name = if (modern) processName() else formerProcessName()
        return name.takeIf { it != null && it != app.applicationInfo.processName }
    }

    @RequiresApi(Build.VERSION_CODES.P)
    private fun processName(): String? = Application.getProcessName()

    /** What `Application.getProcessName` asks in its turn, there since Android 4.3. */
    private fun formerProcessName(): String? = try {
        Class.forName("android.app.ActivityThread").getMethod("currentProcessName").invoke(null) as? String
    } catch (_: ReflectiveOperationException) {
        // Then the folder's lock decides.
        null
    }
}
