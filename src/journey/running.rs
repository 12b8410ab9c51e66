//! The way the worker runs: on a thread of its own, or step by step.

use std::thread::JoinHandle;

#[cfg(feature = "stepped")]
use crate::worker::Step;
use crate::worker::{Handle, STOPPED, Worker};

/// A worker that runs, or has ended.
pub(super) enum Running {
    Thread(JoinHandle<()>),
    /// The worker, and when its next step is due.
    #[cfg(feature = "stepped")]
    Stepped(Box<Worker>, Option<u64>),
    Ended,
}

impl Running {
    /// Starts the worker's thread.
    pub(super) fn start(worker: Worker, handle: &Handle) -> Self {
        match worker.start() {
            Ok(thread) => Self::Thread(thread),
            Err(error) => {
                log::error!("the worker thread could not be started, nothing is uploaded: {error}");
                handle.report().trouble = Some(STOPPED.to_owned());
                Self::Ended
            }
        }
    }

    /// Waits until the worker, which was asked to close, has ended.
    pub(super) fn end(&mut self, #[allow(unused_variables)] handle: &Handle) {
        match std::mem::replace(self, Self::Ended) {
            Self::Thread(thread) => {
                if thread.join().is_err() {
                    log::error!("the worker had stopped early, by a panic: please report it");
                }
            }
            #[cfg(feature = "stepped")]
            Self::Stepped(mut worker, _) => {
                worker.step(handle.recorder.clock().now());
            }
            Self::Ended => {}
        }
    }
}

#[cfg(feature = "stepped")]
impl Running {
    /// Keeps the worker for [`step`](Self::step).
    pub(super) fn stepped(worker: Worker, _: &Handle) -> Self {
        Self::Stepped(Box::new(worker), None)
    }

    /// Runs one step if one is due, and returns whether it was.
    pub(super) fn step(&mut self, handle: &Handle) -> bool {
        let now = handle.recorder.clock().now();
        let Self::Stepped(worker, due_ms) = self else { return false };
        let woken = handle.recorder.take_wake();
        if !woken && due_ms.is_none_or(|due_ms| now.elapsed_ms < due_ms) {
            return false;
        }
        match worker.step(now) {
            Step::Wait(next_ms) => *due_ms = next_ms,
            Step::Ended => *self = Self::Ended,
        }
        true
    }

    /// Returns when the next step is due if nothing wakes the worker.
    pub(super) fn next_step_ms(&self) -> Option<u64> {
        match self {
            Self::Stepped(_, due_ms) => *due_ms,
            Self::Thread(_) | Self::Ended => None,
        }
    }
}
