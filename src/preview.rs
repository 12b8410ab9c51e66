//! What a call would carry, for whoever wants to see it first.
//!
//! Pure: only the shapes. `worker` picks the events, with the code that picks a call's snapshot,
//! and `wire` reads them.

/// What a call would carry now, as far as this device knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preview {
    /// Who the customer is, as the app said it; `None` for nobody.
    pub customer: Option<String>,
    /// The newest steps, at most 20, oldest first: exactly those that the snapshot of a call
    /// tapped now would carry.
    pub steps: Vec<PreviewStep>,
    /// Whether the agent may also see steps that were uploaded earlier.
    pub uploaded_before: bool,
}

/// One step of a [`Preview`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewStep {
    /// When, by the phone's wall clock, in ms since the Unix epoch.
    pub at_ms: i64,
    /// The screen it happened on; of a screen view, the screen itself.
    pub screen: Option<String>,
    /// What it is.
    pub what: StepKind,
    /// What it is about, in the app's own words; see [`StepKind`] for which.
    pub about: Option<String>,
}

/// What a [`PreviewStep`] is: every type of event, the SDK's own included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepKind {
    /// A screen came up. About: its name.
    ScreenView,
    /// The customer looked at a product. About: its name, or else its id.
    ProductView,
    /// The customer searched. About: what was typed, where that is recorded.
    Search,
    /// Something went into the cart or out of it. About: the product's name, or else its id.
    CartChange,
    /// An order was placed or changed. About: its id.
    Order,
    /// The customer saw something go wrong. About: the failure's code.
    Failure,
    /// Something of the app's own. About: its name.
    Custom,
    /// The app said who the customer is. About: the id; nothing for nobody.
    Customer,
    /// Where the customer was. About: the coarse position, such as `48.85, 2.35`.
    Location,
    /// An earlier call. About: its topic, if it had one.
    Call,
}
