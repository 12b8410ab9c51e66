package androidx.test.runner.lifecycle;

import android.app.Application;

/** Hears of an Application's stages. */
public interface ApplicationLifecycleCallback {
    void onApplicationLifecycleChanged(Application app, ApplicationStage stage);
}
