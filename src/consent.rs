//! What consent allows.
//!
//! Pure: where the answer is kept is `identity`'s, and what a refusal deletes is `worker`'s.

use crate::config::Consent;

/// What may happen to an event.
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
    /// What this state allows.
    pub(crate) fn gate(self) -> Gate {
        match self {
            Self::Granted => Gate::Keep,
            Self::Unknown => Gate::Hold,
            Self::Denied => Gate::Refuse,
        }
    }

    /// The state a journey opens with: what the app says, else what is stored.
    pub(crate) fn at_open(given: Option<Self>, stored: Self) -> Self {
        given.unwrap_or(stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_app_says_wins_over_what_is_stored() {
        assert_eq!(Consent::at_open(Some(Consent::Denied), Consent::Granted), Consent::Denied);
        assert_eq!(Consent::at_open(None, Consent::Granted), Consent::Granted);
        assert_eq!(Consent::default().gate(), Gate::Hold);
    }
}
