//! How many live streams are open: in all, and of one context.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::{STREAMS_MAX, STREAMS_PER_CALL_MAX};
use crate::store::ContextId;

/// The room for live streams.
pub(crate) struct Streams {
    permits: Arc<Semaphore>,
    open: Arc<OpenCounts>,
}

/// The streams that are open now.
struct OpenCounts {
    of_context: Mutex<HashMap<ContextId, usize>>,
    in_all: Gauge,
}

impl Streams {
    /// No stream is open; `in_all` follows how many are.
    pub(crate) fn new(in_all: Gauge) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(STREAMS_MAX)),
            open: Arc::new(OpenCounts { of_context: Mutex::default(), in_all }),
        }
    }

    /// Counts one more stream until the answer is dropped; `None` when there are too many, in all or
    /// of this context.
    pub(crate) fn open(&self, id: ContextId) -> Option<OpenStream> {
        let permit = Arc::clone(&self.permits).try_acquire_owned().ok()?;
        let mut of_context = self.open.lock();
        let count = of_context.entry(id).or_default();
        if *count == STREAMS_PER_CALL_MAX {
            return None;
        }
        *count += 1;
        self.open.in_all.inc();
        Some(OpenStream { open: Arc::clone(&self.open), id, _permit: permit })
    }
}

impl OpenCounts {
    fn lock(&self) -> MutexGuard<'_, HashMap<ContextId, usize>> {
        self.of_context.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One open stream, counted until it is dropped.
pub(crate) struct OpenStream {
    open: Arc<OpenCounts>,
    id: ContextId,
    _permit: OwnedSemaphorePermit,
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.open.in_all.dec();
        if let Entry::Occupied(mut count) = self.open.lock().entry(self.id) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}
