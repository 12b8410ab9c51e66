//! The caller's side: consent gate, stamp, encode, append, nudge; all of it in memory but for the
//! journal's one write.
//!
//! What cannot be appended yet (nobody was asked for consent, or the disk is out of reach) waits
//! in memory. Nothing here opens files, and the lock is never held across any other I/O, by
//! whichever thread.

mod misuse;
mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use misuse::{Misuse, MisuseWarnings};
pub(crate) use state::CodesVersion;
use state::{Codes, Customer, RecorderState};

use crate::call::{CallCode, CallScope, ContextToken};
use crate::clock::{Bell, Clock, Now};
use crate::config::{
    Consent, DRAIN_AT_EVENTS, ID_BYTES_MAX, NAME_BYTES_MAX, PROOF_BYTES_MAX, TOKENS_AHEAD,
};
use crate::consent::Gate;
use crate::event::{DropReason, Dropped, Entry, Event, Kind};
use crate::journal::{Drainer, Writer};
use crate::session::Session;
use crate::store::Lease;
use crate::wire::{Identified, Stamp};

/// Where callers' records go.
pub(crate) struct Recorder {
    pub clock: Arc<dyn Clock>,
    /// Wakes the worker.
    pub bell: Bell,
    record_search_queries: bool,
    state: Mutex<RecorderState>,
    misuses: MisuseWarnings,
}

/// What a tap was given.
pub(crate) struct Tap {
    pub token: ContextToken,
    pub code: Option<CallCode>,
}

/// What the counts of the caller's side are.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RecorderCounts {
    pub consent: Consent,
    pub session: u32,
    /// In memory or in the journal.
    pub waiting: u64,
    pub dropped: Dropped,
    pub codes: usize,
}

impl Recorder {
    pub(crate) fn new(clock: Arc<dyn Clock>, record_search_queries: bool) -> Self {
        Self {
            clock,
            bell: Bell::new(),
            record_search_queries,
            state: Mutex::default(),
            misuses: MisuseWarnings::default(),
        }
    }

    /// The callers' lock. A panic while it was held (there is none we know of) must not stop the
    /// app's next call.
    pub(crate) fn state(&self) -> MutexGuard<'_, RecorderState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records an app's event.
    pub(crate) fn record(&self, mut event: Event) {
        if let Event::Search { query, .. } = &mut event
            && !self.record_search_queries
        {
            *query = None;
        }
        match event.bounded() {
            Ok(entry) => self.put(entry),
            Err(reason) => self.drop_one(reason, Misuse::of(reason)),
        }
    }

    /// Records who the customer is from here on; the same again changes nothing.
    pub(crate) fn identify(&self, id: Option<String>, proof: Option<String>) {
        let blank = id.as_ref().is_some_and(|id| id.trim().is_empty() || id.len() > ID_BYTES_MAX);
        if blank || proof.as_ref().is_some_and(|proof| proof.len() > PROOF_BYTES_MAX) {
            return self.drop_one(DropReason::Invalid, Some(Misuse::Customer));
        }
        let now = self.clock.now();
        let mut state = self.state();
        if state.consent.gate() == Gate::Refuse {
            // Nobody is known to a customer who refused, and nothing is kept of it.
            self.take(state, Entry::Customer { id, proof }, now);
            return;
        }
        let next = match id.clone() {
            None => Customer::Nobody,
            Some(id) => Customer::Somebody(id, proof.clone()),
        };
        if state.customer == next {
            return;
        }
        let keeps_codes = match (&state.customer, &next) {
            (Customer::Nobody | Customer::NotRead, _) => true,
            (Customer::Somebody(before, _), Customer::Somebody(after, _)) => before == after,
            (Customer::Somebody(..), _) => false,
        };
        if !keeps_codes {
            state.codes.leases.clear();
        }
        state.codes.version += 1;
        state.codes.customers += 1;
        state.customer = next;
        self.take(state, Entry::Customer { id, proof }, now);
    }

    /// Records a position, rounded to 0.01 degrees, where the customer allowed it.
    pub(crate) fn locate(&self, latitude: f64, longitude: f64) {
        let valid = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
        if !valid {
            return self.drop_one(DropReason::Invalid, Some(Misuse::Position));
        }
        if self.state().location != Some(true) {
            return self.drop_one(DropReason::Consent, None);
        }
        let coarse = |degrees: f64| (degrees * 100.0).round() / 100.0;
        self.put(Entry::Location { latitude: coarse(latitude), longitude: coarse(longitude) });
    }

