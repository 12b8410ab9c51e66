package jalon.android

import android.content.Context
import android.net.ConnectivityManager
import android.net.ConnectivityManager.NetworkCallback
import android.net.Network
import android.net.NetworkCapabilities
import android.net.NetworkRequest
import android.os.Build

/**
 * Tells the journey whether the phone has a network. One behind a login page counts: whether it leads
 * to the collector, only an attempt shows. Where the system does not say, the journey hears nothing,
 * and takes the phone for online.
 *
 * [start] and [stop] talk to the system: on one thread, which is not the main one.
 */
internal class Connectivity(private val app: Context, private val journey: Journey) {
    private val system by lazy {
        app.getSystemService(Context.CONNECTIVITY_SERVICE) as? ConnectivityManager
    }

    /** Those that are there. Before Android 7 the system tells of each, since then of the one in use. */
    private val networks = mutableSetOf<Network>()

    /** Called on a thread of the system's, one call at a time. */
    private val callback = object : NetworkCallback() {
        override fun onAvailable(network: Network) = harmless {
            if (tellsOfOne) networks.clear()
            networks += network
            journey.setOnline(true)
        }

        override fun onLost(network: Network) = harmless {
            networks -= network
            if (networks.isEmpty()) journey.setOnline(false)
        }
    }

    private var registered = false

    fun start() {
        try {
            val system = system ?: return
            // The system never tells of a network that is not there. First, since a network that comes
            // meanwhile is then told afterwards.
            if (system.activeNetwork == null) journey.setOnline(false)
            if (tellsOfOne) registerDefault(system) else registerAny(system)
            registered = true
        } catch (_: SecurityException) {
            // The app removed the permission.
        } finally {
            if (!registered) journey.setOnline(true)
        }
    }

    fun stop() {
        if (!registered) return
        registered = false
        system?.unregisterNetworkCallback(callback)
        // Nobody would tell a journey that stays open.
        journey.setOnline(true)
    }

    @RequiresApi(Build.VERSION_CODES.N)
    private fun registerDefault(system: ConnectivityManager) = system.registerDefaultNetworkCallback(callback)

    private fun registerAny(system: ConnectivityManager) {
        val request = NetworkRequest.Builder()
            .addCapability(NetworkCapabilities.NET_CAPABILITY_INTERNET)
            .build()
        system.registerNetworkCallback(request, callback)
    }

    private companion object {
        val tellsOfOne = Build.VERSION.SDK_INT >= Build.VERSION_CODES.N
    }
}
