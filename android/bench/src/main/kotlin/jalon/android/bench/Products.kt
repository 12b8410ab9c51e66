package jalon.android.bench

import java.io.File
import java.math.BigDecimal

/** A product on a shop's screen. */
internal class Shown(
    val id: String,
    val name: String,
    val category: String?,
    val brand: String?,
    val cents: Long,
) {
    /** The same in texts of its own: the app has just read them, to show them. */
    fun read() = Shown(id.read(), name.read(), category?.read(), brand?.read(), cents)

    private fun String.read() = toCharArray().concatToString()
}

/** The products of the real rows (see `benches/data/README.md`), named as a shop's app names them. */
internal fun products(data: File): List<Shown> = listOf("customers.csv", "mixed.csv")
    .flatMap { File(data, it).readLines().drop(1) }
    .map { line ->
        val (id, _, category, brand, price) = line.split(',').drop(2)
        Shown(
            id = id,
            name = "$brand ${category.substringAfterLast('.')} $id",
            category = category.ifEmpty { null },
            brand = brand.ifEmpty { null },
            cents = BigDecimal(price).movePointRight(2).longValueExact(),
        )
    }
