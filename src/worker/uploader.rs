//! The worker's uploader: sends what is due, and applies the answers. Does not decide when to send
//! or what an answer means; `upload` does.

use std::sync::Arc;

use super::calls::Calls;
use super::code_request::CodeRequest;
use super::handle::{Handle, Network};
use super::request;
use super::round_trip::{Answered, End, Purpose, Reading, RoundTrip};
use super::snapshot::Carried;
use super::storage::Storage;
use super::upload_log::UploadLog;
use crate::call::CallScope;
use crate::clock::Now;
use crate::config::{CODES_LOW, Config, Consent};

use crate::error::Error;
use crate::store::Told;
use crate::transport::{Done, Lane, Request, Transport};
use crate::upload::{Action, Backlog, Upload, Verdict};
use crate::wire::{self, Answer};

/// Transport and schedule.
pub(super) struct Uploader {
    handle: Arc<Handle>,
    config: Arc<Config>,
    transport: Arc<dyn Transport>,
    schedule: Upload,
    codes: CodeRequest,
    calls: Calls,
    /// How many requests were sent.
    requests: u64,
    /// Rises when everything is deleted: answers to earlier requests are then ignored.
    generation: u64,
    log: UploadLog,
}

impl Uploader {
    pub(super) fn new(
        handle: Arc<Handle>,
        config: Arc<Config>,
        transport: Arc<dyn Transport>,
    ) -> Self {
        Self {
            handle,
            config,
            transport,
            schedule: Upload::new(),
            codes: CodeRequest::default(),
            calls: Calls::default(),
            requests: 0,
            generation: 0,
            log: UploadLog::default(),
        }
    }

    /// Starts again from nothing, since everything is about to be deleted, and ignores the answers
    /// to requests still under way.
    pub(super) fn reset(&mut self) {
        self.schedule.reset();
        self.codes = CodeRequest::default();
        self.calls = Calls::default();
        self.generation += 1;
    }

    /// Notes that the app asks for an upload now.
    pub(super) fn on_upload_asked(&mut self) {
        self.schedule.flush_now();
        self.codes.on_upload_asked();
    }

    /// Ends the back-offs: what waits is sent now.
    pub(super) fn flush_now(&mut self) {
        self.schedule.flush_now();
    }

    /// Uploads until nothing is left, but ends no wait early.
    pub(super) fn request_flush(&mut self) {
        self.schedule.request_flush();
    }

    /// Notes that calls were drained, from this `seq` on: they may have used up codes, and wait for
    /// nothing that came before them.
    pub(super) fn on_calls_drained(&mut self, first_seq: u64, now: Now) {
        self.codes.on_call();
        self.calls.on_drained(first_seq);
        self.schedule.on_tap(now.elapsed_ms);
    }

    /// Notes what the app says about the network.
    pub(super) fn note_network(&mut self, network: Network) {
        if network != Network::Online {
            self.schedule.set_online(false);
        }
        if network != Network::Offline && !self.schedule.is_online() {
            self.schedule.set_online(true);
            self.codes.on_upload_asked();
        }
    }

    /// Returns whether a request is under way.
    pub(super) fn is_sending(&self) -> bool {
        self.schedule.is_sending()
    }

    /// Returns how many requests were sent.
    pub(super) fn requests(&self) -> u64 {
        self.requests
    }

    /// Returns when something is due next, in ms of the elapsed clock.
    pub(super) fn deadline_ms(&self, storage: &Storage) -> Option<u64> {
        self.schedule.deadline(&self.backlog(storage))
    }

    // Sending.

    /// Opens the call lane's connection before it is needed.
    pub(super) fn warm(&mut self, storage: &Storage) {
        if !self.schedule.is_online() {
            return;
        }
        let request = request::warm(&self.config);
        // If consent was withdrawn meanwhile, there is nothing to warm.
        let _ = self.send_if_granted(Lane::Call, Purpose::Warm, request, storage);
    }

    /// Sends everything that is due.
    ///
    /// # Errors
    /// Any error of storage. The lane then waits as if the network had failed; nothing is lost.
    pub(super) fn send_due(&mut self, storage: &mut Storage, now: Now) -> Result<(), Error> {
        while let Some(action) = self.schedule.next(now.elapsed_ms, &self.backlog(storage)) {
            let sent = match action {
                Action::Call | Action::UntriedCall | Action::CallAgain => {
                    self.send_call(action, storage, now)
                }
                Action::Erase => self.send_erasure(storage),
                Action::Batch { events_max } => self.send_batch(storage, events_max, now),
            };
            if let Err(error) = sent {
                self.back_off(action, storage, now);
                return if matches!(error, Error::Withdrawn) { Ok(()) } else { Err(error) };
            }
        }
        Ok(())
    }

