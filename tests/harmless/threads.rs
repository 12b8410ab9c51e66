//! Promise: on the app's threads, recording and the tap make no system call but the wake of a worker
//! that sleeps, and `open` makes only those that ARCHITECTURE.md lists. Under `strace`, with the
//! system's clock and real files. And many threads at once do no harm.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use jalon::clock::SystemClock;
use jalon::{CallRequest, CallScope, Config, Consent, Event, Journey, Preview, Product};

use crate::support::{TestNetwork, child};

const RECORDS: usize = 50;
const TAPS: usize = 3;

/// Every system call that `open` may make on the app's thread. ARCHITECTURE.md has the same list.
const OPEN_MAKES: [&str; 24] = [
    // The folder and its small files.
    "openat",
    "flock",
    "read",
    "write",
    "statx",
    "fstat",
    "lseek",
    "close",
    "mkdir",
    "unlink",
    "rename",
    // The journal: its headers.
    "pwrite64",
    "ftruncate",
    // Random numbers: an installation, a run.
    "getrandom",
    // The worker's thread: its stack, its start.
    "mmap",
    "mprotect",
    "munmap",
    "brk",
    "clone3",
    "rt_sigprocmask",
    "futex",
    "sched_getaffinity",
    "fcntl",
    "prctl",
];

/// Marks a place in the trace, by a system call that the library never makes.
fn mark(name: &str) {
    let _ = fs::read_link(format!("/mark-{name}"));
}

fn product(at: usize) -> Event {
    Event::ProductView {
        product: Product {
            id: format!("{at}"),
            name: Some("Galaxy A10".into()),
            ..Product::default()
        },
    }
}

/// The process that `strace` watches. Run as a test, it only shows that all this works untraced.
#[test]
fn the_traced_process() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::new(dir.path().join("jalon"), "https://collector.example", "wk_test");
    config.consent = Some(Consent::Granted);
    let network = Arc::new(TestNetwork::default());
    network.collector(|collector| collector.leases = (0..20).map(|at| at * 2).collect());
    let request = CallRequest::to("+33 1 23 45 67 89").about("billing");
    for open in ["first", "later"] {
        mark(&format!("open-{open}"));
        let journey =
            Journey::open_with(config.clone(), Arc::clone(&network) as _, Arc::new(SystemClock));
        mark("end");
        let journey = journey.unwrap();
        // Until buffers have grown to their size, and lazily bound symbols are bound.
        for at in 0..200 {
            journey.record(product(at));
        }
        journey.call_context(&request).unwrap();
        // Until the worker has drawn tokens and leased codes.
        while journey.status().codes < TAPS {
            thread::yield_now();
        }
        let events: Vec<Event> = (0..RECORDS).map(product).collect();
        mark(&format!("record-{open}"));
        for event in events {
            journey.record(event);
        }
        mark("end");
        mark(&format!("tap-{open}"));
        for _ in 0..TAPS {
            journey.call_context(&request).unwrap();
        }
        mark("end");
        journey.close();
    }
}

/// The system calls of the app's thread between two marks: name and whole line.
fn traced() -> BTreeMap<String, Vec<(String, String)>> {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("trace");
    let wrapper = ["strace", "-ff", "-qq", "-s", "80", "-o", trace.to_str().unwrap()];
    let needs = "`strace` (apt-get install strace), and leave to trace (in Docker \
                 --cap-add SYS_PTRACE)";
    child::passes_in_a_child(the_traced_process, &wrapper, needs);
    // One file per thread; the app's is the one with the marks.
    let files: Vec<PathBuf> =
        fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let of_app = |path: &&PathBuf| fs::read_to_string(path).unwrap().contains("/mark-open-first");
    let path: &Path = files.iter().find(of_app).expect("no thread has the marks");
    let mut sections: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let mut section = None;
    for line in fs::read_to_string(path).unwrap().lines() {
        if let Some((_, rest)) = line.split_once("\"/mark-") {
            let name = rest.split('"').next().unwrap();
            section = (name != "end").then(|| name.to_owned());
        } else if let Some(section) = &section {
            let name = line.split('(').next().unwrap().to_owned();
            sections.entry(section.clone()).or_default().push((name, line.to_owned()));
        }
    }
    sections
}

#[test]
fn the_apps_thread_makes_no_call_per_event_and_what_the_architecture_lists_at_open() {
    let sections = traced();
    for (section, wakes) in
        [("record-first", 2), ("record-later", 2), ("tap-first", TAPS), ("tap-later", TAPS)]
    {
        let calls = sections.get(section).map(Vec::as_slice).unwrap_or_default();
        let others: Vec<&String> = calls
            .iter()
            // Waking the worker and waiting for the lock are allowed: the worker never holds the
            // lock across I/O, so that a wait is as short as a swap of two pointers.
            .filter(|(_, line)| !is_wake(line) && !is_lock(line))
            // The allocator may take or return memory, as for any other code.
            .filter(|(name, _)| !["brk", "mmap", "munmap", "madvise"].contains(&name.as_str()))
            .map(|(_, line)| line)
            .collect();
        assert_eq!(others, [""; 0], "{section}");
        // One when the first event comes, one when there are many; one for each tap.
        let count = calls.iter().filter(|(_, line)| is_wake(line)).count();
        assert!(count <= wakes, "{section}: {count} wakes");
    }
    for section in ["open-first", "open-later"] {
        let calls = &sections[section];
        if let Some(path) = std::env::var_os("JALON_OPEN_CALLS") {
            let lines: Vec<&str> = calls.iter().map(|(_, line)| line.as_str()).collect();
            fs::write(Path::new(&path).join(section), lines.join("\n")).unwrap();
        }
        let unlisted: Vec<&String> = calls
            .iter()
            .filter(|(name, _)| !OPEN_MAKES.contains(&name.as_str()))
            .map(|(_, line)| line)
            .collect();
        assert_eq!(unlisted, [""; 0], "{section}");
        let sqlite = calls.iter().any(|(_, line)| line.contains("journey.db"));
        assert!(!sqlite, "{section} touches the store");
        let synced = calls.iter().any(|(name, _)| name.contains("sync"));
        assert!(!synced, "{section} waits for the disk");
    }
}

