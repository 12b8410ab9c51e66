//! A call from a customer's phone, and its result at the agent.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::agent::{Agents, Arrival};
use super::clock::{self, Moment};
use super::manager::{Heard, Manager};
use super::phones::Tap;
use super::process::bound;
use super::{asterisk, kamailio, tones};

/// Calls that are under way at once.
pub(crate) const AT_ONCE: usize = 10;
/// The pause of the dial string's two commas, on Apple's phones and on Android's.
const PAUSES: [Duration; 2] = [Duration::from_secs(4), Duration::from_secs(6)];
/// How long a call may take in all.
const CALL_S_MAX: &str = "60";
/// How long an agent's INVITE may be under way once the caller's phone is done.
const STILL_COMING: Duration = Duration::from_millis(300);
/// Each phone takes eight ports of these.
const PORTS: std::ops::Range<u16> = 20_000..28_000;
const PORTS_EACH: u16 = 8;

/// How a call carries its context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// Digits as RFC 4733 events, to Asterisk.
    Events,
    /// Digits as SIP INFO, to Asterisk.
    Info,
    /// Digits as tones, to Asterisk.
    Tones,
    /// The token in `X-Jalon-Context`, through Kamailio.
    Context,
    /// The token in `User-to-User`, through Kamailio.
    UserToUser,
    /// The token in `X-Jalon-Context`, to Asterisk.
    ContextAtIvr,
    /// The token in `User-to-User`, to Asterisk.
    UserToUserAtIvr,
}

impl Carrier {
    /// In the table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Events => "Asterisk, RFC 4733 events",
            Self::Info => "Asterisk, SIP INFO",
            Self::Tones => "Asterisk, in-band tones",
            Self::Context => "Kamailio, X-Jalon-Context",
            Self::UserToUser => "Kamailio, User-to-User",
            Self::ContextAtIvr => "Asterisk, X-Jalon-Context",
            Self::UserToUserAtIvr => "Asterisk, User-to-User",
        }
    }

    /// Whether the context comes as digits after the answer.
    pub(crate) fn is_dialled(self) -> bool {
        matches!(self, Self::Events | Self::Info | Self::Tones)
    }

    /// Whether Kamailio passes the call on.
    pub(crate) fn is_proxied(self) -> bool {
        matches!(self, Self::Context | Self::UserToUser)
    }

    fn scenario(self) -> &'static str {
        match self {
            Self::Events => "phone-events",
            Self::Info => "phone-info",
            Self::Tones => "phone-tones",
            Self::Context | Self::ContextAtIvr => "app-context",
            Self::UserToUser | Self::UserToUserAtIvr => "app-user-to-user",
        }
    }

    fn from(self) -> &'static str {
        match self {
            Self::Events | Self::ContextAtIvr | Self::UserToUserAtIvr => asterisk::EVENTS_FROM,
            Self::Info => asterisk::INFO_FROM,
            Self::Tones => asterisk::TONES_FROM,
            Self::Context | Self::UserToUser => kamailio::APPS_FROM,
        }
    }
}

/// A call that was made.
#[derive(Debug)]
pub(crate) struct Made {
    /// When it was placed.
    pub(crate) at: Moment,
    /// Whether the caller's phone saw the call go as it must: answered, and ended by an agent.
    pub(crate) went_well: bool,
    /// What reached the agents.
    pub(crate) arrivals: Vec<Arrival>,
    /// What Asterisk heard.
    pub(crate) heard: Heard,
}

impl Made {
    /// The one INVITE that reached an agent; `None` for none, and for more than one.
    pub(crate) fn arrival(&self) -> Option<&Arrival> {
        match &self.arrivals[..] {
            [arrival] if self.went_well => Some(arrival),
            _ => None,
        }
    }
}

/// The telephone network: SIPp, one process a call.
pub(crate) struct Network<'a> {
    agents: &'a Agents,
    heard: &'a Manager,
    folder: PathBuf,
    ports: AtomicU16,
    calls: AtomicUsize,
}

impl<'a> Network<'a> {
    pub(crate) fn new(agents: &'a Agents, heard: &'a Manager, folder: PathBuf) -> Self {
        let (ports, calls) = (AtomicU16::new(0), AtomicUsize::new(0));
        Self { agents, heard, folder, ports, calls }
    }

