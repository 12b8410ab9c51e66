//! The end of a run: the network heals, everything arrives, and what arrived is counted.

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};
use jalon::Consent;

use crate::network::Network;
use crate::world::World;

/// The longest back-off, a dead connection, and half a minute in which events wait for more.
const BACK_OFF_MAX_MS: u64 = 12 * 60_000;
/// How long the collector keeps events for certain: 30 days, less what its clock may be wrong by.
const KEPT_MS: i64 = 29 * 86_400_000;

/// Where an event is stored: installation, epoch, seq.
type Place = (i64, i64, i64);
/// The places at which each step is stored.
type Stored = BTreeMap<usize, Vec<Place>>;

impl World {
    /// Heals the network, lets everything arrive, and checks what did.
    ///
    /// # Errors
    /// What was lost, came twice, or came in another order.
    pub(crate) fn end(&mut self) -> Result<()> {
        for phone in &mut self.phones {
            phone.network = Network::Good;
            phone.stale = [false; 2];
            if phone.requests > 0 || phone.journey.is_some() {
                phone.start()?;
            }
        }
        self.check_nothing_waits_on_a_good_network()?;
        // An answer that is awaited from a dead connection takes half a minute; erasures come after it.
        for _ in 0..3 {
            self.pass(35_000, false)?;
            for journey in self.phones.iter().filter_map(|phone| phone.journey.as_ref()) {
                journey.upload_now();
            }
        }
        for _ in 0..60 {
            let mut waits = false;
            for phone in &self.phones {
                let Some(journey) = &phone.journey else { continue };
                let status = journey.status();
                waits |= status.queued > 0 && status.consent == Consent::Granted;
                journey.upload_now();
            }
            self.pass(if waits { 2_000 } else { 100 }, false)?;
            if !waits {
                break;
            }
        }
        let stored = self.stored_steps()?;
        for index in 0..self.phones.len() {
            self.check_delivered(index, &stored)?;
        }
        self.look_again()
    }

    /// Whatever the network was like before, on a good one everything leaves by itself within the longest
    /// back-off.
    fn check_nothing_waits_on_a_good_network(&mut self) -> Result<()> {
        self.pass(BACK_OFF_MAX_MS, false)?;
        for (index, phone) in self.phones.iter().enumerate() {
            let Some(journey) = &phone.journey else { continue };
            let status = journey.status();
            let waits = phone.consent == Consent::Granted && status.queued > 0;
            ensure!(!waits, "phone {index}: {} events wait on a good network", status.queued);
        }
        Ok(())
    }

    fn check_delivered(&self, index: usize, stored: &Stored) -> Result<()> {
        let phone = &self.phones[index];
        let Some(journey) = &phone.journey else { return Ok(()) };
        let status = journey.status();
        if phone.consent != Consent::Granted {
            return Ok(());
        }
        ensure!(status.queued == 0, "phone {index}: {} events were never uploaded", status.queued);
        // What a restored backup or a power cut took is not counted by anybody.
        if self.lost_ms.is_some() || phone.was_cut {
            return Ok(());
        }
        if let Some(step) = stored.keys().find(|step| self.oracle.is_erased(**step)) {
            bail!("step {step} was erased, and the collector has it");
        }
        let steps = self.oracle.steps_of_life(index as u8, self.now_ms() - KEPT_MS);
        // By installation, since a call shows one: what was under way when a phone lost its own may arrive
        // after what the next one sends.
        let mut last: BTreeMap<i64, Place> = BTreeMap::new();
        let mut missing = 0;
        for step in steps {
            match stored.get(&step) {
                None => missing += 1,
                Some(places) if self.is_stored_twice(step, places) => {
                    bail!("step {step} is stored twice");
                }
                Some(places) => {
                    for place in places {
                        let before = last.insert(place.0, *place);
                        ensure!(before < Some(*place), "step {step} is stored out of order");
                    }
                }
            }
        }
        let dropped = status.dropped.total() + phone.dropped_before;
        ensure!(
            missing <= dropped,
            "phone {index}: {missing} steps are missing, {dropped} counted"
        );
        Ok(())
    }

    /// What was under way when a phone lost its installation goes out again under the next one, and the
    /// collector cannot know that it is the same. No agent sees both: a call shows one installation.
    fn is_stored_twice(&self, step: usize, places: &[Place]) -> bool {
        let [first, rest @ ..] = places else { return false };
        !(rest.is_empty()
            || self.oracle.is_out_of_reach(step) && rest.iter().all(|place| place.0 != first.0))
    }

    /// The places at which each step is stored.
    fn stored_steps(&mut self) -> Result<Stored> {
        let database = self.site.database()?;
        let mut statement = database.prepare(
            "SELECT installation, epoch, seq, body FROM events
             WHERE type IN ('product_view', 'custom')",
        )?;
        let mut rows = statement.query([])?;
        let mut stored: Stored = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let body: String = row.get(3)?;
            let number = body.split("step-").nth(1).and_then(|rest| {
                let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
                digits.parse().ok()
            });
            if let Some(number) = number {
                stored.entry(number).or_default().push((row.get(0)?, row.get(1)?, row.get(2)?));
            }
        }
        Ok(stored)
    }
}
