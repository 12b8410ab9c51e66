//! The state that the app's threads and the worker share: the app leaves its requests here, and the
//! worker its report. No decisions, and no I/O under its locks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::consent_hook::ConsentHook;
use super::reply::Reply;
use super::round_trip::{RoundTrip, UploadProblem};
use super::snapshot::Recent;
use crate::call::CallScope;
use crate::clock::Clock;
use crate::config::{Config, Consent, PREVIEW_WAIT_MAX_MS};
use crate::installation::Installation;
use crate::preview::Preview;
use crate::recorder::Recorder;
use crate::store::Counts;

/// The state that the app's threads and the worker share.
pub(crate) struct Handle {
    pub recorder: Recorder,
    pub installation: Installation,
    inbox: Mutex<Inbox>,
    report: Mutex<Report>,
    recent: Mutex<Recent>,
    consent_hook: ConsentHook,
}

/// Requests to the worker, and answers to what it sent.
#[derive(Default)]
pub(super) struct Inbox {
    pub(super) answers: Vec<RoundTrip>,
    pub(super) upload: bool,
    pub(super) warm: bool,
    pub(super) close: bool,
    /// What the app said about the network, if it said anything.
    pub(super) network: Option<Network>,
    /// Callers that wait until nothing is left to upload.
    pub(super) waiters: Vec<Weak<Reply<bool>>>,
    /// Callers that want to see what a call would carry.
    pub(super) previews: Vec<Weak<Reply<()>>>,
    /// Set once the worker has ended: true if nothing was left to upload then.
    ended: Option<bool>,
}

/// What the app said about the network since the worker last looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Network {
    Offline,
    /// First that there is none, then that it is back.
    Back,
    Online,
}

/// The worker's report, for the status.
#[derive(Debug, Clone, Default)]
pub(crate) struct Report {
    pub counts: Counts,
    /// When the last upload ended, in ms of the wall clock, and how.
    pub last_upload: Option<(i64, Result<(), UploadProblem>)>,
    /// Why the store cannot be used, if it cannot.
    pub trouble: Option<String>,
}

impl Handle {
    pub(crate) fn new(config: &Config, clock: Arc<dyn Clock>) -> Self {
        Self {
            recorder: Recorder::new(clock, config.record_search_queries, config.consent),
            installation: Installation::new(config),
            inbox: Mutex::default(),
            report: Mutex::default(),
            recent: Mutex::default(),
            consent_hook: ConsentHook::default(),
        }
    }

    pub(crate) fn ask_upload(&self) {
        self.inbox().upload = true;
        self.recorder.wake_worker();
    }

    pub(crate) fn ask_warm(&self) {
        self.inbox().warm = true;
        self.recorder.wake_worker();
    }

    pub(crate) fn note_online(&self, online: bool) {
        let mut inbox = self.inbox();
        inbox.network = Some(match inbox.network {
            _ if !online => Network::Offline,
            Some(Network::Offline | Network::Back) => Network::Back,
            Some(Network::Online) | None => Network::Online,
        });
        drop(inbox);
        self.recorder.wake_worker();
    }

    pub(crate) fn ask_close(&self) {
        self.inbox().close = true;
        self.recorder.wake_worker();
    }

    pub(crate) fn on_consent_needed(&self, hook: Arc<dyn Fn() + Send + Sync>) {
        self.consent_hook.set(hook);
    }

    /// Erases the installation; the worker tells the app once that is done.
    pub(crate) fn erase(&self, told_by_collector: bool) {
        // Before the worker can be done with it.
        self.consent_hook.arm();
        self.installation.erase(told_by_collector, &self.recorder);
    }

    /// Tells the app that consent is needed, if an erasure is done and there was no answer since.
    pub(super) fn tell_if_consent_is_needed(&self) {
        let is_unknown = self.recorder.consent() == Consent::Unknown;
        if is_unknown && !self.recorder.is_closed() && !self.installation.must_wipe() {
            self.consent_hook.call_if_armed();
        }
    }

    /// Asks for an upload, and blocks until nothing is left to upload (true), or until `timeout`, a
    /// failure or the worker's end (false).
    pub(crate) fn upload_and_wait(&self, timeout: Duration) -> bool {
        let reply = Reply::new();
        let mut inbox = self.inbox();
        if let Some(nothing_waited) = inbox.ended {
            return nothing_waited;
        }
        inbox.upload = true;
        inbox.waiters.push(Arc::downgrade(&reply));
        drop(inbox);
        self.recorder.wake_worker();
        let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        reply.wait(self.recorder.clock(), timeout_ms).unwrap_or(false)
    }

    /// Returns what a call tapped now would carry. Blocks until the worker has drained the journal,
    /// for at most [`PREVIEW_WAIT_MAX_MS`]; after that, returns what is known so far.
    pub(crate) fn preview(&self, scope: CallScope) -> Preview {
        let granted = || self.recorder.is_granted() && !self.recorder.is_closed();
        if !granted() {
            return Preview::default();
        }
        let reply = Reply::new();
        let mut inbox = self.inbox();
        if inbox.ended.is_some() {
            return Preview::default();
        }
        inbox.previews.push(Arc::downgrade(&reply));
        drop(inbox);
        self.recorder.wake_worker();
        // Without a reply in time, the newest events as of the last drain are used.
        let _: Option<()> = reply.wait(self.recorder.clock(), PREVIEW_WAIT_MAX_MS);
        // Meanwhile consent may have been refused, the journey erased or closed, or the customer
        // changed.
        let recent = self.recent();
        if granted() && self.recorder.is_same_customer(recent.seen()) {
            recent.preview(scope)
        } else {
            Preview::default()
        }
    }

    pub(crate) fn report(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the newest events. Taken before the callers' lock, never after, and never held across
    /// I/O.
    pub(super) fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes everything that was asked for.
    pub(super) fn take_inbox(&self) -> Inbox {
        std::mem::take(&mut *self.inbox())
    }

    /// Notes that the worker has ended. Returns what was asked for and will not be taken up any
    /// more.
    pub(super) fn end(&self, nothing_waits: bool) -> Inbox {
        let ended = Inbox { ended: Some(nothing_waits), ..Inbox::default() };
        std::mem::replace(&mut *self.inbox(), ended)
    }

    /// Leaves an answer for the worker.
    pub(super) fn deliver(&self, round_trip: RoundTrip) {
        self.inbox().answers.push(round_trip);
        self.recorder.wake_worker();
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
