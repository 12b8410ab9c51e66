//! What the worker sends, and what it makes of the answers.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{UploadProblem, Worker};
use crate::clock::Now;
use crate::config::{
    ANSWER_BYTES_MAX, BATCH_BYTES_MAX, CODES_LOW, Consent, SNAPSHOT_BYTES_MAX, SNAPSHOT_EVENTS_MAX,
};
use crate::error::Error;
use crate::identity::Installation;
use crate::intake::CodesVersion;
use crate::store::Row;
use crate::transport::{Done, Lane, Method, Request, Response, SendError};
use crate::upload::{Queue, Step, Verdict, judge};
use crate::wire::{self, Answer, Header};

/// An answer, and what it answers.
pub(crate) struct Answered {
    generation: u64,
    what: Sent,
    /// The customer under whom it was sent: codes in the answer are that customer's.
    codes_seen: CodesVersion,
    outcome: Result<Response, SendError>,
}

/// What was sent.
#[derive(Clone, Copy)]
enum Sent {
    Warmth,
    Batch { events: usize },
    Call { seq: u64 },
    Erasure(Installation),
}

impl Worker {
    /// What waits, as `upload` needs to know it.
    pub(super) fn queue(&self) -> Queue {
        let plot = self.shared.ground.plot();
        // Nothing is sent before what is to be deleted is deleted.
        let (wipe, erasures) = (plot.wipe, plot.erasures.len());
        drop(plot);
        if wipe {
            return Queue::default();
        }
        let Some(store) = self.store.as_ref() else {
            return Queue { erasures, ..Queue::default() };
        };
        let front = self.shared.intake.counts();
        if front.consent != Consent::Granted {
            return Queue { erasures, ..Queue::default() };
        }
        let unsent = store.unsent();
        Queue {
            unsent,
            first_unsent_ms: self.first_unsent_ms.filter(|_| unsent > 0),
            calls: self.calls.len(),
            erasures,
            wants_codes: front.codes < CODES_LOW && !self.codes_asked,
        }
    }

    pub(super) fn send_what_is_due(&mut self, now: Now) {
        while let Some(step) = self.upload.next(now.elapsed_ms, &self.queue()) {
            let sent = match step {
                Step::Call => self.send_call(now),
                Step::Erase => self.send_erasure(),
                Step::Batch { events_max } => self.send_batch(events_max, now),
            };
            if let Err(error) = sent {
                self.could_not_send(step, &error, now);
                return;
            }
        }
    }

    /// The lane waits as if the network had failed; nothing was lost.
    fn could_not_send(&mut self, step: Step, error: &Error, now: Now) {
        if !matches!(error, Error::Withdrawn) {
            self.put_off(error, now);
        }
        let (random, now_ms) = (self.random(), now.elapsed_ms);
        match step {
            Step::Call => self.upload.on_call(Verdict::BackOff, now_ms, random),
            Step::Erase => self.upload.on_erasure(Verdict::BackOff, now_ms, random),
            Step::Batch { .. } => {
                if let Some(store) = self.store.as_mut() {
                    store.release();
                }
                self.upload.on_backlog(Verdict::BackOff, 0, now_ms, random);
            }
        }
    }

    /// Opens the call lane's connection before it is needed.
    pub(super) fn warm(&self) {
        let url = self.config.url(wire::HEALTH);
        // Not worth a word where consent was withdrawn.
        let _ = self.send_if_granted(Lane::Call, Sent::Warmth, Method::Get, url, None);
    }

    fn send_batch(&mut self, events_max: usize, now: Now) -> Result<(), Error> {
        self.make_durable(now)?;
        let Some(store) = self.store.as_mut() else { return Ok(()) };
        store.expire(now)?;
        let envelope = self.envelope(now)?;
        let header_bytes = wire::batch(envelope.clone(), &[]).len();
        let Some(store) = self.store.as_mut() else { return Ok(()) };
        let batch = store.next_batch(events_max, BATCH_BYTES_MAX.saturating_sub(header_bytes))?;
        let events: Vec<(u64, &[u8])> =
            batch.rows.iter().map(|(seq, body)| (*seq, body.as_slice())).collect();
        let body = Some(wire::gzip(&wire::batch(envelope, &events)));
        let url = self.config.url(wire::BATCHES);
        log::debug!("sending a batch of {} events", events.len());
        let what = Sent::Batch { events: events.len() };
        self.send_if_granted(Lane::Backlog, what, Method::Post, url, body)
    }

