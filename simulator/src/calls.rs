//! Calls: tapped on a phone, dialled through a telephone network that errs, taken by an agent.

use anyhow::{Result, anyhow, bail};
use serde_json::Value;

use crate::network::Network;
use crate::oracle::StretchId;
use crate::phone::Online;
use crate::plan::Dialling;
use crate::site::Handle;
use crate::world::{Taken, World};

const DAY: i64 = 86_400_000;
/// How long a phone may use a code after it was last online.
const CODE_LIFE_MS: i64 = 7 * DAY;
/// How long a call that was taken can be looked up again.
const CLAIM_LIFE_MS: i64 = DAY;
/// The longest way of an answer, and more.
const SETTLED_MS: i64 = 2_000;
/// How far the two clocks of a run may lead a code astray.
const CLOCK_ERROR_MS: i64 = DAY / 4;

/// A tap on "call us".
struct Tap {
    phone: usize,
    who: StretchId,
    token: String,
    code: Option<String>,
    at_ms: i64,
    /// When the phone was last online before it.
    online: Option<Online>,
    /// With data.
    reachable: bool,
}

impl World {
    /// A customer taps "call us", the telephone network carries the call, and an agent takes it.
    pub(crate) fn call(&mut self, phone: u8, dialling: Dialling) -> Result<()> {
        let Some(tap) = self.tap(phone)? else { return Ok(()) };
        let call_id = self.new_call_id();
        self.connect(&tap)?;
        self.ring(&tap, dialling, &call_id)
    }

    /// Two customers tap at the same moment, or one taps twice.
    pub(crate) fn call_twice(&mut self, phone: u8, other: u8) -> Result<()> {
        let first = self.tap(phone)?;
        let second = self.tap(other)?;
        let taps: Vec<Tap> = first.into_iter().chain(second).collect();
        for tap in taps.iter().filter(|tap| tap.reachable).take(1) {
            self.connect(tap)?;
        }
        for tap in &taps {
            if tap.reachable {
                self.check_arrived(&tap.token)?;
            }
            let call_id = self.new_call_id();
            self.ring(tap, Dialling::Right, &call_id)?;
        }
        Ok(())
    }

    /// A customer calls after an earlier call has ended, and the exchange counts its ids anew.
    pub(crate) fn call_id_again(&mut self, phone: u8, dialling: Dialling) -> Result<()> {
        let Some(tap) = self.tap(phone)? else { return Ok(()) };
        self.connect(&tap)?;
        if self.taken.is_empty() {
            return Ok(());
        }
        let at = self.random.below(self.taken.len() as u64) as usize;
        // Nobody asks for the earlier call any more. If the look-up misses, the id does not say either
        // that it is not the earlier call: only a hit is asked for again.
        let Taken { call_id, at_ms, .. } = self.taken.remove(at);
        let seen = self.seen;
        self.ring(&tap, dialling, &call_id)?;
        if let Some(taken) = self.taken.last_mut().filter(|_| self.seen > seen) {
            // With a code dialled again it is the earlier call, and claimed since then.
            taken.at_ms = at_ms;
            return self.look_again();
        }
        Ok(())
    }

    fn tap(&mut self, phone: u8) -> Result<Option<Tap>> {
        let phone_index = usize::from(phone);
        let Some(journey) = self.phones[phone_index].journey.clone() else { return Ok(None) };
        self.settle()?;
        let who = self.oracle.now(phone);
        let online = self.phones[phone_index].online;
        let context = journey.call_context(&Self::request())?;
        let Some(token) = context.token else { return Ok(None) };
        let token = token.to_string();
        self.tapped.push((token.clone(), who));
        let code = context.code.map(|code| code.to_string());
        if let Some(code) = &code {
            self.note(code.parse().unwrap_or_default());
        }
        let network = self.phones[phone_index].network;
        let reachable = matches!(network, Network::Good | Network::HalfOpen);
        Ok(Some(Tap {
            phone: phone_index,
            who,
            at_ms: self.now_ms(),
            token,
            code,
            online,
            reachable,
        }))
    }

    /// Lets the call's record go its way.
    fn connect(&mut self, tap: &Tap) -> Result<()> {
        if tap.reachable {
            self.pass(5_000, false)?;
            self.check_arrived(&tap.token)?;
        }
        Ok(())
    }

