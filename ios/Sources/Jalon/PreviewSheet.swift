#if canImport(SwiftUI)
    import SwiftUI
    #if canImport(UIKit)
        import UIKit
    #endif

    /// Shows the customer what the agent will see, and lets the customer choose how much that is.
    /// The sheet of both buttons.
    ///
    /// Appears immediately, with the choices and the button to call; what a call would carry is
    /// loaded off the main thread at each choice.
    struct PreviewSheet: View {
        private let journey: Journey
        private let choose: @MainActor (Journey.CallScope) -> Void
        private let call: @MainActor () -> Void
        private let close: @MainActor () -> Void

        @State private var scope: Journey.CallScope
        @State private var seen = ""

        init(
            _ journey: Journey, scope: Journey.CallScope,
            choose: @escaping @MainActor (Journey.CallScope) -> Void,
            call: @escaping @MainActor () -> Void, close: @escaping @MainActor () -> Void
        ) {
            self.journey = journey
            self.choose = choose
            self.call = call
            self.close = close
            _scope = State(initialValue: scope)
        }

        private var texts: Journey.CallTexts { journey.texts }

        var body: some View {
            Form {
                Section {
                    Picker(texts.previewTitle, selection: $scope) {
                        ForEach(Journey.CallScope.allCases, id: \.self) { scope in
                            Text(verbatim: texts.choice(scope))
                        }
                    }
                    .pickerStyle(.inline)
                    .labelsHidden()
                } header: {
                    Text(verbatim: texts.previewTitle)
                }
                Section { Text(verbatim: seen) }
                Section {
                    Button(texts.callUs, action: call)
                    Button(texts.close, role: .cancel, action: close)
                }
            }
            .onChange(of: scope) { choose($0) }
            .task(id: scope) { await show(scope) }
        }

        private func show(_ scope: Journey.CallScope) async {
            seen = ""
            let preview = await journey.preview(scope: scope)
            // Another choice cancels this one's task.
            if Task.isCancelled { return }
            seen = texts.describe(preview)
            #if canImport(UIKit)
                // A screen reader says what the choice has changed.
                UIAccessibility.post(notification: .announcement, argument: seen)
            #endif
        }
    }
#endif
