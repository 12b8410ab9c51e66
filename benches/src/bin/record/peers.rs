//! The peers: other ways to record where Jalon appends to a journal.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Result, ensure};
use flate2::read::GzDecoder;
use glean::net::{CapablePingUploadRequest, PingUploader, UploadResult};
use glean::private::EventMetric;
use glean::traits::ExtraKeys;
use glean::{ClientInfoMetrics, CommonMetricData, ConfigurationBuilder, ErrorType, PingRateLimit};
use jalon::{Event, Product};
use jalon_benches::clock::{sleep, wait_until};
use rusqlite::Connection;

use crate::sqlite;

/// The same product view as Glean's code generator would type it.
#[derive(Debug, Clone)]
pub(crate) struct View {
    id: String,
    name: Option<String>,
    category: Option<String>,
    brand: Option<String>,
    price: Option<String>,
    currency: Option<String>,
    screen: String,
}

impl View {
    /// The view of a product. Glean's quantities are texts, too.
    pub(crate) fn of(product: &Product) -> Self {
        Self {
            id: product.id.clone(),
            name: product.name.clone(),
            category: product.category.clone(),
            brand: product.brand.clone(),
            price: product.price.as_ref().map(|price| price.minor.to_string()),
            currency: product.price.as_ref().map(|price| price.currency.clone()),
            screen: "product/{id}".to_owned(),
        }
    }
}

impl ExtraKeys for View {
    const ALLOWED_KEYS: &'static [&'static str] =
        &["id", "name", "category", "brand", "price", "currency", "screen"];

    // As glean_parser generates it.
    fn into_ffi_extra(self) -> HashMap<String, String> {
        let mut map = HashMap::new();
        map.insert("id".into(), self.id);
        self.name.and_then(|text| map.insert("name".into(), text));
        self.category.and_then(|text| map.insert("category".into(), text));
        self.brand.and_then(|text| map.insert("brand".into(), text));
        self.price.and_then(|text| map.insert("price".into(), text));
        self.currency.and_then(|text| map.insert("currency".into(), text));
        map.insert("screen".into(), self.screen);
        map
    }
}

/// An app that records with Glean.
pub(crate) struct Shop {
    view: EventMetric<View>,
}

impl Shop {
    /// Starts Glean, with a collector in the process that takes everything.
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        Self::start_with(folder, Box::new(Taker::default()))
    }

    /// Starts Glean with an uploader, and waits until it is ready.
    pub(crate) fn start_with(folder: &Path, uploader: Box<dyn PingUploader>) -> Result<Self> {
        let mut builder = ConfigurationBuilder::new(true, folder, "com.example.shop")
            .with_server_endpoint("http://127.0.0.1:9")
            .with_uploader(Boxed(uploader));
        // Its default, 15 pings a minute, would let the disk fill instead of the worker upload.
        builder.rate_limit =
            Some(PingRateLimit { seconds_per_interval: 1, pings_per_interval: 100_000 });
        let client = ClientInfoMetrics {
            app_build: "1".to_owned(),
            app_display_version: "8.2.0".to_owned(),
            channel: None,
            locale: Some("fr-FR".to_owned()),
            os_version: None,
        };
        glean::initialize(builder.build(), client);
        let view = EventMetric::new(CommonMetricData {
            name: "view".into(),
            category: "product".into(),
            send_in_pings: vec!["events".into()],
            ..CommonMetricData::default()
        });
        let shop = Self { view };
        shop.rest()?;
        Ok(shop)
    }

    /// Records.
    pub(crate) fn view(&self, view: View) {
        self.view.record(view);
    }

    /// Waits until Glean's queue is empty.
    pub(crate) fn rest(&self) -> Result<()> {
        // The only call of its API that waits for the dispatcher; also says that all was taken.
        let errors = self.view.test_get_num_recorded_errors(ErrorType::InvalidValue);
        ensure!(errors == 0, "Glean refused {errors} events");
        Ok(())
    }

    /// Ends Glean.
    pub(crate) fn stop() {
        glean::shutdown();
    }
}

/// Takes every ping, and counts the product views in them.
#[derive(Debug, Default, Clone)]
pub(crate) struct Taker {
    /// Product views in the pings so far.
    pub(crate) views: Arc<AtomicU64>,
}

impl PingUploader for Taker {
    fn upload(&self, request: CapablePingUploadRequest) -> UploadResult {
        let Some(request) = request.capable(|_| true) else {
            return UploadResult::incapable();
        };
        let gzipped = request.body.starts_with(&[0x1f, 0x8b]);
        let ping: Option<serde_json::Value> = if gzipped {
            serde_json::from_reader(GzDecoder::new(&request.body[..])).ok()
        } else {
            serde_json::from_slice(&request.body).ok()
        };
        let events = ping.as_ref().and_then(|ping| ping["events"].as_array());
        let views =
            events.map_or(0, |events| events.iter().filter(|e| e["category"] == "product").count());
        self.views.fetch_add(views as u64, Ordering::SeqCst);
        UploadResult::http_status(200)
    }
}

