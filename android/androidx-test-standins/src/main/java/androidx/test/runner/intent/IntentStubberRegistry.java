package androidx.test.runner.intent;

/** Holds no stubber: nothing here loads one. */
public final class IntentStubberRegistry {
    private IntentStubberRegistry() {}

    public static boolean isLoaded() {
        return false;
    }

    public static IntentStubber getInstance() {
        throw new IllegalStateException("no stubber was loaded");
    }
}
