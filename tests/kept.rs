//! **Kept**: what `record` accepted survives SIGKILL at any later instant.
//!
//! A child process records, drains and uploads through the real clock, files and sockets, and is
//! killed at random instants, again and again in the same folder. After each `record` it says that
//! it returned; whatever it said must be at the collector in the end, once and in order.
//! `JALON_KILLS` sets how often (200), `JALON_SEED` where the randomness begins.
#![cfg(feature = "reqwest")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use jalon::clock::{Bell, Clock as _, SystemClock};
use jalon::{
    CallRequest, Config, Consent, DropReason, Event, Journey, Method, Request, Response, Value,
};
use support::{ModelCollector, Random, child};

const SIGKILL: i32 = 9;
/// How long the upload of everything may take at the end.
const PATIENCE_MS: u64 = 300_000;

#[test]
fn what_was_recorded_survives_sigkill_at_any_instant() {
    if child::is_child(what_was_recorded_survives_sigkill_at_any_instant) {
        return record_until_killed();
    }
    let kills = number("JALON_KILLS").unwrap_or(200);
    let seed = number("JALON_SEED").unwrap_or(1);
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("jalon");
    let collector = Collector::start(seed);
    let mut random = Random::new(seed);
    let mut returned = Vec::new();
    let mut interrupted = BTreeSet::new();
    let mut first = 1;
    for _ in 0..kills {
        let next = kill_one(&folder, &collector, first, &mut random);
        returned.extend(first..next);
        // The record under way at the kill may be kept or not: `record` had not returned.
        interrupted.insert(next);
        first = next + 1;
        if random.below(2) == 0 {
            collector.deliver_late();
        }
    }
    let status = upload_the_rest(&folder, &collector, first);
    returned.push(first);
    collector.deliver_late();

    let delivered = collector.with(|model| {
        assert_eq!(model.conflicts, Vec::new(), "seed {seed}: a seq meant two things");
        model.journey(1).into_iter().map(number_of).collect::<Vec<u64>>()
    });
    let wrong: Vec<_> = delivered.windows(2).filter(|pair| pair[0] >= pair[1]).collect();
    assert!(wrong.is_empty(), "seed {seed}: twice or out of order: {wrong:?}");
    // The phone's own counts agree: only torn tails are lost, whose `record` never returned.
    let torn = status.dropped.get(DropReason::Corrupt);
    assert_eq!(status.dropped.total(), torn, "seed {seed}: {status:?}");
    let epochs: BTreeSet<u64> =
        collector.with(|model| model.events.keys().map(|key| key.1).collect());
    assert_eq!(epochs, [1].into(), "seed {seed}: a store was given up: {status:?}");
    let arrived: BTreeSet<u64> = delivered.iter().copied().collect();
    let lost: Vec<u64> = returned.iter().copied().filter(|n| !arrived.contains(n)).collect();
    assert!(lost.is_empty(), "seed {seed}: lost {lost:?}");
    let extra = arrived.len() - returned.len();
    let known = |n: &&u64| interrupted.contains(n) || returned.binary_search(n).is_ok();
    assert_eq!(arrived.iter().filter(known).count(), arrived.len(), "seed {seed}: made up");
    assert!(kills < 100 || returned.len() as u64 > kills * 10, "too little was recorded");
    assert!(torn <= kills);
    assert_eq!(status.delivered, arrived.len() as u64);
    assert_eq!(status.recorded, status.delivered + torn);
    println!(
        "kept: {kills} kills, {} recorded, {} delivered ({extra} of them under way at a kill), \
         {torn} torn, {} requests",
        returned.len(),
        arrived.len(),
        collector.requests.load(Ordering::Relaxed),
    );
}

