//! Amounts of money as an agent reads them aloud: "1,081.98 USD".
//!
//! With the currency's code, since "$" is twenty currencies. No conversion, no locale.

use crate::view::Price;

/// ISO 4217 currencies whose minor unit is not a hundredth (list one, amendment 177 of 2025).
const NO_DECIMALS: [&str; 17] = [
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND",
    "VUV", "XAF", "XOF", "XPF",
];
const THREE_DECIMALS: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];
const FOUR_DECIMALS: [&str; 2] = ["CLF", "UYW"];

/// Writes a price with its currency's decimals, separated thousands, and the code after a no-break space:
/// "1,081.98 EUR". A currency that ISO 4217 does not list has two decimals.
pub fn amount(price: &Price) -> String {
    let code = price.currency.trim().to_uppercase();
    let decimals = decimals(&code);
    let scale = 10_u64.pow(decimals);
    let minor = price.minor.unsigned_abs();
    let sign = if price.minor < 0 { "\u{2212}" } else { "" };
    let whole = thousands(minor / scale);
    let fraction = match decimals {
        0 => String::new(),
        wide => format!(".{:0wide$}", minor % scale, wide = wide as usize),
    };
    format!("{sign}{whole}{fraction}\u{a0}{code}").trim_end().to_owned()
}

fn decimals(code: &str) -> u32 {
    if NO_DECIMALS.contains(&code) {
        0
    } else if THREE_DECIMALS.contains(&code) {
        3
    } else if FOUR_DECIMALS.contains(&code) {
        4
    } else {
        2
    }
}

fn thousands(whole: u64) -> String {
    let digits = whole.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(minor: i64, currency: &str) -> String {
        amount(&Price { minor, currency: currency.to_owned() }).replace('\u{a0}', " ")
    }

    #[test]
    fn gives_each_currency_its_own_decimals() {
        assert_eq!(written(13_076, "EUR"), "130.76 EUR");
        assert_eq!(written(13_076, "JPY"), "13,076 JPY");
        assert_eq!(written(13_076, "KWD"), "13.076 KWD");
        assert_eq!(written(13_076, "CLF"), "1.3076 CLF");
        assert_eq!(written(5, "usd"), "0.05 USD");
        assert_eq!(written(0, "EUR"), "0.00 EUR");
    }

    #[test]
    fn sets_thousands_apart_and_keeps_the_sign() {
        assert_eq!(written(10_819_800, "USD"), "108,198.00 USD");
        assert_eq!(written(-99_999, "EUR"), "\u{2212}999.99 EUR");
        assert_eq!(written(i64::MIN, "JPY"), "\u{2212}9,223,372,036,854,775,808 JPY");
    }

    #[test]
    fn writes_a_currency_it_does_not_know_with_two_decimals() {
        assert_eq!(written(1_250, "XYZ"), "12.50 XYZ");
        assert_eq!(written(1_250, ""), "12.50");
    }
}
