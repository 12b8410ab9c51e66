//! What the app's threads and the worker share: the app asks here, and the worker reports here.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::exchange::{Exchange, UploadProblem};
use super::reply::Reply;
use super::snapshot::Recent;
use crate::call::CallScope;
use crate::clock::Clock;
use crate::config::{Config, PREVIEW_WAIT_MAX_MS};
use crate::installation::Installation;
use crate::preview::Preview;
use crate::recorder::Recorder;
use crate::store::Counts;

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
pub(super) struct Inbox {
    pub(super) answers: Vec<Exchange>,
    pub(super) upload: bool,
    pub(super) warm: bool,
    pub(super) close: bool,
    /// Callers that wait until nothing waits any more.
    pub(super) waiters: Vec<Weak<Reply<bool>>>,
    /// Callers that want to see what a call would carry.
    pub(super) previews: Vec<Weak<Reply<()>>>,
    /// Set once the worker has ended and takes nothing up any more: whether nothing waited then.
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

impl Handle {
    pub(crate) fn new(config: &Config, clock: Arc<dyn Clock>) -> Self {
        Self {
            recorder: Recorder::new(clock, config.record_search_queries, config.consent),
            installation: Installation::new(config),
            inbox: Mutex::default(),
            report: Mutex::default(),
            recent: Mutex::default(),
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

    pub(crate) fn ask_close(&self) {
        self.inbox().close = true;
        self.recorder.wake_worker();
    }

    /// Asks for an upload, and blocks until nothing waits any more (true), or until waiting on is
    /// of no use.
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

    /// What a call tapped now would carry; blocks until the worker has drained the journal, or
    /// gives what is known should that take too long.
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
        // Without a reply in time it is what the worker told last.
        let _: Option<()> = reply.wait(self.recorder.clock(), PREVIEW_WAIT_MAX_MS);
        // It may have been refused, erased or closed meanwhile, or be of another customer.
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

    /// Taken before the callers' lock, never after, and never held across I/O.
    pub(super) fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes everything that was asked for.
    pub(super) fn take_inbox(&self) -> Inbox {
        std::mem::take(&mut *self.inbox())
    }

    /// Says that the worker has ended, and takes what nobody will take up any more.
    pub(super) fn end(&self, nothing_waits: bool) -> Inbox {
        let ended = Inbox { ended: Some(nothing_waits), ..Inbox::default() };
        std::mem::replace(&mut *self.inbox(), ended)
    }

    /// Leaves an answer for the worker.
    pub(super) fn deliver(&self, exchange: Exchange) {
        self.inbox().answers.push(exchange);
        self.recorder.wake_worker();
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
