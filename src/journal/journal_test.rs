use std::path::PathBuf;

use super::drainer::Drained;
use super::header::BODY_AT;
use super::record::RECORD_BYTES;
use super::*;
use crate::config::EVENT_BYTES_MAX;
use crate::event::{DropReason, Form, Kind};

const MAX: u64 = 64 * 1024;

/// A journal in a folder of its own.
pub(super) struct Journal {
    dir: tempfile::TempDir,
    pub(super) open: Option<(Writer, Drainer)>,
    session: (u32, i64),
    pub(super) waiting: u64,
    pub(super) torn: u64,
    runs: u64,
}

impl Journal {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Self { dir, open: None, session: (0, 0), waiting: 0, torn: 0, runs: 0 };
        journal.reopen();
        journal
    }

    /// One whose segments are mapped.
    pub(super) fn mapped() -> Self {
        let mut journal = Self::new();
        journal.map();
        journal
    }

    /// As the next process finds it after a kill.
    pub(super) fn reopen(&mut self) {
        self.open = None;
        self.runs += 1;
        let salt = 77 + 1_000 * self.runs as u32;
        let opened = open(self.dir.path(), MAX, self.runs, salt).unwrap();
        (self.session, self.waiting, self.torn) = (opened.session, opened.waiting, opened.torn);
        self.open = Some((opened.writer, opened.drainer));
    }

    /// What the worker does with a free segment.
    fn map(&mut self) {
        let (writer, drainer) = self.open.as_mut().unwrap();
        while drainer.renew_spare(drainer_salt).unwrap() {
            drainer.map().unwrap();
            drainer.hand_over_spare(writer);
        }
    }

    fn writer(&mut self) -> &mut Writer {
        &mut self.open.as_mut().unwrap().0
    }

    fn try_append(&mut self, session: u32, body: &[u8]) -> Result<(), AppendError> {
        let at = (1_000 + i64::from(session), 5);
        self.writer().append((Kind::Event, Form::Json), at, session, |out| {
            out.get_mut(..body.len())?.copy_from_slice(body);
            Some(body.len())
        })
    }

    pub(super) fn append(&mut self, session: u32, body: &str) {
        self.try_append(session, body.as_bytes()).unwrap();
    }

    pub(super) fn seal(&mut self) -> bool {
        let (writer, drainer) = self.open.as_mut().unwrap();
        drainer.hand_over_spare(writer);
        drainer.seal(writer)
    }

    pub(super) fn read(&mut self) -> Drained {
        self.open.as_mut().unwrap().1.read().unwrap()
    }

    fn free(&mut self) {
        self.open.as_mut().unwrap().1.free(drainer_salt()).unwrap();
    }

    /// The bodies of all records, oldest first, and what was dropped.
    pub(super) fn drain(&mut self) -> (Vec<String>, Drained) {
        let (mut bodies, mut all) = (Vec::new(), Drained::default());
        loop {
            let done = self.seal();
            let read = self.read();
            let events = read.records.iter().filter(|record| record.kind == Kind::Event);
            bodies.extend(events.map(|record| String::from_utf8(record.body.clone()).unwrap()));
            all.damages += read.damages;
            all.records.extend(read.records);
            self.free();
            self.map();
            if done {
                return (bodies, all);
            }
        }
    }

    pub(super) fn bodies(&mut self) -> Vec<String> {
        self.drain().0
    }

    pub(super) fn files(&self) -> [PathBuf; 2] {
        SEGMENTS.map(|name| self.dir.path().join(name))
    }

    /// The file that holds this text.
    pub(super) fn file_with(&self, text: &str) -> PathBuf {
        let holds = |path: &PathBuf| holds(&std::fs::read(path).unwrap(), text);
        self.files().into_iter().find(holds).unwrap()
    }
}

