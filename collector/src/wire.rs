//! The shapes of requests and answers, version 1.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use crate::event::{CallTap, Customer, Event, Reason};

/// A batch, or a call with its snapshot. Fields not named here are ignored.
#[derive(Deserialize, ToSchema)]
pub struct UploadRequest<'a> {
    /// Which SDK, for example `jalon-android/0.1.0`.
    #[allow(dead_code, reason = "on the wire for diagnosis; nothing is decided by it")]
    pub sdk: Option<String>,
    /// The installation: 32 hexadecimal digits, a secret.
    pub installation: String,
    /// Which of the installation's stores the `seq`s belong to.
    pub epoch: u64,
    /// When this was sent, by the phone's clock, in ms since the Unix epoch.
    pub sent_at: i64,
    /// The lowest `seq` still queued.
    pub oldest: u64,
    /// The next `seq` to be given.
    pub next: u64,
    /// How many the phone dropped since the epoch began, by reason.
    #[serde(default)]
    pub dropped: BTreeMap<String, u64>,
    /// How many leased codes the phone still holds.
    pub codes_left: Option<u32>,
    /// The app and the device.
    #[allow(dead_code, reason = "on the wire for diagnosis; nothing is decided by it")]
    pub app: Option<AppInfo>,
    /// The call: required by `/v1/calls`, not read by `/v1/batches`.
    pub call: Option<CallTap>,
    /// Who calls; null for nobody. Read by `/v1/calls` only.
    pub customer: Option<Customer>,
    /// The events, oldest first.
    #[serde(borrow)]
    #[schema(value_type = Vec<Event>)]
    pub events: Vec<&'a RawValue>,
}

/// The app and the device.
#[derive(Deserialize, ToSchema)]
#[allow(dead_code, reason = "on the wire for diagnosis; nothing is decided by it")]
pub struct AppInfo {
    /// The app's id.
    pub id: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The system and its version.
    pub os: Option<String>,
    /// The model.
    pub device: Option<String>,
    /// The language and region.
    pub locale: Option<String>,
}

/// What became of an upload. Sent only once all of it is on disk.
#[derive(Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct UploadAnswer {
    /// How many events (and the call) are stored now, those that were already so included.
    pub stored: usize,
    /// What is not stored and never will be.
    pub rejected: Vec<Rejected>,
    /// Fresh call codes for this installation.
    pub codes: Vec<Lease>,
    /// The numbers that call codes name these screens by.
    pub screens: BTreeMap<String, u16>,
}

/// An event that is not stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Rejected {
    /// Which.
    pub seq: u64,
    /// Why.
    pub reason: Reason,
}

/// A leased call code.
#[derive(Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Lease {
    /// Nine digits, even. One more and the code says "only this screen".
    pub locator: String,
    /// How long the phone may use it, in seconds from now.
    pub expires_in_s: u64,
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lease(..)")
    }
}

/// Which call, and who asks. One of `token`, `code` and `uui`; an empty text counts as none.
#[derive(Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ResolveRequest {
    /// The context token.
    pub token: Option<String>,
    /// The call code, as dialled or as read aloud.
    pub code: Option<String>,
    /// The raw value of the SIP header `User-to-User`; several by comma.
    pub uui: Option<String>,
    /// The contact centre's own id of this call. Required; the first to resolve holds the context.
    pub call_id: Option<String>,
    /// Who picks up, for the audit log.
    pub agent: Option<String>,
    /// Who calls, for the throttle: the number as the exchange knows it.
    pub caller: Option<String>,
}
