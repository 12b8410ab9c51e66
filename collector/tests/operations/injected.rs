//! A system call that fails, whichever it is and however long, loses nothing that was confirmed: the
//! collector answers, or ends with an error, and works again once the disk does. As SQLite tests
//! itself: the nth call of a kind fails, for n = 1, 2, 3 and on, until a run sees no failure; each
//! once alone, and once with every call after it.
//!
//! `strace` makes the calls fail, and only those that concern the data folder. It counts the calls
//! of each thread on its own. While it watches, the disk is broken; to mend the disk, the test ends
//! it. The collector renames no file, and its only `write` to one makes the secret.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use jalon::call::ContextToken;
use serde_json::{Value, json};

use super::program::are_stored_whole;
use super::server::{BINARY, Server, batch, create_key, request};

/// Every file in the data folder once the secret is made.
const FILES: [&str; 5] =
    ["serve.lock", "secret", "collector.db", "collector.db-wal", "collector.db-shm"];
/// Set by whoever wants every n, which takes minutes. Else, beyond the first few, each is larger than
/// the one before by a quarter.
const ALL: &str = "JALON_TEST_INJECTED_ALL";
const FIRST_FEW: usize = 12;
/// More calls of one kind than a thread makes in a run.
const CALLS_MAX: usize = 200;

/// What is asked of the collector: uploads, a call, and a look-up of it.
fn requests(write: &str, centre: &str) -> Vec<(&'static str, String, Value)> {
    let token = ContextToken::from_bytes([7; 16]).to_string();
    let mut call = batch(9, 1, 9);
    call["call"] = json!({"seq": 10, "token": token, "tapped_at": 1, "scope": "everything"});
    let upload = |at: u128| ("/v1/batches", write.to_owned(), batch(at, 1, 10));
    let look_up = json!({"token": token, "call_id": "call-1", "agent": "ana"});
    vec![
        upload(1),
        upload(2),
        ("/v1/calls", write.to_owned(), call),
        ("/v1/contexts/resolve", centre.to_owned(), look_up),
        upload(3),
        upload(4),
    ]
}

/// Runs a collector whose nth call fails, and returns whether one did.
fn serve_with(call: &str, n: usize, stays: bool) -> bool {
    let when = format!("{n}{}", if stays { "+" } else { "" });
    let what = format!("{call} failed with when={when}");
    let place = tempfile::tempdir().unwrap();
    let (folder, log) = (place.path().join("data"), place.path().join("log"));
    let data = folder.to_str().unwrap();
    let (write, centre) = (create_key(data, "write"), create_key(data, "contact-centre"));
    let requests = requests(&write, &centre);
    let mut confirmed = HashSet::new();
    let mut ask = |server: &Server, asked: &(&str, String, Value)| {
        let (path, key, body) = asked;
        let answer = request(&server.address, "POST", path, key, body);
        assert!(answer.is_some(), "{what}: no answer to {path}");
        let (status, answer) = answer.unwrap();
        if status == 200 && *path == "/v1/batches" {
            let installation = body["installation"].as_str().unwrap();
            confirmed.insert((u128::from_str_radix(installation, 16).unwrap(), 1));
        }
        // What is not there yet, since the call before was not stored, is not found.
        assert!([200, 404, 500, 503].contains(&status), "{what}: {status} {answer}");
        status
    };

    match Server::try_start(broken(&folder, &log, call, &when), &folder) {
        Ok(mut server) => {
            for asked in &requests {
                ask(&server, asked);
            }
            // A failure that passes may also come as it ends.
            if stays {
                says_whether_it_takes_uploads(&server, || ask(&server, &requests[0]), &what);
                mend_the_disk(&server);
                for asked in &requests {
                    assert_eq!(ask(&server, asked), 200, "{what}: {} on a mended disk", asked.0);
                }
            }
            assert!(server.end().success(), "{what}");
        }
        Err(status) => assert_eq!(status.code(), Some(1), "{what}"),
    }
    let mut server = Server::try_start(Command::new(BINARY), &folder).unwrap();
    for asked in &requests {
        assert_eq!(ask(&server, asked), 200, "{what}: {} in the next process", asked.0);
    }
    assert!(server.end().success(), "{what}");
    are_stored_whole(&folder, confirmed);
    fs::read_to_string(&log).unwrap().contains("(INJECTED)")
}

/// `/readyz` says what an upload before it and one after it say, if the two agree.
fn says_whether_it_takes_uploads(server: &Server, mut upload: impl FnMut() -> u16, what: &str) {
    let before = upload();
    let (ready, _) = request(&server.address, "GET", "/readyz", "", &Value::Null).unwrap();
    if before == upload() {
        assert_eq!(ready, before, "{what}: readyz, beside uploads");
    }
}

/// The collector under `strace`, which runs beside it (-D): when it is ended, the collector goes on.
fn broken(folder: &Path, log: &Path, call: &str, when: &str) -> Command {
    let mut command = Command::new("strace");
    command.args(["-D", "-f", "-qq", "-o"]).arg(log).arg("-P").arg(folder);
    for file in FILES {
        command.arg("-P").arg(folder.join(file));
    }
    command.args(["-e", &format!("trace={call}")]);
    command.args(["-e", &format!("inject={call}:error=EIO:when={when}")]).arg(BINARY);
    command
}

/// Ends the `strace` that watches the collector.
fn mend_the_disk(server: &Server) {
    let tracer = || {
        let status = fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
        line.unwrap().trim().to_owned()
    };
    let pid = tracer();
    assert_ne!(pid, "0", "this test needs `strace` and leave to trace (SYS_PTRACE in Docker)");
    assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    while tracer() != "0" {
        std::thread::yield_now();
    }
}

/// Lets the nth of these calls fail, until no thread makes so many.
fn each_fails(call: &str) {
    let mut n = 1;
    while serve_with(call, n, false) {
        serve_with(call, n, true);
        n += if n < FIRST_FEW || std::env::var_os(ALL).is_some() { 1 } else { n / 4 };
        assert!(n < CALLS_MAX, "{call}: no end in sight");
    }
    assert!(n > 1, "the collector makes no {call}");
}

#[test]
fn any_file_may_fail_to_open() {
    each_fails("openat");
}

#[test]
fn any_write_may_fail() {
    each_fails("pwrite64");
}

#[test]
fn any_sync_may_fail() {
    each_fails("fsync");
}

#[test]
fn any_file_may_fail_to_be_shortened_deleted_or_mapped() {
    each_fails("ftruncate");
    each_fails("unlink");
    each_fails("mmap");
}
