//! What the callers' lock guards.

use std::collections::{HashMap, VecDeque};

use crate::call::{CallCode, CallScope, ContextToken};
use crate::clock::Now;
use crate::config::{Consent, HELD_BYTES_MAX, HELD_EVENTS_MAX};
use crate::event::{DropReason, Dropped, Entry, Kind};
use crate::journal::{AppendError, Writer};
use crate::session::Session;
use crate::store::Lease;
use crate::wire::{self, Stamp};

/// What the callers' lock guards.
#[derive(Default)]
pub(crate) struct RecorderState {
    pub consent: Consent,
    /// The customer's answer about the location, as far as it is known.
    pub location: Option<bool>,
    pub(super) closed: bool,
    pub(super) writer: Option<Writer>,
    pub(super) buffered: VecDeque<Buffered>,
    pub(super) buffered_bytes: usize,
    pub(super) session: SessionSlot,
    pub(super) screen: Option<(String, u64)>,
    pub(super) customer: Customer,
    /// A change of customer that the disk did not take: nothing is kept before it is.
    pub(super) deferred_customer: Option<Entry>,
    pub(super) codes: Codes,
    /// Dropped, and told to nobody yet: neither the journal nor the store knows of them.
    pub(super) dropped: Dropped,
    /// Dropped and noted in the journal.
    pub(super) noted: Dropped,
    /// An event was too large, and the log was not told.
    pub(super) too_large: bool,
    /// Events in the journal that the worker has not taken over.
    pub undrained: u64,
    /// When the first of them came.
    pub first_undrained_ms: Option<u64>,
    /// A call waits, or the segment fills up: do not wait for company.
    pub drain_now: bool,
}

pub(super) struct SessionSlot(pub(super) Session);

impl Default for SessionSlot {
    fn default() -> Self {
        Self(Session::NONE)
    }
}

/// An entry that waits in memory.
pub(super) struct Buffered {
    pub(super) entry: Entry,
    pub(super) now: Now,
    pub(super) session: u32,
    pub(super) screen: Option<String>,
    pub(super) previous: Option<(String, u64)>,
}

/// Who the customer is, as far as this process knows.
#[derive(Default, PartialEq, Eq)]
pub(super) enum Customer {
    /// The store was not read yet.
    #[default]
    NotRead,
    Nobody,
    Somebody(String, Option<String>),
}

/// What a tap takes from.
#[derive(Default)]
pub(super) struct Codes {
    pub(super) leases: VecDeque<Lease>,
    pub(super) screens: HashMap<String, u16>,
    pub(super) tokens: Vec<ContextToken>,
    /// Counts what changes the leases here before the store hears of it: taps and customers.
    pub(super) version: u64,
    /// Counts the customers alone.
    pub(super) customers: u64,
}

/// The two counts of a moment; see [`Recorder::offer_codes`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CodesVersion {
    pub(super) all: u64,
    pub(super) customers: u64,
}

impl RecorderState {
    pub(super) fn append(&mut self, entry: &Entry, stamp: &Stamp<'_>, now: Now) -> bool {
        let Some(writer) = self.writer.as_mut() else { return false };
        let body = |out: &mut Vec<u8>| wire::write_body(out, entry, stamp);
        let kind = entry.kind();
        match writer.append(kind, stamp.at_ms, now.elapsed_ms, stamp.session, body) {
            Ok(()) => {
                self.undrained += 1;
                self.drain_now |= writer.is_half_full();
                self.first_undrained_ms.get_or_insert(now.elapsed_ms);
                true
            }
            Err(AppendError::TooLarge) => {
                self.too_large = true;
                self.drop_one(DropReason::TooLarge, now);
                false
            }
            Err(AppendError::Full | AppendError::Refused) => {
                if kind == Kind::Customer {
                    // Never lost: what follows would be filed under the one before.
                    self.deferred_customer = Some(entry.clone());
                } else {
                    self.dropped.add(DropReason::Disk, 1);
                }
                // Whatever keeps the worker from draining: it should look.
                self.first_undrained_ms.get_or_insert(now.elapsed_ms);
                false
            }
        }
    }

