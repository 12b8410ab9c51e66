//! A phone: the real core on a folder of its own, with clocks, a network and a person who uses it.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use anyhow::Result;
use jalon::clock::Clock as _;
use jalon::{App, Config, Consent, Journey, Lane};
use rusqlite::{Connection, OpenFlags};

use crate::clock::SimClock;
use crate::disk::Disk;
use crate::later::Later;
use crate::network::{Network, SimTransport};
use crate::random::Random;

/// What is on its way between a phone and the collector, and when it gets there.
pub(crate) struct Flight {
    /// When, in ms of true time.
    pub at_ms: i64,
    /// What happens then.
    pub leg: Leg,
}

/// A part of a request's way.
pub(crate) enum Leg {
    /// It arrives at the collector. The answer is lost if `answer_after_ms` is none.
    Arrival {
        /// The request.
        sent: crate::network::Sent,
        /// The process that sent it, by its number: no other one hears of the answer.
        process: u32,
        /// How long the answer takes.
        answer_after_ms: Option<i64>,
        /// The error of a lost answer.
        lost: jalon::SendError,
    },
    /// The outcome arrives at the phone; by which lane the collector told it of its codes, if it did.
    Outcome(jalon::Done, std::result::Result<jalon::Response, jalon::SendError>, Option<Lane>),
}

/// When an answer of the collector last arrived at a phone, in ms of true time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Online {
    /// Anything.
    pub answered_ms: i64,
    /// A batch, the last time but one and the last time: such answers bring codes.
    pub told_ms: [Option<i64>; 2],
}

/// A phone.
pub(crate) struct Phone {
    /// Its clocks.
    pub clock: Arc<SimClock>,
    /// The app's process, while it runs.
    pub journey: Option<Arc<Journey>>,
    /// What the process sends.
    pub transport: Arc<SimTransport>,
    /// Its network.
    pub network: Network,
    /// The connections of both lanes were made on a network that is gone: backlog, call.
    pub stale: [bool; 2],
    /// What is on its way.
    pub flights: Vec<Flight>,
    /// Who is signed in at the app.
    pub signed_in: Option<u8>,
    /// The answer about consent, as the customer gave it last.
    pub consent: Consent,
    /// The disk when everything on it was last synced; up to date only while the phone may lose power.
    pub synced: Disk,
    /// How often the store had synced then.
    synced_store: i64,
    /// A later step of the run takes the power away: otherwise nobody asks for `synced`, and the copies
    /// would cost more than all the rest of a request.
    pub may_lose_power: bool,
    /// A power cut may have taken events.
    pub was_cut: bool,
    /// Codes dialled earlier, each with the stretch it was given in.
    pub dialled: Vec<(String, crate::oracle::StretchId)>,
    /// When the collector last answered it, once it did.
    pub online: Option<Online>,
    /// How many processes of the app there were.
    pub processes: u32,
    /// How many requests it has sent.
    pub requests: u64,
    /// How often its worker woke up and did something.
    pub turns: u64,
    /// Steps that were counted as dropped in stores that are gone.
    pub dropped_before: u64,
    folder: PathBuf,
    config: Config,
}

impl Phone {
    /// Makes a phone on which the app never ran.
    pub(crate) fn new(folder: PathBuf, true_ms: i64, random: &mut Random, write_key: &str) -> Self {
        let mut config = Config::new(&folder, "https://collector.example", write_key);
        config.app = App { id: "com.example.shop".into(), version: "1".into(), ..App::default() };
        config.quota_bytes = 1024 * 1024;
        Self {
            clock: Arc::new(SimClock::new(true_ms, random.draw())),
            journey: None,
            transport: Arc::default(),
            network: Network::Good,
            stale: [false; 2],
            flights: Vec::new(),
            signed_in: None,
            consent: Consent::Unknown,
            synced: Disk::default(),
            synced_store: 0,
            may_lose_power: false,
            was_cut: false,
            dialled: Vec::new(),
            online: None,
            processes: 0,
            requests: 0,
            turns: 0,
            dropped_before: 0,
            folder,
            config,
        }
    }

    /// Starts the app's process.
    ///
    /// # Errors
    /// Whatever keeps the journey from opening.
    pub(crate) fn start(&mut self) -> Result<()> {
        if self.journey.is_some() {
            return Ok(());
        }
        self.processes += 1;
        self.transport = Arc::default();
        let transport: Arc<SimTransport> = Arc::clone(&self.transport);
        let clock: Arc<SimClock> = Arc::clone(&self.clock);
        let journey = Arc::new(Journey::open_stepped(self.config.clone(), transport, clock)?);
        let stepped: Weak<Journey> = Arc::downgrade(&journey);
        self.clock.while_waiting(move || {
            if let Some(journey) = stepped.upgrade() {
                while journey.step() {}
            }
        });
        self.journey = Some(journey);
        Ok(())
    }