/// No network.
#[derive(Debug)]
pub(crate) struct Cut;

impl PingUploader for Cut {
    fn upload(&self, _: CapablePingUploadRequest) -> UploadResult {
        UploadResult::recoverable_failure()
    }
}

/// Glean's builder wants a type of its own.
#[derive(Debug)]
struct Boxed(Box<dyn PingUploader>);

impl PingUploader for Boxed {
    fn upload(&self, request: CapablePingUploadRequest) -> UploadResult {
        self.0.upload(request)
    }
}

/// Hands events to a channel; a thread behind it encodes them and inserts them a hundred at a
/// time: how most SDKs record.
pub(crate) struct Channel {
    sender: Option<Sender<Event>>,
    waiting: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Channel {
    /// Starts the thread.
    pub(crate) fn start(path: &Path) -> Result<Self> {
        let connection = sqlite::open(path)?;
        let (sender, receiver) = mpsc::channel();
        let waiting = Arc::new(AtomicU64::new(0));
        let left = Arc::clone(&waiting);
        let thread = std::thread::spawn(move || insert_all(connection, &receiver, &left));
        Ok(Self { sender: Some(sender), waiting, thread: Some(thread) })
    }

    /// Records.
    pub(crate) fn send(&self, event: Event) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        if let Some(sender) = &self.sender {
            drop(sender.send(event));
        }
    }

    /// Waits until the channel is empty.
    pub(crate) fn rest(&self) {
        while self.waiting.load(Ordering::SeqCst) > 0 {
            sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn insert_all(mut connection: Connection, receiver: &Receiver<Event>, left: &AtomicU64) {
    while let Ok(first) = receiver.recv() {
        let batch: Vec<Event> =
            std::iter::once(first).chain(receiver.try_iter().take(99)).collect();
        let Ok(transaction) = connection.transaction() else { return };
        for event in &batch {
            if sqlite::insert(&transaction, event).is_err() {
                return;
            }
        }
        drop(transaction.commit());
        left.fetch_sub(batch.len() as u64, Ordering::SeqCst);
    }
}

/// Inserts into SQLite on the caller's thread, with a worker beside it that takes batches out,
/// commits them for good and checkpoints, as an uploader does.
pub(crate) struct Inserter {
    connection: Connection,
    inserted: Arc<AtomicU64>,
    failed: u64,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Inserter {
    /// Opens the database and starts the worker.
    pub(crate) fn start(path: &Path) -> Result<Self> {
        let (connection, mut other) = (sqlite::open(path)?, sqlite::open(path)?);
        let inserted = Arc::new(AtomicU64::new(0));
        let end = Arc::new(AtomicBool::new(false));
        let (count, ended) = (Arc::clone(&inserted), Arc::clone(&end));
        let thread = std::thread::spawn(move || {
            let mut taken = 0;
            while !ended.load(Ordering::SeqCst) {
                if count.load(Ordering::SeqCst) < taken + 100 {
                    sleep(Duration::from_millis(1));
                } else if sqlite::take_out(&mut other, taken % 1_000 == 0).is_ok() {
                    taken += 100;
                }
            }
        });
        Ok(Self { connection, inserted, failed: 0, end, thread: Some(thread) })
    }

    /// Records.
    pub(crate) fn insert(&mut self, event: &Event) {
        match sqlite::insert(&self.connection, event) {
            Ok(()) => _ = self.inserted.fetch_add(1, Ordering::SeqCst),
            Err(_) => self.failed += 1,
        }
    }

    /// Says whether all was inserted.
    pub(crate) fn check(&self) -> Result<()> {
        ensure!(self.failed == 0, "{} events were not inserted", self.failed);
        Ok(())
    }
}

impl Drop for Inserter {
    fn drop(&mut self) {
        self.end.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Counts what Glean can still deliver from a folder.
pub(crate) fn count_glean(folder: &Path) -> Result<u64> {
    let taker = Taker::default();
    let shop = Shop::start_with(folder, Box::new(taker.clone()))?;
    shop.rest()?;
    // It submits what it finds at its start; done when nothing has come for a while.
    let quiet = Mutex::new((0, 0));
    wait_until("Glean's pings", Duration::from_millis(20), Duration::from_secs(30), || {
        let views = taker.views.load(Ordering::SeqCst);
        quiet.lock().is_ok_and(|mut quiet| {
            *quiet = if quiet.0 == views { (views, quiet.1 + 1) } else { (views, 0) };
            quiet.1 > 50
        })
    })?;
    Shop::stop();
    Ok(taker.views.load(Ordering::SeqCst))
}
