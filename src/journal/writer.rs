//! The caller's end of the journal: appends, and counts what finds no room.

use super::record::{Fields, RECORD_BYTES, seal};
use super::segment::Segment;
use crate::config::EVENT_BYTES_MAX;
use crate::event::{DropReason, Form, Kind};
use crate::system::Process;

/// The reason why a record was not appended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum AppendError {
    /// Both segments are full: the worker has not drained them yet.
    Full,
    /// The record's body is larger than [`EVENT_BYTES_MAX`].
    TooLarge,
    /// The system did not write it: the disk or the user's quota is full, or the file cannot be
    /// written. Or this process was forked from the one whose journal it is.
    Refused,
}

/// The caller's end of the journal.
#[derive(Debug)]
pub(crate) struct Writer {
    active: Segment,
    /// The next one to append to.
    spare: Option<Segment>,
    /// Sealed because it was full, and not taken by the worker yet.
    full: Option<Segment>,
    run: u64,
    /// Records appended so far.
    appended: u64,
    /// A record in the making.
    record: Box<[u8]>,
    process: Process,
}

impl Writer {
    pub(super) fn new(active: Segment, run: u64) -> Self {
        let record = vec![0; RECORD_BYTES + EVENT_BYTES_MAX].into_boxed_slice();
        let process = Process::current();
        Self { active, spare: None, full: None, run, appended: 0, record, process }
    }

    /// Returns whether the active segment is more than half full, or another one is full already, so
    /// that the journal should be drained.
    pub(crate) fn is_half_full(&self) -> bool {
        self.full.is_some() || self.active.is_half_full()
    }

    /// Returns whether there are no records in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.full.is_none() && self.active.is_empty()
    }

    /// Appends one record. `body` writes it into the buffer that it gets, and returns how many bytes
    /// it takes; `None` if they are too many.
    pub(crate) fn append(
        &mut self,
        (kind, form): (Kind, Form),
        (at_ms, elapsed_ms): (i64, u64),
        session: u32,
        body: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> Result<(), AppendError> {
        if !self.process.is_current() {
            return Err(AppendError::Refused);
        }
        let bytes =
            RECORD_BYTES + body(&mut self.record[RECORD_BYTES..]).ok_or(AppendError::TooLarge)?;
        if !self.active.has_room_for(bytes) {
            self.seal_full()?;
        }
        let (run, index) = (self.run, self.appended + 1);
        let record = &mut self.record[..bytes];
        let fields = Fields { kind, form, run, index, at_ms, elapsed_ms, session };
        seal(record, &fields, self.active.salt());
        let is_event = kind != Kind::Dropped;
        self.active.append(record, index, is_event).map_err(|_| AppendError::Refused)?;
        self.appended += 1;
        Ok(())
    }

    /// Counts a drop beside the records, where it survives a kill. False where there is no such
    /// place: the segment is not mapped.
    pub(crate) fn count_dropped(&mut self, reason: DropReason) -> bool {
        self.process.is_current() && self.active.count_dropped(reason)
    }

    fn seal_full(&mut self) -> Result<(), AppendError> {
        if self.full.is_some() {
            return Err(AppendError::Full);
        }
        let spare = self.spare.take().ok_or(AppendError::Full)?;
        self.full = Some(std::mem::replace(&mut self.active, spare));
        Ok(())
    }

    /// Gives the worker the oldest segment that holds records, if it can be had: the full one, or the
    /// active one if there is another to go on with. No I/O.
    pub(super) fn take_sealed(&mut self) -> Option<Segment> {
        if self.full.is_none() && !self.active.is_empty() {
            // The worker finds none if there is no spare.
            let _ = self.seal_full();
        }
        self.full.take()
    }

    /// Takes the next segment to append to. If it is mapped and the active one is not, goes on in it
    /// at once. Returns a segment that is left over without records.
    pub(super) fn offer(&mut self, spare: Segment) -> Option<Segment> {
        self.spare = Some(spare);
        let better =
            self.spare.as_ref().is_some_and(Segment::is_mapped) && !self.active.is_mapped();
        if better && self.seal_full().is_ok() && self.full.as_ref().is_some_and(Segment::is_empty) {
            return self.full.take();
        }
        None
    }
}
