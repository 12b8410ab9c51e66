//! What happens in a run: a list of steps, drawn from a seed. Each step carries the seed of its own
//! chances, so that taking one away leaves the others as they were.

use crate::network::Network;
use crate::random::Random;

/// Phones in a run, those that may become copies of another included.
pub(crate) const PHONES: u8 = 3;
/// People who sign in.
pub(crate) const PEOPLE: u8 = 3;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// One step of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What happens.
    pub act: Act,
    /// The seed of its chances.
    pub seed: u64,
}

/// What happens in a step; `phone` is the phone it happens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Time passes, in ms. Past two hours the phones sleep.
    Pass(u64),
    /// The app is started.
    Start(u8),
    /// The app is closed orderly.
    Close(u8),
    /// The app's process is killed.
    Kill(u8),
    /// The phone loses its power.
    PowerCut(u8),
    /// The customer looks at so many products.
    Browse(u8, u16),
    /// The customer looks at more than the phone's quota holds.
    Flood(u8),
    /// This person signs in.
    SignIn(u8, u8),
    /// Whoever is signed in signs out.
    SignOut(u8),
    /// The customer agrees to be recorded.
    Grant(u8),
    /// The customer refuses.
    Refuse(u8),
    /// The customer has everything erased.
    Erase(u8),
    /// The customer calls, dialling like this.
    Call(u8, Dialling),
    /// The customer looks at what a call would carry.
    Preview(u8),
    /// The app asks for an upload.
    UploadNow(u8),
    /// The phone's network changes.
    Network(u8, Network),
    /// The phone's wall clock is wrong by so many ms from now on.
    Clock(u8, i64),
    /// The phone's files are copied to another phone, which somebody else uses.
    Clone(u8, u8),
    /// The app was updated, and the update is rolled back: the folder was used by a later version.
    Downgrade(u8),
    /// Calls are tapped on two phones at once, or twice on one.
    CallTwice(u8, u8),
    /// The customer calls, and the contact centre's exchange gives the call the id of an earlier one.
    CallIdAgain(u8, Dialling),
    /// The agent of the latest call looks again.
    LookAgain,
    /// An earlier call is handed to another agent, whose desk looks it up again.
    Transfer,
    /// So many hours pass in which nobody touches a phone, and none sleeps.
    Idle(u8),
    /// The collector is started anew.
    RestartCollector,
    /// The collector is backed up.
    BackUp,
    /// The collector's last backup is restored.
    Restore,
    /// The collector's wall clock is wrong by so many ms from now on.
    CollectorClock(i64),
}

impl Act {
    /// The phone whose customer opens the app for this, if it does not run.
    pub(crate) fn opens(self) -> Option<u8> {
        match self {
            Self::Start(phone)
            | Self::Browse(phone, _)
            | Self::Flood(phone)
            | Self::SignIn(phone, _)
            | Self::SignOut(phone)
            | Self::Grant(phone)
            | Self::Refuse(phone)
            | Self::Erase(phone)
            | Self::Downgrade(phone)
            | Self::Call(phone, _)
            | Self::CallTwice(phone, _)
            | Self::CallIdAgain(phone, _)
            | Self::Preview(phone) => Some(phone),
            _ => None,
        }
    }

    /// Whether this takes the phone's power away.
    pub(crate) fn cuts(self, phone: u8) -> bool {
        self == Self::PowerCut(phone)
    }
}

/// How a call is placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialling {
    /// The digits arrive as they were dialled.
    Right,
    /// The token arrives in a SIP header.
    Sip,
    /// This digit is lost, and whatever follows moves up.
    Lost(u8),
    /// This digit arrives twice, and the last one is cut off.
    Doubled(u8),
    /// This digit changes places with the next.
    Swapped(u8),
    /// This digit arrives as another.
    Wrong(u8, u8),
    /// The customer redials the number of an earlier call.
    Redial,
}

/// Draws the steps of a run.
pub fn draw(seed: u64, weeks: u64) -> Vec<Step> {
    let mut random = Random::new(seed);
    let count = random.between(20, 60);
    let start = [Act::Start(0), Act::Grant(0), Act::Browse(0, 3)];
    let drawn = (0..count).map(|_| draw_act(&mut random, weeks)).collect::<Vec<_>>();
    let mut seeds = Random::new(seed ^ 0x5EED);
    start.into_iter().chain(drawn).map(|act| Step { act, seed: seeds.draw() }).collect()
}

