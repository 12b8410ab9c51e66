package androidx.test.runner.lifecycle;

/** Holds the process's ActivityLifecycleMonitor. */
public final class ActivityLifecycleMonitorRegistry {
    private static ActivityLifecycleMonitor instance;

    private ActivityLifecycleMonitorRegistry() {}

    public static ActivityLifecycleMonitor getInstance() {
        return instance;
    }

    public static void registerInstance(ActivityLifecycleMonitor activityLifecycleMonitor) {
        instance = activityLifecycleMonitor;
    }
}
