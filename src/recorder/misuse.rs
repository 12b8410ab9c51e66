//! What a developer is told about a call that cannot be recorded as it was made: once each, and
//! never with anything of the event.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::event::DropReason;

/// The misuses of which the log was told.
#[derive(Default)]
pub(super) struct MisuseWarnings([AtomicBool; 5]);

/// A call that cannot be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misuse {
    Event = 0,
    Customer = 1,
    Position = 2,
    TooLarge = 3,
    Number = 4,
}

impl Misuse {
    /// What the app did wrong, if it was the app, as an event was dropped for this reason.
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
                "an event was dropped as invalid: a name, code or id was blank, a currency not \
                 three capital letters, a number not finite, or a key of a custom event blank or \
                 longer than 64 bytes"
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
                "a call was given no context: its phone number is none, give 3 to 15 digits, \
                 perhaps after a +"
            }
            Self::TooLarge => {
                "an event was dropped as too large: it took more than 16 KiB, or a custom event \
                 had more than 16 values; record less of it"
            }
        }
    }
}

impl MisuseWarnings {
    /// Tells the log of a misuse, the first time it is made.
    pub(super) fn tell(&self, misuse: Misuse) {
        if !self.0[misuse as usize].swap(true, Ordering::Relaxed) {
            log::warn!("{}; further ones are only counted in the status", misuse.in_words());
        }
    }
}
