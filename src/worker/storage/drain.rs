//! Draining: takes sealed segments of the journal over into the store, and gives the caller new ones
//! to go on in.

use std::sync::Arc;

use super::Storage;
use crate::clock::Now;
use crate::error::Error;
use crate::event::{DropReason, Form, Kind, Record};
use crate::recorder::Recorder;
use crate::wire;

impl Storage {
    pub(super) fn drain_what_is_due(&mut self, now: Now, closing: bool) -> Result<(), Error> {
        // Without a journal at the recorder (a refusal or an erasure came meanwhile), the one here
        // is about to be deleted.
        while let Some(drainer) = &self.drainer
            && self.handle.recorder.has_journal()
        {
            let signal = self.handle.recorder.drain_signal();
            if !drainer.has_sealed() && !signal.is_due(now.elapsed_ms, closing) {
                break;
            }
            if !self.drain(now)? {
                break;
            }
        }
        Ok(())
    }

    /// Copies one segment into the store, then frees it. False if there was none to be had.
    fn drain(&mut self, now: Now) -> Result<bool, Error> {
        let handle = Arc::clone(&self.handle);
        if self.taken_over {
            return self.free_segment().map(|()| true);
        }
        let (Some(store), Some(drainer)) = (self.store.as_mut(), self.drainer.as_mut()) else {
            return Ok(false);
        };
        let leftover = drainer.has_sealed();
        let run = drainer.run();
        let (seen, counted, all) = handle.recorder.seal(drainer);
        if !all && !drainer.has_sealed() {
            // The caller has no segment to go on in, because starting it again has failed; or no
            // journal any more.
            let renewed = drainer.renew_spare(|| draw_salt(&handle.recorder))?;
            handle.recorder.take_spare(drainer);
            return Ok(renewed);
        }
        let read = drainer.read()?;
        let (events, noted) = (read.events, read.noted());
        let records = read.records.into_iter().map(to_json).collect();
        let outcome = store.drain(records, read.damages, &counted, run, now)?;
        // Under the report's lock, so that no status misses an event in transit or counts it twice.
        let counts = store.counts();
        let mut report = handle.report();
        handle.recorder.on_drained(events, &noted, &counted);
        report.counts = counts.unwrap_or(report.counts);
        drop(report);
        handle.recorder.append_buffered();
        self.taken_over = true;
        if !outcome.added.is_empty() {
            self.first_unsent_ms.get_or_insert(now.elapsed_ms);
        }
        self.pending_calls.extend(&outcome.calls);
        self.drained_call = self.drained_call.or(outcome.calls.first().copied());
        let changed_customer = !outcome.changes.is_empty();
        handle.recent().add(outcome.added, outcome.changes);
        if changed_customer {
            // A power cut that takes a change of customer back would file what was synced before it
            // under whoever signs in next.
            store.make_durable(now)?;
        }
        self.expire(now)?;
        // A segment that was sealed earlier does not contain the taps since then.
        if all && !leftover {
            self.codes_seen = seen;
            self.offer_codes(now)?;
        }
        self.free_segment().map(|()| true)
    }

    fn free_segment(&mut self) -> Result<(), Error> {
        if let Some(drainer) = self.drainer.as_mut() {
            drainer.free(draw_salt(&self.handle.recorder))?;
        }
        self.taken_over = false;
        self.prepare_segment();
        Ok(())
    }

    /// Maps the journal's free segment, and gives it to the caller. One that cannot be mapped is given
    /// as it is, and mapping is tried again the next time that it is free.
    pub(super) fn prepare_segment(&mut self) {
        let Some(drainer) = self.drainer.as_mut() else { return };
        let recorder = &self.handle.recorder;
        // Two at most: a segment that was written to, and is empty, comes back for one that is mapped.
        for _ in 0..2 {
            let prepared = match drainer.renew_spare(|| draw_salt(recorder)) {
                Ok(false) => break,
                Ok(true) if self.handle.installation.is_locked() => drainer.map(),
                // Another process may shorten the file: touching the map would end this one.
                Ok(true) => Err(Error::Unlocked),
                Err(error) => Err(error),
            };
            if let Err(error) = &prepared
                && self.unmapped.is_none()
            {
                log::warn!("the journal is written, not mapped: {error}");
            }
            self.unmapped = prepared.err().map(|error| error.to_string());
            recorder.take_spare(drainer);
        }
    }
}

fn draw_salt(recorder: &Recorder) -> u32 {
    let mut bits = [0; 4];
    recorder.clock().random(&mut bits);
    u32::from_le_bytes(bits)
}

/// Turns a compact record into JSON. One that cannot be read becomes a note that one was lost.
fn to_json(mut record: Record) -> Record {
    if record.form == Form::Compact {
        (record.kind, record.body) = match wire::to_json(&record) {
            Some(json) => (record.kind, json),
            None => (Kind::Dropped, vec![DropReason::Corrupt as u8]),
        };
        record.form = Form::Json;
    }
    record
}