/// Runs one child from number `first` on, kills it, and returns the number it was about to record.
fn kill_one(folder: &Path, collector: &Collector, first: u64, random: &mut Random) -> u64 {
    let mut running = child::command(what_was_recorded_survives_sigkill_at_any_instant, &[])
        .env("JALON_KEPT", format!("{} {first} {}", collector.port, random.next()))
        .env("JALON_KEPT_FOLDER", folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = running.stderr.take().unwrap();
    let (tell, heard) = mpsc::channel();
    let listener = thread::spawn(move || {
        let lines = BufReader::new(said).lines().map_while(Result::ok);
        lines.inspect(|_| _ = tell.send(())).collect::<Vec<String>>()
    });
    // One in six dies before or while it opens; the others up to 0.2 s after, with each order of
    // magnitude equally likely.
    let opened = if random.below(6) > 0 {
        heard.recv().is_ok()
    } else {
        let early = Duration::from_micros(random.below(15_000));
        heard.recv_timeout(early) != Err(RecvTimeoutError::Disconnected)
    };
    let (_keep, never) = mpsc::channel::<()>();
    let scale = 100 << random.below(11);
    let _ = never.recv_timeout(Duration::from_micros(scale + random.below(scale)));
    running.kill().unwrap();
    let status = running.wait().unwrap();
    let lines = listener.join().unwrap();
    assert!(opened && status.signal() == Some(SIGKILL), "{status}: {}", lines.join("\n"));
    let mut next = first;
    for line in lines.iter().filter(|line| *line != "open") {
        assert_eq!(line.parse(), Ok(next), "{}", lines.join("\n"));
        next += 1;
    }
    next
}

/// The child: records in bursts, and lets the worker get ahead between them.
fn record_until_killed() {
    let given = std::env::var("JALON_KEPT").unwrap();
    let given: Vec<u64> = given.split(' ').map(|word| word.parse().unwrap()).collect();
    let [port, first, seed] = given[..] else { panic!("{given:?}") };
    let folder = std::env::var_os("JALON_KEPT_FOLDER").unwrap();
    let say = |word: &str| std::io::stderr().write_all(format!("{word}\n").as_bytes()).unwrap();
    let mut random = Random::new(seed);
    let journey = Journey::open(config(Path::new(&folder), port as u16)).unwrap();
    say("open");
    let mut next = first;
    loop {
        // Otherwise the quota would rightly drop the oldest.
        while journey.status().queued > 2_000 {
            journey.upload_now();
            wait_ms(2);
        }
        let burst = 1 << random.below(9);
        for _ in 0..random.below(burst) {
            record(&journey, next, &mut random);
            say(&next.to_string());
            next += 1;
        }
        if random.below(4) == 0 {
            journey.upload_now();
        }
        wait_ms(random.below(12));
    }
}

/// Records something that carries `n`.
fn record(journey: &Journey, n: u64, random: &mut Random) {
    if n.is_multiple_of(97) {
        journey.call_context(&CallRequest::to("+33123456789").about(n.to_string())).unwrap();
    } else if n.is_multiple_of(31) {
        journey.identify(n.to_string(), None);
    } else if n.is_multiple_of(5) {
        let mut padding = |_| Value::Text("x".repeat(random.below(250) as usize));
        let mut values: BTreeMap<String, Value> =
            (0..12).map(|at| (format!("padding_{at}"), padding(at))).collect();
        values.insert("n".into(), Value::Text(n.to_string()));
        journey.record(Event::Custom { name: "step".into(), values });
    } else {
        journey.record(Event::ScreenView { screen: n.to_string() });
    }
}

/// The number that an event carries.
fn number_of(event: &serde_json::Value) -> u64 {
    let text = match event["type"].as_str().unwrap() {
        "call" => &event["call"]["topic"],
        "customer" => &event["customer"]["id"],
        "custom" => &event["values"]["n"],
        _ => &event["screen"],
    };
    text.as_str().unwrap().parse().unwrap()
}

/// Records a last event, so that there is something to upload in any case, and uploads everything.
fn upload_the_rest(folder: &Path, collector: &Collector, last: u64) -> jalon::Status {
    collector.faithful.store(1, Ordering::Relaxed);
    let journey = Journey::open(config(folder, collector.port)).unwrap();
    journey.record(Event::ScreenView { screen: last.to_string() });
    let clock = SystemClock;
    let until_ms = clock.now().elapsed_ms + PATIENCE_MS;
    loop {
        let status = journey.status();
        if status.queued == 0 && status.last_upload.is_some_and(|last| last.problem.is_none()) {
            return status;
        }
        assert!(clock.now().elapsed_ms < until_ms, "not uploaded: {status:?}");
        journey.upload_now();
        wait_ms(10);
    }
}

fn config(folder: &Path, port: u16) -> Config {
    let mut config = Config::new(folder, format!("http://127.0.0.1:{port}"), "wk_test");
    config.consent = Some(Consent::Granted);
    // Room for what a process on a busy machine records and is killed too soon to upload.
    config.quota_bytes = 512 * 1024 * 1024;
    config
}

fn wait_ms(ms: u64) {
    let clock = SystemClock;
    clock.wait(&Bell::new(), Some(clock.now().elapsed_ms + ms));
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The model collector behind a small HTTP server, which breaks one exchange in five.
struct Collector {
    port: u16,
    model: Mutex<ModelCollector>,
    random: Mutex<Random>,
    /// Requests that arrive after those that were sent later.
    late: Mutex<Vec<Request>>,
    requests: AtomicU64,
    /// 1 once no exchange is to be broken any more.
    faithful: AtomicU64,
}

impl Collector {
    fn start(seed: u64) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let leases = (1..20_000).map(|at| at * 2).collect();
        let collector = Arc::new(Self {
            port: listener.local_addr().unwrap().port(),
            model: Mutex::new(ModelCollector { leases, ..ModelCollector::default() }),
            random: Mutex::new(Random::new(!seed)),
            late: Mutex::default(),
            requests: AtomicU64::new(0),
            faithful: AtomicU64::new(0),
        });
        let serving = Arc::clone(&collector);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let serving = Arc::clone(&serving);
                thread::spawn(move || serving.serve(&stream));
            }
        });
        collector
    }

    fn with<T>(&self, look: impl FnOnce(&mut ModelCollector) -> T) -> T {
        look(&mut self.model.lock().unwrap())
    }

    fn deliver_late(&self) {
        for request in std::mem::take(&mut *self.late.lock().unwrap()) {
            self.with(|model| drop(model.answer(&request)));
        }
    }

    /// Answers the requests of one connection, until it breaks or is broken.
    fn serve(&self, stream: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        loop {
            let request = read_request(&mut reader)?;
            self.requests.fetch_add(1, Ordering::Relaxed);
            let faithful = self.faithful.load(Ordering::Relaxed) == 1;
            let fate = if faithful { 100 } else { self.random.lock().unwrap().below(100) };
            let response = match fate {
                0..5 => return None,
                5..10 => {
                    self.with(|model| drop(model.answer(&request)));
                    return None;
                }
                10..15 => {
                    self.late.lock().unwrap().push(request);
                    return None;
                }
                15..20 => Response { status: 503, retry_after_ms: None, body: Vec::new() },
                _ => self.with(|model| model.answer(&request)),
            };
            let head = format!(
                "HTTP/1.1 {} x\r\ncontent-length: {}\r\n\r\n",
                response.status,
                response.body.len()
            );
            let mut stream = stream;
            stream.write_all(&[head.as_bytes(), &response.body].concat()).ok()?;
        }
    }
}

/// Reads a request; `None` when the connection ends before it does.
fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = || {
        let mut line = String::new();
        let whole = reader.read_line(&mut line).ok()? > 0 && line.ends_with("\r\n");
        whole.then(|| line.trim_end().to_owned())
    };
    let first = line()?;
    let (method, rest) = first.split_once(' ')?;
    let url = rest.split(' ').next()?.to_owned();
    let mut length = None;
    loop {
        let header = line()?.to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = Some(value.trim().parse::<usize>().ok()?);
        }
    }
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let method = if method == "GET" { Method::Get } else { Method::Post };
    let body = length.map(|_| body);
    Some(Request { method, url, key: String::new(), body, new_connection: false })
}
