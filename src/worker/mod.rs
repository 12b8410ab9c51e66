//! The worker: one thread for journal and store, and what it tells the transport.
//!
//! Sleeps until a caller rings, an answer comes or a deadline is due; with nothing queued it has
//! no deadline, and so no wake-ups. When to send and what an answer means is `upload`'s; what may
//! stand on disk, `ground`'s.

mod answer;
mod ask;
mod house;
mod recent;
mod send;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;

use crate::clock::{Clock, Now};
use crate::config::{Config, Consent, DRAIN_AFTER_MS, STORAGE_RETRY_MAX_MS, STORAGE_RETRY_MIN_MS};
use crate::error::Error;
use crate::ground::Ground;
use crate::intake::{CodesVersion, Intake};
use crate::journal::Drainer;
use crate::store::{Counts, Store};
use crate::transport::{SendError, Transport};
use crate::upload::Upload;
use answer::Told;
use ask::{Reply, Waiter};
use recent::Recent;

/// What the app's threads and the worker share.
pub(crate) struct Shared {
    pub intake: Intake,
    pub ground: Ground,
    inbox: Mutex<Inbox>,
    report: Mutex<Report>,
    recent: Mutex<Recent>,
}

/// What others ask of the worker.
#[derive(Default)]
struct Inbox {
    answers: Vec<answer::Answered>,
    upload: bool,
    warm: bool,
    close: bool,
    /// Callers that wait until nothing waits any more.
    waiters: Vec<Weak<Reply<bool>>>,
    /// Callers that want to see what a call would carry.
    previews: Vec<Weak<Reply<()>>>,
    /// The worker has ended and takes nothing up any more; and whether nothing waited then.
    ended: Option<bool>,
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
            recent: Mutex::default(),
        }
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn report(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Taken before the callers' lock, never after, and never held across I/O.
    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn answer(&self, answered: answer::Answered) {
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
    /// Calls whose snapshot waits.
    calls: VecDeque<u64>,
    first_unsent_ms: Option<u64>,
    /// Codes were asked for since they last ran low.
    codes_asked: bool,
    codes_seen: CodesVersion,
    /// Callers that wait until nothing waits any more.
    waiters: Vec<Waiter>,
    /// How many requests were sent.
    requests: u64,
    /// Rises when everything is deleted: answers to what was sent before mean nothing then.
    generation: u64,
    told: Told,
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
            calls: VecDeque::new(),
            first_unsent_ms: None,
            codes_asked: false,
            codes_seen: CodesVersion::default(),
            waiters: Vec::new(),
            requests: 0,
            generation: 0,
            told: Told::default(),
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
            self.settle_waiters(closing);
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
        }
        if inbox.upload || !inbox.previews.is_empty() {
            self.retry_at_ms = None;
            // What stands in the journal waits too: the app may be about to be suspended.
            let mut front = self.shared.intake.front();
            front.urgent |= front.undrained > 0;
        }
        self.take_waiters(inbox.waiters);
        for answered in inbox.answers {
            self.take_answer(&answered, now);
        }
        self.press_on();
        // A call does not wait for a retry: the disk may be back.
        let hurry = closing || self.shared.intake.front().urgent;
        if self.retry_at_ms.is_none_or(|at_ms| now.elapsed_ms >= at_ms || hurry) {
            match self.keep_house(now, closing) {
                Ok(()) => {
                    self.retry_at_ms = None;
                    self.retries = 0;
                    self.shared.report().trouble = None;
                }
                Err(error) => self.put_off(&error, now),
            }
        }
        // Before anything is sent: that takes a sync.
        self.show_previews(&inbox.previews);
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
        self.fail_waiters();
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
