//! What each answer about consent allows.
//!
//! Pure. Storing the answer is `installation`'s, and deleting after a refusal is `worker`'s.

use crate::config::Consent;

/// What consent allows for an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// It is kept.
    Keep,
    /// It waits in memory.
    Hold,
    /// It is dropped.
    Refuse,
}

impl Consent {
    /// Returns what this answer allows for an event.
    pub(crate) fn gate(self) -> Gate {
        match self {
            Self::Granted => Gate::Keep,
            Self::Unknown => Gate::Hold,
            Self::Denied => Gate::Refuse,
        }
    }

    /// Returns the answer that holds as a journey is opened. `given` is what the app passed to
    /// `open`, and holds only where nothing is stored; but a refusal holds wherever it comes from.
    /// After an erasure (`erased`) nothing is `stored`, and the customer is to be asked anew.
    pub(crate) fn at_open(given: Option<Self>, stored: Self, erased: bool) -> Self {
        match (given.unwrap_or_default(), stored) {
            (Self::Denied, _) | (_, Self::Denied) => Self::Denied,
            (_, Self::Granted) => Self::Granted,
            (_, Self::Unknown) if erased => Self::Unknown,
            (given, Self::Unknown) => given,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Consent::{Denied, Granted, Unknown};

    #[test]
    fn what_the_app_passes_to_open_holds_only_where_nothing_is_stored_unless_it_refuses() {
        for given in [None, Some(Unknown), Some(Granted)] {
            assert_eq!(Consent::at_open(given, Denied, false), Denied, "{given:?}");
            assert_eq!(Consent::at_open(given, Granted, false), Granted, "{given:?}");
            assert_eq!(Consent::at_open(given, Unknown, true), Unknown, "{given:?}");
            let fresh = Consent::at_open(given, Unknown, false);
            assert_eq!(fresh, given.unwrap_or_default(), "{given:?}");
        }
        for stored in [Unknown, Granted, Denied] {
            for erased in [false, true] {
                assert_eq!(Consent::at_open(Some(Denied), stored, erased), Denied, "{stored:?}");
            }
        }
    }

    #[test]
    fn nobody_is_recorded_before_an_answer() {
        assert_eq!(Consent::default().gate(), Gate::Hold);
    }
}
