//! Puts times, durations, codes and names into words for an agent.
//!
//! `desk.js` says "4 min ago" by the same rule as [`Moment`], so that an open page stays correct.

use jiff::Timestamp;

use crate::view::{LocationView, ProductView};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A point in time, as the page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    /// RFC 3339 in UTC, for `<time datetime>`; the year 1970 when the number is not a valid date.
    pub(crate) iso: String,
    /// How long ago: "4 min ago".
    pub(crate) ago: String,
    /// Hour and minute in UTC, until the script shows them in the agent's time zone.
    pub(crate) clock: String,
}

impl Moment {
    pub(crate) fn new(at_ms: i64, now_ms: i64) -> Self {
        let at = Timestamp::from_millisecond(at_ms).unwrap_or_default();
        Self { iso: at.to_string(), ago: ago(now_ms.saturating_sub(at_ms)), clock: clock(at_ms) }
    }
}

/// How long ago, coarsely. A time in the future (clocks differ) is "just now" as well.
fn ago(elapsed_ms: i64) -> String {
    match elapsed_ms {
        ..MINUTE_MS => "just now".to_owned(),
        MINUTE_MS..HOUR_MS => format!("{}\u{a0}min ago", elapsed_ms / MINUTE_MS),
        HOUR_MS..DAY_MS => format!("{}\u{a0}h ago", elapsed_ms / HOUR_MS),
        DAY_MS.. => format!("{} ago", count(elapsed_ms / DAY_MS, "day")),
    }
}

