//! The real binary: runs its commands, serves in a process of its own, and asks it over TCP.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

pub(super) const BINARY: &str = env!("CARGO_BIN_EXE_jalon-collector");

pub(super) fn run(args: &[&str]) -> Output {
    Command::new(BINARY).args(args).output().unwrap()
}

pub(super) fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A collector in a process of its own, killed when dropped.
pub(super) struct Server {
    pub(super) child: Child,
    pub(super) address: String,
}

impl Server {
    pub(super) fn start(data: &Path) -> Self {
        Self::try_start(Command::new(BINARY), data).unwrap()
    }

    /// Starts the collector that `command` runs; if it does not get to listen, its status.
    pub(super) fn try_start(mut command: Command, data: &Path) -> Result<Self, ExitStatus> {
        let serve = command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
        let mut child = serve.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let Some(address) = line.trim().strip_prefix("listening on http://") else {
            return Err(child.wait().unwrap());
        };
        Ok(Self { address: address.to_owned(), child })
    }

    /// Asks it to end, and returns how it did.
    pub(super) fn end(&mut self) -> ExitStatus {
        let kill = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        self.child.wait().unwrap()
    }

    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One request on a connection of its own; `None` when no whole answer came.
pub(super) fn request(
    address: &str,
    method: &str,
    path: &str,
    key: &str,
    body: &Value,
) -> Option<(u16, Value)> {
    let (status, body) = request_text(address, method, path, key, body)?;
    Some((status, serde_json::from_str(&body).unwrap_or(Value::Null)))
}

/// The same, with the answer's body as it came.
pub(super) fn request_text(
    address: &str,
    method: &str,
    path: &str,
    key: &str,
    body: &Value,
) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let body = body.to_string();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {key}\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

pub(super) fn batch(installation: u128, first: u64, count: u64) -> Value {
    let event =
        |seq| json!({"seq": seq, "at": 1, "session": 1, "type": "screen_view", "screen": "s"});
    json!({"installation": format!("{installation:032x}"), "epoch": 1, "sent_at": 1,
        "oldest": first, "next": first + count,
        "events": (first..first + count).map(event).collect::<Vec<_>>()})
}

pub(super) fn create_key(data: &str, kind: &str) -> String {
    let args = ["key", "create", "--data", data, "--kind", kind, "--app", "shop"];
    stdout(&run(&args)).trim().to_owned()
}
