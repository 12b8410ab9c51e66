//! The recorder, on the caller's thread: check consent, stamp, encode, append, wake the worker. All
//! of it happens in memory, except for the write to a journal that is not mapped.
//!
//! What cannot be appended yet (consent is unknown, or the disk is out of reach) waits in memory.
//! Nothing here opens files, and no thread holds the lock across any I/O but the journal's append
//! (and, after a refusal, closing its file). What changes is decided in [`state`] under the lock; a
//! method writes to the log and wakes the worker only after unlocking.

mod alarm;
mod buffer;
mod codes;
mod current_screen;
mod drain_signal;
mod journal_end;
mod misuse;
mod outcome;
mod state;
mod tap;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alarm::Alarm;
pub(crate) use codes::CodesVersion;
pub(crate) use drain_signal::DrainSignal;
use misuse::{Misuse, MisuseWarnings};
use outcome::{Outcome, Wake};
use state::RecorderState;
pub(crate) use tap::Tap;

use crate::call::{CallScope, ContextToken};
use crate::clock::{Clock, Now};
use crate::config::{Consent, ID_BYTES_MAX, NAME_BYTES_MAX, PROOF_BYTES_MAX};
use crate::event::{DropReason, Dropped, Entry, Event};
use crate::journal::{Drainer, Writer};
use crate::store::Lease;
use crate::wire::Who;

/// Records events on the app's threads.
pub(crate) struct Recorder {
    clock: Arc<dyn Clock>,
    /// The moment from which the elapsed clock counts on to stamp events.
    anchor: Now,
    /// Wakes the worker.
    alarm: Alarm,
    record_search_queries: bool,
    state: Mutex<RecorderState>,
    warnings: MisuseWarnings,
}

/// The recorder's counts at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RecorderCounts {
    pub consent: Consent,
    pub session: u32,
    /// Events that wait in memory or in the journal.
    pub waiting: u64,
    pub dropped: Dropped,
    pub codes: usize,
}

