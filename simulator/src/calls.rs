//! Calls: tapped on a phone, dialled through a telephone network that errs, taken by an agent.

use anyhow::{Result, anyhow, bail};
use serde_json::Value;

use crate::network::Network;
use crate::oracle::StretchId;
use crate::plan::Dialling;
use crate::site::Handle;
use crate::world::World;

const DAY: i64 = 86_400_000;
/// How long a phone may use a code after it was last online.
const CODE_LIFE_MS: i64 = 7 * DAY;
/// Two requests and their answers.
const SETTLED_MS: i64 = 2_000;
/// How far the two clocks of a run may lead a code astray.
const CLOCK_ERROR_MS: i64 = DAY / 4;

impl World {
    /// A customer taps "call us", the telephone network carries the call, and an agent takes it.
    pub(crate) fn call(&mut self, index: u8, dialling: Dialling) -> Result<()> {
        let Some(journey) = self.phones[usize::from(index)].journey.clone() else { return Ok(()) };
        self.settle()?;
        let who = self.oracle.now(index);
        let online_ms = self.phones[usize::from(index)].online_ms;
        let context = journey.call_context(&Self::request())?;
        let Some(token) = context.token else { return Ok(()) };
        let token = token.to_string();
        self.tapped.push((token.clone(), who));
        let code = context.code.map(|code| code.to_string());
        if let Some(code) = &code {
            self.note(code.parse().unwrap_or_default());
        }
        let network = self.phones[usize::from(index)].network;
        let reachable = matches!(network, Network::Good | Network::HalfOpen);
        if reachable {
            self.pass(5_000, false)?;
            self.check_arrived(&token)?;
        }
        let ring_ms = self.random.between(4_000, 20_000);
        self.pass(ring_ms, false)?;
        if dialling == Dialling::Sip {
            return if reachable {
                self.take(&Handle::Token(&token), who).map(drop)
            } else {
                Ok(())
            };
        }
        if dialling == Dialling::Redial {
            let dialled = &self.phones[usize::from(index)].dialled;
            let Some((code, who)) = dialled.last().cloned() else { return Ok(()) };
            return self.take(&Handle::Code(&code), who).map(drop);
        }
        let Some(code) = code else { return Ok(()) };
        self.phones[usize::from(index)].dialled.push((code.clone(), who));
        let arrived = distort(&code, dialling);
        let found = self.take(&Handle::Code(&arrived), who)?;
        if arrived == code && !found && online_ms.is_some_and(|ms| self.code_must_resolve(ms)) {
            let after_s = online_ms.map(|online_ms| (self.now_ms() - online_ms) / 1_000);
            bail!("the code of phone {index} leads nowhere, {after_s:?} s after it was online");
        }
        Ok(())
    }

    /// With data, the call's context is at the collector within five seconds.
    fn check_arrived(&mut self, token: &str) -> Result<()> {
        let database = rusqlite::Connection::open(self.site.database())?;
        let bits = jalon::call::ContextToken::parse(token).map(|token| *token.as_bytes());
        let here: bool = database.query_row(
            "SELECT EXISTS (SELECT 1 FROM calls WHERE token = ?1)",
            [bits],
            |row| row.get(0),
        )?;
        if here {
            Ok(())
        } else {
            Err(anyhow!("five seconds after the tap, no record of the call"))
        }
    }

    /// Whether a code must resolve that a phone gave which was last online at this time.
    fn code_must_resolve(&self, online_ms: i64) -> bool {
        // A collector that has lost commits says so in its next answer, and the one after that says which
        // codes are good.
        let kept = self.lost_ms.is_none_or(|lost_ms| lost_ms + SETTLED_MS < online_ms);
        kept && self.now_ms() - online_ms < CODE_LIFE_MS - CLOCK_ERROR_MS
    }

    /// An agent takes the call of `who`. Returns whether there was a context.
    fn take(&mut self, handle: &Handle<'_>, who: StretchId) -> Result<bool> {
        let call_id = format!("call-{}", self.taken.len());
        let (status, view) = self.site.resolve(&call_id, handle)?;
        self.note(u64::from(status));
        match status {
            200 => {
                self.taken.push((call_id, who));
                self.check_view(&view, who).map(|()| true)
            }
            404 | 422 | 429 => Ok(false),
            other => bail!("the look-up answered {other}"),
        }
    }

    fn check_view(&self, view: &Value, who: StretchId) -> Result<()> {
        self.oracle.check(view, who).map_err(|shown| {
            anyhow!("the agent of a call by {} sees {shown}", self.oracle.describe(who))
        })
    }

    /// The agent of the latest call looks again: more may have arrived.
    pub(crate) fn look_again(&mut self) -> Result<()> {
        let Some((call_id, who)) = self.taken.last().cloned() else { return Ok(()) };
        let (status, view) = self.site.resolve(&call_id, &Handle::Claimed)?;
        if status == 200 { self.check_view(&view, who) } else { Ok(()) }
    }
}

/// What arrives of the digits that were dialled.
fn distort(code: &str, dialling: Dialling) -> String {
    let mut digits: Vec<u8> = code.bytes().collect();
    match dialling {
        Dialling::Lost(at) => drop(digits.remove(usize::from(at))),
        Dialling::Doubled(at) => {
            digits.insert(usize::from(at), digits[usize::from(at)]);
            digits.pop();
        }
        Dialling::Swapped(at) => digits.swap(usize::from(at), usize::from(at) + 1),
        Dialling::Wrong(at, digit) => digits[usize::from(at)] = b'0' + digit,
        Dialling::Right | Dialling::Sip | Dialling::Redial => {}
    }
    String::from_utf8_lossy(&digits).into_owned()
}
