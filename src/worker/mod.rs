//! The worker: one thread for journal and store, and what it tells the transport.
//!
//! Sleeps until a caller rings, an answer comes or a deadline is due; with nothing queued it has
//! no deadline, and so no wake-ups. When to send and what an answer means is `upload`'s; what may
//! stand on disk, `installation`'s.

mod answer;
mod house;
mod send;
mod snapshot;
mod waiters;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;

use crate::clock::{Clock, Now};
use crate::config::{Config, Consent, DRAIN_AFTER_MS, STORAGE_RETRY_MAX_MS, STORAGE_RETRY_MIN_MS};
use crate::error::Error;
use crate::installation::Installation;
use crate::journal::Drainer;
use crate::recorder::{CodesVersion, Recorder};
use crate::store::{Counts, Store};
use crate::transport::{SendError, Transport};
use crate::upload::Upload;
use answer::Told;
use snapshot::Recent;
use waiters::{Reply, Waiter};

/// What the app's threads and the worker share.
pub(crate) struct Handle {
    pub recorder: Recorder,
    pub installation: Installation,
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

impl Handle {
    pub(crate) fn new(config: &Config, clock: Arc<dyn Clock>) -> Self {
        Self {
            recorder: Recorder::new(clock, config.record_search_queries),
            installation: Installation::new(config),
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
        self.recorder.bell.ring();
    }

    pub(crate) fn ask_warm(&self) {
        self.inbox().warm = true;
        self.recorder.bell.ring();
    }

    pub(crate) fn ask_close(&self) {
        self.inbox().close = true;
        self.recorder.bell.ring();
    }

    fn answer(&self, answered: answer::Answered) {
        self.inbox().answers.push(answered);
        self.recorder.bell.ring();
    }
}

/// The worker's own state.
pub(crate) struct Worker {
    shared: Arc<Handle>,
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
    /// The collector could not be asked for codes: the app may know when it can.
    codes_out_of_reach: bool,
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
        shared: Arc<Handle>,
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
            codes_out_of_reach: false,
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
        let recorder = &shared.recorder;
        loop {
            let inbox = std::mem::take(&mut *shared.inbox());
            let closing = inbox.close;
            self.turn(inbox, recorder.clock.now());
            let deadline_ms = self.deadline();
            self.publish();
            self.release_waiters(closing);
            if closing {
                return;
            }
            recorder.clock.wait(&recorder.bell, deadline_ms);
        }
    }

    /// Does all that is due.
    fn turn(&mut self, inbox: Inbox, now: Now) {
        let closing = inbox.close;
        if inbox.upload {
            self.upload.flush_now();
            self.codes_asked &= !std::mem::take(&mut self.codes_out_of_reach);
        }
        if inbox.upload || !inbox.previews.is_empty() {
            self.retry_at_ms = None;
            // What stands in the journal waits too: the app may be about to be suspended.
            let mut state = self.shared.recorder.state();
            state.drain_now |= state.undrained > 0;
        }
        self.take_waiters(inbox.waiters);
        for answered in inbox.answers {
            self.take_answer(&answered, now);
        }
        self.flush_for_waiters();
        // A call does not wait for a retry: the disk may be back.
        let hurry = closing || self.shared.recorder.state().drain_now;
        if self.retry_at_ms.is_none_or(|at_ms| now.elapsed_ms >= at_ms || hurry) {
            match self.maintain(now, closing) {
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
        let state = self.shared.recorder.state();
        let can_drain = state.consent == Consent::Granted && self.drainer.is_some();
        let drain_ms = state.first_undrained_ms.filter(|_| can_drain);
        drop(state);
        let storage_ms = self.retry_at_ms.or(drain_ms.map(|first_ms| first_ms + DRAIN_AFTER_MS));
        let upload_ms = self.upload.deadline(&self.backlog());
        storage_ms.into_iter().chain(upload_ms).min()
    }

    fn publish(&self) {
        if let Some(counts) = self.store.as_ref().and_then(|store| store.counts().ok()) {
            self.shared.report().counts = counts;
        }
    }
}
