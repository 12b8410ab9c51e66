//! Reads a phone number as people type and paste it. Pure.
//!
//! A wrong number is worse than none: whatever may mean two numbers is refused.

/// Digits of a phone number: E.164 allows 15, and the shortest, such as 112, have three.
const DIGITS: std::ops::RangeInclusive<usize> = 3..=15;

/// The zeros of the scripts that write numbers in tens (Unicode's decimal digits, without the
/// scripts beyond the basic plane): nine more digits follow each.
const ZEROS: [char; 37] = [
    '0', '\u{660}', '\u{6f0}', '\u{7c0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{b66}',
    '\u{be6}', '\u{c66}', '\u{ce6}', '\u{d66}', '\u{de6}', '\u{e50}', '\u{ed0}', '\u{f20}',
    '\u{1040}', '\u{1090}', '\u{17e0}', '\u{1810}', '\u{1946}', '\u{19d0}', '\u{1a80}', '\u{1a90}',
    '\u{1b50}', '\u{1bb0}', '\u{1c40}', '\u{1c50}', '\u{a620}', '\u{a8d0}', '\u{a900}', '\u{a9d0}',
    '\u{a9f0}', '\u{aa50}', '\u{abf0}', '\u{ff10}',
];

/// The country codes of two digits (ITU-T E.164, list of 2016). 1 and 7 have one digit, all others
/// three.
const TWO_DIGIT_COUNTRIES: &str = "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 \
                                   54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 \
                                   95 98";

/// Countries whose numbers keep a leading 0 after the country code: Italy, San Marino, the Vatican,
/// Ivory Coast, Benin, Gabon, Congo. There a bracketed 0 may be part of the number.
const ZERO_KEPT: [&str; 7] = ["39", "378", "379", "225", "229", "241", "242"];

/// Reads a phone number: 3 to 15 digits of any script, optionally after a plus, with the usual
/// separators. Returns the plus and the digits in ASCII; `None` if it is none, or may be two.
pub(super) fn phone_number(text: &str) -> Option<String> {
    let mut number = Number::default();
    for c in text.chars() {
        number.read(c)?;
    }
    number.finish()
}

/// The number as read so far.
#[derive(Default)]
struct Number {
    plus: bool,
    digits: String,
    /// How many digits stand before the open bracket.
    open: Option<usize>,
    /// A trunk 0 was dropped.
    trunk_dropped: bool,
}

impl Number {
    fn read(&mut self, c: char) -> Option<()> {
        match c {
            '(' | '\u{ff08}' if self.open.is_none() => self.open = Some(self.digits.len()),
            ')' | '\u{ff09}' => return self.close_bracket(),
            '+' | '\u{ff0b}' | '\u{fe62}' if self.digits.is_empty() && !self.plus => {
                self.plus = true;
            }
            _ if is_separator(c) || is_invisible(c) => {}
            _ => self.digits.push(digit(c)?),
        }
        // As soon as it is too long, a text of any length is refused.
        (self.digits.len() <= *DIGITS.end() + 1).then_some(())
    }

    /// Judges what stands in brackets: `+33 (0)1` is dialled as `+331`.
    fn close_bracket(&mut self) -> Option<()> {
        let at = self.open.take()?;
        let (before, within) = self.digits.split_at(at);
        let country = if self.plus { Some(before) } else { before.strip_prefix("00") };
        match (country, within) {
            // After a country code, `(0)` is the 0 of calls within the country.
            (Some(country), "0") if is_country_with_trunk_zero(country) && !self.trunk_dropped => {
                self.digits.truncate(at);
                self.trunk_dropped = true;
                Some(())
            }
            // `(0)1 23 45`: the number as dialled within the country.
            (_, "0") => before.is_empty().then_some(()).filter(|()| !self.plus),
            // `+44 (020) 7946` means `+44 20 7946` in most countries, and not in all.
            (Some(_), _) if at > 0 && within.starts_with('0') => None,
            _ => Some(()),
        }
    }

    fn finish(self) -> Option<String> {
        let plus = if self.plus { "+" } else { "" };
        let is_number = self.open.is_none() && DIGITS.contains(&self.digits.len());
        is_number.then(|| format!("{plus}{}", self.digits))
    }
}

/// Returns the digit that a character is, in ASCII.
fn digit(c: char) -> Option<char> {
    ZEROS.iter().find_map(|zero| {
        let value = u32::from(c).checked_sub(u32::from(*zero))?;
        char::from_digit(value, 10)
    })
}

/// What people and their typographers put between digits.
fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '-' | '.' | '/' | '\u{2010}'
                ..='\u{2015}'
                    | '\u{2212}'
                    | '\u{fe58}'
                    | '\u{fe63}'
                    | '\u{ff0d}'
                    | '\u{ff0e}'
                    | '\u{ff0f}'
        )
}

/// What comes along when a number is copied: direction marks, byte-order mark, zero widths, soft
/// hyphen.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'
        | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

/// Returns whether `digits` are a whole country code, of a country in which a bracketed 0 is never
/// part of the number.
fn is_country_with_trunk_zero(digits: &str) -> bool {
    let code = match digits.as_bytes() {
        [b'0', ..] | [] => return false,
        [b'1' | b'7', ..] => 1,
        [_, _, ..] if TWO_DIGIT_COUNTRIES.split(' ').any(|code| digits.starts_with(code)) => 2,
        _ => 3,
    };
    digits.len() == code && !ZERO_KEPT.contains(&digits)
}
