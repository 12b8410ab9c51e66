//! Customers' phones: `examples/callers`, the SDK itself.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::collector::Collector;
use super::process::{Running, bound};

/// A customer who tapped "call us".
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tap {
    /// The customer, known to nobody before.
    pub(crate) customer: String,
    /// The number they call from, theirs alone.
    pub(crate) number: String,
    /// The 13 digits that the phone dials.
    pub(crate) code: String,
    /// The token, the value of `X-Jalon-Context`.
    pub(crate) token: String,
    /// The token as a `User-to-User` value.
    pub(crate) user_to_user: String,
}

/// A customer with the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Customer {
    name: String,
    number: String,
}

/// All the phones.
pub(crate) struct Phones {
    talk: Mutex<Talk>,
    customers: AtomicU32,
}

struct Talk {
    _running: Running,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Phones {
    pub(crate) fn start(collector: &Collector, folder: &Path) -> Result<Self> {
        let mut command = crate::built("examples/callers");
        command.args(["--collector", &collector.url(), "--write-key", &collector.write_key]);
        command.arg("--folder").arg(folder.join("phones"));
        let mut command = bound(&command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(fs::File::create(folder.join("phones.log"))?);
        let mut running = Running::spawn("the phones", &mut command)?;
        let child = running.child();
        let requests = child.stdin.take().context("the phones take no requests")?;
        let answers = BufReader::new(child.stdout.take().context("the phones do not answer")?);
        let talk = Talk { _running: running, requests, answers };
        Ok(Self { talk: Mutex::new(talk), customers: AtomicU32::new(0) })
    }

    /// A new customer, who has looked at a product.
    pub(crate) fn install(&self) -> Result<Customer> {
        let number = self.customers.fetch_add(1, Ordering::SeqCst);
        let customer = Customer {
            name: format!("customer-{number:04}"),
            number: format!("+336000{number:05}"),
        };
        self.ask("install", &customer)?;
        Ok(customer)
    }

    /// A new customer taps, and the collector has heard of it.
    pub(crate) fn tap(&self) -> Result<Tap> {
        let customer = self.install()?;
        self.tapped("tap", customer)
    }

    /// This customer taps on a phone that has no data.
    pub(crate) fn tap_without_data(&self, customer: Customer) -> Result<Tap> {
        self.tapped("tap-without-data", customer)
    }

    fn tapped(&self, how: &str, customer: Customer) -> Result<Tap> {
        let answer = self.ask(how, &customer)?;
        let text = |value: &Value, name: &str| {
            let text = value[name].as_str().with_context(|| format!("a tap without {name}"))?;
            anyhow::Ok(text.to_owned())
        };
        // What a phone dials, from what the SDK hands its dialer.
        let dial_string = text(&answer, "dial_string")?;
        let (_, code) = dial_string.split_once(",,").context("a dial string without a code")?;
        Ok(Tap {
            customer: customer.name,
            number: customer.number,
            code: code.to_owned(),
            token: text(&answer["sip_headers"], "X-Jalon-Context")?,
            user_to_user: text(&answer["sip_headers"], "User-to-User")?,
        })
    }

    fn ask(&self, what: &str, customer: &Customer) -> Result<Value> {
        let mut talk = self.talk.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(talk.requests, "{what} {}", customer.name)
            .context("the phones have ended: see phones.log")?;
        let mut line = String::new();
        talk.answers.read_line(&mut line)?;
        serde_json::from_str(&line).context("the phones have ended: see phones.log")
    }
}
