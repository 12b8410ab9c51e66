use super::*;

fn cut_of(event: Event) -> Result<Vec<Cow<'static, str>>, DropReason> {
    event.bounded().map(|entry| match entry {
        Entry::App { cut, .. } => cut,
        other => panic!("{other:?}"),
    })
}

#[test]
fn a_long_text_is_cut_at_a_whole_character_and_named() {
    let screen = format!("{}é", "a".repeat(SCREEN_BYTES_MAX - 1));
    let entry = Event::ScreenView { screen }.bounded().unwrap();
    let Entry::App { event: Event::ScreenView { screen }, cut } = entry else { panic!() };
    assert_eq!(screen, "a".repeat(SCREEN_BYTES_MAX - 1));
    assert_eq!(cut, ["screen"]);
}

#[test]
fn a_blank_name_is_invalid() {
    for event in [
        Event::ScreenView { screen: " \t".into() },
        Event::ProductView { product: Product::default() },
        Event::Failure { code: String::new(), screen: None },
        Event::Custom { name: " ".into(), values: BTreeMap::new() },
        Event::Order { order: Order { id: String::new(), status: String::new(), total: None } },
    ] {
        assert_eq!(cut_of(event), Err(DropReason::Invalid));
    }
}

#[test]
fn a_price_needs_an_iso_currency_and_a_number_must_be_finite() {
    let price = |currency: &str| Event::ProductView {
        product: Product {
            id: "1".into(),
            price: Some(Price { minor: 1, currency: currency.into() }),
            ..Product::default()
        },
    };
    assert_eq!(cut_of(price("EUR")), Ok(vec![]));
    for currency in ["", "eur", "EURO", "€"] {
        assert_eq!(cut_of(price(currency)), Err(DropReason::Invalid), "{currency}");
    }
    let custom = |value| Event::Custom {
        name: "x".into(),
        values: BTreeMap::from([("k".to_owned(), Value::Number(value))]),
    };
    assert_eq!(cut_of(custom(1.5)), Ok(vec![]));
    assert_eq!(cut_of(custom(f64::NAN)), Err(DropReason::Invalid));
}

#[test]
fn a_custom_event_holds_sixteen_values() {
    let custom = |count: usize| Event::Custom {
        name: "x".into(),
        values: (0..count).map(|i| (format!("k{i}"), Value::Flag(true))).collect(),
    };
    assert_eq!(cut_of(custom(16)), Ok(vec![]));
    assert_eq!(cut_of(custom(17)), Err(DropReason::TooLarge));
}
