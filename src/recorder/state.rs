//! The state behind the callers' lock, and every way in which it changes.
//!
//! No I/O but the journal's append, no lock and no log: the recorder locks, calls one method,
//! unlocks and warns.

use std::collections::HashMap;

use super::buffer::{Buffer, Buffered};
use super::codes::{CodePool, CodesVersion};
use super::current_screen::CurrentScreen;
use super::journal_end::JournalEnd;
use super::outcome::{Outcome, Wake};
use super::{RecorderCounts, Tap};
use crate::call::{CallScope, ContextToken};
use crate::clock::Now;
use crate::config::Consent;
use crate::consent::Gate;
use crate::event::{DropReason, Dropped, Entry, Kind};
use crate::journal::{AppendError, Drainer, Writer};
use crate::session::Session;
use crate::store::Lease;
use crate::wire::{Stamp, Who};

/// The recorder's state. No field is visible outside this file.
#[derive(Default)]
pub(super) struct RecorderState {
    consent: Consent,
    /// The customer's answer about the location; `None` while it is not known.
    location_allowed: Option<bool>,
    closed: bool,
    journal: JournalEnd,
    session: Session,
    screen: CurrentScreen,
    /// The current customer; `None` until the store was read.
    customer: Option<Who>,
    buffer: Buffer,
    codes: CodePool,
}

impl RecorderState {
    pub(super) fn new(consent: Option<Consent>) -> Self {
        Self { consent: consent.unwrap_or_default(), ..Self::default() }
    }

    /// Stamps an entry, and keeps, buffers or drops it.
    pub(super) fn take(&mut self, entry: &Entry, now: Now) -> Outcome {
        if self.closed {
            return Outcome::IGNORED;
        }
        let gate = self.consent.gate();
        if gate == Gate::Refuse {
            self.journal.count_dropped(DropReason::Consent, 1);
            return Outcome::IGNORED;
        }
        let (before, is_call) = (self.journal.signal(), entry.kind() == Kind::Call);
        if is_call || entry.kind() == Kind::Customer {
            self.journal.on_urgent();
        }
        self.session = self.session.on_event(now);
        let previous = self.screen.on_entry(entry, now);
        let (kept, spent) = if gate == Gate::Keep && self.journal.is_open() {
            (self.append_in_order(entry, previous.as_ref(), now), previous)
        } else {
            self.buffer(entry.clone(), previous, now);
            (true, None)
        };
        let wake = self.journal.signal().wakes_worker(&before, is_call);
        Outcome { kept, wake, spent }
    }

    /// Notes who the customer is from now on. Does nothing if it is the same customer and proof.
    pub(super) fn identify(
        &mut self,
        id: Option<String>,
        proof: Option<String>,
        now: Now,
    ) -> Outcome {
        // After a refusal nothing is kept about who the customer is.
        if self.consent.gate() != Gate::Refuse {
            let next = Who::of(id.clone(), proof.clone(), now.wall_ms);
            if self.customer.as_ref().is_some_and(|known| known.includes(&next)) {
                return Outcome::IGNORED;
            }
            let continues = self.customer.as_ref().map(|known| known.continues_as(&next));
            self.codes.on_customer(continues == Some(true));
            if continues == Some(false) {
                // Another person: nothing of theirs is shown beside what was the last one's.
                self.session = self.session.ended();
                self.screen.forget();
            }
            self.customer = Some(next);
        }
        self.take(&Entry::Customer { id, proof }, now)
    }

    /// Takes a token and a leased code, and records the call; `mint` draws a token if none was
    /// drawn ahead. `None` without a grant and after `close`. The tap inside is `None` if the call
    /// could not be kept and no code was leased.
    pub(super) fn tap(
        &mut self,
        topic: Option<String>,
        scope: CallScope,
        now: Now,
        mint: impl FnOnce() -> ContextToken,
    ) -> Option<(Option<Tap>, Outcome)> {
        if self.closed || self.consent != Consent::Granted {
            return None;
        }
        let (code, token) = self.codes.take(self.screen.name(), scope, now);
        let token = token.unwrap_or_else(mint);
        let entry = Entry::Call {
            token: token.to_string(),
            code: code.map(|code| code.to_string()),
            scope,
            topic,
        };
        let outcome = self.take(&entry, now);
        // A code works even if the record of its call was lost: it leads to the lease.
        let tap = (outcome.kept || code.is_some()).then_some(Tap { token, code, wakes: None });
        Some((tap, outcome))
    }

