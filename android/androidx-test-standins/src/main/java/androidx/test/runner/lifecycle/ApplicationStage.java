package androidx.test.runner.lifecycle;

/** The stages of an Application. */
public enum ApplicationStage {
    PRE_ON_CREATE,
    CREATED
}
