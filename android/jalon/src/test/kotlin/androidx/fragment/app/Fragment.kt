package androidx.fragment.app

/** Stands in for androidx.fragment, which only Google's repository has: what the samples of the docs use. */
open class Fragment {
    open fun onStart() = Unit
}
