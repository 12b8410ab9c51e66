//! What the small files of an earlier process mean. Pure: `state` acts on it.

use super::folder::Stored;
use super::identity_file::{Identity, InstallationId};
use super::place_file::Place;
use crate::config::Consent;

/// What an earlier process left in the folder.
pub(super) struct Found {
    /// The installation, unless it is about to be deleted.
    pub(super) identity: Option<Identity>,
    /// The stored answer.
    pub(super) consent: Consent,
    /// The stored answer about the location.
    pub(super) location: Option<bool>,
    /// An erasure came since the last answer.
    pub(super) erased: bool,
    /// The identity is damaged, and nothing else is to be deleted.
    pub(super) identity_lost: bool,
    /// Where the installation was made, if the customer's answer is a grant.
    pub(super) place: Place,
    /// Installations that were refused, and that an erasure names.
    pub(super) refused: Vec<InstallationId>,
    pub(super) erasures: Vec<InstallationId>,
}

impl Found {
    pub(super) fn of(stored: Stored) -> Self {
        let Stored { identity, identity_lost, refused, erasures, place } = stored;
        let (denied, has_erased) = (refused.is_some(), erasures.is_some());
        let (mut refused, erasures) = (refused.unwrap_or_default(), erasures.unwrap_or_default());
        // Beside `denied`, or beside an `erase` that names it or nobody, an identity is a leftover
        // of an interrupted deletion.
        let nobody_waits = has_erased && erasures.is_empty();
        let identity = identity.filter(|it| !nobody_waits && !erasures.contains(&it.installation));
        let is_copy = place == Place::Elsewhere;
        // A copy whose deletion was interrupted may have lost its identity already.
        let lost = (identity_lost && !nobody_waits) || (is_copy && !has_erased);
        let granted = !denied && (identity.is_some() || lost);
        if denied && let Some(Identity { installation, .. }) = identity {
            refused.push(installation);
        }
        Self {
            // A copy's is not for an erasure: it lives on where the copy came from.
            identity: identity.filter(|_| granted && !is_copy),
            consent: match (denied, granted) {
                (true, _) => Consent::Denied,
                (false, true) => Consent::Granted,
                (false, false) => Consent::Unknown,
            },
            location: identity.filter(|_| granted).map(|it| it.location),
            erased: has_erased && !granted && !denied,
            identity_lost: granted && identity_lost && !is_copy,
            place: if granted { place } else { Place::Unmarked },
            refused,
            erasures,
        }
    }
}
