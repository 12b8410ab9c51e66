package jalon.android.bench

import jalon.android.ByteWriter
import jalon.android.Consent
import jalon.android.Event
import jalon.android.Price
import jalon.android.Product
import jalon.android.writeEvent
import java.io.File
import java.lang.management.ManagementFactory
import java.nio.file.Files

/** Rounds; in each, both have one block, in turn, so that noise strikes both. */
private const val ROUNDS = 100
private const val WARM_UP_ROUNDS = 10

/** Events of a block: a million in all. */
private const val BLOCK = 10_000

/** Calls of a block of whatever else is timed: Segment takes long to recover from more. */
private const val SMALL_BLOCK = 1_000

/** A product view each 50 µs: far more than any customer can do, and our worker keeps up with it. */
private const val STEP_NS = 50_000L

private const val OPEN_ROUNDS = 10
private const val OPENINGS = 30

private const val QUEUED = 10_000L
private const val TAP_ROUNDS = 10
private const val TAPS = 100

/** Far less than a segment of the journal holds. */
private const val JOURNAL_BYTES = 128 * 1024

/** Events whose memory is weighed. */
private const val WEIGHED = 100_000
private const val WEIGHED_STEP_NS = 100_000L

private const val OURS = "jalon"
private const val SEGMENT = "segment"

