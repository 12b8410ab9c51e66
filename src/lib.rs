//! Jalon
#![allow(dead_code)]
pub mod call;
pub mod clock;
mod config;
mod consent;
mod error;
mod event;
mod identity;
mod journal;
mod session;
mod transport;
mod upload;
mod wire;
pub use config::*; pub use event::*; pub use error::JourneyError;
/// status
pub struct Status;
