//! Who uses the phone, and when that changes. Whose an event is follows from these alone.

/// A customer that the app identified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identified {
    pub id: String,
    pub proof: Option<String>,
    /// When, by the phone's wall clock: the collector judges the proof as of this time.
    pub at_ms: i64,
}

/// Who uses the phone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Who {
    #[default]
    Nobody,
    /// Records were lost, and a change of customer may have been among them.
    Unknown,
    Somebody(Identified),
}

impl Who {
    pub(crate) fn of(id: Option<String>, proof: Option<String>, at_ms: i64) -> Self {
        id.map_or(Self::Nobody, |id| Self::Somebody(Identified { id, proof, at_ms }))
    }

    pub(crate) fn identified(&self) -> Option<&Identified> {
        match self {
            Self::Somebody(identified) => Some(identified),
            Self::Nobody | Self::Unknown => None,
        }
    }

    /// Returns whether the `next` customer is this one, and nothing new is said of them.
    pub(crate) fn includes(&self, next: &Self) -> bool {
        match (self, next) {
            (Self::Nobody, Self::Nobody) => true,
            (Self::Somebody(now), Self::Somebody(next)) => {
                now.id == next.id && (next.proof.is_none() || next.proof == now.proof)
            }
            _ => false,
        }
    }

    /// Returns whether `next` is the same person: anonymous events belong to the customer who signs
    /// in next.
    pub(crate) fn continues_as(&self, next: &Self) -> bool {
        match (self, next) {
            (Self::Nobody, Self::Nobody | Self::Somebody(_)) => true,
            (Self::Somebody(now), Self::Somebody(next)) => now.id == next.id,
            _ => false,
        }
    }
}

/// A change of customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// Its place among the events; 0 for what held before the first.
    pub seq: u64,
    pub customer: Who,
    /// The `seq` at which this person's use of the phone began: anonymous events before a sign-in
    /// are part of it. 0 if it began before the first event.
    pub since: u64,
    /// The collector knows of it.
    pub told: bool,
}