    fn send_call(&mut self, now: Now) -> Result<(), Error> {
        self.make_durable(now)?;
        let Some(seq) = self.calls.front().copied() else { return Ok(()) };
        let record = self.newest.iter().find(|(at, _)| *at == seq);
        let Some(call) = record.and_then(|(_, body)| wire::read_call(body)) else {
            // Fifty events and more came since, or the quota took it: the backlog brings it, or
            // the agent is told that it is missing.
            self.finish_call(seq, now)?;
            self.upload.on_call(Verdict::Stored, now.elapsed_ms, 0);
            return Ok(());
        };
        let events = snapshot(&self.newest, seq);
        // Whoever it was at the tap; after a later change only the backlog can tell.
        let changed_since =
            self.newest.iter().any(|(at, body)| *at > seq && wire::read_customer(body).is_some());
        let customer =
            self.store.as_ref().and_then(|store| store.customer()).filter(|_| !changed_since);
        let json = wire::call(self.envelope(now)?, seq, call, customer, &events);
        let body = Some(wire::gzip(&json));
        let url = self.config.url(wire::CALLS);
        log::debug!("sending a call's snapshot of {} events", events.len());
        self.send_if_granted(Lane::Call, Sent::Call { seq }, Method::Post, url, body)
    }

    fn send_erasure(&mut self) -> Result<(), Error> {
        let mut plot = self.shared.ground.plot();
        plot.sync()?;
        let Some(installation) = plot.erasures.first().copied() else { return Ok(()) };
        drop(plot);
        let url = self.config.url(&format!("/v1/installations/{}", installation.hex()));
        self.send(Lane::Backlog, Sent::Erasure(installation), Method::Delete, url, None);
        Ok(())
    }

    /// What leaves the device is durable on it first.
    fn make_durable(&mut self, now: Now) -> Result<(), Error> {
        self.shared.ground.plot().sync()?;
        self.store.as_mut().map_or(Ok(()), |store| store.make_durable(now))
    }

    fn envelope(&self, now: Now) -> Result<Vec<u8>, Error> {
        let identity = self.shared.ground.plot().identity;
        let (Some(identity), Some(store)) = (identity, &self.store) else {
            return Err(Error::Withdrawn);
        };
        let counts = store.counts()?;
        let mut dropped = counts.dropped;
        dropped.merge(&self.shared.intake.counts().dropped);
        Ok(wire::envelope(&Header {
            sdk: &self.config.sdk,
            installation: identity.installation.hex(),
            epoch: identity.epoch,
            sent_at_ms: now.wall_ms,
            oldest: counts.oldest_seq,
            next: counts.next_seq,
            dropped,
            codes_left: store.leases(now)?.len(),
            app: &self.config.app,
        }))
    }

    /// Sends what a grant is needed for: preparing it took a sync, and the customer may have
    /// answered meanwhile.
    fn send_if_granted(
        &self,
        lane: Lane,
        what: Sent,
        method: Method,
        url: String,
        body: Option<Vec<u8>>,
    ) -> Result<(), Error> {
        let wipe = self.shared.ground.plot().wipe;
        if wipe || self.shared.intake.front().consent != Consent::Granted {
            return Err(Error::Withdrawn);
        }
        self.send(lane, what, method, url, body);
        Ok(())
    }

    fn send(&self, lane: Lane, what: Sent, method: Method, url: String, body: Option<Vec<u8>>) {
        let shared = Arc::downgrade(&self.shared);
        let (generation, codes_seen) = (self.generation, self.codes_seen);
        let done = Done::new(move |outcome| {
            if let Some(shared) = shared.upgrade() {
                shared.answer(Answered { generation, what, codes_seen, outcome });
            }
        });
        let key = self.config.write_key.clone();
        self.transport.send(lane, Request { method, url, key, body }, done);
    }

    pub(super) fn take_answer(&mut self, answered: &Answered, now: Now) {
        if matches!(answered.what, Sent::Warmth) {
            return;
        }
        let (verdict, answer, problem) = read(answered);
        let wall_ms = now.wall_ms;
        self.shared.report().last_upload = Some((wall_ms, problem.map_or(Ok(()), Err)));
        match problem {
            // Once, and not with each retry of a phone that is offline for hours.
            Some(problem) if self.told != Some(problem) => {
                log::warn!("an upload did not succeed, what was recorded is kept: {problem}");
            }
            Some(problem) => log::info!("an upload did not succeed: {problem}"),
            None => {}
        }
        self.told = problem;
        if answered.generation != self.generation {
            // Sent before everything was deleted: the lanes have begun anew.
            return;
        }
        let random = self.random();
        let same_customer = self.shared.intake.same_customer(answered.codes_seen);
        let taken = match answered.what {
            Sent::Warmth => Ok(()),
            Sent::Erasure(installation) => {
                // An id that the collector calls erased is erased.
                let verdict = if verdict == Verdict::Erased { Verdict::Stored } else { verdict };
                if verdict == Verdict::Stored {
                    self.shared.ground.plot().erased(&installation);
                }
                self.upload.on_erasure(verdict, now.elapsed_ms, random);
                return;
            }
            Sent::Batch { events } => {
                let refused_alone = self.upload.on_backlog(verdict, events, now.elapsed_ms, random);
                self.after_batch(verdict, &answer, refused_alone, events, same_customer, now)
            }
            Sent::Call { seq } => {
                self.upload.on_call(verdict, now.elapsed_ms, random);
                self.after_call(verdict, &answer, seq, same_customer, now)
            }
        };
        if let Err(error) = taken {
            // What was stored is sent again, and the collector keeps one of the two.
            if let (Sent::Batch { .. }, Some(store)) = (answered.what, self.store.as_mut()) {
                store.release();
            }
            self.put_off(&error, now);
        }
        if verdict == Verdict::Erased {
            log::warn!("the collector has erased this installation: deleting everything here");
            self.shared.ground.erase(true, &self.shared.intake);
        }
    }

