use super::*;
use crate::event::{Entry, Event, Order, Price, Product, Value};

fn text(entry: &Entry, frame: &Frame<'_>) -> String {
    let mut out = Vec::new();
    write_body(&mut out, entry, frame);
    String::from_utf8(out).unwrap()
}

fn app(event: Event) -> Entry {
    event.bounded().unwrap()
}

const FRAME: Frame<'_> =
    Frame { at_ms: 1_795_281_950_123, session: 17, screen: Some("product/{id}"), previous: None };

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
    let screen = text(&app(Event::ScreenView { screen: "product/{id}".into() }), &FRAME);
    let product = text(
        &app(Event::ProductView { product: galaxy() }),
        &Frame { at_ms: 1_795_281_950_377, ..FRAME },
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
            Frame { previous: Some(("home", 5_120)), ..FRAME },
        ),
        (app(Event::ProductView { product: galaxy() }), FRAME),
        (
            app(Event::Search { query: Some("tente 2\u{a0}places".into()), results: Some(12) }),
            FRAME,
        ),
        (app(Event::Search { query: None, results: None }), Frame { screen: None, ..FRAME }),
        (
            app(Event::CartChange {
                product: Product { id: "1".into(), ..Product::default() },
                delta: -2,
            }),
            FRAME,
        ),
        (
            app(Event::Order {
                order: Order {
                    id: "A-1".into(),
                    status: "placed".into(),
                    total: Some(Price { minor: -5, currency: "JPY".into() }),
                },
            }),
            FRAME,
        ),
        (app(Event::Failure { code: "payment_declined".into(), screen: None }), FRAME),
        (
            app(Event::Custom {
                name: "size".into(),
                values: BTreeMap::from([
                    ("eu".into(), Value::Number(42.5)),
                    ("fits".into(), Value::Flag(true)),
                    ("note".into(), Value::Text("a\"b".into())),
                ]),
            }),
            FRAME,
        ),
        (app(Event::ScreenView { screen: "x".repeat(200) }), FRAME),
        (Entry::Customer { id: Some("c-1".into()), proof: None }, FRAME),
        (Entry::Customer { id: None, proof: None }, FRAME),
        (Entry::Location { latitude: 48.85, longitude: 2.35 }, FRAME),
        (
            Entry::Call {
                token: "AAH-_zAxMjM0NTY3ODlhYg".into(),
                code: Some("4129073852176".into()),
                scope: CallScope::Everything,
                topic: Some("billing".into()),
            },
            FRAME,
        ),
    ];
    let lines: Vec<String> = entries.iter().map(|(entry, frame)| text(entry, frame)).collect();
    assert_eq!(lines.join("\n"), golden.trim_end());
}

#[test]
fn customer_and_call_are_read_back_from_their_bodies() {
    let body = text(&Entry::Customer { id: Some("c".into()), proof: Some("p".into()) }, &FRAME);
    let customer = read_customer(body.as_bytes()).unwrap();
    let at_ms = FRAME.at_ms;
    assert_eq!(customer, Some(Identified { id: "c".into(), proof: Some("p".into()), at_ms }));
    let body = text(&Entry::Customer { id: None, proof: None }, &FRAME);
    assert_eq!(read_customer(body.as_bytes()), Some(None));
    let scope = CallScope::OnlyThisScreen;
    let entry = Entry::Call { token: "t".into(), code: None, scope, topic: None };
    let call = read_call(text(&entry, &FRAME).as_bytes()).unwrap();
    assert_eq!((call.code.as_deref(), call.scope()), (None, scope));
    assert_eq!(call.screen.as_deref(), FRAME.screen);
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
