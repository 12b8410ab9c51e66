package androidx.fragment.app

import android.os.Bundle
import android.view.View

/** Stands in for androidx.fragment, which only Google's repository has: what the samples of the docs use. */
open class Fragment {
    open fun onViewCreated(view: View, savedInstanceState: Bundle?) = Unit
}
