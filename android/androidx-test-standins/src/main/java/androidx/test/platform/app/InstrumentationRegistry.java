package androidx.test.platform.app;

import android.app.Instrumentation;
import android.os.Bundle;

/** Holds the process's instrumentation. */
public final class InstrumentationRegistry {
    private static Instrumentation instance;
    private static Bundle arguments;

    private InstrumentationRegistry() {}

    public static Instrumentation getInstrumentation() {
        if (instance == null) {
            throw new IllegalStateException("no instrumentation was registered");
        }
        return instance;
    }

    public static Bundle getArguments() {
        return new Bundle(arguments);
    }

    public static void registerInstance(Instrumentation instrumentation, Bundle given) {
        instance = instrumentation;
        arguments = new Bundle(given);
    }
}
