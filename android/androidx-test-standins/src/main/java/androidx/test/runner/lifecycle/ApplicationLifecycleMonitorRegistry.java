package androidx.test.runner.lifecycle;

/** Holds the process's ApplicationLifecycleMonitor. */
public final class ApplicationLifecycleMonitorRegistry {
    private static ApplicationLifecycleMonitor instance;

    private ApplicationLifecycleMonitorRegistry() {}

    public static ApplicationLifecycleMonitor getInstance() {
        return instance;
    }

    public static void registerInstance(ApplicationLifecycleMonitor applicationLifecycleMonitor) {
        instance = applicationLifecycleMonitor;
    }
}
