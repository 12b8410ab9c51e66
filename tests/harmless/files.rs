//! Promise: files that are damaged, not ours or in use cost events at worst, and those are counted.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use jalon::clock::Clock as _;
use jalon::{DropReason, JourneyError};
use rusqlite::Connection;

use crate::support::child::{self, copy_folder};
use crate::support::{Phone, journal_end};

/// A folder as a SIGKILL leaves it: 40 events in store and write-ahead log, 10 in the journal; the
/// collector has none of them.
fn killed_phone() -> (Phone, PathBuf) {
    let mut phone = Phone::new();
    // With a small journal, since it is copied for each damage.
    phone.config.quota_bytes = 1024 * 1024;
    phone.open();
    phone.network.offline();
    phone.views((0..50).take(20).map(stored));
    phone.clock.advance(1_000);
    phone.views((0..50).skip(20).take(20).map(stored));
    phone.clock.advance(1_000);
    phone.views((0..50).skip(40).map(stored));
    let killed = phone.outside().join("killed");
    copy_folder(&phone.folder(), &killed);
    phone.close();
    (phone, killed)
}

/// A screen's name that no flip of one bit turns into another screen's.
fn stored(at: usize) -> String {
    format!("stored/{at:02}/{at:02}")
}

/// Starts the app on a damaged copy of the folder, with an empty collector.
fn start_on(template: &Path, damage: impl FnOnce(&Path)) -> Phone {
    let mut phone = Phone::new();
    phone.config.quota_bytes = 1024 * 1024;
    copy_folder(template, &phone.folder());
    damage(&phone.folder());
    phone.network.offline();
    // So that it does not draw the random numbers of the earlier process again.
    phone.clock.random(&mut [0; 256]);
    phone.open();
    phone
}

/// The journey works: what is recorded from here on arrives, once and in order, after what is left
/// of the 50 earlier events. Returns how many of those arrived whole, and how many were counted as
/// lost.
#[track_caller]
fn works(phone: &mut Phone, about: &str) -> (usize, u64) {
    let after: Vec<String> = (0..12).map(|at| format!("after/{at:02}")).collect();
    phone.views(&after[..6]);
    phone.clock.advance(1_000);
    phone.views(&after[6..]);
    phone.clock.advance(400_000);
    phone.network.online();
    phone.upload_all();
    let status = phone.status();
    assert_eq!(status.recorded, status.delivered + status.dropped.total(), "{about}: {status:?}");
    assert_eq!(status.storage_trouble, None, "{about}");
    phone.close();
    let seen = phone.collector(|collector| collector.screens_seen());
    let earlier = seen.len().saturating_sub(12);
    assert_eq!(seen[earlier..], after, "{about}");
    let known: BTreeSet<String> = (0..50).map(stored).collect();
    let whole: Vec<&String> =
        seen[..earlier].iter().filter(|screen| known.contains(*screen)).collect();
    assert!(whole.is_sorted_by(|a, b| a < b), "{about}: twice or out of order: {whole:?}");
    (whole.len(), status.dropped.total())
}

/// Every byte of a small file, and about 400 spread over a large one.
fn offsets(len: usize) -> impl Iterator<Item = usize> {
    let step = if len <= 4096 { 1 } else { (len / 400) | 1 };
    (0..len).step_by(step)
}

fn flip(path: &Path, at: usize, mask: u8) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= mask;
    fs::write(path, bytes).unwrap();
}

fn size(path: &Path) -> usize {
    fs::metadata(path).unwrap().len() as usize
}

#[test]
fn a_damaged_identity_is_a_new_installation_that_loses_nothing() {
    let (_phone, killed) = killed_phone();
    let len = size(&killed.join("identity"));
    for at in 0..len {
        let mut phone =
            start_on(&killed, |folder| flip(&folder.join("identity"), at, 1 << (at % 8)));
        assert_eq!(works(&mut phone, &format!("byte {at}")), (50, 0), "byte {at}");
    }
    for cut in 0..len {
        let mut phone = start_on(&killed, |folder| truncate(&folder.join("identity"), cut));
        assert_eq!(works(&mut phone, &format!("cut to {cut}")), (50, 0), "cut to {cut}");
    }
}

fn truncate(path: &Path, len: usize) {
    fs::OpenOptions::new().write(true).open(path).unwrap().set_len(len as u64).unwrap();
}

