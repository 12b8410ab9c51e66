//! The core's types as both languages see them.
//!
//! Where the core's own type can cross, its definition is repeated for UniFFI's macros, which fail
//! to compile when the two differ; where it cannot (a type with private fields), a record here
//! has the same fields. The docs here become KDoc and DocC.

mod call;
mod event;
mod preview;
mod status;

pub use call::{CallContext, CallScope, JourneyError, NamedValue};
pub use event::{Custom, Event, Order, Price, Product, Value};
pub use preview::{Preview, PreviewStep, StepKind};
pub use status::{Consent, Dropped, LastUpload, Status};
