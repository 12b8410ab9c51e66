//! From a request to what is stored: judged event by event, timed by the collector's clock.
//!
//! Pure. A request is refused whole only when it is not an upload; else what cannot be stored is
//! named, and the rest is.

use jalon::call::{CallCode, ContextToken};
use serde_json::value::RawValue;

use crate::event::{self, CallTap, Customer, Event, Reason};
use crate::limits::{
    AGE_MAX_MS, BATCH_EVENTS_MAX, PROOF_BYTES_MAX, SNAPSHOT_BYTES_MAX, SNAPSHOT_EVENTS_MAX,
    TEXT_BYTES_MAX,
};
use crate::problem::Problem;
use crate::secret::{Hash, sha256};
use crate::store::{Identification, NewCall, NewEvent, NewStatement, Upload};
use crate::wire::{Rejected, UploadRequest};

/// Which route an upload came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `/v1/batches`.
    Batch,
    /// `/v1/calls`.
    Call,
}

/// Reads an upload: what to store, and what is refused by name.
///
/// # Errors
/// The problem to answer: 400, 413 or 422.
pub fn read(
    request: UploadRequest<'_>,
    form: Form,
    app: String,
    arrived_at: i64,
) -> Result<(Upload, Vec<Rejected>), Problem> {
    let bits = bits(&request.installation)?;
    bound(&request.events, form)?;
    if [request.epoch, request.oldest, request.next].iter().any(|n| i64::try_from(*n).is_err()) {
        return Err(Problem::invalid("`epoch`, `oldest` and `next` end at 2^63 - 1"));
    }
    if request.oldest > request.next {
        return Err(Problem::invalid("`oldest` is above `next`"));
    }
    let times = Times { sent_at: request.sent_at, arrived_at };
    let mut upload = Upload {
        app,
        installation: sha256(&bits),
        nonce: jalon::proof::nonce(&bits),
        epoch: request.epoch,
        oldest: request.oldest,
        next: request.next,
        dropped: request.dropped,
        codes_left: request.codes_left,
        arrived_at,
        events: Vec::with_capacity(request.events.len() + 1),
        calls: Vec::new(),
        refused: Vec::new(),
    };
    let mut rejected = Vec::new();
    for raw in request.events {
        let read = event::read(raw).ok_or_else(|| {
            Problem::invalid("an event has no `seq` from 0 to 2^63 - 1, so it cannot be named")
        })?;
        if let Err((seq, reason)) = read.and_then(|event| add(&mut upload, &event, times)) {
            upload.refused.push(seq);
            rejected.push(Rejected { seq, reason });
        }
    }
    if form == Form::Call {
        let tap = request.call.ok_or_else(|| Problem::malformed("`call` is required"))?;
        add_call(&mut upload, &tap, request.customer, times)?;
    }
    // Whatever it says, what it sent exists.
    let highest = upload.events.iter().map(|event| event.seq).chain(upload.refused.iter().copied());
    upload.next = highest.map(|seq| seq.saturating_add(1)).fold(upload.next, u64::max);
    upload.next = upload.next.min(i64::MAX as u64);
    Ok((upload, rejected))
}

/// The hash of an installation, from its 32 hexadecimal digits.
///
/// # Errors
/// 422.
pub fn installation(id: &str) -> Result<Hash, Problem> {
    bits(id).map(|bits| sha256(&bits))
}

fn bits(id: &str) -> Result<[u8; 16], Problem> {
    let invalid = || Problem::invalid("an installation is 32 hexadecimal digits, not all zero");
    if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(invalid());
    }
    let number = u128::from_str_radix(id, 16).map_err(|_| invalid())?;
    // What a phone without randomness would make: it would be everybody's.
    if number == 0 { Err(invalid()) } else { Ok(number.to_be_bytes()) }
}

fn bound(events: &[&RawValue], form: Form) -> Result<(), Problem> {
    match form {
        Form::Batch if events.len() > BATCH_EVENTS_MAX => {
            Err(Problem::too_large("a batch may have 500 events"))
        }
        Form::Call if events.len() > SNAPSHOT_EVENTS_MAX => {
            Err(Problem::too_large("a call may have 20 events"))
        }
        Form::Call
            if events.iter().map(|raw| raw.get().len()).sum::<usize>() > SNAPSHOT_BYTES_MAX =>
        {
            Err(Problem::too_large("a call's events may have 16 KiB together"))
        }
        Form::Batch | Form::Call => Ok(()),
    }
}

