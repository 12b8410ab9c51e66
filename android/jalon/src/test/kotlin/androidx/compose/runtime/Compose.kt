package androidx.compose.runtime

/** Stands in for Compose's annotation, which only Google's repository has. */
annotation class Composable

/** Stands in for Compose's effect: it runs its block once, as the first composition does. */
fun LaunchedEffect(key1: Any?, block: () -> Unit) {
    check(key1 != null)
    block()
}