    /// Appends the change of customer that is deferred_customer, if one is; false while it cannot be.
    pub(super) fn retry_deferred(&mut self, now: Now) -> bool {
        let Some(deferred_customer) = self.deferred_customer.take() else { return true };
        let stamp = Stamp { at_ms: now.wall_ms, session: self.session.0.id(), ..Stamp::default() };
        self.append(&deferred_customer, &stamp, now)
    }

    /// Appends what waited in memory, each in its session behind the `earlier` ones.
    pub(super) fn append_buffered(&mut self, earlier: u32) {
        self.buffered_bytes = 0;
        for buffered in std::mem::take(&mut self.buffered) {
            let session = earlier.wrapping_add(buffered.session);
            let previous = buffered.previous.as_ref().map(|(name, dwell)| (name.as_str(), *dwell));
            let screen = buffered.screen.as_deref();
            let stamp = Stamp { at_ms: buffered.now.wall_ms, session, screen, previous };
            self.append(&buffered.entry, &stamp, buffered.now);
        }
    }

    /// Counts a dropped event where a kill cannot take the count: in the journal, if there is one.
    pub(super) fn drop_one(&mut self, reason: DropReason, now: Now) {
        let session = self.session.0.id();
        let writer = self.writer.as_mut().filter(|_| self.consent == Consent::Granted);
        let noted = writer.is_some_and(|writer| {
            let body = |out: &mut Vec<u8>| out.push(reason as u8);
            writer.append(Kind::Dropped, now.wall_ms, now.elapsed_ms, session, body).is_ok()
        });
        if noted {
            self.noted.add(reason, 1);
            // A note alone is taken over too, so that the next process counts it.
            self.first_undrained_ms.get_or_insert(now.elapsed_ms);
        } else {
            self.dropped.add(reason, 1);
        }
    }

    pub(super) fn buffer(&mut self, entry: Entry, previous: Option<(String, u64)>, now: Now) {
        // While the disk is out of reach the customer has agreed: then it is the disk's fault.
        let reason = match self.consent {
            Consent::Granted => DropReason::Disk,
            Consent::Unknown | Consent::Denied => DropReason::Consent,
        };
        self.buffered_bytes += entry.bytes();
        let screen = self.screen.as_ref().map(|(name, _)| name.clone());
        self.buffered.push_back(Buffered {
            entry,
            now,
            session: self.session.0.id(),
            screen,
            previous,
        });
        while self.buffered.len() > HELD_EVENTS_MAX || self.buffered_bytes > HELD_BYTES_MAX {
            // A change of customer stays: what follows would be filed under the one before.
            let oldest =
                self.buffered.iter().position(|buffered| buffered.entry.kind() != Kind::Customer);
            let Some(oldest) = self.buffered.remove(oldest.unwrap_or(0)) else { break };
            self.buffered_bytes -= oldest.entry.bytes();
            self.dropped.add(reason, 1);
        }
    }

    /// Takes the lease that expires first, and joins it with the screen's number.
    pub(super) fn take_code(&mut self, scope: CallScope, now: Now) -> Option<CallCode> {
        let number = self.screen.as_ref().and_then(|(name, _)| self.codes.screens.get(name));
        let number = number.copied().unwrap_or(0);
        while let Some(lease) = self.codes.leases.pop_front() {
            if lease.expires_ms > now.elapsed_ms {
                let code = CallCode::new(lease.locator, number)?;
                let narrow = scope != CallScope::Everything;
                return Some(if narrow { code.only_this_screen() } else { code });
            }
        }
        None
    }

    /// Whether there is a journal to append to.
    pub(crate) fn has_journal(&self) -> bool {
        self.writer.is_some()
    }

    /// Whether the state has everything it needs to keep what the customer agreed to.
    pub(crate) fn lacks_journal(&self) -> bool {
        self.consent == Consent::Granted && self.writer.is_none()
    }
}

impl Codes {
    pub(super) fn now(&self) -> CodesVersion {
        CodesVersion { all: self.version, customers: self.customers }
    }
}
