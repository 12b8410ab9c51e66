//! Callers that wait for the worker: for an upload, or for a preview.
//!
//! A caller leaves a reply to fill in, rings, and waits at a bell of its own; the worker fills it
//! in at the end of a turn, or as it ends, whichever way. A caller that gave up takes its reply
//! with it. Nobody polls.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::{Handle, Worker};
use crate::call::CallScope;
use crate::clock::{Bell, Clock};
use crate::config::{Consent, PREVIEW_WAIT_MAX_MS};
use crate::preview::Preview;

/// Where the worker puts what one caller waits for.
pub(super) struct Reply<T> {
    bell: Bell,
    value: Mutex<Option<T>>,
}

/// A caller that waits until nothing waits any more.
pub(super) struct Waiter {
    reply: Weak<Reply<bool>>,
    /// How many requests were sent before it asked: what becomes of those says nothing.
    after: u64,
    /// What was tried since has failed.
    failed: bool,
}

impl<T> Reply<T> {
    fn new() -> Arc<Self> {
        Arc::new(Self { bell: Bell::new(), value: Mutex::new(None) })
    }

    fn give(&self, value: T) {
        *self.value.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        self.bell.ring();
    }

    fn take(&self) -> Option<T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Blocks the calling thread until there is a value, or for at most `timeout_ms`.
    fn wait(&self, clock: &dyn Clock, timeout_ms: u64) -> Option<T> {
        let until_ms = clock.now().elapsed_ms.saturating_add(timeout_ms);
        loop {
            let value = self.take();
            if value.is_some() || clock.now().elapsed_ms >= until_ms {
                return value;
            }
            clock.wait(&self.bell, Some(until_ms));
        }
    }
}

impl Handle {
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
        self.recorder.bell.ring();
        let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        reply.wait(&*self.recorder.clock, timeout_ms).unwrap_or(false)
    }

    /// What a call tapped now would carry; blocks until the worker has drained the journal, or
    /// gives what is known should that take too long.
    pub(crate) fn preview(&self, scope: CallScope) -> Preview {
        let granted =
            || self.recorder.state().consent == Consent::Granted && !self.recorder.is_closed();
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
        self.recorder.bell.ring();
        // In time or not: then it is what the worker told last.
        let _: Option<()> = reply.wait(&*self.recorder.clock, PREVIEW_WAIT_MAX_MS);
        // It may have been refused, erased or closed meanwhile, or be of another customer.
        let recent = self.recent();
        if granted() && self.recorder.same_customer(recent.seen) {
            recent.preview(scope)
        } else {
            Preview::default()
        }
    }
}

impl Worker {
    /// Takes up those who wait from now on.
    pub(super) fn take_waiters(&mut self, replies: Vec<Weak<Reply<bool>>>) {
        let after = self.requests;
        self.waiters.extend(replies.into_iter().map(|reply| Waiter {
            reply,
            after,
            failed: false,
        }));
    }

    /// A request was answered, and what was sent still waits.
    pub(super) fn tell_waiters_of_failure(&mut self, request: u64) {
        let mut asked_since = false;
        for waiter in &mut self.waiters {
            waiter.failed |= request > waiter.after;
            asked_since |= request <= waiter.after;
        }
        if asked_since {
            // Asking cut waits short, and this one began after it.
            self.upload.flush_now();
        }
    }

    /// Storage failed: nothing can be uploaded for a while.
    pub(super) fn fail_waiters(&mut self) {
        for waiter in &mut self.waiters {
            waiter.failed = true;
        }
    }

    /// Goes on for those who wait: what was recorded meanwhile waits too. While a request is under
    /// way it may gather company.
    pub(super) fn flush_for_waiters(&mut self) {
        self.waiters.retain(|waiter| waiter.reply.strong_count() > 0);
        if self.waiters.is_empty() || self.upload.is_sending() {
            return;
        }
        self.upload.request_flush();
        let mut state = self.shared.recorder.state();
        state.drain_now |= state.undrained > 0;
    }

    /// Answers those whose waiting is over.
    pub(super) fn release_waiters(&mut self, closing: bool) {
        if self.waiters.is_empty() {
            return;
        }
        let nothing_waits = self.nothing_waits();
        let goes_on = !closing && (self.upload.is_sending() || self.has_another_turn());
        self.waiters.retain(|waiter| {
            let waits = !nothing_waits && goes_on && !waiter.failed;
            if !waits && let Some(reply) = waiter.reply.upgrade() {
                reply.give(nothing_waits);
            }
            waits
        });
    }

    /// Answers those who want to see what a call would carry.
    pub(super) fn show_previews(&self, replies: &[Weak<Reply<()>>]) {
        if replies.is_empty() {
            return;
        }
        // A status read after the answer is of the same moment: the store is open, its events count.
        self.publish();
        for reply in replies.iter().filter_map(Weak::upgrade) {
            reply.give(());
        }
    }

    /// Whether nothing is left to upload. What is kept in memory without a grant cannot be.
    fn nothing_waits(&self) -> bool {
        if self.shared.installation.state().awaits_erasure() {
            return false;
        }
        let state = self.shared.recorder.counts();
        if state.consent != Consent::Granted {
            return true;
        }
        let stored = self.store.as_ref().is_some_and(|store| store.unsent() == 0);
        stored && state.waiting == 0 && self.calls.is_empty()
    }

    /// Whether something came during this turn that the next one takes up at once.
    fn has_another_turn(&self) -> bool {
        let wipe = self.shared.installation.state().wipe;
        let state = self.shared.recorder.state();
        let can_drain = state.consent == Consent::Granted && self.drainer.is_some();
        wipe || (can_drain && state.first_undrained_ms.is_some())
    }
}

impl Drop for Worker {
    /// However the worker ends, nobody waits for it any longer.
    fn drop(&mut self) {
        let nothing_waits = !std::thread::panicking() && self.nothing_waits();
        let shared = Arc::clone(&self.shared);
        let mut inbox = shared.inbox();
        inbox.ended = Some(nothing_waits);
        let (waiters, previews) =
            (std::mem::take(&mut inbox.waiters), std::mem::take(&mut inbox.previews));
        drop(inbox);
        self.take_waiters(waiters);
        for reply in self.waiters.drain(..).filter_map(|waiter| waiter.reply.upgrade()) {
            reply.give(nothing_waits);
        }
        for reply in previews.iter().filter_map(Weak::upgrade) {
            reply.give(());
        }
    }
}
