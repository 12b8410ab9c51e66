//! Attributes events to customers, on a phone that more than one person may use.
//!
//! Pure. A sign-out or another customer begins a new person: an installation's order is cut at
//! `A → B` and at `A → nobody`, not at `nobody → A`. Anonymous events belong to the customer who
//! signs in next; the same rule holds for leased codes.

/// A place in an installation's order: epoch, then seq.
pub type Place = (u64, u64);

/// A span of the order, from its first place to just before its second.
pub type Span = (Place, Place);

/// The place after every other.
pub const END: Place = (u64::MAX, u64::MAX);

/// A sign-in, or a sign-out.
#[derive(Clone, PartialEq, Eq)]
pub struct CustomerChange {
    /// Where in the order it happened.
    pub at: Place,
    /// The app's id of the customer; `None` after a sign-out.
    pub customer: Option<String>,
    /// Whether their proof was accepted; `None` without a proof.
    pub verified: Option<bool>,
    /// Another person's use of the phone begins here, whatever else is known of what came before.
    pub begins: bool,
    /// Records were lost on the phone before this place: nobody can say who used it from here on.
    pub unknown: bool,
}

/// The person at one place, and the spans of the order that are theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The app's id of them; `None` for somebody who was never identified.
    pub customer: Option<String>,
    /// Whether the last proof given for them in that span was accepted.
    pub verified: bool,
    /// Their spans, oldest first.
    pub spans: Vec<Span>,
}

/// From where on the phone was the caller's, as their call's record says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Start {
    /// The lowest seq of its snapshot: from there on at the latest.
    pub snapshot: Option<i64>,
    /// The seq at which their use of the phone began: exact, if the phone says so.
    pub since: Option<i64>,
}

/// What a call's record states about its caller: who it is, and from which place on the phone was
/// theirs.
pub struct CallerStatement {
    change: CustomerChange,
    from: Place,
    /// `from` is exact: whoever came before is somebody else.
    exact: bool,
}

impl CallerStatement {
    /// The statement of a call at this place. Without a start, the phone was the caller's from the call
    /// on.
    pub fn new(at: Place, from: Start, customer: Option<String>, verified: Option<bool>) -> Self {
        let (exact, start) = (from.since.is_some(), from.since.or(from.snapshot));
        let from = (at.0, start.map_or(at.1, |from| from as u64));
        let change = CustomerChange { at, customer, verified, begins: false, unknown: false };
        Self { change, from, exact }
    }

    /// Whether a change within the call's own snapshot says more exactly where the caller began.
    fn is_within(&self, changes: &[CustomerChange]) -> bool {
        !self.exact
            && changes.iter().any(|change| self.from <= change.at && change.at <= self.change.at)
    }

    /// Adds the statement in its order. One that is not exact, and says that nobody is signed in, counts
    /// only while the events before it are awaited: once they are here, they say who it was.
    fn add_to(&self, changes: &mut Vec<CustomerChange>, is_awaited: impl Fn(Place) -> bool) {
        let is_within = self.is_within(changes);
        if self.exact {
            // Before what is known to have happened there, which is the caller's.
            let index = changes.partition_point(|change| change.at < self.from);
            let (at, customer, verified) = (self.from, None, None);
            let began = CustomerChange { at, customer, verified, begins: true, unknown: false };
            changes.insert(index, began);
        }
        let names_nobody = self.change.customer.is_none();
        if names_nobody && (self.exact || is_within || !is_awaited(self.change.at)) {
            return;
        }
        let at = if self.exact || is_within { self.change.at } else { self.from };
        let index = changes.partition_point(|change| change.at <= at);
        changes.insert(index, CustomerChange { at, ..self.change.clone() });
    }
}

/// Finds the person at `place`, given all changes of customer, oldest first.
pub fn attribute(place: Place, changes: &[CustomerChange]) -> Person {
    let (at, begins, unknown) = ((0, 0), true, false);
    let mut owners = vec![CustomerChange { at, customer: None, verified: None, begins, unknown }];
    for change in changes {
        let Some(owner) = owners.last_mut() else { continue };
        let anonymous = owner.customer.is_none() && !owner.unknown;
        let same = change.customer.is_some() && owner.customer == change.customer;
        // A change at the very place where a person begins is theirs.
        let begins = change.unknown || (change.begins && owner.at < change.at);
        if !begins && (anonymous || same) {
            owner.customer.clone_from(&change.customer);
            // Named again without a proof, they are still who the last proof verified.
            owner.verified = change.verified.or(owner.verified);
        } else {
            owners.push(change.clone());
        }
    }
    let index = owners.partition_point(|owner| owner.at <= place).saturating_sub(1);
    let CustomerChange { customer, verified, .. } = owners[index].clone();
    let spans = (0..owners.len())
        .filter(|&i| i == index || (customer.is_some() && owners[i].customer == customer))
        .map(|i| (owners[i].at, owners.get(i + 1).map_or(END, |owner| owner.at)))
        .collect();
    Person { verified: verified == Some(true) && customer.is_some(), customer, spans }
}

