package jalon.android

import android.app.Application
import android.content.BroadcastReceiver
import android.content.Context
import android.content.Intent
import android.content.IntentFilter
import android.os.Build
import android.os.UserManager

/**
 * Waits for the first unlock since the device started: until then the app's files are encrypted, and
 * events wait in memory. Only a direct-boot aware app runs before that.
 */
internal class FirstUnlock(private val app: Application, private val then: () -> Unit) {
    private val receiver = object : BroadcastReceiver() {
        override fun onReceive(context: Context, intent: Intent) = harmless {
            stop()
            then()
        }
    }
    private var waiting = false

    fun start() {
        if (!isAwaited(app)) return
        waiting = true
        app.registerReceiver(receiver, IntentFilter(Intent.ACTION_USER_UNLOCKED))
    }

    fun stop() {
        if (waiting) app.unregisterReceiver(receiver)
        waiting = false
    }

    companion object {
        fun isAwaited(app: Context): Boolean {
            // Before Android 7 no app runs before the first unlock.
            if (Build.VERSION.SDK_INT < Build.VERSION_CODES.N) return false
            return harmless({ false }) { !isUnlocked(app) }
        }

        @RequiresApi(Build.VERSION_CODES.N)
        private fun isUnlocked(app: Context): Boolean =
            (app.getSystemService(Context.USER_SERVICE) as? UserManager)?.isUserUnlocked ?: true
    }
}
