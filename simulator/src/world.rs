//! The world of one run: phones, the collector, true time, and what is on its way between them.

use std::io::Read as _;

use anyhow::{Result, anyhow, bail};
use flate2::read::GzDecoder;
use jalon::{Lane, Request, SendError};
use serde_json::Value;

use crate::network::{Network, Sent, stranger};
use crate::oracle::{Oracle, StretchId};
use crate::phone::{Flight, Leg, Phone};
use crate::plan::PHONES;
use crate::random::Random;
use crate::site::{Handle, Site};

/// The true time at which every run begins: 2026-11-22T12:00:00Z.
const START_MS: i64 = 1_795_348_800_000;
/// A run in which a phone sends more than this is running hot.
const REQUESTS_MAX: u64 = 20_000;

/// A call that an agent took.
pub(crate) struct Taken {
    /// The id that the exchange gave it.
    pub call_id: String,
    /// By what it was looked up.
    pub handle: Handle,
    /// Who called.
    pub who: StretchId,
    /// When, in ms of true time.
    pub at_ms: i64,
}

/// The world of one run.
pub(crate) struct World {
    /// The phones.
    pub phones: Vec<Phone>,
    /// The contact centre.
    pub site: Site,
    /// Who did what.
    pub oracle: Oracle,
    /// The calls that agents took.
    pub taken: Vec<Taken>,
    /// How many calls agents took.
    pub seen: u64,
    /// How many call ids the exchange has given.
    pub call_ids: u64,
    /// Calls that were tapped: token, and the stretch of whoever tapped.
    pub tapped: Vec<(String, StretchId)>,
    /// The chances of the step that is being played.
    pub random: Random,
    /// The collector's last backup, and when it was made.
    pub backup: Option<i64>,
    /// When the collector last lost commits.
    pub lost_ms: Option<i64>,
    /// What the run has done, to be compared with the same run played again.
    pub trace: u64,
    now_ms: i64,
    folder: tempfile::TempDir,
}

impl World {
    /// Makes a world in which nothing has happened yet.
    ///
    /// # Errors
    /// An error of the file system, or of the collector.
    pub(crate) fn new(seed: u64) -> Result<Self> {
        let memory = std::path::Path::new("/dev/shm");
        let folder =
            if memory.is_dir() { tempfile::tempdir_in(memory)? } else { tempfile::tempdir()? };
        let mut random = Random::new(seed);
        let site = Site::open(&folder.path().join("collector"), START_MS, random.draw())?;
        let phones = (0..PHONES).map(|phone| {
            let path = folder.path().join(format!("phone-{phone}"));
            Phone::new(path, START_MS, &mut random, &site.write_key)
        });
        Ok(Self {
            phones: phones.collect(),
            site,
            oracle: Oracle::new(PHONES),
            taken: Vec::new(),
            seen: 0,
            call_ids: 0,
            tapped: Vec::new(),
            random: Random::new(seed),
            backup: None,
            lost_ms: None,
            trace: seed,
            now_ms: START_MS,
            folder,
        })
    }

    /// True time.
    pub(crate) fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// The folder of the collector's backup.
    pub(crate) fn backup_folder(&self) -> std::path::PathBuf {
        self.folder.path().join("backup")
    }

    /// Mixes something that happened into the trace.
    pub(crate) fn note(&mut self, what: u64) {
        self.trace = (self.trace ^ what).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(17);
    }

    /// Lets time pass, and everything happen that becomes due meanwhile. While `asleep` the phones'
    /// workers do not wake.
    ///
    /// # Errors
    /// An invariant that does not hold.
    pub(crate) fn pass(&mut self, ms: u64, asleep: bool) -> Result<()> {
        let until_ms = self.now_ms + ms as i64;
        self.settle()?;
        loop {
            let next_ms = (0..self.phones.len())
                .filter_map(|phone| self.next_ms(phone, asleep))
                .min()
                .filter(|next_ms| *next_ms <= until_ms);
            let Some(next_ms) = next_ms else { break };
            self.set_time(next_ms.max(self.now_ms));
            self.arrive()?;
            self.settle()?;
        }
        self.set_time(until_ms);
        self.arrive()?;
        self.settle()
    }

    fn set_time(&mut self, true_ms: i64) {
        self.now_ms = true_ms;
        self.site.clock.set(true_ms);
        for phone in &self.phones {
            phone.clock.set(true_ms);
        }
    }

    /// When the next thing happens on a phone, in ms of true time.
    fn next_ms(&self, phone: usize, asleep: bool) -> Option<i64> {
        let phone = &self.phones[phone];
        let flight_ms = phone.flights.iter().map(|flight| flight.at_ms).min();
        let step_ms = phone.journey.as_ref().filter(|_| !asleep).and_then(|journey| {
            let elapsed_ms = jalon::clock::Clock::now(&*phone.clock).elapsed_ms;
            let due_ms = journey.next_step_ms()?;
            Some(self.now_ms + due_ms.saturating_sub(elapsed_ms) as i64)
        });
        flight_ms.into_iter().chain(step_ms).min()
    }

    /// Runs every worker until it has nothing to do at this moment.
    ///
    /// # Errors
    /// An invariant that does not hold.
    pub(crate) fn settle(&mut self) -> Result<()> {
        for phone in 0..self.phones.len() {
            let mut turns = 0;
            loop {
                let Some(journey) = self.phones[phone].journey.clone() else { break };
                let ran = journey.step();
                self.send(phone)?;
                if !ran {
                    break;
                }
                self.phones[phone].turns += 1;
                turns += 1;
                if turns > 1_000 {
                    bail!("phone {phone}: the worker never rests");
                }
            }
        }
        Ok(())
    }

