//! Customers' phones for the telephony run: each line on standard input taps "call us" on one, and
//! the line that answers says what its call carries.
//!
//! `cargo xtask telephony` starts this and dials with what it says. The phones are the SDK itself
//! over HTTP; nothing here knows of SIP. Requests, each answered before the next is read:
//!
//! - `install CUSTOMER`: installs the app, identifies the customer, who looks at products, and
//!   waits until the collector leased call codes. Answers `{}`.
//! - `tap CUSTOMER`: taps, and waits until the collector has heard of the call. Answers what the
//!   call carries, and the phone is done with.
//! - `tap-without-data CUSTOMER`: the same on a phone that lost its connection before.

use std::collections::HashMap;
use std::io::{BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Parser;
use jalon::clock::SystemClock;
use jalon::{
    App, CallRequest, Config, Consent, Done, Event, HttpTransport, Journey, Lane, Price, Product,
    Request, SendError, Transport,
};
use serde_json::{Value, json};

/// How long the collector may take over an upload, on loopback and a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// What each customer looks at.
const PRODUCTS: usize = 40;
/// Uploads until codes must be there.
const UPLOADS_MAX: usize = 5;

/// Phones that tap "call us" when told.
#[derive(Parser)]
struct Options {
    /// The collector's address.
    #[arg(long, value_name = "URL")]
    collector: String,
    /// The app's key.
    #[arg(long, value_name = "KEY")]
    write_key: String,
    /// Where each phone gets a folder of its own.
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let mut phones = HashMap::new();
    let mut answers = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (what, customer) = line.split_once(' ').context("a request has two words")?;
        let phone = |phones: &mut HashMap<String, Phone>| {
            phones.remove(customer).with_context(|| format!("{customer} has no phone"))
        };
        let answer = match what {
            "install" => {
                let folder = options.folder.join(customer);
                phones.insert(customer.to_owned(), Phone::install(options, customer, &folder)?);
                json!({})
            }
            "tap" => phone(&mut phones)?.tap(true)?,
            "tap-without-data" => phone(&mut phones)?.tap(false)?,
            other => bail!("no such request: {other}"),
        };
        writeln!(answers, "{answer}")?;
        answers.flush()?;
    }
    Ok(())
}

/// A customer's phone, until its tap.
struct Phone {
    journey: Journey,
    has_data: Arc<AtomicBool>,
    folder: PathBuf,
}

impl Phone {
    fn install(options: &Options, customer: &str, folder: &Path) -> Result<Self> {
        let mut config = Config::new(folder, &options.collector, &options.write_key);
        config.consent = Some(Consent::Granted);
        config.app = App {
            id: "com.example.shop".into(),
            version: "8.2.0".into(),
            os: "Android 15".into(),
            device: "Pixel 8".into(),
            locale: "fr-FR".into(),
        };
        let has_data = Arc::new(AtomicBool::new(true));
        let network = Network { http: HttpTransport::new(&config), has_data: has_data.clone() };
        let journey = Journey::open_with(config, Arc::new(network), Arc::new(SystemClock))?;
        journey.identify(customer, None);
        journey.record(Event::ScreenView { screen: "product/{id}".into() });
        // As many as make an answer that no exchange could take in whole.
        for number in 0..PRODUCTS {
            journey.record(Event::ProductView { product: product(number) });
        }
        for _ in 0..UPLOADS_MAX {
            let uploaded = journey.upload_and_wait(PATIENCE);
            if uploaded && journey.status().codes > 0 {
                return Ok(Self { journey, has_data, folder: folder.to_owned() });
            }
        }
        bail!("the collector leased no call code to {customer}: {:?}", journey.status())
    }

    fn tap(self, has_data: bool) -> Result<Value> {
        self.has_data.store(has_data, Ordering::SeqCst);
        let call = self.journey.call_context(&CallRequest::to("+33 1 23 45 67 89"))?;
        if has_data {
            ensure!(self.journey.upload_and_wait(PATIENCE), "the call's record was not uploaded");
        }
        self.journey.close();
        std::fs::remove_dir_all(&self.folder)?;
        Ok(json!({
            "sip_headers": call.sip_headers.into_iter().map(|header| (header.name, header.value))
                .collect::<HashMap<_, _>>(),
            "dial_string": call.dial_string.context("no dial string")?,
        }))
    }
}

fn product(number: usize) -> Product {
    Product {
        id: format!("10048{number:02}"),
        name: Some(format!("Galaxy A{number}")),
        category: Some("electronics.smartphone".into()),
        brand: Some("samsung".into()),
        price: Some(Price { minor: 13_076, currency: "EUR".into() }),
    }
}

/// The phone's network, which can go.
struct Network {
    http: HttpTransport,
    has_data: Arc<AtomicBool>,
}

impl Transport for Network {
    fn send(&self, lane: Lane, request: Request, done: Done) {
        if self.has_data.load(Ordering::SeqCst) {
            self.http.send(lane, request, done);
        } else {
            done.call(Err(SendError::Connect));
        }
    }
}
