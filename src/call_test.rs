use super::*;

fn code(text: &str) -> Result<CallCode, CodeError> {
    CallCode::parse(text)
}

#[test]
fn reads_back_every_code_it_writes() {
    for (locator, screen) in [(0, 0), (412_907_385, 217), (999_999_999, 999), (7, 1)] {
        let written = CallCode::new(locator, screen).unwrap();
        assert_eq!(written.to_string().len(), CODE_DIGITS);
        assert_eq!(code(&written.to_string()), Ok(written));
        assert_eq!(code(&written.grouped()), Ok(written));
    }
    assert_eq!(CallCode::new(LOCATOR_END, 0), None);
    assert_eq!(CallCode::new(0, SCREEN_END), None);
}

#[test]
fn catches_every_wrong_digit_every_swap_and_the_slips_of_spoken_numbers() {
    let right = CallCode::new(412_907_385, 217).unwrap().to_string();
    for at in 0..CODE_DIGITS {
        for digit in b'0'..=b'9' {
            let mut slip = right.clone().into_bytes();
            slip[at] = digit;
            let slip = String::from_utf8(slip).unwrap();
            assert_eq!(code(&slip).is_ok(), slip == right, "{slip}");
        }
    }
    for seed in 0..2_000u32 {
        let right = CallCode::new(seed * 499_979 % LOCATOR_END, (seed % 1000) as u16).unwrap();
        let digits = right.to_string().into_bytes();
        for at in 0..CODE_DIGITS - 1 {
            let mut slip = digits.clone();
            slip.swap(at, at + 1);
            if slip != digits {
                assert_eq!(code(std::str::from_utf8(&slip).unwrap()), Err(CodeError::Check));
            }
            // "thirteen" heard as "thirty", and back.
            let heard = match (digits[at], digits[at + 1]) {
                (b'1', d) if d > b'2' => Some([d, b'0']),
                (d, b'0') if d > b'2' => Some([b'1', d]),
                _ => None,
            };
            if let Some(heard) = heard {
                let mut slip = digits.clone();
                slip[at..at + 2].copy_from_slice(&heard);
                assert_eq!(code(std::str::from_utf8(&slip).unwrap()), Err(CodeError::Check));
            }
        }
    }
}

#[test]
fn refuses_what_is_not_thirteen_digits() {
    for text in ["", "412", "41290738521741", "412907385217", "41290738521a4", "*129073852174"] {
        assert_eq!(code(text), Err(CodeError::Digits), "{text:?}");
    }
}

#[test]
fn a_token_survives_each_way_an_exchange_hands_it_on() {
    let token = ContextToken::from_bytes(*b"\x00\x01\xfe\xff0123456789ab");
    let text = token.to_string();
    assert_eq!(text.len(), TOKEN_CHARS);
    assert_eq!(ContextToken::parse(&text), Some(token));
    let header = token.user_to_user();
    assert!(header.starts_with("00"));
    assert_eq!(header.split(';').next().unwrap().len(), 2 * 23);
    let hex = &header[2..46];
    let raw = format!("{:032X}", u128::from_be_bytes(*token.as_bytes()));
    for value in [
        header.clone(),
        header.to_uppercase(),
        hex.to_string(),
        format!("04{hex};encoding=hex"),
        format!("\"00{hex}\";encoding=hex"),
        format!("56a390f3d2b7310023a2;encoding=hex, 00{hex};encoding=hex"),
        raw.clone(),
        format!("00{raw}"),
        text,
    ] {
        assert_eq!(ContextToken::from_user_to_user(&value), Some(token), "{value}");
    }
    for value in ["", "zz", "00", "é", &"ab".repeat(300)] {
        assert_eq!(ContextToken::from_user_to_user(value), None, "{value}");
    }
}

#[test]
fn neither_token_nor_code_shows_in_a_log() {
    let token = ContextToken::from_bytes([7; 16]);
    assert_eq!(format!("{token:?}"), "ContextToken(..)");
    assert_eq!(format!("{:?}", CallCode::new(1, 1).unwrap()), "CallCode(..)");
}

#[test]
fn a_dial_string_is_the_number_two_commas_and_the_code() {
    let code = CallCode::new(412_907_385, 217).unwrap();
    assert_eq!(
        dial_string("+33 1 23 45 67 89", Some(code)).as_deref(),
        Some("tel:+33123456789,,4129073852176"),
    );
    assert_eq!(dial_string("3939", None).as_deref(), Some("tel:3939"));
    for number in ["", "+", "12", "call us", "+3312345678901234", "0800 SHOP", "*31#0123"] {
        assert_eq!(dial_string(number, None), None, "{number}");
    }
}

fn dials(text: &str) -> Option<String> {
    dial_string(text, None).map(|dial| dial.strip_prefix("tel:").unwrap().to_owned())
}

