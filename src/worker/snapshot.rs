//! What happened last, in memory: what a call's snapshot and its preview are made of.

use std::collections::VecDeque;

use crate::call::CallScope;
use crate::config::{NEWEST_KEPT, SNAPSHOT_BYTES_MAX, SNAPSHOT_EVENTS_MAX};
use crate::preview::{Preview, PreviewStep, StepKind};
use crate::recorder::CodesVersion;
use crate::store::Row;
use crate::wire::{self, Identified};

/// The newest events, and what goes with them.
#[derive(Default)]
pub(crate) struct Recent {
    rows: VecDeque<Row>,
    /// Who the customer was before the oldest of them.
    earlier: Earlier,
    /// Who it is once all of them happened, with the proof.
    customer: Option<Identified>,
    /// Whether the collector has events of this installation.
    uploaded_before: bool,
    /// The customer up to whom all this goes.
    seen: CodesVersion,
}

/// Who the customer was before the oldest row.
#[derive(Default, PartialEq, Eq)]
enum Earlier {
    #[default]
    Nobody,
    /// There were rows that this process never saw.
    Unknown,
    Somebody(String),
}

impl Earlier {
    fn of(customer: Option<Identified>) -> Self {
        customer.map_or(Self::Nobody, |known| Self::Somebody(known.id))
    }
}

/// What a call carries.
#[derive(Default)]
pub(super) struct Carried<'a> {
    pub(super) customer: Option<&'a Identified>,
    /// The screen that the call is made from, where it is not among the events.
    pub(super) screen: Option<PreviewStep>,
    pub(super) events: Vec<(u64, &'a [u8])>,
}

impl Recent {
    /// Nothing happened yet.
    pub(super) fn nothing(seen: CodesVersion) -> Self {
        Self { seen, ..Self::default() }
    }

    /// The customer up to whom all this goes.
    pub(super) fn seen(&self) -> CodesVersion {
        self.seen
    }

    /// Notes who the customer is after the newest event, and what the collector has.
    pub(super) fn note(
        &mut self,
        customer: Option<Identified>,
        uploaded_before: bool,
        seen: CodesVersion,
    ) {
        (self.customer, self.uploaded_before, self.seen) = (customer, uploaded_before, seen);
    }

    /// Takes over what a store holds.
    pub(super) fn load(&mut self, rows: Vec<Row>) {
        // Fewer than are kept: then there were no others.
        self.earlier = if rows.len() < NEWEST_KEPT { Earlier::Nobody } else { Earlier::Unknown };
        self.rows = rows.into();
    }

    /// Adds what came since.
    pub(super) fn add(&mut self, rows: Vec<Row>) {
        self.rows.extend(rows);
        while self.rows.len() > NEWEST_KEPT {
            let oldest = self.rows.pop_front();
            if let Some(customer) = oldest.and_then(|(_, body)| wire::read_customer(&body)) {
                self.earlier = Earlier::of(customer);
            }
        }
    }

    /// The body of one of them.
    pub(super) fn body(&self, seq: u64) -> Option<&[u8]> {
        self.rows.iter().find(|(at, _)| *at == seq).map(|(_, body)| body.as_slice())
    }

    /// What the call of this `seq` carries within its scope, oldest first.
    pub(super) fn carried(&self, seq: u64, scope: CallScope) -> Carried<'_> {
        let mut carried = match scope {
            CallScope::Everything => self.everything(seq),
            CallScope::OnlyThisScreen => self.only_this_screen(seq),
            CallScope::OnlyTheNumber => Carried::default(),
        };
        let mut bytes = 0;
        let fit = carried.events.iter().take(SNAPSHOT_EVENTS_MAX).take_while(|(_, body)| {
            bytes += body.len() + wire::SEQ_BYTES_MAX;
            bytes <= SNAPSHOT_BYTES_MAX
        });
        let fit = fit.count();
        carried.events.truncate(fit);
        carried.events.reverse();
        carried
    }

    /// The events before a call, newest first, back to where somebody else left the phone: what
    /// they did is not this call's. What nobody did is whose who signed in next.
    fn before(&self, seq: u64) -> Vec<(u64, &[u8])> {
        let rows: Vec<&Row> = self.rows.iter().filter(|(at, _)| *at < seq).collect();
        let mut customer = None;
        let mut from = 0;
        for (index, (_, body)) in rows.iter().enumerate() {
            let Some(next) = wire::read_customer(body) else { continue };
            let next = Earlier::of(next);
            let before = customer.as_ref().unwrap_or(&self.earlier);
            // From nobody to somebody it is the same person; the same again is, too.
            if *before != Earlier::Nobody && *before != next {
                from = index;
            }
            customer = Some(next);
        }
        rows[from..].iter().rev().map(|(at, body)| (*at, body.as_slice())).collect()
    }

    /// What failed on the last screen since it came up, and nobody's name. The call itself names the
    /// screen: its event also tells of the one before.
    fn only_this_screen(&self, seq: u64) -> Carried<'_> {
        let before = self.before(seq).into_iter();
        let steps = before.filter_map(|(at, body)| Some((at, body, wire::read_step(body)?)));
        let mut failures = Vec::new();
        for (at, body, step) in steps {
            match step.what {
                StepKind::ScreenView => {
                    failures.retain(|(_, _, on)| *on == step.screen);
                    let events = failures.into_iter().map(|(at, body, _)| (at, body)).collect();
                    return Carried { customer: None, screen: Some(step), events };
                }
                StepKind::Failure => failures.push((at, body, step.screen)),
                _ => {}
            }
        }
        // It came up too long ago to be told from another.
        Carried::default()
    }

    /// Whatever came before, and who the customer was.
    fn everything(&self, seq: u64) -> Carried<'_> {
        let events = self.before(seq);
        // Whoever it was at the tap; after a later change only the backlog can tell.
        let changed_since =
            self.rows.iter().any(|(at, body)| *at > seq && wire::read_customer(body).is_some());
        let customer = self.customer.as_ref().filter(|_| !changed_since);
        Carried { customer, screen: None, events }
    }

    /// What a call tapped now would carry.
    pub(super) fn preview(&self, scope: CallScope) -> Preview {
        let Carried { customer, screen, events } = self.carried(u64::MAX, scope);
        let steps = events.iter().filter_map(|(_, body)| wire::read_step(body));
        Preview {
            customer: customer.map(|customer| customer.id.clone()),
            steps: screen.into_iter().chain(steps).collect(),
            uploaded_before: self.uploaded_before && scope == CallScope::Everything,
        }
    }
}