fn drainer_salt() -> u32 {
    9
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// In both ways in which records are appended.
pub(super) fn written_and_mapped() -> [Journal; 2] {
    [Journal::new(), Journal::mapped()]
}

#[test]
fn what_was_appended_is_read_in_order_and_freed_once() {
    for mut journal in written_and_mapped() {
        journal.append(1, "a");
        journal.append(1, "b");
        journal.seal();
        journal.append(1, "c");
        assert_eq!(journal.read().records.len(), 2);
        assert!(!journal.seal());
        assert_eq!(journal.read().records.len(), 2, "sealing waits until the first is freed");
        journal.free();
        assert_eq!(journal.read().records.len(), 0);
        let (bodies, drained) = journal.drain();
        assert_eq!(bodies, ["c"]);
        assert_eq!(drained.records[0].index, 3);
    }
}

#[test]
fn both_segments_are_found_again_in_their_order() {
    for mut journal in written_and_mapped() {
        journal.append(1, "a");
        journal.seal();
        journal.append(2, "b");
        journal.reopen();
        assert_eq!((journal.session, journal.waiting), ((2, 1_002), 2));
        journal.append(3, "c");
        assert_eq!(journal.bodies(), ["a", "b", "c"]);
    }
}

#[test]
fn whatever_the_worker_was_doing_at_a_kill_the_next_process_reads_on() {
    for mapped in [false, true] {
        for moment in 0..7 {
            let mut journal = Journal::new();
            let mut expected = vec!["a"];
            for step in 0..moment {
                match step {
                    0 if mapped => journal.map(),
                    1 => journal.append(1, "a"),
                    2 => drop(journal.seal()),
                    3 => {
                        journal.append(1, "b");
                        expected.push("b");
                    }
                    4 => {
                        journal.free();
                        expected.remove(0);
                    }
                    5 => journal.map(),
                    _ => {}
                }
            }
            if moment < 2 {
                expected.clear();
            }
            journal.reopen();
            assert_eq!(journal.torn, 0, "moment {moment}");
            assert_eq!(journal.waiting, expected.len() as u64, "moment {moment}");
            journal.append(2, "c");
            expected.push("c");
            let (bodies, drained) = journal.drain();
            assert_eq!(bodies, expected, "moment {moment}");
            assert_eq!(drained.noted().total(), 0, "moment {moment}");
        }
    }
}

#[test]
fn the_session_outlives_the_records_it_was_read_from() {
    for mut journal in written_and_mapped() {
        journal.append(41, "a");
        assert_eq!(journal.bodies(), ["a"]);
        journal.reopen();
        assert_eq!(journal.session, (41, 1_041));
    }
}

#[test]
fn an_oversized_record_is_refused_and_leaves_no_trace() {
    for mut journal in written_and_mapped() {
        let big = vec![b'x'; EVENT_BYTES_MAX + 1];
        assert_eq!(journal.try_append(1, &big), Err(AppendError::TooLarge));
        journal.append(1, "a");
        assert_eq!(journal.bodies(), ["a"]);
    }
}

#[test]
fn the_caller_fills_both_segments_while_the_worker_is_kept_off_the_processor() {
    let mut journal = Journal::mapped();
    let body = "y".repeat(1_000);
    let mut appended = 0;
    while journal.try_append(1, body.as_bytes()).is_ok() {
        appended += 1;
    }
    assert_eq!(appended, 2 * ((MAX - BODY_AT) / (RECORD_BYTES as u64 + 1_000)));
    assert_eq!(journal.try_append(1, body.as_bytes()), Err(AppendError::Full));
    let (bodies, drained) = journal.drain();
    assert_eq!(bodies.len() as u64, appended);
    let indexes: Vec<u64> = drained.records.iter().map(|record| record.index).collect();
    assert_eq!(indexes, (1..=appended).collect::<Vec<_>>());
    journal.append(1, "again");
    assert_eq!(journal.bodies(), ["again"]);
}

#[test]
fn a_drop_that_is_counted_beside_the_records_survives_a_kill_and_is_counted_once() {
    assert!(!Journal::new().writer().count_dropped(DropReason::Disk), "only where it survives");
    for killed in [false, true] {
        let mut journal = Journal::mapped();
        journal.append(1, "a");
        for reason in [DropReason::Disk, DropReason::Disk, DropReason::Invalid] {
            assert!(journal.writer().count_dropped(reason));
        }
        if killed {
            journal.reopen();
        }
        journal.seal();
        for _ in 0..2 {
            let read = journal.read();
            let (events, dropped) = (read.events, read.noted());
            assert_eq!((events, dropped.total(), dropped.get(DropReason::Disk)), (1, 3, 2));
            let note = read.records.last().unwrap();
            assert_eq!(note.index, 1);
            assert_ne!(note.run, read.records[0].run);
        }
        journal.free();
        journal.map();
        journal.append(1, "b");
        assert_eq!(journal.drain().1.noted().total(), 0, "a segment begins without counts");
    }
}

#[test]
fn what_was_freed_is_not_in_the_files_any_more() {
    for mut journal in written_and_mapped() {
        for round in 0..3 {
            journal.append(1, "a-secret");
            assert_eq!(journal.bodies(), ["a-secret"], "round {round}");
            for path in journal.files() {
                assert!(!holds(&std::fs::read(path).unwrap(), "a-secret"), "round {round}");
            }
        }
    }
}

#[test]
fn a_segment_is_allocated_whole_before_it_is_mapped_and_keeps_its_length() {
    use std::os::unix::fs::MetadataExt as _;
    let mut journal = Journal::mapped();
    for round in 0..2 {
        for path in journal.files() {
            let found = path.metadata().unwrap();
            assert_eq!(found.len(), MAX, "round {round}");
            assert!(found.blocks() * 512 >= MAX, "round {round}: it is sparse");
        }
        journal.append(1, "a");
        assert_eq!(journal.bodies(), ["a"]);
    }
    // A later start with another quota.
    journal.open = None;
    let opened = open(journal.dir.path(), MAX / 2, 9, 9).unwrap();
    journal.open = Some((opened.writer, opened.drainer));
    journal.map();
    assert!(journal.files().iter().all(|path| path.metadata().unwrap().len() == MAX / 2));
}
