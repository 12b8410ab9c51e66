//! The state behind the installation's lock, and every way in which it changes.
//!
//! Decides which files there should be. Takes no lock; how a file is written is `folder`'s.

use std::path::Path;
use std::sync::Arc;

use super::early::Early;
use super::folder::Folder;
use super::found::Found;
use super::identity_file::{Identity, InstallationId};
use super::notes::Notes;
use super::place_file::Place;
use crate::config::Consent;
use crate::error::Error;
use crate::journal::{self, Drainer};
use crate::recorder::Recorder;

/// The installation's state. No field is visible outside this file.
#[derive(Default)]
pub(super) struct InstallationState {
    /// Shared, so that the worker can sync and delete without the state's lock.
    folder: Option<Arc<Folder>>,
    identity: Option<Identity>,
    /// What `denied` and `erase` say.
    notes: Notes,
    /// The worker's end of the journal, until the worker fetches it.
    drainer: Option<Drainer>,
    /// Everything but the notes is to be deleted before anything new is made.
    must_wipe: bool,
    /// In a copy, `place` stays as it is until a new installation is made, so that a later process
    /// knows the copy and the grant too.
    place: Place,
    /// Another installation was here before: who uses the app now may have used that one.
    follows: bool,
    /// Losses to be counted in the journal, once there is one.
    lost: u64,
    /// What the app said while the folder was out of reach.
    early: Early,
    /// How often the small files have changed, and how many of these changes were synced.
    changes: u64,
    synced: u64,
    /// A small file could not be written, and is not as it should be.
    unwritten: bool,
    /// Why the folder cannot be used, if it cannot.
    trouble: Option<String>,
}

impl InstallationState {
    /// Opens the folder and reads its small files, once: after a success it does nothing. `given`
    /// is the answer about consent that the app passed to `open`.
    pub(super) fn reach(
        &mut self,
        path: &Path,
        given: Option<Consent>,
        recorder: &Recorder,
    ) -> Result<(), Error> {
        if self.folder.is_some() {
            return Ok(());
        }
        let folder = Folder::open(path)?;
        let stored = folder.load()?;
        self.folder = Some(Arc::new(folder));
        let found = Found::of(stored);
        let (stored, erased, location) = (found.consent, found.erased, found.location);
        self.take_found(found);
        let early = std::mem::take(&mut self.early);
        let consent = if early.answered || early.erased {
            recorder.consent()
        } else {
            let consent = Consent::at_open(given, stored, erased);
            recorder.adopt_consent(consent);
            consent
        };
        self.adopt_location(location, recorder);
        if early.erased {
            self.notes.retire(self.identity.take());
            self.notes.erase();
            (self.place, self.lost) = (Place::Unmarked, 0);
            self.must_wipe = true;
            self.note_erasure();
        }
        match consent {
            Consent::Denied if stored == consent => self.notes.refuse(),
            Consent::Denied => self.note_refusal(),
            Consent::Granted => self.notes.grant(),
            Consent::Unknown => {}
        }
        Ok(())
    }

    /// Takes what an earlier process left, except for its answer about consent.
    fn take_found(&mut self, found: Found) {
        let is_copy = found.place == Place::Elsewhere;
        if is_copy {
            // How much of what it holds the other phone has is unknown.
            self.lost = 1;
            log::warn!(
                "the journey's folder was copied from another phone or place: a new installation \
                 begins, and what the copy holds is dropped"
            );
        }
        if found.identity_lost {
            log::warn!("the identity file is damaged: a new installation begins");
            self.follows = true;
        }
        self.notes.add(found.refused, found.erasures);
        if found.erased {
            self.notes.await_answer();
        }
        let is_refused = found.consent == Consent::Denied;
        self.must_wipe = self.must_wipe || is_refused || found.erased || is_copy;
        (self.identity, self.place) = (found.identity, found.place);
    }

    /// Gives the recorder the stored answer about the location. An answer that the app gave while
    /// the folder was out of reach wins, and is stored.
    fn adopt_location(&mut self, stored: Option<bool>, recorder: &Recorder) {
        let allowed = recorder.adopt_location(stored);
        if let (Some(allowed), Some(identity)) = (allowed, self.identity.as_mut())
            && identity.location != allowed
        {
            identity.location = allowed;
            self.save_identity();
        }
    }

