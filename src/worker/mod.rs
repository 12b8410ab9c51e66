//! The worker: one thread that owns the store, the reading end of the journal and the upload
//! schedule.
//!
//! It sleeps until a caller wakes it, an answer comes or something is due. With nothing to do it
//! has no deadline, and so no wake-ups. It does not decide when to drain (`recorder`'s
//! `DrainSignal`), when to send and what an answer means (`upload`), or what may be on disk
//! (`installation`).

mod calls;
mod code_request;
mod consent_hook;
mod handle;
mod opening;
mod reply;
mod request;
mod retry;
mod round_trip;
mod snapshot;
mod storage;
mod upload_log;
mod uploader;
mod waiters;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

pub(crate) use handle::Handle;
use handle::Inbox;
use reply::Reply;
use round_trip::End;
pub use round_trip::UploadProblem;
use storage::Storage;
use uploader::Uploader;
use waiters::Waiters;

use crate::clock::Now;
use crate::config::Config;
use crate::error::Error;
use crate::system::lower_priority;
use crate::transport::Transport;

/// The status says this once the worker has stopped: what is recorded from then on stays in the
/// journal, until that is full.
pub(crate) const STOPPED: &str = "the worker has stopped: nothing is uploaded until the next open";

/// The worker's state, used on its own thread only.
pub(crate) struct Worker {
    handle: Arc<Handle>,
    storage: Storage,
    uploader: Uploader,
    waiters: Waiters,
}

/// The outcome of one step of the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing is to be done until the worker is woken, or the elapsed clock reaches this time.
    Wait(Option<u64>),
    /// The journey was closed.
    Ended,
}

impl Worker {
    pub(crate) fn new(handle: Arc<Handle>, config: Config, transport: Arc<dyn Transport>) -> Self {
        let config = Arc::new(config);
        Self {
            storage: Storage::new(Arc::clone(&handle), Arc::clone(&config)),
            uploader: Uploader::new(Arc::clone(&handle), config, transport),
            waiters: Waiters::default(),
            handle,
        }
    }

    /// Starts the worker's thread.
    pub(crate) fn start(mut self) -> std::io::Result<JoinHandle<()>> {
        std::thread::Builder::new().name("jalon".to_owned()).spawn(move || {
            lower_priority();
            let run = |worker: &mut Self| catch_unwind(AssertUnwindSafe(|| worker.run()));
            if run(&mut self).is_err() {
                // Whatever it was (the app's own transport runs here too), it may not come again.
                self.start_again();
                self.run();
            }
        })
    }

    fn run(&mut self) {
        let handle = Arc::clone(&self.handle);
        while let Step::Wait(deadline_ms) = self.step(handle.recorder.clock().now()) {
            handle.recorder.wait_to_be_woken(deadline_ms);
        }
    }

    /// Goes on after a panic, once: reads everything again from the disk.
    fn start_again(&mut self) {
        log::error!("the worker stopped by a panic and starts again: please report it");
        self.storage.close_store();
        self.uploader.reset();
        self.handle.recorder.request_drain();
        if self.handle.recorder.is_closed() {
            // The turn that was to be the last one did not end.
            self.handle.ask_close();
        }
    }

    /// Does everything that was asked for and is due at `now`. Never waits for time or network.
    pub(crate) fn step(&mut self, now: Now) -> Step {
        let inbox = self.handle.take_inbox();
        let closing = inbox.close;
        self.turn(inbox, now);
        let deadline_ms = self.deadline_ms();
        self.storage.publish();
        self.release_waiters(closing);
        if closing { Step::Ended } else { Step::Wait(deadline_ms) }
    }

    /// Takes up what was asked for, and does everything that is due.
    fn turn(&mut self, inbox: Inbox, now: Now) {
        let closing = inbox.close;
        if let Some(network) = inbox.network {
            self.uploader.note_network(network);
        }
        if inbox.upload {
            self.uploader.on_upload_asked();
        }
        if inbox.upload || !inbox.previews.is_empty() {
            self.storage.cut_retry_short();
            // What is in the journal is uploaded too: the app may be about to be suspended.
            self.handle.recorder.request_drain();
        }
        self.waiters.add(inbox.waiters, self.uploader.requests());
        for answer in &inbox.answers {
            let outcome = self.uploader.on_answer(answer, &mut self.storage, now);
            if outcome.failed && self.waiters.on_failure(answer.number) {
                self.uploader.flush_now();
            }
            self.note_failure(outcome.stored, now);
            self.end_installation(outcome.end);
        }
        self.flush_for_waiters();
        // A call does not wait until storage is retried: the disk may be back.
        let drain_now = closing || self.handle.recorder.drain_signal().drains_now();
        if self.storage.may_try(now, drain_now) {
            match self.maintain(now, closing) {
                Ok(()) => self.storage.on_success(),
                failed @ Err(_) => self.note_failure(failed, now),
            }
        }
        // Before anything is sent, since sending starts with a sync.
        self.show_previews(&inbox.previews);
        if closing {
            return;
        }
        if inbox.warm {
            self.uploader.warm(&self.storage);
        }
        let sent = self.uploader.send_due(&mut self.storage, now);
        self.note_failure(sent, now);
    }

