//! The shapes of requests and answers, version 1 of the wire. Only shapes: nothing is judged here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use crate::event::{CallTap, Customer, Event, Reason};

/// A batch, or a call with its snapshot. Fields not named here are ignored.
#[derive(Deserialize, ToSchema)]
pub struct UploadRequest<'a> {
    /// The SDK and its version, for example `jalon-android/0.1.0`.
    #[allow(dead_code, reason = "on the wire for diagnosis; nothing is decided by it")]
    pub sdk: Option<String>,
    /// The installation: 32 hexadecimal digits, a secret.
    pub installation: String,
    /// The installation's store that the `seq`s belong to.
    pub epoch: u64,
    /// When this was sent, by the phone's clock, in ms since the Unix epoch.
    pub sent_at: i64,
    /// The lowest `seq` still queued.
    pub oldest: u64,
    /// The next `seq` the phone will give.
    pub next: u64,
    /// How many events the phone dropped since the epoch began, by reason.
    #[serde(default)]
    pub dropped: BTreeMap<String, u64>,
    /// How many leased codes the phone still holds.
    pub codes_left: Option<u32>,
    /// The `codes_version` of the answer that brought its codes.
    pub codes_version: Option<u32>,
    /// The locators it holds, to have them renewed: sent when it asks for codes.
    pub codes: Option<Vec<String>>,
    /// Who used the phone as of `oldest`, and from which event on. Repeated in each request, so
    /// that it does not depend on an event that the phone may have dropped.
    pub owner: Option<Owner>,
    /// The app and the device.
    #[allow(dead_code, reason = "on the wire for diagnosis; nothing is decided by it")]
    pub app: Option<AppInfo>,
    /// The call. Required by `/v1/calls`, ignored by `/v1/batches`.
    pub call: Option<CallTap>,
    /// The customer who calls; null for nobody. Read by `/v1/calls` only.
    pub customer: Option<Customer>,
    /// The events, oldest first.
    #[serde(borrow)]
    #[schema(value_type = Vec<Event>)]
    pub events: Vec<&'a RawValue>,
}

/// The newest change of customer up to `oldest`.
#[derive(Deserialize, ToSchema)]
pub struct Owner {
    /// The `seq` of the change; 0 for what held before the first event.
    pub seq: u64,
    /// The `seq` at which this person's use of the phone began: anonymous events before a sign-in are
    /// part of it. 0 if it began before the first event.
    pub since: Option<u64>,
    /// Records were lost on the phone before this `seq`: nobody can say who used it.
    #[serde(default)]
    pub unknown: bool,
    /// The app's id of the customer; null for nobody.
    pub id: Option<String>,
    /// Their proof, while the phone does not know that the collector has it.
    pub proof: Option<String>,
    /// When the app named them, by the phone's clock, in ms since the Unix epoch.
    pub at: Option<i64>,
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

/// The answer to an upload. Sent only once all of the upload is on disk.
#[derive(Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct UploadAnswer {
    /// How many events (and the call) are stored now, including those that were stored already.
    pub stored: usize,
    /// The events that are not stored and never will be.
    pub rejected: Vec<Rejected>,
    /// Call codes for this installation: if the request named `codes`, all that it may use from now
    /// on; else fresh ones beside those it holds.
    pub codes: Vec<Lease>,
    /// Names these codes: the phone repeats it for as long as it holds them. Absent without codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codes_version: Option<u32>,
    /// The phone holds codes that are not honoured: its next request is to name them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub codes_doubted: bool,
    /// The numbers of screens in call codes: those of the screens in this upload and, with fresh codes,
    /// those of the app's configured screens.
    pub screens: BTreeMap<String, u16>,
}

/// An event that is not stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Rejected {
    /// Its `seq`.
    pub seq: u64,
    /// Why it is not stored.
    pub reason: Reason,
}

/// A leased call code.
#[derive(Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Lease {
    /// Nine digits, even. Plus one, the code says "only this screen".
    pub locator: String,
    /// How long the phone may use it, in seconds from now.
    pub expires_in_s: u64,
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lease(..)")
    }
}

/// Which call is looked up, and who asks. Send one of `token`, `code` and `uui`; an empty text counts as
/// not sent.
#[derive(Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ResolveRequest {
    /// The context token.
    pub token: Option<String>,
    /// The call code, as dialled or as read aloud.
    pub code: Option<String>,
    /// The raw value of the SIP header `User-to-User`; several values are separated by commas.
    pub uui: Option<String>,
    /// The contact centre's own id for this call. Required: the first call id to resolve a context
    /// claims it.
    pub call_id: Option<String>,
    /// The agent who takes the call, for the audit log.
    pub agent: Option<String>,
    /// The caller's number as the exchange knows it, for the throttle.
    pub caller: Option<String>,
}
