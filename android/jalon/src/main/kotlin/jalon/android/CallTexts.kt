package jalon.android

/** The texts of "call us" for the customer. The defaults are English; set others for other languages. */
public class CallTexts {
    /** The label of [CallUsButton]. */
    public var callUs: String = "Call us"

    /** The name of the long press action, for a screen reader; it also lets the customer choose. */
    public var previewAction: String = "See what the agent will see"

    /** The title over what the agent will see. */
    public var previewTitle: String = "The agent will see"

    /** The choice of a call that carries the whole journey. */
    public var everything: String = "Everything I did here"

    /** The choice of a call that carries the screen it is made from. */
    public var onlyThisScreen: String = "Only this screen"

    /** The choice of a call that carries nothing but the number. */
    public var onlyTheNumber: String = "Nothing but my number"

    /** Says that there is more than the preview shows. */
    public var uploadedBefore: String = "The agent also sees what you did before."

    /** Shown where a call would carry nothing. */
    public var nothingToSee: String = "Nothing: the call carries only your number."

    /** The title where the device has no dialer. */
    public var noDialerTitle: String = "This device cannot place calls"

    /** What to do without a dialer and without a code. */
    public var noDialer: (number: String) -> String = { number -> "Call $number from a phone." }

    /** What to do without a dialer, with a code to say. */
    public var noDialerWithCode: (number: String, code: String) -> String = { number, code ->
        "Call $number from a phone. When asked, give this code:\n\n$code"
    }

    /** Closes a message. */
    public var close: String = "Close"

    /**
     * One step of the preview. The default names screens and failures as the app records them: give
     * them the customer's words here. Called on the main thread.
     */
    public var step: (PreviewStep) -> String = ::englishStep

    /** What the agent will see, as the customer reads it: the newest first. */
    internal fun describe(preview: Preview): String {
        val lines = listOfNotNull(preview.customer) + preview.steps.asReversed().map { step(it) }
        val more = if (preview.uploadedBefore) listOf("", uploadedBefore) else emptyList()
        return (lines + more).joinToString("\n").trim().ifEmpty { nothingToSee }
    }

    /** What to do where no call can be placed. */
    internal fun explain(number: String, code: String?): String =
        if (code == null) noDialer(number) else noDialerWithCode(number, code)

    /** A choice in words. */
    internal fun choice(scope: CallScope): String = when (scope) {
        CallScope.EVERYTHING -> everything
        CallScope.ONLY_THIS_SCREEN -> onlyThisScreen
        CallScope.ONLY_THE_NUMBER -> onlyTheNumber
    }
}

private fun englishStep(step: PreviewStep): String {
    val about = step.about ?: ""
    return when (step.what) {
        StepKind.SCREEN_VIEW -> "Opened $about"
        StepKind.PRODUCT_VIEW -> "Looked at $about"
        StepKind.SEARCH -> if (about.isEmpty()) "Searched" else "Searched for $about"
        StepKind.CART_CHANGE -> "Changed the cart: $about"
        StepKind.ORDER -> "Order $about"
        StepKind.FAILURE -> "Something went wrong: $about"
        StepKind.CUSTOM -> about
        StepKind.CUSTOMER -> if (about.isEmpty()) "Logged out" else "Logged in as $about"
        StepKind.LOCATION -> "Was near $about"
        StepKind.CALL -> "Called us"
    }.trim()
}
