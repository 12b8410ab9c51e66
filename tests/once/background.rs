//! What an agent reads about a screen counts the time in front alone.

use serde_json::Value;

use crate::support::Phone;

/// The screen views at the collector: the screen, the one before, and how long that was shown.
fn views(phone: &Phone) -> Vec<(String, Option<String>, Option<u64>)> {
    phone.upload_all();
    phone.collector(|collector| {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let view = |event: &&Value| {
            (text(&event["screen"]).unwrap(), text(&event["previous"]), event["dwell_ms"].as_u64())
        };
        collector
            .journey(1)
            .iter()
            .filter(|event| event["type"] == "screen_view")
            .map(view)
            .collect()
    })
}

#[test]
fn the_night_in_a_pocket_is_no_time_on_a_screen_and_on_return_the_screen_is_named() {
    let phone = Phone::running();
    phone.views(["checkout"]);
    phone.clock.advance(60_000);
    phone.journey().set_foreground(false);
    phone.clock.advance(9 * 3_600_000);
    phone.journey().set_foreground(true);
    phone.clock.advance(5_000);
    phone.views(["cart"]);
    let checkout = || "checkout".to_owned();
    assert_eq!(
        views(&phone),
        [
            (checkout(), None, None),
            (checkout(), Some(checkout()), Some(60_000)),
            ("cart".to_owned(), Some(checkout()), Some(5_000)),
        ]
    );
}

#[test]
fn without_a_screen_or_a_change_nothing_is_recorded() {
    let phone = Phone::running();
    phone.journey().set_foreground(false);
    phone.journey().set_foreground(true);
    phone.views(["home"]);
    phone.journey().set_foreground(true);
    phone.journey().set_foreground(false);
    phone.journey().set_foreground(false);
    assert_eq!(views(&phone), [("home".to_owned(), None, None)]);
}

#[test]
fn a_screen_that_is_recorded_as_the_app_comes_back_is_not_recorded_twice() {
    let phone = Phone::running();
    phone.views(["home"]);
    phone.journey().set_foreground(false);
    phone.clock.advance(3_600_000);
    phone.views(["message"]);
    phone.journey().set_foreground(true);
    phone.clock.advance(2_000);
    phone.journey().set_foreground(false);
    phone.clock.advance(3_600_000);
    phone.journey().set_foreground(true);
    let dwells: Vec<Option<u64>> = views(&phone).into_iter().map(|(_, _, dwell)| dwell).collect();
    // Home, the message, and the message again at the second return.
    assert_eq!(dwells, [None, Some(0), Some(2_000)]);
}
