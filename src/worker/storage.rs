//! The worker's storage: drains the journal into the store, and hands out what is to be sent. Does
//! not decide when anything is sent.

mod drain;

use std::collections::VecDeque;
use std::sync::Arc;

use super::handle::Handle;
use super::opening;
use super::request::{Contents, Envelope};
use super::retry::Retry;
use super::snapshot::Recent;
use crate::call::CallScope;
use crate::clock::Now;
use crate::config::{CODES_LOW, Config, Consent};
use crate::error::Error;
use crate::installation::Identity;
use crate::journal::Drainer;
use crate::recorder::CodesVersion;
use crate::store::{Counts, Row, Store, Told};
use crate::upload::Backlog;
use crate::wire::Answer;

/// The store and the worker's end of the journal.
pub(super) struct Storage {
    handle: Arc<Handle>,
    config: Arc<Config>,
    store: Option<Store>,
    drainer: Option<Drainer>,
    /// The store has committed the sealed segment, which only has to be freed.
    taken_over: bool,
    /// The `seq` of the calls whose snapshot waits to be sent, oldest first.
    pending_calls: VecDeque<u64>,
    first_unsent_ms: Option<u64>,
    /// The version of the codes that the store knows of.
    codes_seen: CodesVersion,
    /// The codes should be renewed.
    codes_are_stale: bool,
    /// The first call drained since this was last taken.
    drained_call: Option<u64>,
    /// Why the journal is written and not mapped, if that is so.
    unmapped: Option<String>,
    retry: Retry,
}

impl Storage {
    pub(super) fn new(handle: Arc<Handle>, config: Arc<Config>) -> Self {
        Self {
            handle,
            config,
            store: None,
            drainer: None,
            taken_over: false,
            pending_calls: VecDeque::new(),
            first_unsent_ms: None,
            codes_seen: CodesVersion::default(),
            codes_are_stale: false,
            drained_call: None,
            unmapped: None,
            retry: Retry::default(),
        }
    }

    /// Closes store and journal, which are about to be deleted, and forgets what was in them.
    pub(super) fn reset(&mut self) {
        let (handle, config) = (Arc::clone(&self.handle), Arc::clone(&self.config));
        let retry = std::mem::take(&mut self.retry);
        *self = Self { retry, ..Self::new(handle, config) };
        self.codes_seen = self.handle.recorder.codes_version();
        *self.handle.recent() = Recent::nothing(self.codes_seen);
        self.handle.report().counts = Counts::default();
    }

    pub(super) fn close_store(&mut self) {
        self.store = None;
    }

    // Maintenance.

    /// Makes the files match consent, opens the store, and drains what is due.
    pub(super) fn maintain(&mut self, now: Now, closing: bool) -> Result<(), Error> {
        let handle = Arc::clone(&self.handle);
        handle.installation.reconcile(&handle.recorder)?;
        let (drainer, identity) = handle.installation.hand_over();
        if drainer.is_some() {
            (self.drainer, self.taken_over) = (drainer, false);
        }
        // A refusal or an erasure may have come meanwhile: then nothing is opened again.
        let granted = handle.recorder.is_granted();
        let Some(identity) = identity.filter(|_| granted) else { return Ok(()) };
        // Before the store: the app records already.
        self.prepare_segment();
        let first = self.store.is_none();
        if first {
            self.open_store(identity, now)?;
        }
        self.drain_what_is_due(now, closing)?;
        self.codes_are_stale = match &self.store {
            Some(store) => store.codes_are_stale(now)?,
            None => false,
        };
        self.note_recent(identity);
        if first { self.offer_codes(now) } else { Ok(()) }
    }

    /// Returns whether storage may be tried. `drain_now` ends any wait.
    pub(super) fn may_try(&self, now: Now, drain_now: bool) -> bool {
        drain_now || self.retry.is_due(now)
    }

    /// Ends the wait after a failure: storage is tried again at once.
    pub(super) fn cut_retry_short(&mut self) {
        self.retry.cut_short();
    }

    pub(super) fn on_success(&mut self) {
        self.retry = Retry::default();
        self.handle.report().trouble.clone_from(&self.unmapped);
    }