#[test]
fn any_damaged_byte_of_the_journal_costs_what_it_hit_and_that_is_counted() {
    let (_phone, killed) = killed_phone();
    for name in ["journal-0", "journal-1"] {
        let used = journal_end(&fs::read(killed.join(name)).unwrap());
        for at in (0..used).chain(offsets(size(&killed.join(name)))) {
            let mut phone = start_on(&killed, |folder| flip(&folder.join(name), at, 1 << (at % 8)));
            let about = format!("{name} byte {at}");
            let (whole, counted) = works(&mut phone, &about);
            // A damaged header costs all ten events of its segment, and their number is unknown.
            let least = if at < 128 { 40 } else { 49 };
            assert!(whole >= least, "{about}: {whole}");
            assert!(whole == 50 || counted >= 1, "{about}: {whole} arrived, {counted} counted");
            // Behind the header, a count that was never made may appear; behind the last record,
            // something that looks torn.
            let may_count = (40..128).contains(&at) || at >= used || used <= 128;
            assert!(whole < 50 || counted == 0 || may_count, "{about}: {counted}");
        }
    }
}

#[test]
fn a_truncated_journal_keeps_what_stands_before_the_cut() {
    let (_phone, killed) = killed_phone();
    for name in ["journal-0", "journal-1"] {
        let used = journal_end(&fs::read(killed.join(name)).unwrap());
        for len in (0..used).step_by(7).chain(offsets(size(&killed.join(name)))) {
            let mut phone = start_on(&killed, |folder| truncate(&folder.join(name), len));
            let (whole, _) = works(&mut phone, &format!("{name} cut to {len}"));
            assert!(whole >= 40, "{name} cut to {len}");
        }
    }
}

/// SQLite has checksums in its write-ahead log, but not in its pages: a flipped bit inside an event
/// may go unnoticed. So an event that was hit may arrive changed, or be taken for sent.
#[test]
fn a_damaged_database_costs_what_it_held_at_worst_and_never_the_journey() {
    let (mut phone, killed) = killed_phone();
    // After an orderly close there is only the database.
    phone.open();
    phone.close();
    let closed = phone.folder();
    for (template, name) in
        [(&killed, "journey.db"), (&killed, "journey.db-wal"), (&closed, "journey.db")]
    {
        for at in offsets(size(&template.join(name))) {
            let mut phone =
                start_on(template, |folder| flip(&folder.join(name), at, 1 << (at % 8)));
            let about = format!("{name} byte {at}");
            let (whole, counted) = works(&mut phone, &about);
            if name == "journey.db" {
                assert!(whole >= 49 || counted >= 1, "{about}: {whole}, {counted} counted");
            }
        }
    }
}

#[test]
fn a_truncated_database_is_noticed_and_gives_no_number_twice() {
    let (mut phone, _) = killed_phone();
    phone.network.online();
    phone.open();
    phone.upload_all();
    phone.close();
    let len = size(&phone.folder().join("journey.db"));
    for cut in [0, 1, 99, 100, 511, 512, 4096, 8192, len / 2, len - 4096, len - 1] {
        let mut after = Phone::new();
        copy_folder(&phone.folder(), &after.folder());
        truncate(&after.folder().join("journey.db"), cut);
        // The collector still has what the lost store sent.
        let had = phone.collector(|collector| collector.events.clone());
        let count = had.len();
        after.collector(|collector| collector.events = had);
        after.clock.random(&mut [0; 256]);
        after.open();
        after.views(["after/0", "after/1"]);
        after.upload_all();
        let seen = after.collector(|collector| collector.screens_seen());
        assert_eq!(seen[count..], ["after/0", "after/1"], "cut to {cut}");
    }
}

#[test]
fn a_damaged_write_ahead_log_gives_no_number_twice() {
    let phone = Phone::running();
    phone.views((0..30).map(|number| format!("before/{number}")));
    phone.upload_all();
    // A kill: everything is sent, and most of it is in the write-ahead log only.
    let killed = phone.outside().join("killed");
    copy_folder(&phone.folder(), &killed);
    let had = phone.collector(|collector| collector.events.clone());
    let mut forgot = 0;
    for at in offsets(size(&killed.join("journey.db-wal"))) {
        let mut after = Phone::new();
        copy_folder(&killed, &after.folder());
        flip(&after.folder().join("journey.db-wal"), at, 1 << (at % 8));
        after.collector(|collector| collector.events.clone_from(&had));
        after.clock.random(&mut [0; 256]);
        after.open();
        after.views(["after/0", "after/1"]);
        after.upload_all();
        let seen = after.collector(|collector| collector.screens_seen());
        assert!(seen.ends_with(&["after/0".into(), "after/1".into()]), "byte {at}: {seen:?}");
        assert_eq!(seen.len(), 32, "byte {at}");
        forgot += usize::from(after.status().dropped.get(DropReason::Corrupt) > 0);
    }
    assert!(forgot > 50, "only {forgot} of the flips made SQLite forget");
}

