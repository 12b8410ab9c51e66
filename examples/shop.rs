//! A shop's app without a screen: replays what a real customer did, taps "call us", and goes on.
//!
//! `cargo run --example shop -- COLLECTOR_URL WRITE_KEY FOLDER` prints the dial string of the call
//! as soon as it was tapped; `cargo xtask demo` puts a collector and an agent behind it. The
//! session is real (tests/fixtures/shop); its clock is moved to now.

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jalon::clock::{Bell, Clock, Now, SystemClock};
use jalon::{
    App, CallRequest, Config, Consent, Event, HttpTransport, Journey, Order, Price, Product,
};

const SESSION: &str = include_str!("../tests/fixtures/shop/session.csv");
/// What the customer does while the agent looks: the last steps of the session.
const AFTER_THE_TAP: usize = 2;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [collector, key, folder] = arguments.as_slice() else {
        return Err("usage: shop COLLECTOR_URL WRITE_KEY FOLDER".into());
    };
    let mut config = Config::new(PathBuf::from(folder), collector, key);
    config.consent = Some(Consent::Granted);
    config.app = App {
        id: "com.example.shop".into(),
        version: "8.2.0".into(),
        os: "Android 15".into(),
        device: "Pixel 8".into(),
        locale: "en-US".into(),
    };
    let steps: Vec<Step> = SESSION.lines().skip(1).filter_map(Step::parse).collect();
    let last_s = steps.last().map_or(0, |step| step.at_s);
    let clock = Arc::new(ReplayClock::default());
    clock.go_back(last_s - steps.first().map_or(0, |step| step.at_s));
    let transport = Arc::new(HttpTransport::new(&config));
    let journey = Journey::open_with(config, transport, Arc::clone(&clock) as Arc<dyn Clock>)?;

    let (before, after) = steps.split_at(steps.len() - AFTER_THE_TAP);
    journey.identify("customer-554754734", None);
    for step in before {
        clock.go_back(last_s - step.at_s);
        step.record(&journey);
    }
    // Over a minute passes on the last screen, as it did then.
    clock.go_back(last_s - after.first().map_or(last_s, |next| next.at_s - 1));
    journey.prepare_call();
    journey.upload_now();
    // The collector leases call codes in its answers; a phone that was online has some.
    while journey.status().codes == 0 || journey.status().queued > 0 {
        SystemClock.wait(&Bell::new(), Some(SystemClock.now().elapsed_ms + 20));
    }
    let call = journey.call_context(&CallRequest::to("+33 1 23 45 67 89").about("delivery"))?;
    writeln!(std::io::stdout(), "{}", call.dial_string)?;

    // A line on standard input is the agent, ready to watch the next step.
    let mut line = String::new();
    for step in after {
        if std::io::stdin().read_line(&mut line)? == 0 {
            break;
        }
        clock.go_back(last_s - step.at_s);
        step.record(&journey);
        journey.upload_now();
    }
    // Until the agent has seen enough.
    while std::io::stdin().read_line(&mut line)? > 0 {}
    journey.close();
    Ok(())
}

/// A row of the data: what a customer did with a product.
struct Step {
    at_s: u64,
    kind: String,
    product: Product,
}

impl Step {
    fn parse(row: &str) -> Option<Self> {
        let fields: Vec<&str> = row.split(',').collect();
        let [time, kind, id, _, category, brand, price, ..] = fields.as_slice() else {
            return None;
        };
        let clock: Vec<u64> =
            time.get(11..19)?.split(':').map(str::parse).collect::<Result<_, _>>().ok()?;
        let noun = category.rsplit('.').next().filter(|noun| !noun.is_empty()).unwrap_or("item");
        let mut letters = brand.chars();
        let brand_name: String =
            letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
        let product = Product {
            id: (*id).to_owned(),
            name: Some(format!("{brand_name} {noun} {id}")),
            category: Some((*category).to_owned()).filter(|category| !category.is_empty()),
            brand: Some((*brand).to_owned()),
            price: Some(Price {
                minor: price.replace('.', "").parse().ok()?,
                currency: "USD".into(),
            }),
        };
        let at_s = clock[0] * 3_600 + clock[1] * 60 + clock[2];
        Some(Self { at_s, kind: (*kind).to_owned(), product })
    }

    /// What the app would have recorded.
    fn record(&self, journey: &Journey) {
        let product = self.product.clone();
        let screen = |name: &str| journey.record(Event::ScreenView { screen: name.to_owned() });
        match self.kind.as_str() {
            "cart" => {
                journey.record(Event::CartChange { product, delta: 1 });
                screen("cart");
            }
            "purchase" => {
                let id = format!("A-{}", self.at_s);
                let total = product.price;
                journey
                    .record(Event::Order { order: Order { id, status: "placed".into(), total } });
                screen("order/confirmed");
            }
            _ => {
                screen("product/{id}");
                journey.record(Event::ProductView { product });
            }
        }
    }
}

/// The system's clock, moved back: the session happens again, and its end is now.
#[derive(Default)]
struct ReplayClock {
    back_ms: AtomicU64,
}

impl ReplayClock {
    fn go_back(&self, seconds: u64) {
        self.back_ms.store(seconds * 1_000, Ordering::SeqCst);
    }
}

impl Clock for ReplayClock {
    fn now(&self) -> Now {
        let (now, back_ms) = (SystemClock.now(), self.back_ms.load(Ordering::SeqCst));
        Now {
            wall_ms: now.wall_ms - back_ms as i64,
            elapsed_ms: now.elapsed_ms.saturating_sub(back_ms),
        }
    }

    fn random(&self, bits: &mut [u8]) {
        SystemClock.random(bits);
    }

    fn wait(&self, bell: &Bell, until_ms: Option<u64>) {
        let back_ms = self.back_ms.load(Ordering::SeqCst);
        SystemClock.wait(bell, until_ms.map(|until_ms| until_ms + back_ms));
    }
}
