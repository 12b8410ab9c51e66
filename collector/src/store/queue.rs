//! What waits for the writer: look-ups first, since somebody on the phone waits for them, then
//! uploads, in the order they came.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::StoreError;
use crate::limits::WRITER_QUEUE_MAX;

/// How soon something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Before whatever else waits.
    First,
    /// In its order.
    Next,
}

/// A bounded queue with two lanes.
pub(super) struct Queue<T> {
    lanes: Mutex<Lanes<T>>,
    bell: Condvar,
}

struct Lanes<T> {
    first: VecDeque<T>,
    next: VecDeque<T>,
    ended: bool,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        let lanes = Lanes { first: VecDeque::new(), next: VecDeque::new(), ended: false };
        Self { lanes: Mutex::new(lanes), bell: Condvar::new() }
    }

    /// Adds something; refuses when the lane is full, or the queue has ended.
    pub(super) fn push(&self, turn: Turn, item: T) -> Result<(), StoreError> {
        let mut lanes = self.lock();
        if lanes.ended {
            return Err(StoreError::Ended);
        }
        let lane = match turn {
            Turn::First => &mut lanes.first,
            Turn::Next => &mut lanes.next,
        };
        if lane.len() >= WRITER_QUEUE_MAX {
            return Err(StoreError::Busy);
        }
        lane.push_back(item);
        self.bell.notify_one();
        Ok(())
    }

    /// Waits until something is there; `false` once the queue has ended and is empty.
    pub(super) fn wait(&self) -> bool {
        let mut lanes = self.lock();
        while lanes.first.is_empty() && lanes.next.is_empty() && !lanes.ended {
            lanes = self.bell.wait(lanes).unwrap_or_else(PoisonError::into_inner);
        }
        !(lanes.first.is_empty() && lanes.next.is_empty())
    }

    /// Takes the oldest of a lane.
    pub(super) fn take(&self, turn: Turn) -> Option<T> {
        let mut lanes = self.lock();
        match turn {
            Turn::First => lanes.first.pop_front(),
            Turn::Next => lanes.next.pop_front(),
        }
    }

    /// How many wait in their order.
    pub(super) fn waiting(&self) -> usize {
        self.lock().next.len()
    }

    /// Lets go of what waits.
    pub(super) fn clear(&self) {
        let mut lanes = self.lock();
        let waiting = (std::mem::take(&mut lanes.first), std::mem::take(&mut lanes.next));
        // Outside the lock: whoever waits for one may ask again at once.
        drop(lanes);
        drop(waiting);
    }

    /// Takes nothing more; what waits is still done.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.bell.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Lanes<T>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
