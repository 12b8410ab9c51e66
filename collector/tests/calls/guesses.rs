//! Guessing codes: however many guess, each caller is held to the stated rate, and no real caller
//! is held up.
//!
//! A caller who has been quiet has five misses at once and then one every twelve minutes, so
//! 5 + 5 n of them in n hours; a key whose look-ups name no caller has 600 + 600 n. The guesses
//! have valid check digits (others reveal nothing and count nothing) and are drawn evenly from a
//! fixed seed. Against 500,000 live leases one guess in a thousand hits, since a lease answers to
//! two of the thousand million locators; only guesses within the rate can.

use std::collections::{HashMap, HashSet};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use fastrand::Rng;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream;
use jalon::call::LOCATOR_END;
use jalon::clock::Clock as _;
use jalon_collector::KeyKind;
use jalon_collector::limits::LEASE_HONOURED_MS;
use jalon_collector::secret::Secret;
use rusqlite::params;
use serde_json::json;
use tower::ServiceExt as _;

use crate::support::{
    APP, Answer, FakeClock, MINUTE_MS, Phone, START_MS, Site, code, lease, token,
};

const SEED: u64 = 1;
const LEASES: usize = 500_000;
/// Each with the twenty leases that a phone may hold.
const PHONES: usize = LEASES / 20;
const CALLERS: usize = 1_000;
const MINUTES: usize = 250;
/// 100,000 guesses in all.
const GUESSES_A_MINUTE: usize = 400;

async fn look_up(
    site: &Site,
    key: &str,
    code: &str,
    call_id: &str,
    caller: Option<&str>,
) -> Answer {
    let request = json!({"code": code, "call_id": call_id, "caller": caller});
    site.post("/v1/contexts/resolve", key, &request).await
}

fn guess(dice: &mut Rng) -> String {
    // Without a screen: any screen that the app does not have misses.
    code(dice.u32(0..LOCATOR_END), 0)
}

/// The same code with another check digit.
fn mistyped(code: &str) -> String {
    let (digits, check) = code.split_at(code.len() - 1);
    format!("{digits}{}", (check.parse::<u8>().unwrap() + 1) % 10)
}

/// How one guesser's look-ups were answered.
#[derive(Default)]
struct Tally {
    missed_at: Vec<i64>,
    hits: u64,
    throttled: u64,
}

impl Tally {
    fn note(&mut self, answer: &Answer, at: i64) {
        match answer.status {
            StatusCode::NOT_FOUND => self.missed_at.push(at),
            StatusCode::OK => self.hits += 1,
            _ => {
                answer.is_problem(429, "throttled");
                let seconds: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
                assert!((1..=720).contains(&seconds), "{seconds}");
                self.throttled += 1;
            }
        }
    }

    /// Asserts that no span of time had more misses than the burst and what grew back in that time.
    fn is_held_to(&self, burst: i64, one_ms: i64) {
        for (first, from) in self.missed_at.iter().enumerate() {
            for (last, to) in self.missed_at.iter().enumerate().skip(first) {
                let count = (last - first + 1) as i64;
                assert!(count <= burst + (to - from) / one_ms, "{count} in {} ms", to - from);
            }
        }
    }
}

/// Asserts that the number of hits is as expected, within four standard deviations.
fn hits_are_as_expected(answered: u64, hits: u64, live: i64) {
    let expected = answered as f64 * live as f64 * 2.0 / f64::from(LOCATOR_END);
    let off = (hits as f64 - expected).abs();
    assert!(off <= 4.0 * expected.sqrt(), "{hits} of {answered} hit; {expected} expected");
}

/// Gives out the leases: a quarter by real uploads of every phone. The others, fifteen per phone,
/// are written into the store as an upload would, since 100,000 uploads take half a minute in a
/// debug build.
async fn give_out_leases(site: &Site, dice: &mut Rng) {
    let phones: Vec<Phone> =
        (0..PHONES).map(|_| Phone { codes_left: 0, ..Phone::new(site) }).collect();
    let uploads = phones.iter().map(async |phone| {
        let answer = site.batch(&phone.batch(&[])).await.ok();
        assert_eq!(answer["codes"].as_array().unwrap().len(), 5);
    });
    stream::iter(uploads).buffer_unordered(200).collect::<()>().await;

    let secret = Secret::read(site.folder.path()).unwrap();
    let mut drawn = HashSet::new();
    while drawn.len() < LEASES - 5 * PHONES {
        drawn.insert(dice.u32(0..LOCATOR_END / 2) * 2);
    }
    let hash = |locator: u32| secret.hash("locator", &locator.to_be_bytes());
    let mut hashes: Vec<_> = drawn.into_iter().map(hash).collect();
    hashes.sort_unstable();
    let path = site.folder.path().join("collector.db");
    let mut store = rusqlite::Connection::open(path).unwrap();
    let transaction = store.transaction().unwrap();
    let mut insert = transaction
        .prepare(
            "INSERT OR IGNORE INTO leases (locator, installation, epoch, seq, ends_at)
             VALUES (?1, ?2, 1, 0, ?3)",
        )
        .unwrap();
    for (n, hash) in hashes.iter().enumerate() {
        let ends_at = START_MS + LEASE_HONOURED_MS;
        insert.execute(params![hash, (n % PHONES + 1) as i64, ends_at]).unwrap();
    }
    drop(insert);
    transaction.commit().unwrap();
}

