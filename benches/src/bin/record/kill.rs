//! Measures what each recorder keeps when the system kills the process right after the last event.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use jalon::clock::SystemClock;
use jalon::{Event, Journey};
use jalon_benches::clock::sleep;
use jalon_benches::report::median;
use jalon_benches::{child, phone};

use crate::peers::{Channel, Cut, Shop, View, count_glean};
use crate::sqlite;

/// Events recorded before the kill, one right after the other.
const EVENTS: usize = 1_000;
/// Kills of each.
const KILLS: usize = 7;
/// What the column says.
pub(crate) const ABOUT: &str = "Kept after SIGKILL: a child without a network records 1,000 events in a \
    burst and sends itself SIGKILL once the last call has returned; then what a restart can still deliver, \
    median of 7 kills and (worst). \
    Given 3 s before the kill, Glean and the channel keep all: that was checked, too.";

/// What each kept, in words.
pub(crate) struct Kept {
    pub(crate) ours: String,
    pub(crate) glean: String,
    pub(crate) channel: String,
    pub(crate) inserted: String,
}

/// The peers that may still be at work when the last call has returned; with time they keep all.
const LATE: [&str; 2] = ["glean-late", "channel-late"];
/// Ample time for a thousand events.
const TIME_TO_WRITE: Duration = Duration::from_secs(3);

/// Kills them all.
pub(crate) fn kept(dir: &Path) -> Result<Kept> {
    let measure = |who: &str| -> Result<String> {
        let mut counts = Vec::new();
        for kill in 0..KILLS {
            let place = dir.join(format!("killed-{who}-{kill}"));
            let path = place.to_str().context("a path that is not UTF-8")?;
            child::run_until_killed(&[who, path])?;
            counts.push(count(who, &place)?);
        }
        let least = counts.iter().min().copied().unwrap_or(0);
        let typical = median(counts.into_iter().map(|count| count as f64));
        Ok(format!("{typical:.0} of {EVENTS} ({least})"))
    };
    // That the counting finds what is there.
    for who in LATE {
        let place = dir.join(format!("killed-{who}"));
        child::run_until_killed(&[who, place.to_str().context("a path that is not UTF-8")?])?;
        let found = count(who, &place)?;
        ensure!(found == EVENTS as u64, "{who}: {found} were found, {EVENTS} were written");
    }
    Ok(Kept {
        ours: measure("jalon")?,
        glean: measure("glean")?,
        channel: measure("channel")?,
        inserted: measure("sqlite")?,
    })
}

fn count(who: &str, place: &Path) -> Result<u64> {
    match who {
        "jalon" => count_ours(place),
        "glean" | "glean-late" => {
            let path = place.to_str().context("a path that is not UTF-8")?;
            Ok(child::run(&["count-glean", path])?.trim().parse()?)
        }
        _ => sqlite::count(place),
    }
}

fn count_ours(folder: &Path) -> Result<u64> {
    let journey = offline(folder)?;
    // Closing brings the journal into the store; after that the count is exact.
    journey.close();
    let status = journey.status();
    // The screen view before them.
    Ok(status.queued - 1)
}

fn offline(folder: &Path) -> Result<Journey> {
    let config = phone::config_offline(folder);
    Ok(Journey::open_with(config, Arc::new(phone::Offline), Arc::new(SystemClock))?)
}

/// The child: records and is killed, or counts.
pub(crate) fn child(args: &[String]) -> Result<()> {
    let [who, path] = args else { bail!("a child takes two arguments") };
    let path = Path::new(path);
    let products = phone::products()?;
    let events: Vec<Event> = phone::views(&products, EVENTS).collect();
    match who.as_str() {
        "jalon" => {
            let journey = offline(path)?;
            journey.record(Event::ScreenView { screen: "product/{id}".to_owned() });
            // The store is open, as it is in an app that runs.
            sleep(Duration::from_millis(300));
            for event in events {
                journey.record(event);
            }
            child::kill_this_process()
        }
        "glean" | "glean-late" => {
            let views: Vec<View> = products.iter().cycle().take(EVENTS).map(View::of).collect();
            let shop = Shop::start_with(path, Box::new(Cut))?;
            for view in views {
                shop.view(view);
            }
            give_time(who);
            child::kill_this_process()
        }
        "channel" | "channel-late" => {
            let channel = Channel::start(path)?;
            for event in events {
                channel.send(event);
            }
            give_time(who);
            child::kill_this_process()
        }
        "sqlite" => {
            // Nothing is taken out here, so that all can be counted.
            let connection = sqlite::open(path)?;
            for event in &events {
                sqlite::insert(&connection, event)?;
            }
            child::kill_this_process()
        }
        "count-glean" => {
            println!("{}", count_glean(path)?);
            Ok(())
        }
        _ => bail!("no such child: {who}"),
    }
}

fn give_time(who: &str) {
    if LATE.contains(&who) {
        sleep(TIME_TO_WRITE);
    }
}
