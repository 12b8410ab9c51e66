use std::fs::OpenOptions;

use super::*;

const MAX: u64 = 64 * 1024;

fn open_at(dir: &Path, run: u64) -> Opened {
    open(dir, MAX, run, 77 + run as u32).unwrap()
}

fn append(writer: &mut Writer, session: u32, body: &str) {
    let write = |out: &mut Vec<u8>| out.extend_from_slice(body.as_bytes());
    writer.append(Kind::Event, 1_000 + i64::from(session), 5, session, write).unwrap();
}

fn bodies(drainer: &Drainer) -> Vec<String> {
    let records = drainer.read().unwrap().records;
    records.into_iter().map(|record| String::from_utf8(record.body).unwrap()).collect()
}

#[test]
fn what_was_appended_is_read_in_order_and_freed_once() {
    let dir = tempfile::tempdir().unwrap();
    let Opened { mut writer, mut drainer, .. } = open_at(dir.path(), 1);
    append(&mut writer, 1, "a");
    append(&mut writer, 1, "b");
    assert!(drainer.seal(&mut writer));
    append(&mut writer, 1, "c");
    assert_eq!(bodies(&drainer), ["a", "b"]);
    assert!(!drainer.seal(&mut writer));
    assert_eq!(bodies(&drainer), ["a", "b"], "sealing waits until the first is freed");
    drainer.free(9).unwrap();
    assert_eq!(bodies(&drainer), [""; 0]);
    drainer.seal(&mut writer);
    assert_eq!(bodies(&drainer), ["c"]);
    assert_eq!(drainer.read().unwrap().records[0].index, 3);
}

#[test]
fn both_segments_are_found_again_in_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let Opened { mut writer, mut drainer, .. } = open_at(dir.path(), 1);
    append(&mut writer, 1, "a");
    drainer.seal(&mut writer);
    append(&mut writer, 2, "b");
    drop((writer, drainer));
    let Opened { mut writer, mut drainer, session, waiting, .. } = open_at(dir.path(), 2);
    assert_eq!((session, waiting), ((2, 1_002), 2));
    append(&mut writer, 3, "c");
    assert_eq!(bodies(&drainer), ["a"]);
    drainer.free(9).unwrap();
    drainer.seal(&mut writer);
    assert_eq!(bodies(&drainer), ["b", "c"]);
}

#[test]
fn the_session_outlives_the_records_it_was_read_from() {
    let dir = tempfile::tempdir().unwrap();
    let Opened { mut writer, mut drainer, .. } = open_at(dir.path(), 1);
    append(&mut writer, 41, "a");
    drainer.seal(&mut writer);
    drainer.free(9).unwrap();
    drop((writer, drainer));
    assert_eq!(open_at(dir.path(), 2).session, (41, 1_041));
}

#[test]
fn a_torn_tail_is_cut_off_and_counted_wherever_it_tears() {
    for cut in 1..=RECORD_BYTES as u64 {
        let dir = tempfile::tempdir().unwrap();
        let Opened { mut writer, .. } = open_at(dir.path(), 1);
        append(&mut writer, 1, "kept");
        append(&mut writer, 1, "x");
        let path = SEGMENTS.iter().map(|name| dir.path().join(name));
        let path = path.max_by_key(|path| path.metadata().unwrap().len()).unwrap();
        let len = path.metadata().unwrap().len();
        OpenOptions::new().write(true).open(&path).unwrap().set_len(len - cut).unwrap();
        let Opened { mut writer, mut drainer, torn, waiting, .. } = open_at(dir.path(), 2);
        assert_eq!((torn, waiting), (1, 1), "cut {cut}");
        append(&mut writer, 1, "after");
        drainer.seal(&mut writer);
        assert_eq!(bodies(&drainer), ["kept", "after"]);
    }
}

#[test]
fn any_damaged_byte_costs_one_record_at_most_or_the_segment_that_held_it() {
    let dir = tempfile::tempdir().unwrap();
    let Opened { mut writer, .. } = open_at(dir.path(), 1);
    for body in ["first", "second", "third"] {
        append(&mut writer, 1, body);
    }
    drop(writer);
    let path = SEGMENTS.iter().map(|name| dir.path().join(name));
    let path = path.max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    let good = std::fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        std::fs::write(&path, &bad).unwrap();
        let Opened { mut writer, mut drainer, torn, .. } = open_at(dir.path(), 2);
        drainer.seal(&mut writer);
        let drained = drainer.read().unwrap();
        let kept = drained.records.len();
        if (at as u64) < HEADER_BYTES {
            assert_eq!((kept, torn), (0, 1), "byte {at}");
        } else {
            assert_eq!((kept, torn + drained.damages), (2, 1), "byte {at}");
        }
    }
}

#[test]
fn a_full_segment_and_an_oversized_record_are_refused_and_leave_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let Opened { mut writer, mut drainer, .. } = open_at(dir.path(), 1);
    let append = |writer: &mut Writer, bytes: usize| {
        writer.append(Kind::Event, 0, 0, 1, |out| out.resize(out.len() + bytes, b'x'))
    };
    assert!(matches!(append(&mut writer, EVENT_BYTES_MAX + 1), Err(AppendError::TooLarge)));
    let mut appended = 0;
    while append(&mut writer, EVENT_BYTES_MAX).is_ok() {
        appended += 1;
    }
    assert!(matches!(append(&mut writer, EVENT_BYTES_MAX), Err(AppendError::Full)));
    drainer.seal(&mut writer);
    let records = drainer.read().unwrap().records;
    assert_eq!(records.len(), appended);
    assert!(records.iter().all(|record| record.body.len() == EVENT_BYTES_MAX));
}
