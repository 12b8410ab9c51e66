package jalon.test

import com.google.gson.JsonObject
import com.google.gson.JsonParser
import java.io.BufferedReader
import java.io.File
import java.net.HttpURLConnection
import java.net.URI
import java.nio.file.Files

private const val APP = "com.example.shop"

/** The real collector, in a folder of its own. */
class RealCollector private constructor(
    private val folder: File,
    private val process: Process,
    private val output: BufferedReader,
    val url: String,
    val writeKey: String,
    private val contactCentreKey: String,
) : AutoCloseable {
    /** What an agent's platform gets for a `code` or a `token`. */
    fun resolve(handle: String, text: String, callId: String): JsonObject {
        val connection = URI("$url/v1/contexts/resolve").toURL().openConnection() as HttpURLConnection
        connection.requestMethod = "POST"
        connection.doOutput = true
        connection.setRequestProperty("Authorization", "Bearer $contactCentreKey")
        connection.setRequestProperty("Content-Type", "application/json")
        connection.outputStream.use { it.write("""{"$handle":"$text","call_id":"$callId"}""".toByteArray()) }
        val good = connection.responseCode == 200
        val stream = if (good) connection.inputStream else connection.errorStream
        val answer = stream.bufferedReader().use { it.readText() }
        check(good) { "${connection.responseCode}: $answer" }
        return JsonParser.parseString(answer).asJsonObject
    }

    override fun close() {
        process.destroyForcibly().waitFor()
        output.close()
        folder.deleteRecursively()
    }

    companion object {
        fun start(): RealCollector {
            val binary = System.getProperty("jalon.collector")
            check(File(binary).canExecute()) { "no collector at $binary: run `cargo xtask test --only kotlin`" }
            val folder = Files.createTempDirectory("jalon-collector").toFile()
            val key = { kind: String ->
                val command = listOf(binary, "key", "create", "--data", folder.path, "--kind", kind, "--app", APP)
                val process = ProcessBuilder(command).redirectErrorStream(true).start()
                process.inputStream.bufferedReader().readLines().last().trim()
            }
            val (write, centre) = key("write") to key("contact-centre")
            val process = ProcessBuilder(binary, "serve", "--listen", "127.0.0.1:0", "--data", folder.path)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .apply { environment()["JALON_LOG"] = "warn" }
                .start()
            val output = process.inputStream.bufferedReader()
            val url = checkNotNull(output.readLine()) { "the collector ended early" }.removePrefix("listening on ").trim()
            return RealCollector(folder, process, output, url, write, centre)
        }
    }
}
