// Written by `cargo xtask bindings kotlin` from bindings/src: change it there.
@file:Suppress("RedundantVisibilityModifier")

package jalon.android

internal fun ByteWriter.writeLogLevel(value: LogLevel) {
    when (value) {
        LogLevel.OFF -> int(1)
        LogLevel.ERROR -> int(2)
        LogLevel.WARN -> int(3)
        LogLevel.INFO -> int(4)
        LogLevel.DEBUG -> int(5)
    }
}

internal fun ByteReader.readLogLevel(): LogLevel = when (val variant = int()) {
    1 -> LogLevel.OFF
    2 -> LogLevel.ERROR
    3 -> LogLevel.WARN
    4 -> LogLevel.INFO
    5 -> LogLevel.DEBUG
    else -> unknown("LogLevel", variant)
}

internal fun ByteWriter.writeCallScope(value: CallScope) {
    when (value) {
        CallScope.EVERYTHING -> int(1)
        CallScope.ONLY_THIS_SCREEN -> int(2)
        CallScope.ONLY_THE_NUMBER -> int(3)
    }
}

internal fun ByteReader.readCallScope(): CallScope = when (val variant = int()) {
    1 -> CallScope.EVERYTHING
    2 -> CallScope.ONLY_THIS_SCREEN
    3 -> CallScope.ONLY_THE_NUMBER
    else -> unknown("CallScope", variant)
}

internal fun ByteWriter.writeJourneyError(value: JourneyError) {
    when (value) {
        is JourneyError.PhoneNumber -> {
            int(1)
        }
    }
}

internal fun ByteReader.readJourneyError(): JourneyError = when (val variant = int()) {
    1 -> JourneyError.PhoneNumber()
    else -> unknown("JourneyError", variant)
}

internal fun ByteWriter.writeEvent(value: Event) {
    when (value) {
        is Event.ScreenView -> {
            int(1)
            string(value.screen)
        }
        is Event.ProductView -> {
            int(2)
            writeProduct(value.product)
        }
        is Event.Search -> {
            int(3)
            optional(value.query) { string(it) }
            optional(value.results) { unsigned(it) }
        }
        is Event.CartChange -> {
            int(4)
            writeProduct(value.product)
            int(value.delta)
        }
        is Event.Order -> {
            int(5)
            writeOrder(value.order)
        }
        is Event.Failure -> {
            int(6)
            string(value.code)
            optional(value.screen) { string(it) }
        }
        is Event.Custom -> {
            int(7)
            string(value.name)
            map(value.values) { key, value -> string(key); writeValue(value) }
        }
    }
}

internal fun ByteReader.readEvent(): Event = when (val variant = int()) {
    1 -> Event.ScreenView(string())
    2 -> Event.ProductView(readProduct())
    3 -> Event.Search(optional { string() }, optional { int() })
    4 -> Event.CartChange(readProduct(), int())
    5 -> Event.Order(readOrder())
    6 -> Event.Failure(string(), optional { string() })
    7 -> Event.Custom(string(), map({ string() }, { readValue() }))
    else -> unknown("Event", variant)
}

internal fun ByteWriter.writeValue(value: Value) {
    when (value) {
        is Value.Text -> {
            int(1)
            string(value.value)
        }
        is Value.Number -> {
            int(2)
            double(value.value)
        }
        is Value.Flag -> {
            int(3)
            boolean(value.value)
        }
    }
}

internal fun ByteReader.readValue(): Value = when (val variant = int()) {
    1 -> Value.Text(string())
    2 -> Value.Number(double())
    3 -> Value.Flag(boolean())
    else -> unknown("Value", variant)
}

internal fun ByteWriter.writeStepKind(value: StepKind) {
    when (value) {
        StepKind.SCREEN_VIEW -> int(1)
        StepKind.PRODUCT_VIEW -> int(2)
        StepKind.SEARCH -> int(3)
        StepKind.CART_CHANGE -> int(4)
        StepKind.ORDER -> int(5)
        StepKind.FAILURE -> int(6)
        StepKind.CUSTOM -> int(7)
        StepKind.CUSTOMER -> int(8)
        StepKind.LOCATION -> int(9)
        StepKind.CALL -> int(10)
    }
}

internal fun ByteReader.readStepKind(): StepKind = when (val variant = int()) {
    1 -> StepKind.SCREEN_VIEW
    2 -> StepKind.PRODUCT_VIEW
    3 -> StepKind.SEARCH
    4 -> StepKind.CART_CHANGE
    5 -> StepKind.ORDER
    6 -> StepKind.FAILURE
    7 -> StepKind.CUSTOM
    8 -> StepKind.CUSTOMER
    9 -> StepKind.LOCATION
    10 -> StepKind.CALL
    else -> unknown("StepKind", variant)
}

internal fun ByteWriter.writeConsent(value: Consent) {
    when (value) {
        Consent.UNKNOWN -> int(1)
        Consent.GRANTED -> int(2)
        Consent.DENIED -> int(3)
    }
}

