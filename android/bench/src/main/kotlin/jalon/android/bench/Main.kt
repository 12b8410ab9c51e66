package jalon.android.bench

import jalon.android.ByteWriter
import jalon.android.CallContext
import jalon.android.Consent
import jalon.android.Event
import jalon.android.Journey
import jalon.android.Price
import jalon.android.Product
import jalon.android.writeEvent
import java.io.File
import java.lang.management.ManagementFactory
import java.nio.file.Files
import kotlin.system.exitProcess

/** Rounds; in each, both have one block, in turn, so that noise strikes both. */
private const val ROUNDS = 200
private const val WARM_UP_ROUNDS = 20

/**
 * Events of a block: a million in all. As many as one segment of the journal holds, so that none is
 * dropped, which costs less, where other work keeps our worker off the processor.
 */
private const val BLOCK = 5_000

/** Calls of a block of whatever else is timed: Segment takes long to recover from more. */
private const val SMALL_BLOCK = 500

/**
 * A product view each 25 µs, as in the benchmark of the core: a hundred times what a busy customer
 * can do, and as much as keeps our worker busy without a pause while the journal never fills.
 */
private const val STEP_NS = 25_000L

private const val OPEN_ROUNDS = 10
private const val OPENINGS = 30

private const val QUEUED = 10_000L
private const val TAP_ROUNDS = 20

/** Until the Kotlin side of a tap is compiled; a customer's own first taps are slower. */
private const val TAP_WARM_UP_ROUNDS = 5
private const val TAPS = 100

/** Events whose memory is weighed. */
private const val WEIGHED = 100_000
private const val WEIGHED_STEP_NS = 100_000L

private const val OURS = "jalon"
private const val SEGMENT = "segment"

/** What the library costs an app's main thread, beside Segment's, in one JVM and one run. */
fun main(arguments: Array<String>) {
    if (arguments.size > 2) child(arguments) else measure(arguments)
    // Segment's threads live on after its shutdown.
    exitProcess(0)
}

private fun measure(arguments: Array<String>) {
    val (data, out) = arguments.map(::File)
    val dir = Files.createTempDirectory(out.toPath(), "kotlin-").toFile()
    val report = Report(
        "kotlin",
        "What an app's main thread pays, on a plain JVM (Java ${System.getProperty("java.version")}, " +
            "${options()}), beside Segment's analytics-kotlin 1.27 with its defaults. A product view is " +
            "built from texts that were just read, and handed over, every ${STEP_NS / 1_000} µs, in " +
            "$ROUNDS rounds, each recorder in turn; p50 and p99 are medians over the rounds, worst is of " +
            "all.",
    )
    val load = loadAverage()
    try {
        Network().use { network ->
            // First: it times the loading of classes.
            open(report, dir, network.url)
            record(report, dir, network.url, products(data))
            tap(report, dir, products(data))
            memory(report, dir, data, network.url)
        }
    } finally {
        dir.deleteRecursively()
    }
    val processors = Runtime.getRuntime().availableProcessors()
    report.note(
        "Load average of this machine of $processors processors: $load when it began, " +
            "${loadAverage()} when it ended.",
    )
    report.note("No phone: Android's runtime compiles and collects otherwise, and its disk is slower.")
    report.finish(out)
}

private fun child(arguments: Array<String>) {
    val (who, folder, data, url) = arguments
    val recorder = if (who == OURS) Ours(File(folder), url) else Segment(File(folder), url)
    weigh(recorder, products(File(data)), WEIGHED, WEIGHED_STEP_NS)
}

private fun options() = ManagementFactory.getRuntimeMXBean().inputArguments
    .filter { it.startsWith("-X") }
    .joinToString(" ")

private fun open(report: Report, dir: File, url: String) {
    val library = time { System.loadLibrary("jalon") }
    val known = File(dir, "first")
    val classes = timeOpening(known, url)
    val segmentClasses = timeSegment(File(dir, "segment-first"), url, "first")
    val ours = Sample()
    val again = Sample()
    val segment = Sample()
    for (round in 0 until OPEN_ROUNDS) {
        val fresh = LongArray(OPENINGS)
        val same = LongArray(OPENINGS)
        val theirs = LongArray(OPENINGS)
        for (at in 0 until OPENINGS) {
            val name = "open-$round-$at"
            fresh[at] = timeOpening(File(dir, name), url)
            same[at] = timeOpening(known, url)
            theirs[at] = timeSegment(File(dir, "segment-$name"), url, name)
        }
        ours.add(fresh)
        again.add(same)
        segment.add(theirs)
    }
    fun once(name: String, ns: Long) = Row(name).with("worst_us", ns / 1e3).with("count", 1)
    report.row(Row("open, a new folder").sample(ours))
    report.row(Row("open, the same folder again").sample(again))
    report.row(Row("Segment: Analytics(…), a new folder").sample(segment))
    report.row(once("System.loadLibrary", library))
    report.row(once("open, the first of the process: with class loading", classes))
    report.row(once("Segment: Analytics(…), the first: with class loading", segmentClasses))
    report.reach("open without class loading, p99", 5.0, ours.percentile(99.0) / 1e6, "ms")
    report.note(
        "Class loading, paid once by any first call: the library ${shown(library / 1e6)} ms, then " +
            "`open` ${shown(classes / 1e6)} ms, of which about ${shown(ours.percentile(50.0) / 1e6)} ms " +
            "would be `open` itself. Segment's first: ${shown(segmentClasses / 1e6)} ms.",
    )
}

