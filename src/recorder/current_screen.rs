//! The screen that is shown, and how long the previous one was shown.

use crate::clock::Now;
use crate::event::{Entry, Event};

/// The screen that is shown, and since when by the elapsed clock; none by default.
#[derive(Default)]
pub(super) struct CurrentScreen(Option<(String, u64)>);

impl CurrentScreen {
    pub(super) fn name(&self) -> Option<&str> {
        self.0.as_ref().map(|(name, _)| name.as_str())
    }

    /// Takes the screen from a screen view. Returns the previous one, and how long it was shown, in
    /// ms. Any other entry changes nothing.
    pub(super) fn on_entry(&mut self, entry: &Entry, now: Now) -> Option<(String, u64)> {
        let Entry::App { event: Event::ScreenView { screen }, .. } = entry else { return None };
        let (before, since_ms) = self.0.replace((screen.clone(), now.elapsed_ms))?;
        Some((before, now.elapsed_ms.saturating_sub(since_ms)))
    }
}
