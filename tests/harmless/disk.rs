//! Promise: a disk that is full, read-only or out of reach costs events at worst, and those are
//! counted.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use jalon::{CallRequest, DropReason};

use crate::support::{Phone, child};

/// Names for `count` screens.
fn screens(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|at| format!("{prefix}/{at:04}")).collect()
}

/// Mounts a disk of its own at the phone's folder.
fn mount_disk(phone: &Phone, size: &str) {
    fs::create_dir(phone.folder()).unwrap();
    let folder = phone.folder();
    let size = format!("size={size}");
    child::run("mount", &["-t", "tmpfs", "-o", &size, "tmpfs", folder.to_str().unwrap()]);
}

fn remount(folder: &Path, how: &str) {
    let option = format!("remount,{how}");
    child::run("mount", &["-o", &option, folder.to_str().unwrap()]);
}

/// Fills the disk to its last byte.
fn fill(folder: &Path) {
    use std::io::Write as _;
    let mut file = fs::File::create(folder.join("somebody-else's")).unwrap();
    for chunk in [4096, 1] {
        while file.write_all(&[0; 4096][..chunk]).is_ok() {}
    }
}

fn free(folder: &Path) {
    fs::remove_file(folder.join("somebody-else's")).unwrap();
}

/// Everything recorded is accounted for, and what was not dropped has arrived: each event once, in
/// the order recorded.
#[track_caller]
fn arrived_but_for_what_is_counted(phone: &Phone, recorded: &[String]) -> u64 {
    phone.upload_all();
    let status = phone.accounted(recorded.len() as u64);
    let seen = phone.collector(|collector| collector.screens_seen());
    let mut rest = recorded.iter();
    for screen in &seen {
        assert!(rest.any(|one| one == screen), "{screen} came twice or out of order");
    }
    assert_eq!(seen.len() as u64 + status.dropped.total(), recorded.len() as u64, "{status:?}");
    assert_eq!(phone.status().storage_trouble, None);
    status.dropped.total()
}

#[test]
fn a_full_disk_costs_events_that_are_counted_and_recording_goes_on_when_there_is_room() {
    child::with_own_mounts(
        a_full_disk_costs_events_that_are_counted_and_recording_goes_on_when_there_is_room,
        || {
            let mut phone = Phone::new();
            mount_disk(&phone, "3m");
            phone.network.offline();
            phone.open();
            let mut recorded = screens("before", 300);
            phone.views(&recorded);
            phone.clock.advance(1_000);

            fill(&phone.folder());
            for round in 0..20 {
                let more = screens(&format!("full-{round}"), 500);
                phone.views(&more);
                recorded.extend(more);
                phone.clock.advance(5_000);
            }
            let status = phone.accounted(recorded.len() as u64);
            let lost = status.dropped.get(DropReason::Disk);
            assert!(lost > 0, "the disk was not full: {status:?}");
            assert_eq!(status.dropped.total(), lost);

            free(&phone.folder());
            phone.clock.advance(400_000);
            let after = screens("after", 50);
            phone.views(&after);
            recorded.extend(after);
            phone.network.online();
            let lost_at_last = arrived_but_for_what_is_counted(&phone, &recorded);
            assert_eq!(lost_at_last, lost, "what came once there was room again is kept");
        },
    );
}

#[test]
fn a_disk_that_is_full_from_the_start_keeps_two_hundred_events_in_memory() {
    child::with_own_mounts(
        a_disk_that_is_full_from_the_start_keeps_two_hundred_events_in_memory,
        || {
            let mut phone = Phone::new();
            mount_disk(&phone, "2m");
            fill(&phone.folder());
            phone.open();
            let recorded = screens("full", 230);
            phone.views(&recorded);
            phone.run_until_idle();
            let status = phone.accounted(230);
            assert_eq!((status.queued, status.dropped.get(DropReason::Disk)), (200, 30));
            assert!(status.storage_trouble.is_some(), "{status:?}");
            free(&phone.folder());
            phone.clock.advance(400_000);
            assert_eq!(arrived_but_for_what_is_counted(&phone, &recorded), 30);
            assert_eq!(phone.collector(|collector| collector.screens_seen()), recorded[30..]);
        },
    );
}