    /// Notes that storage failed: it is tried again later, and the status says why.
    pub(super) fn on_failure(&mut self, error: &Error, now: Now) {
        log::warn!("storage failed, trying again: {error}");
        if error.condemns_the_store() {
            // Opening it again checks it, and sets it aside if it is really damaged.
            self.store = None;
        }
        self.retry.on_failure(now);
        self.handle.report().trouble = Some(error.to_string());
    }

    /// Returns when storage has something to do next, in ms of the elapsed clock.
    pub(super) fn deadline_ms(&self) -> Option<u64> {
        let drain_ms = self.handle.recorder.drain_signal().deadline_ms();
        self.retry.at_ms().or(drain_ms.filter(|_| self.can_drain()))
    }

    /// Returns whether there is a journal that may be drained.
    pub(super) fn can_drain(&self) -> bool {
        self.handle.recorder.is_granted() && self.drainer.is_some()
    }

    /// Copies the store's counts to the report.
    pub(super) fn publish(&self) {
        if let Some(counts) = self.store.as_ref().and_then(|store| store.counts().ok()) {
            self.handle.report().counts = counts;
        }
    }

    fn open_store(&mut self, identity: Identity, now: Now) -> Result<(), Error> {
        let mut store = opening::open_store(&self.handle, &self.config, identity, now)?;
        self.handle.installation.note_store()?;
        store.expire(now)?;
        let newest = store.newest()?;
        let oldest = newest.first().map_or(u64::MAX, |(seq, _)| *seq);
        let earlier = store.change_before(oldest)?.map(|change| change.customer);
        let changes = store.changes_from(oldest)?.into_iter();
        let changes = changes.map(|change| (change.seq, change.customer)).collect();
        self.handle.recent().load(newest, earlier.unwrap_or_default(), changes);
        self.pending_calls = store.calls_waiting()?.into();
        self.first_unsent_ms = (store.counts()?.unsent > 0).then_some(now.elapsed_ms);
        self.store = Some(store);
        Ok(())
    }

    pub(super) fn take_drained_call(&mut self) -> Option<u64> {
        self.drained_call.take()
    }

    /// Notes what the newest events are part of.
    fn note_recent(&self, identity: Identity) {
        let Some(store) = &self.store else { return };
        // What was uploaded in an earlier epoch, the store does not know.
        self.handle.recent().note(store.delivered() > 0 || identity.epoch > 1, self.codes_seen);
    }

    fn offer_codes(&self, now: Now) -> Result<(), Error> {
        if let Some(store) = &self.store {
            let leases = store.leases(now)?;
            let recorder = &self.handle.recorder;
            recorder.offer_codes(self.codes_seen, leases, store.screens()?, store.customer());
        }
        Ok(())
    }

    // For the uploader.

    /// Returns what waits to be uploaded; `None` while there is no store.
    pub(super) fn backlog(&self) -> Option<Backlog> {
        let unsent = self.store.as_ref()?.unsent();
        Some(Backlog {
            unsent,
            first_unsent_ms: self.first_unsent_ms.filter(|_| unsent > 0),
            calls: self.pending_calls.len(),
            ..Backlog::default()
        })
    }

    pub(super) fn codes_are_stale(&self) -> bool {
        self.codes_are_stale
    }

    pub(super) fn codes_seen(&self) -> CodesVersion {
        self.codes_seen
    }

    /// Makes everything survive a power cut. Called before anything leaves the device.
    pub(super) fn make_durable(&mut self, now: Now) -> Result<(), Error> {
        self.handle.installation.sync()?;
        self.store.as_mut().map_or(Ok(()), |store| store.make_durable(now))
    }

    /// Returns the envelope of a batch or of a call with this scope, and what it tells the collector.
    ///
    /// # Errors
    /// [`Error::Withdrawn`] without an identity or a store.
    pub(super) fn envelope(&self, scope: CallScope, now: Now) -> Result<(Envelope, Told), Error> {
        let identity = self.handle.installation.identity();
        let (Some(identity), Some(store)) = (identity, &self.store) else {
            return Err(Error::Withdrawn);
        };
        let counts = store.counts()?;
        let leases: Vec<u32> = store.leases(now)?.iter().map(|lease| lease.locator).collect();
        let asks = leases.len() < CODES_LOW || self.codes_are_stale;
        // A call that shares only its screen does not say who the customer is.
        let names_owner = scope == CallScope::Everything;
        let contents = Contents {
            identity,
            counts,
            dropped: self.handle.recorder.counts().dropped,
            codes_left: leases.len(),
            codes_version: if leases.is_empty() { None } else { store.codes_version()? },
            codes: asks.then_some(&leases[..]),
            owner: if names_owner { store.change_at(counts.oldest_seq)? } else { None },
            sent_at_ms: self.handle.recorder.stamp_ms(now.elapsed_ms),
        };
        let envelope = Envelope::new(&self.config, &contents);
        let through = if names_owner { counts.oldest_seq } else { 0 };
        Ok((envelope, Told { through, codes: asks.then_some(leases), same_customer: false }))
    }