    /// Acts on an answer that ends the installation.
    fn end_installation(&self, end: Option<End>) {
        let Handle { installation, recorder, .. } = &*self.handle;
        match end {
            Some(End::Erased) => {
                log::warn!("the collector has erased this installation: deleting everything here");
                self.handle.erase(true);
            }
            Some(End::Conflict) => {
                log::warn!(
                    "another phone uses a copy of this installation: a new one begins, and what was \
                     not uploaded is dropped"
                );
                installation.begin_anew(recorder);
            }
            None => {}
        }
    }

    /// Deletes what is to be deleted, then has storage opened and drained as far as that is due.
    fn maintain(&mut self, now: Now, closing: bool) -> Result<(), Error> {
        // A folder that comes into reach only now may hold what is to be deleted.
        self.handle.installation.reconcile(&self.handle.recorder)?;
        if self.handle.installation.must_wipe() {
            self.storage.reset();
            self.uploader.reset();
            self.handle.installation.wipe()?;
            self.handle.tell_if_consent_is_needed();
        }
        // A failure of this one does not keep the store from being used.
        let noted = self.handle.installation.write_again();
        let maintained = self.storage.maintain(now, closing);
        if let Some(seq) = self.storage.take_drained_call() {
            self.uploader.on_calls_drained(seq, now);
        }
        maintained.and(noted)
    }

    /// Notes a failure of storage, if there is one: it is tried again later, and callers stop
    /// waiting.
    fn note_failure(&mut self, outcome: Result<(), Error>, now: Now) {
        if let Err(error) = outcome {
            self.storage.on_failure(&error, now);
            self.waiters.fail();
        }
    }

    /// Returns when something is due next, in ms of the elapsed clock.
    fn deadline_ms(&self) -> Option<u64> {
        let upload_ms = self.uploader.deadline_ms(&self.storage);
        self.storage.deadline_ms().into_iter().chain(upload_ms).min()
    }

    /// Goes on draining and uploading while callers wait, since what was recorded meanwhile is to
    /// be uploaded too. Not while a request is under way: until its answer more events may come for
    /// the next batch.
    fn flush_for_waiters(&mut self) {
        if !self.waiters.is_empty() && !self.uploader.is_sending() {
            self.uploader.request_flush();
            self.handle.recorder.request_drain();
        }
    }

    /// Answers the callers whose waiting is over.
    fn release_waiters(&mut self, closing: bool) {
        if self.waiters.is_empty() {
            return;
        }
        // First what waits, then whether the worker goes on: what comes between counts in the second.
        let nothing_waits = self.nothing_waits();
        let goes_on = !closing && (self.uploader.is_sending() || self.has_another_turn());
        self.waiters.release(nothing_waits, goes_on);
    }

    /// Answers the callers that want to see what a call would carry.
    fn show_previews(&self, replies: &[Weak<Reply<()>>]) {
        if replies.is_empty() {
            return;
        }
        // A status that is read after this answer shows the same moment, with the store's counts.
        self.storage.publish();
        for reply in replies.iter().filter_map(Weak::upgrade) {
            reply.give(());
        }
    }

    /// Returns whether nothing is left to upload.
    fn nothing_waits(&self) -> bool {
        !self.handle.installation.awaits_erasure() && self.storage.has_nothing_to_send()
    }

    /// Returns whether something came during this turn that the next turn takes up at once.
    fn has_another_turn(&self) -> bool {
        let drains = self.storage.can_drain() && self.handle.recorder.drain_signal().is_waiting();
        self.handle.installation.must_wipe() || drains
    }
}

impl Drop for Worker {
    /// Answers everyone who waits for the worker, even if it ends by a panic.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.handle.report().trouble = Some(STOPPED.to_owned());
        }
        let nothing_waits = !std::thread::panicking() && self.nothing_waits();
        let inbox = self.handle.end(nothing_waits);
        self.waiters.add(inbox.waiters, self.uploader.requests());
        self.waiters.release(nothing_waits, false);
        for reply in inbox.previews.iter().filter_map(Weak::upgrade) {
            reply.give(());
        }
    }
}
