import Foundation

extension Journey {
    /// What the customer lets a call carry.
    public enum CallScope: Sendable, Hashable, CaseIterable {
        /// The whole journey.
        case everything
        /// Only the screen the call is made from: neither who calls nor what came before. Also
        /// offline, since the code itself says so.
        case onlyThisScreen
        /// Nothing but the number: the call has no token and no code, and the collector is not told
        /// of it.
        case onlyTheNumber
    }

    /// The context of a call, in the exact form that each way of calling needs. Printing or logging
    /// it shows no content.
    public struct CallContext: Sendable, Hashable, CustomStringConvertible {
        /// The URL to open, such as `tel:+33123456789,,4129073852176`: the number, and the code
        /// where there is one. `nil` for a call without a phone number.
        public var dialString: String?
        /// The token. `nil` without the customer's consent, and where the call carries nothing but
        /// the number.
        public var token: String?
        /// The code, thirteen digits. `nil` where there is no token, and on a phone that has no
        /// codes left: it never had a data connection, or used all its codes offline.
        public var code: String?
        /// The code in groups, for reading aloud: `412 907 385 217 6`.
        public var spokenCode: String?
        /// The headers of a SIP INVITE: `User-to-User` (RFC 7433) and `X-Jalon-Context`. Set both:
        /// the exchange uses whichever reaches it. Empty without a token.
        public var sipHeaders: [NamedValue] = []
        /// The parameter of a chat, a callback request or a link: `jalon_context` and the token.
        public var linkParameter: NamedValue?
        /// How long the token can be claimed, in ms after the tap.
        public var expiresInMs = 0

        /// A call that carries nothing; for an app's tests and previews.
        public init() {}

        /// The type alone: anyone with the token or the code can see what the agent sees.
        public var description: String { "CallContext(…)" }
    }

    /// A header or a parameter, with its exact value, which holds the token.
    public struct NamedValue: Sendable, Hashable, CustomStringConvertible {
        /// Its name.
        public var name: String
        /// Its value.
        public var value: String

        /// A header or a parameter; for an app's tests and previews.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }

        /// The name alone: the value must not be logged.
        public var description: String { "\(name)=…" }
    }

    /// Why a call could not be given its context.
    public enum CallError: Error, Sendable, Hashable {
        /// The number to call is not a phone number: 3 to 15 digits, with an optional leading `+`.
        case notANumber
    }

    /// What became of a tap on "call us".
    public enum CallOutcome: Sendable, Hashable {
        /// The dialer is open, with the number and the code.
        case dialing
        /// This device places no calls; the button tells the customer the number and the code.
        case noDialer
        /// The number to call is not a phone number: 3 to 15 digits, with an optional leading `+`.
        /// Nothing was dialled; the button tells the customer the number as it stands.
        case notANumber
    }

    /// The texts of "call us" for the customer. The defaults are English; set others for other
    /// languages.
    public struct CallTexts: Sendable {
        /// The label of ``CallUsButton``.
        public var callUs = "Call us"
        /// The name of the long press action, for a screen reader; it also lets the customer
        /// choose.
        public var previewAction = "See what the agent will see"
        /// The title over what the agent will see.
        public var previewTitle = "The agent will see"
        /// The choice of a call that carries the whole journey.
        public var everything = "Everything I did here"
        /// The choice of a call that carries the screen it is made from.
        public var onlyThisScreen = "Only this screen"
        /// The choice of a call that carries nothing but the number.
        public var onlyTheNumber = "Nothing but my number"
        /// Says that there is more than the preview shows.
        public var uploadedBefore = "The agent also sees what you did before."
        /// Shown where a call would carry nothing.
        public var nothingToSee = "Nothing: the call carries only your number."
        /// The title where the device places no calls.
        public var noDialerTitle = "This device cannot place calls"
        /// What to do without a dialer and without a code.
        public var noDialer: @Sendable (_ number: String) -> String = { "Call \($0) from a phone." }
        /// What to do without a dialer, with a code to say.
        public var noDialerWithCode: @Sendable (_ number: String, _ code: String) -> String = {
            "Call \($0) from a phone. When asked, give this code:\n\n\($1)"
        }
        /// Closes a message.
        public var close = "Close"
        /// One step of the preview.
        public var step: @Sendable (PreviewStep) -> String = englishStep

