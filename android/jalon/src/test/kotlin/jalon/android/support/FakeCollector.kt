package jalon.android.support

import com.google.gson.JsonObject
import com.google.gson.JsonParser
import com.sun.net.httpserver.HttpExchange
import com.sun.net.httpserver.HttpServer
import java.net.InetAddress
import java.net.InetSocketAddress
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.Executors
import java.util.zip.GZIPInputStream

/** Stands where a collector would, and keeps what phones say word for word. */
class FakeCollector : AutoCloseable {
    private val server = HttpServer.create(InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0)
    private val threads = Executors.newCachedThreadPool()

    /** The status of every answer. */
    @Volatile
    var status = 200

    /** Locators of call codes to lease with each answer. */
    @Volatile
    var locators = emptyList<String>()

    /** Each request: its path, and its JSON where it has a body. */
    val requests = CopyOnWriteArrayList<Pair<String, JsonObject?>>()

    /** Each event once, by epoch and `seq`, in their order. */
    val events: List<JsonObject>
        get() = requests
            .filter { (_, body) -> body != null }
            .flatMap { (_, body) ->
                body!!["events"].asJsonArray.map { event -> body["epoch"].asLong to event.asJsonObject }
            }
            .associateBy { (epoch, event) -> epoch to event["seq"].asLong }
            .entries
            .sortedWith(compareBy({ it.key.first }, { it.key.second }))
            .map { it.value.second }

    val url get() = "http://127.0.0.1:${server.address.port}"

    init {
        server.executor = threads
        server.createContext("/") { exchange -> exchange.use(::answer) }
        server.start()
    }

    fun calls() = requests.filter { (path, _) -> path == "/v1/calls" }.map { (_, body) -> body!! }

    override fun close() {
        server.stop(0)
        threads.shutdownNow()
    }

    private fun codes() = locators.joinToString { """{"locator":"$it","expires_in_s":604800}""" }

    private fun answer(exchange: HttpExchange) {
        val body = exchange.requestBody.readBytes()
        val json = body.takeIf { it.isNotEmpty() }
            ?.let { GZIPInputStream(it.inputStream()).readBytes().toString(Charsets.UTF_8) }
            ?.let { JsonParser.parseString(it).asJsonObject }
        requests += exchange.requestURI.path to json
        val erasure = exchange.requestMethod == "DELETE" && status == 200
        // The type by which the core knows a problem of the collector's own.
        val problem = """{"type":"urn:jalon:problem:fake","status":$status}"""
        val text = if (status == 200) """{"stored":1,"codes":[${codes()}]}""" else problem
        val bytes = if (erasure) ByteArray(0) else text.toByteArray()
        exchange.sendResponseHeaders(if (erasure) 204 else status, if (erasure) -1 else bytes.size.toLong())
        exchange.responseBody.write(bytes)
    }
}

private inline fun HttpExchange.use(what: (HttpExchange) -> Unit) = try {
    what(this)
} finally {
    close()
}
