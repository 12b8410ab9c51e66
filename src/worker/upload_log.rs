//! Writes to the log how uploads end: one clear line for each problem that a developer should look
//! at, not one per attempt. Decides nothing about uploads.

use super::round_trip::UploadProblem;

/// The problems that the log has named since an upload last succeeded.
#[derive(Default)]
pub(super) struct UploadLog {
    key: bool,
    unreachable: bool,
}

impl UploadLog {
    /// Logs how an upload ended. `refused` says that our collector does not accept the key.
    pub(super) fn note(&mut self, problem: Option<UploadProblem>, refused: bool) {
        match problem {
            None => *self = Self::default(),
            Some(UploadProblem::Status(status)) if refused && !self.key => {
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
            // Something on the way wants a login. Behind such a proxy, no upload ever succeeds.
            Some(UploadProblem::Status(status @ (401 | 403 | 407 | 511)))
                if !refused && !self.unreachable =>
            {
                self.unreachable = true;
                log::warn!(
                    "the collector cannot be reached: something before it answered {status}: check \
                     the endpoint and the proxies, or log in to the network; events are kept, and \
                     it is tried again, without another warning until an upload succeeds"
                );
            }
            Some(problem @ UploadProblem::Status(400 | 402 | 404..=406 | 408..=510 | 512..)) => {
                log::info!("an upload did not succeed: {problem}");
            }
            Some(problem) => log::debug!("an upload did not succeed: {problem}"),
        }
    }
}
