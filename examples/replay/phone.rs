//! A customer's phone: a journey of its own, which records what the rows say as the shop's app
//! would, and taps "call us".

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use jalon::clock::{Bell, Clock, Now, SystemClock};
use jalon::{
    App, CallContext, CallRequest, Config, Consent, Event, HttpTransport, Journey, Order, Price,
    Product,
};

use crate::rows::{Customer, Kind, Row};

/// The one screen the data knows of.
pub(crate) const SCREEN: &str = "product/{id}";
/// How long a customer looks at the last page before the tap; the data does not say.
const BEFORE_THE_TAP_S: i64 = 40;
/// How often the app waits for its uploads, so that the SDK's quota is never full: a real customer
/// is slower.
const QUEUED_MAX: u64 = 1_000;
/// How long the collector may take over the next upload, on loopback.
const PATIENCE_MS: u64 = 20_000;

/// The collector that a phone talks to.
pub(crate) struct Collector {
    pub(crate) url: String,
    pub(crate) write_key: String,
}

/// A customer's phone.
pub(crate) struct Phone {
    pub(crate) customer: Customer,
    journey: Journey,
    orders: usize,
    /// The row that comes next once all were replayed.
    next: usize,
}

impl Phone {
    /// Installs the app in a folder of its own.
    pub(crate) fn new(customer: Customer, collector: &Collector, folder: &Path) -> Result<Self> {
        let mut config = Config::new(folder, &collector.url, &collector.write_key);
        config.consent = Some(Consent::Granted);
        config.app = App {
            id: "com.example.shop".into(),
            version: "8.2.0".into(),
            os: "Android 15".into(),
            device: "Pixel 8".into(),
            locale: "en-US".into(),
        };
        let first_s = customer.rows.first().map_or(0, |row| row.at_s);
        let ahead_ms = back_ms(first_s, &customer);
        let transport = Arc::new(HttpTransport::new(&config));
        let journey = Journey::open_with(config, transport, Arc::new(ReplayClock { ahead_ms }))?;
        Ok(Self { customer, journey, orders: 0, next: 0 })
    }

    /// Lets the customer do again what the rows say, each at its moment before now, and brings it
    /// all to the collector. Tells `on_row` of each row.
    pub(crate) fn replay(&mut self, mut on_row: impl FnMut()) -> Result<()> {
        let rows = self.customer.rows.clone();
        let first_s = rows.first().map_or(0, |row| row.at_s);
        in_the_past(back_ms(first_s, &self.customer), || {
            self.journey.identify(self.customer.user_id.to_string(), None);
        });
        for row in &rows {
            let back_ms = back_ms(row.at_s, &self.customer);
            in_the_past(back_ms, || self.record(row));
            on_row();
            if self.journey.status().queued > QUEUED_MAX {
                self.uploaded()?;
            }
        }
        self.uploaded()
    }

    /// Taps "call us", and waits until the collector has heard of it.
    pub(crate) fn call(&self) -> Result<CallContext> {
        self.journey.prepare_call();
        // The collector leases call codes in its answers; a phone that was online has some.
        self.wait_for("leased no call code", |journey| journey.status().codes > 0)?;
        let call = self.journey.call_context(&CallRequest::to("+33 1 23 45 67 89"))?;
        self.uploaded()?;
        Ok(call)
    }

    /// The customer goes on, now: does what the next row says, and after the last one begins anew.
    pub(crate) fn go_on(&mut self) {
        let rows = &self.customer.rows;
        let Some(row) = rows.get(self.next % rows.len().max(1)).cloned() else { return };
        self.next += 1;
        self.record(&row);
        self.journey.upload_now();
    }

    /// Records what the shop's app would.
    fn record(&mut self, row: &Row) {
        let price = row.cents.map(|minor| Price { minor, currency: "USD".into() });
        let product = Product {
            id: row.product_id.clone(),
            name: name(row),
            category: row.category.clone(),
            brand: row.brand.clone(),
            price: price.clone(),
        };
        match row.kind {
            Kind::View => {
                self.journey.record(Event::ScreenView { screen: SCREEN.into() });
                self.journey.record(Event::ProductView { product });
            }
            Kind::Cart => self.journey.record(Event::CartChange { product, delta: 1 }),
            Kind::Purchase => {
                self.orders += 1;
                let id = order_id(row.user_id, self.orders);
                let order = Order { id, status: "placed".into(), total: price };
                self.journey.record(Event::Order { order });
            }
        }
    }

