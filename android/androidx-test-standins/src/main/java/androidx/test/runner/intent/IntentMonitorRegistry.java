package androidx.test.runner.intent;

/** Holds the process's IntentMonitor. */
public final class IntentMonitorRegistry {
    private static IntentMonitor instance;

    private IntentMonitorRegistry() {}

    public static IntentMonitor getInstance() {
        return instance;
    }

    public static void registerInstance(IntentMonitor intentMonitor) {
        instance = intentMonitor;
    }
}
