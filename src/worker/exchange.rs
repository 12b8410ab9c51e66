//! One request and its answer: what was asked, and what the answer means.

use crate::config::ANSWER_BYTES_MAX;
use crate::installation::InstallationId;
use crate::recorder::CodesVersion;
use crate::transport::{Response, SendError};
use crate::upload::{Verdict, judge};
use crate::wire::{self, Answer};

/// What a request is for.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    /// To open the call lane's connection.
    Warm,
    Batch {
        events: usize,
    },
    Call {
        seq: u64,
    },
    Erasure(InstallationId),
}

/// A request and its answer.
pub(super) struct Exchange {
    /// Which request it was, from 1 on.
    pub(super) number: u64,
    pub(super) generation: u64,
    pub(super) purpose: Purpose,
    /// The customer under whom it was sent: codes in the answer are that customer's.
    pub(super) codes_seen: CodesVersion,
    pub(super) outcome: Result<Response, SendError>,
}

/// Why an upload did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UploadProblem {
    /// There was no answer.
    #[error(transparent)]
    Transport(#[from] SendError),
    /// The collector, or whoever stands in its way, answered with this HTTP status.
    #[error("the collector answered {0}")]
    Status(u16),
    /// The answer was not our collector's: a captive portal, or a wrong endpoint.
    #[error("the answer is not a collector's: check the endpoint, or log in to the network")]
    NotACollector,
}

/// What an answer means.
pub(super) struct Reading {
    pub(super) verdict: Verdict,
    pub(super) answer: Answer,
    pub(super) problem: Option<UploadProblem>,
}

impl Exchange {
    /// Reads the answer. Whatever deletes or drops anything must come from our collector, and not
    /// from what stands between.
    pub(super) fn read(&self) -> Reading {
        let response = match &self.outcome {
            Ok(response) => response,
            Err(error) => {
                let problem = Some((*error).into());
                return Reading { verdict: Verdict::BackOff, answer: Answer::default(), problem };
            }
        };
        let erasure = matches!(self.purpose, Purpose::Erasure(_));
        // A transport of the app's own may hand over more than an answer ever holds.
        let answer = (response.body.len() <= ANSWER_BYTES_MAX)
            .then(|| wire::read_answer(&response.body))
            .flatten();
        let ours = match response.status {
            204 => erasure,
            400..=499 => wire::is_problem(&response.body, response.status),
            _ => !erasure && answer.is_some(),
        };
        let verdict = match judge(response.status, response.retry_after_ms, ours) {
            // An id that the collector calls erased is erased.
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
