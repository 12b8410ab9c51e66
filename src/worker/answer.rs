//! What the worker makes of an answer.

use super::send::Sent;
use super::{UploadProblem, Worker};
use crate::clock::Now;
use crate::config::ANSWER_BYTES_MAX;
use crate::error::Error;
use crate::recorder::CodesVersion;
use crate::transport::{Response, SendError};
use crate::upload::{Verdict, judge};
use crate::wire::{self, Answer};

/// An answer, and what it answers.
pub(super) struct Answered {
    /// Which request it answers, from 1 on.
    pub(super) number: u64,
    pub(super) generation: u64,
    pub(super) what: Sent,
    /// The customer under whom it was sent: codes in the answer are that customer's.
    pub(super) codes_seen: CodesVersion,
    pub(super) outcome: Result<Response, SendError>,
}

/// What the log was told of since an upload last succeeded.
#[derive(Default)]
pub(super) struct Told {
    key: bool,
    unreachable: bool,
}

impl Told {
    /// Tells the log how an upload ended: what a developer should look at is one clear line, and
    /// not one each time.
    fn tell(&mut self, problem: Option<UploadProblem>) {
        match problem {
            None => *self = Self::default(),
            Some(UploadProblem::Status(status @ (401 | 403))) if !self.key => {
                self.key = true;
                log::warn!(
                    "the collector answered {status}, it does not accept the write key: set \
                     write_key to what `jalon-collector key create --kind write` printed at that \
                     endpoint; events are kept, and nothing is uploaded until the app opens the \
                     journey or asks for an upload"
                );
            }
            Some(problem @ (UploadProblem::Transport(_) | UploadProblem::NotACollector))
                if !self.unreachable =>
            {
                self.unreachable = true;
                log::warn!(
                    "the collector cannot be reached: {problem}; events are kept, and it is tried \
                     again, without another warning until an upload succeeds"
                );
            }
            Some(problem @ UploadProblem::Status(400 | 402 | 404..)) => {
                log::info!("an upload did not succeed: {problem}");
            }
            Some(problem) => log::debug!("an upload did not succeed: {problem}"),
        }
    }
}

impl Worker {
    pub(super) fn take_answer(&mut self, answered: &Answered, now: Now) {
        if matches!(answered.what, Sent::Warmth) {
            return;
        }
        let (verdict, answer, problem) = read(answered);
        let wall_ms = now.wall_ms;
        self.shared.report().last_upload = Some((wall_ms, problem.map_or(Ok(()), Err)));
        self.told.tell(problem);
        if answered.generation != self.generation {
            // Sent before everything was deleted: the lanes have begun anew.
            return;
        }
        let random = self.random();
        let same_customer = self.shared.recorder.same_customer(answered.codes_seen);
        let taken = match answered.what {
            Sent::Warmth => Ok(()),
            Sent::Erasure(installation) => {
                if verdict == Verdict::Stored {
                    self.shared.installation.state().erased(&installation);
                }
                self.upload.on_erasure(verdict, now.elapsed_ms, random);
                Ok(())
            }
            Sent::Batch { events } => {
                let refused_alone = self.upload.on_backlog(verdict, events, now.elapsed_ms, random);
                self.after_batch(verdict, &answer, refused_alone, events, same_customer, now)
            }
            Sent::Call { seq } => {
                self.upload.on_call(verdict, now.elapsed_ms, random);
                self.after_call(verdict, &answer, seq, same_customer, now)
            }
        };
        if matches!(verdict, Verdict::Pause | Verdict::Wait(_) | Verdict::BackOff) {
            self.tell_waiters_of_failure(answered.number);
        }
        if let Err(error) = taken {
            // What was stored is sent again, and the collector keeps one of the two.
            if let (Sent::Batch { .. }, Some(store)) = (answered.what, self.store.as_mut()) {
                store.release();
            }
            self.put_off(&error, now);
        }
        if verdict == Verdict::Erased {
            log::warn!("the collector has erased this installation: deleting everything here");
            self.shared.installation.erase(true, &self.shared.recorder);
        }
    }

    fn after_batch(
        &mut self,
        verdict: Verdict,
        answer: &Answer,
        refused_alone: bool,
        events: usize,
        same_customer: bool,
        now: Now,
    ) -> Result<(), Error> {
        let Some(store) = self.store.as_mut() else { return Ok(()) };
        match verdict {
            Verdict::Stored => {
                for rejected in &answer.rejected {
                    log::warn!("the collector refused event {}", rejected.seq);
                }
                // Codes that could not be kept are asked for again with the next events, and not
                // at once: until those tell who the customer is, the answer would be the same.
                let kept = store.settle(answer, None, same_customer, now)?;
                self.codes_asked = kept || events == 0;
                if store.unsent() == 0 {
                    self.first_unsent_ms = None;
                }
                self.calls = store.calls_waiting()?.into();
                self.offer_codes(now)
            }
            Verdict::Divide if refused_alone => {
                log::warn!("an event was refused alone, and is dropped");
                store.drop_refused(now)
            }
            _ => {
                store.release();
                // An empty batch that fails is not worth waking up for: the next one brings codes.
                self.codes_asked |= events == 0;
                self.codes_out_of_reach |= events == 0;
                Ok(())
            }
        }
    }

    fn after_call(
        &mut self,
        verdict: Verdict,
        answer: &Answer,
        seq: u64,
        same_customer: bool,
        now: Now,
    ) -> Result<(), Error> {
        match verdict {
            Verdict::Stored => {
                self.calls.retain(|waiting| *waiting != seq);
                if let Some(store) = self.store.as_mut() {
                    store.settle(answer, Some(seq), same_customer, now)?;
                }
                self.offer_codes(now)
            }
            // The snapshot is refused as a whole; the backlog brings its events one by one.
            Verdict::Divide => self.finish_call(seq, now),
            _ => Ok(()),
        }
    }
}

fn read(answered: &Answered) -> (Verdict, Answer, Option<UploadProblem>) {
    let response = match &answered.outcome {
        Ok(response) => response,
        Err(error) => return (Verdict::BackOff, Answer::default(), Some((*error).into())),
    };
    let erasure = matches!(answered.what, Sent::Erasure(_));
    // A transport of the app's own may hand over more than an answer ever holds.
    let answer = (response.body.len() <= ANSWER_BYTES_MAX)
        .then(|| wire::read_answer(&response.body))
        .flatten();
    // What deletes or drops anything here must come from our collector, and not from what stands
    // between.
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
    (verdict, answer.unwrap_or_default(), problem)
}