fn draw_act(random: &mut Random, weeks: u64) -> Act {
    // Most of a run is the life of one phone; the others make strangers.
    let phone = if random.percent(70) { 0 } else { random.below(u64::from(PHONES)) as u8 };
    let person = random.below(u64::from(PEOPLE)) as u8;
    match random.below(107) {
        0..22 => Act::Pass(span(random, weeks)),
        22..27 => Act::Start(phone),
        27..30 => Act::Pass(random.between(1, 60) * SECOND),
        30..33 => Act::Close(phone),
        33..37 => Act::Kill(phone),
        37..39 => Act::PowerCut(phone),
        39..53 => Act::Browse(phone, many(random)),
        53 => Act::Flood(phone),
        54..60 => Act::SignIn(phone, person),
        60..63 => Act::SignOut(phone),
        63..67 => Act::Grant(phone),
        67 => Act::Refuse(phone),
        68 => Act::Erase(phone),
        69..79 => Act::Call(phone, dialling(random)),
        79..82 => Act::Preview(phone),
        82..84 => Act::UploadNow(phone),
        84..90 => Act::Network(phone, network(random)),
        90..93 => Act::Clock(phone, error(random)),
        93 => Act::Clone(phone, random.below(u64::from(PHONES)) as u8),
        94..96 => Act::LookAgain,
        96 => Act::RestartCollector,
        97 => Act::BackUp,
        98 => Act::Restore,
        99 => Act::CollectorClock(random.below(12 * HOUR) as i64 - 6 * HOUR as i64),
        100 => Act::Downgrade(phone),
        101 | 102 => Act::CallTwice(phone, random.below(u64::from(PHONES)) as u8),
        103 => Act::CallIdAgain(phone, dialling(random)),
        104 | 105 => Act::Transfer,
        _ => Act::Idle(random.between(1, 4) as u8),
    }
}

fn span(random: &mut Random, weeks: u64) -> u64 {
    let longest = weeks * 7 * DAY / 4;
    match random.below(10) {
        0 => random.between(1, SECOND),
        1 | 2 => random.between(SECOND, 40 * SECOND),
        3 | 4 => random.between(MINUTE, 40 * MINUTE),
        5 => random.between(HOUR, 20 * HOUR),
        6 | 7 => random.between(20 * HOUR, 3 * DAY),
        8 => random.between(3 * DAY, 8 * DAY).min(longest),
        _ => random.between(8 * DAY, 40 * DAY).min(longest),
    }
}

fn many(random: &mut Random) -> u16 {
    match random.below(20) {
        0 => random.between(100, 400) as u16,
        1..4 => random.between(20, 60) as u16,
        _ => random.between(1, 6) as u16,
    }
}

fn dialling(random: &mut Random) -> Dialling {
    let at = random.below(13) as u8;
    match random.below(20) {
        0 => Dialling::Lost(at),
        1 => Dialling::Doubled(at),
        2 => Dialling::Swapped(at.min(11)),
        3 => Dialling::Wrong(at, random.below(10) as u8),
        4 => Dialling::Redial,
        5..8 => Dialling::Sip,
        _ => Dialling::Right,
    }
}

fn network(random: &mut Random) -> Network {
    match random.below(10) {
        0..4 => Network::Good,
        4 | 5 => Network::Offline,
        6 => Network::Lossy,
        7 => Network::HalfOpen,
        _ => {
            let status = random.of(&[200, 302, 401, 403, 407, 410, 429, 503]);
            let retry_after = random.of(&[None, Some(120), Some(3_600), Some(86_400)]);
            Network::Stranger(status, retry_after)
        }
    }
}

/// Clocks are wrong by minutes, by a time zone, or by years.
fn error(random: &mut Random) -> i64 {
    let size = match random.below(6) {
        0 | 1 => 0,
        2 => random.between(1, 20) * MINUTE,
        3 => random.between(1, 24) * HOUR,
        4 => random.between(1, 12) * DAY,
        _ => random.between(1, 20) * 365 * DAY,
    } as i64;
    if random.percent(50) { size } else { -size }
}
