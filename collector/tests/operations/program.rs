//! The real binary: its commands, and that a SIGKILL loses nothing that it confirmed.

use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jalon::call::ContextToken;
use serde_json::{Value, json};

use super::server::{BINARY, Server, batch, create_key, request, run, stdout};

#[test]
fn sigkill_loses_nothing_that_was_confirmed() {
    let folder = tempfile::tempdir().unwrap();
    let key = create_key(folder.path().to_str().unwrap(), "write");
    let confirmed = Mutex::new(HashSet::new());
    for round in 1..=5_u128 {
        let mut server = Server::start(folder.path());
        upload_until_killed(&mut server, &key, round, &confirmed);
    }
    let confirmed = confirmed.into_inner().unwrap();
    assert!(confirmed.len() >= 5 * 7);
    are_stored_whole(folder.path(), confirmed);
}

/// The batches that were confirmed: the installation, and the first `seq` of ten.
pub(super) type Confirmed = HashSet<(u128, u64)>;

/// Four clients upload one batch after the other, until the server is killed in the middle.
fn upload_until_killed(server: &mut Server, key: &str, round: u128, confirmed: &Mutex<Confirmed>) {
    let answers = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..4_u128)
            .map(|client| {
                let (address, key) = (server.address.clone(), key);
                let answers = &answers;
                scope.spawn(move || {
                    let installation = round * 10 + client + 1;
                    let mut first = 1;
                    // Until the server is gone.
                    while let Some((200, answer)) = request(
                        &address,
                        "POST",
                        "/v1/batches",
                        key,
                        &batch(installation, first, 10),
                    ) {
                        assert_eq!(answer["stored"], 10);
                        confirmed.lock().unwrap().insert((installation, first));
                        answers.fetch_add(1, Ordering::SeqCst);
                        first += 10;
                    }
                })
            })
            .collect();
        // In the middle of the work, at a different moment in each round.
        while answers.load(Ordering::SeqCst) < 7 * round as usize
            && clients.iter().any(|client| !client.is_finished())
        {
            std::thread::yield_now();
        }
        server.kill();
        for client in clients {
            client.join().unwrap();
        }
    });
}

/// Every batch that was confirmed is in the database, and no batch in part.
pub(super) fn are_stored_whole(folder: &Path, confirmed: Confirmed) {
    let connection = rusqlite::Connection::open(folder.join("collector.db")).unwrap();
    let check: String =
        connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    for (installation, first) in confirmed {
        let count: i64 = connection
            .query_row(
                "SELECT count(*) FROM events JOIN installations ON id = installation
                 WHERE hash = ?1 AND seq BETWEEN ?2 AND ?2 + 9",
                rusqlite::params![
                    jalon_collector::secret::sha256(&installation.to_be_bytes()),
                    first as i64
                ],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(count, 10);
    }
    // Nothing is half stored either: every batch is there whole or not at all.
    let halves: i64 = connection
        .query_row(
            "SELECT count(*) FROM (SELECT 1 FROM events GROUP BY installation, (seq - 1) / 10
             HAVING count(*) <> 10)",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(halves, 0);
}

#[test]
fn keys_and_erasing_work_while_it_serves() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let server = Server::start(folder.path());
    let key = create_key(data, "write");
    let mut upload = batch(1, 1, 1);
    upload["events"] = json!([{"seq": 1, "at": 1, "session": 1, "type": "customer",
        "customer": {"id": "ana", "proof": null}}]);
    let send = || request(&server.address, "POST", "/v1/batches", &key, &upload).unwrap();
    assert_eq!(send().0, 200);
    let erase = |app| stdout(&run(&["erase", "--data", data, "--customer", "ana", "--app", app]));
    assert_eq!(erase("another"), "erased 0 installations\n");
    let refused = run(&["erase", "--data", data, "--customer", "ana"]);
    assert_eq!(refused.status.code(), Some(2), "the same id in two apps is two people");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--app"));
    let dry = |more: &[&str]| {
        stdout(&run(&[&["erase", "--data", data, "--customer", "ana", "--dry-run"], more].concat()))
    };
    assert_eq!(dry(&["--app", "shop"]), "would erase 1 installation with 1 event and 0 calls\n");
    assert_eq!(
        dry(&["--app", "another"]),
        "would erase 0 installations with 0 events and 0 calls\n"
    );
    assert!(dry(&["--all-apps"]).starts_with("would erase 1 installation with"));
    assert_eq!(erase("shop"), "erased 1 installation\n");
    assert_eq!(send().0, 410);
    let (status, said) = audit(data, &[]);
    assert_eq!(status, 0, "{said}");
    let noted: Vec<&str> = said.lines().filter(|line| line.contains("\terase\t")).collect();
    assert_eq!(noted.len(), 2, "{said}");
    assert!(noted[0].contains("\tanother\t") && noted[1].contains("\tshop\t"));
    assert!(!said.contains("ana\t") && !said.contains("\"ana\""), "it names nobody: {said}");
}

