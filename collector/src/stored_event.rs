//! Reading stored events back, for the view and its narration.

use serde::Deserialize;

use crate::event::{Failure, Location, Order, Product};
use crate::store::StoredEvent;

/// A stored event with its body read.
pub(crate) struct ReadEvent<'a> {
    pub(crate) stored: &'a StoredEvent,
    pub(crate) body: Body,
}

impl<'a> ReadEvent<'a> {
    /// Reads an event's body; `None` for what this version cannot read.
    pub(crate) fn new(stored: &'a StoredEvent) -> Option<Self> {
        Some(Self { stored, body: serde_json::from_str(&stored.body).ok()? })
    }
}

/// The fields of an event's body that a view needs.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Body {
    /// Unknown for a call whose snapshot held no events.
    pub(crate) session: Option<u64>,
    pub(crate) screen: Option<String>,
    pub(crate) product: Option<Product>,
    pub(crate) query: Option<String>,
    pub(crate) results: Option<u64>,
    pub(crate) delta: Option<i64>,
    pub(crate) order: Option<Order>,
    pub(crate) failure: Option<Failure>,
    pub(crate) name: Option<String>,
    pub(crate) location: Option<Location>,
}
