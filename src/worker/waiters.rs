//! Callers that wait until nothing is left to upload. The worker answers them at the end of a turn,
//! or when it ends, even by a panic; nobody polls. The worker decides what is left.

use std::sync::Weak;

use super::reply::Reply;

/// The waiting callers.
#[derive(Default)]
pub(super) struct Waiters(Vec<Waiter>);

/// A caller that waits until nothing is left to upload.
struct Waiter {
    reply: Weak<Reply<bool>>,
    /// How many requests were sent before it asked: their failure does not end its wait.
    after: u64,
    /// A request or a disk access since then has failed.
    failed: bool,
}

impl Waiters {
    /// Adds callers, after `requests` requests were sent.
    pub(super) fn add(&mut self, replies: Vec<Weak<Reply<bool>>>, requests: u64) {
        let waiter = |reply| Waiter { reply, after: requests, failed: false };
        self.0.extend(replies.into_iter().map(waiter));
    }

    /// Returns whether nobody waits. Callers that gave up are removed, and do not count.
    pub(super) fn is_empty(&mut self) -> bool {
        self.0.retain(|waiter| waiter.reply.strong_count() > 0);
        self.0.is_empty()
    }

    /// Notes that a request has failed, and what it carried still waits. Returns whether somebody
    /// asked after it was sent: their request for an upload came before this back-off began, so it
    /// is cut short too.
    pub(super) fn on_failure(&mut self, request: u64) -> bool {
        for waiter in &mut self.0 {
            waiter.failed |= request > waiter.after;
        }
        self.0.iter().any(|waiter| request <= waiter.after)
    }

    /// Notes that storage failed: nothing can be uploaded for a while.
    pub(super) fn fail(&mut self) {
        for waiter in &mut self.0 {
            waiter.failed = true;
        }
    }

    /// Answers the callers whose wait is over: nothing is left to upload, the worker does not go
    /// on, or what they waited for has failed.
    pub(super) fn release(&mut self, nothing_waits: bool, goes_on: bool) {
        self.0.retain(|waiter| {
            let waits = !nothing_waits && goes_on && !waiter.failed;
            if !waits && let Some(reply) = waiter.reply.upgrade() {
                reply.give(nothing_waits);
            }
            waits
        });
    }
}
