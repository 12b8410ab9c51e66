package androidx.fragment.app

/** Stands in for androidx.fragment, which only Google's repository has: what the README's sample uses. */
open class Fragment {
    open fun onStart() = Unit
}