        /// In English.
        public init() {}

        /// What the agent will see, as the customer reads it: the newest first.
        func describe(_ preview: Preview) -> String {
            let lines = [preview.customer].compactMap { $0 } + preview.steps.reversed().map(step)
            let more = preview.uploadedBefore ? ["", uploadedBefore] : []
            let text = (lines + more).joined(separator: "\n")
                .trimmingCharacters(in: .whitespacesAndNewlines)
            return text.isEmpty ? nothingToSee : text
        }

        /// A choice in words.
        func choice(_ scope: CallScope) -> String {
            switch scope {
            case .everything: everything
            case .onlyThisScreen: onlyThisScreen
            case .onlyTheNumber: onlyTheNumber
            }
        }

        /// What to do where no call can be placed.
        func explain(_ number: String, code: String?) -> String {
            code.map { noDialerWithCode(number, $0) } ?? noDialer(number)
        }
    }
}

extension Journey.CallContext {
    /// A button's call: with the context of `journey`; if the app has opened none, to the number
    /// alone, so that the call itself still works. Without a `dialString` if the number is not a
    /// phone number.
    init(
        of journey: Journey?, to number: String, topic: String?, scope: Journey.CallScope
    ) {
        guard let journey else {
            JourneyLog.put(.warn, "a call carries nothing: open the journey first")
            self = .numberAlone(number)
            return
        }
        self = (try? journey.callContext(number: number, topic: topic, scope: scope)) ?? Self()
    }

    /// A call without context. Reads numbers as the core does, or refuses them.
    static func numberAlone(_ number: String) -> Self {
        let read = digitsAndSigns(of: number)
        // The `(0` of `+33 (0)1 23` is not always dialled: the core knows when.
        let bracketedZero = read.range(of: "[0-9]\\)?\\(0", options: .regularExpression)
        var digits = read.filter { !"()".contains($0) }[...]
        let plus = digits.hasPrefix("+") ? "+" : ""
        digits = digits.dropFirst(plus.count)
        var call = Self()
        let isNumber = digits.allSatisfy { ("0"..."9").contains($0) }
        if (3...15).contains(digits.count), isNumber, bracketedZero == nil {
            call.dialString = "tel:\(plus)\(digits)"
        }
        return call
    }

    /// Without what people write between digits, and what comes along unseen when a number is
    /// copied; digits of all scripts as ASCII.
    private static func digitsAndSigns(of number: String) -> String {
        var read = ""
        for scalar in number.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .format, .dashPunctuation: continue
            case .decimalNumber: read += String(Int(scalar.properties.numericValue ?? 0))
            default:
                if scalar.properties.isWhitespace || "./\u{2212}".unicodeScalars.contains(scalar) {
                    continue
                }
                read.unicodeScalars.append(scalar == "\u{ff0b}" ? "+" : scalar)
            }
        }
        return read
    }
}

@Sendable private func englishStep(_ step: Journey.PreviewStep) -> String {
    let about = step.about ?? ""
    let text =
        switch step.what {
        case .screenView: "Opened \(about)"
        case .productView: "Looked at \(about)"
        case .search: about.isEmpty ? "Searched" : "Searched for \(about)"
        case .cartChange: "Changed the cart: \(about)"
        case .order: "Order \(about)"
        case .failure: "Something went wrong: \(about)"
        case .custom: about
        case .customer: about.isEmpty ? "Logged out" : "Logged in as \(about)"
        case .location: "Was near \(about)"
        case .call: "Called us"
        }
    return text.trimmingCharacters(in: .whitespaces)
}
