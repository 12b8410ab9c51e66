//! The agent desk.
pub mod view;
