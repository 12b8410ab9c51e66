//! The screen that is shown, and how long the previous one was shown.

use crate::clock::Now;
use crate::event::{Entry, Event};

/// The screen that is shown, and for how long by the elapsed clock; none by default. Only the time in
/// which the app is in front counts.
#[derive(Default)]
pub(super) struct CurrentScreen {
    shown: Option<Shown>,
    in_background: bool,
}

struct Shown {
    name: String,
    /// How long it was shown before `since_ms`.
    before_ms: u64,
    since_ms: u64,
    /// It was recorded while the app was in the background, as the app comes back: it is named already.
    is_named: bool,
}

impl CurrentScreen {
    pub(super) fn name(&self) -> Option<&str> {
        self.shown.as_ref().map(|shown| shown.name.as_str())
    }

    /// Forgets the screen: another person uses the app.
    pub(super) fn forget(&mut self) {
        self.shown = None;
    }

    /// Takes the screen from a screen view. Returns the previous one, and how long it was shown, in
    /// ms. Any other entry changes nothing.
    pub(super) fn on_entry(&mut self, entry: &Entry, now: Now) -> Option<(String, u64)> {
        let Entry::App { event: Event::ScreenView { screen }, .. } = entry else { return None };
        let (name, is_named) = (screen.clone(), self.in_background);
        let next = Shown { name, before_ms: 0, since_ms: now.elapsed_ms, is_named };
        let shown = self.shown.replace(next)?;
        let now_ms = if self.in_background { shown.since_ms } else { now.elapsed_ms };
        Some((shown.name, shown.before_ms + now_ms.saturating_sub(shown.since_ms)))
    }

    /// Notes whether the app is in front. Returns the view of the screen that the customer comes
    /// back to, if there is one and the app has not just recorded it.
    pub(super) fn set_foreground(&mut self, foreground: bool, now: Now) -> Option<Event> {
        let was_in_background = std::mem::replace(&mut self.in_background, !foreground);
        let shown = self.shown.as_mut().filter(|_| was_in_background == foreground)?;
        if !foreground {
            shown.before_ms += now.elapsed_ms.saturating_sub(shown.since_ms);
        }
        shown.since_ms = now.elapsed_ms;
        let is_named = std::mem::take(&mut shown.is_named);
        (foreground && !is_named).then(|| Event::ScreenView { screen: shown.name.clone() })
    }
}