#[test]
fn a_number_is_read_as_people_paste_it() {
    for (text, number) in [
        ("\u{202a}+33 1 23 45 67 89\u{202c}", "+33123456789"),
        ("\u{2066}\u{feff}\u{200e}+33\u{200b}123456789\u{200f}\u{2069}", "+33123456789"),
        ("\t+33\u{2007}1\u{2009}23\u{3000}45\u{205f}67\u{2003}89\r\n", "+33123456789"),
        ("+33\u{2011}1\u{2010}23\u{2013}45\u{2212}67\u{ff0d}89", "+33123456789"),
        ("\u{ff0b}\u{ff13}\u{ff13}\u{ff08}\u{ff10}\u{ff09}123456789", "+33123456789"),
        ("٠٨٠٠ ١٢٣", "0800123"),
        ("+۹۸ ۲۱ ۱۲۳۴", "+98211234"),
        ("+९१ ८० १२३४", "+91801234"),
        ("(+33) 1 23 45", "+3312345"),
        ("(0)1 23 45", "012345"),
        ("+33 (0)1 23 45 67 89", "+33123456789"),
        ("+33(0) 1 23", "+33123"),
        ("0033 (0)1 23 45 67 89", "0033123456789"),
        ("+353 (0)1 234 5678", "+35312345678"),
        ("+1 (212) 555-0123", "+12125550123"),
        ("(020) 7946 0958", "02079460958"),
    ] {
        assert_eq!(dials(text).as_deref(), Some(number), "{text:?}");
    }
}

#[test]
fn what_is_no_number_or_may_be_two_is_refused() {
    for text in [
        "++33123456789",
        "+33 +1 23 45",
        "33+123456",
        "0800 SHOP",
        "tel:+33123456789",
        "+33123456789;ext=12",
        "+33123456789,12",
        "+33123456789 x12",
        "+33123456789 ext. 12",
        "+33123456789#12",
        "+33 1 (0)23 45",
        "+331 (0)23 45",
        "+3 (0)3 12 34",
        "+(0)33 123 45",
        "+33 (0)(0)1 23",
        "33 (0)1 23 45",
        "011 44 (0)20 7946",
        // Where the 0 belongs to the number, or may.
        "+39 (0)6 1234567",
        "+44 (020) 7946 0958",
        "+33 (0 1 23 45",
        "+33 0) 1 23 45",
        "+33 ((0)) 1 23",
        "１２",
        "Ⅷ00123",
        "²³⁴⁵",
        "一二三四",
    ] {
        assert_eq!(dials(text), None, "{text:?}");
    }
    assert_eq!(dials(&"1".repeat(1_000_000)), None);
}

/// Whatever the text: what is dialled are the digits that a person reads, in their order, but for a
/// 0 alone in brackets.
#[test]
fn what_is_dialled_is_what_is_read() {
    let alphabet: Vec<char> =
        "0001234567890٠١٢۷८９+()＋ -./\u{a0}\u{200e}\u{2011}\u{feff}x,;#".chars().collect();
    let read = |text: &str| -> String {
        let digits = text.chars().filter_map(|c| match c {
            '٠'..='٢' => char::from_digit(u32::from(c) - u32::from('٠'), 10),
            '۷' => Some('7'),
            '८' => Some('8'),
            '９' => Some('9'),
            _ => Some(c).filter(char::is_ascii_digit),
        });
        digits.collect()
    };
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let starts = ["", "+", "+33", "+33 (0)", "0033(0)", "+44 (\u{200e}0) 20", "00", "(0)"];
    let (mut dialled, mut without_trunk) = (0, 0);
    for _ in 0..200_000 {
        // The rarer characters less often, so that enough of the texts are numbers.
        let some = [12, 12, 18, alphabet.len()][random(4)];
        let rest: String = (0..random(14)).map(|_| alphabet[random(some)]).collect();
        let text = format!("{}{rest}", starts[random(starts.len())]);
        let Some(number) = dials(&text) else { continue };
        assert_eq!(number.starts_with('+'), text.contains(['+', '＋']), "{text:?}");
        let number = number.trim_start_matches('+');
        dialled += 1;
        if number != read(&text) {
            // As it reads without one of its brackets that hold a single 0.
            let mut brackets = text.match_indices('(').filter_map(|(at, _)| {
                let end = at + text[at..].find(')')?;
                (read(&text[at..end]) == "0").then(|| read(&(text[..at].to_owned() + &text[end..])))
            });
            assert!(brackets.any(|without| without == number), "{text:?}");
            without_trunk += 1;
        }
    }
    assert!(dialled > 10_000 && without_trunk > 1_000, "{dialled}, {without_trunk}");
}
