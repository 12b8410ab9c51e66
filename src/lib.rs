//! Jalon
pub mod call;
pub mod clock;
