//! The worker: one thread for journal and store, and what it tells the transport.
//!
//! Sleeps until a caller rings, an answer comes or a deadline is due; with nothing queued it has
//! no deadline, and so no wake-ups. When to send and what an answer means is `upload`'s; what may
//! stand on disk, `ground`'s.

mod send;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::clock::{Clock, Now};
use crate::config::{Config, Consent, DRAIN_AFTER_MS, DRAIN_AT_EVENTS, NEWEST_KEPT};
use crate::error::Error;
use crate::event::{Dropped, Kind, Record};
use crate::ground::Ground;
use crate::identity::{Identity, remove};
use crate::intake::{CodesVersion, Intake};
use crate::journal::Drainer;
use crate::store::{self, Counts, Limits, Row, Store};
use crate::transport::{SendError, Transport};
use crate::upload::Upload;

/// First wait before storage that failed is tried again; it doubles, up to the second.
const STORAGE_RETRY_MIN_MS: u64 = 1_000;
const STORAGE_RETRY_MAX_MS: u64 = 300_000;
/// How long a store that was given up is kept.
const SET_ASIDE_KEPT_MS: i64 = 7 * 86_400_000;

/// What the app's threads and the worker share.
pub(crate) struct Shared {
    pub intake: Intake,
    pub ground: Ground,
    inbox: Mutex<Inbox>,
    report: Mutex<Report>,
}

/// What others ask of the worker.
#[derive(Default)]
struct Inbox {
    answers: Vec<send::Answered>,
    upload: bool,
    warm: bool,
    close: bool,
}

/// What the worker tells about itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Report {
    pub counts: Counts,
    /// When the last upload ended, by the wall clock, and how.
    pub last_upload: Option<(i64, Result<(), UploadProblem>)>,
    /// Why the store cannot be used, if it cannot.
    pub trouble: Option<String>,
}

/// Why an upload did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UploadProblem {
    /// There was no answer.
    #[error(transparent)]
    Transport(#[from] SendError),
    /// The collector, or whoever stands in its way, answered with this HTTP status.
    #[error("the collector answered {0}")]
    Status(u16),
    /// The answer was not our collector's: a captive portal, or a wrong endpoint.
    #[error("the answer is not a collector's: check the endpoint, or log in to the network")]
    NotACollector,
}

impl Shared {
    pub(crate) fn new(config: &Config, clock: Arc<dyn Clock>) -> Self {
        Self {
            intake: Intake::new(clock, config.record_search_queries),
            ground: Ground::new(config),
            inbox: Mutex::default(),
            report: Mutex::default(),
        }
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn report(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn ask_upload(&self) {
        self.inbox().upload = true;
        self.intake.bell.ring();
    }

    pub(crate) fn ask_warm(&self) {
        self.inbox().warm = true;
        self.intake.bell.ring();
    }

    pub(crate) fn ask_close(&self) {
        self.inbox().close = true;
        self.intake.bell.ring();
    }

    fn answer(&self, answered: send::Answered) {
        self.inbox().answers.push(answered);
        self.intake.bell.ring();
    }
}

/// The worker's own state.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    config: Config,
    transport: Arc<dyn Transport>,
    store: Option<Store>,
    drainer: Option<Drainer>,
    upload: Upload,
    /// The newest events: a call's snapshot is made of them.
    newest: VecDeque<Row>,
    /// Calls whose snapshot waits.
    calls: VecDeque<u64>,
    first_unsent_ms: Option<u64>,
    /// Codes were asked for since they last ran low.
    codes_asked: bool,
    codes_seen: CodesVersion,
    /// Rises when everything is deleted: answers to what was sent before mean nothing then.
    generation: u64,
    retry_at_ms: Option<u64>,
    retries: u32,
    /// The store has the sealed segment, which only waits to be freed.
    taken_over: bool,
}

impl Worker {
    pub(crate) fn start(
        shared: Arc<Shared>,
        config: Config,
        transport: Arc<dyn Transport>,
    ) -> std::io::Result<JoinHandle<()>> {
        let mut worker = Self {
            shared,
            config,
            transport,
            store: None,
            drainer: None,
            upload: Upload::new(),
            newest: VecDeque::new(),
            calls: VecDeque::new(),
            first_unsent_ms: None,
            codes_asked: false,
            codes_seen: CodesVersion::default(),
            generation: 0,
            retry_at_ms: None,
            retries: 0,
            taken_over: false,
        };
        std::thread::Builder::new().name("jalon".to_owned()).spawn(move || worker.run())
    }

