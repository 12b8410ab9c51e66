//! The business words of an app's screens, from its screens file.

use std::collections::BTreeMap;

use jalon_desk::view::ScreenView;

use crate::config::Screen;

/// An app's screens in business words, by the app's own names.
#[derive(Debug, Default)]
pub(crate) struct Labels(BTreeMap<String, Screen>);

impl Labels {
    /// The labels of these screens.
    pub(crate) fn new(screens: &[Screen]) -> Self {
        Self(screens.iter().map(|screen| (screen.name.clone(), screen.clone())).collect())
    }

    /// A screen in its business words; its pattern where it has none.
    pub(crate) fn screen(&self, name: &str) -> ScreenView {
        let entry = self.0.get(name);
        ScreenView {
            name: name.to_owned(),
            label: entry.map_or(name, |entry| &entry.label).to_owned(),
            stage: entry.and_then(|entry| entry.stage.clone()),
            dwell_ms: None,
        }
    }
}