    /// Notes whether the app is in front. On return, records where the customer is.
    pub(super) fn set_foreground(&mut self, foreground: bool, now: Now) -> Outcome {
        let view = self.screen.set_foreground(foreground, now);
        let entry = view.map(|event| Entry::App { event, cut: Vec::new() });
        entry.map_or(Outcome::IGNORED, |entry| self.take(&entry, now))
    }

    /// Counts an event that was dropped before it came here. Returns whether to wake the worker.
    pub(super) fn drop_one(&mut self, reason: DropReason, now: Now) -> Wake {
        if self.closed {
            return Wake::No;
        }
        let before = self.journal.signal();
        self.note_dropped(reason, now);
        self.journal.signal().wakes_worker(&before, false)
    }

    /// Appends an entry after what waits in memory. While a change of customer waits there, nothing
    /// but another change of customer is kept. Returns whether the entry was kept.
    fn append_in_order(
        &mut self,
        entry: &Entry,
        previous: Option<&(String, u64)>,
        now: Now,
    ) -> bool {
        let is_customer = entry.kind() == Kind::Customer;
        let kept = if self.append_buffered() {
            // Moved out, since the stamp borrows it.
            let screen = std::mem::take(&mut self.screen);
            let stamp = Stamp {
                at_ms: now.wall_ms,
                session: self.session.id(),
                screen: screen.name(),
                previous: previous.map(|(name, dwell_ms)| (name.as_str(), *dwell_ms)),
            };
            let kept = self.journal.append(entry, &stamp, now.elapsed_ms);
            self.screen = screen;
            kept
        } else {
            Err(AppendError::Refused)
        };
        match kept {
            Ok(()) => true,
            // Never dropped: what follows would be filed under the previous customer.
            Err(AppendError::Full | AppendError::Refused) if is_customer => {
                self.buffer(entry.clone(), None, now);
                true
            }
            Err(error) => {
                self.journal.drop_refused(&error, self.session.id(), now);
                false
            }
        }
    }

    /// Appends what waits in memory, given a grant and a journal: oldest first, up to a change of
    /// customer that does not fit, since what follows is not the previous customer's. True if all is.
    pub(super) fn append_buffered(&mut self) -> bool {
        if self.consent != Consent::Granted || !self.journal.is_open() {
            return false;
        }
        while let Some(buffered) = self.buffer.pop() {
            let elapsed_ms = buffered.now.elapsed_ms;
            match self.journal.append(&buffered.entry, &buffered.stamp(), elapsed_ms) {
                Ok(()) => {}
                Err(AppendError::Full | AppendError::Refused) if buffered.is_customer() => {
                    self.buffer.put_back(buffered);
                    return false;
                }
                Err(error) => self.journal.drop_refused(&error, self.session.id(), buffered.now),
            }
        }
        true
    }

    /// Keeps an entry in memory. Older entries that make room for it count as dropped.
    fn buffer(&mut self, entry: Entry, previous: Option<(String, u64)>, now: Now) {
        // With a grant, entries wait here only because the disk is out of reach.
        let reason = match self.consent {
            Consent::Granted => DropReason::Disk,
            Consent::Unknown | Consent::Denied => DropReason::Consent,
        };
        let screen = self.screen.name().map(str::to_owned);
        let session = self.session.id();
        let dropped = self.buffer.push(Buffered { entry, now, session, screen, previous });
        self.journal.count_dropped(reason, dropped);
    }

