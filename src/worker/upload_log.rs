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
    /// Logs how an upload ended.
    pub(super) fn note(&mut self, problem: Option<UploadProblem>) {
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
