//! The worker's housekeeping: from the journal into the store, and a store that must be replaced.

use std::sync::Arc;

use super::Worker;
use super::snapshot::Recent;
use crate::clock::Now;
use crate::config::{Consent, DRAIN_AFTER_MS, DRAIN_AT_EVENTS, SET_ASIDE_KEPT_MS};
use crate::error::Error;
use crate::event::{Dropped, Kind, Record};
use crate::installation::{Identity, remove};
use crate::store::{self, Counts, Limits, Store};
use crate::upload::Upload;

impl Worker {
    /// Brings disk and store into line, and drains what is due.
    pub(super) fn maintain(&mut self, now: Now, closing: bool) -> Result<(), Error> {
        let shared = Arc::clone(&self.shared);
        let recorder = &shared.recorder;
        if shared.installation.state().wipe {
            self.reset();
            let consent = recorder.state().consent;
            shared.installation.state().clear(consent)?;
        }
        shared.installation.reconcile(recorder)?;
        let mut state = shared.installation.state();
        if let Some(drainer) = state.take_drainer() {
            self.drainer = Some(drainer);
        }
        let identity = state.identity;
        drop(state);
        // A refusal or an erasure may have come since: then nothing is opened again.
        let granted = recorder.state().consent == Consent::Granted;
        let Some(identity) = identity.filter(|_| granted) else { return Ok(()) };
        let first = self.store.is_none();
        if first {
            self.open_store(identity, now)?;
        }
        self.drain_what_is_due(now, closing)?;
        self.note_customer(identity);
        if first { self.offer_codes(now) } else { Ok(()) }
    }

    /// Lets go of everything that is about to be deleted.
    pub(super) fn reset(&mut self) {
        self.store = None;
        self.drainer = None;
        self.taken_over = false;
        self.calls.clear();
        self.first_unsent_ms = None;
        self.codes_asked = false;
        self.codes_out_of_reach = false;
        self.generation += 1;
        self.upload = Upload::new();
        self.codes_seen = self.shared.recorder.codes_version();
        *self.shared.recent() = Recent::nothing(self.codes_seen);
        self.shared.report().counts = Counts::default();
    }

    pub(super) fn open_store(&mut self, identity: Identity, now: Now) -> Result<(), Error> {
        let path = |name: &str| self.config.folder.join(name);
        let installation = identity.installation.as_bytes();
        let limits = self.limits();
        let open = if identity.has_store { Store::open_again } else { Store::open };
        let opened = open(&path(store::FILE), installation, identity.epoch, limits, now);
        let mut store = match opened {
            Err(error) if error.condemns_the_store() => self.replace_store(&error, now)?,
            other => other?,
        };
        self.shared.installation.state().note_store()?;
        store.expire(now)?;
        self.shared.recent().load(store.newest()?);
        self.calls = store.calls_waiting()?.into();
        self.first_unsent_ms = (store.counts()?.unsent > 0).then_some(now.elapsed_ms);
        self.store = Some(store);
        Ok(())
    }

    /// Sets a store aside whose content is at fault, and begins the next epoch in a new one. The
    /// epoch first, and for good: whatever happens then, no `seq` is given twice.
    pub(super) fn replace_store(&mut self, cause: &Error, now: Now) -> Result<Store, Error> {
        log::error!("the store is set aside, and a new epoch begins: {cause}");
        let path = |name: &str| self.config.folder.join(name);
        let lost = store::count_lost(&path(store::FILE));
        let Some(identity) = self.shared.installation.state().raise_epoch()? else {
            return Err(Error::StoreUnusable("there is no identity to raise"));
        };
        for suffix in ["-wal", "-shm"] {
            remove(&path(&format!("{}{suffix}", store::FILE)))?;
        }
        std::fs::rename(path(store::FILE), path(store::SET_ASIDE))
            .map_err(Error::io("set the store aside"))?;
        let limits = self.limits();
        let installation = identity.installation.as_bytes();
        let mut store = Store::open(&path(store::FILE), installation, identity.epoch, limits, now)?;
        store.note_lost(lost, now)?;
        Ok(store)
    }

