//! The preview of a call: what the agent would see.

/// What a step of a preview is.
pub type StepKind = jalon::StepKind;

/// What a step of a preview is.
#[uniffi::remote(Enum)]
pub enum StepKind {
    /// A screen was shown.
    ScreenView,
    /// A product was looked at.
    ProductView,
    /// A search.
    Search,
    /// A product was put into the cart or taken out of it.
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

/// A step that a call would carry.
pub type PreviewStep = jalon::PreviewStep;

/// A step that a call would carry.
#[uniffi::remote(Record)]
pub struct PreviewStep {
    /// When, by the phone's wall clock, in ms since the Unix epoch.
    pub at_ms: i64,
    /// The screen it happened on.
    pub screen: Option<String>,
    /// What it was.
    pub what: StepKind,
    /// What it was about, in the app's words: a product's name, a failure's code, a screen.
    pub about: Option<String>,
}

/// What a call would carry now, from this device alone.
pub type Preview = jalon::Preview;

/// What a call would carry now, from this device alone.
#[uniffi::remote(Record)]
pub struct Preview {
    /// Who the customer is, as the app identified them.
    #[uniffi(default = None)]
    pub customer: Option<String>,
    /// What happened last, oldest first.
    #[uniffi(default)]
    pub steps: Vec<PreviewStep>,
    /// Whether the agent may also see what was uploaded before.
    #[uniffi(default = false)]
    pub uploaded_before: bool,
}