internal fun ByteReader.readConsent(): Consent = when (val variant = int()) {
    1 -> Consent.UNKNOWN
    2 -> Consent.GRANTED
    3 -> Consent.DENIED
    else -> unknown("Consent", variant)
}

internal fun ByteWriter.writeConfig(value: Config) {
    string(value.folder)
    string(value.endpoint)
    string(value.writeKey)
    string(value.sdk)
    string(value.appId)
    string(value.appVersion)
    string(value.os)
    string(value.device)
    string(value.locale)
    optional(value.consent) { writeConsent(it) }
    boolean(value.recordSearchQueries)
    optional(value.quotaBytes) { unsigned(it) }
    optional(value.timeToLiveMs) { unsigned(it) }
    sequence(value.extraRoots) { bytes(it) }
    optional(value.proxy) { string(it) }
    writeLogLevel(value.logLevel)
    boolean(value.locked)
}

internal fun ByteReader.readConfig(): Config = Config(
    string(),
    string(),
    string(),
    string(),
    string(),
    string(),
    string(),
    string(),
    string(),
    optional { readConsent() },
    boolean(),
    optional { long() },
    optional { long() },
    sequence { bytes() },
    optional { string() },
    readLogLevel(),
    boolean(),
)

internal fun ByteWriter.writeCallContext(value: CallContext) {
    optional(value.dialString) { string(it) }
    optional(value.token) { string(it) }
    optional(value.code) { string(it) }
    optional(value.spokenCode) { string(it) }
    sequence(value.sipHeaders) { writeNamedValue(it) }
    optional(value.linkParameter) { writeNamedValue(it) }
    unsigned(value.expiresInMs)
}

internal fun ByteReader.readCallContext(): CallContext = CallContext(
    optional { string() },
    optional { string() },
    optional { string() },
    optional { string() },
    sequence { readNamedValue() },
    optional { readNamedValue() },
    long(),
)

internal fun ByteWriter.writeNamedValue(value: NamedValue) {
    string(value.name)
    string(value.value)
}

internal fun ByteReader.readNamedValue(): NamedValue = NamedValue(
    string(),
    string(),
)

internal fun ByteWriter.writeOrder(value: Order) {
    string(value.id)
    string(value.status)
    optional(value.total) { writePrice(it) }
}

internal fun ByteReader.readOrder(): Order = Order(
    string(),
    string(),
    optional { readPrice() },
)

internal fun ByteWriter.writePrice(value: Price) {
    long(value.minor)
    string(value.currency)
}

internal fun ByteReader.readPrice(): Price = Price(
    long(),
    string(),
)

internal fun ByteWriter.writeProduct(value: Product) {
    string(value.id)
    optional(value.name) { string(it) }
    optional(value.category) { string(it) }
    optional(value.brand) { string(it) }
    optional(value.price) { writePrice(it) }
}

internal fun ByteReader.readProduct(): Product = Product(
    string(),
    optional { string() },
    optional { string() },
    optional { string() },
    optional { readPrice() },
)

internal fun ByteWriter.writePreview(value: Preview) {
    optional(value.customer) { string(it) }
    sequence(value.steps) { writePreviewStep(it) }
    boolean(value.uploadedBefore)
}

internal fun ByteReader.readPreview(): Preview = Preview(
    optional { string() },
    sequence { readPreviewStep() },
    boolean(),
)

internal fun ByteWriter.writePreviewStep(value: PreviewStep) {
    long(value.atMs)
    optional(value.screen) { string(it) }
    writeStepKind(value.what)
    optional(value.about) { string(it) }
}

internal fun ByteReader.readPreviewStep(): PreviewStep = PreviewStep(
    long(),
    optional { string() },
    readStepKind(),
    optional { string() },
)

internal fun ByteWriter.writeDropped(value: Dropped) {
    unsigned(value.quota)
    unsigned(value.expired)
    unsigned(value.corrupt)
    unsigned(value.tooLarge)
    unsigned(value.invalid)
    unsigned(value.consent)
    unsigned(value.disk)
    unsigned(value.rejected)
    unsigned(value.total)
}

internal fun ByteReader.readDropped(): Dropped = Dropped(
    long(),
    long(),
    long(),
    long(),
    long(),
    long(),
    long(),
    long(),
    long(),
)

internal fun ByteWriter.writeLastUpload(value: LastUpload) {
    long(value.atMs)
    optional(value.problem) { string(it) }
}

internal fun ByteReader.readLastUpload(): LastUpload = LastUpload(
    long(),
    optional { string() },
)

internal fun ByteWriter.writeStatus(value: Status) {
    optional(value.problem) { string(it) }
    optional(value.storageTrouble) { string(it) }
    writeConsent(value.consent)
    unsigned(value.session)
    unsigned(value.recorded)
    unsigned(value.delivered)
    unsigned(value.queued)
    writeDropped(value.dropped)
    unsigned(value.codes)
    optional(value.lastUpload) { writeLastUpload(it) }
}

internal fun ByteReader.readStatus(): Status = Status(
    optional { string() },
    optional { string() },
    readConsent(),
    int(),
    long(),
    long(),
    long(),
    readDropped(),
    int(),
    optional { readLastUpload() },
)
