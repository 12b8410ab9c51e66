//! Jalon for Kotlin and Swift: the core, exported, with the names and docs both languages share.
//!
//! The only place that knows UniFFI. Owns the types' form in bytes, the rule that opening never
//! fails an app, and the crossing from Kotlin ([`jni`](mod@jni)); what a journey does is the
//! core's, and what a platform offers (life cycle, scheduler, dialer) is the façades'.

mod config;
mod journey;
mod logging;
mod registry;
mod types;

#[cfg(not(target_vendor = "apple"))]
pub mod jni;

pub use config::{Config, LogLevel};
pub use journey::Journey;
pub use logging::{LogSink, log_to};
pub use types::{
    CallContext, CallScope, Consent, Custom, Dropped, Event, JourneyError, LastUpload, NamedValue,
    Order, Preview, PreviewStep, Price, Product, Status, StepKind, Value,
};

uniffi::setup_scaffolding!("jalon");