/// What `audit` prints and its status.
fn audit(data: &str, more: &[&str]) -> (i32, String) {
    let output = run(&[&["audit", "--data", data], more].concat());
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_audit_log_is_printed_and_checked_while_it_serves() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let mut server = Server::start(folder.path());
    let (write, centre) = (create_key(data, "write"), create_key(data, "contact-centre"));
    assert_eq!(audit(data, &[]).0, 0, "an empty log is whole");
    let resolve = |n: u128, call_id: &str, agent: &str| {
        let mut call = batch(n, 1, 1);
        let token = ContextToken::from_bytes(n.to_be_bytes()).to_string();
        call["call"] = json!({"seq": 2, "token": token, "tapped_at": 1, "scope": "everything"});
        let answer = request(&server.address, "POST", "/v1/calls", &write, &call).unwrap();
        assert_eq!(answer.0, 200, "{answer:?}");
        let ask = json!({"token": token, "call_id": call_id, "agent": agent});
        let path = "/v1/contexts/resolve";
        assert_eq!(request(&server.address, "POST", path, &centre, &ask).unwrap().0, 200);
    };
    let forged = "maria\n3\t2026-01-01T00:00:00.000Z\tshop\tresolve\t\"eve\"\t00\u{202e}";
    resolve(1, "call-1", forged);
    resolve(2, "call-2", "ben");

    let (status, said) = audit(data, &[]);
    assert_eq!(status, 0, "{said}");
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 5, "{said}");
    let fields: Vec<Vec<_>> = lines[..2].iter().map(|line| line.split('\t').collect()).collect();
    assert_eq!(fields[0][2..4], ["shop", "resolve"]);
    assert!(fields[0][1].ends_with('Z') && fields[0][1].len() == 24);
    assert!(fields[0][4].starts_with(r#""maria\n3\t2026"#) && fields[0][4].contains(r"\u{202e}"));
    assert_eq!(fields[1][4], "\"ben\"");
    assert_eq!([fields[0].len(), fields[0][5].len()], [6, 16]);
    assert_eq!(lines[2], "the log is whole: 2 entries, each sealing the one before");
    assert!(lines[3].contains("cut from the end"));
    let kept = lines[4].strip_prefix("newest seal, to be kept elsewhere: ").unwrap();

    let one = |more: &[&str]| {
        let (status, said) = audit(data, more);
        assert_eq!(status, 0, "{said}");
        assert!(said.contains("whole: 2 entries"), "all are checked: {said}");
        said.lines().count() - 3
    };
    assert_eq!(one(&["--app", "shop", "--call-id", "call-2"]), 1);
    assert_eq!(one(&["--app", "another"]), 0);
    assert_eq!(one(&["--since", "2026-01-01"]), 2);
    assert_eq!(one(&["--since", "2126-01-01T00:00:00Z"]), 0);
    assert!(audit(data, &["--seal", kept]).1.contains("that of entry 2: all up to there"));

    // Killed, with entries still in SQLite's own log.
    server.kill();
    let (status, said) = audit(data, &["--seal", &kept.to_uppercase()]);
    assert_eq!(status, 0, "{said}");
    let database = rusqlite::Connection::open(folder.path().join("collector.db")).unwrap();
    let drop = "DROP TRIGGER audit_keeps; DROP TRIGGER audit_stands;";
    let tamper = |sql: &str| database.execute_batch(sql).unwrap();
    tamper(&format!("{drop} UPDATE audit SET agent = 'eve' WHERE id = 1"));
    let (status, said) = audit(data, &["--seal", kept]);
    assert_eq!(status, 1, "{said}");
    assert!(said.starts_with("! entry 1 was altered"), "{said}");
    assert!(said.contains("NOT as it was written: see entry 1"), "{said}");
    assert!(said.contains("not all up to there is as it was"), "{said}");
    assert!(!said.contains("newest seal"), "a log that is not whole gives no seal to keep: {said}");
    tamper("DELETE FROM audit WHERE id = 1");
    assert!(audit(data, &[]).1.starts_with("! entry 1 is missing"));
    tamper("DELETE FROM audit");
    assert_eq!(audit(data, &[]).0, 0);
    let (status, said) = audit(data, &["--seal", kept]);
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("NOT in the log"), "{said}");
}

