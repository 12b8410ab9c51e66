//! A phone: a folder, a clock, a network and, while the app runs, a journey.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};

use jalon::{App, Config, Consent, Event, Journey, JourneyError, Status};
use tempfile::TempDir;

use super::{ModelCollector, TestClock, TestNetwork};

pub struct Phone {
    pub clock: Arc<TestClock>,
    pub network: Arc<TestNetwork>,
    pub config: Config,
    journey: Option<Arc<Journey>>,
    dir: TempDir,
}

impl Phone {
    /// A phone whose customer has agreed, with the app not yet running.
    pub fn new() -> Self {
        a_dead_worker_ends_the_test();
        let dir = temporary_folder();
        let mut config =
            Config::new(dir.path().join("jalon"), "https://collector.example", "wk_test");
        config.consent = Some(Consent::Granted);
        config.app = App { id: "com.example.shop".into(), version: "1".into(), ..App::default() };
        let clock = Arc::new(TestClock::new());
        Self { clock, network: Arc::default(), config, journey: None, dir }
    }

    /// The same, with the app running.
    pub fn running() -> Self {
        let mut phone = Self::new();
        phone.open();
        phone
    }

    pub fn folder(&self) -> PathBuf {
        self.config.folder.clone()
    }

    /// The folder above the journey's.
    pub fn outside(&self) -> &Path {
        self.dir.path()
    }

    /// Starts the app.
    pub fn open(&mut self) -> &Journey {
        self.try_open().unwrap()
    }

    pub fn try_open(&mut self) -> Result<&Journey, JourneyError> {
        assert!(self.journey.is_none(), "the app runs already");
        let clock: Arc<TestClock> = Arc::clone(&self.clock);
        let network: Arc<TestNetwork> = Arc::clone(&self.network);
        let journey = Journey::open_with(self.config.clone(), network, clock)?;
        self.clock.worker_started();
        self.journey = Some(Arc::new(journey));
        self.clock.run_until_idle();
        Ok(self.journey())
    }

    pub fn journey(&self) -> &Journey {
        self.journey.as_deref().expect("the app does not run")
    }

    /// The journey, to be used beside the phone.
    pub fn shared_journey(&self) -> Arc<Journey> {
        Arc::clone(self.journey.as_ref().expect("the app does not run"))
    }

    /// Closes the app orderly.
    pub fn close(&mut self) {
        if let Some(journey) = self.journey.take() {
            self.clock.worker_ended();
            journey.close();
        }
    }

    /// Ends the app and starts it again.
    pub fn restart(&mut self) -> &Journey {
        self.close();
        self.open()
    }

    /// Records a view of each screen named.
    pub fn views(&self, screens: impl IntoIterator<Item = impl Into<String>>) {
        for screen in screens {
            self.journey().record(Event::ScreenView { screen: screen.into() });
        }
    }

    /// Waits until the worker has done all that is due at this moment.
    pub fn run_until_idle(&self) {
        self.clock.run_until_idle();
    }

    /// Uploads everything, through as many back-offs as that takes.
    pub fn upload_all(&self) {
        self.clock.advance(1_000);
        for _ in 0..200 {
            self.journey().upload_now();
            self.run_until_idle();
            if self.status().queued == 0 {
                return;
            }
            self.clock.advance(1_000);
        }
        panic!("not uploaded: {:?}", self.status());
    }

    pub fn status(&self) -> Status {
        self.journey().status()
    }

    /// Looks at the collector.
    pub fn collector<T>(&self, look: impl FnOnce(&mut ModelCollector) -> T) -> T {
        self.network.collector(look)
    }

    /// The status once the worker is idle, after a check that every event is accounted for.
    pub fn accounted(&self, recorded: u64) -> Status {
        self.run_until_idle();
        let status = self.status();
        let Status { delivered, queued, dropped, .. } = status;
        assert_eq!(status.recorded, recorded, "{status:?}");
        assert_eq!(delivered + queued + dropped.total(), recorded, "{status:?}");
        status
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        self.close();
    }
}

/// In memory where the system has such a folder: a thousand phones sync a lot.
fn temporary_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if std::env::var_os("TMPDIR").is_none() && memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

/// A panic in a journey's own thread breaks a promise, and the test would wait for ever.
fn a_dead_worker_ends_the_test() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            before(panic);
            if std::thread::current().name().is_some_and(|name| name.starts_with("jalon")) {
                eprintln!("a thread of the journey panicked: {panic}");
                std::process::abort();
            }
        }));
    });
}