    /// Calls by this carrier, from this customer's number, with what their tap gave.
    pub(crate) fn call(&self, carrier: Carrier, tap: &Tap) -> Result<Made> {
        self.scenario(carrier, carrier.scenario(), tap, &tap.code)
    }

    /// Calls and dials these digits, as events.
    pub(crate) fn dial(&self, tap: &Tap, digits: &str) -> Result<Made> {
        self.scenario(Carrier::Events, Carrier::Events.scenario(), tap, digits)
    }

    /// Calls and dials the code, with a `User-to-User` that is another application's.
    pub(crate) fn dial_with_header(&self, tap: &Tap, value: &str) -> Result<Made> {
        let tap = Tap { user_to_user: value.to_owned(), ..tap.clone() };
        self.scenario(Carrier::Events, "phone-events-with-header", &tap, &tap.code)
    }

    /// Calls and dials nothing.
    pub(crate) fn dial_nothing(&self, tap: &Tap) -> Result<Made> {
        self.scenario(Carrier::Events, "phone-dials-nothing", tap, "")
    }

    /// Calls, and hangs up among the digits.
    pub(crate) fn hang_up(&self, tap: &Tap) -> Result<Made> {
        self.scenario(Carrier::Events, "phone-hangs-up", tap, &tap.code)
    }

    /// Calls through Kamailio, and gives up before anybody rings.
    pub(crate) fn give_up(&self, tap: &Tap) -> Result<Made> {
        self.scenario(Carrier::Context, "app-cancels", tap, "")
    }

    fn scenario(&self, carrier: Carrier, scenario: &str, tap: &Tap, digits: &str) -> Result<Made> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        let folder = self.folder.join(format!("{number:04}-{scenario}"));
        fs::create_dir_all(&folder)?;
        if carrier == Carrier::Tones {
            fs::write(folder.join("digits.ulaw"), tones::dial(digits))?;
        }
        let port = PORTS.start
            + self.ports.fetch_add(PORTS_EACH, Ordering::SeqCst) % (PORTS.end - PORTS.start);
        let pause = PAUSES[number % PAUSES.len()].as_millis();
        let file = crate::root().join(format!("xtask/telephony/{scenario}.xml")).canonicalize()?;

        let mut sipp = Command::new("sipp");
        sipp.current_dir(&folder).arg("-sf").arg(file);
        let to = if carrier.is_proxied() { kamailio::ADDRESS } else { asterisk::ADDRESS };
        sipp.args([to, "-s", "33123456789", "-i", carrier.from(), "-m", "1", "-nostdin"]);
        sipp.args(["-p", &port.to_string(), "-mp", &(port + 2).to_string()]);
        sipp.args(["-d", &pause.to_string(), "-timeout", CALL_S_MAX, "-timeout_error"]);
        sipp.args(["-trace_err", "-key", "caller", &tap.number, "-key", "digits", digits]);
        sipp.args(["-key", "token", &tap.token, "-key", "uui", &tap.user_to_user]);
        for (at, digit) in digits.chars().enumerate() {
            sipp.args(["-key", &format!("digit{}", at + 1), &digit.to_string()]);
        }
        let mut sipp = bound(&sipp);
        let log = fs::File::create(folder.join("sipp.log"))?;
        sipp.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let before = self.agents.of(&tap.number).len();
        let at = clock::now();
        let status = sipp.status().context("could not start sipp")?;
        // An INVITE that was sent when the phone hung up.
        clock::pause(STILL_COMING);
        let arrivals = self.agents.of(&tap.number).split_off(before);
        let heard = self.heard.of(&tap.number);
        let made = Made { at, went_well: status.success(), arrivals, heard };
        if made.went_well {
            // Only of a call that failed would somebody read what SIPp wrote.
            fs::remove_dir_all(&folder)?;
        }
        Ok(made)
    }
}

/// Runs something this many times, ten at a time. The first error ends it.
pub(crate) fn ten_at_a_time<T: Send>(
    count: usize,
    what: impl Fn(usize) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Ok(Vec::with_capacity(count))));
    let locked = || done.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(count) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= count || locked().is_err() {
                        return;
                    }
                    let outcome = what(number);
                    let mut done = locked();
                    match (outcome, &mut *done) {
                        (Ok(value), Ok(values)) => values.push(value),
                        (Err(error), Ok(_)) => *done = Err(error),
                        (_, Err(_)) => {}
                    }
                }
            });
        }
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner)
}