private fun timeOpening(folder: File, url: String): Long {
    lateinit var journey: Journey
    val ns = time { journey = Ours.open(folder, url) }
    check(journey.status().problem == null) { "not opened: ${journey.status().problem}" }
    journey.close()
    return ns
}

private fun timeSegment(folder: File, url: String, key: String): Long {
    lateinit var segment: Segment
    val ns = time { segment = Segment(folder, url, key) }
    segment.close()
    return ns
}

private fun record(report: Report, dir: File, url: String, products: List<Shown>) {
    val ours = Ours(File(dir, "ours"), url)
    val theirs = Segment(File(dir, "theirs"), url)
    // Nobody was asked for consent: nothing is behind the call.
    val idle = Ours(File(dir, "idle"), url, Consent.DENIED)
    val (record, track, spin, encode, crossing) = List(5) { Timed() }
    val clock = Timed()
    var uploaded = 0L
    val collections = Collections()
    var spinNs = 0L
    for (round in -WARM_UP_ROUNDS until ROUNDS) {
        if (round % 40 == 0) System.err.println("record: round $round of $ROUNDS")
        if (round == 0) {
            collections.start()
            spinNs = record.sample.percentile(50.0).toLong()
            listOf(record, track, spin, encode, crossing, clock).forEach(Timed::forget)
            uploaded = 0
        }
        val delivered = ours.journey.status().delivered
        record.add { ourBlock(ours, products) }
        uploaded += ours.journey.status().delivered - delivered
        ours.rest()
        track.add { segmentBlock(theirs, products) }
        theirs.rest()
        spin.add { spinBlock(spinNs) }
        encode.add { encodeBlock(products) }
        crossing.add { crossingBlock(idle) }
        clock.add { clockBlock() }
    }
    report.row(Row("Jalon: record").sample(record.sample))
    report.row(Row("Segment: track").sample(track.sample))
    report.row(Row("bare: spin as long, to see the machine's own worst").sample(spin.sample))
    report.row(Row("bare: encode the same in Kotlin").sample(encode.sample))
    report.row(Row("bare: an empty crossing (prepareCall without consent)").sample(crossing.sample))
    report.row(Row("bare: read the clock").sample(clock.sample))
    val p50 = record.sample.percentile(50.0)
    report.reach("record, p50", 0.8, p50 / 1e3, "µs")
    report.reach("record, p50 beside Segment's", 0.1, p50 / track.sample.percentile(50.0), "×")
    report.reach("record, p99", 15.0, record.sample.percentile(99.0) / 1e3, "µs")
    report.reach("record, worst of a million", 20.0, record.sample.worst() / 1e6, "ms")
    report.note(
        "While `record` was timed our worker drained, synced and uploaded beside it: " +
            "${uploaded * 100 / record.sample.count} % of the events were with the collector when their " +
            "block ended; none was dropped. Segment was given a tenth of the events, ${SMALL_BLOCK} a " +
            "round: it needs longer to recover.",
    )
    report.note(
        "Calls over 1 ms: ${record.sample.over(1_000_000)} of ours, ${track.sample.over(1_000_000)} of " +
            "Segment's, ${spin.sample.over(1_000_000)} of spinning alone. Meanwhile the calling thread was " +
            "ready and had no processor, since other work had it, for ${record.waited()}, " +
            "${track.waited()} and ${spin.waited()}. ${collections.since()}",
    )
    report.note("Every time holds the clock's own: about ${shown(clock.sample.percentile(50.0) / 1e3)} µs.")
    listOf(ours, theirs, idle).forEach(AutoCloseable::close)
}

/** What is timed in blocks, and how long the machine kept the thread waiting meanwhile. */
private class Timed {
    var sample = Sample()
        private set
    private var waitedNs = 0L
    private var wholeNs = 0L

    inline fun add(block: () -> LongArray) {
        val (before, start) = waitedNs() to System.nanoTime()
        val times = block()
        wholeNs += System.nanoTime() - start
        waitedNs += waitedNs() - before
        sample.add(times)
    }

    /** What was warm-up. */
    fun forget() {
        sample = Sample()
        waitedNs = 0
        wholeNs = 0
    }

    fun waited() = "${waitedNs * 100 / wholeNs} % of the time"
}

