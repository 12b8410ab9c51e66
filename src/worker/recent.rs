//! What happened last, in memory: what a call's snapshot and its preview are made of.

use std::collections::VecDeque;

use crate::config::{NEWEST_KEPT, SNAPSHOT_BYTES_MAX, SNAPSHOT_EVENTS_MAX};
use crate::intake::CodesVersion;
use crate::preview::Preview;
use crate::store::Row;
use crate::wire;

/// The newest events, and what goes with them.
#[derive(Default)]
pub(crate) struct Recent {
    rows: VecDeque<Row>,
    /// Who it is once all of them happened, with the proof.
    pub(super) customer: Option<(String, Option<String>)>,
    /// Whether the collector has events of this installation.
    pub(super) uploaded_before: bool,
    /// The customer up to whom all this goes.
    pub(super) seen: CodesVersion,
}

/// What a call carries.
pub(super) struct Carried<'a> {
    pub(super) customer: Option<(&'a str, Option<&'a str>)>,
    pub(super) events: Vec<(u64, &'a [u8])>,
}

impl Recent {
    /// Nothing happened yet.
    pub(super) fn nothing(seen: CodesVersion) -> Self {
        Self { seen, ..Self::default() }
    }

    /// Takes over what a store holds.
    pub(super) fn load(&mut self, rows: Vec<Row>) {
        self.rows = rows.into();
    }

    /// Adds what came since.
    pub(super) fn add(&mut self, rows: Vec<Row>) {
        self.rows.extend(rows);
        while self.rows.len() > NEWEST_KEPT {
            self.rows.pop_front();
        }
    }

    /// The body of one of them.
    pub(super) fn body(&self, seq: u64) -> Option<&[u8]> {
        self.rows.iter().find(|(at, _)| *at == seq).map(|(_, body)| body.as_slice())
    }

    /// What the call of this `seq` carries: the newest events before it that fit a snapshot,
    /// oldest first, and who the customer was.
    pub(super) fn carried(&self, seq: u64) -> Carried<'_> {
        let mut bytes = 0;
        let mut events: Vec<(u64, &[u8])> = self
            .rows
            .iter()
            .rev()
            .filter(|(at, _)| *at < seq)
            .take(SNAPSHOT_EVENTS_MAX)
            .take_while(|(_, body)| {
                bytes += body.len() + wire::SEQ_BYTES_MAX;
                bytes <= SNAPSHOT_BYTES_MAX
            })
            .map(|(at, body)| (*at, body.as_slice()))
            .collect();
        events.reverse();
        // Whoever it was at the tap; after a later change only the backlog can tell.
        let changed_since =
            self.rows.iter().any(|(at, body)| *at > seq && wire::read_customer(body).is_some());
        let customer = self.customer.as_ref().filter(|_| !changed_since);
        let customer = customer.map(|(id, proof)| (id.as_str(), proof.as_deref()));
        Carried { customer, events }
    }

    /// What a call tapped now would carry.
    pub(super) fn preview(&self) -> Preview {
        let Carried { customer, events } = self.carried(u64::MAX);
        Preview {
            customer: customer.map(|(id, _)| id.to_owned()),
            steps: events.iter().filter_map(|(_, body)| wire::read_step(body)).collect(),
            uploaded_before: self.uploaded_before,
        }
    }
}