    /// Waits until the collector has everything.
    fn uploaded(&self) -> Result<()> {
        self.journey.upload_now();
        self.wait_for("took no upload", |journey| journey.status().queued == 0)
    }

    /// Waits as long as uploads succeed, else until patience ends.
    fn wait_for(&self, what: &str, done: impl Fn(&Journey) -> bool) -> Result<()> {
        let bell = Bell::new();
        let mut seen = None;
        let mut until_ms = 0;
        while !done(&self.journey) {
            let now_ms = SystemClock.now().elapsed_ms;
            let status = self.journey.status();
            if seen != Some(status.delivered) {
                seen = Some(status.delivered);
                until_ms = now_ms + PATIENCE_MS;
            }
            if now_ms > until_ms {
                let problem = status.last_upload.and_then(|last| last.problem);
                bail!(
                    "the collector {what} from customer {} for {} s ({} events queued, {problem:?})",
                    self.customer.user_id,
                    PATIENCE_MS / 1_000,
                    status.queued
                );
            }
            SystemClock.wait(&bell, Some(now_ms + 5));
        }
        Ok(())
    }
}

/// What a dialer and a contact centre need of a call.
pub(crate) fn carried(call: &CallContext) -> Result<(String, String)> {
    let token = call.token.context("the call carries no token")?.to_string();
    let code = call.code.context("the call carries no code")?.to_string();
    Ok((token, code))
}

/// A product's name: the data has none, so the shop calls it by brand, kind and number. `None`
/// where it knows neither brand nor kind.
pub(crate) fn name(row: &Row) -> Option<String> {
    let kind = row.category.as_deref().and_then(|category| category.rsplit('.').next());
    let words: Vec<String> = [row.brand.as_deref(), kind]
        .into_iter()
        .flatten()
        .map(|word| word.replace('_', " "))
        .filter(|word| !word.trim().is_empty())
        .collect();
    let words = words.join(" ");
    let mut letters = words.chars();
    let first: String = letters.next()?.to_uppercase().collect();
    Some(format!("{first}{} {}", letters.as_str(), row.product_id))
}

/// The shop's number of a customer's `n`th order: the data has none.
pub(crate) fn order_id(user_id: u64, n: usize) -> String {
    format!("{user_id}-{n}")
}

thread_local! {
    /// How far back this thread is.
    static BACK_MS: Cell<u64> = const { Cell::new(0) };
}

/// How long before the tap a moment of the rows was.
fn back_ms(at_s: i64, customer: &Customer) -> u64 {
    let last_s = customer.rows.last().map_or(at_s, |row| row.at_s);
    u64::try_from((last_s - at_s + BEFORE_THE_TAP_S) * 1_000).unwrap_or(0)
}

/// Does something as if it were then.
fn in_the_past(back_ms: u64, what: impl FnOnce()) {
    BACK_MS.set(back_ms);
    what();
    BACK_MS.set(0);
}

/// The system's clock, moved back for the thread that replays: the session happens again, and its
/// end is now. The SDK's own threads stay in the present, so that what they send is as old as it
/// says.
struct ReplayClock {
    /// How far the elapsed clock is ahead, so that no moment of the replay lies before its zero.
    ahead_ms: u64,
}

impl Clock for ReplayClock {
    fn now(&self) -> Now {
        let (now, back_ms) = (SystemClock.now(), BACK_MS.get());
        Now {
            wall_ms: now.wall_ms - back_ms as i64,
            elapsed_ms: (now.elapsed_ms + self.ahead_ms).saturating_sub(back_ms),
        }
    }

    fn random(&self, bits: &mut [u8]) {
        SystemClock.random(bits);
    }

    fn wait(&self, bell: &Bell, until_ms: Option<u64>) {
        SystemClock.wait(bell, until_ms.map(|until_ms| until_ms.saturating_sub(self.ahead_ms)));
    }
}
