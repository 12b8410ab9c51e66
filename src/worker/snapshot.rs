//! The newest events, kept in memory, and which of them a call's snapshot or a preview carries.
//! Encoding them is `wire`'s, sending them `uploader`'s.

use std::collections::VecDeque;

use crate::call::CallScope;
use crate::config::{NEWEST_KEPT, SNAPSHOT_BYTES_MAX, SNAPSHOT_EVENTS_MAX};
use crate::preview::{Preview, PreviewStep, StepKind};
use crate::recorder::CodesVersion;
use crate::store::Row;
use crate::wire::{self, Identified, Who};

/// The newest events, at most [`NEWEST_KEPT`], and the customers they belong to.
#[derive(Default)]
pub(crate) struct Recent {
    rows: VecDeque<Row>,
    /// The customer before the first of the changes.
    earlier: Who,
    /// From which `seq` on the customer is another, oldest first.
    changes: VecDeque<(u64, Who)>,
    /// The collector may have events of this installation.
    uploaded_before: bool,
    /// The version of the codes, and so the customer, as of the newest row.
    seen: CodesVersion,
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

    /// Notes whether the collector may have events, and the version of the codes as of the newest
    /// event.
    pub(super) fn note(&mut self, uploaded_before: bool, seen: CodesVersion) {
        (self.uploaded_before, self.seen) = (uploaded_before, seen);
    }

    /// Replaces the rows with the newest of a store that was just opened. `earlier` is the customer
    /// before the oldest of them, and `changes` says who came after.
    pub(super) fn load(&mut self, rows: Vec<Row>, earlier: Who, changes: Vec<(u64, Who)>) {
        (self.rows, self.earlier, self.changes) = (rows.into(), earlier, changes.into());
    }

    /// Adds newer rows and changes, and drops the oldest beyond the bound.
    pub(super) fn add(&mut self, rows: Vec<Row>, changes: Vec<(u64, Who)>) {
        self.rows.extend(rows);
        self.changes.extend(changes);
        while self.rows.len() > NEWEST_KEPT {
            self.rows.pop_front();
        }
        let oldest = self.rows.front().map_or(u64::MAX, |(seq, _)| *seq);
        while self.changes.front().is_some_and(|(seq, _)| *seq < oldest) {
            self.earlier = self.changes.pop_front().map(|(_, who)| who).unwrap_or_default();
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
        let mut from = 0;
        let mut customer = &self.earlier;
        for (at, next) in self.changes.iter().take_while(|(at, _)| *at <= seq) {
            if !customer.continues_as(next) {
                from = *at;
            }
            customer = next;
        }
        let theirs = self.rows.iter().filter(|(at, _)| (from..seq).contains(at));
        theirs.rev().map(|(at, body)| (*at, body.as_slice())).collect()
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
        let changes = self.changes.iter().rev();
        let at_tap = changes.map(|(at, who)| (*at, who)).find(|(at, _)| *at <= seq);
        let customer = at_tap.map_or(&self.earlier, |(_, who)| who).identified();
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