    /// Counts a dropped event, in the journal only with a grant.
    fn note_dropped(&mut self, reason: DropReason, now: Now) {
        if self.consent == Consent::Granted {
            self.journal.note_dropped(reason, self.session.id(), now);
        } else {
            self.journal.count_dropped(reason, 1);
        }
    }

    /// Returns whether an event was too large since the last time this was asked.
    pub(super) fn take_too_large(&mut self) -> bool {
        self.journal.take_too_large()
    }

    // The customer's answers.
    pub(super) fn consent(&self) -> Consent {
        self.consent
    }

    /// Takes the customer's answer. After a grant, appends what waited if there is a journal.
    pub(super) fn set_consent(&mut self, consent: Consent) {
        self.consent = consent;
        self.append_buffered();
    }

    pub(super) fn location_allowed(&self) -> Option<bool> {
        self.location_allowed
    }

    pub(super) fn allow_location(&mut self, allowed: bool) {
        self.location_allowed = Some(allowed);
    }

    /// Takes a stored answer about the location, unless the app has given one since. Returns the
    /// answer now in force, if there is one.
    pub(super) fn adopt_location(&mut self, stored: Option<bool>) -> Option<bool> {
        self.location_allowed = self.location_allowed.or(stored);
        self.location_allowed
    }

    // Opening and closing.

    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn has_journal(&self) -> bool {
        self.journal.is_open()
    }

    pub(super) fn lacks_journal(&self) -> bool {
        self.consent == Consent::Granted && !self.journal.is_open()
    }

    /// Takes the journal, and appends what waited in memory.
    pub(super) fn install(
        &mut self,
        writer: Writer,
        left: (u32, i64),
        waiting: u64,
        torn: u64,
        now: Now,
    ) {
        self.journal.install(writer, waiting);
        self.session = if self.session.id() == 0 {
            Session::left(left.0, left.1)
        } else {
            // Counted from 1 while the earlier sessions could not be read: they come after those.
            self.session.after(left.0)
        };
        for _ in 0..torn {
            self.note_dropped(DropReason::Corrupt, now);
        }
        self.buffer.count_sessions_from(left.0);
        self.append_buffered();
        self.journal.request_drain();
    }

    /// Drops the journal and forgets everything but the tokens, after a refusal or an erasure.
    pub(super) fn forget(&mut self, consent: Consent) {
        let mut codes = std::mem::take(&mut self.codes);
        codes.clear();
        *self = Self {
            consent,
            closed: self.closed,
            customer: Some(Who::Unknown),
            codes,
            ..Self::default()
        };
    }

    // For the worker.

    pub(super) fn journal(&mut self) -> &mut JournalEnd {
        &mut self.journal
    }

    /// Seals what was appended so far. Returns the version of the codes, the drops that the store is
    /// to count, and whether nothing is left to seal.
    pub(super) fn seal(&mut self, drainer: &mut Drainer) -> (CodesVersion, Dropped, bool) {
        let (counted, all) = self.journal.seal(drainer);
        (self.codes.version(), counted, all)
    }

    pub(super) fn codes(&self) -> &CodePool {
        &self.codes
    }

    /// Takes what the store holds for the next tap. Returns the screens before.
    pub(super) fn offer_codes(
        &mut self,
        seen: CodesVersion,
        leases: Vec<Lease>,
        screens: HashMap<String, u16>,
        customer: &Who,
        tokens: &mut Vec<ContextToken>,
    ) -> HashMap<String, u16> {
        let spent = self.codes.add(tokens, screens);
        if self.codes.version() == seen && !self.buffer.holds_customer() {
            self.codes.replace_leases(leases);
            self.customer = Some(customer.clone());
        }
        spent
    }

    pub(super) fn counts(&self) -> RecorderCounts {
        RecorderCounts {
            consent: self.consent,
            session: self.session.id(),
            waiting: self.buffer.len() as u64 + self.journal.undrained(),
            dropped: self.journal.dropped(),
            codes: self.codes.len(),
        }
    }
}
