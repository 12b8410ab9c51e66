// What the façade asks of the platform and Swift cannot say itself.
#pragma once
#include <stdbool.h>

/// Whether UIKit has told that the app finished launching: known from before anything of the app
/// runs. Background tasks are registered before that or crash the app. True where there is no UIKit.
bool jalon_app_has_launched(void);

/// Has `appeared` called with each view controller whose view has appeared, on the main thread.
/// For the main thread. False, and nothing done, where there is no UIKit or somebody hears already.
bool jalon_observe_screens(void (*appeared)(void *controller));
