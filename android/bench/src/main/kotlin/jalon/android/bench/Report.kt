package jalon.android.bench

import java.io.File
import java.util.Locale
import kotlin.math.abs
import kotlin.math.ceil
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive

/**
 * Durations in nanoseconds, kept by round: other work on the machine spoils a round, and the median
 * of rounds does not mind.
 */
internal class Sample {
    private val rounds = ArrayList<LongArray>()

    val count get() = rounds.sumOf { it.size }

    fun add(round: LongArray) {
        round.sort()
        rounds += round
    }

    /** The median of the rounds' percentiles, by nearest rank. */
    fun percentile(percent: Double) = median(
        rounds.map { it[ceil(percent / 100 * it.size).toInt().coerceIn(1, it.size) - 1].toDouble() },
    )

    /** The worst of all rounds. */
    fun worst() = rounds.maxOf { it.last() }.toDouble()

    /** How many took longer. */
    fun over(ns: Long) = rounds.sumOf { round -> round.count { it > ns } }
}

/** The median; of an even count, the upper one. */
internal fun median(values: List<Double>) = values.sorted()[values.size / 2]

/** A line of the table; columns are the cells' names, in the order they first come. */
internal class Row(val name: String) {
    val cells = LinkedHashMap<String, JsonPrimitive>()

    fun with(column: String, value: Number) = apply { cells[column] = JsonPrimitive(value) }

    /** Adds p50, p99, worst and the count of a sample. */
    fun sample(sample: Sample) = with("p50_us", sample.percentile(50.0) / 1e3)
        .with("p99_us", sample.percentile(99.0) / 1e3)
        .with("worst_us", sample.worst() / 1e3)
        .with("count", sample.count)
}

/**
 * What the benchmark found: prints a table and writes `NAME.json`, both in the form of the
 * benchmarks in Rust (`benches/src/report.rs`).
 */
internal class Report(private val name: String, private val about: String) {
    private val rows = ArrayList<Row>()
    private val reaches = ArrayList<Map<String, JsonPrimitive>>()
    private val notes = ArrayList<String>()

    fun row(row: Row) {
        rows += row
    }

    /** Says whether a figure was reached. */
    fun reach(what: String, most: Double, measured: Double, unit: String) {
        reaches += mapOf(
            "what" to JsonPrimitive(what),
            "reach" to JsonPrimitive("≤ ${most.toBigDecimal().stripTrailingZeros().toPlainString()} $unit"),
            "measured" to JsonPrimitive("${shown(measured)} $unit"),
            "reached" to JsonPrimitive(measured <= most),
        )
    }

    /** Adds what a reader must know to judge the figures. */
    fun note(note: String) {
        notes += note
    }

    fun finish(folder: File) {
        print(text())
        val json = JsonObject(
            mapOf(
                "name" to JsonPrimitive(name),
                "about" to JsonPrimitive(about),
                "rows" to JsonArray(rows.map { JsonObject(mapOf("name" to JsonPrimitive(it.name)) + it.cells) }),
                "reach" to JsonArray(reaches.map(::JsonObject)),
                "notes" to JsonArray(notes.map(::JsonPrimitive)),
            ),
        )
        val pretty = Json { prettyPrint = true }
        File(folder, "$name.json").writeText(pretty.encodeToString(JsonElement.serializer(), json) + "\n")
    }

    private fun text(): String {
        val columns = rows.flatMap { it.cells.keys }.distinct()
        val lines = rows.map { row -> listOf(row.name) + columns.map { row.cells[it]?.let(::shown) ?: "–" } }
        val keys = listOf("what", "reach", "measured", "reached")
        val reached = reaches.map { reach -> keys.map { shown(reach.getValue(it)) } }
        return "\n## $name\n$about\n\n" +
            table(listOf(listOf("") + columns.map(::words)) + lines) + "\n" +
            table(listOf(listOf("to reach", "figure", "measured", "reached")) + reached) +
            notes.joinToString("") { "\n- $it" } + "\n"
    }
}

/** `p50_us` reads as `p50 µs`. */
private fun words(column: String) = column.replace("_us", " µs").replace("_mb", " MB").replace('_', ' ')

private fun shown(value: JsonPrimitive) = when {
    value.isString -> value.content
    value.content == "true" -> "yes"
    value.content == "false" -> "NO"
    '.' in value.content -> shown(value.content.toDouble())
    else -> value.content
}

/** Three figures are all a shared machine is good for. */
internal fun shown(number: Double): String {
    val decimals = when {
        abs(number) >= 100 -> 0
        abs(number) >= 10 -> 1
        else -> 2
    }
    return String.format(Locale.ROOT, "%.${decimals}f", number)
}

private fun table(lines: List<List<String>>): String {
    val widths = lines.first().indices.map { at -> lines.maxOf { it[at].length } }
    val drawn = lines.map { line ->
        line.zip(widths).joinToString("") { (cell, width) -> "| ${cell.padEnd(width)} " } + "|\n"
    }
    val rule = widths.joinToString("") { "|" + "-".repeat(it + 2) } + "|\n"
    return drawn.first() + rule + drawn.drop(1).joinToString("")
}
