//! Who a customer is: verified where the app's backend proved it, and nowhere else.

use std::cell::RefCell;
use std::io;
use std::sync::Once;

use jalon_collector::proof::{IdentityKey, KeyAlgorithm, KeyError};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::support::{self, APP, DAY_MS, HOUR_MS, MINUTE_MS, Phone, Site};

const ONE: &[u8] = include_bytes!("../keys/one.private.pem");
const ONE_PUBLIC: &[u8] = include_bytes!("../keys/one.public.pem");
const TWO: &[u8] = include_bytes!("../keys/two.private.pem");
const TWO_PUBLIC: &[u8] = include_bytes!("../keys/two.public.pem");
const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

/// The app's backend. It signs correctly, unless a test changes its claims.
struct Backend {
    header: Header,
    key: EncodingKey,
    claims: Value,
}

impl Backend {
    fn es256(private: &[u8], phone: &Phone) -> Self {
        Self::new(Algorithm::ES256, EncodingKey::from_ec_pem(private).unwrap(), phone)
    }

    fn hs256(secret: &[u8], phone: &Phone) -> Self {
        Self::new(Algorithm::HS256, EncodingKey::from_secret(secret), phone)
    }

    fn new(algorithm: Algorithm, key: EncodingKey, phone: &Phone) -> Self {
        let iat = phone.now() / 1_000;
        let claims = json!({"sub": "ana", "aud": APP, "iat": iat, "exp": iat + 600});
        Self { header: Header::new(algorithm), key, claims }
    }

    fn with(mut self, claims: &Value) -> Self {
        self.claims.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        self
    }

    fn sign(&self) -> String {
        encode(&self.header, &self.claims, &self.key).unwrap()
    }
}

/// A collector that knows the first key of the app's backend.
async fn site() -> Site {
    let site = Site::open().await;
    add(&site, KeyAlgorithm::Es256, ONE_PUBLIC).await;
    site
}

async fn add(site: &Site, algorithm: KeyAlgorithm, file: &[u8]) {
    let key = IdentityKey::read(APP.to_owned(), algorithm, file).unwrap();
    site.collector.add_identity_key(key).await.unwrap();
}

fn identify(phone: &mut Phone, id: &str, proof: &str) -> Value {
    phone.event(json!({"type": "customer", "customer": {"id": id, "proof": proof}}))
}

/// Uploads events, taps, and returns the customer that the agent sees.
async fn shown(site: &Site, phone: &mut Phone, events: &[Value]) -> Value {
    site.batch(&phone.batch(events)).await.ok();
    let (call, token) = phone.tap(None, Some("ana"), &[]);
    site.call(&call).await.ok();
    site.resolve("token", &token, "call").await.ok()["customer"].clone()
}

/// Whether a proof makes `ana` verified.
async fn verifies(site: &Site, phone: &mut Phone, proof: &str) -> bool {
    let event = identify(phone, "ana", proof);
    let customer = shown(site, phone, &[event]).await;
    assert_eq!(customer["id"], "ana", "whatever the proof is worth");
    customer["verified"].as_bool().unwrap()
}

thread_local! {
    static LOGGED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What is logged on this thread, on which each test runs its own collector. There is one
/// subscriber for all threads, since `tracing` caches for the whole process whether a line is
/// enabled.
struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| logged.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn capture() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| tracing_subscriber::fmt().with_writer(|| Log).with_ansi(false).init());
    }

    fn take() -> String {
        String::from_utf8(LOGGED.take()).unwrap()
    }
}

#[tokio::test]
async fn a_proof_of_the_apps_backend_makes_a_customer_verified_and_nothing_else_does() {
    let site = site().await;
    let mut phone = Phone::new(&site);
    let named = phone.customer(Some("ana"));
    assert_eq!(shown(&site, &mut phone, &[named]).await, json!({"id": "ana", "verified": false}));
    let proof = Backend::es256(ONE, &phone).sign();
    assert!(verifies(&site, &mut phone, &proof).await);
    let again = phone.customer(Some("ana"));
    assert_eq!(shown(&site, &mut phone, &[again]).await["verified"], true, "named again");
    let left = [phone.customer(None), phone.customer(Some("ana"))];
    assert_eq!(shown(&site, &mut phone, &left).await["verified"], false, "signed in anew");
}

