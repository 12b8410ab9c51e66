//! The installation on disk: folder, identity and journal, as consent allows them.
//!
//! | after | what stands in the folder |
//! |---|---|
//! | no answer yet | nothing |
//! | a grant | `identity`, the journal, the store |
//! | a refusal | `denied`, and nothing else |
//! | an erasure | `erase`, until the collector has confirmed it |
//!
//! The app's threads bring the files into line at `open` and when consent changes, as far as that
//! is quick. The worker does the rest, and whatever failed. Only the worker deletes, since it must
//! close the store first.

mod folder;
mod identity_file;
mod state;

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use folder::remove;
pub(crate) use identity_file::{Identity, InstallationId};
use state::InstallationState;

use crate::config::{Config, Consent};
use crate::error::Error;
use crate::journal::Drainer;
use crate::recorder::Recorder;

/// What stands in the folder, and what should stand there.
pub(crate) struct Installation {
    path: PathBuf,
    segment_bytes: u64,
    /// What the app says about consent at `open`.
    given: Option<Consent>,
    /// Taken before the callers' lock, never after.
    state: Mutex<InstallationState>,
    /// The last trouble that could be read, for those who must not wait for the state.
    trouble: Mutex<Option<String>>,
}

impl Installation {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            path: config.folder.clone(),
            segment_bytes: config.segment_bytes(),
            given: config.consent,
            state: Mutex::default(),
            trouble: Mutex::default(),
        }
    }

    /// Why the folder cannot be used, if it cannot. Never waits: while the worker writes, it is
    /// what was so before.
    pub(crate) fn trouble(&self) -> Option<String> {
        let mut last = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(state) = self.state.try_lock() {
            *last = state.trouble().cloned();
        }
        last.clone()
    }

    /// Brings the files into line with consent, but deletes nothing. A failure is noted too, and
    /// the worker tries again.
    pub(crate) fn reconcile(&self, recorder: &Recorder) -> Result<(), Error> {
        self.reconcile_state(&mut self.state(), recorder)
    }

    fn reconcile_state(
        &self,
        state: &mut InstallationState,
        recorder: &Recorder,
    ) -> Result<(), Error> {
        let outcome = state
            .reach(&self.path, self.given, recorder)
            .and_then(|()| state.establish(&self.path, self.segment_bytes, recorder));
        state.note_outcome(&outcome);
        // Whoever asks next may find the state in the worker's hands.
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = state.trouble().cloned();
        outcome
    }

    /// Gives up the folder, so that it can be opened again: the files are another's from here on.
    pub(crate) fn close(&self) {
        *self.state() = InstallationState::default();
    }

    /// Takes the customer's answer. A grant makes the files at once, unless old ones must be
    /// deleted first; a refusal is noted at once, and the worker deletes.
    pub(crate) fn set_consent(&self, consent: Consent, recorder: &Recorder) {
        let mut state = self.state();
        if recorder.is_closed() {
            return;
        }
        match consent {
            Consent::Denied => {
                recorder.forget(Consent::Denied);
                state.note_refusal();
            }
            Consent::Granted | Consent::Unknown => {
                // From `Granted` back to `Unknown`, what is kept stays; what comes waits.
                recorder.set_consent(consent);
                if consent == Consent::Unknown {
                    state.take_back_refusal();
                }
                // A failure is noted in the state; the worker sees it and tries again.
                let _ = self.reconcile_state(&mut state, recorder);
            }
        }
        drop(state);
        recorder.wake_worker();
    }

    /// The installation's bits, unless it is about to be deleted.
    pub(crate) fn id_bits(&self) -> Option<[u8; 16]> {
        let state = self.state();
        let identity = state.identity().filter(|_| !state.must_wipe())?;
        Some(*identity.installation.as_bytes())
    }

    /// Takes the customer's answer about the location.
    pub(crate) fn allow_location(&self, allowed: bool, recorder: &Recorder) {
        let mut state = self.state();
        if recorder.is_closed() {
            return;
        }
        recorder.allow_location(allowed);
        state.allow_location(allowed);
    }

    /// Notes the installation for erasure at the collector, and has the worker delete the rest.
    /// With `told_by_collector`, the collector knows already.
    pub(crate) fn erase(&self, told_by_collector: bool, recorder: &Recorder) {
        let mut state = self.state();
        if recorder.is_closed() || (told_by_collector && state.must_wipe()) {
            return;
        }
        recorder.forget(Consent::Unknown);
        state.begin_erasure(told_by_collector);
        drop(state);
        recorder.wake_worker();
    }

    /// Whether everything but the notes is to be deleted.
    pub(crate) fn must_wipe(&self) -> bool {
        self.state().must_wipe()
    }

    /// Deletes what is to be deleted. The worker has closed store and journal.
    pub(crate) fn wipe(&self, consent: Consent) -> Result<(), Error> {
        self.state().wipe(consent)
    }

    /// Gives the worker its end of the journal, if it was opened since; and the identity.
    pub(crate) fn hand_over(&self) -> (Option<Drainer>, Option<Identity>) {
        let mut state = self.state();
        (state.take_drainer(), state.identity())
    }

    pub(crate) fn identity(&self) -> Option<Identity> {
        self.state().identity()
    }

    /// Begins the next epoch of this installation, for good.
    pub(crate) fn raise_epoch(&self) -> Result<Option<Identity>, Error> {
        self.state().raise_epoch()
    }

    /// Notes that there is a store from here on.
    pub(crate) fn note_store(&self) -> Result<(), Error> {
        self.state().note_store()
    }

    /// Makes the small files survive a power cut, before anything leaves the device.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        self.state().sync()
    }

    /// How many erasures the collector has to confirm; none while something must be deleted first.
    pub(crate) fn erasures_to_send(&self) -> usize {
        let state = self.state();
        if state.must_wipe() { 0 } else { state.erasures().len() }
    }

    /// The oldest installation whose erasure the collector has to confirm.
    pub(crate) fn next_erasure(&self) -> Option<InstallationId> {
        self.state().erasures().first().copied()
    }

    /// Whether an erasure has yet to reach the collector.
    pub(crate) fn awaits_erasure(&self) -> bool {
        self.state().awaits_erasure()
    }

    /// The collector confirmed an erasure.
    pub(crate) fn on_erased(&self, installation: &InstallationId) {
        self.state().on_erased(installation);
    }

    fn state(&self) -> MutexGuard<'_, InstallationState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::SystemClock;

    fn recorder(consent: Option<Consent>) -> Recorder {
        Recorder::new(Arc::new(SystemClock), false, consent)
    }

    #[test]
    fn tells_of_storage_out_of_reach_also_while_the_worker_holds_the_state() {
        let config = Config::new("/dev/null/jalon", "https://calls.example.com", "wk_x");
        let (installation, recorder) =
            (Installation::new(&config), recorder(Some(Consent::Granted)));
        assert!(installation.reconcile(&recorder).is_err());
        let _held = installation.state();
        assert!(installation.trouble().is_some());
    }

    #[test]
    fn what_the_app_says_wins_over_what_is_stored() {
        let dir = tempfile::tempdir().unwrap();
        let open = |given: Option<Consent>| {
            let mut config = Config::new(dir.path(), "https://calls.example.com", "wk_x");
            config.consent = given;
            let (installation, recorder) = (Installation::new(&config), recorder(given));
            installation.reconcile(&recorder).unwrap();
            recorder.consent()
        };
        assert_eq!(open(Some(Consent::Granted)), Consent::Granted);
        assert_eq!(open(None), Consent::Granted);
        assert_eq!(open(Some(Consent::Denied)), Consent::Denied);
    }
}
