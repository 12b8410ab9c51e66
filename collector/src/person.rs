//! Whose events are whose, on a phone that more than one person may use.
//!
//! Pure. An installation's order is cut wherever an identified customer leaves: at `A → B` and at
//! `A → nobody`, not at `nobody → A`. What a nobody did before signing in is the customer's who
//! signed in next; the same rule holds for leased codes.

/// A place in an installation's order: epoch, then seq.
pub type Place = (u64, u64);

/// A stretch of the order, from its first place to just before its second.
pub type Stretch = (Place, Place);

/// After every place.
pub const END: Place = (u64::MAX, u64::MAX);

/// The person at one place, and all that is theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The app's id of them; `None` for somebody never identified.
    pub customer: Option<String>,
    /// Their stretches, oldest first.
    pub stretches: Vec<Stretch>,
}

/// Finds the person at `place`, given every change of customer in order.
pub fn at(place: Place, changes: &[(Place, Option<String>)]) -> Person {
    let mut spans: Vec<(Place, Option<String>)> = vec![((0, 0), None)];
    for (changed_at, to) in changes {
        let Some((_, current)) = spans.last_mut() else { continue };
        if current.is_none() {
            current.clone_from(to);
        } else if current != to {
            spans.push((*changed_at, to.clone()));
        }
    }
    let index = spans.partition_point(|(from, _)| *from <= place).saturating_sub(1);
    let customer = spans[index].1.clone();
    let stretches = (0..spans.len())
        .filter(|&i| i == index || (customer.is_some() && spans[i].1 == customer))
        .map(|i| (spans[i].0, spans.get(i + 1).map_or(END, |(from, _)| *from)))
        .collect();
    Person { customer, stretches }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(list: &[(u64, &str)]) -> Vec<(Place, Option<String>)> {
        list.iter()
            .map(|(seq, id)| ((1, *seq), (!id.is_empty()).then(|| (*id).to_owned())))
            .collect()
    }

    #[test]
    fn somebody_never_identified_has_the_whole_order() {
        let person = at((1, 7), &[]);
        assert_eq!(person, Person { customer: None, stretches: vec![((0, 0), END)] });
    }

    #[test]
    fn what_came_before_the_first_sign_in_is_the_customers() {
        let person = at((1, 3), &changes(&[(10, "ana")]));
        assert_eq!(person.customer.as_deref(), Some("ana"));
        assert_eq!(person.stretches, vec![((0, 0), END)]);
    }

    #[test]
    fn the_next_person_does_not_see_the_one_before() {
        let changes = changes(&[(10, "ana"), (20, "ben")]);
        assert_eq!(at((1, 25), &changes).stretches, vec![((1, 20), END)]);
        assert_eq!(at((1, 15), &changes).stretches, vec![((0, 0), (1, 20))]);
    }

    #[test]
    fn a_customer_who_comes_back_has_both_stretches_and_nothing_between() {
        let changes = changes(&[(10, "ana"), (20, ""), (25, "ben"), (30, ""), (35, "ana")]);
        let person = at((1, 40), &changes);
        assert_eq!(person.customer.as_deref(), Some("ana"));
        assert_eq!(person.stretches, vec![((0, 0), (1, 20)), ((1, 30), END)]);
    }

    #[test]
    fn identifying_the_same_customer_again_changes_nothing() {
        let changes = changes(&[(10, "ana"), (20, "ana")]);
        assert_eq!(at((2, 1), &changes).stretches, vec![((0, 0), END)]);
    }
}