private fun ourBlock(ours: Ours, products: List<Shown>) =
    timed(BLOCK, STEP_NS, { products[it % products.size].read() }) { ours.view(it) }

private fun segmentBlock(segment: Segment, products: List<Shown>) =
    timed(SMALL_BLOCK, STEP_NS, { products[it % products.size].read() }) { segment.view(it) }

private fun spinBlock(ns: Long) = timed(BLOCK, STEP_NS) { spin(ns) }

private fun spin(ns: Long) {
    val end = System.nanoTime() + ns
    while (System.nanoTime() < end) Thread.onSpinWait()
}

private fun encodeBlock(products: List<Shown>) = timed(
    SMALL_BLOCK,
    STEP_NS,
    { products[it % products.size].read() },
) { shown ->
    val price = Price(shown.cents, "EUR")
    val product = Product(shown.id, shown.name, shown.category, shown.brand, price)
    val writer = ByteWriter.ofThisThread()
    writer.writeEvent(Event.ProductView(product))
    writer.release()
}

private fun crossingBlock(idle: Ours) = timed(SMALL_BLOCK, STEP_NS) { idle.journey.prepareCall() }

private fun clockBlock() = timed(SMALL_BLOCK, STEP_NS) { }

/** What the collector of garbage did; its pauses strike whoever records. */
private class Collections {
    private val beans = ManagementFactory.getGarbageCollectorMXBeans()
    private var before = 0L to 0L

    fun start() {
        before = now()
    }

    fun since(): String {
        val (count, ms) = now()
        return "The JVM collected garbage ${count - before.first} times meanwhile, for " +
            "${ms - before.second} ms in all; a pause strikes whoever records."
    }

    private fun now() = beans.sumOf { it.collectionCount } to beans.sumOf { it.collectionTime }
}

private fun tap(report: Report, dir: File, products: List<Shown>) = Network().use { network ->
    network.refusesBatches = true
    val folder = File(dir, "taps")
    Ours(folder, network.url).use { ours ->
        for (at in 0 until QUEUED.toInt()) {
            // It waits until the journal is drained.
            if (at % 200 == 0) ours.journey.preview()
            ours.view(products[at % products.size])
        }
        val journey = ours.journey
        // The first tap finds no code: its answer brings the first ones.
        journey.callContext("+33 1 23 45 67 89", "billing")
        val (taps, views, spins) = List(3) { Timed() }
        var spinNs = 0L
        for (round in -TAP_WARM_UP_ROUNDS until TAP_ROUNDS) {
            if (round == 0) {
                spinNs = taps.sample.percentile(50.0).toLong()
                listOf(taps, views, spins).forEach(Timed::forget)
            }
            taps.add { tapBlock(journey) }
            views.add { awakened { ours.view(products[it % products.size]) } }
            spins.add { awakened { spin(spinNs) } }
        }
        ours.checkKept()
        val queued = journey.status().queued
        check(queued >= QUEUED) { "the backlog went: $queued are queued" }
        report.row(Row("callContext with 10,000 events queued").sample(taps.sample))
        report.row(Row("Jalon: record, from a thread that slept, as the tap").sample(views.sample))
        report.row(Row("bare: spin as long as the tap, from a thread that slept").sample(spins.sample))
        report.reach("callContext, p99", 150.0, taps.sample.percentile(99.0) / 1e3, "µs")
    }
}

private fun tapBlock(journey: Journey): LongArray {
    val given = ArrayList<CallContext>(TAPS)
    val times = awakened({ await("a code") { journey.status().codes > 0 } }) {
        given += journey.callContext("+33 1 23 45 67 89", "billing")
    }
    check(given.all { it.code != null && it.token != null }) { "a tap without a code" }
    return times
}

/** Times a call as a tap makes it, on a thread that slept: caches are cold, as on a phone. */
private inline fun awakened(before: () -> Unit = {}, call: (Int) -> Unit) = LongArray(TAPS) { at ->
    before()
    Thread.sleep(5)
    time { call(at) }
}

private fun memory(report: Report, dir: File, data: File, url: String) {
    for ((name, who) in listOf("Jalon" to OURS, "Segment" to SEGMENT)) {
        val (atOnce, atRest) = weighed(who, dir, data, url)
        for ((moment, memory) in listOf("at once" to atOnce, "at rest" to atRest)) {
            val row = Row("$name: added by 100,000 events, $moment")
            report.row(row.with("heap_mb", memory.heap).with("resident_mb", memory.resident))
        }
    }
    report.note(
        "Memory: each in a JVM of its own (medians of 3), after 20,000 events before, one event every " +
            "${WEIGHED_STEP_NS / 1_000} µs, all uploaded in the end. Heap is what lives after a collection; the " +
            "JVM's heap is resident from the start (AlwaysPreTouch), so resident is what grew outside of it, " +
            "within the few MB by which a JVM's own memory comes and goes. " +
            "`At once` is right after the last call, `at rest` when all is uploaded.",
    )
}
