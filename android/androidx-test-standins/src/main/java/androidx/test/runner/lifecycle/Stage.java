package androidx.test.runner.lifecycle;

/** The stages of an Activity, in the order of androidx.test. */
public enum Stage {
    PRE_ON_CREATE,
    CREATED,
    STARTED,
    RESUMED,
    PAUSED,
    STOPPED,
    RESTARTED,
    DESTROYED
}
