package jalon.android.bench

import com.sun.net.httpserver.HttpExchange
import com.sun.net.httpserver.HttpServer
import java.io.OutputStream
import java.net.InetAddress
import java.net.InetSocketAddress
import java.util.concurrent.Executors
import java.util.concurrent.atomic.AtomicInteger

/** Swallows what is uploaded to it, on loopback; both recorders have the same one. */
internal class Network : AutoCloseable {
    private val server = HttpServer.create(InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0)
    private val threads = Executors.newCachedThreadPool { work ->
        Thread(work, "network").apply { isDaemon = true }
    }
    private val locators = AtomicInteger(412_000_000)

    /** Whether batches are refused, and only calls get through. */
    @Volatile
    var refusesBatches = false

    val url = "http://127.0.0.1:${server.address.port}"

    init {
        server.executor = threads
        server.createContext("/") { exchange -> answer(exchange) }
        server.start()
    }

    override fun close() {
        server.stop(0)
        threads.shutdownNow()
    }

    private fun answer(exchange: HttpExchange) {
        exchange.requestBody.copyTo(OutputStream.nullOutputStream())
        val path = exchange.requestURI.path
        val refused = refusesBatches && path != CALLS
        val bytes = answerTo(path).toByteArray()
        exchange.sendResponseHeaders(if (refused) UNAVAILABLE else OK, bytes.size.toLong())
        exchange.responseBody.write(bytes)
        exchange.close()
    }

    private fun answerTo(path: String) = when {
        // A collector leases a code with each call.
        path == CALLS ->
            """{"stored":1,"codes":[{"locator":"${locators.getAndAdd(2)}","expires_in_s":604800}]}"""
        // What Segment's client asks for as it starts.
        path.endsWith("/settings") -> """{"integrations":{"Segment.io":{"apiKey":"bench"}}}"""
        else -> """{"stored":1}"""
    }

    private companion object {
        init {
            // Else each answer waits 40 ms for the acknowledgement of its own header.
            System.setProperty("sun.net.httpserver.nodelay", "true")
        }

        const val CALLS = "/v1/calls"
        const val OK = 200
        const val UNAVAILABLE = 503
    }
}
