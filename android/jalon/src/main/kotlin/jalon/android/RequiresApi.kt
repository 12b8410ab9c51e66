package jalon.android

/**
 * Marks what runs only from Android API [level] on; its caller has looked at `SDK_INT`. The build's check
 * of minSdk lets a newer call pass here alone, so keep such a function to that one call.
 */
@Retention(AnnotationRetention.BINARY)
@Target(AnnotationTarget.FUNCTION, AnnotationTarget.CLASS)
internal annotation class RequiresApi(val level: Int)
