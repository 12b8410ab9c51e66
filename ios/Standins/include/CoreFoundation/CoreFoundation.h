// Stands in for the one call of CoreFoundation that the package's C file makes.
#pragma once

typedef const struct __CFString *CFStringRef;
typedef const struct __CFDictionary *CFDictionaryRef;
typedef struct __CFNotificationCenter *CFNotificationCenterRef;
typedef long CFNotificationSuspensionBehavior;
enum { CFNotificationSuspensionBehaviorDeliverImmediately = 4 };
typedef void (*CFNotificationCallback)(CFNotificationCenterRef center, void *observer,
                                       CFStringRef name, const void *object,
                                       CFDictionaryRef info);

CFNotificationCenterRef CFNotificationCenterGetLocalCenter(void);
void CFNotificationCenterAddObserver(CFNotificationCenterRef center, const void *observer,
                                     CFNotificationCallback callback, CFStringRef name,
                                     const void *object,
                                     CFNotificationSuspensionBehavior behaviour);
#define CFSTR(text) ((CFStringRef)__builtin___CFStringMakeConstantString(text))
