//! Whom an entry of the audit log is about, and who holds a claim, known by a keyed hash alone: a contact
//! centre's own call, or a customer who was erased.
//!
//! The hash of a call stands in the calls it claimed, too, so that entries of one call can be matched
//! without its id being kept anywhere.

use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use crate::secret::{Hash, Secret};

/// A contact centre's call within one app, as a keyed hash of app and call id; or a customer within one
/// app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claimant(Hash);

impl Claimant {
    pub(super) fn new(secret: &Secret, app: &str, call_id: &str) -> Self {
        Self(secret.hash("call-id", format!("{app}\0{call_id}").as_bytes()))
    }

    /// A customer, where there is no call.
    pub(super) fn of_customer(secret: &Secret, app: &str, customer: &str) -> Self {
        Self(secret.hash("customer", format!("{app}\0{customer}").as_bytes()))
    }

    /// The bytes that are stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl ToSql for Claimant {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(&self.0)))
    }
}

impl FromSql for Claimant {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Hash::column_result(value).map(Self)
    }
}
