//! Faults on the way and in the collector. The caller always reaches an agent, and the agent's desk
//! says what is known.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};

use super::agent::Arrival;
use super::calls::{AT_ONCE, Carrier, Made, Network, ten_at_a_time};
use super::clock;
use super::collector::Collector;
use super::phones::{Phones, Tap};
use super::report::Fault;
use super::verdict;

/// Calls a fault.
const CALLS: usize = AT_ONCE;
/// A slow collector: less than any recipe waits, and long enough to answer what has come.
const STANDS_STILL: Duration = Duration::from_millis(600);
const GOES_ON: Duration = Duration::from_millis(100);
/// Fewer than let Kamailio's recipe stop asking.
const FEW: usize = 3;
/// How long Kamailio's recipe leaves a collector alone that did not answer, and a second.
const LEFT_ALONE: Duration = Duration::from_secs(11);

/// Everything that faults are made with.
pub(crate) struct Faults<'a> {
    pub(crate) network: &'a Network<'a>,
    pub(crate) phones: &'a Phones,
    pub(crate) collector: &'a mut Collector,
}

impl Faults<'_> {
    /// Makes them all.
    pub(crate) fn run(&mut self) -> Result<Vec<Fault>> {
        let mut faults = vec![
            self.misdialled("a digit lost", |code| code.remove_at(4))?,
            self.misdialled("a digit doubled", |code| code.double(4))?,
            self.misdialled("two digits swapped", Digits::swap)?,
            self.misdialled("a wrong digit", |code| code.raise(7))?,
            self.no_code()?,
            self.foreign_header()?,
            self.hung_up()?,
            self.redialled()?,
            self.two_with_one_code()?,
            self.without_data()?,
        ];
        faults.push(self.slow(Carrier::Events, "Asterisk: the collector is slow")?);
        faults.push(self.slow(Carrier::Context, "Kamailio: the collector is slow")?);
        faults.extend(self.hanging()?);
        faults.extend(self.down_and_back()?);
        Ok(faults)
    }

    fn misdialled(
        &self,
        name: &'static str,
        slip: impl Fn(Digits) -> String + Sync,
    ) -> Result<Fault> {
        make(name, "an agent, whose page takes the code by hand", || {
            let tap = self.phones.tap()?;
            let made = self.network.dial(&tap, &slip(Digits(tap.code.clone().into_bytes())))?;
            let verdict = verdict::unknown(self.collector, &made)
                .and_then(|arrival| verdict::typed(self.collector, arrival, &tap));
            Ok(judged(&made, verdict))
        })
    }

    fn no_code(&self) -> Result<Fault> {
        make("no code dialled", "an agent, whose page takes the code by hand", || {
            let tap = self.phones.tap()?;
            let made = self.network.dial_nothing(&tap)?;
            let verdict = verdict::unknown(self.collector, &made)
                .and_then(|arrival| verdict::typed(self.collector, arrival, &tap));
            Ok(judged(&made, verdict))
        })
    }

    /// Which moreover would break the JSON that it is put into.
    fn foreign_header(&self) -> Result<Fault> {
        const FOREIGN: &str = "\"00c0ffee00c0ffee00c0ffee\\\";x=${JALON_KEY},\"}";
        make("another application's User-to-User", "found by its digits", || {
            let tap = self.phones.tap()?;
            let made = self.network.dial_with_header(&tap, FOREIGN)?;
            let verdict = verdict::found(self.collector, &made, &tap).map(|_| ());
            Ok(judged(&made, verdict))
        })
    }

    fn hung_up(&self) -> Result<Fault> {
        make("hung up among the digits, then called again", "found at the second call", || {
            let tap = self.phones.tap()?;
            let first = self.network.hang_up(&tap)?;
            let made = self.network.call(Carrier::Events, &tap)?;
            let verdict = verdict::found(self.collector, &made, &tap).and_then(|_| {
                ensure!(first.went_well, "the exchange did not let the caller hang up");
                ensure!(first.arrivals.is_empty(), "an agent got the call of one who hung up");
                Ok(())
            });
            Ok(judged(&made, verdict))
        })
    }

    fn redialled(&self) -> Result<Fault> {
        make("an old code redialled", "an agent, who sees nobody", || {
            let tap = self.phones.tap()?;
            let first = self.network.call(Carrier::Events, &tap)?;
            let made = self.network.call(Carrier::Events, &tap)?;
            let verdict = verdict::found(self.collector, &first, &tap)
                .context("the first call")
                .and_then(|_| verdict::unknown(self.collector, &made))
                .map(|_| ());
            Ok(judged(&made, verdict))
        })
    }

    fn two_with_one_code(&self) -> Result<Fault> {
        make("two calls with one code", "one found, the other sees nobody", || {
            let tap = self.phones.tap()?;
            let other = Tap { number: format!("{}9", tap.number), ..tap.clone() };
            let mut both = std::thread::scope(|scope| {
                let first = scope.spawn(|| self.network.call(Carrier::Events, &tap));
                let second = self.network.call(Carrier::Events, &other);
                anyhow::Ok([first.join().ok().context("a call ended early")??, second?])
            })?;
            // Whoever was first is found.
            both.sort_by_key(|made| verdict::unknown(self.collector, made).is_ok());
            let [first, second] = both;
            let verdict = verdict::found(self.collector, &first, &tap)
                .and_then(|_| verdict::unknown(self.collector, &second))
                .map(|_| ());
            Ok(judged(&second, verdict))
        })
    }

    fn without_data(&self) -> Result<Fault> {
        make("no data at the tap", "found, and said to be unconfirmed", || {
            let customer = self.phones.install()?;
            let tap = self.phones.tap_without_data(customer)?;
            let made = self.network.call(Carrier::Events, &tap)?;
            let verdict = verdict::found_unconfirmed(self.collector, &made, &tap).map(|_| ());
            Ok(judged(&made, verdict))
        })
    }

    /// The collector stands still most of the time.
    fn slow(&self, carrier: Carrier, name: &'static str) -> Result<Fault> {
        let taps = self.taps()?;
        let ended = AtomicBool::new(false);
        let calls = std::thread::scope(|scope| {
            let stutter = scope.spawn(|| {
                while !ended.load(Ordering::SeqCst) {
                    self.collector.hang()?;
                    clock::pause(STANDS_STILL);
                    self.collector.go_on()?;
                    clock::pause(GOES_ON);
                }
                anyhow::Ok(())
            });
            let calls = ten_at_a_time(taps.len(), |at| {
                let made = self.network.call(carrier, &taps[at])?;
                let verdict = verdict::found(self.collector, &made, &taps[at]).map(|_| ());
                Ok(judged(&made, verdict))
            });
            ended.store(true, Ordering::SeqCst);
            stutter.join().ok().context("the collector's stutter ended early")??;
            calls
        })?;
        Ok(fault(name, "found", &calls))
    }

    /// The collector takes connections, and says nothing.
    fn hanging(&mut self) -> Result<Vec<Fault>> {
        let mut faults = Vec::new();
        for (carrier, during, after) in [
            (Carrier::Events, "Asterisk: the collector hangs", "Asterisk: it goes on"),
            (Carrier::Context, "Kamailio: the collector hangs", "Kamailio: it goes on"),
        ] {
            let taps = self.taps()?;
            self.collector.hang()?;
            // First, while Kamailio still asks.
            let gave_up = carrier.is_proxied().then(|| self.gave_up(&taps[..FEW]));
            let fault = self.calls_of(&taps, during, carrier);
            self.collector.go_on()?;
            faults.extend(gave_up.transpose()?);
            faults.push(fault?);
            faults.push(self.again(carrier, after)?);
        }
        Ok(faults)
    }

    fn gave_up(&self, taps: &[Tap]) -> Result<Fault> {
        let calls = ten_at_a_time(taps.len(), |at| {
            let made = self.network.give_up(&taps[at])?;
            let verdict = if made.went_well && made.arrivals.is_empty() {
                Ok(())
            } else {
                Err(anyhow!("{} agents rang, or the phone saw no 487", made.arrivals.len()))
            };
            Ok(judged(&made, verdict))
        })?;
        Ok(fault("Kamailio: given up during the look-up", "nobody rings", &calls))
    }

    /// The collector is killed, and served again.
    fn down_and_back(&mut self) -> Result<Vec<Fault>> {
        let (at_ivr, on_the_way) = (self.taps()?, self.taps()?);
        self.collector.go_down()?;
        let mut faults = vec![
            self.calls_of(&at_ivr, "Asterisk: the collector is down", Carrier::Events)?,
            self.calls_of(&on_the_way, "Kamailio: the collector is down", Carrier::Context)?,
        ];
        self.collector.serve()?;
        faults.push(self.again(Carrier::Events, "Asterisk: it is back")?);
        faults.push(self.again(Carrier::Context, "Kamailio: it is back")?);
        Ok(faults)
    }

    fn taps(&self) -> Result<Vec<Tap>> {
        (0..CALLS).map(|_| self.phones.tap()).collect()
    }

    /// Calls while the collector does not answer.
    fn calls_of(&self, taps: &[Tap], name: &'static str, carrier: Carrier) -> Result<Fault> {
        let calls = ten_at_a_time(taps.len(), |at| {
            let made = self.network.call(carrier, &taps[at])?;
            let verdict = verdict::unavailable(&made).map(|_| ());
            Ok(judged(&made, verdict))
        })?;
        Ok(fault(name, "an agent, without a link", &calls))
    }

    /// Calls once the collector answers again.
    fn again(&self, carrier: Carrier, name: &'static str) -> Result<Fault> {
        if carrier.is_proxied() {
            clock::pause(LEFT_ALONE);
        }
        make(name, "found", || {
            let tap = self.phones.tap()?;
            let made = self.network.call(carrier, &tap)?;
            let verdict = verdict::found(self.collector, &made, &tap).map(|_| ());
            Ok(judged(&made, verdict))
        })
    }
}