/// The phone's clock beside ours.
#[derive(Debug, Clone, Copy)]
struct Times {
    sent_at: i64,
    arrived_at: i64,
}

impl Times {
    /// When something happened, by our clock: only the time between it and the sending is taken
    /// from the phone. Nothing is in the future, or older than the phone keeps anything.
    fn shown(self, at: i64) -> i64 {
        self.arrived_at - self.sent_at.saturating_sub(at).clamp(0, AGE_MAX_MS)
    }
}

fn add(upload: &mut Upload, event: &Event, times: Times) -> Result<(), (u64, Reason)> {
    let seq = event.seq;
    let invalid = (seq, Reason::Invalid);
    let kind = event::known(&event.kind).ok_or((seq, Reason::UnknownType))?;
    if kind == "call" {
        let tap = event.call.as_ref().ok_or(invalid)?;
        upload.calls.push(new_call(tap, seq, None, times).ok_or(invalid)?);
    }
    let at = times.shown(event.at);
    let customer = if kind == "customer" { event.customer.clone() } else { None };
    upload.events.push(NewEvent {
        seq,
        at,
        kind,
        screen: event.screen.clone(),
        body: serde_json::to_string(event).map_err(|_| invalid)?,
        customer: customer.map(|customer| identification(customer, at)),
    });
    Ok(())
}

fn identification(customer: Customer, at: i64) -> Identification {
    let repeated = customer.at.is_some();
    Identification { id: customer.id, proof: customer.proof, at, repeated, verified: None }
}

/// Adds the call of `/v1/calls`, and the event that stands for it in the order.
fn add_call(
    upload: &mut Upload,
    tap: &CallTap,
    customer: Option<Customer>,
    times: Times,
) -> Result<(), Problem> {
    let seq = tap
        .seq
        .filter(|seq| i64::try_from(*seq).is_ok())
        .ok_or_else(|| Problem::invalid("`call.seq` is required, from 0 to 2^63 - 1"))?;
    let customer = customer.unwrap_or(Customer { id: None, proof: None, at: None });
    let texts = [&customer.id, &tap.topic, &tap.screen];
    if texts.into_iter().flatten().any(|text| text.len() > TEXT_BYTES_MAX) {
        return Err(Problem::invalid(
            "`call.topic`, `call.screen` and `customer.id` have at most 1,024 bytes",
        ));
    }
    if customer.proof.as_ref().is_some_and(|proof| proof.len() > PROOF_BYTES_MAX) {
        return Err(Problem::invalid("`customer.proof` has at most 4,096 bytes"));
    }
    let named_at = times.shown(customer.at.unwrap_or(tap.tapped_at));
    let identification = identification(customer, named_at);
    let from = upload.events.iter().map(|event| event.seq).fold(seq, u64::min);
    // The record says which by itself once the backlog brings it; here the newest event before does.
    let session = upload.events.iter().rev().find_map(|event| session_of(&event.body));
    let call = new_call(tap, seq, Some(NewStatement { identification, from }), times)
        .ok_or_else(|| Problem::invalid("`call.token` or `call.code` is not of its form"))?;
    // Its place and its screen: the call itself is kept apart.
    upload.events.push(NewEvent {
        seq,
        at: call.tapped_at,
        kind: "call",
        screen: tap.screen.clone(),
        body: serde_json::json!({ "session": session, "screen": tap.screen }).to_string(),
        customer: None,
    });
    upload.calls.push(call);
    Ok(())
}

fn session_of(body: &str) -> Option<u64> {
    #[derive(serde::Deserialize)]
    struct InSession {
        session: u64,
    }
    serde_json::from_str::<InSession>(body).ok().map(|body| body.session)
}

fn new_call(
    tap: &CallTap,
    seq: u64,
    statement: Option<NewStatement>,
    times: Times,
) -> Option<NewCall> {
    let token = *ContextToken::parse(&tap.token)?.as_bytes();
    // What a phone without randomness would make: it would be everybody's.
    if token == [0; 16] {
        return None;
    }
    let code = match &tap.code {
        Some(code) => {
            let code = CallCode::parse(code).ok()?;
            Some((code.locator(), code.screen()))
        }
        None => None,
    };
    Some(NewCall {
        seq,
        token,
        code,
        tapped_at: times.shown(tap.tapped_at),
        scope: tap.scope,
        topic: tap.topic.clone(),
        statement,
    })
}
