//! A log that cannot be written, or that nobody reads, stops nothing.

use std::fs::File;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::server::{BINARY, Server, batch, create_key, request, request_text};

/// Starts a collector whose stderr is this.
fn start(folder: &std::path::Path, stderr: impl Into<Stdio>) -> Server {
    let mut command = Command::new(BINARY);
    command.stderr(stderr);
    Server::try_start(command, folder).unwrap()
}

/// Uploads a customer whose proof is refused, which is a line in the log.
fn upload(server: &Server, key: &str, seq: u64) {
    let mut upload = batch(1, seq, 1);
    upload["events"] = json!([{"seq": seq, "at": 1, "session": 1, "type": "customer",
        "customer": {"id": format!("customer-{seq}"), "proof": "none"}}]);
    let answer = request(&server.address, "POST", "/v1/batches", key, &upload);
    assert_eq!(answer.unwrap().0, 200);
}

/// Uploads until a line is missing in the log.
fn upload_until_a_line_is_dropped(server: &Server, key: &str) {
    for seq in 1.. {
        upload(server, key, seq);
        if seq % 16 == 0 && dropped_lines(server) > 0 {
            return;
        }
        assert!(seq < 100_000, "no line was dropped");
    }
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
    upload_until_a_line_is_dropped(&server, &key);
    let healthy = request(&server.address, "GET", "/healthz", "", &Value::Null).unwrap();
    assert_eq!(healthy.0, 200);
    assert!(server.end().success());
}

#[test]
fn a_log_that_nobody_reads_stops_nothing_and_what_is_missing_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let key = create_key(folder.path().to_str().unwrap(), "write");
    let mut server = start(folder.path(), Stdio::piped());
    // The pipe is full then, and the queue behind it.
    upload_until_a_line_is_dropped(&server, &key);
    assert!(server.end().success());
}

#[test]
fn a_log_whose_reader_has_gone_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let key = create_key(folder.path().to_str().unwrap(), "write");
    let mut server = start(folder.path(), Stdio::piped());
    drop(server.child.stderr.take());
    upload(&server, &key, 1);
    assert!(server.end().success());
}
