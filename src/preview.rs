//! What a call would carry, in a form to show to the customer.
//!
//! Pure. Which events those are is the worker's to say, and how they are read, `wire`'s.

/// What a call would carry now, from this device alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preview {
    /// Who the customer is, as the app said.
    pub customer: Option<String>,
    /// What happened last, oldest first: at most 20 steps.
    pub steps: Vec<PreviewStep>,
    /// Whether the agent may also see what was uploaded before.
    pub uploaded_before: bool,
}

/// A step that a call would carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewStep {
    /// When, by the phone's wall clock, in ms since the Unix epoch.
    pub at_ms: i64,
    /// The screen it happened on.
    pub screen: Option<String>,
    /// What it was.
    pub what: StepKind,
    /// Its subject, in the app's words: a product's name or else its id, a failure's code, a screen.
    pub about: Option<String>,
}

/// What a step of a preview is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepKind {
    /// A screen came up.
    ScreenView,
    /// A product was looked at.
    ProductView,
    /// A search.
    Search,
    /// Something went into the cart or out of it.
    CartChange,
    /// An order was placed or changed.
    Order,
    /// The customer saw something go wrong.
    Failure,
    /// An event of the app's own.
    Custom,
    /// Who the customer is from here on.
    Customer,
    /// Where the customer was, to about a kilometre.
    Location,
    /// An earlier call.
    Call,
}
