package androidx.lifecycle.compose

/** Stands in for what the effect's block ends with. */
class LifecycleStopOrDisposeEffectResult

/** Stands in for the scope of the effect's block. */
class LifecycleStartStopEffectScope {
    fun onStopOrDispose(block: () -> Unit) = LifecycleStopOrDisposeEffectResult().also { block() }
}

/** Stands in for Compose's effect: it runs its block once, as the first start does. */
fun LifecycleStartEffect(
    key1: Any?,
    effects: LifecycleStartStopEffectScope.() -> LifecycleStopOrDisposeEffectResult,
) {
    check(key1 != null)
    LifecycleStartStopEffectScope().effects()
}