    /// Takes a token and, where one is leased, a code, and records the call. `None` without a
    /// grant, after `close`, where nothing but the number is to be carried, or when the call could
    /// not be kept.
    pub(crate) fn tap(&self, topic: Option<String>, scope: CallScope) -> Option<Tap> {
        if scope == CallScope::OnlyTheNumber {
            return None;
        }
        let topic = topic.map(|mut topic| {
            topic.truncate(topic.floor_char_boundary(NAME_BYTES_MAX));
            topic
        });
        let now = self.clock.now();
        let mut state = self.state();
        if state.closed || state.consent != Consent::Granted {
            return None;
        }
        let code = state.take_code(scope, now);
        let token = state.codes.tokens.pop().unwrap_or_else(|| self.mint());
        state.codes.version += 1;
        let entry = Entry::Call {
            token: token.to_string(),
            code: code.map(|code| code.to_string()),
            scope,
            topic,
        };
        let kept = self.take(state, entry, now);
        // A code works even if its record was lost: it locates the lease.
        (kept || code.is_some()).then_some(Tap { token, code })
    }

    /// Ends recording; whatever is called from here on does nothing.
    pub(crate) fn close(&self) {
        self.state().closed = true;
    }

    /// Whether recording has ended.
    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Gives the state its journal, and appends what waited. `left` is the session that an
    /// earlier process left.
    pub(crate) fn install(&self, writer: Writer, left: (u32, i64), waiting: u64, torn: u64) {
        let now = self.clock.now();
        let mut state = self.state();
        // What an earlier process left is taken over at once: it may hold calls, and then no code is
        // offered before that; and notes, which count from then on.
        state.drain_now |= waiting > 0 || !writer.is_empty();
        state.writer = Some(writer);
        if state.session.0.id() == 0 {
            state.session.0 = Session::left(left.0, left.1);
        } else {
            // Sessions counted from 1 while the earlier ones could not be read come after them.
            state.session.0 = state.session.0.after(left.0);
        }
        state.undrained += waiting;
        for _ in 0..torn {
            state.drop_one(DropReason::Corrupt, now);
        }
        state.append_buffered(left.0);
        state.drain_now |= state.undrained > 0;
        self.unlock_and_warn(state);
        self.bell.ring();
    }

    /// Takes the customer's answer, and appends what waited for it, if there is a journal already.
    pub(crate) fn consent(&self, consent: Consent) {
        let mut state = self.state();
        state.consent = consent;
        if consent == Consent::Granted && state.writer.is_some() {
            state.append_buffered(0);
        }
        self.unlock_and_warn(state);
    }

    /// Takes the journal away and forgets everything: after a refusal or an erasure.
    pub(crate) fn forget(&self, consent: Consent) {
        let mut state = self.state();
        let tokens = std::mem::take(&mut state.codes.tokens);
        let before = (state.codes.version, state.codes.customers);
        *state = RecorderState {
            consent,
            closed: state.closed,
            customer: Customer::Nobody,
            codes: Codes {
                tokens,
                version: before.0 + 1,
                customers: before.1 + 1,
                ..Codes::default()
            },
            ..RecorderState::default()
        };
    }

    /// Seals what was appended so far; two pointers under the lock.
    pub(crate) fn seal(&self, drainer: &mut Drainer) -> (CodesVersion, Dropped) {
        let mut state = self.state();
        if state.writer.as_mut().is_some_and(|writer| drainer.seal(writer)) {
            state.drain_now = false;
            state.first_undrained_ms = None;
        }
        (state.codes.now(), state.dropped)
    }

    /// The store has taken over a segment of `events` events, `noted` notes, and `counted` drops.
    pub(crate) fn drained(&self, events: u64, noted: &Dropped, counted: &Dropped) {
        let mut state = self.state();
        state.undrained = state.undrained.saturating_sub(events);
        state.noted.subtract(noted);
        state.dropped.subtract(counted);
    }

    /// Offers the store's leases, customer and screens to the next tap, unless a tap or a change
    /// of customer came since `seen`: then the store does not know yet what is used up.
    pub(crate) fn offer_codes(
        &self,
        seen: CodesVersion,
        leases: Vec<Lease>,
        screens: Vec<(String, u16)>,
        customer: Option<&Identified>,
    ) {
        let screens = screens.into_iter().collect();
        let mut tokens = Vec::new();
        let missing = TOKENS_AHEAD.saturating_sub(self.state().codes.tokens.len());
        tokens.resize_with(missing, || self.mint());
        let mut state = self.state();
        state.codes.tokens.append(&mut tokens);
        state.codes.screens = screens;
        if state.codes.now() == seen && state.deferred_customer.is_none() {
            state.codes.leases = leases.into();
            state.customer = match customer {
                None => Customer::Nobody,
                Some(known) => Customer::Somebody(known.id.clone(), known.proof.clone()),
            };
        }
    }

