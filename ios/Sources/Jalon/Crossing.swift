// Converts the façade's types to those of the generated code and back. Nothing is decided here.
import Foundation
internal import JalonBindings

extension Journey.Event {
    var crossing: JalonBindings.Event {
        switch self {
        case .screenView(let screen): .screenView(screen: screen)
        case .productView(let product): .productView(product: product.crossing)
        case .search(let query, let results):
            .search(query: query, results: results.map(UInt32.init(clamping:)))
        case .cartChange(let product, let delta):
            .cartChange(product: product.crossing, delta: Int32(clamping: delta))
        case .order(let order):
            .order(
                order: JalonBindings.Order(
                    id: order.id, status: order.status, total: order.total?.crossing))
        case .failure(let code, let screen): .failure(code: code, screen: screen)
        case .custom(let name, let values):
            .custom(name: name, values: values.mapValues(\.crossing))
        }
    }
}

extension Journey.Product {
    var crossing: JalonBindings.Product {
        JalonBindings.Product(
            id: id, name: name, category: category, brand: brand, price: price?.crossing)
    }
}

extension Journey.Price {
    var crossing: JalonBindings.Price {
        JalonBindings.Price(minor: Int64(minor), currency: currency)
    }
}

extension Journey.Value {
    var crossing: JalonBindings.Value {
        switch self {
        case .text(let text): .text(text)
        case .number(let number): .number(number)
        case .flag(let flag): .flag(flag)
        }
    }
}

extension Journey.Consent {
    var crossing: JalonBindings.Consent {
        switch self {
        case .unknown: .unknown
        case .granted: .granted
        case .denied: .denied
        }
    }

    init(_ consent: JalonBindings.Consent) {
        self =
            switch consent {
            case .unknown: .unknown
            case .granted: .granted
            case .denied: .denied
            }
    }
}

extension Journey.LogLevel {
    var crossing: JalonBindings.LogLevel {
        switch self {
        case .off: .off
        case .error: .error
        case .warn: .warn
        case .info: .info
        case .debug: .debug
        }
    }

    init(_ level: JalonBindings.LogLevel) {
        self =
            switch level {
            case .off: .off
            case .error: .error
            case .warn: .warn
            case .info: .info
            case .debug: .debug
            }
    }
}

extension Journey.CallScope {
    var crossing: JalonBindings.CallScope {
        switch self {
        case .everything: .everything
        case .onlyThisScreen: .onlyThisScreen
        case .onlyTheNumber: .onlyTheNumber
        }
    }
}

extension Journey.NamedValue {
    init(_ named: JalonBindings.NamedValue) {
        self.init(name: named.name, value: named.value)
    }
}

extension Journey.CallContext {
    init(_ context: JalonBindings.CallContext) {
        dialString = context.dialString
        token = context.token
        code = context.code
        spokenCode = context.spokenCode
        sipHeaders = context.sipHeaders.map(Journey.NamedValue.init)
        linkParameter = context.linkParameter.map(Journey.NamedValue.init)
        expiresInMs = Int(clamping: context.expiresInMs)
    }
}

extension Journey.Status {
    init(_ status: JalonBindings.Status) {
        problem = status.problem
        storageTrouble = status.storageTrouble
        consent = Journey.Consent(status.consent)
        session = Int(clamping: status.session)
        recorded = Int(clamping: status.recorded)
        delivered = Int(clamping: status.delivered)
        queued = Int(clamping: status.queued)
        dropped = Journey.Dropped(status.dropped)
        codes = Int(clamping: status.codes)
        lastUpload = status.lastUpload.map {
            Journey.LastUpload(atMs: Int(clamping: $0.atMs), problem: $0.problem)
        }
    }
}

extension Journey.Dropped {
    init(_ dropped: JalonBindings.Dropped) {
        quota = Int(clamping: dropped.quota)
        expired = Int(clamping: dropped.expired)
        corrupt = Int(clamping: dropped.corrupt)
        tooLarge = Int(clamping: dropped.tooLarge)
        invalid = Int(clamping: dropped.invalid)
        consent = Int(clamping: dropped.consent)
        disk = Int(clamping: dropped.disk)
        rejected = Int(clamping: dropped.rejected)
        total = Int(clamping: dropped.total)
    }
}

extension Journey.Preview {
    init(_ preview: JalonBindings.Preview) {
        customer = preview.customer
        uploadedBefore = preview.uploadedBefore
        steps = preview.steps.map { step in
            Journey.PreviewStep(
                atMs: Int(clamping: step.atMs), screen: step.screen,
                what: Journey.StepKind(step.what), about: step.about)
        }
    }
}

extension Journey.StepKind {
    init(_ kind: JalonBindings.StepKind) {
        self =
            switch kind {
            case .screenView: .screenView
            case .productView: .productView
            case .search: .search
            case .cartChange: .cartChange
            case .order: .order
            case .failure: .failure
            case .custom: .custom
            case .customer: .customer
            case .location: .location
            case .call: .call
            }
    }
}

extension Config {
    init(
        writeKey: String, endpoint: String, folder: URL, _ configuration: Journey.Configuration
    ) {
        self.init(
            folder: folder.path,
            endpoint: endpoint,
            writeKey: writeKey,
            sdk: AppInfo.sdk,
            appId: AppInfo.appId,
            appVersion: AppInfo.appVersion,
            os: AppInfo.os,
            device: AppInfo.device,
            locale: AppInfo.locale,
            consent: configuration.consent?.crossing,
            recordSearchQueries: configuration.recordSearchQueries,
            quotaBytes: configuration.quotaBytes.map(UInt64.init(clamping:)),
            timeToLiveMs: configuration.timeToLiveMs.map(UInt64.init(clamping:)),
            extraRoots: configuration.extraRoots,
            proxy: configuration.proxy,
            logLevel: (configuration.logLevel ?? JourneyLog.defaultLevel).crossing
        )
    }
}