    fn run(&mut self) {
        let shared = Arc::clone(&self.shared);
        let intake = &shared.intake;
        loop {
            let inbox = std::mem::take(&mut *shared.inbox());
            let closing = inbox.close;
            self.turn(inbox, intake.clock.now());
            let deadline_ms = self.deadline();
            self.publish();
            if closing {
                return;
            }
            intake.clock.wait(&intake.bell, deadline_ms);
        }
    }

    /// Does all that is due.
    fn turn(&mut self, inbox: Inbox, now: Now) {
        let closing = inbox.close;
        if inbox.upload {
            self.upload.force();
            self.retry_at_ms = None;
            // What stands in the journal waits too: the app may be about to be suspended.
            let mut front = self.shared.intake.front();
            front.urgent |= front.undrained > 0;
        }
        for answered in inbox.answers {
            self.take_answer(&answered, now);
        }
        if self.retry_at_ms.is_none_or(|at_ms| now.elapsed_ms >= at_ms || closing) {
            match self.keep_house(now, closing) {
                Ok(()) => {
                    self.retry_at_ms = None;
                    self.retries = 0;
                    self.shared.report().trouble = None;
                }
                Err(error) => self.put_off(&error, now),
            }
        }
        if closing {
            return;
        }
        if inbox.warm {
            self.warm();
        }
        self.send_what_is_due(now);
    }

    /// Storage failed: try again later, and say why.
    fn put_off(&mut self, error: &Error, now: Now) {
        log::warn!("storage failed, trying again: {error}");
        if error.condemns_the_store() {
            // Opened again it is checked, and set aside if that is so.
            self.store = None;
        }
        let wait_ms = (STORAGE_RETRY_MIN_MS << self.retries.min(20)).min(STORAGE_RETRY_MAX_MS);
        self.retries += 1;
        self.retry_at_ms = Some(now.elapsed_ms + wait_ms);
        self.shared.report().trouble = Some(error.to_string());
    }

    /// Brings disk and store into line, and drains what is due.
    fn keep_house(&mut self, now: Now, closing: bool) -> Result<(), Error> {
        let shared = Arc::clone(&self.shared);
        let intake = &shared.intake;
        if shared.ground.plot().wipe {
            self.let_go();
            let consent = intake.front().consent;
            shared.ground.plot().clear(consent)?;
        }
        shared.ground.settle(intake)?;
        let mut plot = shared.ground.plot();
        if let Some(drainer) = plot.take_drainer() {
            self.drainer = Some(drainer);
        }
        let identity = plot.identity;
        drop(plot);
        // A refusal or an erasure may have come since: then nothing is opened again.
        let granted = intake.front().consent == Consent::Granted;
        let Some(identity) = identity.filter(|_| granted) else { return Ok(()) };
        let first = self.store.is_none();
        if first {
            self.open_store(identity, now)?;
        }
        self.drain_what_is_due(now, closing)?;
        if first { self.offer_codes(now) } else { Ok(()) }
    }

    /// Lets go of everything that is about to be deleted.
    fn let_go(&mut self) {
        self.store = None;
        self.drainer = None;
        self.taken_over = false;
        self.newest.clear();
        self.calls.clear();
        self.first_unsent_ms = None;
        self.codes_asked = false;
        self.generation += 1;
        self.upload = Upload::new();
        self.codes_seen = self.shared.intake.codes_version();
        self.shared.report().counts = Counts::default();
    }

    fn open_store(&mut self, identity: Identity, now: Now) -> Result<(), Error> {
        let path = |name: &str| self.config.folder.join(name);
        let installation = identity.installation.as_bytes();
        let limits = self.limits();
        let open = if identity.has_store { Store::open_again } else { Store::open };
        let opened = open(&path(store::FILE), installation, identity.epoch, limits, now);
        let mut store = match opened {
            Err(error) if error.condemns_the_store() => self.replace_store(&error, now)?,
            other => other?,
        };
        self.shared.ground.plot().note_store()?;
        store.expire(now)?;
        self.newest = store.newest()?.into();
        self.calls = store.calls_waiting()?.into();
        self.first_unsent_ms = (store.counts()?.unsent > 0).then_some(now.elapsed_ms);
        self.store = Some(store);
        Ok(())
    }

