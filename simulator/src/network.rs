//! A phone's network: what it sends waits here until the world decides what becomes of it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jalon::{Done, Lane, Request, Response, Transport};

/// The state of a phone's network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Requests arrive, and so do their answers.
    Good,
    /// No connection.
    Offline,
    /// A third of the requests or of the answers is lost.
    Lossy,
    /// Connections made before are dead, and nobody says so; new ones work.
    HalfOpen,
    /// Something answers instead of the collector: with this status, and a `Retry-After` of so many
    /// seconds.
    Stranger(u16, Option<u32>),
}

/// A request on its way.
pub(crate) struct Sent {
    /// The lane it was sent on.
    pub lane: Lane,
    /// The request.
    pub request: Request,
    /// Where its answer goes.
    pub done: Done,
}

/// The transport of one process: a queue that the world empties.
#[derive(Default)]
pub(crate) struct SimTransport(Mutex<Vec<Sent>>);

impl SimTransport {
    /// Takes what was sent since the last time.
    pub(crate) fn take(&self) -> Vec<Sent> {
        std::mem::take(&mut *self.queue())
    }

    fn queue(&self) -> MutexGuard<'_, Vec<Sent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for SimTransport {
    fn send(&self, lane: Lane, request: Request, done: Done) {
        self.queue().push(Sent { lane, request, done });
    }
}

/// The answer of a stranger: a portal's page, or nothing.
pub(crate) fn stranger(status: u16, retry_after_s: Option<u32>) -> Response {
    let body: &[u8] = if status == 200 { b"<html>Welcome to our hotel</html>" } else { b"" };
    Response {
        status,
        retry_after_ms: retry_after_s.map(|s| u64::from(s) * 1_000),
        body: body.to_vec(),
    }
}
