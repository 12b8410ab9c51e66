package androidx.compose.runtime

import kotlin.coroutines.Continuation
import kotlin.coroutines.EmptyCoroutineContext
import kotlin.coroutines.startCoroutine

/** Stands in for Compose's annotation, which only Google's repository has. */
annotation class Composable

/** Stands in for Compose's effect: it runs its block once, as the first composition does. */
fun LaunchedEffect(key: Any?, block: suspend (Any?) -> Unit) {
    val effect: suspend () -> Unit = { block(key) }
    effect.startCoroutine(Continuation(EmptyCoroutineContext) { it.getOrThrow() })
}
