//! What a telephone network and a customer's finger do to a code, at the size where it hurts: a million
//! phones that hold five codes each.

use std::collections::HashSet;

use jalon::call::{CODE_DIGITS, CallCode};

use crate::support::Random;

const PHONES: u64 = 1_000_000;
/// A wrong digit each: as many as 770 million calls have.
const ERRORS: u64 = 1_000_000;
/// An app with many screens: most have some dozens.
const SCREENS: u64 = 60;
/// Calls of a million in which a digit arrives wrong: one digit in ten thousand, as an exchange may err.
const ERRORS_PER_MILLION: u64 = 1_300;

/// The digits that arrive of a code, with one of the errors that happen.
fn distorted(code: &str, random: &mut Random) -> String {
    let mut digits: Vec<u8> = code.bytes().collect();
    let at = random.below(CODE_DIGITS as u64) as usize;
    match random.below(4) {
        0 => {
            // It arrives twice, and the exchange stops after thirteen.
            digits.insert(at, digits[at]);
            digits.pop();
        }
        1 => {
            // It is lost, and the next thing that is keyed in takes the last place.
            digits.remove(at);
            digits.push(b'0' + random.below(10) as u8);
        }
        2 => digits.swap(at.min(CODE_DIGITS - 2), at.min(CODE_DIGITS - 2) + 1),
        _ => digits[at] = b'0' + random.below(10) as u8,
    }
    String::from_utf8(digits).unwrap()
}

#[test]
fn no_misdialled_code_of_a_million_calls_leads_to_somebody_else() {
    let mut random = Random::new(7);
    // The locators that are leased: even numbers below 10^9.
    let leased: HashSet<u32> =
        (0..5 * PHONES).map(|_| (random.below(500_000_000) * 2) as u32).collect();
    let held: Vec<u32> = leased.iter().copied().take(10_000).collect();
    let (mut passed_the_check, mut would_be_shown, mut shown) = (0, 0, 0);
    for _ in 0..ERRORS {
        let locator = held[random.below(held.len() as u64) as usize];
        let screen = random.below(SCREENS + 1) as u16;
        let code = CallCode::new(locator, screen).unwrap();
        let Ok(arrived) = CallCode::parse(&distorted(&code.to_string(), &mut random)) else {
            continue;
        };
        let other = arrived.locator() & !1;
        passed_the_check += u64::from(arrived != code);
        if other != locator && leased.contains(&other) {
            would_be_shown += 1;
            // The collector's rule: the app has this screen.
            shown += u64::from(u64::from(arrived.screen()) <= SCREENS);
        }
    }
    println!(
        "{passed_the_check} wrong codes passed the check digit, {would_be_shown} led to another \
         phone, {shown} of them with a screen of the app"
    );
    assert!(would_be_shown > 10, "the errors are real");
    // Less than one in ten million calls.
    assert!(shown * ERRORS_PER_MILLION * 10 < ERRORS);
}