type Damage = fn(&Path);

#[test]
fn a_store_that_is_not_ours_is_set_aside_and_a_new_epoch_begins() {
    let damages: [(&str, Damage); 6] = [
        ("a later version", |path| {
            Connection::open(path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        }),
        ("not SQLite", |path| fs::write(path, [0x5a; 9_000]).unwrap()),
        ("other tables", |path| {
            fs::remove_file(path).unwrap();
            let other = Connection::open(path).unwrap();
            other.execute_batch("CREATE TABLE events (a, b); CREATE TABLE x (y);").unwrap();
            other.pragma_update(None, "user_version", 1).unwrap();
        }),
        ("other tables of no version", |path| {
            fs::remove_file(path).unwrap();
            Connection::open(path).unwrap().execute_batch("CREATE TABLE state (a);").unwrap();
        }),
        ("a number changed", |path| {
            let changed = "UPDATE state SET next_seq = next_seq - 1; DELETE FROM events";
            Connection::open(path).unwrap().execute_batch(changed).unwrap();
        }),
        ("a table missing", |path| {
            Connection::open(path).unwrap().execute_batch("DROP TABLE leases").unwrap();
        }),
    ];
    for (what, damage) in damages {
        let mut phone = Phone::running();
        phone.views(["sent/0", "sent/1"]);
        phone.upload_all();
        phone.network.offline();
        phone.views(["lost"]);
        phone.close();
        damage(&phone.folder().join("journey.db"));
        phone.open();
        phone.views(["after"]);
        phone.network.online();
        phone.upload_all();
        let (first, second) = phone.collector(|collector| {
            (
                collector.journey(1).len(),
                collector.journey(2).into_iter().cloned().collect::<Vec<_>>(),
            )
        });
        assert_eq!((first, second.len()), (2, 1), "{what}");
        assert_eq!(second[0]["screen"], "after", "{what}");
        let status = phone.status();
        assert_eq!(status.dropped.get(DropReason::Corrupt), 1, "{what}: {status:?}");
        assert!(phone.folder().join("set-aside.db").exists(), "{what}");
    }
}

#[test]
fn a_locked_database_is_waited_for_and_never_given_up() {
    let mut phone = Phone::running();
    phone.network.offline();
    phone.views(["before"]);
    phone.clock.advance(1_000);
    let other = Connection::open(phone.folder().join("journey.db")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    phone.views(["meanwhile/0", "meanwhile/1"]);
    phone.clock.advance(1_000);
    assert!(phone.status().storage_trouble.is_some());
    phone.close();
    // The same with one that is locked from the start.
    phone.open();
    phone.views(["meanwhile/2"]);
    phone.clock.advance(5_000);
    other.execute_batch("COMMIT").unwrap();
    drop(other);
    phone.clock.advance(400_000);
    phone.network.online();
    phone.upload_all();
    let seen = phone.collector(|collector| collector.screens_seen());
    assert_eq!(seen, ["before", "meanwhile/0", "meanwhile/1", "meanwhile/2"]);
    assert_eq!(phone.accounted(4).dropped.total(), 0);
}

#[test]
fn a_second_process_is_kept_out_and_harms_nothing() {
    let test = a_second_process_is_kept_out_and_harms_nothing;
    let mut phone = Phone::new();
    if child::is_child(test) {
        phone.config.folder = std::env::var_os("JALON_TEST_FOLDER").unwrap().into();
        assert_eq!(phone.try_open().err(), Some(JourneyError::InUse));
        return;
    }
    phone.open();
    phone.views(["mine/0"]);
    let mut second = child::command(test, &[]);
    let output = second.env("JALON_TEST_FOLDER", phone.folder()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    phone.views(["mine/1"]);
    phone.upload_all();
    assert_eq!(phone.collector(|collector| collector.screens_seen()), ["mine/0", "mine/1"]);
}
