//! The installation a journey stands on: folder, identity and journal, as consent allows them.
//!
//! Brings the files into line with what the customer decided. The app's threads do so at `open`
//! and when consent changes, as far as that is quick; the worker does the rest, and whatever
//! failed. Deleting is the worker's alone, since it must let go of the store first.

mod folder;

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::Clock;
use crate::config::{Config, Consent};
use crate::error::Error;
use crate::recorder::Recorder;
use folder::{Folder, Stored};

use crate::journal::{self, Drainer};
pub(crate) use folder::{Identity, InstallationId, remove};

/// What stands in the folder, and what is to stand there.
pub(crate) struct Installation {
    path: PathBuf,
    segment_bytes: u64,
    given: Option<Consent>,
    state: Mutex<InstallationState>,
    /// The last `trouble` that could be read, for those who must not wait for the state.
    trouble: Mutex<Option<String>>,
}

/// What the installation's lock guards. It is taken before the callers' lock, never after.
#[derive(Default)]
pub(crate) struct InstallationState {
    folder: Option<Folder>,
    pub identity: Option<Identity>,
    /// Installations whose erasure the collector has to confirm.
    pub erasures: Vec<InstallationId>,
    /// The worker's end of the journal, until it fetches it.
    drainer: Option<Drainer>,
    /// Everything but the notes is to be deleted, before anything new is made.
    pub wipe: bool,
    /// An erasure was asked for while the folder was out of reach.
    erase_wanted: bool,
    /// The small files changed and would not survive a power cut.
    pub unsynced: bool,
    /// Why the installation cannot be used, if it cannot.
    pub trouble: Option<String>,
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

    /// Why the installation cannot be used, if it cannot. Never waits: while the worker writes, it is
    /// what was so before.
    pub(crate) fn trouble(&self) -> Option<String> {
        let mut last = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(state) = self.state.try_lock() {
            last.clone_from(&state.trouble);
        }
        last.clone()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, InstallationState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings the files into line, but deletes nothing. Trouble is noted too, and the worker
    /// tries again.
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
        let unlocked = state.folder.as_ref().and_then(|folder| folder.lock_trouble.as_ref());
        state.trouble = unlocked.map(|error| format!("no lock on the folder: {error}"));
        if let Err(error) = &outcome {
            state.trouble = Some(error.to_string());
        }
        // Who asks next may find the state in the worker's hands.
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&state.trouble);
        outcome
    }

    /// Lets go of the folder, so that it can be opened again: the files are another's from here on.
    pub(crate) fn close(&self) {
        *self.state() = InstallationState::default();
    }

    /// Takes the customer's answer. A grant makes the files at once, unless old ones must be
    /// deleted first; a refusal is noted at once, and the worker deletes.
    pub(crate) fn consent(&self, consent: Consent, recorder: &Recorder) {
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
                recorder.consent(consent);
                if consent == Consent::Unknown {
                    state.take_back_refusal();
                }
                // Trouble is noted in the state; the worker sees it and tries again.
                let _ = self.reconcile_state(&mut state, recorder);
            }
        }
        drop(state);
        recorder.bell.ring();
    }

    /// The installation's bits, unless it is on its way out.
    pub(crate) fn installation(&self) -> Option<[u8; 16]> {
        let state = self.state();
        let identity = state.identity.filter(|_| !state.wipe)?;
        Some(*identity.installation.as_bytes())
    }

    /// Takes the customer's answer about the location.
    pub(crate) fn location(&self, allowed: bool, recorder: &Recorder) {
        let mut state = self.state();
        if recorder.is_closed() {
            return;
        }
        recorder.state().location = Some(allowed);
        if let Some(identity) = state.identity.as_mut() {
            identity.location = allowed;
            state.save_identity();
        }
    }

    /// Notes the installation for erasure at the collector, and has the worker delete the rest.
    /// With `told_by_collector`, it knows already.
    pub(crate) fn erase(&self, told_by_collector: bool, recorder: &Recorder) {
        let mut state = self.state();
        if recorder.is_closed() || (told_by_collector && state.wipe) {
            return;
        }
        recorder.forget(Consent::Unknown);
        let identity = state.identity.take();
        match identity {
            Some(identity) if !told_by_collector => state.erasures.push(identity.installation),
            None if state.folder.is_none() => state.erase_wanted = !told_by_collector,
            _ => {}
        }
        state.drainer = None;
        state.wipe = true;
        state.note_erasures();
        drop(state);
        recorder.bell.ring();
    }
}

