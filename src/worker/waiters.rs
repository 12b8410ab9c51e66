//! Callers that wait until nothing is left to upload. The worker answers them at the end of a turn,
//! or as it ends, whichever way. Nobody polls.

use std::sync::Weak;

use super::reply::Reply;

/// The callers that wait.
#[derive(Default)]
pub(super) struct Waiters(Vec<Waiter>);

/// A caller that waits until nothing waits any more.
struct Waiter {
    reply: Weak<Reply<bool>>,
    /// How many requests were sent before it asked: what becomes of those says nothing.
    after: u64,
    /// What was tried since has failed.
    failed: bool,
}

impl Waiters {
    /// Takes up those who wait from now on, after so many requests.
    pub(super) fn add(&mut self, replies: Vec<Weak<Reply<bool>>>, requests: u64) {
        let waiter = |reply| Waiter { reply, after: requests, failed: false };
        self.0.extend(replies.into_iter().map(waiter));
    }

    /// Whether nobody waits; those who gave up do not count.
    pub(super) fn is_empty(&mut self) -> bool {
        self.0.retain(|waiter| waiter.reply.strong_count() > 0);
        self.0.is_empty()
    }

    /// A request was answered, and what was sent still waits. Returns whether somebody asked after
    /// it was sent: asking cut the waits short, and this one began after that.
    pub(super) fn on_failure(&mut self, request: u64) -> bool {
        for waiter in &mut self.0 {
            waiter.failed |= request > waiter.after;
        }
        self.0.iter().any(|waiter| request <= waiter.after)
    }

    /// Storage failed: nothing can be uploaded for a while.
    pub(super) fn fail(&mut self) {
        for waiter in &mut self.0 {
            waiter.failed = true;
        }
    }

    /// Answers those whose waiting is over: nothing waits any more, or the worker does not go on,
    /// or what they waited for has failed.
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
