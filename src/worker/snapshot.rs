//! The newest events, kept in memory, and which of them a call's snapshot or a preview carries.
//! Encoding them is `wire`'s, sending them `uploader`'s.

use std::collections::VecDeque;

use crate::call::CallScope;
use crate::config::{NEWEST_KEPT, SNAPSHOT_BYTES_MAX, SNAPSHOT_EVENTS_MAX};
use crate::preview::{Preview, PreviewStep, StepKind};
use crate::recorder::CodesVersion;
use crate::store::Row;
use crate::wire::{self, Identified};

/// The newest events, at most [`NEWEST_KEPT`], and the customers they belong to.
#[derive(Default)]
pub(crate) struct Recent {
    rows: VecDeque<Row>,
    /// The customer before the oldest row.
    earlier: Earlier,
    /// The customer after the newest row, with the proof.
    customer: Option<Identified>,
    /// The collector may have events of this installation.
    uploaded_before: bool,
    /// The version of the codes, and so the customer, as of the newest row.
    seen: CodesVersion,
}

/// The customer before the oldest row.
#[derive(Default, PartialEq, Eq)]
enum Earlier {
    #[default]
    Nobody,
    /// There were earlier rows that this process never saw.
    Unknown,
    Somebody(String),
}

impl Earlier {
    fn of(customer: Option<Identified>) -> Self {
        customer.map_or(Self::Nobody, |known| Self::Somebody(known.id))
    }
}

/// The content of a call's snapshot.
#[derive(Default)]
pub(super) struct Carried<'a> {
    pub(super) customer: Option<&'a Identified>,
    /// The screen that the call is made from, if its screen view is not among the events.
    pub(super) screen: Option<PreviewStep>,
    pub(super) events: Vec<(u64, &'a [u8])>,
}

impl Recent {
    /// Makes one without any events.
    pub(super) fn nothing(seen: CodesVersion) -> Self {
        Self { seen, ..Self::default() }
    }

    /// Returns the version of the codes, and so the customer, as of the newest row.
    pub(super) fn seen(&self) -> CodesVersion {
        self.seen
    }

    /// Notes the customer after the newest event, and whether the collector may have events.
    pub(super) fn note(
        &mut self,
        customer: Option<Identified>,
        uploaded_before: bool,
        seen: CodesVersion,
    ) {
        (self.customer, self.uploaded_before, self.seen) = (customer, uploaded_before, seen);
    }

    /// Replaces the rows with the newest of a store that was just opened. `customer` is the customer
    /// after the newest row, as the store knows it; `first_epoch` says that no store came before.
    pub(super) fn load(&mut self, rows: Vec<Row>, customer: Option<Identified>, first_epoch: bool) {
        let changes = rows.iter().any(|(_, body)| wire::read_customer(body).is_some());
        // Quota, time and rejection may have taken any row, so few rows do not say that there were
        // no others: only the first number does.
        let is_start = first_epoch && rows.first().is_some_and(|(seq, _)| *seq == 1);
        self.earlier = match customer {
            customer @ Some(_) if !changes => Earlier::of(customer),
            None if !changes && first_epoch => Earlier::Nobody,
            _ if is_start => Earlier::Nobody,
            _ => Earlier::Unknown,
        };
        self.rows = rows.into();
    }

    /// Adds newer rows, and drops the oldest beyond the bound.
    pub(super) fn add(&mut self, rows: Vec<Row>) {
        self.rows.extend(rows);
        while self.rows.len() > NEWEST_KEPT {
            let oldest = self.rows.pop_front();
            if let Some(customer) = oldest.and_then(|(_, body)| wire::read_customer(&body)) {
                self.earlier = Earlier::of(customer);
            }
        }
    }

    /// Returns the body of the row with this `seq`.
    pub(super) fn body(&self, seq: u64) -> Option<&[u8]> {
        self.rows.iter().find(|(at, _)| *at == seq).map(|(_, body)| body.as_slice())
    }

    /// Returns what the call of this `seq` carries within its scope, oldest event first: at most
    /// [`SNAPSHOT_EVENTS_MAX`] events and [`SNAPSHOT_BYTES_MAX`] bytes, the newest ones.
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

    /// Returns the events of this call's customer before the call, newest first. Anonymous events
    /// belong to the customer who signs in next; a sign-out or another customer begins a new
    /// person, whose calls carry nothing of the previous one.
    fn before(&self, seq: u64) -> Vec<(u64, &[u8])> {
        let rows: Vec<&Row> = self.rows.iter().filter(|(at, _)| *at < seq).collect();
        let mut customer = None;
        let mut from = 0;
        for (index, (_, body)) in rows.iter().enumerate() {
            let Some(next) = wire::read_customer(body) else { continue };
            let next = Earlier::of(next);
            let before = customer.as_ref().unwrap_or(&self.earlier);
            // A sign-in after anonymous events is the same person, and so is the same id again.
            if *before != Earlier::Nobody && *before != next {
                from = index;
            }
            customer = Some(next);
        }
        rows[from..].iter().rev().map(|(at, body)| (*at, body.as_slice())).collect()
    }

    /// Returns the failures on the current screen since it was shown, without the customer. The
    /// screen view itself is not among the events, since it also names the previous screen; the
    /// call names the current one.
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
        // The screen view is no longer kept: no failure can be attributed to this screen for
        // certain.
        Carried::default()
    }

    /// Returns all events of this customer before the call, and the customer.
    fn everything(&self, seq: u64) -> Carried<'_> {
        let events = self.before(seq);
        // The customer at the tap. After a later change only the backlog can say who that was.
        let changed_since =
            self.rows.iter().any(|(at, body)| *at > seq && wire::read_customer(body).is_some());
        let customer = self.customer.as_ref().filter(|_| !changed_since);
        Carried { customer, screen: None, events }
    }

    /// Returns what a call tapped now would carry.
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