#[tokio::test]
async fn forged_expired_and_foreign_proofs_say_not_verified_and_the_log_says_why() {
    let site = site().await;
    let mut phone = Phone::new(&site);
    Log::capture();
    let iat = phone.now() / 1_000;
    let good = Backend::es256(ONE, &phone).sign();
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let payload = good.split('.').nth(1).unwrap();
    let with = |claims: Value| Backend::es256(ONE, &phone).with(&claims).sign();
    let mut critical = Backend::es256(ONE, &phone);
    critical.header.crit = Some(vec!["b64".to_owned()]);
    let proofs = [
        ("signed it", Backend::es256(TWO, &phone).sign()),
        ("signed it", format!("{signed}.{}", signature.chars().rev().collect::<String>())),
        // The public key used as a secret: the key decides the algorithm, not the header.
        ("its `alg`", Backend::hs256(ONE_PUBLIC, &phone).sign()),
        ("no JWT", format!("eyJhbGciOiJub25lIn0.{payload}.")),
        ("no JWT", "a.b.c".to_owned()),
        ("no JWT", String::new()),
        ("no JWT", critical.sign()),
        ("no JWT", with(json!({"sub": 7}))),
        ("no JWT", with(json!({"exp": null}))),
        ("`aud`", with(json!({"aud": "com.example.bank"}))),
        ("`aud`", with(json!({"aud": []}))),
        ("`sub`", with(json!({"sub": "eve"}))),
        ("within an hour", with(json!({"exp": iat + 3_601}))),
        ("within an hour", with(json!({"exp": iat}))),
        ("not valid yet", with(json!({"iat": iat + 61, "exp": iat + 600}))),
        ("not valid yet", with(json!({"nbf": iat + 61}))),
        ("had expired", with(json!({"iat": iat - 900, "exp": iat - 60}))),
        ("`nonce`", with(json!({"nonce": "of another phone"}))),
    ];
    for (why, proof) in proofs {
        assert!(!verifies(&site, &mut phone, &proof).await, "{why}: {proof}");
        let said = Log::take();
        assert!(said.contains(why) && said.contains(APP), "{why}: {said}");
        assert!(!said.contains("ana"), "{said}");
        assert!(proof.is_empty() || !said.contains(&proof), "{said}");
    }
    assert!(verifies(&site, &mut phone, &good).await);
    assert_eq!(Log::take(), "");
}

#[tokio::test]
async fn a_proof_is_judged_at_the_moment_of_identify_by_the_collectors_clock() {
    let site = site().await;
    // A phone that is offline for 23 hours, and whose clock is a year behind.
    let mut phone = Phone::new(&site);
    let proof = Backend::es256(ONE, &phone).sign();
    let mut event = identify(&mut phone, "ana", &proof);
    event["at"] = json!(phone.now() - 365 * DAY_MS);
    site.clock.advance(23 * HOUR_MS);
    let mut batch = phone.batch(&[event]);
    batch["sent_at"] = json!(phone.now() - 365 * DAY_MS);
    site.batch(&batch).await.ok();
    let (call, token) = phone.tap(None, Some("ana"), &[]);
    site.call(&call).await.ok();
    assert_eq!(site.resolve("token", &token, "c").await.ok()["customer"]["verified"], true);

    // Longer than a day under way: judged as of a day before its arrival, when it had expired.
    let mut phone = Phone::new(&site);
    let proof = Backend::es256(ONE, &phone).sign();
    let event = identify(&mut phone, "ana", &proof);
    site.clock.advance(DAY_MS + 12 * MINUTE_MS);
    assert_eq!(shown(&site, &mut phone, &[event]).await["verified"], false);

    // Expired before the app named the customer: the clocks may differ by a minute, and no more.
    let mut phone = Phone::new(&site);
    let proof = Backend::es256(ONE, &phone).sign();
    site.clock.advance(11 * MINUTE_MS - 1);
    assert!(verifies(&site, &mut phone, &proof).await);
    site.clock.advance(1);
    assert!(!verifies(&site, &mut Phone::new(&site), &proof).await);
}