    /// Makes identity and journal, if the customer agreed and nothing old must be deleted first.
    pub(super) fn establish(
        &mut self,
        path: &Path,
        segment_bytes: u64,
        recorder: &Recorder,
    ) -> Result<(), Error> {
        let Some(folder) = self.folder.as_ref() else { return Ok(()) };
        if self.must_wipe || !recorder.lacks_journal() {
            return Ok(());
        }
        folder.undeny()?;
        self.notes.forget_refused();
        let clock = recorder.clock();
        if self.identity.is_none() {
            // First: beside an `erase` that names nobody, an identity is a leftover.
            folder.set_erasures(self.notes.erase_file())?;
            let drawn = Identity::draw(clock, recorder.location_allowed());
            let identity = Identity { follows: self.follows, ..drawn };
            folder.save(&identity)?;
            self.identity = Some(identity);
            self.changes += 1;
        }
        // After the identity: a copy's `place` keeps the grant in mind until then.
        if self.place != Place::Here {
            folder.mark_place()?;
            self.place = Place::Here;
            self.changes += 1;
        }
        let mut bits = [0; 12];
        clock.random(&mut bits);
        let [run @ .., a, b, c, d] = bits;
        let (run, salt) = (u64::from_le_bytes(run), u32::from_le_bytes([a, b, c, d]));
        let opened = journal::open(path, segment_bytes, run, salt)?;
        self.drainer = Some(opened.drainer);
        let torn = opened.torn + std::mem::take(&mut self.lost);
        recorder.install(opened.writer, opened.session, opened.waiting, torn);
        Ok(())
    }

    /// Sets the trouble from an outcome: the error, or else why there is no lock.
    pub(super) fn note_outcome(&mut self, outcome: &Result<(), Error>) {
        let unlocked = self.folder.as_ref().and_then(|folder| folder.lock_trouble.as_ref());
        self.trouble = match outcome {
            Err(error) => Some(error.to_string()),
            Ok(()) => unlocked.map(|error| format!("no lock on the folder: {error}")),
        };
    }

    pub(super) fn is_locked(&self) -> bool {
        self.folder.as_ref().is_some_and(|folder| folder.lock_trouble.is_none())
    }

    pub(super) fn trouble(&self) -> Option<&String> {
        self.trouble.as_ref()
    }

    /// Begins to delete all but the notes, if that is due: writes the notes, and returns the folder to
    /// delete in, and whether to keep `place`. Store and journal must be closed, and nothing is made in
    /// the folder before [`end_wipe`](Self::end_wipe).
    pub(super) fn begin_wipe(&mut self) -> Result<Option<(Arc<Folder>, bool)>, Error> {
        let Some(folder) = self.folder.as_ref().filter(|_| self.must_wipe) else {
            return Ok(None);
        };
        // Written again, in case the first attempt failed.
        folder.remove_torn_notes()?;
        folder.write_notes(&self.notes)?;
        self.changes += 1;
        self.drainer = None;
        let keep_place = self.place == Place::Elsewhere;
        Ok(Some((Arc::clone(folder), keep_place)))
    }

    /// Notes that everything but the notes was deleted. An answer that came meanwhile is among the
    /// notes already.
    pub(super) fn end_wipe(&mut self) -> Result<(), Error> {
        if let Some(folder) = self.folder.as_ref()
            && !self.notes.is_denied()
        {
            // Only now: until here it kept the promise that all of this would be deleted.
            folder.undeny()?;
            self.changes += 1;
        }
        if self.place == Place::Here {
            self.place = Place::Unmarked;
        }
        (self.must_wipe, self.follows) = (false, true);
        Ok(())
    }

    pub(super) fn must_wipe(&self) -> bool {
        self.must_wipe
    }

    pub(super) fn identity(&self) -> Option<Identity> {
        self.identity
    }

    pub(super) fn erasures(&self) -> &[InstallationId] {
        self.notes.erasures()
    }

    pub(super) fn awaits_erasure(&self) -> bool {
        self.early.erased || !self.notes.erasures().is_empty()
    }

    /// Returns the folder to sync, if its small files changed since the last sync, and the number
    /// of changes that the sync will include.
    pub(super) fn begin_sync(&self) -> Option<(Arc<Folder>, u64)> {
        let folder = self.folder.as_ref().filter(|_| self.synced < self.changes)?;
        Some((Arc::clone(folder), self.changes))
    }

    /// Notes that so many changes were synced. Those that came meanwhile were not.
    pub(super) fn end_sync(&mut self, changes: u64) {
        self.synced = self.synced.max(changes);
    }

    /// Begins this installation's next epoch. `None` without an identity.
    pub(super) fn raise_epoch(&mut self) -> Result<Option<Identity>, Error> {
        let raise = |it: Identity| it.epoch.saturating_add(1);
        self.change_identity(|it| Identity { epoch: raise(it), has_store: false, ..it })
    }

    pub(super) fn note_store(&mut self) -> Result<(), Error> {
        self.change_identity(|it| Identity { has_store: true, ..it }).map(drop)
    }