impl InstallationState {
    /// Opens the folder and reads what stands there, the first time it can be read.
    fn reach(
        &mut self,
        path: &std::path::Path,
        given: Option<Consent>,
        recorder: &Recorder,
    ) -> Result<(), Error> {
        if self.folder.is_some() {
            return Ok(());
        }
        let folder = Folder::open(path)?;
        let stored = folder.load()?;
        self.folder = Some(folder);
        let Stored { identity, identity_lost, denied, erasures } = stored;
        // An `identity` of an installation that is being erased was on its way out.
        self.identity = identity.filter(|identity| !erasures.contains(&identity.installation));
        let leftovers = self.identity.is_none() && !identity_lost;
        self.wipe = self.wipe || denied || (leftovers && !erasures.is_empty());
        self.erasures.extend(erasures);
        if identity_lost {
            log::warn!("the identity file could not be read: beginning a new installation");
        }
        let found = match (denied, self.identity.is_some() || identity_lost) {
            (true, _) => Consent::Denied,
            (false, true) => Consent::Granted,
            (false, false) => Consent::Unknown,
        };
        let mut state = recorder.state();
        if state.consent == Consent::Unknown && !self.erase_wanted {
            state.consent = Consent::at_open(given, found);
        }
        let allowed = state.location;
        if allowed.is_none() {
            state.location = self.identity.map(|identity| identity.location);
        }
        let refused = state.consent == Consent::Denied;
        drop(state);
        if let (Some(allowed), Some(identity)) = (allowed, self.identity.as_mut())
            && identity.location != allowed
        {
            // The answer came while this could not be read.
            identity.location = allowed;
            self.save_identity();
        }
        if std::mem::take(&mut self.erase_wanted) {
            self.erasures.extend(self.identity.take().map(|identity| identity.installation));
            self.wipe = true;
            self.note_erasures();
        }
        if refused && !denied {
            self.note_refusal();
        }
        Ok(())
    }

    /// Makes identity and journal, where the customer agreed and nothing old is in the way.
    fn establish(
        &mut self,
        path: &std::path::Path,
        segment_bytes: u64,
        recorder: &Recorder,
    ) -> Result<(), Error> {
        let Some(folder) = self.folder.as_ref() else { return Ok(()) };
        if self.wipe || !recorder.state().lacks_journal() {
            return Ok(());
        }
        folder.undeny()?;
        let location = recorder.state().location == Some(true);
        let clock = &*recorder.clock;
        if self.identity.is_none() {
            let identity = new_identity(clock, location);
            folder.save(&identity)?;
            self.identity = Some(identity);
            self.unsynced = true;
        }
        let mut bits = [0; 12];
        clock.random(&mut bits);
        let [run @ .., a, b, c, d] = bits;
        let (run, salt) = (u64::from_le_bytes(run), u32::from_le_bytes([a, b, c, d]));
        let opened = journal::open(path, segment_bytes, run, salt)?;
        self.drainer = Some(opened.drainer);
        recorder.install(opened.writer, opened.session, opened.waiting, opened.torn);
        Ok(())
    }