    /// Sets a store aside whose content is at fault, and begins the next epoch in a new one. The
    /// epoch first, and for good: whatever happens then, no `seq` is given twice.
    fn replace_store(&mut self, cause: &Error, now: Now) -> Result<Store, Error> {
        log::error!("the store is set aside, and a new epoch begins: {cause}");
        let path = |name: &str| self.config.folder.join(name);
        let lost = store::count_lost(&path(store::FILE));
        let Some(identity) = self.shared.ground.plot().raise_epoch()? else {
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
    fn limits(&self) -> Limits {
        let path = self.config.folder.join(store::SET_ASIDE);
        let bytes_max = self.config.store_bytes();
        let now_ms = self.shared.intake.clock.now().wall_ms;
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

    fn drain_what_is_due(&mut self, now: Now, closing: bool) -> Result<(), Error> {
        loop {
            let Some(drainer) = &self.drainer else { return Ok(()) };
            let front = self.shared.intake.front();
            if !front.has_journal() {
                // It was taken away meanwhile: what is here is about to be deleted.
                return Ok(());
            }
            let waited = front
                .first_undrained_ms
                .is_some_and(|first_ms| now.elapsed_ms >= first_ms + DRAIN_AFTER_MS);
            let due = drainer.has_sealed()
                || front.urgent
                || waited
                || front.undrained >= DRAIN_AT_EVENTS
                || (closing && front.first_undrained_ms.is_some());
            drop(front);
            if !due {
                return Ok(());
            }
            self.drain(now)?;
        }
    }

    /// Takes one segment over into the store, then frees it.
    fn drain(&mut self, now: Now) -> Result<(), Error> {
        let shared = Arc::clone(&self.shared);
        if self.taken_over {
            return self.free_segment();
        }
        let (Some(store), Some(drainer)) = (self.store.as_mut(), self.drainer.as_mut()) else {
            return Ok(());
        };
        let leftover = drainer.has_sealed();
        let run = drainer.run();
        let (seen, counted) = shared.intake.seal(drainer);
        let read = drainer.read()?;
        let (events, noted) = tally(&read.records);
        let outcome = store.drain(read.records, read.damages, &counted, run, now)?;
        // Under one lock, so that no status misses an event on its way or counts it twice.
        let counts = store.counts();
        let mut report = shared.report();
        shared.intake.drained(events, &noted, &counted);
        report.counts = counts.unwrap_or(report.counts);
        drop(report);
        self.taken_over = true;
        if !outcome.added.is_empty() {
            self.first_unsent_ms.get_or_insert(now.elapsed_ms);
        }
        self.calls.extend(&outcome.calls);
        self.codes_asked &= outcome.calls.is_empty();
        self.newest.extend(outcome.added);
        while self.newest.len() > NEWEST_KEPT {
            self.newest.pop_front();
        }
        store.expire(now)?;
        // A segment sealed earlier tells nothing of what was tapped since.
        if !leftover {
            self.codes_seen = seen;
            self.offer_codes(now)?;
        }
        self.free_segment()
    }

    fn free_segment(&mut self) -> Result<(), Error> {
        let mut bits = [0; 4];
        self.shared.intake.clock.random(&mut bits);
        if let Some(drainer) = self.drainer.as_mut() {
            drainer.free(u32::from_le_bytes(bits))?;
        }
        self.taken_over = false;
        Ok(())
    }

    fn offer_codes(&mut self, now: Now) -> Result<(), Error> {
        if let Some(store) = &self.store {
            let leases = store.leases(now)?;
            let intake = &self.shared.intake;
            intake.offer_codes(self.codes_seen, leases, store.screens()?, store.customer());
        }
        Ok(())
    }

    /// When something is due next, by the elapsed clock.
    fn deadline(&self) -> Option<u64> {
        let front = self.shared.intake.front();
        let can_drain = front.consent == Consent::Granted && self.drainer.is_some();
        let drain_ms = front.first_undrained_ms.filter(|_| can_drain);
        drop(front);
        let storage_ms = self.retry_at_ms.or(drain_ms.map(|first_ms| first_ms + DRAIN_AFTER_MS));
        let upload_ms = self.upload.deadline(&self.queue());
        storage_ms.into_iter().chain(upload_ms).min()
    }

    fn publish(&self) {
        if let Some(counts) = self.store.as_ref().and_then(|store| store.counts().ok()) {
            self.shared.report().counts = counts;
        }
    }
}

fn tally(records: &[Record]) -> (u64, Dropped) {
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

fn unix_ms(at: std::time::SystemTime) -> i64 {
    at.duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