impl Recorder {
    /// Makes a recorder that has no journal yet; `consent` is the answer that the app already
    /// knows.
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        record_search_queries: bool,
        consent: Option<Consent>,
    ) -> Self {
        Self {
            anchor: clock.now(),
            clock,
            alarm: Alarm::default(),
            record_search_queries,
            state: Mutex::new(RecorderState::new(consent)),
            warnings: MisuseWarnings::default(),
        }
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Returns the time to stamp something with, in ms since the Unix epoch: the wall clock as it was
    /// when this process opened the journey, and the time that has passed since. A wall clock that is
    /// corrected meanwhile moves no event against another, nor against the moment it is sent.
    pub(crate) fn stamp_ms(&self, elapsed_ms: u64) -> i64 {
        let passed_ms = elapsed_ms.saturating_sub(self.anchor.elapsed_ms);
        self.anchor.wall_ms.saturating_add_unsigned(passed_ms)
    }

    fn now(&self) -> Now {
        let elapsed_ms = self.clock.elapsed_ms();
        Now { wall_ms: self.stamp_ms(elapsed_ms), elapsed_ms }
    }

    pub(crate) fn wake_worker(&self) {
        self.alarm.ring();
    }

    /// Blocks the worker's thread until it is woken, or until the elapsed clock reaches `until_ms`.
    pub(crate) fn wait_to_be_woken(&self, until_ms: Option<u64>) {
        self.alarm.sleep(&*self.clock, until_ms);
    }

    /// Returns whether the worker was woken since this was last asked.
    #[cfg(feature = "stepped")]
    pub(crate) fn take_wake(&self) -> bool {
        self.alarm.take()
    }

    // For the app's threads.

    /// Records an event of the app.
    pub(crate) fn record(&self, mut event: Event) {
        if let Event::Search { query, .. } = &mut event
            && !self.record_search_queries
        {
            *query = None;
        }
        match event.bounded() {
            Ok(entry) => self.put(&entry),
            Err(reason) => self.drop_one(reason, Misuse::of(reason)),
        }
    }

    /// Records who the customer is from now on. Does nothing if it is the same customer and proof.
    pub(crate) fn identify(&self, id: Option<String>, proof: Option<String>) {
        let bad_id = id.as_ref().is_some_and(|id| id.trim().is_empty() || id.len() > ID_BYTES_MAX);
        let bad_proof = proof.as_ref().is_some_and(|proof| proof.len() > PROOF_BYTES_MAX);
        if bad_id || bad_proof {
            self.drop_one(DropReason::Invalid, Some(Misuse::Customer));
        }
        // Whoever it is, it is not the customer before.
        let id = id.filter(|_| !bad_id);
        let proof = proof.filter(|_| id.is_some() && !bad_proof);
        let now = self.now();
        let mut state = self.state();
        let outcome = state.identify(id, proof, now);
        self.finish(state, outcome);
    }

    /// Notes whether the app is in front.
    pub(crate) fn set_foreground(&self, foreground: bool) {
        let now = self.now();
        let mut state = self.state();
        let outcome = state.set_foreground(foreground, now);
        self.finish(state, outcome);
    }

    /// Records a position, rounded to 0.01 degrees, if the customer allowed it.
    pub(crate) fn locate(&self, latitude: f64, longitude: f64) {
        let valid = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
        if !valid {
            return self.drop_one(DropReason::Invalid, Some(Misuse::Position));
        }
        if self.state().location_allowed() != Some(true) {
            return self.drop_one(DropReason::Consent, None);
        }
        let coarse = |degrees: f64| (degrees * 100.0).round() / 100.0;
        self.put(&Entry::Location { latitude: coarse(latitude), longitude: coarse(longitude) });
    }

    /// Takes a token and, if one is leased, a code, and records the call. `None` without a grant,
    /// after `close`, if the call is to carry only the number, or if it got no code and could not
    /// be kept. The worker is woken once the tap is dropped.
    pub(crate) fn tap(&self, topic: Option<String>, scope: CallScope) -> Option<Tap> {
        if scope == CallScope::OnlyTheNumber {
            return None;
        }
        let topic = topic.map(|mut topic| {
            topic.truncate(topic.floor_char_boundary(NAME_BYTES_MAX));
            topic
        });
        let now = self.now();
        let mut state = self.state();
        let (mut tap, mut outcome) = state.tap(topic, scope, now, || self.mint())?;
        if let Some(tap) = tap.as_mut() {
            (tap.wakes, outcome.wake) = (Some(self.alarm.bell()), Wake::No);
        }
        self.finish(state, outcome);
        tap
    }

    /// Counts a call to something that is not a valid phone number.
    pub(crate) fn refuse_number(&self) {
        self.drop_one(DropReason::Invalid, Some(Misuse::Number));
    }

    /// Ends recording: from now on every call does nothing.
    pub(crate) fn close(&self) {
        self.state().close();
    }

    /// Gives the journal's memory and file back, once the worker has ended.
    pub(crate) fn close_journal(&self) {
        let journal = self.state().journal().close();
        drop(journal);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state().is_closed()
    }

    // The customer's answers. The installation stores them.

    pub(crate) fn consent(&self) -> Consent {
        self.state().consent()
    }

    /// Returns whether the customer agreed, as far as this process knows.
    pub(crate) fn is_granted(&self) -> bool {
        self.consent() == Consent::Granted
    }

    /// Takes the customer's answer. After a grant, appends what waited for it if there is a journal
    /// already.
    pub(crate) fn set_consent(&self, consent: Consent) {
        let mut state = self.state();
        state.set_consent(consent);
        self.unlock_and_warn(state);
    }

    /// Takes the stored answer about consent. A refusal forgets what waited in memory.
    pub(crate) fn adopt_consent(&self, consent: Consent) {
        let mut state = self.state();
        match consent {
            Consent::Denied if state.consent() != Consent::Denied => state.forget(consent),
            _ => state.set_consent(consent),
        }
    }

    /// Returns whether the customer allowed a coarse location.
    pub(crate) fn location_allowed(&self) -> bool {
        self.state().location_allowed() == Some(true)
    }

    pub(crate) fn allow_location(&self, allowed: bool) {
        self.state().allow_location(allowed);
    }

    /// Takes the answer about the location that an earlier process stored, unless the app has given
    /// one since. Returns the answer now in force, if there is one.
    pub(crate) fn adopt_location(&self, stored: Option<bool>) -> Option<bool> {
        self.state().adopt_location(stored)
    }

    /// Returns whether a journal is needed: the customer has agreed, and there is none.
    pub(crate) fn lacks_journal(&self) -> bool {
        self.state().lacks_journal()
    }

    /// Takes the journal, and appends what waited in memory. `left` is the last session of an
    /// earlier process and the wall clock of its last event, `waiting` the number of events in the
    /// journal, `torn` the number of torn tails that were cut off.
    pub(crate) fn install(&self, writer: Writer, left: (u32, i64), waiting: u64, torn: u64) {
        let now = self.now();
        let mut state = self.state();
        state.install(writer, left, waiting, torn, now);
        self.unlock_and_warn(state);
        self.wake_worker();
    }

    /// Drops the journal and forgets everything, after a refusal or an erasure.
    pub(crate) fn forget(&self, consent: Consent) {
        self.state().forget(consent);
    }

    // For the worker.

    pub(crate) fn has_journal(&self) -> bool {
        self.state().has_journal()
    }

    /// Returns a copy of the drain signal: what waits in the journal at this moment.
    pub(crate) fn drain_signal(&self) -> DrainSignal {
        self.state().journal().signal()
    }

    /// Has the worker drain the journal without waiting for more records.
    pub(crate) fn request_drain(&self) {
        self.state().journal().request_drain();
    }

    /// Seals what was appended so far. Returns the version of the codes at that moment, the dropped
    /// events that no journal counts, and whether nothing is left to seal.
    pub(crate) fn seal(&self, drainer: &mut Drainer) -> (CodesVersion, Dropped, bool) {
        self.state().seal(drainer)
    }

    /// Takes the worker's spare segment to append to. Another one may go back, to be prepared in its
    /// turn.
    pub(crate) fn take_spare(&self, drainer: &mut Drainer) {
        self.state().journal().take_spare(drainer);
    }

    /// Notes that the store has taken over a segment with `events` events and `noted` drops, and
    /// with it the `counted` drops that no journal notes.
    pub(crate) fn on_drained(&self, events: u64, noted: &Dropped, counted: &Dropped) {
        self.state().journal().on_drained(events, noted, counted);
    }

    /// Appends what waits in memory for room in the journal: a drain has made some.
    pub(crate) fn append_buffered(&self) {
        let mut state = self.state();
        state.append_buffered();
        self.unlock_and_warn(state);
    }

    /// Offers the store's leases, customer and screens to the next tap. Leases and customer are
    /// taken only if no tap and no change of customer came since `seen`; otherwise the store does
    /// not know yet which codes are used up.
    pub(crate) fn offer_codes(
        &self,
        seen: CodesVersion,
        leases: Vec<Lease>,
        screens: Vec<(String, u16)>,
        customer: &Who,
    ) {
        let screens = screens.into_iter().collect();
        let mut tokens = Vec::new();
        let missing = self.state().codes().tokens_missing();
        tokens.resize_with(missing, || self.mint());
        let spent = self.state().offer_codes(seen, leases, screens, customer, &mut tokens);
        // Hundreds of names: freed once the lock is.
        drop(spent);
    }

    pub(crate) fn codes_version(&self) -> CodesVersion {
        self.state().codes().version()
    }

    /// Returns whether the customer is still the same as at `seen`.
    pub(crate) fn is_same_customer(&self, seen: CodesVersion) -> bool {
        self.codes_version().has_same_customer(seen)
    }

    pub(crate) fn counts(&self) -> RecorderCounts {
        self.state().counts()
    }

    /// Takes the callers' lock. A panic while it was held (we know of none) must not stop the app's
    /// next call.
    fn state(&self) -> MutexGuard<'_, RecorderState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mint(&self) -> ContextToken {
        let mut bits = [0; 16];
        self.clock.random(&mut bits);
        ContextToken::from_bytes(bits)
    }

    fn put(&self, entry: &Entry) {
        let now = self.now();
        let mut state = self.state();
        let outcome = state.take(entry, now);
        self.finish(state, outcome);
    }

    /// Unlocks, then writes any warning to the log and wakes the worker if the outcome asks for it.
    fn finish(&self, state: MutexGuard<'_, RecorderState>, outcome: Outcome) {
        let Outcome { kept, wake, spent } = outcome;
        if kept {
            drop(state);
        } else {
            self.unlock_and_warn(state);
        }
        self.alarm.wake(wake);
        drop(spent);
    }

    /// Unlocks, then writes to the log what went wrong under the lock.
    fn unlock_and_warn(&self, mut state: MutexGuard<'_, RecorderState>) {
        let too_large = state.take_too_large();
        drop(state);
        if too_large {
            self.warnings.warn_once(Misuse::TooLarge);
        }
    }

    fn drop_one(&self, reason: DropReason, misuse: Option<Misuse>) {
        let now = self.now();
        let mut state = self.state();
        if state.is_closed() {
            return;
        }
        let wake = state.drop_one(reason, now);
        drop(state);
        self.alarm.wake(wake);
        if let Some(misuse) = misuse {
            self.warnings.warn_once(misuse);
        }
    }
}
