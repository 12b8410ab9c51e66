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
