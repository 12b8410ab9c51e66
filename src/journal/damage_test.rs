//! What a power cut, a broken disk or another version may leave of the journal.

use super::header::{BODY_AT, Header};
use super::record::RECORD_BYTES;
use super::tests::{Journal, written_and_mapped};
use crate::event::{DropReason, Form};

#[test]
fn a_torn_tail_is_cut_off_and_counted_once_wherever_it_tears() {
    for mut journal in written_and_mapped() {
        journal.append(1, "kept");
        journal.append(1, "torn-away");
        let (path, record) = (journal.file_with("torn-away"), RECORD_BYTES + "torn-away".len());
        journal.open = None;
        let whole = std::fs::read(&path).unwrap();
        let end = BODY_AT as usize + RECORD_BYTES + "kept".len() + record;
        for lost in 1..record {
            // The page that held the rest never reached the disk.
            let mut torn = whole.clone();
            torn[end - lost..end].fill(0);
            std::fs::write(&path, torn).unwrap();
            journal.reopen();
            journal.append(1, "after");
            journal.seal();
            for _ in 0..2 {
                let read = journal.read();
                let (events, dropped) = (read.events, read.noted());
                assert_eq!((events, dropped.get(DropReason::Corrupt)), (1, 1), "lost {lost}");
                let note = read.records.last().unwrap();
                assert_eq!(note.index, 1, "of a run of its own: it is counted once");
            }
            assert_eq!(journal.bodies(), ["kept", "after"]);
        }
    }
}

#[test]
fn any_damaged_byte_costs_one_record_at_most_or_the_segment_that_held_it() {
    for mut journal in written_and_mapped() {
        for body in ["first", "second", "third"] {
            journal.append(1, body);
        }
        let path = journal.file_with("first");
        journal.open = None;
        let good = std::fs::read(&path).unwrap();
        let used = BODY_AT as usize + 3 * RECORD_BYTES + "firstsecondthird".len();
        let header = Header::new(1, 2, (3, 4), false).encode().len();
        for at in (0..header).chain(BODY_AT as usize..used) {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            std::fs::write(&path, &bad).unwrap();
            journal.reopen();
            let torn = journal.torn;
            let (bodies, drained) = journal.drain();
            let lost = torn + drained.damages + drained.noted().total();
            assert_eq!((bodies.len(), lost), (if at < header { 0 } else { 2 }, 1), "byte {at}");
        }
    }
}

#[test]
fn pages_that_came_back_older_or_not_at_all_cost_what_they_held() {
    let mut journal = Journal::mapped();
    let page = 4096;
    let bodies: Vec<String> = (0..600).map(|n| format!("body-{n:04}")).collect();
    for body in &bodies {
        journal.append(1, body);
    }
    let path = journal.file_with("body-0000");
    journal.open = None;
    let whole = std::fs::read(&path).unwrap();
    for lost in 1..8 {
        let mut torn = whole.clone();
        torn[lost * page..(lost + 1) * page].fill(0);
        std::fs::write(&path, torn).unwrap();
        journal.reopen();
        let (kept, drained) = journal.drain();
        let mut rest = bodies.iter();
        assert!(kept.iter().all(|body| rest.any(|one| one == body)), "in order, each once");
        assert!(kept.len() > 450 && kept.len() < 600, "page {lost}: {}", kept.len());
        assert_eq!(drained.damages, 1, "page {lost}");
    }
}

#[test]
fn a_segment_that_was_being_emptied_holds_nothing_and_counts_nothing() {
    let mut journal = Journal::mapped();
    journal.append(3, "freed");
    let path = journal.file_with("freed");
    journal.seal();
    journal.append(3, "kept");
    journal.open = None;
    let mut bytes = std::fs::read(&path).unwrap();
    let header = Header::decode(&bytes).unwrap();
    let stale = Header { is_stale: true, ordinal: header.ordinal + 2, salt: 4, ..header };
    bytes[..stale.encode().len()].copy_from_slice(&stale.encode());
    std::fs::write(&path, bytes).unwrap();
    journal.reopen();
    assert_eq!((journal.waiting, journal.torn), (1, 0));
    let (bodies, drained) = journal.drain();
    assert_eq!(bodies, ["kept"]);
    assert_eq!((drained.damages, drained.noted().total()), (0, 0));
}

#[test]
fn a_segment_of_the_first_version_is_read_and_one_of_a_later_version_counts_as_lost() {
    let old = include_bytes!("journal_1.bin");
    let mut journal = Journal::new();
    journal.open = None;
    std::fs::write(&journal.files()[0], old).unwrap();
    journal.reopen();
    assert_eq!((journal.waiting, journal.torn), (2, 0));
    let (bodies, drained) = journal.drain();
    assert_eq!(bodies, ["{\"old\":1}", "{\"old\":2}"]);
    assert!(drained.records.iter().all(|record| record.form == Form::Json));
    journal.append(1, "new");
    assert_eq!(journal.bodies(), ["new"]);

    journal.append(1, "of-a-later-version");
    let path = journal.file_with("of-a-later-version");
    journal.open = None;
    let mut later = std::fs::read(&path).unwrap();
    later[6] = b'3';
    std::fs::write(&path, later).unwrap();
    journal.reopen();
    assert_eq!((journal.waiting, journal.torn), (0, 1));
    journal.append(1, "after");
    assert_eq!(journal.bodies(), ["after"]);
}

#[test]
fn a_hole_in_the_newer_of_two_full_segments_costs_what_it_held_and_nothing_behind_it() {
    let mut journal = Journal::mapped();
    let bodies: Vec<String> = (0..2_000).map(|n| format!("body-{n:04}")).collect();
    for body in &bodies {
        journal.append(1, body);
    }
    let path = journal.file_with("body-1999");
    journal.open = None;
    let mut torn = std::fs::read(&path).unwrap();
    // Behind what `open` looks at first.
    torn[5 * 4096..6 * 4096].fill(0);
    std::fs::write(&path, torn).unwrap();
    journal.reopen();
    journal.append(2, "after");
    let (kept, drained) = journal.drain();
    assert_eq!(drained.damages, 1);
    assert!(kept.len() > 1_920 && kept.len() < 2_001, "{}", kept.len());
    assert_eq!(kept[kept.len() - 2..], ["body-1999", "after"]);
}
