#if canImport(UIKit)
    import SwiftUI
    import UIKit

    /// ``CallUsButton`` for UIKit.
    ///
    /// Set `number` in code; if it is not a phone number, a tap shows it to the customer as it
    /// stands and writes a line to the log; if it is missing, a tap only writes the line. If the
    /// app has opened no journey, the call is to the number alone.
    @MainActor
    open class CallUsUIButton: UIButton {
        /// The number to call, such as `+33 1 23 45 67 89`.
        public var number = ""

        /// What the call is about, in the app's words.
        public var topic: String?

        /// What the customer lets the call carry. The customer's choice at a long press is set
        /// here, and lasts as long as the button. With ``Journey/CallScope/onlyTheNumber`` the
        /// button dials no code and opens no connection.
        public var scope = Journey.CallScope.everything {
            didSet { warm() }
        }

        /// Whether a tap first shows what the agent will see, with the choice, and calls from
        /// there.
        public var asksFirst = false

        /// The journey that the call carries; `nil` for the one that the app has opened.
        public var journey: Journey?

        /// Called with the outcome of each call.
        public var onCall: (@MainActor (Journey.CallOutcome) -> Void)?

        private var current: Journey? { journey ?? OpenJourneys.current }
        private var texts: Journey.CallTexts { current?.texts ?? Journey.CallTexts() }

        /// A button to lay out.
        public override init(frame: CGRect) {
            super.init(frame: frame)
            prepare()
        }

        /// A button out of a storyboard.
        public required init?(coder: NSCoder) {
            super.init(coder: coder)
            prepare()
        }

        private func prepare() {
            let texts = texts
            setTitle(texts.callUs, for: .normal)
            titleLabel?.font = .preferredFont(forTextStyle: .body)
            titleLabel?.adjustsFontForContentSizeCategory = true
            addAction(UIAction { [weak self] _ in self?.tap() }, for: .primaryActionTriggered)
            let preview = UIAction(title: texts.previewAction) { [weak self] _ in self?.preview() }
            menu = UIMenu(children: [preview])
            accessibilityCustomActions = [
                UIAccessibilityCustomAction(name: texts.previewAction) { [weak self] _ in
                    self?.preview()
                    return true
                }
            ]
        }

        /// Opens the call's connection when the button appears.
        open override func didMoveToWindow() {
            super.didMoveToWindow()
            warm()
        }

        private func warm() {
            if window != nil, scope != .onlyTheNumber { current?.prepareCall() }
        }

        private func tap() {
            // Without a journey there is nothing to show first, and the number to call all the
            // same.
            if asksFirst, current != nil { preview() } else { call() }
        }

        private func call() {
            guard let scene = window?.windowScene else { return }
            let call = Journey.CallContext(of: current, to: number, topic: topic, scope: scope)
            Task { [number] in
                let outcome = await call.dial(in: scene) { code in
                    self.show(
                        self.texts.noDialerTitle, self.texts.explain(number, code: code))
                }
                // A person can often still read it.
                if outcome == .notANumber, !number.isEmpty {
                    show(texts.callUs, texts.explain(number, code: nil))
                }
                onCall?(outcome)
            }
        }

        private func preview() {
            guard let journey = current, let top else { return }
            let sheet = PreviewSheet(
                journey, scope: scope, choose: { [weak self] in self?.scope = $0 },
                call: { [weak self, weak top] in top?.dismiss(animated: true) { self?.call() } },
                close: { [weak top] in top?.dismiss(animated: true) })
            top.present(UIHostingController(rootView: sheet), animated: true)
        }

        private func show(_ title: String, _ text: String) {
            let alert = UIAlertController(title: title, message: text, preferredStyle: .alert)
            alert.addAction(UIAlertAction(title: texts.close, style: .cancel))
            top?.present(alert, animated: true)
        }

        /// The view controller on top.
        private var top: UIViewController? {
            var top = window?.rootViewController
            while let above = top?.presentedViewController { top = above }
            return top
        }
    }

    extension Journey {
        /// Opens the phone's dialer on `number`, with the code in the dial string, so that the
        /// agent who picks up sees this journey. The system asks the customer before it dials.
        ///
        /// With ``CallOutcome/noDialer`` nothing was dialled, and `explain` has been called with
        /// the code to say, where there is one. `topic` says what the call is about, in the app's
        /// words; `scope`, what the customer lets it carry: there is no code if that is only the
        /// number.
        @MainActor
        @discardableResult
        public func call(
            _ number: String, topic: String? = nil, scope: CallScope = .everything,
            in scene: UIWindowScene, explain: @MainActor (_ spokenCode: String?) -> Void = { _ in }
        ) async -> CallOutcome {
            await CallContext(of: self, to: number, topic: topic, scope: scope)
                .dial(in: scene, explain: explain)
        }
    }

    extension Journey.CallContext {
        /// Opens the phone's dialer, or calls `explain` where there is none.
        @MainActor
        fileprivate func dial(
            in scene: UIWindowScene, explain: @MainActor (_ spokenCode: String?) -> Void
        ) async -> Journey.CallOutcome {
            guard let url = dialString.flatMap(URL.init(string:)) else {
                JourneyLog.put(.warn, "a call was not placed: give it a phone number")
                return .notANumber
            }
            let isOpen = await withCheckedContinuation { done in
                scene.open(url, options: nil) { done.resume(returning: $0) }
            }
            if !isOpen {
                JourneyLog.put(.info, "this device cannot place calls")
                explain(spokenCode)
            }
            return isOpen ? .dialing : .noDialer
        }
    }
#endif
