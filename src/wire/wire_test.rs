use super::*;
use crate::event::{Entry, Event, Order, Price, Product, Value};

fn text(entry: &Entry, stamp: &Stamp<'_>) -> String {
    let mut out = Vec::new();
    write_body(&mut out, entry, stamp);
    String::from_utf8(out).unwrap()
}

fn app(event: Event) -> Entry {
    event.bounded().unwrap()
}

const STAMP: Stamp<'_> =
    Stamp { at_ms: 1_795_281_950_123, session: 17, screen: Some("product/{id}"), previous: None };

fn galaxy() -> Product {
    Product {
        id: "1004856".into(),
        name: Some("Galaxy A10".into()),
        category: Some("electronics.smartphone".into()),
        brand: Some("samsung".into()),
        price: Some(Price { minor: 13_076, currency: "EUR".into() }),
    }
}

#[test]
fn a_batch_is_the_one_of_the_design() {
    let screen = text(&app(Event::ScreenView { screen: "product/{id}".into() }), &STAMP);
    let product = text(
        &app(Event::ProductView { product: galaxy() }),
        &Stamp { at_ms: 1_795_281_950_377, ..STAMP },
    );
    let app = App {
        id: "com.example.shop".into(),
        version: "8.2.0".into(),
        os: "Android 15".into(),
        device: "Pixel 8".into(),
        locale: "fr-FR".into(),
    };
    let header = Header {
        sdk: "jalon-android/0.1.0",
        installation: "8f".repeat(16),
        epoch: 1,
        sent_at_ms: 1_795_281_956_735,
        oldest: 412,
        next: 431,
        dropped: Dropped::default(),
        codes_left: 2,
        codes_version: None,
        codes: None,
        owner: None,
        app: &app,
    };
    let batch = batch(envelope(&header), &[(412, screen.as_bytes()), (413, product.as_bytes())]);
    let golden = include_str!("../../tests/fixtures/wire/batch.json");
    let golden: serde_json::Value = serde_json::from_str(golden).unwrap();
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&batch).unwrap(), golden);
}

#[test]
fn every_type_has_its_fields_and_no_other() {
    let golden = include_str!("../../tests/fixtures/wire/events.jsonl");
    let entries = [
        (
            app(Event::ScreenView { screen: "cart".into() }),
            Stamp { previous: Some(("home", 5_120)), ..STAMP },
        ),
        (app(Event::ProductView { product: galaxy() }), STAMP),
        (
            app(Event::Search { query: Some("tente 2\u{a0}places".into()), results: Some(12) }),
            STAMP,
        ),
        (app(Event::Search { query: None, results: None }), Stamp { screen: None, ..STAMP }),
        (
            app(Event::CartChange {
                product: Product { id: "1".into(), ..Product::default() },
                delta: -2,
            }),
            STAMP,
        ),
        (
            app(Event::Order {
                order: Order {
                    id: "A-1".into(),
                    status: "placed".into(),
                    total: Some(Price { minor: -5, currency: "JPY".into() }),
                },
            }),
            STAMP,
        ),
        (app(Event::Failure { code: "payment_declined".into(), screen: None }), STAMP),
        (
            app(Event::Custom {
                name: "size".into(),
                values: BTreeMap::from([
                    ("eu".into(), Value::Number(42.5)),
                    ("fits".into(), Value::Flag(true)),
                    ("note".into(), Value::Text("a\"b".into())),
                ]),
            }),
            STAMP,
        ),
        (app(Event::ScreenView { screen: "x".repeat(200) }), STAMP),
        (Entry::Customer { id: Some("c-1".into()), proof: None }, STAMP),
        (Entry::Customer { id: None, proof: None }, STAMP),
        (Entry::Location { latitude: 48.85, longitude: 2.35 }, STAMP),
        (
            Entry::Call {
                token: "AAH-_zAxMjM0NTY3ODlhYg".into(),
                code: Some("4129073852176".into()),
                scope: CallScope::Everything,
                topic: Some("billing".into()),
            },
            STAMP,
        ),
    ];
    let lines: Vec<String> = entries.iter().map(|(entry, stamp)| text(entry, stamp)).collect();
    assert_eq!(lines.join("\n"), golden.trim_end());
}

#[test]
fn customer_and_call_are_read_back_from_their_bodies() {
    let body = text(&Entry::Customer { id: Some("c".into()), proof: Some("p".into()) }, &STAMP);
    let customer = read_customer(body.as_bytes()).unwrap();
    let at_ms = STAMP.at_ms;
    assert_eq!(customer, Who::of(Some("c".into()), Some("p".into()), at_ms));
    let body = text(&Entry::Customer { id: None, proof: None }, &STAMP);
    assert_eq!(read_customer(body.as_bytes()), Some(Who::Nobody));
    let scope = CallScope::OnlyThisScreen;
    let entry = Entry::Call { token: "t".into(), code: None, scope, topic: None };
    let call = read_call(text(&entry, &STAMP).as_bytes()).unwrap();
    assert_eq!((call.code.as_deref(), call.scope()), (None, scope));
    assert_eq!(call.screen.as_deref(), STAMP.screen);
    assert_eq!(read_call(b"{}"), None);
}

#[test]
fn only_our_collectors_answer_is_one() {
    assert!(read_answer(br#"{"stored":0}"#).is_some());
    let answer = read_answer(
        br#"{"stored":2,"rejected":[{"seq":413,"reason":"too_large"}],"codes":[{"locator":"412907384","expires_in_s":604800},{"locator":"12","expires_in_s":1},{"locator":"412907385","expires_in_s":1}],"screens":{"product/{id}":17},"new":1}"#,
    )
    .unwrap();
    assert_eq!(answer.rejected[0].seq, 413);
    assert_eq!(answer.leases().collect::<Vec<_>>(), [(412_907_384, 604_800_000)]);
    assert_eq!(answer.screens["product/{id}"], 17);
    for portal in ["", "<html>Welcome to our hotel</html>", "{}", "[]", r#"{"stored":"yes"}"#] {
        assert_eq!(read_answer(portal.as_bytes()), None, "{portal}");
    }
}

#[test]
fn only_our_collectors_problem_document_is_one() {
    assert!(is_problem(br#"{"type":"urn:jalon:problem:erased","title":"x","status":410}"#, 410));
    for stranger in [
        "",
        "<html>Gone</html>",
        r#"{"status":410}"#,
        r#"{"type":"about:blank","status":410}"#,
        r#"{"type":"https://proxy.example/gone","status":410}"#,
        r#"{"type":"urn:jalon:problem:erased"}"#,
        r#"{"type":"urn:jalon:problem:key","status":401}"#,
        r#"{"type":7,"status":410}"#,
    ] {
        assert!(!is_problem(stranger.as_bytes(), 410), "{stranger}");
    }
}
