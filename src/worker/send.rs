//! What the worker sends.

use std::sync::Arc;

use super::Worker;
use super::answer::Answered;
use super::snapshot::Carried;
use crate::clock::Now;
use crate::config::{BATCH_BYTES_MAX, CODES_LOW, Consent};
use crate::error::Error;
use crate::installation::InstallationId;
use crate::transport::{Done, Lane, Method, Request};
use crate::upload::{Action, Backlog, Verdict};
use crate::wire::{self, Header};

/// What was sent.
#[derive(Clone, Copy)]
pub(super) enum Sent {
    Warmth,
    Batch { events: usize },
    Call { seq: u64 },
    Erasure(InstallationId),
}

impl Worker {
    /// What waits, as `upload` needs to know it.
    pub(super) fn backlog(&self) -> Backlog {
        let state = self.shared.installation.state();
        // Nothing is sent before what is to be deleted is deleted.
        let (wipe, erasures) = (state.wipe, state.erasures.len());
        drop(state);
        if wipe {
            return Backlog::default();
        }
        let Some(store) = self.store.as_ref() else {
            return Backlog { erasures, ..Backlog::default() };
        };
        let state = self.shared.recorder.counts();
        if state.consent != Consent::Granted {
            return Backlog { erasures, ..Backlog::default() };
        }
        let unsent = store.unsent();
        Backlog {
            unsent,
            first_unsent_ms: self.first_unsent_ms.filter(|_| unsent > 0),
            calls: self.calls.len(),
            erasures,
            wants_codes: state.codes < CODES_LOW && !self.codes_asked,
        }
    }

    pub(super) fn send_what_is_due(&mut self, now: Now) {
        while let Some(step) = self.upload.next(now.elapsed_ms, &self.backlog()) {
            let sent = match step {
                Action::Call => self.send_call(now),
                Action::Erase => self.send_erasure(),
                Action::Batch { events_max } => self.send_batch(events_max, now),
            };
            if let Err(error) = sent {
                self.could_not_send(step, &error, now);
                return;
            }
        }
    }

    /// The lane waits as if the network had failed; nothing was lost.
    fn could_not_send(&mut self, step: Action, error: &Error, now: Now) {
        if !matches!(error, Error::Withdrawn) {
            self.put_off(error, now);
        }
        let (random, now_ms) = (self.random(), now.elapsed_ms);
        match step {
            Action::Call => self.upload.on_call(Verdict::BackOff, now_ms, random),
            Action::Erase => self.upload.on_erasure(Verdict::BackOff, now_ms, random),
            Action::Batch { .. } => {
                if let Some(store) = self.store.as_mut() {
                    store.release();
                }
                self.upload.on_backlog(Verdict::BackOff, 0, now_ms, random);
            }
        }
    }

    /// Opens the call lane's connection before it is needed.
    pub(super) fn warm(&mut self) {
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
        let shared = Arc::clone(&self.shared);
        let Some(call) = shared.recent().body(seq).and_then(wire::read_call) else {
            // Fifty events and more came since, or the quota took it: the backlog brings it, or
            // the agent is told that it is missing.
            self.finish_call(seq, now)?;
            self.upload.on_call(Verdict::Stored, now.elapsed_ms, 0);
            return Ok(());
        };
        let envelope = self.envelope(now)?;
        let recent = shared.recent();
        let Carried { customer, events, .. } = recent.carried(seq, call.scope());
        let json = wire::call(envelope, seq, call, customer, &events);
        let count = events.len();
        drop(recent);
        log::debug!("sending a call's snapshot of {count} events");
        let body = Some(wire::gzip(&json));
        let url = self.config.url(wire::CALLS);
        self.send_if_granted(Lane::Call, Sent::Call { seq }, Method::Post, url, body)
    }

    fn send_erasure(&mut self) -> Result<(), Error> {
        let mut state = self.shared.installation.state();
        state.sync()?;
        let Some(installation) = state.erasures.first().copied() else { return Ok(()) };
        drop(state);
        let url = self.config.url(&format!("/v1/installations/{}", installation.hex()));
        self.send(Lane::Backlog, Sent::Erasure(installation), Method::Delete, url, None);
        Ok(())
    }

    /// What leaves the device is durable on it first.
    fn make_durable(&mut self, now: Now) -> Result<(), Error> {
        self.shared.installation.state().sync()?;
        self.store.as_mut().map_or(Ok(()), |store| store.make_durable(now))
    }

    fn envelope(&self, now: Now) -> Result<Vec<u8>, Error> {
        let identity = self.shared.installation.state().identity;
        let (Some(identity), Some(store)) = (identity, &self.store) else {
            return Err(Error::Withdrawn);
        };
        let counts = store.counts()?;
        let mut dropped = counts.dropped;
        dropped.merge(&self.shared.recorder.counts().dropped);
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
        &mut self,
        lane: Lane,
        what: Sent,
        method: Method,
        url: String,
        body: Option<Vec<u8>>,
    ) -> Result<(), Error> {
        let wipe = self.shared.installation.state().wipe;
        if wipe || self.shared.recorder.state().consent != Consent::Granted {
            return Err(Error::Withdrawn);
        }
        self.send(lane, what, method, url, body);
        Ok(())
    }

    fn send(&mut self, lane: Lane, what: Sent, method: Method, url: String, body: Option<Vec<u8>>) {
        self.requests += 1;
        let shared = Arc::downgrade(&self.shared);
        let (number, generation, codes_seen) = (self.requests, self.generation, self.codes_seen);
        let done = Done::new(move |outcome| {
            if let Some(shared) = shared.upgrade() {
                shared.answer(Answered { number, generation, what, codes_seen, outcome });
            }
        });
        let key = self.config.write_key.clone();
        self.transport.send(lane, Request { method, url, key, body }, done);
    }

    pub(super) fn finish_call(&mut self, seq: u64, now: Now) -> Result<(), Error> {
        self.calls.retain(|waiting| *waiting != seq);
        self.store.as_mut().map_or(Ok(()), |store| store.call_is_done(seq, now))
    }

    pub(super) fn random(&self) -> u64 {
        let mut bits = [0; 8];
        self.shared.recorder.clock.random(&mut bits);
        u64::from_le_bytes(bits)
    }
}
