//! Promise: a panic on the worker's thread, such as one of the app's own transport, costs nothing; a
//! second one shows in the status, and recording goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use jalon::{Config, Consent, Done, Event, Journey, Lane, Request, Transport};

use crate::support::{TestClock, TestNetwork, child};

/// Panics as often as it is told to, then sends.
struct Panics(AtomicU32, Arc<TestNetwork>);

impl Transport for Panics {
    fn send(&self, lane: Lane, request: Request, done: Done) {
        let left =
            self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        assert!(left.is_err(), "a defect of the app's");
        self.1.send(lane, request, done);
    }
}

/// Records an event, and has it uploaded by a transport that panics so often.
fn upload(panics: u32) -> (Journey, Arc<TestNetwork>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::new(dir.path().join("jalon"), "https://collector.example", "wk");
    config.consent = Some(Consent::Granted);
    let network = Arc::<TestNetwork>::default();
    let transport = Arc::new(Panics(AtomicU32::new(panics), Arc::clone(&network)));
    let journey = Journey::open_with(config, transport, Arc::new(TestClock::new())).unwrap();
    journey.record(Event::ScreenView { screen: "home".into() });
    let uploaded = journey.upload_and_wait(std::time::Duration::from_mins(1));
    assert_eq!(uploaded, panics < 2);
    (journey, network, dir)
}

#[test]
fn a_worker_that_panics_goes_on_and_loses_nothing() {
    child::alone(a_worker_that_panics_goes_on_and_loses_nothing, || {
        let (journey, network, _dir) = upload(1);
        assert_eq!(network.collector(|collector| collector.screens_seen()), ["home"]);
        let status = journey.status();
        assert_eq!((status.delivered, status.queued, status.storage_trouble), (1, 0, None));
    });
}

#[test]
fn a_worker_that_panics_again_says_so_in_the_status_and_recording_does_no_harm() {
    child::alone(
        a_worker_that_panics_again_says_so_in_the_status_and_recording_does_no_harm,
        || {
            let (journey, network, _dir) = upload(u32::MAX);
            assert!(journey.status().storage_trouble.unwrap().contains("the worker has stopped"));
            journey.record(Event::ScreenView { screen: "cart".into() });
            assert_eq!(journey.status().queued, 2);
            assert_eq!(network.sent().len(), 0);
            journey.close();
        },
    );
}
