//! A preview of what a call would carry, for a customer who wants to see it first.
//!
//! Pure: only the shapes. `worker` selects the events, with the same code as for a call's snapshot,
//! and `wire` reads them.

/// The content that a call would carry now, as far as this device knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preview {
    /// The customer's id, as the app gave it; `None` if nobody is signed in, or the scope leaves
    /// the customer out.
    pub customer: Option<String>,
    /// The newest steps, at most 20, oldest first: exactly those that the snapshot of a call
    /// tapped now would carry.
    pub steps: Vec<PreviewStep>,
    /// True if the agent may also see steps that were uploaded earlier.
    pub uploaded_before: bool,
}

/// One step of a [`Preview`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewStep {
    /// When it happened, by the phone's wall clock, in ms since the Unix epoch.
    pub at_ms: i64,
    /// The screen it happened on; for a screen view, the screen itself.
    pub screen: Option<String>,
    /// The kind of step.
    pub what: StepKind,
    /// A text about it, in the app's own words; [`StepKind`] says which.
    pub about: Option<String>,
}

/// The kind of a [`PreviewStep`]: every type of event, including the SDK's own. Each says which
/// text `about` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepKind {
    /// A screen was shown. About: its name.
    ScreenView,
    /// The customer looked at a product. About: its name, or else its id.
    ProductView,
    /// The customer searched. About: the text typed, if that is recorded.
    Search,
    /// A product was put into the cart or taken out. About: its name, or else its id.
    CartChange,
    /// An order was placed or changed. About: its id.
    Order,
    /// The customer saw something go wrong. About: the failure's code.
    Failure,
    /// An event of the app's own. About: its name.
    Custom,
    /// The customer signed in or out. About: the id; nothing after a sign-out.
    Customer,
    /// Where the customer was. About: the coarse position, such as `48.85, 2.35`.
    Location,
    /// An earlier call. About: its topic, if it had one.
    Call,
}
