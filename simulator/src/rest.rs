//! What a phone costs while nobody touches it: one with nothing to send does not wake up at all, and one
//! that cannot send wakes up within bounds.

use anyhow::{Result, ensure};

use crate::network::Network;
use crate::world::World;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
/// The longest back-off, and a dead connection.
const SETTLED_AFTER_MS: u64 = 12 * MINUTE;

/// What a phone may try while it cannot reach the collector: the backlog every five minutes, and the
/// record of a call more often while the call is young.
const REQUESTS_PER_HOUR_MAX: u64 = 60;
/// One to send, one for the outcome, and a few to drain.
const TURNS_PER_HOUR_MAX: u64 = 2 * REQUESTS_PER_HOUR_MAX + 10;

/// What a phone did so far.
struct Cost {
    turns: u64,
    requests: u64,
    /// Nothing is left to send.
    rests: bool,
}

impl World {
    /// Lets hours pass in which nobody touches a phone.
    ///
    /// # Errors
    /// A phone that wakes up or sends more than it may.
    pub(crate) fn idle(&mut self, hours: u8) -> Result<()> {
        self.pass(SETTLED_AFTER_MS, false)?;
        let before: Vec<_> = (0..self.phones.len()).map(|phone| self.cost(phone)).collect();
        self.pass(u64::from(hours) * HOUR, false)?;
        for (index, before) in before.iter().enumerate() {
            let after = self.cost(index);
            let turns = after.turns - before.turns;
            let requests = after.requests - before.requests;
            let per_hour = if before.rests { 0 } else { u64::from(hours) };
            ensure!(
                requests <= REQUESTS_PER_HOUR_MAX * per_hour
                    && turns <= TURNS_PER_HOUR_MAX * per_hour,
                "phone {index}: {turns} wake-ups and {requests} requests in {hours} idle hours"
            );
        }
        Ok(())
    }

    fn cost(&self, index: usize) -> Cost {
        let phone = &self.phones[index];
        // An erasure waits beside the events, and only a good network has surely taken it.
        let erases = phone.network != Network::Good && self.oracle.has_erased(index as u8);
        let queued = phone.journey.as_ref().map_or(0, |journey| journey.status().queued);
        let rests = phone.flights.is_empty() && queued == 0 && !erases;
        Cost { turns: phone.turns, requests: phone.requests, rests }
    }
}
