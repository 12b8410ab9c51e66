//! Promise: the journal in mapped memory ends no app and loses no count: with a disk that is too full
//! to allocate it, in a process that is forked, in a burst that it cannot hold, and after any kill.

use std::fs;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::Arc;

use jalon::{DropReason, Event, Journey};

use crate::support::child::{self, copy_folder};
use crate::support::{Phone, fullest_journal, journal_end};

/// How long a segment is, if it is mapped: with the default quota a fourteenth of it, in whole pages.
fn segment_bytes() -> u64 {
    let page = rustix::param::page_size() as u64;
    5 * 1024 * 1024 / 14 / page * page
}

/// Whether both segments are allocated from end to end, as a mapped one is.
fn is_allocated(phone: &Phone) -> bool {
    ["journal-0", "journal-1"].iter().all(|name| {
        let found = fs::metadata(phone.folder().join(name)).unwrap();
        found.len() == segment_bytes() && found.blocks() * 512 >= found.len()
    })
}

fn screens(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("screen/{at:05}")).collect()
}

/// A phone whose store is out of reach, so that the journal fills up.
fn phone_without_a_store() -> Phone {
    let mut phone = Phone::new();
    fs::create_dir_all(phone.folder().join("journey.db")).unwrap();
    phone.open();
    phone.run_until_idle();
    phone
}

/// Kills the app of such a phone before its worker looks again, and brings the store into reach.
fn kill(phone: &mut Phone) {
    fs::remove_dir(phone.folder().join("journey.db")).unwrap();
    let killed = phone.outside().join("killed");
    copy_folder(&phone.folder(), &killed);
    phone.close();
    fs::remove_dir_all(phone.folder()).unwrap();
    fs::rename(&killed, phone.folder()).unwrap();
}

#[test]
fn both_segments_are_allocated_whole_and_stay_so_over_restarts() {
    let mut phone = Phone::running();
    phone.run_until_idle();
    assert!(is_allocated(&phone));
    phone.views(["a"]);
    phone.clock.advance(1_000);
    assert!(is_allocated(&phone));
    phone.restart();
    phone.run_until_idle();
    assert!(is_allocated(&phone));
    assert_eq!(phone.status().storage_trouble, None);
}

#[test]
fn a_burst_without_the_worker_fills_the_whole_journal_and_a_kill_takes_neither_event_nor_count() {
    let mut phone = phone_without_a_store();
    let burst = screens(10_000);
    phone.views(&burst);
    let status = phone.accounted(10_000);
    let lost = status.dropped.get(DropReason::Disk);
    assert_eq!(status.queued + lost, 10_000);
    assert!(lost > 1_000, "it is to be more than fits: {status:?}");
    for name in ["journal-0", "journal-1"] {
        let end = journal_end(&fs::read(phone.folder().join(name)).unwrap()) as u64;
        assert!(end > segment_bytes() - 200, "{name} has room left: {end}");
    }
    kill(&mut phone);
    phone.open();
    phone.upload_all();
    let status = phone.accounted(10_000);
    assert_eq!(status.dropped.get(DropReason::Disk), lost);
    let seen = phone.collector(|collector| collector.screens_seen());
    assert_eq!(seen, burst[..10_000 - lost as usize]);
}

#[test]
fn on_a_disk_that_is_too_full_the_journal_is_written_until_there_is_room() {
    child::with_own_mounts(
        on_a_disk_that_is_too_full_the_journal_is_written_until_there_is_room,
        || {
            let mut phone = Phone::new();
            // Room for a store and some records, and not for both segments.
            mount(&phone, "700k");
            phone.open();
            phone.run_until_idle();
            assert!(!is_allocated(&phone));
            let trouble = phone.status().storage_trouble.unwrap();
            assert!(trouble.starts_with("map the journal: No space left"), "{trouble}");
            let mut recorded = screens(50);
            phone.views(&recorded);
            phone.clock.advance(1_000);
            phone.upload_all();
            assert_eq!(phone.accounted(50).dropped.total(), 0);

            let folder = phone.folder();
            child::run("mount", &["-o", "remount,size=4m", folder.to_str().unwrap()]);
            for at in 0..3 {
                let more = format!("later/{at}");
                phone.views([&more]);
                recorded.push(more);
                phone.clock.advance(1_000);
            }
            assert!(is_allocated(&phone), "mapping is tried again with each drain");
            assert_eq!(phone.status().storage_trouble, None);
            phone.upload_all();
            assert_eq!(phone.accounted(53).dropped.total(), 0);
            assert_eq!(phone.collector(|collector| collector.screens_seen()), recorded);
        },
    );
}