fn is_wake(line: &str) -> bool {
    line.starts_with("futex(") && line.contains("FUTEX_WAKE")
}

fn is_lock(line: &str) -> bool {
    // The standard library waits by either, without a timeout.
    line.starts_with("futex(")
        && ["FUTEX_WAIT_PRIVATE, 2, NULL", "FUTEX_WAIT_BITSET_PRIVATE, 2, NULL"]
            .iter()
            .any(|wait| line.contains(wait))
}

/// Many threads use a journey in every way, while another grants, refuses, erases and then closes.
#[test]
fn many_threads_at_once_and_use_after_close_do_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let network = Arc::new(TestNetwork::default());
    network.collector(|collector| collector.leases = (0..500).map(|at| at * 2).collect());
    for round in 0..5 {
        let mut config =
            Config::new(dir.path().join("jalon"), "https://collector.example", "wk_test");
        config.consent = Some(Consent::Granted);
        let journey =
            Journey::open_with(config.clone(), Arc::clone(&network) as _, Arc::new(SystemClock))
                .unwrap();
        use_at_once_until_closed(&journey, round);
        // All of it again, on a closed journey: nothing happens, not even to the one opened since.
        let before = journey.status();
        let again = Journey::open_with(config, Arc::clone(&network) as _, Arc::new(SystemClock));
        let again = again.unwrap();
        for (what, use_it) in everything() {
            use_it(&journey);
            assert_eq!(again.status().consent, Consent::Granted, "{what}");
        }
        again.close();
        let names: Vec<_> = fs::read_dir(dir.path().join("jalon"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert!(names.iter().any(|name| name == "identity"), "{names:?}");
        assert!(names.iter().all(|name| name != "denied"), "{names:?}");
        let after = journey.status();
        assert_eq!((after.recorded, after.dropped), (before.recorded, before.dropped));
        let call = journey.call_context(&CallRequest::to("112")).unwrap();
        assert_eq!((call.token, call.code), (None, None));
        journey.close();
    }
    network.collector(|collector| assert_eq!(collector.conflicts, [], "a seq meant two things"));
}

/// Four threads record, ask and wait, while this one changes the consent and then closes.
fn use_at_once_until_closed(journey: &Journey, round: usize) {
    let closed = AtomicBool::new(false);
    thread::scope(|scope| {
        for worker in 0..4 {
            let closed = &closed;
            scope.spawn(move || {
                for at in 0.. {
                    journey.record(product(at));
                    journey.identify(format!("{worker}-{}", at % 3), None);
                    journey.set_location(at as f64 % 90.0, 0.0);
                    journey.call_context(&CallRequest::to("112")).unwrap();
                    if at % 50 == 0 {
                        journey.upload_now();
                        journey.clear_customer();
                        let _ = journey.status();
                        let _ = journey.preview(CallScope::Everything);
                        journey.upload_and_wait(Duration::from_millis(1));
                    }
                    if closed.load(Ordering::SeqCst) {
                        return;
                    }
                }
            });
        }
        for at in 0..60 {
            let answer = [Consent::Granted, Consent::Unknown, Consent::Denied][at % 3];
            journey.set_consent(answer);
            journey.allow_location(at % 2 == 0);
            journey.prepare_call();
            if at % 7 == 0 {
                journey.erase();
            }
            thread::yield_now();
        }
        journey.set_consent(Consent::Granted);
        journey.record(product(round));
        journey.close();
        closed.store(true, Ordering::SeqCst);
    });
}

type Use = fn(&Journey);

fn everything() -> [(&'static str, Use); 13] {
    [
        ("record", |journey| journey.record(product(1))),
        ("record what is invalid", |journey| {
            journey.record(Event::ScreenView { screen: String::new() });
        }),
        ("identify", |journey| journey.identify("late", None)),
        ("clear_customer", |journey| journey.clear_customer()),
        ("set_location", |journey| journey.set_location(1.0, 1.0)),
        ("prepare_call", |journey| journey.prepare_call()),
        ("upload_now", |journey| journey.upload_now()),
        ("upload_and_wait", |journey| {
            let _ = journey.upload_and_wait(Duration::MAX);
        }),
        ("preview", |journey| {
            assert_eq!(journey.preview(CallScope::Everything), Preview::default());
        }),
        ("allow_location", |journey| journey.allow_location(true)),
        ("refuse", |journey| journey.set_consent(Consent::Denied)),
        ("erase", |journey| journey.erase()),
        ("grant", |journey| journey.set_consent(Consent::Granted)),
    ]
}
