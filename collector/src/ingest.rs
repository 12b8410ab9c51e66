//! From a request to what is stored: charged, judged event by event, timed by the collector's clock,
//! its proofs verified.
//!
//! A request is refused whole only when it is not an upload; otherwise what cannot be stored is named,
//! and the rest is stored. Bytes and status codes are the routes' business.

use jalon::call::{CallCode, ContextToken};
use serde_json::value::RawValue;

use crate::event::{self, CallTap, Customer, Event, Reason};
use crate::keys::Key;
use crate::limits::{
    AGE_MAX_MS, BATCH_EVENTS_MAX, CODES_NAMED_MAX, PROOF_BYTES_MAX, PROOFS_JUDGED_MAX,
    REQUEST_COST, SNAPSHOT_BYTES_MAX, SNAPSHOT_EVENTS_MAX, TEXT_BYTES_MAX,
};
use crate::metrics::{ProofLabels, ProofOutcome};
use crate::proof::{self, PresentedProof, ProofError};
use crate::secret::{Hash, sha256};
use crate::state::AppState;
use crate::store::{
    Appended, Identification, InstallationError, NewCall, NewEvent, NewOwner, NewStatement,
    StoreError, Upload,
};
use crate::wire::{Owner, Rejected, UploadAnswer, UploadRequest};

/// Which route an upload came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `/v1/batches`.
    Batch,
    /// `/v1/calls`.
    Call,
}

