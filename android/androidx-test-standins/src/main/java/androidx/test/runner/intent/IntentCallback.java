package androidx.test.runner.intent;

import android.content.Intent;

/** Hears of intents. */
public interface IntentCallback {
    void onIntentSent(Intent intent);
}
