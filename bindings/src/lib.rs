//! Jalon for Kotlin and Swift: the core, exported, with the names and docs both languages share.
//!
//! The only crate that knows UniFFI. Owns the types' form in bytes, the rule that opening never
//! fails an app, and the calls from Kotlin ([`jni`](mod@jni)). What a journey does belongs to the
//! core; what a platform offers (life cycle, scheduler, dialer) belongs to the façades.

mod config;
mod journey;
mod logging;
mod registry;
mod types;

#[cfg(not(target_vendor = "apple"))]
pub mod jni;

pub use config::{Config, LogLevel};
pub use journey::{ConsentListener, Journey};
pub use logging::{LogSink, log_to};
pub use types::{
    CallContext, CallScope, Consent, Custom, Dropped, Event, JourneyError, LastUpload, NamedValue,
    Order, Preview, PreviewStep, Price, Product, Status, StepKind, Value,
};

uniffi::setup_scaffolding!("jalon");