    /// Returns what waits, for the schedule. Empty while something is still to be deleted: nothing
    /// is sent before that.
    fn backlog(&self, storage: &Storage) -> Backlog {
        let Some(erasures) = self.handle.installation.erasures_to_send() else {
            return Backlog::default();
        };
        let recorder = self.handle.recorder.counts();
        match storage.backlog() {
            Some(backlog) if recorder.consent == Consent::Granted => {
                let now_ms = self.handle.recorder.clock().now().elapsed_ms;
                let wants = recorder.codes < CODES_LOW || storage.codes_are_stale();
                let wants_codes = wants && self.codes.is_due(now_ms);
                let untried_call = self.calls.has_untried(storage);
                Backlog { untried_call, erasures, wants_codes, ..backlog }
            }
            _ => Backlog { erasures, ..Backlog::default() },
        }
    }

    fn back_off(&mut self, action: Action, storage: &mut Storage, now: Now) {
        let (random, now_ms) = (self.random(), now.elapsed_ms);
        match action {
            Action::Call | Action::UntriedCall | Action::CallAgain => {
                self.on_call_answer(Verdict::BackOff, now);
            }
            Action::Erase => self.schedule.on_erasure(Verdict::BackOff, now_ms, random),
            Action::Batch { .. } => {
                storage.release_batch();
                self.schedule.on_backlog(Verdict::BackOff, 0, now_ms, random);
            }
        }
    }

    fn send_batch(
        &mut self,
        storage: &mut Storage,
        events_max: usize,
        now: Now,
    ) -> Result<(), Error> {
        storage.make_durable(now)?;
        storage.expire(now)?;
        let (envelope, mut told) = storage.envelope(CallScope::Everything, now)?;
        let rows = storage.next_batch(events_max, envelope.batch_room())?;
        told.through = rows.last().map_or(told.through, |(last, _)| *last);
        log::debug!("sending a batch of {} events", rows.len());
        let purpose = Purpose::Batch { events: rows.len(), told };
        let request = request::batch(&self.config, envelope, &rows);
        self.send_if_granted(Lane::Backlog, purpose, request, storage)
    }

    fn send_call(&mut self, action: Action, storage: &mut Storage, now: Now) -> Result<(), Error> {
        let Some(seq) = self.calls.next(action, storage) else {
            self.on_no_call();
            return Ok(());
        };
        // Before anything can fail: a call whose turn fails waits like any other.
        self.calls.on_sent(seq, self.requests + 1);
        storage.make_durable(now)?;
        let handle = Arc::clone(&self.handle);
        let Some(call) = handle.recent().body(seq).and_then(wire::read_call) else {
            // Fifty or more events came since, or the quota dropped it. Either the backlog brings
            // it, or the collector shows the agent that it is missing.
            storage.finish_call(seq, now)?;
            self.on_no_call();
            return Ok(());
        };
        let (envelope, told) = storage.envelope(call.scope(), now)?;
        let since = storage.since(seq)?;
        let recent = handle.recent();
        let Carried { customer, events, .. } = recent.carried(seq, call.scope());
        let snapshot = request::snapshot(envelope, (seq, since), call, customer, &events);
        let count = events.len();
        // The log may be the app's own: no lock is held while it is called.
        drop(recent);
        log::debug!("sending a call's snapshot of {count} events");
        let again = action == Action::CallAgain;
        let request = request::call(&self.config, &snapshot, again);
        self.send_if_granted(Lane::Call, Purpose::Call { seq, told }, request, storage)
    }

    fn send_erasure(&mut self, storage: &Storage) -> Result<(), Error> {
        self.handle.installation.sync()?;
        let Some(installation) = self.handle.installation.next_erasure() else { return Ok(()) };
        let request = request::erasure(&self.config, &installation);
        self.send(Lane::Backlog, Purpose::Erasure(installation), request, storage);
        Ok(())
    }

    /// Sends a request that needs a grant. Checks the grant again: preparing the request took a
    /// sync, and the customer may have withdrawn it meanwhile.
    fn send_if_granted(
        &mut self,
        lane: Lane,
        purpose: Purpose,
        request: Request,
        storage: &Storage,
    ) -> Result<(), Error> {
        if self.handle.installation.must_wipe() || !self.handle.recorder.is_granted() {
            return Err(Error::Withdrawn);
        }
        self.send(lane, purpose, request, storage);
        Ok(())
    }

    fn send(&mut self, lane: Lane, purpose: Purpose, request: Request, storage: &Storage) {
        self.requests += 1;
        let handle = Arc::downgrade(&self.handle);
        let (number, generation, epoch) = (self.requests, self.generation, self.epoch());
        let codes_seen = storage.codes_seen();
        let done = Done::new(move |outcome| {
            if let Some(handle) = handle.upgrade() {
                handle.deliver(RoundTrip {
                    number,
                    generation,
                    epoch,
                    purpose,
                    codes_seen,
                    outcome,
                });
            }
        });
        self.transport.send(lane, request, done);
    }