/// Why an upload is refused whole, or an installation not erased.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IngestError {
    /// Not an upload of this form.
    #[error("{0}")]
    Malformed(&'static str),
    /// Too many events or bytes.
    #[error("{0}")]
    TooLarge(&'static str),
    /// A value is out of its range.
    #[error("{0}")]
    Invalid(&'static str),
    /// The key is over its quota.
    #[error("the key is over its quota: try again in {retry_after_s} s")]
    Throttled {
        /// Seconds until the key may send this.
        retry_after_s: u64,
    },
    /// The installation takes no more uploads of this app.
    #[error(transparent)]
    Installation(#[from] InstallationError),
    /// The storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An upload that may be stored, with what it holds that may not.
pub(crate) struct Accepted {
    upload: Upload,
    rejected: Vec<Rejected>,
}

/// Charges a request to its key and reads it. Borrows from the request's bytes; what is accepted does
/// not, so that they can be dropped before it is stored.
///
/// # Errors
/// [`IngestError`], by what is wrong with the whole request.
pub(crate) fn accept(
    state: &AppState,
    key: Key,
    request: UploadRequest<'_>,
    form: Form,
) -> Result<Accepted, IngestError> {
    charge(state, &key, request.events.len())?;
    let (upload, rejected) = read(request, form, key.app, state.now_ms())?;
    Ok(Accepted { upload, rejected })
}

/// Verifies the proofs in an upload and stores it. Resolves once it is on disk.
///
/// # Errors
/// [`IngestError::Installation`] for an erased installation or another app's; else
/// [`IngestError::Store`].
pub(crate) async fn store(
    state: &AppState,
    accepted: Accepted,
) -> Result<UploadAnswer, IngestError> {
    let Accepted { mut upload, rejected } = accepted;
    verify(state, &mut upload).await?;
    let (stored, calls, app) = (upload.events.len(), upload.calls.len(), upload.app.clone());
    let mut appended = state.storage.append(upload).await??;
    if !appended.codes.is_empty() {
        let numbers = state.screen_numbers(&app).map(|(name, number)| (name.clone(), number));
        appended.screens.extend(numbers);
    }
    let metrics = &state.metrics;
    metrics.events.inc_by(stored as u64);
    metrics.calls.inc_by(calls as u64);
    metrics.rejected.inc_by(rejected.len() as u64);
    let Appended { codes, codes_version, codes_doubted, screens } = appended;
    Ok(UploadAnswer { stored, rejected, codes, codes_version, codes_doubted, screens })
}

/// Erases an installation, also one never seen: whatever it still sends is refused.
///
/// # Errors
/// [`IngestError::Invalid`] for what is not the id of an installation, [`IngestError::Throttled`],
/// [`IngestError::Installation`] for another app's; else [`IngestError::Store`].
pub(crate) async fn erase(state: &AppState, key: Key, id: &str) -> Result<(), IngestError> {
    let installation = installation(id)?;
    charge(state, &key, 0)?;
    Ok(state.storage.erase(key.app, installation, state.now_ms()).await??)
}

/// Counts a request and its events against its key's quota.
fn charge(state: &AppState, key: &Key, events: usize) -> Result<(), IngestError> {
    let cost = REQUEST_COST + u32::try_from(events).unwrap_or(u32::MAX - REQUEST_COST);
    let charged = state.quotas.charge(key, cost);
    charged.map_err(|retry_after_s| IngestError::Throttled { retry_after_s })
}

/// Judges the proofs in an upload. A customer whose proof is not accepted is stored all the same, as
/// not verified.
async fn verify(state: &AppState, upload: &mut Upload) -> Result<(), StoreError> {
    if !upload.identifications().any(|it| it.proof.is_some()) {
        return Ok(());
    }
    let (app, nonce, arrived_at) = (upload.app.clone(), upload.nonce.clone(), upload.arrived_at);
    let keys = state.storage.identity_keys(Some(app.clone())).await?;
    let keys: Vec<_> = keys.into_iter().map(|(key, _)| key).collect();
    let mut proven: Vec<&mut Identification> =
        upload.identifications().filter(|it| it.proof.is_some()).collect();
    let mut error = None;
    for (place, identification) in proven.iter_mut().rev().enumerate() {
        let (Some(customer), Some(proof)) = (&identification.id, &identification.proof) else {
            continue;
        };
        let presented = PresentedProof {
            proof,
            customer,
            app: &app,
            at: identification.at,
            arrived_at,
            nonce: &nonce,
        };
        let judged = if place < PROOFS_JUDGED_MAX {
            proof::judge(&presented, &keys)
        } else {
            Err(ProofError::TooMany)
        };
        error = judged.err().or(error);
        let outcome = if judged.is_ok() { ProofOutcome::Accepted } else { ProofOutcome::Refused };
        state.metrics.proofs.get_or_create(&ProofLabels { outcome }).inc();
        identification.verified = match judged {
            // A call repeats the proof of a customer who was named long ago; it was judged then.
            Err(ProofError::Expired) if identification.repeated => None,
            judged => Some(judged.is_ok()),
        };
    }
    if let Some(why) = error {
        tracing::warn!(app, %why, "a customer's proof was not accepted: they show as not verified");
    }
    Ok(())
}

/// Reads an upload: what to store, and what is refused by name. Pure.
fn read(
    request: UploadRequest<'_>,
    form: Form,
    app: String,
    arrived_at: i64,
) -> Result<(Upload, Vec<Rejected>), IngestError> {
    let bits = bits(&request.installation)?;
    bound(&request.events, form)?;
    if [request.epoch, request.oldest, request.next].iter().any(|n| i64::try_from(*n).is_err()) {
        return Err(IngestError::Invalid("`epoch`, `oldest` and `next` end at 2^63 - 1"));
    }
    if request.oldest > request.next {
        return Err(IngestError::Invalid("`oldest` is above `next`"));
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
        codes_version: request.codes_version,
        codes: request.codes.map(|codes| locators(&codes)),
        owner: request.owner.map(|owner| owner_of(owner, times)).transpose()?,
        arrived_at,
        events: Vec::with_capacity(request.events.len() + 1),
        calls: Vec::new(),
        refused: Vec::new(),
    };
    let mut rejected = Vec::new();
    for raw in request.events {
        let read = event::read(raw).ok_or_else(|| {
            IngestError::Invalid("an event has no `seq` from 0 to 2^63 - 1, so it cannot be named")
        })?;
        if let Err((seq, reason)) = read.and_then(|event| add(&mut upload, &event, times)) {
            upload.refused.push(seq);
            rejected.push(Rejected { seq, reason });
        }
    }
    if form == Form::Call {
        let tap = request.call.ok_or_else(|| IngestError::Malformed("`call` is required"))?;
        add_call(&mut upload, &tap, request.customer, times)?;
    }
    // Whatever `next` says, the events that were sent exist.
    let highest = upload.events.iter().map(|event| event.seq).chain(upload.refused.iter().copied());
    upload.next = highest.map(|seq| seq.saturating_add(1)).fold(upload.next, u64::max);
    upload.next = upload.next.min(i64::MAX as u64);
    Ok((upload, rejected))
}

/// The locators in a list; what is not one is not honoured either.
fn locators(codes: &[String]) -> Vec<u32> {
    let whole = |code: &&String| code.len() == 9 && code.bytes().all(|b| b.is_ascii_digit());
    codes.iter().filter(whole).take(CODES_NAMED_MAX).filter_map(|code| code.parse().ok()).collect()
}

fn owner_of(owner: Owner, times: Times) -> Result<NewOwner, IngestError> {
    let Owner { seq, since, unknown, id, proof, at } = owner;
    let invalid = i64::try_from(seq).is_err()
        || since.is_some_and(|since| since > seq)
        || id.as_ref().is_some_and(|id| id.len() > TEXT_BYTES_MAX)
        || proof.as_ref().is_some_and(|proof| proof.len() > PROOF_BYTES_MAX);
    if invalid {
        return Err(IngestError::Invalid(
            "`owner` has a `seq` from 0 to 2^63 - 1, a `since` up to that, an `id` of at most 1,024 bytes and a `proof` of \
             at most 4,096",
        ));
    }
    let customer = Customer { id: id.filter(|_| !unknown), proof, at };
    let named_at = times.shown(at.unwrap_or(times.sent_at));
    Ok(NewOwner { seq, since, unknown, identification: identification(customer, named_at) })
}

/// The hash of an installation, from its 32 hexadecimal digits.
fn installation(id: &str) -> Result<Hash, IngestError> {
    bits(id).map(|bits| sha256(&bits))
}

fn bits(id: &str) -> Result<[u8; 16], IngestError> {
    let invalid = || IngestError::Invalid("an installation is 32 hexadecimal digits, not all zero");
    if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(invalid());
    }
    let number = u128::from_str_radix(id, 16).map_err(|_| invalid())?;
    // A phone without randomness would send this: it would be everybody's.
    if number == 0 { Err(invalid()) } else { Ok(number.to_be_bytes()) }
}

fn bound(events: &[&RawValue], form: Form) -> Result<(), IngestError> {
    match form {
        Form::Batch if events.len() > BATCH_EVENTS_MAX => {
            Err(IngestError::TooLarge("a batch has at most 500 events: split it"))
        }
        Form::Call if events.len() > SNAPSHOT_EVENTS_MAX => {
            Err(IngestError::TooLarge("a call has at most 20 events"))
        }
        Form::Call
            if events.iter().map(|raw| raw.get().len()).sum::<usize>() > SNAPSHOT_BYTES_MAX =>
        {
            Err(IngestError::TooLarge("the events of a call have at most 16 KiB together"))
        }
        Form::Batch | Form::Call => Ok(()),
    }
}

/// The same moment by the phone's clock and by ours.
#[derive(Debug, Clone, Copy)]
struct Times {
    sent_at: i64,
    arrived_at: i64,
}

impl Times {
    /// When something happened, by our clock: only the time between the event and its sending is taken
    /// from the phone. Nothing is in the future, or older than a phone keeps events.
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

/// Adds the call of `/v1/calls`, and the event that marks its place in the order.
fn add_call(
    upload: &mut Upload,
    tap: &CallTap,
    customer: Option<Customer>,
    times: Times,
) -> Result<(), IngestError> {
    let seq = tap
        .seq
        .filter(|seq| i64::try_from(*seq).is_ok())
        .ok_or_else(|| IngestError::Invalid("`call.seq` is required, from 0 to 2^63 - 1"))?;
    let customer = customer.unwrap_or(Customer { id: None, proof: None, at: None });
    let texts = [&customer.id, &tap.topic, &tap.screen];
    if texts.into_iter().flatten().any(|text| text.len() > TEXT_BYTES_MAX) {
        return Err(IngestError::Invalid(
            "`call.topic`, `call.screen` and `customer.id` have at most 1,024 bytes",
        ));
    }
    if customer.proof.as_ref().is_some_and(|proof| proof.len() > PROOF_BYTES_MAX) {
        return Err(IngestError::Invalid("`customer.proof` has at most 4,096 bytes"));
    }
    let named_at = times.shown(customer.at.unwrap_or(tap.tapped_at));
    let identification = identification(customer, named_at);
    // A person's use of the phone begins before their call.
    let since = tap.since.map(|since| since.min(seq));
    let from = upload.events.iter().map(|event| event.seq).fold(seq, u64::min);
    // The backlog's own event has the session. Until it arrives, the newest event before the call
    // says which.
    let session = upload.events.iter().rev().find_map(|event| session_of(&event.body));
    let call = new_call(tap, seq, Some(NewStatement { identification, from, since }), times)
        .ok_or_else(|| IngestError::Invalid("`call.token` or `call.code` is not of its form"))?;
    // Only its place and its screen: the call itself is stored apart.
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
    // A phone without randomness would send this: it would be everybody's.
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