/** What the library costs an app's main thread, beside Segment's, in one JVM and one run. */
fun main(arguments: Array<String>) {
    if (arguments.size > 2) return child(arguments)
    val (data, out) = arguments.map(::File)
    val dir = Files.createTempDirectory(out.toPath(), "kotlin-").toFile()
    val report = Report(
        "kotlin",
        "What an app's main thread pays, on a plain JVM (Java ${System.getProperty("java.version")}, " +
            "${options()}), beside Segment's analytics-kotlin 1.27 with its defaults. A product view is " +
            "built and handed over every ${STEP_NS / 1_000} µs, in $ROUNDS rounds, each recorder in turn; " +
            "p50 and p99 are medians over the rounds, worst is of all.",
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
    report.note("Load average of this machine of ${Runtime.getRuntime().availableProcessors()} processors: $load when it began, ${loadAverage()} when it ended.")
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
    val classes = time { Ours.open(File(dir, "first"), url) }
    val segmentClasses = time { Segment(File(dir, "segment-first"), url, "first") }
    val ours = Sample()
    val used = Sample()
    val segment = Sample()
    val usedFolder = File(dir, "first")
    for (round in 0 until OPEN_ROUNDS) {
        val fresh = LongArray(OPENINGS)
        val again = LongArray(OPENINGS)
        val theirs = LongArray(OPENINGS)
        for (at in 0 until OPENINGS) {
            val name = "open-$round-$at"
            fresh[at] = timeOpening(File(dir, name), url)
            again[at] = timeOpening(usedFolder, url)
            theirs[at] = timeSegment(File(dir, "segment-$name"), url, name)
        }
        ours.add(fresh)
        used.add(again)
        segment.add(theirs)
    }
    fun once(name: String, ns: Long) = Row(name).with("worst_us", ns / 1e3).with("count", 1)
    report.row(once("System.loadLibrary", library))
    report.row(once("open, the first of the process: with class loading", classes))
    report.row(Row("open, a new folder").sample(ours))
    report.row(Row("open, a used folder").sample(used))
    report.row(once("Segment: Analytics(…), the first: with class loading", segmentClasses))
    report.row(Row("Segment: Analytics(…), a new folder").sample(segment))
    report.reach("open without class loading, p99", 5.0, ours.percentile(99.0) / 1e6, "ms")
    report.note(
        "Class loading, paid once by any first call: the library ${shown(library / 1e6)} ms, then " +
            "`open` ${shown(classes / 1e6)} ms, of which about ${shown(ours.percentile(50.0) / 1e6)} ms " +
            "would be `open` itself. Segment's first: ${shown(segmentClasses / 1e6)} ms.",
    )
}

private fun timeOpening(folder: File, url: String): Long {
    lateinit var journey: jalon.android.Journey
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
    val samples = List(5) { Sample() }
    var uploaded = 0L
    val collections = Collections()
    for (round in -WARM_UP_ROUNDS until ROUNDS) {
        val delivered = ours.journey.status().delivered
        val recorded = ourBlock(ours, products)
        val during = ours.journey.status().delivered - delivered
        ours.rest()
        val tracked = segmentBlock(theirs, products)
        theirs.rest()
        val others = listOf(encodeBlock(products), crossingBlock(idle), clockBlock())
        if (round < 0) continue
        if (round == 0) collections.start()
        uploaded += during
        samples.zip(listOf(recorded, tracked) + others).forEach { (sample, block) -> sample.add(block) }
    }
    val (ourSample, segmentSample, encode, crossing, clock) = samples
    report.row(Row("Jalon: record").sample(ourSample))
    report.row(Row("Segment: track").sample(segmentSample))
    report.row(Row("bare: encode the same in Kotlin").sample(encode))
    report.row(Row("bare: an empty crossing (prepareCall without consent)").sample(crossing))
    report.row(Row("bare: read the clock").sample(clock))
    report.reach("record, p50", 2.0, ourSample.percentile(50.0) / 1e3, "µs")
    report.reach("record, p99", 50.0, ourSample.percentile(99.0) / 1e3, "µs")
    report.reach("record, worst of a million", 20.0, ourSample.worst() / 1e6, "ms")
    report.note(
        "While `record` was timed our worker drained, synced and uploaded beside it: " +
            "${uploaded * 100 / ourSample.count} % of the events were with the collector when their block " +
            "ended; none was dropped. ${ourSample.over(1_000_000)} calls took over 1 ms; of Segment's " +
            "${segmentSample.count} it was ${segmentSample.over(1_000_000)}.",
    )
    report.note("Every time holds the clock's own: about ${shown(clock.percentile(50.0) / 1e3)} µs. ${collections.since()}")
    listOf(ours, theirs, idle).forEach(AutoCloseable::close)
}

private fun ourBlock(ours: Ours, products: List<Shown>) =
    timed(BLOCK, STEP_NS) { ours.view(products[it % products.size]) }

private fun segmentBlock(segment: Segment, products: List<Shown>) =
    timed(SMALL_BLOCK, STEP_NS) { segment.view(products[it % products.size]) }

private fun encodeBlock(products: List<Shown>) = timed(SMALL_BLOCK, STEP_NS) {
    val shown = products[it % products.size]
    val price = Price(shown.cents, "EUR")
    val product = Product(shown.id, shown.name, shown.category, shown.brand, price)
    ByteWriter.here().writeEvent(Event.ProductView(product))
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
        val journal = listOf("journal-0", "journal-1").map { File(folder, it) }
        for (at in 0 until QUEUED.toInt()) {
            if (at % 200 == 0) await("the drain") { journal.sumOf { it.length() } < JOURNAL_BYTES }
            ours.view(products[at % products.size])
        }
        val journey = ours.journey
        // The first tap finds no code: its answer brings the first ones.
        journey.callContext("+33 1 23 45 67 89", "billing")
        val sample = Sample()
        // The first round warms up.
        for (round in -1 until TAP_ROUNDS) {
            val times = LongArray(TAPS)
            for (at in 0 until TAPS) {
                await("a code") { journey.status().codes > 0 }
                // A tap comes from a thread that slept: caches are cold, as on a phone.
                Thread.sleep(5)
                val start = System.nanoTime()
                val context = journey.callContext("+33 1 23 45 67 89", "billing")
                times[at] = System.nanoTime() - start
                check(context.code != null && context.token != null) { "a tap without a code" }
            }
            if (round >= 0) sample.add(times)
        }
        ours.checkKept()
        val queued = journey.status().queued
        check(queued >= QUEUED) { "the backlog went: $queued are queued" }
        report.row(Row("callContext with 10,000 events queued").sample(sample))
        report.reach("callContext, p99", 200.0, sample.percentile(99.0) / 1e3, "µs")
    }
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
            "JVM's heap is resident from the start (AlwaysPreTouch), so resident is what grew outside of it. " +
            "`At once` is right after the last call, `at rest` when all is uploaded.",
    )
}
