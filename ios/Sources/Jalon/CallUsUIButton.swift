#if canImport(UIKit)
    import UIKit

    /// ``CallUsButton`` for UIKit.
    ///
    /// Set `number` in code; without one, or with a number that is none, a tap does nothing but a
    /// line in the log.
    @MainActor
    open class CallUsUIButton: UIButton {
        /// The number to call, such as `+33 1 23 45 67 89`.
        public var number = ""

        /// What the call is about, in the app's words.
        public var topic: String?

        /// The journey that the call carries; `nil` for the one that the app has opened.
        public var journey: Journey?

        /// Hears what became of a tap.
        public var onCall: (@MainActor (Journey.CallOutcome) -> Void)?

        private var current: Journey? { journey ?? Opening.current }
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
            addAction(UIAction { [weak self] _ in self?.call() }, for: .primaryActionTriggered)
            let preview = UIAction(title: texts.previewAction) { [weak self] _ in self?.preview() }
            menu = UIMenu(children: [preview])
            accessibilityCustomActions = [
                UIAccessibilityCustomAction(name: texts.previewAction) { [weak self] _ in
                    self?.preview()
                    return true
                }
            ]
        }

        /// Warms the call's connection as the button comes on screen.
        open override func didMoveToWindow() {
            super.didMoveToWindow()
            if window != nil { current?.prepareCall() }
        }

        private func call() {
            guard let journey = current, let scene = window?.windowScene else { return }
            Task { [number, topic] in
                let outcome = await journey.call(number, topic: topic, in: scene) { code in
                    self.show(
                        self.texts.noDialerTitle, self.texts.explain(number, code: code))
                }
                onCall?(outcome)
            }
        }

        private func preview() {
            guard let journey = current else { return }
            Task {
                let preview = await journey.preview()
                show(texts.previewTitle, texts.describe(preview))
            }
        }

        private func show(_ title: String, _ text: String) {
            let alert = UIAlertController(title: title, message: text, preferredStyle: .alert)
            alert.addAction(UIAlertAction(title: texts.close, style: .cancel))
            var top = window?.rootViewController
            while let above = top?.presentedViewController { top = above }
            top?.present(alert, animated: true)
        }
    }

    extension Journey {
        /// Opens the phone's dialer on `number`, with the code in the dial string, so that the agent
        /// who picks up sees this journey. The system asks the customer before it dials.
        ///
        /// With ``CallOutcome/noDialer`` nothing was dialled, and `explain` has been called with the
        /// code to say, where there is one. `topic` says what the call is about, in the app's words.
        @MainActor
        @discardableResult
        public func call(
            _ number: String, topic: String? = nil, in scene: UIWindowScene,
            explain: @MainActor (_ spokenCode: String?) -> Void = { _ in }
        ) async -> CallOutcome {
            guard let call = try? callContext(number: number, topic: topic),
                let url = call.dialString.flatMap(URL.init(string:))
            else { return .notANumber }
            let isOpen = await withCheckedContinuation { done in
                scene.open(url, options: nil) { done.resume(returning: $0) }
            }
            if !isOpen {
                Lines.put(.info, "this device places no calls")
                explain(call.spokenCode)
            }
            return isOpen ? .dialing : .noDialer
        }
    }
#endif
