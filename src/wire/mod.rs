//! The wire format, version 1: the only place that writes or reads its JSON.
//!
//! A body is the event as on the wire, without `seq`, and a batch is a list of bodies. The caller
//! writes a compact form of it; the worker turns that into JSON, once. No policy: when to send, and what an answer's status
//! means, is decided in `upload`.

mod body;
mod compact;
mod step;
mod who;

use std::collections::BTreeMap;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

pub(crate) use body::Stamp;
#[cfg(test)]
pub(crate) use body::write_body;
pub(crate) use compact::{to_json, write_compact};
pub(crate) use step::read_step;
pub(crate) use who::{Change, Identified, Who};

use crate::call::CallScope;
use crate::config::{App, CODES_MAX, LEASE_LIFE_MAX_S, SCREEN_BYTES_MAX, SCREENS_MAX};
use crate::event::Dropped;
use body::CustomerBody;

/// Path for batches.
pub(crate) const BATCHES: &str = "/v1/batches";
/// Path for calls' snapshots.
pub(crate) const CALLS: &str = "/v1/calls";
/// Path that is requested only to open a connection.
pub(crate) const HEALTH: &str = "/healthz";

/// Start of the type of each problem that our collector answers with.
const PROBLEM: &str = "urn:jalon:problem:";

/// Bytes that an event's `seq` adds to its body: its name, up to twenty digits, two commas.
pub(crate) const SEQ_BYTES_MAX: usize = 28;

/// A call, as its record's body and its snapshot carry it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Call {
    #[serde(default)]
    seq: u64,
    /// The `seq` at which the caller's use of the phone began, in a snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<u64>,
    token: String,
    pub code: Option<String>,
    tapped_at: i64,
    scope: String,
    topic: Option<String>,
    /// The screen of the tap. In a record it is beside the call, as with every event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screen: Option<String>,
}

/// The scope of a call that shares only its screen.
const ONLY_THIS_SCREEN: &str = "screen";

impl Call {
    /// Returns what the customer lets it carry; for an unknown scope, the least.
    pub(crate) fn scope(&self) -> CallScope {
        match self.scope.as_str() {
            "everything" => CallScope::Everything,
            _ => CallScope::OnlyThisScreen,
        }
    }
}

/// Reads the customer from a record's body; `None` if it is not a `customer` record.
pub(crate) fn read_customer(body: &[u8]) -> Option<Who> {
    #[derive(Deserialize)]
    struct Outer {
        at: i64,
        customer: Customer,
    }
    #[derive(Deserialize)]
    struct Customer {
        id: Option<String>,
        proof: Option<String>,
    }
    let Outer { at, customer } = serde_json::from_slice(body).ok()?;
    Some(Who::of(customer.id, customer.proof, at))
}

/// Reads the call from a `call` record's body.
pub(crate) fn read_call(body: &[u8]) -> Option<Call> {
    #[derive(Deserialize)]
    struct Outer {
        screen: Option<String>,
        call: Call,
    }
    let Outer { screen, call } = serde_json::from_slice(body).ok()?;
    Some(Call { screen, ..call })
}

/// The fields before the events, the same in a batch and in a call.
#[derive(Debug)]
pub(crate) struct Header<'a> {
    pub sdk: &'a str,
    pub installation: String,
    pub epoch: u32,
    pub sent_at_ms: i64,
    pub oldest: u64,
    pub next: u64,
    pub dropped: Dropped,
    pub codes_left: usize,
    /// The collector's name for the codes held.
    pub codes_version: Option<u32>,
    /// The locators held, to have them renewed; `None` if no codes are asked for.
    pub codes: Option<&'a [u32]>,
    /// The newest change of customer up to `oldest`; `None` if there was none.
    pub owner: Option<&'a Change>,
    pub app: &'a App,
}

#[derive(Serialize)]
struct HeaderBody<'a> {
    sdk: &'a str,
    installation: &'a str,
    epoch: u32,
    sent_at: i64,
    oldest: u64,
    next: u64,
    dropped: BTreeMap<&'static str, u64>,
    codes_left: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    codes_version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    codes: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<OwnerBody<'a>>,
    app: AppBody<'a>,
}

/// Who used the phone as of `oldest`, and from which event on.
#[derive(Serialize)]
struct OwnerBody<'a> {
    seq: u64,
    since: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unknown: bool,
    id: Option<&'a str>,
    /// Only until the collector knows of the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<i64>,
}

impl<'a> OwnerBody<'a> {
    fn of(change: &'a Change) -> Self {
        let known = change.customer.identified();
        Self {
            seq: change.seq,
            since: change.since,
            unknown: change.customer == Who::Unknown,
            id: known.map(|known| known.id.as_str()),
            proof: known.and_then(|known| known.proof.as_deref()).filter(|_| !change.told),
            at: known.map(|known| known.at_ms),
        }
    }
}

#[derive(Serialize)]
struct AppBody<'a> {
    id: &'a str,
    version: &'a str,
    os: &'a str,
    device: &'a str,
    locale: &'a str,
}