/// A limit on the size of files makes the kernel write records short, as a quota does.
#[test]
fn short_writes_tear_no_record_and_are_counted() {
    if !child::is_child(short_writes_tear_no_record_and_are_counted) {
        // Without the trap the first write beyond the limit would kill the process.
        let shell = ["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"];
        let test = short_writes_tear_no_record_and_are_counted;
        return child::passes_in_a_child(test, &shell, "`sh`");
    }
    let limit = |bytes: &str| {
        let pid = std::process::id().to_string();
        let bytes = format!("--fsize={bytes}:unlimited");
        child::run("prlimit", &["--pid", &pid, &bytes]);
    };
    for bytes in ["700", "5000", "5001", "20011"] {
        let mut phone = Phone::new();
        phone.network.offline();
        // No segment can be allocated, so the records are written.
        limit(bytes);
        phone.open();
        let mut recorded = screens(bytes, 150);
        phone.views(&recorded);
        phone.clock.advance(3_000);
        let more = screens("later", 150);
        phone.views(&more);
        recorded.extend(more);
        phone.clock.advance(3_000);
        let lost = phone.accounted(300).dropped.get(DropReason::Disk);
        assert!(lost > 0, "nothing was cut short at {bytes}");
        limit("unlimited");
        phone.clock.advance(400_000);
        phone.restart();
        phone.views(["after"]);
        recorded.push("after".to_owned());
        phone.network.online();
        let lost_at_last = arrived_but_for_what_is_counted(&phone, &recorded);
        assert_eq!(lost_at_last, lost, "a torn record was left behind at {bytes}");
    }
}

#[test]
fn a_read_only_folder_keeps_events_in_memory_until_it_can_be_written() {
    child::with_own_mounts(
        a_read_only_folder_keeps_events_in_memory_until_it_can_be_written,
        || {
            // In a new folder, and in one with an installation.
            for known in [false, true] {
                let mut phone = Phone::new();
                mount_disk(&phone, "3m");
                let mut recorded = Vec::new();
                if known {
                    phone.open();
                    recorded = screens("earlier", 3);
                    phone.views(&recorded);
                    phone.close();
                }
                remount(&phone.folder(), "ro");
                phone.open();
                let more = screens("meanwhile", 200);
                phone.views(&more);
                recorded.extend(more);
                phone.clock.advance(60_000);
                assert!(phone.status().storage_trouble.is_some());
                assert_eq!(phone.status().dropped.total(), 0);
                let call = phone.journey().call_context(&CallRequest::to("+33123456789")).unwrap();
                assert!(call.dial_string.unwrap().starts_with("tel:+33123456789"));
                remount(&phone.folder(), "rw");
                phone.clock.advance(400_000);
                phone.upload_all();
                let seen = phone.collector(|collector| collector.screens_seen());
                // The call was the 201st: it pushed out the oldest that waited in memory.
                let dropped = usize::from(known) * 3;
                assert_eq!(seen[..dropped], recorded[..dropped]);
                assert_eq!(seen[dropped..], recorded[dropped + 1..]);
                assert_eq!(phone.accounted(recorded.len() as u64 + 1).dropped.total(), 1);
                phone.close();
                child::run("umount", &[phone.folder().to_str().unwrap()]);
            }
        },
    );
}

#[test]
fn files_that_cannot_be_read_for_now_lose_nothing() {
    for name in ["identity", "denied", "erase", "journal-0", "journal-1", "journey.db"] {
        for way in [Way::Directory, Way::Loop] {
            let mut phone = Phone::running();
            phone.network.offline();
            let mut recorded = screens("earlier", 25);
            phone.views(&recorded);
            phone.clock.advance(1_000);
            let more = screens("in-the-journal", 5);
            phone.views(&more);
            recorded.extend(more);
            let (folder, kept) = (phone.folder(), phone.outside().join("kept"));
            // As a kill leaves it, so that journal and store both hold events.
            child::copy_folder(&folder, &phone.outside().join("killed"));
            phone.close();
            fs::remove_dir_all(&folder).unwrap();
            fs::rename(phone.outside().join("killed"), &folder).unwrap();

            let there = fs::rename(folder.join(name), &kept).is_ok();
            way.bar(&folder.join(name));
            phone.open();
            let meanwhile = screens("meanwhile", 200);
            phone.views(&meanwhile);
            recorded.extend(meanwhile);
            phone.clock.advance(120_000);
            assert!(phone.status().storage_trouble.is_some(), "{name} {way:?}");
            assert_eq!(phone.status().dropped.total(), 0, "{name} {way:?}");

            way.unbar(&folder.join(name));
            if there {
                fs::rename(&kept, folder.join(name)).unwrap();
            }
            phone.clock.advance(400_000);
            let after = screens("after", 5);
            phone.views(&after);
            recorded.extend(after);
            phone.network.online();
            assert_eq!(arrived_but_for_what_is_counted(&phone, &recorded), 0, "{name} {way:?}");
            let epochs: Vec<u64> =
                phone.collector(|collector| collector.events.keys().map(|key| key.1).collect());
            assert!(
                epochs.iter().all(|epoch| *epoch == 1),
                "{name} {way:?}: the store was given up"
            );
        }
    }
}

