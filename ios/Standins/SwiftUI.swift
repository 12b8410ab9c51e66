// Stands in for `SwiftUI`.
@_exported import UIKit

@MainActor @preconcurrency public protocol View {
    associatedtype Body: View
    @ViewBuilder var body: Body { get }
}

extension Never: View {
    @ViewBuilder public var body: Never { nothing() }
}

/// Any view of SwiftUI's own.
public protocol Primitive: View where Body == Never {}
extension Primitive {
    @ViewBuilder public var body: Never { nothing() }
}

private func nothing() -> Never { fatalError() }

public struct EmptyView: Primitive {
    public nonisolated init() {}
}

public struct Some<Content>: Primitive {}

@resultBuilder public struct ViewBuilder {
    public static func buildBlock() -> EmptyView { EmptyView() }
    public static func buildBlock<Content: View>(_ content: Content) -> Content { content }
    public static func buildBlock<each Content: View>(_ content: repeat each Content) -> Some<
        (repeat each Content)
    > { Some() }
    public static func buildExpression<Content: View>(_ content: Content) -> Content { content }
    public static func buildIf<Content: View>(_ content: Content?) -> Some<Content> { Some() }
    public static func buildEither<One: View, Other: View>(first: One) -> Some<(One, Other)> { Some() }
    public static func buildEither<One: View, Other: View>(second: Other) -> Some<(One, Other)> {
        Some()
    }
}

@MainActor @preconcurrency public protocol ViewModifier {
    associatedtype Body: View
    typealias Content = Modified
    @ViewBuilder func body(content: Content) -> Body
}

public struct Modified: Primitive {}

// MARK: State

public protocol DynamicProperty {}

@propertyWrapper public struct State<Value>: DynamicProperty {
    public init(wrappedValue: Value) {}
    public init(initialValue value: Value) {}
    public var wrappedValue: Value {
        get { fatalError() }
        nonmutating set {}
    }
    public var projectedValue: Binding<Value> { Binding() }
}

@propertyWrapper public struct Binding<Value> {
    public init() {}
    public var wrappedValue: Value {
        get { fatalError() }
        nonmutating set {}
    }
    public var projectedValue: Binding<Value> { self }
}

@propertyWrapper public struct Environment<Value>: DynamicProperty {
    public init(_ path: KeyPath<EnvironmentValues, Value>) {}
    public var wrappedValue: Value { fatalError() }
}

public protocol EnvironmentKey {
    associatedtype Value
    static var defaultValue: Value { get }
}

public struct EnvironmentValues: Sendable {
    public subscript<Key: EnvironmentKey>(key: Key.Type) -> Key.Value {
        get { Key.defaultValue }
        set {}
    }
    public var openURL: OpenURLAction { OpenURLAction() }
    public var scenePhase: ScenePhase { .active }
}

@MainActor public struct OpenURLAction {
    nonisolated init() {}
    public func callAsFunction(_ url: URL, completion: @escaping (_ accepted: Bool) -> Void) {}
    public func callAsFunction(_ url: URL) {}
}

public enum ScenePhase: Sendable { case background, inactive, active }

// MARK: Views

public struct LocalizedStringKey: ExpressibleByStringInterpolation, Sendable {
    public init(stringLiteral value: String) {}
}

public struct Text: Primitive {
    @_disfavoredOverload public nonisolated init<S: StringProtocol>(_ content: S) {}
    public nonisolated init(_ key: LocalizedStringKey) {}
    public nonisolated init(verbatim content: String) {}
}

public struct ButtonRole: Sendable {
    public static let cancel = ButtonRole()
}

public struct Button<Label: View>: Primitive {
    public init(action: @escaping @MainActor () -> Void, @ViewBuilder label: () -> Label) {}
}

extension Button where Label == Text {
    @_disfavoredOverload
    public init<S: StringProtocol>(_ title: S, action: @escaping @MainActor () -> Void) {}
    public init(_ title: LocalizedStringKey, action: @escaping @MainActor () -> Void) {}
    @_disfavoredOverload
    public init<S: StringProtocol>(
        _ title: S, role: ButtonRole?, action: @escaping @MainActor () -> Void
    ) {}
}

public struct List<Content: View>: Primitive {
    public init(@ViewBuilder content: () -> Content) {}
}

