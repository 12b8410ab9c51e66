//! The context token and the call code of a call, and their exact forms for each carrier.
//!
//! Pure: the token's random bits and the leased locator are arguments. Which locator is free, and
//! whether a call may carry anything at all, is decided elsewhere.

mod phone_number;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use phone_number::phone_number;
use serde::{Deserialize, Serialize};

/// Digits of a call code: always 13, so that an IVR needs no end key.
pub const CODE_DIGITS: usize = 13;
/// Characters of a context token in base64url.
pub const TOKEN_CHARS: usize = 22;
/// The SIP header that exchanges carry end to end (RFC 7433), in the form of
/// [`ContextToken::user_to_user`].
pub const USER_TO_USER: &str = "User-to-User";
/// Jalon's own SIP header, with the bare token, for exchanges that pass `X-` headers on.
pub const CONTEXT_HEADER: &str = "X-Jalon-Context";
/// The name of the parameter that carries the token in a chat, a callback request or a link.
pub const CONTEXT_PARAMETER: &str = "jalon_context";
/// One past the highest locator.
pub const LOCATOR_END: u32 = 1_000_000_000;
/// One past the highest screen number in a code; 0 means no screen.
pub const SCREEN_END: u16 = 1_000;

/// The quasigroup of Damm's check digit: it detects every single wrong digit, every swap of two
/// neighbours, and numbers misheard (13 for 30). H. M. Damm, thesis, Marburg 2004. Begin at 0 and
/// go to `DAMM[interim][digit]` for each digit: a valid code ends at 0.
pub const DAMM: [[u8; 10]; 10] = [
    [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
    [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
    [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
    [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
    [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
    [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
    [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
    [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
    [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
    [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
];

/// How much the customer lets a call carry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallScope {
    /// The whole journey.
    #[default]
    Everything,
    /// Only the screen that the call is made from and what failed on it: neither the customer nor
    /// what came before. Holds on a phone without data too, since the code itself says so.
    OnlyThisScreen,
    /// Only the number: the call has no token and no code, and is not recorded.
    OnlyTheNumber,
}

/// A context token: 128 random bits that identify one call, for SIP, chat, callbacks and links.
///
/// `Display` writes it as 22 characters of base64url. Anyone who has the token can name the call,
/// so `Debug` hides it and no log line contains it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContextToken([u8; 16]);

impl ContextToken {
    /// Makes a token from 128 bits that the caller drew at random.
    pub fn from_bytes(bits: [u8; 16]) -> Self {
        Self(bits)
    }

    /// Returns the 128 bits.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads the 22 characters of base64url that `Display` writes; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != TOKEN_CHARS {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// Returns the value of a SIP [`USER_TO_USER`] header (RFC 7433, 7434): protocol discriminator
    /// `00` (user-specific, Q.931 4.5.30), then the 22 ASCII characters in hex, 23 octets in all.
    pub fn user_to_user(&self) -> String {
        use std::fmt::Write as _;
        let mut value = String::with_capacity(100);
        value.push_str("00");
        for byte in self.to_string().bytes() {
            // Writing to a String cannot fail.
            let _ = write!(value, "{byte:02x}");
        }
        value.push_str(";encoding=hex;purpose=isdn-uui;content=isdn-uui");
        value
    }

    /// Reads the raw value of a `User-to-User` header, as exchanges pass it on: one or more values
    /// separated by commas, each optionally quoted, with or without a leading `00` or `04`, of 22
    /// characters or 16 bytes, in hex of either case. Returns the first value that is a token. A
    /// value with an encoding other than `hex`, the only one registered (RFC 7433), belongs to
    /// another application.
    pub fn from_user_to_user(header: &str) -> Option<Self> {
        header.split(',').find_map(|value| {
            let mut parts = value.split(';').map(str::trim);
            let data = parts.next()?.trim_matches('"').trim();
            let mut parameters = parts.filter_map(|parameter| parameter.split_once('='));
            let foreign = parameters.any(|(name, value)| {
                name.trim().eq_ignore_ascii_case("encoding")
                    && !value.trim().trim_matches('"').eq_ignore_ascii_case("hex")
            });
            if foreign { None } else { Self::from_user_data(data) }
        })
    }

    fn from_user_data(data: &str) -> Option<Self> {
        if let Some(token) = Self::parse(data) {
            return Some(token);
        }
        let bytes = unhex(data)?;
        let body = match bytes.len() {
            TOKEN_CHARS | 16 => &bytes[..],
            23 | 17 if matches!(bytes[0], 0x00 | 0x04) => &bytes[1..],
            _ => return None,
        };
        match <[u8; 16]>::try_from(body) {
            Ok(bits) => Some(Self(bits)),
            Err(_) => Self::parse(std::str::from_utf8(body).ok()?),
        }
    }
}

impl fmt::Display for ContextToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for ContextToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContextToken(..)")
    }
}

/// A call code: thirteen digits that a phone dials after the number, or a customer reads aloud.
///
/// Nine digits of locator, three of screen number (000: none), one check digit. A code leads to a
/// journey; it never authenticates.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallCode {
    locator: u32,
    screen: u16,
}

impl CallCode {
    /// Makes a code from a locator and a screen number; `None` if either is out of range.
    pub fn new(locator: u32, screen: u16) -> Option<Self> {
        (locator < LOCATOR_END && screen < SCREEN_END).then_some(Self { locator, screen })
    }

    /// Returns the code of the same lease that shares only this screen: it has the odd locator next
    /// to the leased even one.
    pub fn only_this_screen(self) -> Self {
        Self { locator: self.locator | 1, ..self }
    }

    /// Reads thirteen digits with a correct check digit. Ignores spaces, hyphens and dots between
    /// groups, as people write them, and a final `#`, with which some people end a number.
    ///
    /// # Errors
    /// [`CodeError::Digits`] for any other character or length; [`CodeError::Check`] for a wrong
    /// digit.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        let mut digits = [0u8; CODE_DIGITS];
        let mut count = 0;
        let text = text.trim_end().strip_suffix('#').unwrap_or(text);
        let separator = |c: &char| matches!(c, ' ' | '-' | '.' | '\u{a0}' | '\u{202f}');
        for c in text.chars().filter(|c| !separator(c)) {
            let digit = c.to_digit(10).ok_or(CodeError::Digits)?;
            *digits.get_mut(count).ok_or(CodeError::Digits)? = digit as u8;
            count += 1;
        }
        if count != CODE_DIGITS {
            return Err(CodeError::Digits);
        }
        if damm(&digits) != 0 {
            return Err(CodeError::Check);
        }
        let number = |part: &[u8]| part.iter().fold(0u32, |n, &d| n * 10 + u32::from(d));
        Ok(Self { locator: number(&digits[..9]), screen: number(&digits[9..12]) as u16 })
    }

    /// Returns the nine-digit locator, which identifies the lease.
    pub fn locator(&self) -> u32 {
        self.locator
    }

    /// Returns the number of the screen that the customer called from; 0 if it has none.
    pub fn screen(&self) -> u16 {
        self.screen
    }

    /// Returns the digits in groups, for reading aloud: `412 907 385 217 6`.
    pub fn grouped(&self) -> String {
        let digits = self.to_string();
        let groups: Vec<&str> =
            [0..3, 3..6, 6..9, 9..12, 12..13].into_iter().map(|range| &digits[range]).collect();
        groups.join(" ")
    }
}

impl fmt::Display for CallCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = format!("{:09}{:03}", self.locator, self.screen);
        let digits: Vec<u8> = body.bytes().map(|byte| byte - b'0').collect();
        write!(f, "{body}{}", damm(&digits))
    }
}

impl fmt::Debug for CallCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallCode(..)")
    }
}

/// The reason why a text is not a call code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Not thirteen digits.
    #[error("a call code has 13 digits")]
    Digits,
    /// The last digit does not match the others: a digit was mistyped or misheard.
    #[error("the check digit does not fit: one digit was mistyped or misheard")]
    Check,
}

/// Returns the dial string of a phone call: the number, two commas (6 s on Android GSM/IMS, about 4
/// s on iOS) to wait for the answer and the greeting, then the code as DTMF digits. Without a code,
/// only the number.
///
/// `None` if `number` is not a valid phone number: 3 to 15 digits (E.164), optionally after a `+`,
/// with the usual separators. It may be as people paste it: digits of any script, and whatever a
/// copy brings along unseen. The `0` of `+33 (0)1 23 45 67 89` is not dialled; what may mean two
/// numbers, such as `+44 (020) 7946`, is none, and so is an extension.
pub fn dial_string(number: &str, code: Option<CallCode>) -> Option<String> {
    let number = phone_number(number)?;
    Some(match code {
        Some(code) => format!("tel:{number},,{code}"),
        None => format!("tel:{number}"),
    })
}

fn damm(digits: &[u8]) -> u8 {
    digits.iter().fold(0, |interim, &digit| DAMM[usize::from(interim)][usize::from(digit)])
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || text.len() > 128 * 2 || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).ok()).collect()
}

#[cfg(test)]
#[path = "call_test.rs"]
mod tests;
