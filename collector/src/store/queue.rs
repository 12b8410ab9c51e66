//! The writer's queue, in two lanes: look-ups first, since a caller waits for them, then uploads and
//! everything else, each lane in its order.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::StoreError;
use crate::limits::WRITER_QUEUE_MAX;

/// The lane of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Priority {
    /// Done before everything else that waits.
    LookUp,
    /// Done in its order, as is everything but look-ups.
    Upload,
}

/// A bounded queue with two lanes.
pub(super) struct Queue<T> {
    lanes: Mutex<Lanes<T>>,
    bell: Condvar,
}

struct Lanes<T> {
    lookups: VecDeque<T>,
    uploads: VecDeque<T>,
    ended: bool,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        let lanes = Lanes { lookups: VecDeque::new(), uploads: VecDeque::new(), ended: false };
        Self { lanes: Mutex::new(lanes), bell: Condvar::new() }
    }

    /// Adds a request. Fails when its lane is full, or the queue has ended.
    pub(super) fn push(&self, priority: Priority, item: T) -> Result<(), StoreError> {
        let mut lanes = self.lock();
        if lanes.ended {
            return Err(StoreError::Ended);
        }
        let lane = match priority {
            Priority::LookUp => &mut lanes.lookups,
            Priority::Upload => &mut lanes.uploads,
        };
        if lane.len() >= WRITER_QUEUE_MAX {
            return Err(StoreError::Busy);
        }
        lane.push_back(item);
        self.bell.notify_one();
        Ok(())
    }

    /// Waits until a request is there; `false` once the queue has ended and is empty.
    pub(super) fn wait(&self) -> bool {
        let mut lanes = self.lock();
        while lanes.lookups.is_empty() && lanes.uploads.is_empty() && !lanes.ended {
            lanes = self.bell.wait(lanes).unwrap_or_else(PoisonError::into_inner);
        }
        !(lanes.lookups.is_empty() && lanes.uploads.is_empty())
    }

    /// Takes the oldest request of a lane.
    pub(super) fn take(&self, priority: Priority) -> Option<T> {
        let mut lanes = self.lock();
        match priority {
            Priority::LookUp => lanes.lookups.pop_front(),
            Priority::Upload => lanes.uploads.pop_front(),
        }
    }

    /// How many wait in the lane of the uploads.
    pub(super) fn uploads_waiting(&self) -> usize {
        self.lock().uploads.len()
    }

    /// Drops everything that waits.
    pub(super) fn clear(&self) {
        let mut lanes = self.lock();
        let waiting = (std::mem::take(&mut lanes.lookups), std::mem::take(&mut lanes.uploads));
        // Dropped outside the lock: a client that waited for one may ask again at once.
        drop(lanes);
        drop(waiting);
    }

    /// Accepts no more requests. Those that wait are still done.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.bell.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Lanes<T>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