/// Makes a fault, ten calls at once.
fn make(
    name: &'static str,
    expected: &'static str,
    call: impl Fn() -> Result<Judged> + Sync,
) -> Result<Fault> {
    Ok(fault(name, expected, &ten_at_a_time(CALLS, |_| call())?))
}

/// How long a call took to its agent, and what was wrong with it.
struct Judged {
    took: Option<Duration>,
    wrong: Option<String>,
}

fn judged(made: &Made, verdict: Result<()>) -> Judged {
    let from = made.heard.answered.unwrap_or(made.at);
    let took = |arrival: &Arrival| arrival.at.saturating_sub(from);
    Judged {
        took: made.arrival().map(took),
        wrong: verdict.err().map(|error| format!("{error:#}")),
    }
}

fn fault(name: &'static str, expected: &'static str, calls: &[Judged]) -> Fault {
    let wrong: Vec<_> = calls.iter().filter_map(|call| call.wrong.clone()).collect();
    Fault {
        name,
        expected,
        calls: calls.len(),
        kept: calls.len() - wrong.len(),
        slowest: calls.iter().filter_map(|call| call.took).max(),
        wrong,
    }
}

/// A code's digits, and what a hand or a line makes of them.
struct Digits(Vec<u8>);

impl Digits {
    fn remove_at(mut self, at: usize) -> String {
        self.0.remove(at);
        self.text()
    }

    fn double(mut self, at: usize) -> String {
        self.0.insert(at, self.0[at]);
        self.text()
    }

    /// The first two neighbours that differ.
    fn swap(mut self) -> String {
        if let Some(at) = self.0.windows(2).position(|pair| pair[0] != pair[1]) {
            self.0.swap(at, at + 1);
        }
        self.text()
    }

    fn raise(mut self, at: usize) -> String {
        self.0[at] = b'0' + (self.0[at] - b'0' + 1) % 10;
        self.text()
    }

    fn text(self) -> String {
        self.0.into_iter().map(char::from).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits() -> Digits {
        Digits(b"1123456789012".to_vec())
    }

    #[test]
    fn slips_are_what_they_say() {
        assert_eq!(digits().remove_at(4), "112356789012");
        assert_eq!(digits().double(4), "11234456789012");
        assert_eq!(digits().swap(), "1213456789012");
        assert_eq!(digits().raise(7), "1123456889012");
        assert_eq!(digits().raise(9), "1123456780012");
    }
}
