package jalon.android

/** The first byte of a result: a value follows; any other: an error. */
private const val VALUE = 0

/** A call into the native library failed; never thrown at an app. */
internal class CrossingError(message: String) : RuntimeException(message)

internal inline fun cross(
    arguments: ByteWriter.() -> Unit,
    native: (ByteArray, Int) -> ByteArray?,
): ByteArray? {
    val writer = ByteWriter.ofThisThread()
    try {
        writer.arguments()
        return native(writer.bytes, writer.length)
    } finally {
        writer.release()
    }
}

/** Calls a native method that returns nothing. */
internal inline fun tell(arguments: ByteWriter.() -> Unit, native: (ByteArray, Int) -> ByteArray?) {
    cross(arguments, native)
}

/** Calls a native method that returns a value or an error. */
internal inline fun <T> ask(
    arguments: ByteWriter.() -> Unit,
    native: (ByteArray, Int) -> ByteArray?,
    error: ByteReader.() -> Throwable = { CrossingError("an error where none was expected") },
    result: ByteReader.() -> T,
): T {
    val bytes = cross(arguments, native) ?: throw CrossingError("the native library returned nothing")
    val reader = ByteReader(bytes, 1)
    if (bytes[0].toInt() != VALUE) throw reader.error()
    return reader.result()
}

/**
 * Runs something that must not fail an app: on any throwable it returns [otherwise], and the log says
 * so, without the event's content.
 */
internal inline fun <T> harmless(otherwise: () -> T, what: () -> T): T = try {
    what()
} catch (fault: Throwable) {
    JourneyLog.failed(fault)
    otherwise()
}

internal inline fun harmless(what: () -> Unit) = harmless({}, what)