fn clock(at_ms: i64) -> String {
    let minute = at_ms.rem_euclid(DAY_MS) / MINUTE_MS;
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// A duration in its two largest units: "2 min 10 s". `None` below a second.
pub(crate) fn dwell(ms: u64) -> Option<String> {
    let s = ms / 1000;
    let (days, h, min, rest) = (s / 86_400, s / 3600 % 24, s / 60 % 60, s % 60);
    let parts: Vec<String> = [(days, "d"), (h, "h"), (min, "min"), (rest, "s")]
        .into_iter()
        .skip_while(|(n, _)| *n == 0)
        .take(2)
        .filter(|(n, _)| *n > 0)
        .map(|(n, unit)| format!("{n}\u{a0}{unit}"))
        .collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// "1 step", "3 steps".
pub(crate) fn count(n: impl Into<i128>, noun: &str) -> String {
    let n = n.into();
    format!("{n}\u{a0}{noun}{}", if n == 1 { "" } else { "s" })
}

/// A code as words, if it is made of words: "card_declined" reads "Card declined", "E1042" stays as it
/// is.
pub fn plain(code: &str) -> String {
    let code = code.trim();
    let wordy = code.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' '))
        && code.chars().any(char::is_alphabetic)
        && !code.chars().any(char::is_uppercase)
        && !code.chars().any(|c| c.is_ascii_digit());
    let shouted = code.contains('_') && code.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    if !wordy && !shouted {
        return code.to_owned();
    }
    let lower = code.to_lowercase().replace(['_', '-', '.'], " ");
    let mut chars = lower.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A category as a path: "electronics › smartphone".
pub(crate) fn category(raw: &str) -> String {
    let levels: Vec<String> = raw
        .split(['.', '/', '>', '›'])
        .map(|level| level.replace('_', " ").trim().to_owned())
        .filter(|level| !level.is_empty())
        .collect();
    levels.join(" › ")
}

/// The name of a product: its own; else its brand and kind; else its id.
pub(crate) fn product(product: &ProductView) -> String {
    if let Some(name) = non_blank(product.name.as_deref()) {
        return name.to_owned();
    }
    let kind = product.category.as_deref().map(category).unwrap_or_default();
    let kind = kind.rsplit(" › ").next().unwrap_or_default().to_owned();
    match (non_blank(product.brand.as_deref()), kind.as_str()) {
        (None, "") => format!("Product {}", product.id),
        (Some(brand), "") => format!("{} {}", upper_first(brand), product.id),
        (Some(brand), kind) => format!("{} {kind}", upper_first(brand)),
        (None, kind) => format!("{} {}", upper_first(kind), product.id),
    }
}

/// A coarse position: "48.86° N, 2.35° E".
pub(crate) fn place(location: &LocationView) -> String {
    let side = |degrees: f64, positive, negative| {
        // Rounded first, so that -0.001 is not "0.00° S".
        let hundredths = (degrees * 100.0).round();
        let side = if hundredths < 0.0 { negative } else { positive };
        format!("{:.2}°\u{a0}{side}", (hundredths / 100.0).abs())
    };
    format!("{}, {}", side(location.latitude, 'N', 'S'), side(location.longitude, 'E', 'W'))
}

/// The text, unless it is missing or blank.
pub(crate) fn non_blank(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

fn upper_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spaced(text: &str) -> String {
        text.replace('\u{a0}', " ")
    }

    #[test]
    fn says_how_long_ago_as_the_script_does() {
        let said = |ms| spaced(&ago(ms));
        assert_eq!(said(-5_000), "just now");
        assert_eq!(said(59_999), "just now");
        assert_eq!(said(60_000), "1 min ago");
        assert_eq!(said(26 * MINUTE_MS + 59_000), "26 min ago");
        assert_eq!(said(HOUR_MS), "1 h ago");
        assert_eq!(said(DAY_MS), "1 day ago");
        assert_eq!(said(i64::MAX), "106751991167 days ago");
    }

    #[test]
    fn says_a_dwell_in_its_two_largest_units() {
        let said = |ms| dwell(ms).map_or_else(String::new, |dwell| spaced(&dwell));
        assert_eq!(said(999), "");
        assert_eq!(said(45_000), "45 s");
        assert_eq!(said(130_000), "2 min 10 s");
        assert_eq!(said(120_000), "2 min");
        assert_eq!(said(3_605_000), "1 h");
        assert_eq!(said(3_900_000), "1 h 5 min");
        assert_eq!(said(90_061_000), "1 d 1 h");
    }

    #[test]
    fn a_time_that_is_no_date_still_renders() {
        assert_eq!(Moment::new(i64::MAX, 0).iso, "1970-01-01T00:00:00Z");
        assert_eq!(Moment::new(i64::MIN, i64::MAX).clock, "16:47");
    }

    #[test]
    fn makes_words_of_codes_that_are_made_of_words() {
        assert_eq!(plain("card_declined"), "Card declined");
        assert_eq!(plain("AWAITING_PAYMENT"), "Awaiting payment");
        assert_eq!(plain("payment.refused"), "Payment refused");
        assert_eq!(plain("Shipped, arrives Monday"), "Shipped, arrives Monday");
        assert_eq!(plain("E1042"), "E1042");
        assert_eq!(plain("http-500"), "http-500");
        assert_eq!(plain(" "), "");
        assert_eq!(plain("échec_de_paiement"), "Échec de paiement");
    }

    #[test]
    fn writes_a_category_as_a_path() {
        assert_eq!(category("electronics.smartphone"), "electronics › smartphone");
        assert_eq!(
            category("appliances.environment.water_heater"),
            "appliances › environment › water heater"
        );
        assert_eq!(category("a / b > c"), "a › b › c");
        assert_eq!(category("..."), "");
    }

    #[test]
    fn names_a_product_by_what_is_known_of_it() {
        let mut phone = ProductView {
            id: "1004856".to_owned(),
            name: None,
            category: Some("electronics.smartphone".to_owned()),
            brand: Some("samsung".to_owned()),
            price: None,
        };
        assert_eq!(product(&phone), "Samsung smartphone");
        phone.category = Some(String::new());
        assert_eq!(product(&phone), "Samsung 1004856");
        phone.brand = Some(" ".to_owned());
        assert_eq!(product(&phone), "Product 1004856");
        phone.name = Some("Galaxy A10".to_owned());
        assert_eq!(product(&phone), "Galaxy A10");
    }

    #[test]
    fn names_the_side_of_the_globe() {
        let at = |latitude, longitude| spaced(&place(&LocationView { latitude, longitude, at: 0 }));
        assert_eq!(at(48.86, 2.35), "48.86° N, 2.35° E");
        assert_eq!(at(-33.87, -0.001), "33.87° S, 0.00° E");
    }
}
