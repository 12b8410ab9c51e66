//! The worker: one thread that owns journal, store and schedule.
//!
//! It sleeps until a caller wakes it, an answer comes or something is due. With nothing to do it
//! has no deadline, and so no wake-ups. When it drains is decided in `recorder` (`DrainSignal`),
//! when it sends and what an answer means in `upload`, what may stand on disk in `installation`.

mod code_request;
mod exchange;
mod handle;
mod opening;
mod reply;
mod request;
mod snapshot;
mod storage;
mod upload_log;
mod uploader;
mod waiters;

use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

pub use exchange::UploadProblem;
pub(crate) use handle::Handle;
use handle::Inbox;
use reply::Reply;
use storage::Storage;
use uploader::Uploader;
use waiters::Waiters;

use crate::clock::Now;
use crate::config::Config;
use crate::error::Error;
use crate::transport::Transport;

/// The worker's own state.
pub(crate) struct Worker {
    handle: Arc<Handle>,
    storage: Storage,
    uploader: Uploader,
    waiters: Waiters,
}

impl Worker {
    /// Starts the worker's thread.
    pub(crate) fn start(
        handle: Arc<Handle>,
        config: Config,
        transport: Arc<dyn Transport>,
    ) -> std::io::Result<JoinHandle<()>> {
        let config = Arc::new(config);
        let mut worker = Self {
            storage: Storage::new(Arc::clone(&handle), Arc::clone(&config)),
            uploader: Uploader::new(Arc::clone(&handle), config, transport),
            waiters: Waiters::default(),
            handle,
        };
        std::thread::Builder::new().name("jalon".to_owned()).spawn(move || worker.run())
    }

    fn run(&mut self) {
        let handle = Arc::clone(&self.handle);
        loop {
            let inbox = handle.take_inbox();
            let closing = inbox.close;
            self.turn(inbox, handle.recorder.clock().now());
            let deadline_ms = self.deadline_ms();
            self.storage.publish();
            self.release_waiters(closing);
            if closing {
                return;
            }
            handle.recorder.wait_to_be_woken(deadline_ms);
        }
    }

    /// Does all that is due.
    fn turn(&mut self, inbox: Inbox, now: Now) {
        let closing = inbox.close;
        if inbox.upload {
            self.uploader.on_upload_asked();
        }
        if inbox.upload || !inbox.previews.is_empty() {
            self.storage.cut_retry_short();
            // What stands in the journal waits too: the app may be about to be suspended.
            self.handle.recorder.request_drain();
        }
        self.waiters.add(inbox.waiters, self.uploader.requests());
        for answer in &inbox.answers {
            let outcome = self.uploader.on_answer(answer, &mut self.storage, now);
            if outcome.failed && self.waiters.on_failure(answer.number) {
                self.uploader.flush_now();
            }
            self.note_failure(outcome.stored, now);
            if outcome.erased {
                log::warn!("the collector has erased this installation: deleting everything here");
                self.handle.installation.erase(true, &self.handle.recorder);
            }
        }
        self.flush_for_waiters();
        // A call does not wait for a retry: the disk may be back.
        let hurry = closing || self.handle.recorder.drain_signal().is_urgent();
        if self.storage.may_try(now, hurry) {
            match self.maintain(now, closing) {
                Ok(()) => self.storage.on_success(),
                failed @ Err(_) => self.note_failure(failed, now),
            }
        }
        // Before anything is sent: that takes a sync.
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

    /// Deletes what is to be deleted, brings disk and store into line, and drains what is due.
    fn maintain(&mut self, now: Now, closing: bool) -> Result<(), Error> {
        if self.handle.installation.must_wipe() {
            self.storage.reset();
            self.uploader.reset();
            self.handle.installation.wipe(self.handle.recorder.consent())?;
        }
        let maintained = self.storage.maintain(now, closing);
        if self.storage.take_call_drained() {
            self.uploader.on_call_drained();
        }
        maintained
    }

    /// Where storage failed, it is tried again later, and nobody waits for it.
    fn note_failure(&mut self, outcome: Result<(), Error>, now: Now) {
        if let Err(error) = outcome {
            self.storage.on_failure(&error, now);
            self.waiters.fail();
        }
    }

    /// When something is due next, by the elapsed clock.
    fn deadline_ms(&self) -> Option<u64> {
        let upload_ms = self.uploader.deadline_ms(&self.storage);
        self.storage.deadline_ms().into_iter().chain(upload_ms).min()
    }

    /// Goes on for those who wait: what was recorded meanwhile waits too. While a request is under
    /// way it may gather company.
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
        let goes_on = !closing && (self.uploader.is_sending() || self.has_another_turn());
        self.waiters.release(self.nothing_waits(), goes_on);
    }

    /// Answers those who want to see what a call would carry.
    fn show_previews(&self, replies: &[Weak<Reply<()>>]) {
        if replies.is_empty() {
            return;
        }
        // A status read after the answer is of the same moment: the store is open, its events count.
        self.storage.publish();
        for reply in replies.iter().filter_map(Weak::upgrade) {
            reply.give(());
        }
    }

    /// Whether nothing is left to upload.
    fn nothing_waits(&self) -> bool {
        !self.handle.installation.awaits_erasure() && self.storage.has_nothing_to_send()
    }

    /// Whether something came during this turn that the next one takes up at once.
    fn has_another_turn(&self) -> bool {
        let drains = self.storage.can_drain() && self.handle.recorder.drain_signal().is_waiting();
        self.handle.installation.must_wipe() || drains
    }
}

impl Drop for Worker {
    /// However the worker ends, nobody waits for it any longer.
    fn drop(&mut self) {
        let nothing_waits = !std::thread::panicking() && self.nothing_waits();
        let inbox = self.handle.end(nothing_waits);
        self.waiters.add(inbox.waiters, self.uploader.requests());
        self.waiters.release(nothing_waits, false);
        for reply in inbox.previews.iter().filter_map(Weak::upgrade) {
            reply.give(());
        }
    }
}
