//! **Jalon** records a customer's journey in a mobile app, keeps it through kills and lost
//! networks, and hands it to the agent who takes the call.
//!
//! The app opens a [`Journey`] and [records](Journey::record) [`Event`]s: which screens and
//! products its customer sees. When the customer taps "call us",
//! [`call_context`](Journey::call_context) gives the call a token and a code, without waiting for
//! network or database, and the agent who picks up sees what this customer just did, even if the
//! phone has no data at that moment.
//!
//! # Promises
//! - **Kept**: after a grant, an event that `record` kept survives SIGKILL at any later instant.
//! - **Once, in order**: the collector stores each event exactly once, in the phone's order.
//! - **Accounted**: recorded = delivered + queued + dropped, and drops are counted by reason.
//! - **Bounded**: disk (5 MiB by default), memory, event and request size, wake-ups.
//! - **Harmless**: recording never panics or returns an error, and blocks the app's thread for no
//!   more than one append.
//! - **Consent and erasure**: no event is written before a grant; a refusal or an erasure deletes
//!   them all.
//!
//! # It does not
//! - promise that events not yet uploaded survive a power cut: the disk is synced only before each
//!   upload (even so, a `seq` never means two events);
//! - record anything on its own: no touches, no network calls, no exact position;
//! - authenticate anybody: a call code leads to a journey, and proves nothing.
//!
//! # Features
//! - `reqwest` (default): a ready transport over HTTP and TLS. Without it, bring a [`Transport`].

pub mod call;
pub mod clock;
pub mod proof;

mod config;
mod consent;
mod error;
mod event;
mod installation;
mod journal;
mod journey;
mod preview;
mod recorder;
mod session;
mod store;
mod system;
mod transport;
mod upload;
mod wire;
mod worker;

pub use call::CallScope;
pub use config::{App, Config, Consent};
pub use error::{JourneyError, NOT_UNLOCKED};
pub use event::{DropReason, Dropped, Event, Order, Price, Product, Value};
pub use journey::{CallContext, CallRequest, Journey, LastUpload, NamedValue, Status};
pub use preview::{Preview, PreviewStep, StepKind};
#[cfg(feature = "reqwest")]
pub use transport::http::HttpTransport;
pub use transport::{Done, Lane, Method, Request, Response, SendError, Transport};
pub use worker::UploadProblem;

/// Compiles the Rust samples of the README and the docs.
#[cfg(all(doctest, feature = "reqwest"))]
mod samples {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../docs/android.md")]
    struct Android;
    #[doc = include_str!("../docs/ios.md")]
    struct Ios;
    #[doc = include_str!("../docs/collector.md")]
    struct Collector;
    #[doc = include_str!("../docs/verified-customers.md")]
    struct VerifiedCustomers;
    #[doc = include_str!("../docs/privacy.md")]
    struct Privacy;
}
