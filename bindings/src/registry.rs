//! The journeys that are open in this process, by folder: opening one twice gives the same.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::journey::Journey;

static OPEN: Mutex<Option<HashMap<PathBuf, Weak<Journey>>>> = Mutex::new(None);

/// The journey that is open in `folder`, else the one that `open` makes. Two threads that ask for
/// one folder get one journey.
pub(crate) fn find_or(folder: &Path, open: impl FnOnce() -> Journey) -> Arc<Journey> {
    let mut registry = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    let journeys = registry.get_or_insert_default();
    if let Some(journey) = journeys.get(folder).and_then(Weak::upgrade) {
        return journey;
    }
    let journey = Arc::new(open());
    if journey.is_open() {
        journeys.insert(folder.to_owned(), Arc::downgrade(&journey));
    }
    journey
}

/// Forgets a journey that closes, and closes it: the folder can be opened anew after that.
pub(crate) fn close(folder: &Path, journey: &Journey, close: impl FnOnce()) {
    let mut registry = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    let journeys = registry.get_or_insert_default();
    if journeys.get(folder).is_some_and(|open| std::ptr::eq(open.as_ptr(), journey)) {
        journeys.remove(folder);
    }
    // Under the lock: whoever opens the folder next finds it free.
    close();
}
