package jalon.android.support

import java.io.File

/** A JVM of its own with this one's class path, for what must be killed or watched from outside. */
object Child {
    fun start(main: Class<*>, vararg arguments: String, under: List<String> = emptyList()): Process {
        val java = File(System.getProperty("java.home"), "bin/java").path
        val library = "-Djava.library.path=${System.getProperty("java.library.path")}"
        val classes = System.getProperty("surefire.test.class.path") ?: System.getProperty("java.class.path")
        val command = under + listOf(java, library, "-cp", classes, main.name) + arguments
        return ProcessBuilder(command).redirectErrorStream(false).start()
    }
}
