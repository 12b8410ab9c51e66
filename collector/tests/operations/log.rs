//! A log that cannot be written, or that nobody reads, stops nothing.

use std::fs::File;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::server::{BINARY, Server, batch, create_key, request, request_text};

/// Proofs that are refused, and noted in the log, in one upload.
const PROOFS: u64 = 16;

/// Starts a collector whose stderr is this.
fn start(folder: &std::path::Path, stderr: impl Into<Stdio>) -> Server {
    let mut command = Command::new(BINARY);
    command.stderr(stderr);
    Server::try_start(command, folder).unwrap()
}

/// An upload of so many customers whose proofs are refused.
fn refused_proofs(first: u64) -> Value {
    let mut upload = batch(1, first, PROOFS);
    let customer = |seq| {
        json!({"seq": seq, "at": 1, "session": 1, "type": "customer",
            "customer": {"id": format!("customer-{seq}"), "proof": "none"}})
    };
    upload["events"] = (first..first + PROOFS).map(customer).collect();
    upload
}

fn dropped_lines(server: &Server) -> u64 {
    let (_, page) = request_text(&server.address, "GET", "/metrics", "", &Value::Null).unwrap();
    let line = page.lines().find_map(|line| line.strip_prefix("jalon_log_lines_dropped_total "));
    line.unwrap().parse().unwrap()
}

#[test]
fn a_log_on_a_full_disk_stops_nothing_and_what_is_missing_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let key = create_key(folder.path().to_str().unwrap(), "write");
    let mut server = start(folder.path(), File::options().write(true).open("/dev/full").unwrap());
    let send = |upload: &Value| request(&server.address, "POST", "/v1/batches", &key, upload);
    for round in 0..3 {
        assert_eq!(send(&refused_proofs(1 + round * PROOFS)).unwrap().0, 200);
    }
    let healthy = request(&server.address, "GET", "/healthz", "", &Value::Null).unwrap();
    assert_eq!(healthy.0, 200);
    assert!(dropped_lines(&server) > 0);
    assert!(server.end().success());
}

#[test]
fn a_log_that_nobody_reads_stops_nothing_and_what_is_missing_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let key = create_key(folder.path().to_str().unwrap(), "write");
    let mut server = start(folder.path(), Stdio::piped());
    let mut first = 1;
    // Until the pipe is full, and with it the queue behind it.
    while dropped_lines(&server) == 0 {
        let upload = refused_proofs(first);
        let answer = request(&server.address, "POST", "/v1/batches", &key, &upload);
        assert_eq!(answer.unwrap().0, 200);
        first += PROOFS;
    }
    assert!(server.end().success());
}

#[test]
fn a_log_whose_reader_has_gone_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let key = create_key(folder.path().to_str().unwrap(), "write");
    let mut server = start(folder.path(), Stdio::piped());
    drop(server.child.stderr.take());
    let answer = request(&server.address, "POST", "/v1/batches", &key, &refused_proofs(1));
    assert_eq!(answer.unwrap().0, 200);
    assert!(server.end().success());
}