fn mount(phone: &Phone, size: &str) {
    fs::create_dir(phone.folder()).unwrap();
    let (folder, size) = (phone.folder(), format!("size={size}"));
    child::run("mount", &["-t", "tmpfs", "-o", &size, "tmpfs", folder.to_str().unwrap()]);
}

#[test]
#[allow(unsafe_code, reason = "a fork is unsafe; the child records, and ends")]
fn a_forked_process_adds_nothing_and_its_parent_goes_on() {
    child::alone(a_forked_process_adds_nothing_and_its_parent_goes_on, || {
        let phone = Phone::running();
        phone.network.offline();
        phone.run_until_idle();
        phone.views(["parent/1"]);
        let journey: Arc<Journey> = phone.shared_journey();
        let mut child = Command::new("true");
        // It runs between fork and exec. No other thread of this process holds a lock that it needs: the
        // worker sleeps, and no other test runs.
        unsafe {
            child.pre_exec(move || {
                journey.record(Event::ScreenView { screen: "child".to_owned() });
                Ok(())
            });
        }
        assert!(child.status().unwrap().success());
        phone.views(["parent/2"]);
        phone.network.online();
        phone.upload_all();
        assert_eq!(phone.accounted(2).dropped.total(), 0);
        let seen = phone.collector(|collector| collector.screens_seen());
        assert_eq!(seen, ["parent/1", "parent/2"]);
    });
}

#[test]
fn a_record_that_becomes_unreadable_in_the_running_app_is_counted_and_holds_nothing_up() {
    let phone = Phone::running();
    phone.run_until_idle();
    phone.views(screens(3));
    let path = fullest_journal(&phone.folder());
    let end = journal_end(&fs::read(&path).unwrap()) as u64;
    // By somebody else's hand, such as a broken disk: in the last record.
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&[0x55; 4], end - 4).unwrap();
    phone.clock.advance(1_000);
    phone.upload_all();
    let status = phone.status();
    assert_eq!((status.queued, status.delivered), (0, 2));
    assert_eq!(status.dropped.get(DropReason::Corrupt), 1);
    phone.views(["later"]);
    phone.upload_all();
    assert_eq!(phone.accounted(4).delivered, 3);
}

#[test]
fn a_closed_journey_gives_the_map_back() {
    child::alone(a_closed_journey_gives_the_map_back, || {
        let mapped = || fs::read_to_string("/proc/self/maps").unwrap().contains("journal-");
        let mut phone = Phone::running();
        phone.run_until_idle();
        let journey = phone.shared_journey();
        assert!(mapped());
        phone.close();
        assert!(!mapped());
        assert_eq!(journey.status().recorded, 0);
    });
}

#[test]
fn without_a_lock_on_the_folder_nothing_is_mapped() {
    if !child::is_child(without_a_lock_on_the_folder_nothing_is_mapped) {
        let strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=flock"];
        let no_locks = ["-e", "inject=flock:error=EOPNOTSUPP"];
        let needs = "`strace` (apt-get install strace), and leave to trace";
        let test = without_a_lock_on_the_folder_nothing_is_mapped;
        return child::passes_in_a_child(test, &[&strace[..], &no_locks[..]].concat(), needs);
    }
    let phone = Phone::running();
    phone.run_until_idle();
    assert!(!is_allocated(&phone), "another process could shorten the file");
    let trouble = phone.status().storage_trouble.unwrap();
    assert_eq!(trouble, "there is no lock on the folder");
    phone.views(screens(30));
    phone.upload_all();
    assert_eq!(phone.accounted(30).delivered, 30);
}

#[test]
fn after_a_kill_in_a_burst_the_room_that_was_allocated_is_kept() {
    let mut phone = phone_without_a_store();
    // More than one segment, and less than both.
    phone.views(screens(5_000));
    kill(&mut phone);
    // The store stays out of reach.
    fs::create_dir_all(phone.folder().join("journey.db")).unwrap();
    phone.open();
    assert!(is_allocated(&phone));
    phone.views(["after"]);
    fs::remove_dir(phone.folder().join("journey.db")).unwrap();
    phone.upload_all();
    assert_eq!(phone.accounted(5_001).dropped.total(), 0);
}