#[test]
fn an_audit_that_cannot_be_made_says_so_and_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("none");
    for args in [
        &["audit", "--data", data.to_str().unwrap()][..],
        &["audit", "--data", folder.path().to_str().unwrap()],
        &["audit", "--data", ".", "--seal", "12"],
        &["audit", "--data", ".", "--since", "yesterday"],
        &["audit", "--data", ".", "--call-id", "call"],
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{args:?}");
    }
    let said = String::from_utf8(run(&["audit", "--data", data.to_str().unwrap()]).stderr).unwrap();
    assert!(said.contains("no collector's data in"), "{said}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn sigterm_ends_it_gracefully() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    assert!(server.end().success());
}

#[test]
fn a_head_that_never_ends_does_not_keep_it_from_ending() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    let mut slow = TcpStream::connect(&server.address).unwrap();
    slow.write_all(b"GET /healthz HTTP/1.1\r\nhost:").unwrap();
    // An answer on another connection shows that the slow one was accepted.
    request(&server.address, "GET", "/healthz", "", &Value::Null).unwrap();
    assert!(server.end().success());
}

#[test]
fn a_second_collector_on_the_same_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    let data = folder.path().to_str().unwrap();
    let second = run(&["serve", "--listen", "127.0.0.1:0", "--data", data]);
    assert!(!second.status.success());
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains("another collector serves"), "{said}");
    server.kill();
    assert!(Server::start(folder.path()).end().success(), "a lock ends with its process");
}

#[test]
fn more_connections_than_descriptors_leave_the_storage_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let (write, centre) = (create_key(data, "write"), create_key(data, "contact-centre"));
    let mut few = Command::new("sh");
    few.args(["-c", "ulimit -n 128; exec \"$0\" \"$@\"", BINARY]);
    let mut server = Server::try_start(few, folder.path()).unwrap();
    let mut open = TcpStream::connect(&server.address).unwrap();
    open.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut ask = |path: &str, key: &str, body: &Value| {
        let body = body.to_string();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {key}\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        open.write_all(head.as_bytes()).unwrap();
        let mut answer = [0; 4096];
        let count = open.read(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[..count]).into_owned()
    };
    assert!(ask("/v1/batches", &write, &batch(1, 1, 1)).starts_with("HTTP/1.1 200"));
    // Some are accepted, the others wait for it.
    let idle: Vec<_> = (0..120).map(|_| TcpStream::connect(&server.address).unwrap()).collect();

    for round in 2..10 {
        assert!(ask("/v1/batches", &write, &batch(round, 1, 1)).starts_with("HTTP/1.1 200"));
        let nobody =
            json!({"token": ContextToken::from_bytes([7; 16]).to_string(), "call_id": "1"});
        assert!(ask("/v1/contexts/resolve", &centre, &nobody).starts_with("HTTP/1.1 404"));
    }
    let open = std::fs::read_dir(format!("/proc/{}/fd", server.child.id())).unwrap().count();
    assert!((64..112).contains(&open), "{open} of 128 descriptors are open");
    drop(idle);
    assert!(server.end().success());
}