/// Android before the first unlock: files in the app's folder cannot be found, and none can be
/// created there.
#[test]
fn a_device_that_was_not_unlocked_since_it_started_says_so_and_loses_nothing() {
    const FOLDER: &str = "JALON_TEST_LOCKED_FOLDER";
    let test = a_device_that_was_not_unlocked_since_it_started_says_so_and_loses_nothing;
    if !child::is_child(test) {
        let mut phone = Phone::running();
        phone.network.offline();
        phone.views(screens("earlier", 3));
        phone.close();
        // The first two attempts of each thread fail.
        let folder = phone.folder().display().to_string();
        let wrapper = ["strace", "-ff", "-qq", "-o", "/dev/null"];
        let given = format!("{FOLDER}={folder}");
        let locked = [
            "-E",
            &given,
            "-P",
            &folder,
            "-e",
            "inject=openat:error=ENOENT:when=1..2",
            "-e",
            "inject=mkdir:error=ENOKEY:when=1..2",
        ];
        let needs = "`strace` (apt-get install strace), and leave to trace (in Docker \
                     --cap-add SYS_PTRACE)";
        return child::passes_in_a_child(test, &[&wrapper[..], &locked[..]].concat(), needs);
    }
    let mut phone = Phone::new();
    phone.config.folder = std::env::var_os(FOLDER).unwrap().into();
    phone.open();
    phone.views(screens("meanwhile", 150));
    phone.run_until_idle();
    assert_eq!(
        phone.status().storage_trouble.as_deref(),
        Some("the device was not unlocked since it started: events wait in memory until it is")
    );
    let tries = (0..10).take_while(|_| {
        phone.clock.advance(1_000);
        phone.status().storage_trouble.is_some()
    });
    assert!(tries.count() < 5, "it is tried again within seconds");
    let recorded = [screens("earlier", 3), screens("meanwhile", 150)].concat();
    assert_eq!(arrived_but_for_what_is_counted(&phone, &recorded), 0);
    let installations: Vec<String> =
        phone.collector(|collector| collector.events.keys().map(|(id, _, _)| id.clone()).collect());
    assert!(installations.iter().all(|id| *id == installations[0]), "a new one was begun");
}

#[test]
fn a_folder_below_a_file_is_out_of_reach_until_the_file_is_gone() {
    let mut phone = Phone::new();
    let parent = phone.outside().join("parent");
    fs::write(&parent, b"a file").unwrap();
    phone.config.folder = parent.join("jalon");
    phone.open();
    let recorded = screens("meanwhile", 200);
    phone.views(&recorded);
    phone.clock.advance(10_000);
    assert!(phone.status().storage_trouble.is_some());
    fs::remove_file(&parent).unwrap();
    phone.clock.advance(400_000);
    assert_eq!(arrived_but_for_what_is_counted(&phone, &recorded), 0);
}

/// A way for a file to answer with an error that is not "not found".
#[derive(Debug, Clone, Copy)]
enum Way {
    Directory,
    Loop,
}

impl Way {
    fn bar(self, path: &Path) {
        match self {
            Self::Directory => fs::create_dir(path).unwrap(),
            Self::Loop => symlink(path, path).unwrap(),
        }
    }

    fn unbar(self, path: &Path) {
        match self {
            Self::Directory => fs::remove_dir(path).unwrap(),
            Self::Loop => fs::remove_file(path).unwrap(),
        }
    }
}