extension List {
    public init<Data: RandomAccessCollection, Row: View>(
        _ data: Data, @ViewBuilder rowContent: @escaping (Data.Element) -> Row
    ) where Data.Element: Identifiable, Content == Some<Row> {}
}

public struct Form<Content: View>: Primitive {
    public init(@ViewBuilder content: () -> Content) {}
}

public struct Section<Header: View, Content: View>: Primitive {
    public init(@ViewBuilder content: () -> Content, @ViewBuilder header: () -> Header) {}
}

extension Section where Header == EmptyView {
    public init(@ViewBuilder content: () -> Content) {}
}

public struct ForEach<Data: RandomAccessCollection, ID: Hashable, Content: View>: Primitive {
    public init(
        _ data: Data, id: KeyPath<Data.Element, ID>,
        @ViewBuilder content: @escaping (Data.Element) -> Content
    ) {}
}

public struct Picker<Label: View, Selection: Hashable, Content: View>: Primitive {}

extension Picker where Label == Text {
    @_disfavoredOverload public init<S: StringProtocol>(
        _ title: S, selection: Binding<Selection>, @ViewBuilder content: () -> Content
    ) {}
}

public protocol PickerStyle {}
public struct InlinePickerStyle: PickerStyle {}
extension PickerStyle where Self == InlinePickerStyle {
    public static var inline: InlinePickerStyle { InlinePickerStyle() }
}

@MainActor open class UIHostingController<Content: View>: UIViewController {
    public init(rootView: Content) {
        super.init()
    }
}

public struct VStack<Content: View>: Primitive {
    public init(spacing: Double? = nil, @ViewBuilder content: () -> Content) {}
}

public struct NavigationView<Content: View>: Primitive {
    public init(@ViewBuilder content: () -> Content) {}
}

public struct NavigationLink<Label: View, Destination: View>: Primitive {
    public init(@ViewBuilder destination: () -> Destination, @ViewBuilder label: () -> Label) {}
}

extension View {
    public func modifier<M: ViewModifier>(_ modifier: M) -> some View { Modified() }
    public func onAppear(perform action: (@MainActor () -> Void)? = nil) -> some View { Modified() }
    public func onChange<V: Equatable>(
        of value: V, perform action: @escaping (_ newValue: V) -> Void
    ) -> some View { Modified() }
    public func task<T: Equatable>(
        id value: T, priority: TaskPriority = .userInitiated,
        @_inheritActorContext _ action: @escaping @Sendable () async -> Void
    ) -> some View { Modified() }
    public func sheet<Content: View>(
        isPresented: Binding<Bool>, onDismiss: (() -> Void)? = nil,
        @ViewBuilder content: @escaping () -> Content
    ) -> some View { Modified() }
    public func pickerStyle<S: PickerStyle>(_ style: S) -> some View { Modified() }
    public func labelsHidden() -> some View { Modified() }
    public func contextMenu<Items: View>(@ViewBuilder menuItems: () -> Items) -> some View { Modified() }
    public func accessibilityAction(named name: Text, _ handler: @escaping () -> Void) -> some View {
        Modified()
    }
    @_disfavoredOverload public func alert<S: StringProtocol, Actions: View, Message: View>(
        _ title: S, isPresented: Binding<Bool>, @ViewBuilder actions: () -> Actions,
        @ViewBuilder message: () -> Message
    ) -> some View { Modified() }
    public func environment<Value>(
        _ path: WritableKeyPath<EnvironmentValues, Value>, _ value: Value
    ) -> some View { Modified() }
    @_disfavoredOverload public func navigationTitle<S: StringProtocol>(_ title: S) -> some View {
        Modified()
    }
    public func navigationTitle(_ title: LocalizedStringKey) -> some View { Modified() }
    public func padding() -> some View { Modified() }
}

// MARK: The app

@MainActor @preconcurrency public protocol App {
    associatedtype Body: Scene
    init()
    @SceneBuilder var body: Body { get }
}

extension App {
    public static func main() {}
}

@MainActor @preconcurrency public protocol Scene {}

public struct WindowGroup<Content: View>: Scene {
    public init(@ViewBuilder content: () -> Content) {}
}

@resultBuilder public struct SceneBuilder {
    public static func buildBlock<Content: Scene>(_ content: Content) -> Content { content }
    public static func buildExpression<Content: Scene>(_ content: Content) -> Content { content }
}
