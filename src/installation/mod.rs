//! The installation on disk: folder, identity and journal, as consent allows them.
//!
//! | after | the folder holds |
//! |---|---|
//! | no answer yet | nothing |
//! | a grant | `identity`, `place`, the journal, the store |
//! | a refusal | `denied`, with the id of the installation; `erase` if an erasure waits |
//! | an erasure | `erase`: with the id until the collector has confirmed it, then empty until an answer |
//!
//! The app's threads make the files match consent at `open` and when consent changes, as far as
//! that is quick. The worker does the rest, and retries what failed. Only the worker deletes data,
//! since it must close the store first. A grant removes `denied` on the calling thread, unless
//! something is still to be deleted. What consent allows is decided in `consent`; the store's
//! content is `store`'s.

mod early;
mod folder;
mod found;
mod identity_file;
mod notes;
mod place_file;
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

/// The installation on disk, and what it should be.
pub(crate) struct Installation {
    path: PathBuf,
    segment_bytes: u64,
    /// The answer about consent that the app passed to `open`.
    given: Option<Consent>,
    /// Lock order: taken before the callers' lock, never after. Never held across a sync or a
    /// deletion of data, for which an app's thread would wait.
    state: Mutex<InstallationState>,
    /// A copy of the state's trouble, for callers that must not wait for the state's lock.
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

    /// Returns why the folder cannot be used, if it cannot. Never waits: while the worker holds the
    /// state, returns the last value known.
    pub(crate) fn trouble(&self) -> Option<String> {
        let mut last = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(state) = self.state.try_lock() {
            *last = state.trouble().cloned();
        }
        last.clone()
    }