    fn after_batch(
        &mut self,
        verdict: Verdict,
        answer: &Answer,
        refused_alone: bool,
        events: usize,
        same_customer: bool,
        now: Now,
    ) -> Result<(), Error> {
        let Some(store) = self.store.as_mut() else { return Ok(()) };
        match verdict {
            Verdict::Stored => {
                for rejected in &answer.rejected {
                    log::warn!("the collector refused event {}", rejected.seq);
                }
                // Codes that could not be kept are asked for again with the next events, and not
                // at once: until those tell who the customer is, the answer would be the same.
                let kept = store.settle(answer, None, same_customer, now)?;
                self.codes_asked = kept || events == 0;
                if store.unsent() == 0 {
                    self.first_unsent_ms = None;
                }
                self.calls = store.calls_waiting()?.into();
                self.offer_codes(now)
            }
            Verdict::Divide if refused_alone => {
                log::warn!("an event was refused alone, and is dropped");
                store.drop_refused(now)
            }
            _ => {
                store.release();
                // An empty batch that fails is not worth waking up for: the next one brings codes.
                self.codes_asked |= events == 0;
                Ok(())
            }
        }
    }

    fn after_call(
        &mut self,
        verdict: Verdict,
        answer: &Answer,
        seq: u64,
        same_customer: bool,
        now: Now,
    ) -> Result<(), Error> {
        match verdict {
            Verdict::Stored => {
                self.calls.retain(|waiting| *waiting != seq);
                if let Some(store) = self.store.as_mut() {
                    store.settle(answer, Some(seq), same_customer, now)?;
                }
                self.offer_codes(now)
            }
            // The snapshot is refused as a whole; the backlog brings its events one by one.
            Verdict::Divide => self.finish_call(seq, now),
            _ => Ok(()),
        }
    }

    fn finish_call(&mut self, seq: u64, now: Now) -> Result<(), Error> {
        self.calls.retain(|waiting| *waiting != seq);
        self.store.as_mut().map_or(Ok(()), |store| store.call_is_done(seq, now))
    }

    fn random(&self) -> u64 {
        let mut bits = [0; 8];
        self.shared.intake.clock.random(&mut bits);
        u64::from_le_bytes(bits)
    }
}

/// The newest events before a call that fit its snapshot, oldest first.
pub(super) fn snapshot(newest: &VecDeque<Row>, seq: u64) -> Vec<(u64, &[u8])> {
    let mut bytes = 0;
    let mut events: Vec<(u64, &[u8])> = newest
        .iter()
        .rev()
        .filter(|(at, _)| *at < seq)
        .take(SNAPSHOT_EVENTS_MAX)
        .take_while(|(_, body)| {
            bytes += body.len() + wire::SEQ_BYTES_MAX;
            bytes <= SNAPSHOT_BYTES_MAX
        })
        .map(|(at, body)| (*at, body.as_slice()))
        .collect();
    events.reverse();
    events
}

fn read(answered: &Answered) -> (Verdict, Answer, Option<UploadProblem>) {
    let response = match &answered.outcome {
        Ok(response) => response,
        Err(error) => return (Verdict::BackOff, Answer::default(), Some((*error).into())),
    };
    let erasure = matches!(answered.what, Sent::Erasure(_));
    // A transport of the app's own may hand over more than an answer ever holds.
    let answer = (response.body.len() <= ANSWER_BYTES_MAX)
        .then(|| wire::read_answer(&response.body))
        .flatten();
    // What deletes or drops anything here must come from our collector, and not from what stands
    // between.
    let ours = match response.status {
        204 => erasure,
        400..=499 => wire::is_problem(&response.body, response.status),
        _ => !erasure && answer.is_some(),
    };
    let verdict = judge(response.status, response.retry_after_ms, ours);
    let problem = match (verdict, response.status) {
        (Verdict::Stored, _) => None,
        (_, 200..=399) => Some(UploadProblem::NotACollector),
        (_, status) => Some(UploadProblem::Status(status)),
    };
    (verdict, answer.unwrap_or_default(), problem)
}
