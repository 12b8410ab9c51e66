#if canImport(SwiftUI)
    import SwiftUI

    /// A "call us" button, ready to use: opens the call's connection when it appears, opens the
    /// dialer with the code at a tap, and at a long press shows the customer what the agent will
    /// see and lets the customer choose how much that is.
    ///
    /// It has the app's button style. If the device cannot place calls, the customer is told the
    /// number and the code; if the app has opened no journey, the call is to the number alone.
    ///
    /// ```swift
    /// CallUsButton("+33 1 23 45 67 89", topic: "billing")
    /// ```
    public struct CallUsButton: View {
        private let number: String
        private let topic: String?
        private let scope: Journey.CallScope
        private let asksFirst: Bool
        private let onCall: (@MainActor (Journey.CallOutcome) -> Void)?

        @Environment(\.journey) private var given
        @Environment(\.openURL) private var openURL
        @State private var message: Message?
        @State private var isShowing = false
        @State private var chosen: Journey.CallScope?
        @State private var isPreviewing = false
        @State private var isToCall = false

        private struct Message {
            let title: String
            let text: String
        }

        /// - Parameters:
        ///   - number: The number to call, such as `+33 1 23 45 67 89`. If it is not a phone
        ///     number, a tap shows it to the customer as it stands, and writes a line to the log.
        ///   - topic: What the call is about, in the app's words.
        ///   - scope: What the customer lets the call carry. The customer's own choice at a long press
        ///     takes precedence and lasts as long as the button. With
        ///     ``Journey/CallScope/onlyTheNumber`` the button dials no code and opens no connection.
        ///   - asksFirst: Whether a tap first shows what the agent will see, with the choice, and
        ///     calls from there.
        ///   - onCall: Called with the outcome of each call.
        public init(
            _ number: String, topic: String? = nil, scope: Journey.CallScope = .everything,
            asksFirst: Bool = false, onCall: (@MainActor (Journey.CallOutcome) -> Void)? = nil
        ) {
            self.number = number
            self.topic = topic
            self.scope = scope
            self.asksFirst = asksFirst
            self.onCall = onCall
        }

        private var journey: Journey? { given ?? OpenJourneys.current }
        private var texts: Journey.CallTexts { journey?.texts ?? Journey.CallTexts() }
        private var carried: Journey.CallScope { chosen ?? scope }

        /// The button.
        public var body: some View {
            Button(action: tap) { Text(verbatim: texts.callUs) }
                .contextMenu { Button(texts.previewAction, action: preview) }
                .accessibilityAction(named: Text(verbatim: texts.previewAction), preview)
                .onAppear(perform: warm)
                .onChange(of: carried) { _ in warm() }
                .sheet(isPresented: $isPreviewing, onDismiss: callIfAsked) {
                    if let journey {
                        PreviewSheet(
                            journey, scope: carried, choose: { chosen = $0 },
                            call: {
                                isToCall = true
                                isPreviewing = false
                            }, close: { isPreviewing = false })
                    }
                }
                .alert(message?.title ?? "", isPresented: $isShowing) {
                    Button(texts.close, role: .cancel) {}
                } message: {
                    Text(verbatim: message?.text ?? "")
                }
        }

        /// Without a journey there is nothing to show first, and the number to call all the same.
        private func tap() {
            if asksFirst, journey != nil { preview() } else { call() }
        }

        private func call() {
            let call = Journey.CallContext(of: journey, to: number, topic: topic, scope: carried)
            guard let url = call.dialString.flatMap(URL.init(string:)) else {
                JourneyLog.put(.warn, "a call was not placed: give it a phone number")
                // A person can often still read it.
                if !number.isEmpty { show(texts.callUs, texts.explain(number, code: nil)) }
                onCall?(.notANumber)
                return
            }
            openURL(url) { isAccepted in
                if !isAccepted {
                    show(texts.noDialerTitle, texts.explain(number, code: call.spokenCode))
                }
                onCall?(isAccepted ? .dialing : .noDialer)
            }
        }

        private func preview() {
            isPreviewing = journey != nil
        }

        /// Once the sheet is dismissed: an alert of the call needs its place.
        private func callIfAsked() {
            guard isToCall else { return }
            isToCall = false
            call()
        }

        private func warm() {
            if carried != .onlyTheNumber { journey?.prepareCall() }
        }

        private func show(_ title: String, _ text: String) {
            message = Message(title: title, text: text)
            isShowing = true
        }
    }

    extension View {
        /// Records a screen view each time this view appears: a route pattern such as
        /// `product/{id}`, never a URL. In the journey of the environment, else the one that the
        /// app has opened.
        public func journeyScreen(_ name: String) -> some View {
            modifier(JourneyScreen(name: name))
        }
    }

    private struct JourneyScreen: ViewModifier {
        let name: String
        @Environment(\.journey) private var given

        func body(content: Content) -> some View {
            content.onAppear { (given ?? OpenJourneys.current)?.screen(name) }
        }
    }

    private struct JourneyKey: EnvironmentKey {
        static let defaultValue: Journey? = nil
    }

    extension EnvironmentValues {
        /// The journey that ``CallUsButton`` and `journeyScreen(_:)` use; `nil`
        /// for the one that the app has opened.
        public var journey: Journey? {
            get { self[JourneyKey.self] }
            set { self[JourneyKey.self] = newValue }
        }
    }
#endif
