//! Promise: a system call that fails, whichever it is and however long, costs events at worst, and
//! those are counted. As SQLite tests itself: the nth call of a kind fails, for n = 1, 2, 3 and on,
//! until a life sees no failure; each once alone, and once with every call after it.
//!
//! `strace` makes the calls fail, and only those that concern the journey's own files. It counts the
//! calls of each thread on its own: in one life the nth call of the app's thread fails, and of each
//! worker. While it watches, the disk is broken; to mend the disk, the life ends `strace`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use jalon::{CallRequest, Status};

use crate::support::{Phone, child};

/// Where the parent wants the journey's folder.
const FOLDER: &str = "JALON_TEST_INJECTED_FOLDER";
/// Set when the app ends and starts again while the disk is broken.
const RESTARTS: &str = "JALON_TEST_INJECTED_RESTARTS";
/// Set when every call fails until the disk is mended.
const STAYS: &str = "JALON_TEST_INJECTED_STAYS";
/// With so many n, the app also starts again on a disk that stays broken.
const RESTARTS_MAX: usize = 8;
/// More calls of one kind than a life makes.
const CALLS_MAX: usize = 200;

/// Every file that may be in the folder.
const FILES: [&str; 14] = [
    "identity",
    "identity.new",
    "place",
    "place.new",
    "denied",
    "denied.new",
    "erase",
    "erase.new",
    "journal-0",
    "journal-1",
    "journey.db",
    "journey.db-wal",
    "journey.db-shm",
    "journey.seq",
];

/// The life that is disturbed. Run as a test, it only shows that all this works undisturbed.
#[test]
fn a_short_life() {
    let mut phone = Phone::new();
    if let Some(folder) = std::env::var_os(FOLDER) {
        phone.config.folder = folder.into();
    }
    phone.collector(|collector| collector.leases = (0..20).map(|at| at * 2).collect());
    phone.open();
    let mut recorded = 0;
    for round in 0..2 {
        phone.views((0..15).map(|at| format!("broken/{round}/{at:02}")));
        phone.clock.advance(1_000);
        recorded += 15;
    }
    let call = phone.journey().call_context(&CallRequest::to("+33123456789")).unwrap();
    assert!(call.dial_string.unwrap().starts_with("tel:+33123456789"));
    recorded += 1;
    phone.journey().upload_now();
    phone.clock.advance(2_000);
    phone.accounted(recorded);
    if is_set(RESTARTS) {
        phone.restart();
        // Until the store can be opened, what is in it is not known.
        if phone.status().storage_trouble.is_none() && !is_set(STAYS) {
            phone.accounted(recorded);
        }
    }

    mend_the_disk();
    phone.clock.advance(400_000);
    if is_set(RESTARTS) && is_set(STAYS) {
        // What could be written nowhere was in memory alone, and went with the process.
        assert!(phone.status().recorded <= recorded);
        recorded = phone.status().recorded;
    }
    phone.views((0..5).map(|at| format!("mended/{at}")));
    recorded += 5;
    phone.upload_all();
    everything_works(&phone, recorded);
    let dropped = phone.status().dropped;
    phone.restart();
    assert_eq!(phone.accounted(recorded).dropped, dropped, "a later life knows what was lost");
    phone.views(["mended/last"]);
    phone.upload_all();
    everything_works(&phone, recorded + 1);
    assert_eq!(phone.status().dropped, dropped, "nothing is lost on a disk that works");
}

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some()
}

/// Each event that was not dropped has arrived, once and in its order.
#[track_caller]
fn everything_works(phone: &Phone, recorded: u64) {
    let status: Status = phone.accounted(recorded);
    assert_eq!(status.storage_trouble, None);
    phone.collector(|collector| {
        assert_eq!(collector.conflicts, [], "a seq meant two things");
        assert_eq!(collector.events.len() as u64 + status.dropped.total(), recorded, "{status:?}");
        let seen = collector.screens_seen();
        assert!(seen.is_sorted(), "out of order: {seen:?}");
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len(), "twice: {seen:?}");
    });
}

/// Ends the `strace` that watches this process, if one does.
fn mend_the_disk() {
    let tracer = || {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
        line.unwrap().trim().to_owned()
    };
    let pid = tracer();
    if pid != "0" {
        child::run("kill", &["-KILL", &pid]);
        while tracer() != "0" {
            std::thread::yield_now();
        }
    }
}

/// Lives the life with the nth call failing, and returns whether one did.
fn live_with(call: &str, error: &str, n: usize, stays: bool, restarts: bool) -> bool {
    let dir = tempfile::tempdir_in(memory()).unwrap();
    let folder = dir.path().join("jalon");
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let log = text(&dir.path().join("log"));
    // As a grandchild (-D), so that the life goes on when `strace` is ended.
    let strace = ["timeout", "60", "strace", "-D", "-f", "-qq", "-o", &log];
    let mut wrapper = strace.map(String::from).to_vec();
    let mut add = |option: &str, value: String| wrapper.extend([option.to_owned(), value]);
    add("-E", format!("{FOLDER}={}", text(&folder)));
    for (name, _) in [(RESTARTS, restarts), (STAYS, stays)].iter().filter(|(_, set)| *set) {
        add("-E", format!("{name}=1"));
    }
    add("-P", text(&folder));
    for file in FILES {
        add("-P", text(&folder.join(file)));
    }
    let on = if stays { "+" } else { "" };
    add("-e", format!("trace={call}"));
    add("-e", format!("inject={call}:error={error}:when={n}{on}"));
    let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    let needs = format!(
        "`strace` (apt-get install strace), and leave to trace (in Docker --cap-add SYS_PTRACE); \
         {call} failed by {error} with when={n}{on}, restarts: {restarts}"
    );
    child::passes_in_a_child(a_short_life, &wrapper, &needs);
    fs::read_to_string(&log).unwrap().contains("(INJECTED)")
}

/// In memory where the system has such a folder.
fn memory() -> &'static Path {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory } else { Path::new("/tmp") }
}

/// Lets the nth of these calls fail, until a life makes fewer.
fn each_fails(call: &str) {
    each_fails_by(call, "EIO");
}

fn each_fails_by(call: &str, error: &str) {
    let mut n = 1;
    while live_with(call, error, n, false, true) {
        live_with(call, error, n, true, false);
        if n <= RESTARTS_MAX {
            live_with(call, error, n, true, true);
        }
        n += 1;
        assert!(n < CALLS_MAX, "{call}: no end in sight");
    }
    assert!(n > 1, "the life makes no {call}");
}

#[test]
fn any_file_may_fail_to_open() {
    each_fails("openat");
}

#[test]
fn any_write_may_fail() {
    each_fails("write");
}

#[test]
fn any_write_to_the_store_may_fail() {
    each_fails("pwrite64");
}

#[test]
fn any_read_may_fail() {
    each_fails("read");
    each_fails("pread64");
}

#[test]
fn any_sync_may_fail() {
    each_fails("fsync");
}

#[test]
fn any_file_may_fail_to_be_allocated() {
    each_fails("fallocate");
}

#[test]
fn the_disk_may_be_full_at_any_moment() {
    for call in ["write", "pwrite64", "fallocate"] {
        each_fails_by(call, "ENOSPC");
    }
}

#[test]
fn any_file_may_fail_to_change_its_name_or_length() {
    each_fails("rename");
    each_fails("ftruncate");
}

#[test]
fn any_file_may_fail_to_be_deleted_or_mapped() {
    each_fails("unlink");
    each_fails("mmap");
}