#[tokio::test]
async fn a_call_that_overtakes_the_backlog_brings_its_proof_along() {
    let site = site().await;
    let mut phone = Phone::new(&site);
    let proof = Backend::es256(ONE, &phone).sign();
    let identified_at = phone.now();
    let event = identify(&mut phone, "ana", &proof);
    site.clock.advance(2 * HOUR_MS);
    let snapshot = [phone.screen("payment")];
    let (mut call, token) = phone.tap(None, None, &snapshot);
    call["customer"] = json!({"id": "ana", "proof": proof, "at": identified_at});
    site.call(&call).await.ok();
    let customer = site.resolve("token", &token, "c").await.ok()["customer"].clone();
    assert_eq!(customer, json!({"id": "ana", "verified": true}));
    site.batch(&phone.batch(&[event])).await.ok();
    let customer = site.resolve("token", &token, "c").await.ok()["customer"].clone();
    assert_eq!(customer, json!({"id": "ana", "verified": true}));

    // Without the time of `identify`, that of the tap counts.
    let (mut call, token) = phone.tap(None, None, &[]);
    call["customer"] = json!({"id": "ben", "proof": proof});
    site.call(&call).await.ok();
    let customer = site.resolve("token", &token, "c").await.ok()["customer"].clone();
    assert_eq!(customer, json!({"id": "ben", "verified": false}));
}

#[tokio::test]
async fn a_customer_who_was_proven_days_ago_is_still_who_calls() {
    let site = site().await;
    let mut phone = Phone::new(&site);
    let (proof, identified_at) = (Backend::es256(ONE, &phone).sign(), phone.now());
    assert!(verifies(&site, &mut phone, &proof).await);
    // The call repeats the proof, which expired long ago.
    site.clock.advance(3 * DAY_MS);
    let (mut call, token) = phone.tap(None, None, &[]);
    call["customer"] = json!({"id": "ana", "proof": proof, "at": identified_at});
    site.call(&call).await.ok();
    assert_eq!(site.resolve("token", &token, "c").await.ok()["customer"]["verified"], true);
    // But it does not verify a customer who was not verified then.
    let mut other = Phone::new(&site);
    let (mut call, token) = other.tap(None, None, &[]);
    call["customer"] = json!({"id": "ana", "proof": proof, "at": identified_at});
    site.call(&call).await.ok();
    assert_eq!(site.resolve("token", &token, "c").await.ok()["customer"]["verified"], false);
}

#[tokio::test]
async fn a_code_alone_verifies_nobody() {
    let site = site().await;
    let mut phone = Phone::new(&site);
    let proof = Backend::es256(ONE, &phone).sign();
    let event = identify(&mut phone, "ana", &proof);
    let code = support::code(support::lease(&site, &mut phone, &[event]).await, 0);
    let context = site.resolve("code", &code, "c").await.ok();
    assert_eq!(context["customer"], json!({"id": "ana", "verified": false}));
    // Once the app's own record is here, it does.
    let (call, _) = phone.tap(Some(&code), Some("ana"), &[]);
    site.call(&call).await.ok();
    assert_eq!(site.resolve("code", &code, "c").await.ok()["customer"]["verified"], true);
}

#[tokio::test]
async fn the_nonce_of_a_proof_ties_it_to_one_installation() {
    let site = site().await;
    let (mut phone, mut thief) = (Phone::new(&site), Phone::new(&site));
    let bits = u128::from_str_radix(&phone.installation, 16).unwrap().to_be_bytes();
    let nonce = jalon::proof::nonce(&bits);
    let proof = Backend::es256(ONE, &phone).with(&json!({"nonce": nonce})).sign();
    assert!(verifies(&site, &mut phone, &proof).await);
    assert!(!verifies(&site, &mut thief, &proof).await);
}

