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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_recorded_before_an_answer() {
        assert_eq!(Consent::default().gate(), Gate::Hold);
    }
}