/// Completes the JSON of a batch after its [`envelope`], not yet compressed.
pub(crate) fn batch(mut envelope: Vec<u8>, events: &[(u64, &[u8])]) -> Vec<u8> {
    close_envelope(&mut envelope, events);
    envelope
}

/// Completes the JSON of a call's snapshot after its [`envelope`], not yet compressed.
pub(crate) fn call(
    mut envelope: Vec<u8>,
    (seq, since): (u64, u64),
    call: Call,
    customer: Option<&Identified>,
    events: &[(u64, &[u8])],
) -> Vec<u8> {
    envelope.extend_from_slice(b",\"call\":");
    write_json(&mut envelope, &Call { seq, since: Some(since), ..call });
    envelope.extend_from_slice(b",\"customer\":");
    let customer = customer.map(|customer| CustomerBody {
        id: Some(&customer.id),
        proof: customer.proof.as_deref(),
        at: Some(customer.at_ms),
    });
    write_json(&mut envelope, &customer);
    close_envelope(&mut envelope, events);
    envelope
}

/// Compresses a request's body.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder =
        GzEncoder::new(Vec::with_capacity(bytes.len() / 4 + 64), Compression::default());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// Encodes a header: the start of the JSON of a batch or a call, without its closing brace.
pub(crate) fn envelope(header: &Header<'_>) -> Vec<u8> {
    let app = header.app;
    let body = HeaderBody {
        sdk: header.sdk,
        installation: &header.installation,
        epoch: header.epoch,
        sent_at: header.sent_at_ms,
        oldest: header.oldest,
        next: header.next,
        dropped: header
            .dropped
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(reason, count)| (reason.name(), count))
            .collect(),
        codes_left: header.codes_left,
        codes_version: header.codes_version,
        codes: header.codes.map(|codes| codes.iter().map(|code| format!("{code:09}")).collect()),
        owner: header.owner.map(OwnerBody::of),
        app: AppBody {
            id: &app.id,
            version: &app.version,
            os: &app.os,
            device: &app.device,
            locale: &app.locale,
        },
    };
    let mut out = Vec::with_capacity(1024);
    write_json(&mut out, &body);
    // The closing brace is written after the events.
    out.pop();
    out
}

fn close_envelope(out: &mut Vec<u8>, events: &[(u64, &[u8])]) {
    out.extend_from_slice(b",\"events\":[");
    for (at, (seq, body)) in events.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        // Writing to a Vec cannot fail.
        let _ = write!(out, "{{\"seq\":{seq},");
        out.extend_from_slice(body.get(1..).unwrap_or(b"}"));
    }
    out.extend_from_slice(b"]}");
}

fn write_json(out: &mut Vec<u8>, value: &impl Serialize) {
    // Strings, numbers and writing to memory cannot fail.
    let _ = serde_json::to_writer(out, value);
}

/// The collector's answer to a batch or a call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Answer {
    /// Required: it distinguishes our collector's answer from a captive portal's.
    stored: u64,
    #[serde(default)]
    pub rejected: Vec<Rejected>,
    #[serde(default)]
    codes: Vec<CodeBody>,
    #[serde(default)]
    pub codes_version: Option<u32>,
    /// The phone holds codes that the collector does not honour.
    #[serde(default)]
    pub codes_doubted: bool,
    #[serde(default)]
    pub screens: BTreeMap<String, u16>,
}

/// An event that the collector refused for good.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Rejected {
    pub seq: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct CodeBody {
    locator: String,
    expires_in_s: u64,
}

impl Answer {
    /// Returns the leased locators, each with its life in ms.
    pub(crate) fn leases(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.codes.iter().take(CODES_MAX).filter_map(|code| {
            let whole = code.locator.len() == 9 && code.locator.bytes().all(|b| b.is_ascii_digit());
            // The odd locator next to a leased one means "only this screen", so only even ones are
            // leased.
            let locator = code.locator.parse::<u32>().ok().filter(|n| whole && n % 2 == 0)?;
            Some((locator, code.expires_in_s.min(LEASE_LIFE_MAX_S) * 1_000))
        })
    }
}

/// Reads an answer; `None` if it is not our collector's.
pub(crate) fn read_answer(body: &[u8]) -> Option<Answer> {
    let mut answer: Answer = serde_json::from_slice(body).ok()?;
    // A name or number that no screen can have is of no use.
    answer.screens.retain(|name, number| {
        name.len() <= SCREEN_BYTES_MAX && (1..=SCREENS_MAX).contains(&usize::from(*number))
    });
    Some(answer)
}

/// Returns whether a body is a problem document (RFC 9457) with this status, as our collector sends
/// it: nobody else uses its types.
pub(crate) fn is_problem(body: &[u8], status: u16) -> bool {
    #[derive(Deserialize)]
    struct Problem {
        #[serde(rename = "type")]
        kind: String,
        status: u16,
    }
    serde_json::from_slice::<Problem>(body)
        .is_ok_and(|problem| problem.status == status && problem.kind.starts_with(PROBLEM))
}

#[cfg(test)]
#[path = "wire_test.rs"]
mod tests;