    /// Returns the `seq` at which the use of the phone began by whoever made the call of this `seq`.
    pub(super) fn since(&self, seq: u64) -> Result<u64, Error> {
        self.store.as_ref().map_or(Ok(0), |store| store.since(seq))
    }

    /// Deletes events and leases past their time to live. A call among them is not sent any more.
    pub(super) fn expire(&mut self, now: Now) -> Result<(), Error> {
        let through = self.store.as_mut().map_or(Ok(0), |store| store.expire(now))?;
        self.pending_calls.retain(|call| *call > through);
        Ok(())
    }

    /// Returns the next batch, within both bounds. Its events are in flight until it is
    /// acknowledged or released.
    pub(super) fn next_batch(
        &mut self,
        events_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<Row>, Error> {
        let Some(store) = self.store.as_mut() else { return Ok(Vec::new()) };
        store.next_batch(events_max, bytes_max)
    }

    /// Notes that the batch in flight was not stored. False while there is no store.
    pub(super) fn release_batch(&mut self) -> bool {
        self.store.as_mut().map(Store::release).is_some()
    }

    /// Notes that the collector has the batch in flight, except for what it rejected. Returns
    /// whether the codes in the answer were kept; `None` while there is no store.
    pub(super) fn acknowledge_batch(
        &mut self,
        answer: &Answer,
        request: &Told,
        now: Now,
    ) -> Result<Option<bool>, Error> {
        let Some(store) = self.store.as_mut() else { return Ok(None) };
        for rejected in &answer.rejected {
            log::warn!("the collector rejected event {}", rejected.seq);
        }
        let kept = store.acknowledge_batch(answer, request, now)?;
        if store.unsent() == 0 {
            self.first_unsent_ms = None;
        }
        Ok(Some(kept))
    }

    /// Reads the calls that wait, and the codes, after a stored batch.
    pub(super) fn refresh(&mut self, now: Now) -> Result<(), Error> {
        if let Some(store) = &self.store {
            self.pending_calls = store.calls_waiting()?.into();
        }
        self.offer_codes(now)
    }

    pub(super) fn drop_refused(&mut self, now: Now) -> Result<(), Error> {
        let Some(store) = self.store.as_mut() else { return Ok(()) };
        log::warn!("the collector refused an event that was sent alone: it is dropped");
        store.drop_refused(now)
    }

    /// Returns the oldest call, from this `seq` on, whose snapshot waits to be sent.
    pub(super) fn next_call(&self, from: u64) -> Option<u64> {
        self.pending_calls.iter().copied().find(|seq| *seq >= from)
    }

    /// Notes that the collector has a call's snapshot.
    pub(super) fn acknowledge_call(
        &mut self,
        answer: &Answer,
        seq: u64,
        request: &Told,
        now: Now,
    ) -> Result<(), Error> {
        self.pending_calls.retain(|waiting| *waiting != seq);
        if let Some(store) = self.store.as_mut() {
            store.acknowledge_call(answer, seq, request, now)?;
        }
        self.offer_codes(now)
    }

    /// Notes that a call's snapshot need not be sent any more.
    pub(super) fn finish_call(&mut self, seq: u64, now: Now) -> Result<(), Error> {
        self.pending_calls.retain(|waiting| *waiting != seq);
        self.store.as_mut().map_or(Ok(()), |store| store.call_is_done(seq, now))
    }

    /// Returns whether nothing is left to upload. Without a grant this is so: what waits in memory
    /// is not uploaded.
    pub(super) fn has_nothing_to_send(&self) -> bool {
        let recorder = self.handle.recorder.counts();
        if recorder.consent != Consent::Granted {
            return true;
        }
        let all_sent = self.store.as_ref().is_some_and(|store| store.unsent() == 0);
        all_sent && recorder.waiting == 0 && self.pending_calls.is_empty()
    }
}
