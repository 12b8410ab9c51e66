//! A phone: its configuration, its networks, and what it looks at.

use std::path::Path;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};

use anyhow::{Result, ensure};
use jalon::clock::SystemClock;
use jalon::{
    App, CallScope, Config, Consent, Done, Event, Journey, Lane, Product, Request, Response,
    SendError, Transport,
};

use crate::http::{self, Client};
use crate::rows;

/// A configuration with the customer's consent; `endpoint` is only read where there is one.
pub fn config(folder: &Path, endpoint: &str, key: &str) -> Config {
    let mut config = Config::new(folder, endpoint, key);
    config.consent = Some(Consent::Granted);
    "jalon-android/0.1.0".clone_into(&mut config.sdk);
    config.app = App {
        id: "com.example.shop".to_owned(),
        version: "8.2.0".to_owned(),
        os: "Android 15".to_owned(),
        device: "Pixel 8".to_owned(),
        locale: "fr-FR".to_owned(),
    };
    config
}

/// A configuration for a phone that never reaches a collector.
pub fn config_offline(folder: &Path) -> Config {
    config(folder, "http://127.0.0.1:9", "wk_bench")
}

/// Products to look at, from the real rows, with a name as a shop's app has one.
///
/// # Errors
/// When the extract is not of its form.
pub fn products() -> Result<Vec<Product>> {
    let named = |row: &rows::ShopRow| {
        let kind = row.category.rsplit('.').next().unwrap_or_default();
        Product { name: Some(format!("{} {kind} {}", row.brand, row.product)), ..row.product() }
    };
    Ok(rows::customers()?.iter().chain(&rows::mixed()?).map(named).collect())
}

/// `count` product views, one product after the other, each made when it is asked for, as an app
/// makes it.
pub fn views(products: &[Product], count: usize) -> impl Iterator<Item = Event> {
    products.iter().cycle().take(count).map(|p| Event::ProductView { product: p.clone() })
}

/// Opens a journey, records a screen and `count` events, no faster than the worker takes them, and
/// closes it, which brings the last of them into the store.
///
/// # Errors
/// When one was dropped.
pub fn fill(
    config: Config,
    transport: Arc<dyn Transport>,
    products: &[Product],
    count: usize,
) -> Result<()> {
    let journey = Journey::open_with(config, transport, Arc::new(SystemClock))?;
    journey.record(Event::ScreenView { screen: "product/{id}".to_owned() });
    for (at, event) in views(products, count).enumerate() {
        if at % 200 == 0 {
            // It waits until the journal is drained.
            let _ = journey.preview(CallScope::OnlyThisScreen);
        }
        journey.record(event);
    }
    let dropped = journey.status().dropped;
    ensure!(dropped.total() == 0, "dropped while filling: {dropped:?}");
    journey.close();
    Ok(())
}

/// No network.
#[derive(Debug, Default)]
pub struct Offline;

impl Transport for Offline {
    fn send(&self, _: Lane, _: Request, done: Done) {
        done.call(Err(SendError::Connect));
    }
}

/// A collector that takes everything at once, in the process.
#[derive(Debug, Default)]
pub struct TakesAll;

impl Transport for TakesAll {
    fn send(&self, _: Lane, _: Request, done: Done) {
        done.call(Ok(ok("{\"stored\":1}")));
    }
}

/// An answer of a collector.
pub fn ok(body: &str) -> Response {
    Response { status: 200, retry_after_ms: None, body: body.as_bytes().to_vec() }
}

/// What the peers do: one lane, first in, first out. The call lane is cut, so that a call comes
/// with the batch that holds it, behind all that was recorded before.
#[derive(Debug)]
pub struct Fifo {
    jobs: Mutex<Sender<(Request, Done)>>,
}

impl Fifo {
    /// Connects to a collector.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub fn connect(address: &str) -> Result<Self> {
        let mut client = Client::connect(address)?;
        let (jobs, incoming) = mpsc::channel::<(Request, Done)>();
        std::thread::spawn(move || {
            for (request, done) in incoming {
                let path = request.url.splitn(4, '/').nth(3).unwrap_or_default().to_owned();
                let body = request.body.unwrap_or_default();
                let bytes = http::post(&format!("/{path}"), &request.key, true, &body);
                let answer = client.exchange(&bytes);
                done.call(answer.map_err(|_| SendError::Broken).map(|answer| Response {
                    status: answer.status,
                    retry_after_ms: None,
                    body: answer.body,
                }));
            }
        });
        Ok(Self { jobs: Mutex::new(jobs) })
    }
}

impl Transport for Fifo {
    fn send(&self, lane: Lane, request: Request, done: Done) {
        match (lane, self.jobs.lock()) {
            (Lane::Backlog, Ok(jobs)) => drop(jobs.send((request, done))),
            _ => done.call(Err(SendError::Connect)),
        }
    }
}