    /// The store's share of the quota, less what a store set aside takes; one that is too old or
    /// takes too much is deleted.
    pub(super) fn limits(&self) -> Limits {
        let path = self.config.folder.join(store::SET_ASIDE);
        let bytes_max = self.config.store_bytes();
        let now_ms = self.shared.recorder.clock.now().wall_ms;
        let aside = path.metadata().ok().map_or(0, |file| {
            let age_ms = file.modified().ok().map_or(0, |at| now_ms - unix_ms(at));
            if file.len() > bytes_max / 2 || age_ms > SET_ASIDE_KEPT_MS {
                // Only room is at stake; the next opening tries again.
                let _ = remove(&path);
                0
            } else {
                file.len()
            }
        });
        let time_to_live_ms = u64::try_from(self.config.time_to_live.as_millis());
        Limits {
            bytes_max: bytes_max - aside,
            time_to_live_ms: time_to_live_ms.unwrap_or(u64::MAX).min(i64::MAX as u64),
        }
    }

    pub(super) fn drain_what_is_due(&mut self, now: Now, closing: bool) -> Result<(), Error> {
        loop {
            let Some(drainer) = &self.drainer else { return Ok(()) };
            let state = self.shared.recorder.state();
            if !state.has_journal() {
                // It was taken away meanwhile: what is here is about to be deleted.
                return Ok(());
            }
            let waited = state
                .first_undrained_ms
                .is_some_and(|first_ms| now.elapsed_ms >= first_ms + DRAIN_AFTER_MS);
            let due = drainer.has_sealed()
                || state.drain_now
                || waited
                || state.undrained >= DRAIN_AT_EVENTS
                || (closing && state.first_undrained_ms.is_some());
            drop(state);
            if !due {
                return Ok(());
            }
            self.drain(now)?;
        }
    }

    /// Notes who it is that the newest events led to.
    fn note_customer(&self, identity: Identity) {
        let Some(store) = &self.store else { return };
        let mut recent = self.shared.recent();
        recent.customer = store.customer().cloned();
        // What was uploaded in an earlier epoch, no store here remembers.
        recent.uploaded_before = store.delivered() > 0 || identity.epoch > 1;
        recent.seen = self.codes_seen;
    }

    /// Takes one segment over into the store, then frees it.
    pub(super) fn drain(&mut self, now: Now) -> Result<(), Error> {
        let shared = Arc::clone(&self.shared);
        if self.taken_over {
            return self.free_segment();
        }
        let (Some(store), Some(drainer)) = (self.store.as_mut(), self.drainer.as_mut()) else {
            return Ok(());
        };
        let leftover = drainer.has_sealed();
        let run = drainer.run();
        let (seen, counted) = shared.recorder.seal(drainer);
        let read = drainer.read()?;
        let (events, noted) = tally(&read.records);
        let outcome = store.drain(read.records, read.damages, &counted, run, now)?;
        // Under one lock, so that no status misses an event on its way or counts it twice.
        let counts = store.counts();
        let mut report = shared.report();
        shared.recorder.drained(events, &noted, &counted);
        report.counts = counts.unwrap_or(report.counts);
        drop(report);
        self.taken_over = true;
        if !outcome.added.is_empty() {
            self.first_unsent_ms.get_or_insert(now.elapsed_ms);
        }
        self.calls.extend(&outcome.calls);
        self.codes_asked &= outcome.calls.is_empty();
        shared.recent().add(outcome.added);
        store.expire(now)?;
        // A segment sealed earlier tells nothing of what was tapped since.
        if !leftover {
            self.codes_seen = seen;
            self.offer_codes(now)?;
        }
        self.free_segment()
    }

    pub(super) fn free_segment(&mut self) -> Result<(), Error> {
        let mut bits = [0; 4];
        self.shared.recorder.clock.random(&mut bits);
        if let Some(drainer) = self.drainer.as_mut() {
            drainer.free(u32::from_le_bytes(bits))?;
        }
        self.taken_over = false;
        Ok(())
    }

    pub(super) fn offer_codes(&mut self, now: Now) -> Result<(), Error> {
        if let Some(store) = &self.store {
            let leases = store.leases(now)?;
            let recorder = &self.shared.recorder;
            recorder.offer_codes(self.codes_seen, leases, store.screens()?, store.customer());
        }
        Ok(())
    }
}

pub(super) fn tally(records: &[Record]) -> (u64, Dropped) {
    let mut noted = Dropped::default();
    let mut events = 0;
    for record in records {
        match (record.kind, record.dropped_reason()) {
            (Kind::Dropped, Some(reason)) => noted.add(reason, 1),
            _ => events += 1,
        }
    }
    (events, noted)
}

pub(super) fn unix_ms(at: std::time::SystemTime) -> i64 {
    at.duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