    /// The counts of this moment.
    pub(crate) fn codes_version(&self) -> CodesVersion {
        self.state().codes.now()
    }

    /// Whether the customer is still the one of `seen`.
    pub(crate) fn same_customer(&self, seen: CodesVersion) -> bool {
        self.state().codes.customers == seen.customers
    }

    pub(crate) fn counts(&self) -> RecorderCounts {
        let state = self.state();
        let mut dropped = state.dropped;
        dropped.merge(&state.noted);
        RecorderCounts {
            consent: state.consent,
            session: state.session.0.id(),
            waiting: (state.buffered.len() + usize::from(state.deferred_customer.is_some())) as u64
                + state.undrained,
            dropped,
            codes: state.codes.leases.len(),
        }
    }

    fn mint(&self) -> ContextToken {
        let mut bits = [0; 16];
        self.clock.random(&mut bits);
        ContextToken::from_bytes(bits)
    }

    fn put(&self, entry: Entry) {
        let now = self.clock.now();
        self.take(self.state(), entry, now);
    }

    /// Ends holding the callers' lock, and then tells the log what went wrong under it.
    fn unlock_and_warn(&self, mut state: MutexGuard<'_, RecorderState>) {
        let too_large = std::mem::take(&mut state.too_large);
        drop(state);
        if too_large {
            self.misuses.tell(Misuse::TooLarge);
        }
    }

    /// Counts a call to a number that is none.
    pub(crate) fn refuse_number(&self) {
        self.drop_one(DropReason::Invalid, Some(Misuse::Number));
    }

    fn drop_one(&self, reason: DropReason, misuse: Option<Misuse>) {
        let now = self.clock.now();
        let mut state = self.state();
        if state.closed {
            return;
        }
        let first = state.first_undrained_ms.is_none();
        state.drop_one(reason, now);
        let wake = first && state.first_undrained_ms.is_some();
        drop(state);
        if wake {
            self.bell.ring();
        }
        if let Some(misuse) = misuse {
            self.misuses.tell(misuse);
        }
    }

    /// Stamps an entry and keeps it; true if it was.
    fn take(&self, mut state: MutexGuard<'_, RecorderState>, entry: Entry, now: Now) -> bool {
        if state.closed {
            return false;
        }
        let gate = state.consent.gate();
        if gate == Gate::Refuse {
            state.dropped.add(DropReason::Consent, 1);
            return false;
        }
        let (drain_now, first) = (state.drain_now, state.first_undrained_ms.is_none());
        let call = entry.kind() == Kind::Call;
        state.drain_now |= call;
        state.session.0 = state.session.0.on_event(now).session;
        let mut previous = None;
        if let Entry::App { event: Event::ScreenView { screen }, .. } = &entry {
            let before = state.screen.replace((screen.clone(), now.elapsed_ms));
            previous =
                before.map(|(name, since_ms)| (name, now.elapsed_ms.saturating_sub(since_ms)));
        }
        let kept = if gate == Gate::Keep && state.writer.is_some() && !state.retry_deferred(now) {
            if entry.kind() == Kind::Customer {
                state.deferred_customer = Some(entry);
            }
            state.dropped.add(DropReason::Disk, 1);
            false
        } else if gate == Gate::Keep && state.writer.is_some() {
            let screen = state.screen.take();
            let stamp = Stamp {
                at_ms: now.wall_ms,
                session: state.session.0.id(),
                screen: screen.as_ref().map(|(name, _)| name.as_str()),
                previous: previous.as_ref().map(|(name, dwell)| (name.as_str(), *dwell)),
            };
            let kept = state.append(&entry, &stamp, now);
            state.screen = screen;
            kept
        } else {
            state.buffer(entry, previous, now);
            true
        };
        // The first wakes the worker, which then waits for company; the hundredth ends the wait, and
        // so do a call and a segment that fills up.
        let begun = first && state.first_undrained_ms.is_some();
        let hurry = call || (state.drain_now && !drain_now);
        let wake = begun || state.undrained == DRAIN_AT_EVENTS || hurry;
        if kept {
            drop(state);
        } else {
            self.unlock_and_warn(state);
        }
        if wake {
            self.bell.ring();
        }
        kept
    }
}
