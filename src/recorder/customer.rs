//! The current customer, and which customer a leased code belongs to.

use crate::wire::Identified;

/// The current customer, as far as this process knows.
#[derive(Default, PartialEq, Eq)]
pub(super) enum Customer {
    /// The store has not been read yet.
    #[default]
    NotRead,
    Nobody,
    Somebody {
        id: String,
        proof: Option<String>,
    },
}

impl Customer {
    /// Returns the customer that the store knows.
    pub(super) fn known(customer: Option<&Identified>) -> Self {
        Self::of(
            customer.map(|known| known.id.clone()),
            customer.and_then(|known| known.proof.clone()),
        )
    }

    pub(super) fn of(id: Option<String>, proof: Option<String>) -> Self {
        id.map_or(Self::Nobody, |id| Self::Somebody { id, proof })
    }

    /// Returns whether the `next` customer may use the codes leased so far. A lease belongs to the
    /// customer it was given under, and anonymous events belong to the customer who signs in next.
    pub(super) fn leaves_codes_to(&self, next: &Self) -> bool {
        match (self, next) {
            (Self::Nobody | Self::NotRead, _) => true,
            (Self::Somebody { id: before, .. }, Self::Somebody { id: after, .. }) => {
                before == after
            }
            (Self::Somebody { .. }, _) => false,
        }
    }
}
