//! One open value per folder: opening the same folder again gives the same value.
//!
//! Owns the table and its lock. Knows nothing of what is opened.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// A table of the values that are open in this process, by folder. Holds them weakly: a value that
/// nobody uses any more is opened anew.
pub(crate) struct OpenOnce<T> {
    open: Mutex<Option<HashMap<PathBuf, Weak<T>>>>,
}

impl<T> OpenOnce<T> {
    /// An empty table.
    pub(crate) const fn new() -> Self {
        Self { open: Mutex::new(None) }
    }

    /// The value that is open in `folder`, else the one that `open` makes. It is remembered only
    /// where `is_open` says so: an attempt that failed is made again the next time. Two threads
    /// that ask for one folder get one value.
    pub(crate) fn get_or_open(
        &self,
        folder: &Path,
        open: impl FnOnce() -> T,
        is_open: impl FnOnce(&T) -> bool,
    ) -> Arc<T> {
        let mut table = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let table = table.get_or_insert_default();
        if let Some(known) = table.get(folder).and_then(Weak::upgrade) {
            return known;
        }
        let value = Arc::new(open());
        if is_open(&value) {
            table.insert(folder.to_owned(), Arc::downgrade(&value));
        }
        value
    }

    /// Forgets `value` and calls `close`, under the lock: whoever opens the folder next finds it
    /// free.
    pub(crate) fn close(&self, folder: &Path, value: &T, close: impl FnOnce()) {
        let mut table = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let table = table.get_or_insert_default();
        if table.get(folder).is_some_and(|known| std::ptr::eq(known.as_ptr(), value)) {
            table.remove(folder);
        }
        close();
    }
}
