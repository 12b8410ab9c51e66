//! The wire, version 1: the only place that writes or reads its JSON.
//!
//! A record's body is the event as the wire carries it, without `seq`: it is encoded once, on the
//! caller's thread, and a batch is bodies side by side. No policy: what is sent when, and what an
//! answer's status means, is `upload`'s.

mod body;
mod step;

use std::collections::BTreeMap;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

pub(crate) use body::{Stamp, write_body};
pub(crate) use step::read_step;

use crate::call::CallScope;
use crate::config::{App, CODES_MAX, LEASE_LIFE_MAX_S, SCREEN_BYTES_MAX, SCREENS_MAX};
use crate::event::Dropped;
use body::CustomerBody;

/// Path of a batch.
pub(crate) const BATCHES: &str = "/v1/batches";
/// Path of a call's snapshot.
pub(crate) const CALLS: &str = "/v1/calls";
/// Path that warms a connection.
pub(crate) const HEALTH: &str = "/healthz";

/// What an event's `seq` adds to its body: its name, up to twenty digits, two commas.
pub(crate) const SEQ_BYTES_MAX: usize = 28;

/// A customer whom the app identified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identified {
    pub id: String,
    pub proof: Option<String>,
    /// When, by the phone's wall clock: the moment the proof is judged at.
    pub at_ms: i64,
}

/// The call a body records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Call {
    #[serde(default)]
    seq: u64,
    token: String,
    pub code: Option<String>,
    tapped_at: i64,
    scope: String,
    topic: Option<String>,
    /// The screen of the tap; in a record it stands beside the call, as with every event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screen: Option<String>,
}

/// How a call says that it shares one screen.
const ONLY_THIS_SCREEN: &str = "screen";

impl Call {
    /// What the customer lets it carry; in doubt, the least.
    pub(crate) fn scope(&self) -> CallScope {
        match self.scope.as_str() {
            "everything" => CallScope::Everything,
            _ => CallScope::OnlyThisScreen,
        }
    }
}

/// Reads the customer out of a `customer` record's body: somebody, or nobody from there on.
#[allow(clippy::option_option, reason = "no such record, or one of nobody")]
pub(crate) fn read_customer(body: &[u8]) -> Option<Option<Identified>> {
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
    Some(customer.id.map(|id| Identified { id, proof: customer.proof, at_ms: at }))
}

/// Reads the call out of a `call` record's body.
pub(crate) fn read_call(body: &[u8]) -> Option<Call> {
    #[derive(Deserialize)]
    struct Outer {
        screen: Option<String>,
        call: Call,
    }
    let Outer { screen, call } = serde_json::from_slice(body).ok()?;
    Some(Call { screen, ..call })
}

/// What stands above the events of a batch and of a call alike.
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
    app: AppBody<'a>,
}

#[derive(Serialize)]
struct AppBody<'a> {
    id: &'a str,
    version: &'a str,
    os: &'a str,
    device: &'a str,
    locale: &'a str,
}

/// Encodes a batch behind its [`envelope`], not yet compressed.
pub(crate) fn batch(mut envelope: Vec<u8>, events: &[(u64, &[u8])]) -> Vec<u8> {
    close_envelope(&mut envelope, events);
    envelope
}

/// Encodes a call's snapshot behind its [`envelope`], not yet compressed.
pub(crate) fn call(
    mut envelope: Vec<u8>,
    seq: u64,
    call: Call,
    customer: Option<&Identified>,
    events: &[(u64, &[u8])],
) -> Vec<u8> {
    envelope.extend_from_slice(b",\"call\":");
    write_json(&mut envelope, &Call { seq, ..call });
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

/// Encodes a header: the start of a batch's or a call's JSON, still open.
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
    // The closing brace comes back with the events.
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

/// What the collector answers to a batch or a call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Answer {
    /// That it is there tells our collector from a captive portal.
    stored: u64,
    #[serde(default)]
    pub rejected: Vec<Rejected>,
    #[serde(default)]
    codes: Vec<CodeBody>,
    #[serde(default)]
    pub screens: BTreeMap<String, u16>,
}

/// An event the collector refused for good.
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
    /// The leased locators, each with its life in ms.
    pub(crate) fn leases(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.codes.iter().take(CODES_MAX).filter_map(|code| {
            let whole = code.locator.len() == 9 && code.locator.bytes().all(|b| b.is_ascii_digit());
            // The odd one beside each says "only this screen", so only even ones are leased.
            let locator = code.locator.parse::<u32>().ok().filter(|n| whole && n % 2 == 0)?;
            Some((locator, code.expires_in_s.min(LEASE_LIFE_MAX_S) * 1_000))
        })
    }
}

/// Reads an answer; `None` when it is not our collector's.
pub(crate) fn read_answer(body: &[u8]) -> Option<Answer> {
    let mut answer: Answer = serde_json::from_slice(body).ok()?;
    // Whatever is no screen's number and name cannot be used, and is not kept.
    answer.screens.retain(|name, number| {
        name.len() <= SCREEN_BYTES_MAX && (1..=SCREENS_MAX).contains(&usize::from(*number))
    });
    Some(answer)
}

/// Whether a body is the problem (RFC 9457) that our collector answers with that status.
pub(crate) fn is_problem(body: &[u8], status: u16) -> bool {
    #[derive(Deserialize)]
    struct Problem {
        status: u16,
    }
    serde_json::from_slice::<Problem>(body).is_ok_and(|problem| problem.status == status)
}

#[cfg(test)]
#[path = "wire_test.rs"]
mod tests;
