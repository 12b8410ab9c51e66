//! Builds the requests that the worker sends. No state; the JSON is `wire`'s.

use crate::config::{BATCH_BYTES_MAX, Config};
use crate::event::Dropped;
use crate::installation::{Identity, InstallationId};
use crate::store::{Counts, Row};
use crate::transport::{Method, Request};
use crate::wire::{self, Call, Change, Header, Identified};

/// The start of the JSON of a batch or a call, up to its events.
pub(super) struct Envelope(Vec<u8>);

/// The content of an envelope, beside what the configuration says.
pub(super) struct Contents<'a> {
    pub(super) identity: Identity,
    pub(super) counts: Counts,
    /// Drops that are not in the store's counts yet.
    pub(super) dropped: Dropped,
    pub(super) codes_left: usize,
    pub(super) codes_version: Option<u32>,
    /// The locators to renew; `None` if no codes are asked for.
    pub(super) codes: Option<&'a [u32]>,
    /// The newest change of customer up to the oldest event that waits.
    pub(super) owner: Option<Change>,
    pub(super) sent_at_ms: i64,
}

impl Envelope {
    pub(super) fn new(config: &Config, contents: &Contents<'_>) -> Self {
        let Contents { identity, counts, .. } = contents;
        let mut dropped = counts.dropped;
        dropped.merge(&contents.dropped);
        Self(wire::envelope(&Header {
            sdk: &config.sdk,
            installation: identity.installation.hex(),
            epoch: identity.epoch,
            sent_at_ms: contents.sent_at_ms,
            oldest: counts.oldest_seq,
            next: counts.next_seq,
            dropped,
            codes_left: contents.codes_left,
            codes_version: contents.codes_version,
            codes: contents.codes,
            owner: contents.owner.as_ref(),
            app: &config.app,
        }))
    }

    /// Returns how many bytes the events of a batch may take after it.
    pub(super) fn batch_room(&self) -> usize {
        BATCH_BYTES_MAX.saturating_sub(wire::batch(self.0.clone(), &[]).len())
    }
}

/// Builds a request that only opens a connection.
pub(super) fn warm(config: &Config) -> Request {
    request(config, Method::Get, wire::HEALTH, None)
}

/// Builds the upload of a batch of events.
pub(super) fn batch(config: &Config, envelope: Envelope, rows: &[Row]) -> Request {
    let events: Vec<(u64, &[u8])> =
        rows.iter().map(|(seq, body)| (*seq, body.as_slice())).collect();
    let json = wire::batch(envelope.0, &events);
    request(config, Method::Post, wire::BATCHES, Some(wire::gzip(&json)))
}

/// Encodes a call's snapshot, not yet compressed. `place` is its `seq`, and the `seq` at which the
/// caller's use of the phone began.
pub(super) fn snapshot(
    envelope: Envelope,
    place: (u64, u64),
    call: Call,
    customer: Option<&Identified>,
    events: &[(u64, &[u8])],
) -> Vec<u8> {
    wire::call(envelope.0, place, call, customer, events)
}

/// Builds the upload of a call's [`snapshot`].
pub(super) fn call(config: &Config, snapshot: &[u8], new_connection: bool) -> Request {
    let request = request(config, Method::Post, wire::CALLS, Some(wire::gzip(snapshot)));
    Request { new_connection, ..request }
}

/// Builds the request to erase an installation.
pub(super) fn erasure(config: &Config, installation: &InstallationId) -> Request {
    let path = format!("/v1/installations/{}", installation.hex());
    request(config, Method::Delete, &path, None)
}

fn request(config: &Config, method: Method, path: &str, body: Option<Vec<u8>>) -> Request {
    let (url, key) = (config.url(path), config.write_key.clone());
    Request { method, url, key, body, new_connection: false }
}
