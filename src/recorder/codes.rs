//! The call codes and tokens that a tap takes from memory, without waiting for storage.
//!
//! Does not store or lease them: the worker fills the pool from the store.

use std::collections::{HashMap, VecDeque};

use crate::call::{CallCode, CallScope, ContextToken};
use crate::clock::Now;
use crate::config::TOKENS_AHEAD;
use crate::store::Lease;

/// Leases, screen numbers and tokens, ready for a tap.
#[derive(Default)]
pub(super) struct CodePool {
    leases: VecDeque<Lease>,
    screens: HashMap<String, u16>,
    tokens: Vec<ContextToken>,
    version: CodesVersion,
}

/// Counts the changes that the store does not know of yet. The worker compares two versions to
/// learn whether what it read from the store is still true.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CodesVersion {
    /// Taps and changes of customer.
    changes: u64,
    /// Changes of customer alone.
    customers: u64,
}

impl CodesVersion {
    /// Returns whether the customer did not change between the two.
    pub(super) fn has_same_customer(self, other: Self) -> bool {
        self.customers == other.customers
    }
}

impl CodePool {
    pub(super) fn version(&self) -> CodesVersion {
        self.version
    }

    /// Returns how many leased codes there are.
    pub(super) fn len(&self) -> usize {
        self.leases.len()
    }

    /// Returns how many tokens to draw ahead.
    pub(super) fn tokens_missing(&self) -> usize {
        TOKENS_AHEAD.saturating_sub(self.tokens.len())
    }

    /// Takes what a tap needs: the code of the lease that expires first, with the number of the
    /// screen, and a token if one was drawn ahead.
    pub(super) fn take(
        &mut self,
        screen: Option<&str>,
        scope: CallScope,
        now: Now,
    ) -> (Option<CallCode>, Option<ContextToken>) {
        self.version.changes += 1;
        (self.take_code(screen, scope, now), self.tokens.pop())
    }

    fn take_code(&mut self, screen: Option<&str>, scope: CallScope, now: Now) -> Option<CallCode> {
        let number = screen.and_then(|name| self.screens.get(name)).copied().unwrap_or(0);
        while let Some(lease) = self.leases.pop_front() {
            if lease.expires_ms > now.elapsed_ms {
                let code = CallCode::new(lease.locator, number)?;
                let narrow = scope != CallScope::Everything;
                return Some(if narrow { code.only_this_screen() } else { code });
            }
        }
        None
    }

    /// Notes that the customer changed. Drops the leased codes unless `keeps_codes`.
    pub(super) fn on_customer(&mut self, keeps_codes: bool) {
        if !keeps_codes {
            self.leases.clear();
        }
        self.version.changes += 1;
        self.version.customers += 1;
    }

    /// Adds tokens and replaces the screens: both can be used whatever happened since the store was
    /// read. Returns the screens before.
    pub(super) fn add(
        &mut self,
        tokens: &mut Vec<ContextToken>,
        screens: HashMap<String, u16>,
    ) -> HashMap<String, u16> {
        self.tokens.append(tokens);
        std::mem::replace(&mut self.screens, screens)
    }

    /// Replaces the leases with those that the store holds.
    pub(super) fn replace_leases(&mut self, leases: Vec<Lease>) {
        self.leases = leases.into();
    }

    /// Drops everything but the tokens: the rest belonged to an installation that is gone.
    pub(super) fn clear(&mut self) {
        self.leases.clear();
        self.screens.clear();
        self.version.changes += 1;
        self.version.customers += 1;
    }
}
