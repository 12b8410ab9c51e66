package jalon.android

/**
 * The most characters of a text that are passed to the core. Each of the core's limits is far lower,
 * so a text that is cut here is treated there as the whole would be.
 */
private const val TEXT_CHARS_MAX = 64 * 1024

/** The most entries of a collection that are passed to the core, for the same reason. */
internal const val ENTRIES_MAX = 1024

/** The largest buffer, in bytes, that a thread keeps between two calls. */
private const val BUFFER_KEPT_BYTES = 64 * 1024

private const val FIRST_BUFFER_BYTES = 512
private const val UTF8_BYTES_MAX = 3

/**
 * Writes values in UniFFI's format, which Rust reads: big-endian, with a length before each text and
 * collection. One per thread, reused.
 */
internal class ByteWriter private constructor() {
    var bytes = ByteArray(FIRST_BUFFER_BYTES)
        private set
    var length = 0
        private set
    private var inUse = false

    fun byte(value: Int) {
        reserve(1)
        bytes[length++] = value.toByte()
    }

    fun boolean(value: Boolean) = byte(if (value) 1 else 0)

    fun int(value: Int) {
        reserve(Int.SIZE_BYTES)
        intAt(length, value)
        length += Int.SIZE_BYTES
    }

    fun long(value: Long) {
        int((value ushr Int.SIZE_BITS).toInt())
        int(value.toInt())
    }

    /** An unsigned integer in Rust: a negative value becomes zero. */
    fun unsigned(value: Int) = int(value.coerceAtLeast(0))

    fun unsigned(value: Long) = long(value.coerceAtLeast(0))

    fun double(value: Double) = long(value.toRawBits())

    fun bytes(value: ByteArray) {
        int(value.size)
        reserve(value.size)
        value.copyInto(bytes, length)
        length += value.size
    }

    /**
     * UTF-8. A lone surrogate becomes U+FFFD, since Rust's texts cannot hold one; and a null that
     * Java put where none is allowed becomes a blank text, which the core counts as invalid.
     */
    fun string(value: String?) {
        val text = value ?: ""
        val end = minOf(text.length, TEXT_CHARS_MAX)
        reserve(Int.SIZE_BYTES + end * UTF8_BYTES_MAX)
        val start = length + Int.SIZE_BYTES
        val next = utf8(text, end, start)
        intAt(length, next - start)
        length = next
    }

    inline fun <T> optional(value: T?, write: (T) -> Unit) {
        boolean(value != null)
        if (value != null) write(value)
    }

    inline fun <T> sequence(values: List<T>, write: (T) -> Unit) {
        val count = entries(values.size)
        int(count)
        for (at in 0 until count) write(values[at])
    }

    inline fun <K, V> map(values: Map<K, V>, write: (K, V) -> Unit) {
        val start = length
        int(0)
        var written = 0
        for ((key, value) in values) {
            if (written == ENTRIES_MAX) break
            write(key, value)
            written++
        }
        // As many as there were: a map may change while another thread looks through it.
        intAt(start, written)
    }

    fun entries(size: Int) = minOf(size, ENTRIES_MAX)

    private fun utf8(text: String, end: Int, start: Int): Int {
        val out = bytes
        var next = start
        var at = 0
        while (at < end) {
            val char = text[at++]
            val code = char.code
            when {
                code < 0x80 -> out[next++] = code.toByte()
                code < 0x800 -> {
                    out[next++] = (0xC0 or (code shr 6)).toByte()
                    out[next++] = (0x80 or (code and 0x3F)).toByte()
                }
                char.isHighSurrogate() && at < end && text[at].isLowSurrogate() -> {
                    val whole = Character.toCodePoint(char, text[at++])
                    out[next++] = (0xF0 or (whole shr 18)).toByte()
                    out[next++] = (0x80 or (whole shr 12 and 0x3F)).toByte()
                    out[next++] = (0x80 or (whole shr 6 and 0x3F)).toByte()
                    out[next++] = (0x80 or (whole and 0x3F)).toByte()
                }
                else -> {
                    val whole = if (char.isSurrogate()) 0xFFFD else code
                    out[next++] = (0xE0 or (whole shr 12)).toByte()
                    out[next++] = (0x80 or (whole shr 6 and 0x3F)).toByte()
                    out[next++] = (0x80 or (whole and 0x3F)).toByte()
                }
            }
        }
        return next
    }

    fun intAt(at: Int, value: Int) {
        bytes[at] = (value shr 24).toByte()
        bytes[at + 1] = (value shr 16).toByte()
        bytes[at + 2] = (value shr 8).toByte()
        bytes[at + 3] = value.toByte()
    }

    private fun reserve(more: Int) {
        if (bytes.size - length < more) bytes = bytes.copyOf(maxOf(bytes.size * 2, length + more))
    }

    /** Makes it available to the thread's next call. */
    fun release() {
        inUse = false
        if (bytes.size > BUFFER_KEPT_BYTES) bytes = ByteArray(FIRST_BUFFER_BYTES)
    }

    companion object {
        private val ofThread = object : ThreadLocal<ByteWriter>() {
            override fun initialValue() = ByteWriter()
        }

        /**
         * This thread's writer, empty, until it is released; another one for a call within a call, such
         * as from a map that records while it is looked through.
         */
        fun ofThisThread(): ByteWriter {
            val writer = ofThread.get()!!.takeUnless { it.inUse } ?: ByteWriter()
            writer.inUse = true
            writer.length = 0
            return writer
        }
    }
}

/** Reads what Rust wrote. */
internal class ByteReader(private val bytes: ByteArray, private var at: Int) {
    fun boolean(): Boolean = bytes[at++].toInt() != 0

    fun int(): Int {
        var value = 0
        repeat(Int.SIZE_BYTES) { value = value shl 8 or (bytes[at++].toInt() and 0xFF) }
        return value
    }

    fun long(): Long = (int().toLong() shl Int.SIZE_BITS) or (int().toLong() and 0xFFFF_FFFFL)

    fun double(): Double = Double.fromBits(long())

    fun bytes(): ByteArray {
        val length = int()
        at += length
        return bytes.copyOfRange(at - length, at)
    }

    fun string(): String {
        val length = int()
        at += length
        return String(bytes, at - length, length, Charsets.UTF_8)
    }

    inline fun <T> optional(read: () -> T): T? = if (boolean()) read() else null

    inline fun <T> sequence(read: () -> T): List<T> = List(int()) { read() }

    inline fun <K, V> map(key: () -> K, value: () -> V): Map<K, V> {
        val values = LinkedHashMap<K, V>()
        repeat(int()) { values[key()] = value() }
        return values
    }

    fun unknown(type: String, variant: Int): Nothing =
        throw CrossingError("$type has no variant $variant: build both from the same sources")
}
