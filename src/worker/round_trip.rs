//! One request and its answer. Says whether the answer is our collector's; what follows from it is
//! decided in `upload` and applied by `uploader`.

use crate::config::ANSWER_BYTES_MAX;
use crate::error::Error;
use crate::installation::InstallationId;
use crate::recorder::CodesVersion;
use crate::store::Told;
use crate::transport::{Response, SendError};
use crate::upload::{Verdict, judge};
use crate::wire::{self, Answer};

/// The purpose of a request.
#[derive(Clone)]
pub(super) enum Purpose {
    /// Opens the call lane's connection.
    Warm,
    Batch {
        events: usize,
        told: Told,
    },
    Call {
        seq: u64,
        told: Told,
    },
    Erasure(InstallationId),
}

/// A request with its answer.
pub(super) struct RoundTrip {
    /// The request's number, from 1 on.
    pub(super) number: u64,
    pub(super) generation: u64,
    /// The epoch of the store that it speaks of.
    pub(super) epoch: Option<u32>,
    pub(super) purpose: Purpose,
    /// The version of the codes at sending: codes in the answer belong to the customer of that
    /// time.
    pub(super) codes_seen: CodesVersion,
    pub(super) outcome: Result<Response, SendError>,
}

/// The reason why an upload did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UploadProblem {
    /// There was no answer.
    #[error(transparent)]
    Transport(#[from] SendError),
    /// The collector, or something between it and the phone, answered with this HTTP status.
    #[error("the collector answered {0}")]
    Status(u16),
    /// The answer did not come from a collector but from a captive portal, say, or a wrong
    /// endpoint.
    #[error("the answer is not a collector's: check the endpoint, or log in to the network")]
    NotACollector,
}

/// The reason why an installation is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The collector has erased it.
    Erased,
    /// Another phone uses it too.
    Conflict,
}

impl End {
    pub(super) fn of(verdict: Verdict) -> Option<Self> {
        match verdict {
            Verdict::Erased => Some(Self::Erased),
            Verdict::Conflict => Some(Self::Conflict),
            _ => None,
        }
    }
}

/// An answer as read, with its verdict.
pub(super) struct Reading {
    pub(super) verdict: Verdict,
    pub(super) answer: Answer,
    pub(super) problem: Option<UploadProblem>,
}

/// The outcome of an answer, for the rest of the worker.
pub(super) struct Answered {
    /// The request failed, and its content still waits.
    pub(super) failed: bool,
    /// The installation is over, for this reason.
    pub(super) end: Option<End>,
    /// An error if storage could not apply the answer.
    pub(super) stored: Result<(), Error>,
}

impl Answered {
    /// The answer changes nothing.
    pub(super) const NOTHING: Self = Self { failed: false, end: None, stored: Ok(()) };
}

impl RoundTrip {
    pub(super) fn is_erasure(&self) -> bool {
        matches!(self.purpose, Purpose::Erasure(_))
    }

    /// Reads the answer. Only an answer that is recognisably our collector's may delete or drop
    /// anything, or pause; one from a proxy or a captive portal may not.
    pub(super) fn read(&self) -> Reading {
        let response = match &self.outcome {
            Ok(response) => response,
            Err(error) => {
                let problem = Some((*error).into());
                return Reading { verdict: Verdict::BackOff, answer: Answer::default(), problem };
            }
        };
        let erasure = self.is_erasure();
        // An app's own transport may return a longer body than any answer has.
        let answer = (response.body.len() <= ANSWER_BYTES_MAX)
            .then(|| wire::read_answer(&response.body))
            .flatten();
        let ours = match response.status {
            204 => erasure,
            400..=599 => wire::is_problem(&response.body, response.status),
            _ => !erasure && answer.is_some(),
        };
        let verdict = match judge(response.status, response.retry_after_ms, ours) {
            // "Already erased" is a success for a request to erase.
            Verdict::Erased if erasure => Verdict::Stored,
            verdict => verdict,
        };
        let problem = match (verdict, response.status) {
            (Verdict::Stored, _) => None,
            (_, 200..=399) => Some(UploadProblem::NotACollector),
            (_, status) => Some(UploadProblem::Status(status)),
        };
        Reading { verdict, answer: answer.unwrap_or_default(), problem }
    }
}