    /// Makes the files match consent, but deletes nothing. An error is also kept as the trouble,
    /// and the worker tries again.
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
        // The next caller of `trouble` may find the state locked by the worker.
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = state.trouble().cloned();
        outcome
    }

    /// Releases the folder and its lock, so that another journey can open it.
    pub(crate) fn close(&self) {
        *self.state() = InstallationState::default();
    }

    /// Takes the customer's answer. A grant makes the files at once, unless old ones must be
    /// deleted first. A refusal is noted at once, and the worker deletes the rest. Does nothing
    /// after `close`.
    pub(crate) fn set_consent(&self, consent: Consent, recorder: &Recorder) {
        let mut state = self.state();
        if recorder.is_closed() {
            return;
        }
        state.note_early_answer();
        match consent {
            Consent::Denied => {
                recorder.forget(Consent::Denied);
                state.note_refusal();
            }
            Consent::Granted | Consent::Unknown => {
                // From `Granted` back to `Unknown`: what is stored stays, what comes waits in
                // memory.
                recorder.set_consent(consent);
                state.answer(consent);
                // The state keeps the error; the worker tries again.
                let _ = self.reconcile_state(&mut state, recorder);
            }
        }
        drop(state);
        recorder.wake_worker();
    }

    /// Returns the installation's 128 bits, unless it is about to be deleted.
    pub(crate) fn id_bits(&self) -> Option<[u8; 16]> {
        let state = self.state();
        let identity = state.identity().filter(|_| !state.must_wipe())?;
        Some(*identity.installation.as_bytes())
    }

    /// Takes the customer's answer about the location. Does nothing after `close`.
    pub(crate) fn allow_location(&self, allowed: bool, recorder: &Recorder) {
        let mut state = self.state();
        if recorder.is_closed() {
            return;
        }
        recorder.allow_location(allowed);
        state.allow_location(allowed);
        let is_unwritten = state.has_unwritten();
        drop(state);
        if is_unwritten {
            // It tries again.
            recorder.wake_worker();
        }
    }

    /// Returns whether the folder is locked against other processes.
    pub(crate) fn is_locked(&self) -> bool {
        self.state().is_locked()
    }

    /// Writes the small files again, if one could not be written.
    pub(crate) fn write_again(&self) -> Result<(), Error> {
        self.state().write_again()
    }

    /// Notes the installation for erasure at the collector, and has the worker delete the rest.
    /// With `told_by_collector`, the collector has erased it already and is not asked. Does nothing
    /// after `close`.
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

    /// Begins a new installation: the collector has found that another phone uses this one too. What
    /// it holds is dropped, and the loss is counted. Does nothing after `close`.
    pub(crate) fn begin_anew(&self, recorder: &Recorder) {
        let mut state = self.state();
        if recorder.is_closed() || state.must_wipe() {
            return;
        }
        recorder.forget(recorder.consent());
        state.begin_anew();
    }

    /// Returns whether everything but the notes is to be deleted.
    pub(crate) fn must_wipe(&self) -> bool {
        self.state().must_wipe()
    }

    /// Deletes everything but the notes, if that is due. The worker must have closed store and
    /// journal.
    pub(crate) fn wipe(&self) -> Result<(), Error> {
        // Not in the condition: the lock would be held through the block.
        let begun = self.state().begin_wipe()?;
        if let Some((folder, keep_place)) = begun {
            // The notes first: from here on, whatever a power cut leaves, they are there.
            folder.sync()?;
            folder.wipe(keep_place)?;
            folder.sync()?;
            self.state().end_wipe()?;
        }
        Ok(())
    }

    /// Returns the worker's end of the journal, if one was opened since the last call; and the
    /// identity.
    pub(crate) fn hand_over(&self) -> (Option<Drainer>, Option<Identity>) {
        let mut state = self.state();
        (state.take_drainer(), state.identity())
    }

    pub(crate) fn identity(&self) -> Option<Identity> {
        self.state().identity()
    }

    /// Begins this installation's next epoch, so that it survives a power cut. `None` without an
    /// identity.
    pub(crate) fn raise_epoch(&self) -> Result<Option<Identity>, Error> {
        let raised = self.state().raise_epoch()?;
        self.sync()?;
        Ok(raised)
    }

    /// Notes that this epoch has a store.
    pub(crate) fn note_store(&self) -> Result<(), Error> {
        self.state().note_store()
    }

    /// Makes the small files survive a power cut. Called before anything leaves the device.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        let begun = self.state().begin_sync();
        if let Some((folder, changes)) = begun {
            folder.sync()?;
            self.state().end_sync(changes);
        }
        Ok(())
    }

    /// Returns how many erasures the collector has to confirm; `None` while something must be
    /// deleted first.
    pub(crate) fn erasures_to_send(&self) -> Option<usize> {
        let state = self.state();
        (!state.must_wipe()).then(|| state.erasures().len())
    }

    /// Returns the oldest installation whose erasure the collector has to confirm.
    pub(crate) fn next_erasure(&self) -> Option<InstallationId> {
        self.state().erasures().first().copied()
    }

    /// Returns whether the collector has yet to confirm an erasure.
    pub(crate) fn awaits_erasure(&self) -> bool {
        self.state().awaits_erasure()
    }

    /// Notes that the collector confirmed an erasure.
    pub(crate) fn on_erased(&self, installation: &InstallationId) {
        self.state().on_erased(installation);
    }

    fn state(&self) -> MutexGuard<'_, InstallationState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
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

    /// An installation in this folder, whose customer has agreed.
    fn granted(folder: &Path) -> (Installation, Recorder) {
        let mut config = Config::new(folder, "https://calls.example.com", "wk_x");
        config.consent = Some(Consent::Granted);
        let (installation, recorder) = (Installation::new(&config), recorder(config.consent));
        installation.reconcile(&recorder).unwrap();
        (installation, recorder)
    }

    /// Runs `busy` on a thread of its own until it stands still in a sync, then `meanwhile`. The
    /// small files of these names, in the order in which a sync opens them, are pipes for that: a
    /// reader waits until there is a writer. `meanwhile` must leave the second one alone.
    fn during_a_sync(
        folder: &Path,
        names: [&str; 2],
        busy: impl FnOnce() -> Result<(), Error> + Send,
        meanwhile: impl FnOnce(),
    ) {
        let pipes = names.map(|name| folder.join(name));
        for pipe in &pipes {
            let _ = std::fs::remove_file(pipe);
            let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
            rustix::fs::mkfifoat(rustix::fs::CWD, pipe, mode).unwrap();
        }
        let open = |pipe| std::fs::OpenOptions::new().write(true).open(pipe).unwrap();
        std::thread::scope(|scope| {
            let busy = scope.spawn(busy);
            // Once the sync has opened the first pipe, it waits at the second.
            let _first = open(&pipes[0]);
            meanwhile();
            let _second = open(&pipes[1]);
            assert!(busy.join().unwrap().is_err(), "a pipe cannot be synced");
        });
    }

    #[test]
    fn no_thread_of_the_app_waits_for_a_sync() {
        let dir = tempfile::tempdir().unwrap();
        let (installation, recorder) = granted(dir.path());
        let use_it = || {
            assert!(installation.id_bits().is_some());
            installation.allow_location(true, &recorder);
            installation.set_consent(Consent::Unknown, &recorder);
            installation.set_consent(Consent::Granted, &recorder);
        };
        during_a_sync(dir.path(), ["identity", "erase"], || installation.sync(), use_it);
        during_a_sync(
            dir.path(),
            ["denied", "erase"],
            || installation.raise_epoch().map(drop),
            use_it,
        );
        std::fs::remove_file(dir.path().join("erase")).unwrap();
        // While data is deleted, too.
        for answer in [Consent::Denied, Consent::Granted] {
            installation.set_consent(answer, &recorder);
            installation.erase(false, &recorder);
            let use_it = || {
                assert_eq!(installation.id_bits(), None);
                installation.allow_location(true, &recorder);
                installation.set_consent(answer, &recorder);
                installation.erase(false, &recorder);
            };
            during_a_sync(dir.path(), ["identity", "place"], || installation.wipe(), use_it);
        }
    }

    #[test]
    fn a_change_while_a_sync_is_under_way_waits_for_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let (installation, recorder) = granted(dir.path());
        let (_folder, changes) = installation.state().begin_sync().unwrap();
        installation.allow_location(true, &recorder);
        installation.state().end_sync(changes);
        assert!(installation.state().begin_sync().is_some());
        installation.sync().unwrap();
        assert!(installation.state().begin_sync().is_none());
    }

    #[test]
    fn what_the_app_passes_to_open_wins_over_what_is_stored_only_if_it_refuses() {
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
        assert_eq!(open(Some(Consent::Granted)), Consent::Denied);
    }
}
