extension Journey {
    /// Whether the customer agreed to be recorded.
    public enum Consent: Sendable, Hashable, CaseIterable {
        /// Not asked yet: the newest 200 events wait in memory, and nothing is written to disk.
        case unknown
        /// Events are recorded and uploaded.
        case granted
        /// Nothing is recorded, and everything recorded before is deleted.
        case denied
    }

    /// How much is logged. Never an event's content.
    public enum LogLevel: Int, Sendable, Hashable, Comparable {
        /// Nothing.
        case off
        /// Failures that lose events.
        case error
        /// Also what a developer should fix.
        case warn
        /// Also occasional notices.
        case info
        /// Also every upload.
        case debug

        /// From less to more.
        public static func < (one: LogLevel, other: LogLevel) -> Bool {
            one.rawValue < other.rawValue
        }
    }

    /// The state of a journey. `recorded` = `delivered` + `queued` + `dropped.total`.
    public struct Status: Sendable, Hashable {
        /// Why nothing is recorded, if this journey could not be opened: as text for a developer.
        public var problem: String?
        /// Why events wait in memory instead of on disk, if they do: as text for a developer.
        public var storageTrouble: String?
        /// The customer's answer.
        public var consent = Consent.unknown
        /// The current session's number; 0 before the first event.
        public var session = 0
        /// Events taken since the epoch began.
        public var recorded = 0
        /// Events that the collector has acknowledged.
        public var delivered = 0
        /// Events that wait, in memory or on disk.
        public var queued = 0
        /// Events that were lost.
        public var dropped = Dropped()
        /// Call codes left for calls made offline.
        public var codes = 0
        /// The last upload; `nil` before the first.
        public var lastUpload: LastUpload?

        /// Nothing recorded; for an app's tests and previews.
        public init() {}
    }

    /// How many events were lost, by reason, since the epoch began.
    public struct Dropped: Sendable, Hashable {
        /// The storage quota was full; the oldest were deleted first.
        public var quota = 0
        /// They could not be uploaded within their time to live.
        public var expired = 0
        /// They could not be read back.
        public var corrupt = 0
        /// Larger than 16 KiB, or a custom event of more than 16 values.
        public var tooLarge = 0
        /// A name was blank, a currency or a phone number not valid, or a number not finite.
        public var invalid = 0
        /// The customer had not consented.
        public var consent = 0
        /// They could not be written to disk.
        public var disk = 0
        /// The collector rejected them permanently.
        public var rejected = 0
        /// All of them together.
        public var total = 0

        /// None.
        public init() {}
    }

    /// How the last upload ended.
    public struct LastUpload: Sendable, Hashable {
        /// When, by the phone's wall clock, in ms since the Unix epoch.
        public var atMs: Int
        /// Why it did not succeed, as text for a developer; `nil` if it did.
        public var problem: String?

        /// An upload; for an app's tests and previews.
        public init(atMs: Int, problem: String? = nil) {
            self.atMs = atMs
            self.problem = problem
        }
    }

    /// What a call would carry now, from this device alone.
    public struct Preview: Sendable, Hashable {
        /// Who the customer is, as the app identified them.
        public var customer: String?
        /// What happened last, oldest first.
        public var steps: [PreviewStep] = []
        /// Whether the agent may also see what was uploaded before.
        public var uploadedBefore = false

        /// Nothing; for an app's tests and previews.
        public init() {}
    }

    /// A step that a call would carry.
    public struct PreviewStep: Sendable, Hashable {
        /// When, by the phone's wall clock, in ms since the Unix epoch.
        public var atMs: Int
        /// The screen it happened on.
        public var screen: String?
        /// What it was.
        public var what: StepKind
        /// What it was about, in the app's words: a product's name, a failure's code, a screen.
        public var about: String?

        /// A step; for an app's tests and previews.
        public init(atMs: Int, screen: String? = nil, what: StepKind, about: String? = nil) {
            self.atMs = atMs
            self.screen = screen
            self.what = what
            self.about = about
        }
    }

    /// What a step of a preview is.
    public enum StepKind: Sendable, Hashable, CaseIterable {
        /// A screen was shown.
        case screenView
        /// A product was looked at.
        case productView
        /// A search.
        case search
        /// A product was put into the cart or taken out of it.
        case cartChange
        /// An order was placed or changed.
        case order
        /// The customer saw something go wrong.
        case failure
        /// An event of the app's own.
        case custom
        /// Who the customer is from here on.
        case customer
        /// Where the customer was, to about a kilometre.
        case location
        /// An earlier call.
        case call
    }
}