    /// Ends the process orderly.
    pub(crate) fn close(&mut self) {
        if let Some(journey) = self.journey.take() {
            journey.close();
        }
        self.drop_flights();
    }

    /// Kills the process, and leaves on the disk what a kill leaves.
    ///
    /// # Errors
    /// An error of the file system.
    pub(crate) fn kill(&mut self) -> Result<()> {
        let Some(journey) = self.journey.take() else { return Ok(()) };
        let left = self.disk();
        journey.close();
        drop(journey);
        self.drop_flights();
        left.put_back(&self.folder)
    }

    /// Takes the phone's power away, and leaves what that may leave.
    ///
    /// # Errors
    /// An error of the file system.
    pub(crate) fn cut_power(&mut self, random: &mut Random) -> Result<()> {
        if self.syncs() > self.synced_store {
            // It has synced since: what it holds now is as good as what it held then.
            self.synced.take_store_of(&self.disk());
        }
        let left = self.disk().after_power_cut(&self.synced, random);
        self.close();
        left.put_back(&self.folder)?;
        self.synced = left;
        self.was_cut = true;
        self.clock.boot();
        Ok(())
    }

    /// Replaces the phone's files by a copy of another's.
    ///
    /// # Errors
    /// An error of the file system.
    pub(crate) fn become_copy_of(&mut self, disk: &Disk) -> Result<()> {
        self.close();
        let _ = std::fs::remove_dir_all(&self.folder);
        disk.put_back(&self.folder)?;
        self.note_synced();
        Ok(())
    }

    /// Notes that everything on the disk is synced now.
    pub(crate) fn note_synced(&mut self) {
        if self.may_lose_power {
            (self.synced, self.synced_store) = (self.disk(), self.syncs());
        }
    }

    /// Returns how often the store has synced; 0 if there is none.
    fn syncs(&self) -> i64 {
        let store = Connection::open_with_flags(
            self.folder.join("journey.db"),
            OpenFlags::SQLITE_OPEN_READ_ONLY,
        );
        let read = |store: Connection| {
            store.query_row("SELECT syncs FROM state", [], |row| row.get(0)).ok()
        };
        store.ok().and_then(read).unwrap_or_default()
    }

    /// Has a later version of the app use the folder, and go again.
    ///
    /// # Errors
    /// An error of the file system or of SQLite.
    pub(crate) fn use_later_version(&mut self, later: Later, random: &mut Random) -> Result<()> {
        self.close();
        later.write(&self.folder, random)?;
        self.note_synced();
        Ok(())
    }

    /// Gives a store that was set aside the time of this world: how long it is kept goes by that.
    ///
    /// # Errors
    /// An error of the file system.
    pub(crate) fn date_what_was_set_aside(&self) -> Result<()> {
        let Ok(file) = File::open(self.folder.join("set-aside.db")) else { return Ok(()) };
        let since_epoch = Duration::from_millis(self.clock.now().wall_ms.max(0) as u64);
        Ok(file.set_modified(SystemTime::UNIX_EPOCH + since_epoch)?)
    }

    /// How many bytes are on the disk.
    pub(crate) fn disk_bytes(&self) -> u64 {
        Disk::bytes_in(&self.folder)
    }

    /// The most bytes that may be on the disk.
    pub(crate) fn quota_bytes(&self) -> u64 {
        self.config.quota_bytes
    }

    /// What is on the disk now.
    pub(crate) fn disk(&self) -> Disk {
        Disk::of(&self.folder)
    }

    /// Notes that the collector's answer to an upload has arrived.
    pub(crate) fn note_told(&mut self, lane: Lane, now_ms: i64) {
        let [before, last] = self.online.map(|online| online.told_ms).unwrap_or_default();
        let told_ms = match lane {
            Lane::Backlog => [last, Some(now_ms)],
            Lane::Call => [before, last],
        };
        self.online = Some(Online { answered_ms: now_ms, told_ms });
    }

    /// What is under way arrives nowhere, or only at the collector: nobody waits for it any more.
    fn drop_flights(&mut self) {
        self.flights.retain(|flight| matches!(flight.leg, Leg::Arrival { .. }));
    }
}
