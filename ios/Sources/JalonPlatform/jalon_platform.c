#include "jalon_platform.h"

#ifdef __APPLE__
#include <CoreFoundation/CoreFoundation.h>
#include <objc/runtime.h>
#include <stdatomic.h>
#include <stddef.h>

static atomic_bool launched;

static void finished_launching(CFNotificationCenterRef center, void *observer, CFStringRef name,
                               const void *object, CFDictionaryRef info) {
    (void)center, (void)observer, (void)name, (void)object, (void)info;
    atomic_store(&launched, true);
}

// Before `main`, so that the notification cannot have gone by. It is UIKit's alone: on macOS
// nothing of this name comes, and nothing asks.
__attribute__((constructor)) static void watch_launch(void) {
    CFNotificationCenterAddObserver(CFNotificationCenterGetLocalCenter(), &launched,
                                    finished_launching,
                                    CFSTR("UIApplicationDidFinishLaunchingNotification"), NULL,
                                    CFNotificationSuspensionBehaviorDeliverImmediately);
}

bool jalon_app_has_launched(void) {
    return atomic_load(&launched);
}

typedef void (*view_did_appear)(id self, SEL name, BOOL animated);

static view_did_appear original;
static void (*observer)(void *controller);

static void appeared_and_observed(id self, SEL name, BOOL animated) {
    original(self, name, animated);
    observer((void *)self);
}

bool jalon_observe_screens(void (*appeared)(void *controller)) {
    Class controllers = objc_getClass("UIViewController");
    Method method = class_getInstanceMethod(controllers, sel_registerName("viewDidAppear:"));
    if (observer != NULL || method == NULL) return false;
    observer = appeared;
    original = (view_did_appear)method_getImplementation(method);
    method_setImplementation(method, (IMP)appeared_and_observed);
    return true;
}
#else
bool jalon_app_has_launched(void) {
    return true;
}

bool jalon_observe_screens(void (*appeared)(void *controller)) {
    (void)appeared;
    return false;
}
#endif
