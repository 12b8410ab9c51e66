//! What the notes `denied` and `erase` say. Pure; `folder` writes and reads them, and `state`
//! decides when.

use super::identity_file::{Identity, InstallationId};

/// The customer's refusal, and the erasures that wait.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// The customer's last answer was a refusal.
    denied: bool,
    /// Installations that were refused: an erasure asks the collector to delete them too.
    refused: Vec<InstallationId>,
    /// Installations whose erasure the collector has to confirm, oldest first.
    erasures: Vec<InstallationId>,
    /// The customer has not answered since the last erasure: `erase` stays, so that a later process
    /// knows that it must ask.
    unanswered: bool,
}

impl Notes {
    /// Adds what an earlier process noted. Whether the refusal still holds is not decided here.
    pub(super) fn add(&mut self, refused: Vec<InstallationId>, erasures: Vec<InstallationId>) {
        // A kill may have come after `erase` was written, and before `denied` was deleted.
        for id in refused {
            if !erasures.contains(&id) && !self.refused.contains(&id) {
                self.refused.push(id);
            }
        }
        self.erasures.extend(erasures);
    }

    pub(super) fn is_denied(&self) -> bool {
        self.denied
    }

    pub(super) fn refused(&self) -> &[InstallationId] {
        &self.refused
    }

    pub(super) fn erasures(&self) -> &[InstallationId] {
        &self.erasures
    }

    /// Returns what `erase` is to say; `None` if there should be none.
    pub(super) fn erase_file(&self) -> Option<&[InstallationId]> {
        (self.unanswered || !self.erasures.is_empty()).then_some(&self.erasures)
    }

    /// Takes a refusal.
    pub(super) fn refuse(&mut self) {
        self.denied = true;
        self.unanswered = false;
    }

    /// Takes a grant.
    pub(super) fn grant(&mut self) {
        self.denied = false;
        self.unanswered = false;
    }

    /// Takes a refusal back, without another answer.
    pub(super) fn take_back_refusal(&mut self) {
        self.denied = false;
    }

    /// Remembers an installation that is out of use, for an erasure.
    pub(super) fn retire(&mut self, identity: Option<Identity>) {
        let id = identity.map(|identity| identity.installation);
        self.refused.extend(id.filter(|id| !self.refused.contains(id)));
    }

    /// Forgets what was refused: a new installation begins.
    pub(super) fn forget_refused(&mut self) {
        self.refused.clear();
    }

    /// Takes an erasure of every installation that is remembered.
    pub(super) fn erase(&mut self) {
        self.await_answer();
        self.erasures.append(&mut self.refused);
    }

    /// Notes that everything is erased, and the customer is to be asked anew.
    pub(super) fn await_answer(&mut self) {
        self.denied = false;
        self.unanswered = true;
    }

    /// Notes that the collector confirmed an erasure.
    pub(super) fn confirm(&mut self, installation: &InstallationId) {
        self.erasures.retain(|waiting| waiting != installation);
    }
}
