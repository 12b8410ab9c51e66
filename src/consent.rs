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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_recorded_before_an_answer() {
        assert_eq!(Consent::default().gate(), Gate::Hold);
    }
}
