// Stands in for `UIKit`, and for what Foundation has on Apple's systems alone.
@_exported import Foundation

// MARK: Foundation

public struct FileProtectionType: Sendable {
    public static let completeUntilFirstUserAuthentication = FileProtectionType()
}

extension FileAttributeKey {
    public static let protectionKey = FileAttributeKey(rawValue: "NSFileProtectionKey")
}

extension URLResourceValues {
    public var isExcludedFromBackup: Bool? {
        get { nil }
        set {}
    }
}

extension ProcessInfo {
    public func performExpiringActivity(
        withReason reason: String, using block: @escaping @Sendable (Bool) -> Void
    ) {}
}

// MARK: The app

@MainActor open class UIResponder {
    public init() {}
}

@MainActor open class UIApplication: UIResponder {
    // No `shared`: what compiles here also compiles in an extension.
    public nonisolated static let didEnterBackgroundNotification = Notification.Name("background")
    public nonisolated static let willEnterForegroundNotification = Notification.Name("foreground")
}

@MainActor open class UIScene: UIResponder {
    public class OpenExternalURLOptions {}
    public func open(
        _ url: URL, options: OpenExternalURLOptions?,
        completionHandler completion: (@MainActor @Sendable (Bool) -> Void)? = nil
    ) {}
}

@MainActor open class UIWindowScene: UIScene {}

// MARK: Views

@MainActor open class UIView: UIResponder {
    public init(frame: CGRect) {
        super.init()
    }
    public required init?(coder: NSCoder) {
        super.init()
    }
    public var window: UIWindow? { nil }
    open func didMoveToWindow() {}
    public var accessibilityCustomActions: [UIAccessibilityCustomAction]?
    public var next: UIResponder? { nil }
}

@MainActor open class UIWindow: UIView {
    public var windowScene: UIWindowScene? { nil }
    public var rootViewController: UIViewController? { nil }
}

@MainActor open class UIViewController: UIResponder {
    public var presentedViewController: UIViewController? { nil }
    open func present(
        _ controller: UIViewController, animated flag: Bool, completion: (() -> Void)? = nil
    ) {}
    open func dismiss(animated flag: Bool, completion: (() -> Void)? = nil) {}
    open func viewDidAppear(_ animated: Bool) {}
}

@MainActor open class UINavigationController: UIViewController {}
@MainActor open class UITabBarController: UIViewController {}
@MainActor open class UISplitViewController: UIViewController {}
@MainActor open class UIPageViewController: UIViewController {}

@MainActor public final class UIAlertController: UIViewController {
    public enum Style: Int, Sendable { case actionSheet, alert }
    public convenience init(title: String?, message: String?, preferredStyle: Style) { self.init() }
    public func addAction(_ action: UIAlertAction) {}
}

@MainActor public final class UIAlertAction {
    public enum Style: Int, Sendable { case `default`, cancel }
    public convenience init(
        title: String?, style: Style, handler: ((UIAlertAction) -> Void)? = nil
    ) { self.init() }
    init() {}
}

@MainActor public final class UIAccessibilityCustomAction {
    public typealias ActionHandler = (UIAccessibilityCustomAction) -> Bool
    public init(name: String, actionHandler: @escaping ActionHandler) {}
}

public enum UIAccessibility {
    public struct Notification: Sendable {
        public static let announcement = Notification()
    }
    @MainActor public static func post(notification: Notification, argument: Any?) {}
}

@MainActor open class UIMenuElement {
    init() {}
}

@MainActor public final class UIAction: UIMenuElement {
    public convenience init(title: String = "", handler: @escaping (UIAction) -> Void) { self.init() }
}

@MainActor public final class UIMenu: UIMenuElement {
    public convenience init(title: String = "", children: [UIMenuElement] = []) { self.init() }
}

@MainActor open class UIControl: UIView {
    public struct Event: OptionSet, Sendable {
        public let rawValue: UInt
        public init(rawValue: UInt) { self.rawValue = rawValue }
        public static let primaryActionTriggered = Event(rawValue: 1)
    }
    public func addAction(_ action: UIAction, for events: Event) {}
    public struct State: OptionSet, Sendable {
        public let rawValue: UInt
        public init(rawValue: UInt) { self.rawValue = rawValue }
        public static let normal: State = []
    }
}

@MainActor open class UIButton: UIControl {
    public var menu: UIMenu?
    public func setTitle(_ title: String?, for state: UIControl.State) {}
    public var titleLabel: UILabel? { nil }
}

@MainActor public final class UILabel: UIView {
    public var adjustsFontForContentSizeCategory = false
    public var font: UIFont?
}

public final class UIFont: @unchecked Sendable {
    public struct TextStyle: Sendable {
        public static let body = TextStyle()
    }
    public class func preferredFont(forTextStyle style: TextStyle) -> UIFont { UIFont() }
}