#[test]
fn a_head_without_end_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let path = format!("/healthz?{}", "x".repeat(32 * 1024));
    let answer = request(&server.address, "GET", &path, "", &Value::Null);
    assert!(answer.as_ref().is_none_or(|(status, _)| (400..500).contains(status)), "{answer:?}");
}

#[test]
fn off_loopback_it_wants_a_public_url() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let output = run(&["serve", "--listen", "0.0.0.0:0", "--data", data]);
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("--public-url"), "{said}");
}

#[test]
fn a_configuration_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let config = folder.path().join("collector.toml");
    let serve = |text: &str| {
        std::fs::write(&config, text).unwrap();
        let args = ["serve", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()];
        let mut command = Command::new(BINARY);
        let output = command.args(args).arg("--config").arg(&config).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(serve("colour = 1").contains("collector.toml"));
    assert!(serve("public_url = 'calls'").contains("public URL"));
    assert!(serve("frame_ancestors = ['a; b']").contains("frame ancestor"));
    assert!(serve("[apps.shop]\nscreens = 'none.toml'").contains("none.toml"));
}

#[test]
fn every_command_explains_itself() {
    for args in [
        &["--help"][..],
        &["serve", "--help"],
        &["key", "--help"],
        &["key", "create", "--help"],
        &["key", "list", "--help"],
        &["key", "revoke", "--help"],
        &["key", "expire", "--help"],
        &["screens", "--help"],
        &["confirm-clock", "--help"],
        &["erase", "--help"],
        &["audit", "--help"],
        &["identity-key", "--help"],
        &["identity-key", "add", "--help"],
        &["identity-key", "list", "--help"],
        &["identity-key", "remove", "--help"],
    ] {
        assert!(stdout(&run(args)).contains("Usage:"), "{args:?}");
    }
}

#[test]
fn identity_keys_are_added_listed_and_removed_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (data, keys) = (data.to_str().unwrap(), concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys"));
    let key = |args: &[&str]| run(&[&["identity-key"], args].concat());
    let add = |algorithm: &str, file: &str| {
        let app = ["--app", "com.example.shop", "--data", data];
        key(&[&["add", "--algorithm", algorithm, "--key", file][..], &app].concat())
    };
    let refused = |output: Output, why: &str| {
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(why), "{said}");
    };
    refused(key(&["list", "--data", data]), "no collector's data");
    refused(add("es256", "/nonexistent"), "failed to read");
    refused(add("es256", &format!("{keys}/one.private.pem")), "-pubout");

    let id = stdout(&add("es256", &format!("{keys}/one.public.pem"))).trim().to_owned();
    let other = stdout(&add("es256", &format!("{keys}/two.public.pem"))).trim().to_owned();
    assert_eq!((id.len(), other.len()), (16, 16));
    let list = stdout(&key(&["list", "--data", data, "--app", "com.example.shop"]));
    assert_eq!(list.lines().count(), 2, "{list}");
    assert!(list.contains(&id) && list.contains("ES256") && !list.contains("MFkw"), "{list}");

    let remove = ["remove", "--data", data, "--app", "com.example.shop", "--id", &id];
    assert_eq!(stdout(&key(&remove)), format!("removed {id}\n"));
    refused(key(&remove), "has no key");
    assert_eq!(stdout(&key(&["list", "--data", data])).lines().count(), 1);
}
