#if canImport(SwiftUI)
    import SwiftUI

    /// A "call us" button, ready to use: warms the call's connection when it appears, opens the
    /// dialer with the code at a tap, and at a long press shows the customer what the agent will see.
    ///
    /// Looks as the app has buttons look. Where the device places no calls the customer is told the
    /// number and the code.
    ///
    /// ```swift
    /// CallUsButton("+33 1 23 45 67 89", topic: "billing")
    /// ```
    public struct CallUsButton: View {
        private let number: String
        private let topic: String?
        private let onCall: (@MainActor (Journey.CallOutcome) -> Void)?

        @Environment(\.journey) private var given
        @Environment(\.openURL) private var openURL
        @State private var message: Message?
        @State private var isShowing = false

        private struct Message {
            let title: String
            let text: String
        }

        /// - Parameters:
        ///   - number: The number to call, such as `+33 1 23 45 67 89`. With one that is none a tap
        ///     does nothing but a line in the log.
        ///   - topic: What the call is about, in the app's words.
        ///   - onCall: Hears what became of a tap.
        public init(
            _ number: String, topic: String? = nil,
            onCall: (@MainActor (Journey.CallOutcome) -> Void)? = nil
        ) {
            self.number = number
            self.topic = topic
            self.onCall = onCall
        }

        private var journey: Journey? { given ?? Opening.current }
        private var texts: Journey.CallTexts { journey?.texts ?? Journey.CallTexts() }

        /// The button.
        public var body: some View {
            Button(action: call) { Text(verbatim: texts.callUs) }
                .contextMenu { Button(texts.previewAction, action: preview) }
                .accessibilityAction(named: Text(verbatim: texts.previewAction), preview)
                .onAppear { journey?.prepareCall() }
                .alert(message?.title ?? "", isPresented: $isShowing) {
                    Button(texts.close, role: .cancel) {}
                } message: {
                    Text(verbatim: message?.text ?? "")
                }
        }

        private func call() {
            guard let journey else { return }
            guard let call = try? journey.callContext(number: number, topic: topic),
                let url = call.dialString.flatMap(URL.init(string:))
            else {
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
            guard let journey else { return }
            Task {
                let preview = await journey.preview()
                show(texts.previewTitle, texts.describe(preview))
            }
        }

        private func show(_ title: String, _ text: String) {
            message = Message(title: title, text: text)
            isShowing = true
        }
    }

    extension View {
        /// Records a screen view each time this view appears: a route pattern such as
        /// `product/{id}`, never a URL. In the journey of the environment, else the one that the app
        /// has opened.
        public func journeyScreen(_ name: String) -> some View {
            modifier(JourneyScreen(name: name))
        }
    }

    private struct JourneyScreen: ViewModifier {
        let name: String
        @Environment(\.journey) private var given

        func body(content: Content) -> some View {
            content.onAppear { (given ?? Opening.current)?.screen(name) }
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