    fn ring(&mut self, tap: &Tap, dialling: Dialling, call_id: &str) -> Result<()> {
        let ring_ms = self.random.between(4_000, 20_000);
        self.pass(ring_ms, false)?;
        if dialling == Dialling::Sip {
            if tap.reachable {
                self.take(Handle::Token(tap.token.clone()), tap.who, call_id)?;
            }
            return Ok(());
        }
        if dialling == Dialling::Redial {
            let dialled = &self.phones[tap.phone].dialled;
            let Some((code, who)) = dialled.last().cloned() else { return Ok(()) };
            return self.take(Handle::Code(code), who, call_id).map(drop);
        }
        let Some(code) = tap.code.clone() else { return Ok(()) };
        self.phones[tap.phone].dialled.push((code.clone(), tap.who));
        let arrived = distort(&code, dialling);
        let is_right = arrived == code;
        let found = self.take(Handle::Code(arrived), tap.who, call_id)?;
        if is_right && !found && self.code_must_resolve(tap) {
            bail!("the code of phone {} leads nowhere; at the tap: {:?}", tap.phone, tap.online);
        }
        Ok(())
    }

    /// With data, the call's context is at the collector within five seconds.
    fn check_arrived(&mut self, token: &str) -> Result<()> {
        let database = self.site.database()?;
        let bits = jalon::call::ContextToken::parse(token).map(|token| *token.as_bytes());
        let here: bool = database
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM calls WHERE token = ?1)")?
            .query_row([bits], |row| row.get(0))?;
        if here {
            Ok(())
        } else {
            Err(anyhow!("five seconds after the tap, no record of the call"))
        }
    }

    /// Whether a code must resolve that was tapped on a phone which was online before.
    fn code_must_resolve(&self, tap: &Tap) -> bool {
        let Some(Online { answered_ms: online_ms, told_ms }) = tap.online else { return false };
        // A collector that has lost commits says so in its next answer, and the answer to a batch after
        // that, which may be lost on its way, says which codes are good.
        let kept = self.lost_ms.is_none_or(|lost_ms| {
            let told = |ms: Option<i64>| ms.is_some_and(|ms| lost_ms < ms);
            told(told_ms[0]) && told_ms[1].is_some_and(|ms| ms + SETTLED_MS < tap.at_ms)
        });
        kept && self.now_ms() - online_ms < CODE_LIFE_MS - CLOCK_ERROR_MS
    }

    fn new_call_id(&mut self) -> String {
        self.call_ids += 1;
        format!("call-{}", self.call_ids)
    }

    /// An agent takes the call of `who`. Returns whether there was a context.
    fn take(&mut self, handle: Handle, who: StretchId, call_id: &str) -> Result<bool> {
        let (status, view) = self.site.resolve(call_id, &handle)?;
        self.note(u64::from(status));
        match status {
            200 => {
                let (call_id, at_ms) = (call_id.to_owned(), self.now_ms());
                self.taken.push(Taken { call_id, handle, who, at_ms });
                self.seen += 1;
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
        self.look_up_again(self.taken.len().checked_sub(1), &Handle::Claimed)
    }

    /// Another agent takes a call over: the exchange looks it up as before, or by its id alone.
    pub(crate) fn transfer(&mut self) -> Result<()> {
        let at = self.random.below(self.taken.len().max(1) as u64) as usize;
        let Some(taken) = self.taken.get(at) else { return Ok(()) };
        let handle = if self.random.percent(50) { taken.handle.clone() } else { Handle::Claimed };
        self.look_up_again(Some(at), &handle)
    }

    fn look_up_again(&mut self, at: Option<usize>, handle: &Handle) -> Result<()> {
        let Some(taken) = at.and_then(|at| self.taken.get(at)) else { return Ok(()) };
        let (who, after_ms) = (taken.who, self.now_ms() - taken.at_ms);
        let (status, view) = self.site.resolve(&taken.call_id, handle)?;
        if status == 200 {
            return self.check_view(&view, who);
        }
        let kept = self.lost_ms.is_none_or(|lost_ms| lost_ms < taken.at_ms);
        if after_ms < CLAIM_LIFE_MS - 2 * CLOCK_ERROR_MS && kept && !self.oracle.may_be_erased(who)
        {
            bail!("a call that was taken {} s ago is gone: {status}", after_ms / 1_000);
        }
        Ok(())
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