/// A real customer with a leased code, who is going to call.
struct Real {
    phone: Phone,
    customer: String,
    caller: String,
    code: String,
}

impl Real {
    async fn new(site: &Site, n: usize) -> Self {
        let (customer, caller) = (format!("real-{n}"), format!("+339{n:08}"));
        let mut phone = Phone::new(site);
        let events = [phone.customer(Some(&customer)), phone.product("1")];
        let code = code(lease(site, &mut phone, &events).await, 0);
        Self { phone, customer, caller, code }
    }

    /// Calls, with or without the record, sometimes after a mistyped code or by the token, and is
    /// recognised at the first valid attempt.
    async fn calls(mut self, site: &Site, key: &str, n: usize) {
        let call_id = format!("call of {}", self.customer);
        let mut handle = ("code", self.code.clone());
        let recorded = !n.is_multiple_of(3);
        if recorded {
            let (call, token) = self.phone.tap(Some(&self.code), Some(&self.customer), &[]);
            site.call(&call).await.ok();
            if n % 3 == 1 {
                handle = ("token", token);
            }
        }
        if n.is_multiple_of(5) {
            let slip = mistyped(&self.code);
            let answer = look_up(site, key, &slip, &call_id, Some(&self.caller)).await;
            answer.is_problem(422, "invalid");
        }
        let ask = json!({handle.0: handle.1, "call_id": call_id, "caller": self.caller});
        let view = site.post("/v1/contexts/resolve", key, &ask).await.ok();
        assert_eq!(view["customer"]["id"], self.customer);
        assert_eq!(view["call"]["confirmed"], recorded);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_guesses_are_held_to_the_rate_and_real_callers_go_unharmed() {
    let site = Site::open_on(tempfile::tempdir().unwrap(), FakeClock::seeded(SEED)).await;
    let mut dice = Rng::with_seed(SEED);
    give_out_leases(&site, &mut dice).await;
    let mut real = Vec::new();
    for n in 0..MINUTES + 60 {
        real.push(Real::new(&site, n).await);
    }
    let live = site.count("SELECT count(*) FROM leases");
    assert!(live >= LEASES as i64, "{live}");
    let unnamed = real.split_off(MINUTES);

    by_many_callers(&site, &mut dice, real, live).await;
    by_one_key_without_callers(&site, &mut dice, unnamed, live).await;
}

async fn by_many_callers(site: &Site, dice: &mut Rng, real: Vec<Real>, live: i64) {
    let key = &site.centre;
    let mut tallies: HashMap<String, Tally> = HashMap::new();
    let mut real = real.into_iter().enumerate().peekable();
    while let Some((minute, calling)) = real.next() {
        let guesses: Vec<_> = (0..GUESSES_A_MINUTE)
            .map(|_| (format!("+336{:08}", dice.usize(0..CALLERS)), guess(dice)))
            .collect();
        // All in flight at once, among them one real caller.
        let asked = guesses.iter().map(async |(caller, code)| {
            look_up(site, key, code, &format!("{caller} in {minute}"), Some(caller)).await
        });
        let (answers, ()) = tokio::join!(join_all(asked), calling.calls(site, key, minute));
        for ((caller, _), answer) in guesses.iter().zip(&answers) {
            tallies.entry(caller.clone()).or_default().note(answer, site.clock.now().wall_ms);
        }
        let over = guesses.iter().zip(&answers).find(|((caller, _), answer)| {
            answer.status == StatusCode::TOO_MANY_REQUESTS && tallies[caller].hits == 0
        });
        if let (Some(((caller, _), answer)), Some((_, next))) = (over, real.peek()) {
            still_answered(site, caller).await;
            // A throttled answer reveals nothing about the code: a live one gets the same.
            let call_id = format!("{caller} in {minute}");
            let alike = look_up(site, key, &next.code, &call_id, Some(caller)).await;
            assert_eq!(alike.body, answer.body);
            assert_eq!(alike.headers["retry-after"], answer.headers["retry-after"]);
        }
        site.clock.advance(MINUTE_MS);
    }
    let tallies: Vec<Tally> = tallies.into_values().collect();
    let misses: usize = tallies.iter().map(|tally| tally.missed_at.len()).sum();
    let hits: u64 = tallies.iter().map(|tally| tally.hits).sum();
    let throttled: u64 = tallies.iter().map(|tally| tally.throttled).sum();
    assert_eq!(misses as u64 + hits + throttled, (MINUTES * GUESSES_A_MINUTE) as u64);
    let hours = MINUTES as i64 / 60 + 1;
    for tally in &tallies {
        tally.is_held_to(5, 12 * MINUTE_MS);
        assert!(tally.missed_at.len() as i64 <= 5 + 5 * hours);
        assert!(tally.missed_at.len() >= 5, "and is not held to less");
    }
    hits_are_as_expected(misses as u64 + hits, hits, live);
    eprintln!("{misses} missed, {hits} hit, {throttled} held back");
}

/// A caller over the rate still learns of a mistyped code, and may still look up tokens.
async fn still_answered(site: &Site, caller: &str) {
    let slip = mistyped(&code(123_456_788, 0));
    look_up(site, &site.centre, &slip, "c", Some(caller)).await.is_problem(422, "invalid");
    let ask = json!({"token": token(), "call_id": "c", "caller": caller});
    site.post("/v1/contexts/resolve", &site.centre, &ask).await.is_problem(404, "no-context");
}

/// Look-ups that name no caller are held to the key's rate; those that do name one, and other keys,
/// are not held up by them.
async fn by_one_key_without_callers(site: &Site, dice: &mut Rng, real: Vec<Real>, live: i64) {
    let key = site.collector.create_key(KeyKind::ContactCentre, APP).await.unwrap();
    let mut tally = Tally::default();
    for (minute, calling) in real.into_iter().enumerate() {
        let guesses: Vec<_> = (0..100).map(|_| guess(dice)).collect();
        let asked = guesses.iter().map(async |code| {
            look_up(site, &key, code, &format!("unnamed in {minute}"), None).await
        });
        let called = async {
            if minute.is_multiple_of(2) {
                return calling.calls(site, &key, minute).await;
            }
            let answer = look_up(site, &site.centre, &calling.code, "call", None).await;
            assert_eq!(answer.ok()["customer"]["id"], calling.customer);
        };
        let (answers, ()) = tokio::join!(join_all(asked), called);
        for answer in &answers {
            tally.note(answer, site.clock.now().wall_ms);
        }
        site.clock.advance(MINUTE_MS);
    }
    tally.is_held_to(600, MINUTE_MS / 10);
    let misses = tally.missed_at.len() as u64;
    assert!((1_190..=1_200).contains(&misses), "{misses} in an hour: 600 at once, 600 grown back");
    hits_are_as_expected(misses + tally.hits, tally.hits, live);
}

/// Counts the statuses of look-ups that are all in flight at once, by one caller.
async fn at_once(site: &Site, codes: Vec<String>) -> HashMap<StatusCode, usize> {
    let asked: Vec<_> = codes
        .into_iter()
        .map(|code| {
            let ask = json!({"code": code, "call_id": "call", "caller": "+336"});
            let request = Request::post("/v1/contexts/resolve")
                .header("authorization", format!("Bearer {}", site.centre))
                .body(Body::from(ask.to_string()))
                .unwrap();
            tokio::spawn(site.collector.router().oneshot(request))
        })
        .collect();
    let mut counts = HashMap::new();
    for answer in asked {
        *counts.entry(answer.await.unwrap().unwrap().status()).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_guesses_at_once_do_not_get_past_the_rate() {
    let site = Site::open().await;
    let mut dice = Rng::with_seed(SEED);
    let counts = at_once(&site, (0..1_000).map(|_| guess(&mut dice)).collect()).await;
    assert_eq!(counts[&StatusCode::NOT_FOUND], 5);
    assert_eq!(counts[&StatusCode::TOO_MANY_REQUESTS], 995);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_among_look_ups_that_hit_do_not_get_past_it_either() {
    let site = Site::open().await;
    let mut dice = Rng::with_seed(SEED);
    let mut phone = Phone::new(&site);
    let known = code(lease(&site, &mut phone, &[]).await, 0);
    // Each hit returns the attempt it took, while guesses are in flight.
    let codes = (0..500).flat_map(|_| [known.clone(), guess(&mut dice)]).collect();
    let counts = at_once(&site, codes).await;
    assert!(counts[&StatusCode::NOT_FOUND] <= 5, "{counts:?}");
    assert_eq!(counts.values().sum::<usize>(), 1_000);
}

#[tokio::test]
async fn mistyped_codes_use_up_no_attempt_and_reveal_nothing() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let known = code(lease(&site, &mut phone, &[]).await, 0);
    let unknown = code(123_456_788, 0);
    let mut told = HashSet::new();
    for _ in 0..50 {
        for code in [&known, &unknown] {
            let slip = mistyped(code);
            let answer = look_up(&site, &site.centre, &slip, "call", Some("+336")).await;
            answer.is_problem(422, "invalid");
            told.insert((format!("{:?}", answer.headers), answer.body));
        }
    }
    assert_eq!(told.len(), 1);
    look_up(&site, &site.centre, &known, "call", Some("+336")).await.ok();
    for _ in 0..5 {
        let answer = look_up(&site, &site.centre, &unknown, "call", Some("+336")).await;
        answer.is_problem(404, "no-context");
    }
    let over = look_up(&site, &site.centre, &unknown, "call", Some("+336")).await;
    over.is_problem(429, "throttled");
}
