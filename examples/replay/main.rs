//! Real customers on phones without a screen: each browses as the rows say, taps "call us", and an
//! IVR's part is played by an HTTP client that resolves the call's code.
//!
//! `cargo xtask demo` starts a collector, makes its keys, and runs this. `phone` is what a shop's
//! app does with the SDK; the rest reads the rows (`rows`) and checks what the agent sees
//! (`expect`).

mod expect;
mod phone;
mod rows;

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result, anyhow};
use clap::Parser;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jalon::clock::{Bell, Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::phone::{Collector, Phone, carried};
use crate::rows::Customer;

/// Phones that replay at once.
const PHONES_AT_ONCE: usize = 8;
/// Customers who go on after their call: each keeps a phone running.
const GO_ON_MAX: usize = 20;
/// How long each of them looks at a thing.
const STEP_MS: u64 = 2_000;

/// Replays real clickstream through the SDK, and plays the IVR.
#[derive(Parser)]
struct Options {
    /// The collector's address.
    #[arg(long, value_name = "URL")]
    collector: String,
    /// The app's key.
    #[arg(long, value_name = "KEY")]
    write_key: String,
    /// The contact centre's key.
    #[arg(long, value_name = "KEY")]
    agent_key: String,
    /// Where each customer's phone gets a folder of its own.
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// The rows.
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// How many customers, the busiest first.
    #[arg(long, value_name = "N")]
    customers: usize,
    /// Check the agent's view against the rows, and end.
    #[arg(long)]
    once: bool,
    /// Where to write what each call came to.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// A call that was picked up.
struct Call {
    customer: Customer,
    token: String,
    code: String,
    dial_string: String,
    /// The context, as the API answered.
    context: Value,
    /// The phone, where its customer goes on.
    phone: Option<Phone>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<ExitCode> {
    let input = options.input.display();
    let mut skipped = 0;
    let customers = rows::busiest(&options.input, options.customers, |line, fault| {
        skipped += 1;
        eprintln!("{input}: line {line} skipped: {fault}");
    })?;
    if customers.len() < options.customers {
        say(&format!("{input} has {} customers in all.", customers.len()));
    }
    let rows: usize = customers.iter().map(|customer| customer.rows.len()).sum();
    let bar = progress(rows as u64);
    let calls = replay(&customers, options, &bar);
    bar.finish_and_clear();
    let mut calls = calls?;
    say(&format!(
        "Replayed {rows} real rows of {} customers ({skipped} skipped); each then tapped \"call us\".",
        calls.len()
    ));
    for call in &calls {
        let (user_id, rows) = (call.customer.user_id, call.customer.rows.len());
        say(&format!("customer {user_id}, {rows} rows, dialled {}", call.dial_string));
        say(&format!("  the agent's desk: {}", desk(call, options)?));
    }
    if let Some(path) = &options.report {
        report(&calls, path)?;
    }
    if options.once {
        return Ok(check(&calls));
    }
    go_on(calls.iter_mut().filter_map(|call| call.phone.as_mut()).collect());
    Ok(ExitCode::SUCCESS)
}

/// Lets every customer browse and call, several at once; in the customers' order.
fn replay(customers: &[Customer], options: &Options, bar: &ProgressBar) -> Result<Vec<Call>> {
    let collector =
        Collector { url: options.collector.clone(), write_key: options.write_key.clone() };
    let next = AtomicUsize::new(0);
    let one_after_another = || {
        let mut calls = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::SeqCst);
            let Some(customer) = customers.get(place) else { return Ok(calls) };
            let stays = !options.once && place < GO_ON_MAX;
            let call = one(customer, &collector, options, stays, bar)
                .inspect_err(|_| next.store(customers.len(), Ordering::SeqCst))?;
            calls.push((place, call));
        }
    };
    let mut calls: Vec<(usize, Call)> = Vec::new();
    std::thread::scope(|scope| -> Result<()> {
        let crew: Vec<_> = (0..PHONES_AT_ONCE.min(customers.len()))
            .map(|_| scope.spawn(one_after_another))
            .collect();
        for phones in crew {
            let made: Result<_> = phones.join().map_err(|_| anyhow!("a phone broke down"))?;
            calls.extend(made?);
        }
        Ok(())
    })?;
    calls.sort_by_key(|(place, _)| *place);
    Ok(calls.into_iter().map(|(_, call)| call).collect())
}

/// One customer: browses, calls, and is picked up.
fn one(
    customer: &Customer,
    collector: &Collector,
    options: &Options,
    stays: bool,
    bar: &ProgressBar,
) -> Result<Call> {
    let folder = options.folder.join(format!("phone-{}", customer.user_id));
    let mut phone = Phone::new(customer.clone(), collector, &folder)?;
    phone.replay(|| bar.inc(1))?;
    let call = phone.call()?;
    let (token, code) = carried(&call)?;
    let context = pick_up(options, customer.user_id, &code)?;
    Ok(Call {
        customer: customer.clone(),
        token,
        code,
        dial_string: call.dial_string.unwrap_or_default(),
        context,
        phone: stays.then_some(phone),
    })
}

/// The IVR: hears the code's digits, and asks the collector what they stand for.
fn pick_up(options: &Options, user_id: u64, code: &str) -> Result<Value> {
    let call_id = format!("demo-{user_id}");
    let body = json!({"code": code, "call_id": call_id, "agent": "Alex"}).to_string();
    let mut answer = ureq::post(format!("{}/v1/contexts/resolve", options.collector))
        .header("authorization", format!("Bearer {}", options.agent_key))
        .header("content-type", "application/json")
        .send(body)
        .with_context(|| format!("could not resolve the code of customer {user_id}"))?;
    let text = answer.body_mut().read_to_string().context("could not read a context")?;
    serde_json::from_str(&text).context("a context is no JSON")
}

/// The desk's address, in full.
fn desk(call: &Call, options: &Options) -> Result<String> {
    let link = call.context["desk"].as_str().context("a context holds no desk link")?;
    Ok(if link.starts_with('/') { format!("{}{link}", options.collector) } else { link.into() })
}

fn report(calls: &[Call], path: &Path) -> Result<()> {
    let calls: Vec<Value> = calls
        .iter()
        .map(|call| {
            json!({
                "user_id": call.customer.user_id.to_string(),
                "token": call.token,
                "code": call.code,
                "rows": call.customer.rows.len(),
                "context": call.context,
            })
        })
        .collect();
    let text = serde_json::to_string_pretty(&calls)?;
    std::fs::write(path, text + "\n").with_context(|| format!("could not write {}", path.display()))
}

/// Compares each view with what the rows say, and says what differs.
fn check(calls: &[Call]) -> ExitCode {
    let mut wrong = 0;
    for call in calls {
        let expected = expect::view(&call.customer, &call.token);
        let found = expect::differences(&expected, &call.context);
        wrong += usize::from(!found.is_empty());
        for difference in found {
            eprintln!("customer {}: {difference}", call.customer.user_id);
        }
    }
    if wrong > 0 {
        eprintln!("error: {wrong} of {} views are not what the input says", calls.len());
        return ExitCode::FAILURE;
    }
    say(&format!("Checked: all {} views are exactly what the input says.", calls.len()));
    ExitCode::SUCCESS
}

/// The customers go on browsing, in turn, until somebody ends the program.
fn go_on(mut phones: Vec<&mut Phone>) {
    say("The customers go on, and the desks show it. Ctrl-C ends the demo.");
    let (bell, pause_ms) = (Bell::new(), STEP_MS / phones.len().max(1) as u64);
    loop {
        for phone in &mut phones {
            phone.go_on();
            SystemClock.wait(&bell, Some(SystemClock.now().elapsed_ms + pause_ms));
        }
    }
}

/// A progress bar of the rows replayed; none without a terminal.
fn progress(rows: u64) -> ProgressBar {
    let bar = ProgressBar::new(rows);
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos} of {len} rows replayed") {
        bar.set_style(style);
    }
    bar
}

fn say(line: &str) {
    // A closed terminal is no reason to fail.
    let _ = writeln!(std::io::stdout(), "{line}");
}