#[tokio::test]
async fn one_key_follows_the_other_without_a_gap() {
    let site = site().await;
    add(&site, KeyAlgorithm::Es256, TWO_PUBLIC).await;
    add(&site, KeyAlgorithm::Hs256, SECRET).await;
    let mut phone = Phone::new(&site);
    let proofs = [
        Backend::es256(ONE, &phone).sign(),
        Backend::es256(TWO, &phone).sign(),
        Backend::hs256(SECRET, &phone).with(&json!({"aud": ["other", APP]})).sign(),
    ];
    for proof in &proofs {
        assert!(verifies(&site, &mut Phone::new(&site), proof).await);
    }
    let keys = site.collector.identity_keys(Some(APP)).await.unwrap();
    let first = keys.iter().find(|(key, _)| key.material == ONE_PUBLIC).unwrap().0.id();
    assert!(site.collector.remove_identity_key(APP, &first).await.unwrap());
    assert!(!site.collector.remove_identity_key(APP, &first).await.unwrap());
    assert!(!verifies(&site, &mut phone, &proofs[0]).await);
    assert!(verifies(&site, &mut phone, &proofs[1]).await);
    // The same key under another app verifies nothing here.
    let theirs = IdentityKey::read("other".to_owned(), KeyAlgorithm::Es256, ONE_PUBLIC).unwrap();
    site.collector.add_identity_key(theirs).await.unwrap();
    assert!(!verifies(&site, &mut Phone::new(&site), &proofs[0]).await);
}

#[tokio::test]
async fn an_app_has_a_bounded_number_of_keys_and_each_must_be_of_use() {
    let site = Site::open().await;
    let secret = |n: usize| [SECRET, n.to_string().as_bytes()].concat();
    for n in 0..8 {
        add(&site, KeyAlgorithm::Hs256, &secret(n)).await;
        add(&site, KeyAlgorithm::Hs256, &secret(n)).await;
    }
    let ninth = IdentityKey::read(APP.to_owned(), KeyAlgorithm::Hs256, &secret(8)).unwrap();
    let error = site.collector.add_identity_key(ninth).await.unwrap_err();
    assert!(error.to_string().contains("remove one first"), "{error}");

    let read = |algorithm, file: &[u8]| IdentityKey::read(APP.to_owned(), algorithm, file);
    let with_break = [SECRET, b"\r\n"].concat();
    let key = read(KeyAlgorithm::Hs256, &with_break).unwrap();
    assert_eq!(key.material, SECRET, "a line break at the end is none of it");
    let short = read(KeyAlgorithm::Hs256, &SECRET[1..]).unwrap_err();
    assert!(matches!(short, KeyError::Short));
    let pem = read(KeyAlgorithm::Hs256, ONE_PUBLIC).unwrap_err();
    assert!(matches!(pem, KeyError::NotASecret), "everybody may know it");
    for file in [ONE, include_bytes!("../keys/p384.public.pem"), SECRET, b""] {
        let error = read(KeyAlgorithm::Es256, file).unwrap_err();
        assert!(matches!(error, KeyError::NotEs256), "{error}");
    }
    assert!(!format!("{key:?}").contains("0123"));
}

#[tokio::test]
async fn a_proof_of_a_megabyte_gets_a_clear_answer_and_many_proofs_cost_little() {
    let site = site().await;
    let mut phone = Phone::new(&site);
    let huge = "x".repeat(1_000_000);
    let event = identify(&mut phone, "ana", &huge);
    let seq = event["seq"].clone();
    let answer = site.batch(&phone.batch(&[event])).await.ok();
    assert_eq!(answer["rejected"], json!([{"seq": seq, "reason": "too_large"}]));
    let (mut call, _) = phone.tap(None, None, &[]);
    call["customer"] = json!({"id": "ana", "proof": huge});
    site.call(&call).await.is_problem(422, "invalid");
    call["customer"]["proof"] = json!("x".repeat(2_000_000));
    site.call(&call).await.is_problem(413, "too-large");

    // 500 in one upload: the newest are checked.
    let proof = Backend::es256(ONE, &phone).sign();
    let mut events: Vec<Value> = (0..499).map(|_| identify(&mut phone, "eve", "a.b.c")).collect();
    events.push(identify(&mut phone, "ana", &proof));
    assert_eq!(shown(&site, &mut phone, &events).await, json!({"id": "ana", "verified": true}));
    let page = site.get("/metrics", None).await.text();
    assert!(page.contains(r#"proofs_total{outcome="accepted"} 1"#), "{page}");
    assert!(page.contains(r#"proofs_total{outcome="refused"} 499"#), "{page}");
}