    /// Takes what a phone has sent, and decides what becomes of it.
    fn send(&mut self, index: usize) -> Result<()> {
        for sent in self.phones[index].transport.take() {
            let phone = &mut self.phones[index];
            let bytes = phone.disk_bytes();
            if bytes > phone.quota_bytes() {
                bail!("phone {index}: {bytes} bytes on disk, past its quota");
            }
            // Nothing leaves before everything is synced.
            phone.note_synced();
            phone.requests += 1;
            if phone.requests > REQUESTS_MAX {
                bail!("phone {index}: more than {REQUESTS_MAX} requests");
            }
            self.check_snapshot(&sent.request)?;
            let flight = self.decide(index, sent);
            self.note(flight.at_ms as u64);
            self.phones[index].flights.push(flight);
        }
        Ok(())
    }

    fn decide(&mut self, index: usize, sent: Sent) -> Flight {
        let (now_ms, random) = (self.now_ms, &mut self.random);
        let phone = &mut self.phones[index];
        let there_ms = random.between(20, 400) as i64;
        let back_ms = random.between(20, 400) as i64;
        let lane = usize::from(sent.lane == Lane::Call);
        let fails = |done, after_ms: i64, error| Flight {
            at_ms: now_ms + after_ms,
            leg: Leg::Outcome(done, Err(error), None),
        };
        let process = phone.processes;
        let arrives = |sent, answer_after_ms, lost| Flight {
            at_ms: now_ms + there_ms,
            leg: Leg::Arrival { sent, process, answer_after_ms, lost },
        };
        match phone.network {
            Network::Offline => fails(sent.done, there_ms, SendError::Connect),
            Network::HalfOpen if phone.stale[lane] && !is_fresh(&sent) => {
                phone.stale[lane] = false;
                fails(sent.done, timeout_ms(sent.lane), SendError::Timeout)
            }
            Network::Stranger(status, retry_after_s) => Flight {
                at_ms: now_ms + back_ms,
                leg: Leg::Outcome(sent.done, Ok(stranger(status, retry_after_s)), None),
            },
            Network::Lossy if random.percent(20) => {
                fails(sent.done, timeout_ms(sent.lane), SendError::Timeout)
            }
            Network::Lossy if random.percent(20) => arrives(sent, None, SendError::Broken),
            Network::Good | Network::HalfOpen | Network::Lossy => {
                arrives(sent, Some(back_ms), SendError::Broken)
            }
        }
    }

    /// Lets everything arrive whose time has come.
    fn arrive(&mut self) -> Result<()> {
        for index in 0..self.phones.len() {
            loop {
                let now_ms = self.now_ms;
                let flights = &mut self.phones[index].flights;
                let due = flights.iter().position(|flight| flight.at_ms <= now_ms);
                let Some(due) = due else { break };
                match flights.remove(due).leg {
                    Leg::Outcome(done, outcome, told) => {
                        if let Some(lane) = told {
                            self.phones[index].note_told(lane, now_ms);
                        }
                        if let Ok(response) = &outcome {
                            self.note(u64::from(response.status));
                        }
                        done.call(outcome);
                    }
                    Leg::Arrival { sent, process, answer_after_ms, lost } => {
                        let response = self.site.answer(&sent.request)?;
                        if response.status >= 500 {
                            bail!("the collector answered {}", response.status);
                        }
                        let phone = &mut self.phones[index];
                        if phone.journey.is_none() || phone.processes != process {
                            continue;
                        }
                        let tells = sent.request.body.is_some() && response.status == 200;
                        let (outcome, told) = match answer_after_ms {
                            Some(_) => (Ok(response), tells.then_some(sent.lane)),
                            None => (Err(lost), None),
                        };
                        let at_ms = now_ms + answer_after_ms.unwrap_or(1_000);
                        phone
                            .flights
                            .push(Flight { at_ms, leg: Leg::Outcome(sent.done, outcome, told) });
                    }
                }
            }
        }
        Ok(())
    }

    /// Checks that a call's snapshot carries nothing of anybody else.
    fn check_snapshot(&self, request: &Request) -> Result<()> {
        if !request.url.ends_with("/v1/calls") {
            return Ok(());
        }
        let body = inflate(request)?;
        let token = body["call"]["token"].as_str().unwrap_or_default();
        let Some((_, who)) = self.tapped.iter().find(|(tapped, _)| tapped == token) else {
            bail!("the snapshot of a call that nobody tapped");
        };
        let carried = [&body["events"], &body["customer"]];
        carried.into_iter().try_for_each(|part| {
            self.oracle.check(part, *who).map_err(|shown| {
                anyhow!("the snapshot of a call by {} holds {shown}", self.oracle.describe(*who))
            })
        })
    }
}

/// Whether a request is to use a connection of its own.
fn is_fresh(sent: &Sent) -> bool {
    sent.request.new_connection
}

/// How long the transport waits for an answer.
fn timeout_ms(lane: Lane) -> i64 {
    match lane {
        Lane::Backlog => 30_000,
        Lane::Call => 10_000,
    }
}

/// Reads a request's JSON.
///
/// # Errors
/// A body that is not gzip of JSON.
pub(crate) fn inflate(request: &Request) -> Result<Value> {
    let mut json = Vec::new();
    GzDecoder::new(request.body.as_deref().unwrap_or_default()).read_to_end(&mut json)?;
    Ok(serde_json::from_slice(&json)?)
}