/// Finds who makes the call at `place`, given its own statement, those of the phone's other calls and
/// the changes of customer that are here, each oldest first. `is_awaited` says whether something
/// recorded before a place is still on the phone.
///
/// A call's record overtakes the backlog in which a change of customer may still be waiting, so what
/// it states counts as a change too; and so does what other calls state, whose snapshots are here as
/// well.
pub fn attribute_call(
    place: Place,
    own: Option<&CallerStatement>,
    others: &[CallerStatement],
    mut changes: Vec<CustomerChange>,
    is_awaited: impl Fn(Place) -> bool,
) -> Person {
    for statement in others {
        statement.add_to(&mut changes, &is_awaited);
    }
    if let Some(own) = own {
        let vague = own.change.customer.is_none() && !own.exact;
        if vague && is_awaited(place) && !own.is_within(&changes) {
            // Nobody was signed in, or the phone could not tell. Until everything before the call is
            // here, the last customer may have signed out: only the snapshot is certain not to be
            // theirs.
            if attribute(place, &changes).customer.is_some() {
                let end = changes.iter().map(|change| change.at).find(|at| *at > place);
                let span = (own.from, end.unwrap_or(END));
                return Person { customer: None, verified: false, spans: vec![span] };
            }
        } else {
            own.add_to(&mut changes, &is_awaited);
        }
    }
    attribute(place, &changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(list: &[(u64, &str)]) -> Vec<CustomerChange> {
        let proven: Vec<_> = list.iter().map(|(seq, id)| (*seq, *id, None)).collect();
        proven_changes(&proven)
    }

    fn proven_changes(list: &[(u64, &str, Option<bool>)]) -> Vec<CustomerChange> {
        let customer = |id: &str| (!id.is_empty()).then(|| id.to_owned());
        list.iter()
            .map(|(seq, id, verified)| CustomerChange {
                at: (1, *seq),
                customer: customer(id),
                verified: *verified,
                begins: false,
                unknown: false,
            })
            .collect()
    }

    #[test]
    fn the_last_proof_given_for_a_customer_counts_and_only_where_they_used_the_phone() {
        let (yes, no) = (Some(true), Some(false));
        let verified = |list: &[_], seq| attribute((1, seq), &proven_changes(list)).verified;
        assert!(verified(&[(10, "ana", yes)], 20));
        assert!(verified(&[(10, "ana", yes), (12, "ana", None)], 20));
        assert!(verified(&[(10, "ana", None), (12, "ana", yes)], 11), "the same person");
        assert!(!verified(&[(10, "ana", yes), (12, "ana", no)], 20));
        assert!(!verified(&[(10, "ana", yes), (12, "ben", None)], 20));
        assert!(!verified(&[(10, "ana", yes), (12, "", None)], 20));
        assert!(!verified(&[(10, "ana", yes), (12, "ben", None), (14, "ana", None)], 20));
        assert!(!verified(&[(10, "", yes)], 20), "nobody is never verified");
    }

    #[test]
    fn somebody_never_identified_has_the_whole_order() {
        let person = attribute((1, 7), &[]);
        let spans = vec![((0, 0), END)];
        assert_eq!(person, Person { customer: None, verified: false, spans });
    }

    #[test]
    fn what_came_before_the_first_sign_in_is_the_customers() {
        let person = attribute((1, 3), &changes(&[(10, "ana")]));
        assert_eq!(person.customer.as_deref(), Some("ana"));
        assert_eq!(person.spans, vec![((0, 0), END)]);
    }

    #[test]
    fn the_next_person_does_not_see_the_one_before() {
        let changes = changes(&[(10, "ana"), (20, "ben")]);
        assert_eq!(attribute((1, 25), &changes).spans, vec![((1, 20), END)]);
        assert_eq!(attribute((1, 15), &changes).spans, vec![((0, 0), (1, 20))]);
    }

    #[test]
    fn a_customer_who_comes_back_has_both_stretches_and_nothing_between() {
        let changes = changes(&[(10, "ana"), (20, ""), (25, "ben"), (30, ""), (35, "ana")]);
        let person = attribute((1, 40), &changes);
        assert_eq!(person.customer.as_deref(), Some("ana"));
        assert_eq!(person.spans, vec![((0, 0), (1, 20)), ((1, 30), END)]);
    }

    #[test]
    fn where_records_were_lost_a_new_person_begins_who_is_nobody_else() {
        let mut changes = changes(&[(10, "ana"), (20, ""), (30, "ben")]);
        changes[1].unknown = true;
        assert_eq!(attribute((1, 15), &changes).spans, vec![((0, 0), (1, 20))]);
        let unknown = attribute((1, 25), &changes);
        assert_eq!(unknown.customer, None);
        assert_eq!(unknown.spans, vec![((1, 20), (1, 30))]);
        assert_eq!(attribute((1, 35), &changes).spans, vec![((1, 30), END)]);
    }

    #[test]
    fn where_a_call_says_that_its_caller_began_whoever_came_before_is_somebody_else() {
        let since = |since| Start { snapshot: Some(5), since };
        let call = |since, customer: &str, changes| {
            let customer = (!customer.is_empty()).then(|| customer.to_owned());
            let own = CallerStatement::new((1, 9), since, customer, None);
            attribute_call((1, 9), Some(&own), &[], changes, |_| true)
        };
        // Ana signed in at 4 and out at 5, and only the phone knows yet.
        let nobody = call(since(Some(5)), "", changes(&[]));
        assert_eq!((nobody.customer, nobody.spans), (None, vec![((1, 5), END)]));
        let ben = call(since(Some(5)), "ben", changes(&[(5, "")]));
        assert_eq!(ben.spans, vec![((1, 5), END)]);
        // Nobody was ever somebody else here.
        let ben = call(since(Some(0)), "ben", changes(&[(7, "ben")]));
        assert_eq!((ben.customer.as_deref(), ben.spans), (Some("ben"), vec![((1, 0), END)]));
        // Who signs in after the call was the caller.
        let ana = call(since(Some(5)), "", changes(&[(12, "ana"), (15, "ben")]));
        assert_eq!((ana.customer.as_deref(), ana.spans), (Some("ana"), vec![((1, 5), (1, 15))]));
    }

    #[test]
    fn identifying_the_same_customer_again_changes_nothing() {
        let changes = changes(&[(10, "ana"), (20, "ana")]);
        assert_eq!(attribute((2, 1), &changes).spans, vec![((0, 0), END)]);
    }
}
