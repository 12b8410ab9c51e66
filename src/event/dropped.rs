//! The reasons why events are dropped, and their counts. Does not decide what is dropped.

/// The reason why an event was dropped. Each reason is counted, and the counts are sent to the
/// collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
    /// The quota on the device was full; the oldest events are dropped first.
    Quota,
    /// It could not be uploaded within its time to live.
    Expired,
    /// It could not be read back from the disk.
    Corrupt,
    /// It was larger than 16 KiB, or a custom event had more than 16 values.
    TooLarge,
    /// A name, code or id was blank, a currency was not three capital letters, a number was not
    /// finite, or another argument was not valid.
    Invalid,
    /// The customer had not agreed to be recorded, or to be located.
    Consent,
    /// The disk did not accept it, or was out of reach.
    Disk,
    /// The collector refused it for good.
    Rejected,
}

impl DropReason {
    /// Every reason, in the order of its number.
    pub const ALL: [Self; 8] = [
        Self::Quota,
        Self::Expired,
        Self::Corrupt,
        Self::TooLarge,
        Self::Invalid,
        Self::Consent,
        Self::Disk,
        Self::Rejected,
    ];

    /// Returns its name on the wire and in logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quota => "quota",
            Self::Expired => "expired",
            Self::Corrupt => "corrupt",
            Self::TooLarge => "too_large",
            Self::Invalid => "invalid",
            Self::Consent => "consent",
            Self::Disk => "disk",
            Self::Rejected => "rejected",
        }
    }

    /// Returns whether it applies to events that already have a `seq`, and so leaves a gap.
    pub(crate) fn leaves_a_gap(self) -> bool {
        matches!(self, Self::Quota | Self::Expired | Self::Rejected)
    }
}

/// The number of events that were dropped, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped([u64; 8]);

impl Dropped {
    /// Returns the count of one reason.
    pub fn get(&self, reason: DropReason) -> u64 {
        self.0[reason as usize]
    }

    /// Returns the sum of all reasons.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Returns each reason with its count.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL.into_iter().map(|reason| (reason, self.get(reason)))
    }

    pub(crate) fn add(&mut self, reason: DropReason, count: u64) {
        let sum = &mut self.0[reason as usize];
        *sum = sum.saturating_add(count);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (reason, count) in other.iter() {
            self.add(reason, count);
        }
    }

    pub(crate) fn subtract(&mut self, other: &Self) {
        for (reason, count) in other.iter() {
            let left = self.get(reason).saturating_sub(count);
            self.0[reason as usize] = left;
        }
    }

    pub(crate) fn before_a_seq(&self) -> u64 {
        self.iter().filter(|(reason, _)| !reason.leaves_a_gap()).map(|(_, count)| count).sum()
    }
}
