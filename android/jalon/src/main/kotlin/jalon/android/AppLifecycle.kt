package jalon.android

import android.app.Activity
import android.app.Application
import android.os.Bundle
import android.view.ViewTreeObserver.OnWindowFocusChangeListener
import java.lang.ref.WeakReference
import java.util.WeakHashMap

/**
 * Watches the app's Activities: records each as a screen, tells whether the app is in front, and starts the
 * upload of queued events when the customer leaves the app. Main thread only. (Not named `LifecycleObserver`: in an Android app
 * that is androidx's interface, which this does not use.)
 */
internal class AppLifecycle(
    private val journey: Journey,
    private val options: Configuration,
    private val uploads: BackgroundUploads,
) : Application.ActivityLifecycleCallbacks {
    /** Those that were started, as far as seen: the journey may be opened after some were. */
    private val started = WeakHashMap<Activity, Unit>()

    /** Activities whose screen view was recorded when they were created. */
    private val recordedOnCreate = WeakHashMap<Activity, Unit>()

    /** The Activity whose screen was recorded last. */
    private var lastRecorded = WeakReference<Activity>(null)

    /** The class of a shown Activity that is being recreated, such as for a rotation: no new screen. */
    private var recreated: Class<Activity>? = null

    private val focusListeners = WeakHashMap<Activity, OnWindowFocusChangeListener>()

    // Inside `super.onCreate`: what the Activity records in its own `onCreate` comes after its screen.
    override fun onActivityCreated(activity: Activity, savedInstanceState: Bundle?) = harmless {
        recordedOnCreate[activity] = Unit
        val isRecreated = recreated == activity.javaClass
        recreated = null
        if (isRecreated) lastRecorded = WeakReference(activity) else screen(activity)
    }

    override fun onActivityStarted(activity: Activity) = harmless {
        val isNew = recordedOnCreate.remove(activity) != null
        // The same one back from the background: the core records the screen that was shown.
        val isReturn = started.isEmpty() && lastRecorded.get() === activity
        if (!isNew && !isReturn) screen(activity)
        started[activity] = Unit
        // After the screen: where the customer comes back to is this one.
        journey.setForeground(true)
    }

    override fun onActivityResumed(activity: Activity) = harmless {
        // Back from a translucent Activity: this one stayed visible and was never stopped.
        if (lastRecorded.get().let { it != null && it !== activity }) screen(activity)
        if (focusListeners.containsKey(activity)) return@harmless
        // From the overview of apps a process may be killed before any Activity is stopped.
        val listener = OnWindowFocusChangeListener { has -> harmless { if (!has) uploads.leave() } }
        activity.window?.decorView?.viewTreeObserver?.addOnWindowFocusChangeListener(listener)
        focusListeners[activity] = listener
    }

    override fun onActivityPaused(activity: Activity): Unit = Unit

    override fun onActivityStopped(activity: Activity) = harmless {
        started.remove(activity)
        if (started.isNotEmpty() || activity.isChangingConfigurations) return@harmless
        journey.setForeground(false)
        uploads.leave()
    }

    override fun onActivitySaveInstanceState(activity: Activity, outState: Bundle): Unit = Unit

    override fun onActivityDestroyed(activity: Activity) = harmless {
        recordedOnCreate.remove(activity)
        focusListeners.remove(activity)?.let { listener ->
            activity.window?.decorView?.viewTreeObserver?.removeOnWindowFocusChangeListener(listener)
        }
        if (activity.isChangingConfigurations && lastRecorded.get() === activity) {
            recreated = activity.javaClass
        }
    }

    private fun screen(activity: Activity) {
        if (!options.automaticScreens) return
        // The app's own code: if it fails, that costs this screen and nothing else.
        val name = harmless({ null }) { options.screenName(activity) } ?: return
        lastRecorded = WeakReference(activity)
        journey.screen(name)
    }
}
