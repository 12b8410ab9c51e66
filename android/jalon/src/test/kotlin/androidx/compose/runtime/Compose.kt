package androidx.compose.runtime

/** Stands in for Compose's annotation, which only Google's repository has. */
annotation class Composable