    // Answers.

    /// Applies an answer to the schedule and to storage.
    pub(super) fn on_answer(
        &mut self,
        round_trip: &RoundTrip,
        storage: &mut Storage,
        now: Now,
    ) -> Answered {
        if matches!(round_trip.purpose, Purpose::Warm) {
            return Answered::NOTHING;
        }
        let Reading { verdict, answer, problem } = round_trip.read();
        let refused = verdict == Verdict::Pause;
        // In another store, the same `seq` is another event.
        let is_past = round_trip.epoch != self.epoch();
        let verdict = if is_past && !round_trip.is_erasure() { Verdict::BackOff } else { verdict };
        // Otherwise sent before everything was deleted: the lanes have started again since.
        let current = round_trip.generation == self.generation;
        if current
            && matches!(round_trip.purpose, Purpose::Call { .. })
            && !(self.calls.awaits(round_trip.number) && self.on_call_answer(verdict, now))
        {
            // Another request with this call has brought the answer, or may still do.
            return Answered::NOTHING;
        }
        self.handle.report().last_upload = Some((now.wall_ms, problem.map_or(Ok(()), Err)));
        self.log.note(problem, refused);
        if !current {
            return Answered::NOTHING;
        }
        let same_customer = self.handle.recorder.is_same_customer(round_trip.codes_seen);
        let stored = match &round_trip.purpose {
            Purpose::Warm => Ok(()),
            Purpose::Erasure(installation) => {
                if verdict == Verdict::Stored {
                    self.handle.installation.on_erased(installation);
                }
                let random = self.random();
                self.schedule.on_erasure(verdict, now.elapsed_ms, random);
                Ok(())
            }
            Purpose::Batch { events, told } => {
                let told = Told { same_customer, ..told.clone() };
                self.after_batch(verdict, &answer, *events, &told, storage, now)
            }
            Purpose::Call { seq, told } => {
                let (seq, told) = (*seq, Told { same_customer, ..told.clone() });
                match verdict {
                    Verdict::Stored => storage.acknowledge_call(&answer, seq, &told, now),
                    // The snapshot was refused as a whole: its events come with the backlog
                    // instead.
                    Verdict::Divide => storage.finish_call(seq, now),
                    _ => Ok(()),
                }
            }
        };
        let failed = verdict.is_weather() || matches!(verdict, Verdict::Pause | Verdict::Wait(_));
        Answered { failed, end: End::of(verdict), stored }
    }

    /// Notes an answer to the call under way. Returns false if another request with it may still
    /// bring one.
    fn on_call_answer(&mut self, verdict: Verdict, now: Now) -> bool {
        let random = self.random();
        let ended = self.schedule.on_call(verdict, now.elapsed_ms, random);
        if ended {
            self.calls.on_ended();
        }
        ended
    }

    /// Notes that there is no call to send after all.
    fn on_no_call(&mut self) {
        self.calls.on_ended();
        self.schedule.on_no_call();
    }

    fn after_batch(
        &mut self,
        verdict: Verdict,
        answer: &Answer,
        events: usize,
        told: &Told,
        storage: &mut Storage,
        now: Now,
    ) -> Result<(), Error> {
        let random = self.random();
        let noted = match verdict {
            Verdict::Stored => storage.acknowledge_batch(answer, told, now),
            _ if verdict.drops(events) => storage.drop_refused(now).map(|()| None),
            _ => Ok(None),
        };
        // An answer that the disk did not take counts as none: the batch waits before it is sent
        // again, or it would be sent without end.
        let verdict = if noted.is_err() { Verdict::BackOff } else { verdict };
        self.schedule.on_backlog(verdict, events, now.elapsed_ms, random);
        if verdict == Verdict::Stored {
            if let Some(kept) = noted? {
                self.codes.on_stored(events, kept, now.elapsed_ms);
                if answer.codes_doubted && told.codes.is_none() {
                    // The next request names the codes, so that the answer says which are good.
                    self.codes.on_call();
                }
                storage.refresh(now)?;
                if self.calls.is_superseded(storage) {
                    self.on_no_call();
                }
            }
            return Ok(());
        }
        if !verdict.drops(events) && storage.release_batch() {
            self.codes.on_failure(events, now.elapsed_ms);
        }
        noted.map(drop)
    }

    fn epoch(&self) -> Option<u32> {
        self.handle.installation.identity().map(|identity| identity.epoch)
    }

    fn random(&self) -> u64 {
        let mut bits = [0; 8];
        self.handle.recorder.clock().random(&mut bits);
        u64::from_le_bytes(bits)
    }
}
