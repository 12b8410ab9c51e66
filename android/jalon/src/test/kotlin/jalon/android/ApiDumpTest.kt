package jalon.android

import java.io.File
import org.jetbrains.kotlin.abi.tools.AbiFilters
import org.jetbrains.kotlin.abi.tools.AbiTools
import org.junit.Assert.assertEquals
import org.junit.Test

/** The public API changes only on purpose. */
class ApiDumpTest {
    private val dump = File("api/jalon-android.api")

    @Test
    fun `the public API is the one that was agreed on`() {
        val text = StringBuilder()
        val classes = File("target/classes").walk().filter { it.extension == "class" }.sorted()
        AbiTools.getInstance().printJvmDump(text, classes.asIterable(), AbiFilters.EMPTY)
        if (System.getProperty("jalon.api.write") == "true") dump.writeText(text.toString())
        val how = "to agree to the change: mvn -f android/pom.xml test -pl jalon -am -Dskip.device " +
            "-Dtest=ApiDumpTest -Dsurefire.failIfNoSpecifiedTests=false -Djalon.api.write=true"
        assertEquals(how, dump.readText(), text.toString())
    }
}
