//! Warns the developer about calls that cannot be recorded as they were made: one line in the log
//! per kind, never with any content of the event. Does not count them; the status does.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::event::DropReason;

/// The kinds of misuse that the log has already named.
#[derive(Default)]
pub(super) struct MisuseWarnings([AtomicBool; 5]);

/// A call that cannot be recorded, or not as it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misuse {
    Event = 0,
    Customer = 1,
    Position = 2,
    TooLarge = 3,
    Number = 4,
}

impl Misuse {
    /// Returns the misuse behind a dropped event, if the app caused it.
    pub(super) fn of(reason: DropReason) -> Option<Self> {
        match reason {
            DropReason::Invalid => Some(Self::Event),
            DropReason::TooLarge => Some(Self::TooLarge),
            _ => None,
        }
    }

    fn in_words(self) -> &'static str {
        match self {
            Self::Event => {
                "an event was dropped as invalid: a name, code or id was blank, a currency was not \
                 three capital letters, a number was not finite, or a key of a custom event was \
                 blank or longer than 64 bytes; correct the call"
            }
            Self::Customer => {
                "identify was dropped as invalid: the customer's id was blank or longer than 128 \
                 bytes, or the proof longer than 4 KiB; to forget the customer, call \
                 clear_customer"
            }
            Self::Position => {
                "a position was dropped as invalid: give the latitude within 90 and the longitude \
                 within 180 degrees"
            }
            Self::Number => {
                "a call was given no context: its phone number is not valid; give 3 to 15 digits, \
                 perhaps after a +, without an extension, and no second 0 after the country code"
            }
            Self::TooLarge => {
                "an event was dropped as too large: it took more than 16 KiB, or a custom event \
                 had more than 16 values; record less of it"
            }
        }
    }
}

impl MisuseWarnings {
    /// Writes a warning to the log, the first time only.
    pub(super) fn warn_once(&self, misuse: Misuse) {
        if !self.0[misuse as usize].swap(true, Ordering::Relaxed) {
            log::warn!("{}; further ones are only counted in the status", misuse.in_words());
        }
    }
}