    /// Deletes what is to be deleted. The worker has let go of store and journal.
    pub(crate) fn clear(&mut self, consent: Consent) -> Result<(), Error> {
        if self.wipe
            && let Some(folder) = self.folder.as_ref()
        {
            // The notes first, for good (again, should they not have been written when they were
            // due): from here on a power cut leaves either everything or the notes.
            match consent {
                Consent::Denied => folder.deny()?,
                Consent::Granted | Consent::Unknown => folder.undeny()?,
            }
            folder.set_erasures(&self.erasures)?;
            folder.sync()?;
            self.drainer = None;
            folder.wipe()?;
            folder.sync()?;
            self.wipe = false;
            self.unsynced = false;
        }
        Ok(())
    }

    /// Whether an erasure has yet to reach the collector.
    pub(crate) fn awaits_erasure(&self) -> bool {
        self.erase_wanted || !self.erasures.is_empty()
    }

    /// Makes the small files last through a power cut, before anything leaves the device.
    pub(crate) fn sync(&mut self) -> Result<(), Error> {
        if self.unsynced
            && let Some(folder) = self.folder.as_ref()
        {
            folder.sync()?;
            self.unsynced = false;
        }
        Ok(())
    }

    /// Begins the next epoch of this installation, for good.
    pub(crate) fn raise_epoch(&mut self) -> Result<Option<Identity>, Error> {
        let Some((folder, identity)) = self.folder.as_ref().zip(self.identity.as_mut()) else {
            return Ok(None);
        };
        let raised =
            Identity { epoch: identity.epoch.saturating_add(1), has_store: false, ..*identity };
        folder.save(&raised)?;
        folder.sync()?;
        *identity = raised;
        Ok(Some(raised))
    }

    /// Notes that there is a store from here on.
    pub(crate) fn note_store(&mut self) -> Result<(), Error> {
        let Some((folder, identity)) = self.folder.as_ref().zip(self.identity.as_mut()) else {
            return Ok(());
        };
        if identity.has_store {
            return Ok(());
        }
        let noted = Identity { has_store: true, ..*identity };
        folder.save(&noted)?;
        *identity = noted;
        self.unsynced = true;
        Ok(())
    }

    /// The worker's end of the journal, if it was opened since.
    pub(crate) fn take_drainer(&mut self) -> Option<Drainer> {
        self.drainer.take()
    }

    /// The collector confirmed an erasure.
    pub(crate) fn erased(&mut self, installation: &InstallationId) {
        self.erasures.retain(|waiting| waiting != installation);
        self.note_erasures();
    }

    fn note_refusal(&mut self) {
        self.identity = None;
        self.drainer = None;
        self.wipe = true;
        let noted = self.folder.as_ref().map(Folder::deny);
        self.note(noted);
    }

    fn take_back_refusal(&mut self) {
        let noted = self.folder.as_ref().map(Folder::undeny);
        self.note(noted);
    }

    fn note_erasures(&mut self) {
        let noted = self.folder.as_ref().map(|folder| folder.set_erasures(&self.erasures));
        self.note(noted);
    }

    fn save_identity(&mut self) {
        let noted = self.folder.as_ref().zip(self.identity.as_ref());
        let noted = noted.map(|(folder, identity)| folder.save(identity));
        self.note(noted);
    }

    fn note(&mut self, outcome: Option<Result<(), Error>>) {
        match outcome {
            Some(Err(error)) => {
                log::warn!("a note could not be written: {error}");
                self.trouble = Some(error.to_string());
            }
            _ => self.unsynced = true,
        }
    }
}

fn new_identity(clock: &dyn Clock, location: bool) -> Identity {
    let mut bits = [0; 16];
    clock.random(&mut bits);
    Identity {
        installation: InstallationId::from_bytes(bits),
        epoch: 1,
        location,
        has_store: false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn tells_of_storage_out_of_reach_also_while_the_worker_holds_the_plot() {
        let config = Config::new("/dev/null/jalon", "https://calls.example.com", "wk_x");
        let (installation, recorder) =
            (Installation::new(&config), Recorder::new(Arc::new(SystemClock), false));
        recorder.state().consent = Consent::Granted;
        assert!(installation.reconcile(&recorder).is_err());
        let _held = installation.state();
        assert!(installation.trouble().is_some());
    }
}