    fn change_identity(
        &mut self,
        change: impl FnOnce(Identity) -> Identity,
    ) -> Result<Option<Identity>, Error> {
        let Some((folder, identity)) = self.folder.as_ref().zip(self.identity.as_mut()) else {
            return Ok(None);
        };
        let changed = change(*identity);
        if changed != *identity {
            folder.save(&changed)?;
            *identity = changed;
            self.changes += 1;
        }
        Ok(Some(changed))
    }

    pub(super) fn take_drainer(&mut self) -> Option<Drainer> {
        self.drainer.take()
    }

    pub(super) fn on_erased(&mut self, installation: &InstallationId) {
        self.notes.confirm(installation);
        let noted = self.folder.as_ref().map(|folder| folder.write_notes(&self.notes));
        self.note(noted);
    }

    /// Takes the installation out of use; the worker deletes the rest. With `told_by_collector` the
    /// collector need not be asked for the erasure.
    pub(super) fn begin_erasure(&mut self, told_by_collector: bool) {
        let identity = self.identity.take();
        if told_by_collector {
            self.notes.await_answer();
        } else {
            self.early = Early { answered: false, erased: self.folder.is_none() };
            self.notes.retire(identity);
            self.notes.erase();
        }
        self.drainer = None;
        (self.place, self.lost) = (Place::Unmarked, 0);
        self.must_wipe = true;
        self.note_erasure();
    }

    /// Takes the installation out of use, but not at the collector, where another phone uses it too.
    /// The grant stays: after a kill, `place` says the same as in a copy.
    pub(super) fn begin_anew(&mut self) {
        (self.identity, self.drainer) = (None, None);
        (self.place, self.lost) = (Place::Elsewhere, 1);
        self.must_wipe = true;
        let noted = self.folder.as_ref().map(|folder| folder.mark_elsewhere());
        self.note(noted);
    }

    /// Writes `erase`, which from then on stands for `denied` too.
    fn note_erasure(&mut self) {
        let noted = self.folder.as_ref().map(|folder| {
            folder.set_erasures(self.notes.erase_file())?;
            folder.undeny()
        });
        self.note(noted);
    }

    /// Notes that the app has answered: if the folder could not be read yet, that answer is not
    /// replaced by a stored one.
    pub(super) fn note_early_answer(&mut self) {
        self.early.answered = self.folder.is_none();
    }

    /// Notes a refusal; the worker deletes the rest.
    pub(super) fn note_refusal(&mut self) {
        self.notes.refuse();
        self.notes.retire(self.identity.take());
        self.drainer = None;
        (self.place, self.lost) = (Place::Unmarked, 0);
        self.must_wipe = true;
        let noted = self.folder.as_ref().map(|folder| folder.write_notes(&self.notes));
        self.note(noted);
    }

    /// Takes an answer that is no refusal. [`establish`](Self::establish) stores a grant. While
    /// something is to be deleted, `denied` stays.
    pub(super) fn answer(&mut self, consent: Consent) {
        if consent == Consent::Granted {
            return self.notes.grant();
        }
        self.notes.take_back_refusal();
        if !self.must_wipe {
            let noted = self.folder.as_ref().map(|folder| folder.undeny());
            self.note(noted);
        }
    }

    /// Stores the customer's answer about the location, if there is an identity to store it in.
    pub(super) fn allow_location(&mut self, allowed: bool) {
        if let Some(identity) = self.identity.as_mut() {
            identity.location = allowed;
            self.save_identity();
        }
    }

    fn save_identity(&mut self) {
        let noted = self.folder.as_ref().zip(self.identity.as_ref());
        let noted = noted.map(|(folder, identity)| folder.save(identity));
        self.note(noted);
    }

    /// Returns whether a small file could not be written.
    pub(super) fn has_unwritten(&self) -> bool {
        self.unwritten
    }

    /// Writes the small files again, if one could not be written.
    pub(super) fn write_again(&mut self) -> Result<(), Error> {
        let Some(folder) = self.folder.as_ref().filter(|_| self.unwritten) else {
            return Ok(());
        };
        folder.write_notes(&self.notes)?;
        if !self.notes.is_denied() && !self.must_wipe {
            folder.undeny()?;
        }
        if let Some(identity) = &self.identity {
            folder.save(identity)?;
        }
        self.changes += 1;
        self.unwritten = false;
        Ok(())
    }

    fn note(&mut self, outcome: Option<Result<(), Error>>) {
        match outcome {
            Some(Err(error)) => {
                log::warn!(
                    "failed to write to the journey's folder, check that it is writable: {error}"
                );
                self.trouble = Some(error.to_string());
                self.unwritten = true;
            }
            _ => self.changes += 1,
        }
    }
}
