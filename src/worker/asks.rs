//! Threads of the app that wait for an answer of the worker: a preview, or that all is uploaded.
//!
//! Each has a bell of its own; the worker answers at the end of a turn, and whoever asks after its
//! end has the answer at once.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Shared, Worker, send::snapshot};
use crate::clock::Bell;
use crate::config::{Consent, PREVIEW_WAIT_MS};
use crate::preview::Preview;
use crate::wire;

/// A question, and its answer once there is one.
#[derive(Default)]
pub(super) struct Ask<T> {
    bell: Bell,
    answer: Mutex<Option<T>>,
}

/// What waits for the worker.
#[derive(Default)]
pub(super) struct Asks {
    previews: Vec<Arc<Ask<Preview>>>,
    uploads: Vec<Arc<Ask<bool>>>,
}

impl<T> Ask<T> {
    fn answer(&self, answer: T) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        self.bell.ring();
    }

    fn take(&self) -> Option<T> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Asks {
    pub(super) fn is_empty(&self) -> bool {
        self.previews.is_empty() && self.uploads.is_empty()
    }

    pub(super) fn append(&mut self, mut other: Self) {
        self.previews.append(&mut other.previews);
        self.uploads.append(&mut other.uploads);
    }
}

impl Shared {
    /// What a call would carry now; nothing when the worker has ended or takes too long.
    pub(crate) fn preview(&self) -> Preview {
        self.wait_for(PREVIEW_WAIT_MS, |asks, ask| asks.previews.push(ask)).unwrap_or_default()
    }

    /// Has everything uploaded, and waits for it; true when nothing waits any more.
    pub(crate) fn upload_and_wait(&self, timeout_ms: u64) -> bool {
        let wait = |asks: &mut Asks, ask| asks.uploads.push(ask);
        self.wait_for(timeout_ms, wait).unwrap_or(false)
    }

    fn wait_for<T: Default>(
        &self,
        timeout_ms: u64,
        put: impl FnOnce(&mut Asks, Arc<Ask<T>>),
    ) -> Option<T> {
        let clock = &self.intake.clock;
        let until_ms = clock.now().elapsed_ms.saturating_add(timeout_ms);
        let ask = Arc::new(Ask { bell: Bell::new(), answer: Mutex::new(None) });
        {
            let mut inbox = self.inbox();
            if inbox.ended {
                return None;
            }
            put(&mut inbox.asks, Arc::clone(&ask));
        }
        self.intake.bell.ring();
        loop {
            if let Some(answer) = ask.take() {
                return Some(answer);
            }
            if clock.now().elapsed_ms >= until_ms {
                return None;
            }
            clock.wait(&ask.bell, Some(until_ms));
        }
    }

    /// The worker has ended: whoever still waits is told so.
    pub(crate) fn end_asks(&self) {
        let mut inbox = self.inbox();
        inbox.ended = true;
        let asks = std::mem::take(&mut inbox.asks);
        drop(inbox);
        asks.end();
    }
}

impl Asks {
    fn end(self) {
        for ask in self.previews {
            ask.answer(Preview::default());
        }
        for ask in self.uploads {
            ask.answer(false);
        }
    }

    /// Whether an upload is waited for.
    pub(super) fn wants_upload(&self) -> bool {
        !self.uploads.is_empty()
    }
}

impl Worker {
    /// Answers whoever can be answered at the end of a turn.
    pub(super) fn answer_asks(&mut self) {
        if self.asks.is_empty() {
            return;
        }
        for ask in std::mem::take(&mut self.asks.previews) {
            ask.answer(self.preview());
        }
        let waits = self.something_waits();
        // Nothing is under way, and yet something waits: it failed, or may not be sent.
        if !waits || !self.upload.is_sending() {
            for ask in std::mem::take(&mut self.asks.uploads) {
                ask.answer(!waits);
            }
        }
    }

    /// What a call tapped now would carry: its snapshot, read back.
    fn preview(&self) -> Preview {
        let Some(store) = &self.store else { return Preview::default() };
        if self.shared.intake.front().consent != Consent::Granted {
            return Preview::default();
        }
        let newest = snapshot(&self.newest, u64::MAX);
        Preview {
            customer: store.customer().map(|(id, _)| id.to_owned()),
            steps: newest.iter().filter_map(|(_, body)| wire::read_step(body)).collect(),
            uploaded_before: store.counts().is_ok_and(|counts| counts.delivered > 0),
        }
    }

    /// Whether there is anything that an upload would bring to the collector.
    fn something_waits(&self) -> bool {
        let plot = self.shared.ground.plot();
        let (wipe, erasures) = (plot.wipe, plot.erasures.len());
        drop(plot);
        if erasures > 0 {
            return true;
        }
        let front = self.shared.intake.counts();
        // Without a grant nothing may leave; what is to be deleted will not.
        let unsent = self.store.as_ref().map_or(0, |store| store.unsent());
        !wipe
            && front.consent == Consent::Granted
            && (front.waiting > 0 || unsent > 0 || !self.calls.is_empty())
    }
}
