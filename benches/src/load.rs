//! The load: batches as the SDK sends them, made and compressed before the clock runs, so that
//! sending them costs the shared machine little.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::clock::{Watch, sleep};
use crate::http::{self, Client};
use crate::rows::{self, Deed, ShopRow};

/// Connections at once.
pub const CONNECTIONS: usize = 64;
/// Events of a batch.
pub const BATCH: usize = 100;
/// Length of a round.
pub const SECONDS: f64 = 4.0;
/// Batches of one phone, in a row.
const PHONE_BATCHES: usize = 5;
/// The fastest round that does not run out of batches.
const EVENTS_PER_S_MAX: f64 = 200_000.0;
/// Any time of our days.
const SENT_AT_MS: i64 = 1_795_281_956_735;

/// Makes and sends load.
#[derive(Debug)]
pub struct Load {
    key: String,
    rows: Vec<ShopRow>,
    phones: u64,
    bytes: usize,
    batches: usize,
}

/// How fast it is sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    /// As fast as it is answered.
    Flat,
    /// So, and few batches over and over: for a server that does not look at them.
    Repeated,
    /// So many events a second, answered or not.
    EventsPerSecond(f64),
}

/// What came of a round.
#[derive(Debug)]
pub struct Round {
    /// From the first request to the last answer.
    pub seconds: f64,
    /// How long each answer took, in ns.
    pub answers: Vec<u64>,
}

impl Load {
    /// Makes batches for this write key.
    ///
    /// # Errors
    /// When the rows cannot be read.
    pub fn new(key: &str) -> Result<Self> {
        let mut rows = rows::customers()?;
        rows.extend(rows::mixed()?);
        rows.retain(|row| row.deed == Deed::View);
        Ok(Self { key: key.to_owned(), rows, phones: 0, bytes: 0, batches: 0 })
    }

    /// Bytes of a batch, on average.
    pub fn batch_bytes(&self) -> usize {
        self.bytes / self.batches.max(1)
    }

    /// Runs one round.
    ///
    /// # Errors
    /// When a request fails.
    pub fn run(&mut self, address: &str, seconds: f64, rate: Rate) -> Result<Round> {
        let (events_per_s, repeat) = match rate {
            Rate::Flat => (EVENTS_PER_S_MAX, false),
            Rate::Repeated => (EVENTS_PER_S_MAX, true),
            Rate::EventsPerSecond(events) => (events, false),
        };
        let each = (events_per_s * seconds / (BATCH * CONNECTIONS) as f64).ceil() as usize;
        let phones_each = if repeat { 2 } else { each.div_ceil(PHONE_BATCHES) };
        let mut lanes = Vec::new();
        for _ in 0..CONNECTIONS {
            let requests: Vec<Vec<u8>> = (0..phones_each).flat_map(|_| self.phone()).collect();
            lanes.push((Client::connect(address)?, requests));
        }
        let start = Barrier::new(CONNECTIONS);
        let outcomes: Vec<Result<(f64, Vec<u64>)>> = thread::scope(|scope| {
            let threads: Vec<_> = lanes
                .iter_mut()
                .map(|(client, requests)| {
                    let start = &start;
                    scope.spawn(move || {
                        start.wait();
                        send_all(client, requests, seconds, rate)
                    })
                })
                .collect();
            let join = |thread: thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or_else(|_| Err(anyhow!("a sender panicked")))
            };
            threads.into_iter().map(join).collect()
        });
        let mut round = Round { seconds: 0.0, answers: Vec::new() };
        for outcome in outcomes {
            let (seconds, answers) = outcome?;
            round.seconds = round.seconds.max(seconds);
            round.answers.extend(answers);
        }
        Ok(round)
    }

    /// The requests of a phone never seen before.
    fn phone(&mut self) -> Vec<Vec<u8>> {
        self.phones += 1;
        // As spread as random ones, so that the collector's tree is met all over; SplitMix64.
        let mut z = self.phones.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let installation = format!("{:016x}{z:016x}", self.phones.rotate_left(32) | 1);
        (0..PHONE_BATCHES)
            .map(|batch| {
                let body = gzip(self.batch(&installation, batch).as_bytes());
                self.bytes += body.len();
                self.batches += 1;
                http::post("/v1/batches", &self.key, true, &body)
            })
            .collect()
    }

    fn batch(&self, installation: &str, batch: usize) -> String {
        let first = batch * BATCH + 1;
        // The first brings codes; from then on the phone has enough.
        let codes_left = if batch == 0 { 0 } else { 5 };
        let mut text = format!(
            "{{\"sdk\":\"jalon-android/0.1.0\",\"installation\":\"{installation}\",\"epoch\":1,\
             \"sent_at\":{SENT_AT_MS},\"oldest\":{first},\"next\":{},\"dropped\":{{}},\
             \"codes_left\":{codes_left},\"app\":{{\"id\":\"com.example.shop\",\"version\":\"8.2.0\",\
             \"os\":\"Android 15\",\"device\":\"Pixel 8\",\"locale\":\"fr-FR\"}},\"events\":[",
            first + BATCH
        );
        let skipped = (self.phones as usize * 50 + batch) % self.rows.len();
        let views = self.rows.iter().cycle().skip(skipped);
        for (at, row) in views.take(BATCH / 2).enumerate() {
            let seq = first + at * 2;
            let at_ms = SENT_AT_MS - 600_000 + (seq as i64) * 2_731;
            let comma = if at == 0 { "" } else { "," };
            // Writing to a String cannot fail.
            let _ = write!(
                text,
                "{comma}{{\"seq\":{seq},\"at\":{at_ms},\"session\":17,\"type\":\"screen_view\",\
                 \"screen\":\"product/{{id}}\",\"previous\":\"product/{{id}}\",\"dwell_ms\":5462}},\
                 {{\"seq\":{},\"at\":{at_ms},\"session\":17,\"type\":\"product_view\",\
                 \"screen\":\"product/{{id}}\",\"product\":{{\"id\":\"{}\",\"category\":\"{}\",\
                 \"brand\":\"{}\",\"price\":{{\"minor\":{},\"currency\":\"USD\"}}}}}}",
                seq + 1,
                row.product,
                row.category,
                row.brand,
                row.cents
            );
        }
        text.push_str("]}");
        text
    }
}

fn send_all(
    client: &mut Client,
    requests: &[Vec<u8>],
    seconds: f64,
    rate: Rate,
) -> Result<(f64, Vec<u64>)> {
    let start = Watch::start();
    let mut answers = Vec::with_capacity(requests.len());
    let repeat = rate == Rate::Repeated;
    let count = if repeat { usize::MAX } else { requests.len() };
    for (at, request) in requests.iter().cycle().take(count).enumerate() {
        if let Rate::EventsPerSecond(events) = rate {
            // Each somewhere within its own turn: phones do not send in step.
            let phase = f64::from(crc_of(request)) / f64::from(u32::MAX);
            let due = (at as f64 + phase) * (BATCH * CONNECTIONS) as f64 / events;
            sleep(Duration::from_secs_f64((due - start.seconds()).max(0.0)));
        }
        if start.seconds() >= seconds {
            break;
        }
        let watch = Watch::start();
        let answer = client.exchange(request).context("a request failed")?;
        answers.push(watch.ns());
        let all = answer.body.starts_with(br#"{"stored":100,"rejected":[]"#) || repeat;
        ensure!(
            answer.status == 200 && all,
            "{}: {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
    }
    Ok((start.seconds(), answers))
}

/// A number that differs for each request and is the same in each run.
fn crc_of(request: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(request);
    crc.sum()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}
