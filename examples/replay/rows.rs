//! The input: rows of "eCommerce behavior data" as CSV, plain or gzip, and the busiest customers
//! among them. What a row means to an app is `phone`'s; what an agent must see of it, `expect`'s.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use flate2::bufread::MultiGzDecoder;

/// The form, by its first line.
const HEADER: &str = "event_time,event_type,product_id,category_id,category_code,brand,price,\
                      user_id,user_session";
/// Bytes of a line: ten times a real one. A longer one is no row.
const LINE_BYTES_MAX: u64 = 4 * 1024;
/// What the SDK keeps of each: a longer one would not arrive as the input says it.
const CATEGORY_BYTES_MAX: usize = 128;
const BRAND_BYTES_MAX: usize = 64;

/// What the customer did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    View,
    Cart,
    Purchase,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Seconds since the Unix epoch.
    pub(crate) at_s: i64,
    pub(crate) kind: Kind,
    pub(crate) product_id: String,
    pub(crate) category: Option<String>,
    pub(crate) brand: Option<String>,
    /// In cents of a US dollar.
    pub(crate) cents: Option<i64>,
    pub(crate) user_id: u64,
}

/// A customer with all their rows, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Customer {
    pub(crate) user_id: u64,
    pub(crate) rows: Vec<Row>,
}

/// Reads the `count` customers with the most rows, busiest first, ties by lowest id. Tells `skip`
/// the line and the error of each invalid row.
///
/// Reads the file twice: first it counts, so that a month of a whole shop needs little memory.
pub(crate) fn busiest(
    path: &Path,
    count: usize,
    mut skip: impl FnMut(u64, &str),
) -> Result<Vec<Customer>> {
    let name = path.display();
    let mut counts: HashMap<u64, usize> = HashMap::new();
    each(path, |line, row| match row {
        Ok(row) => *counts.entry(row.user_id).or_default() += 1,
        Err(fault) => skip(line, fault),
    })?;
    ensure!(!counts.is_empty(), "{name} holds no row to replay");
    let mut ranks: Vec<(usize, u64)> = counts.into_iter().map(|(user, n)| (n, user)).collect();
    ranks.sort_unstable_by_key(|&(rows, user)| (std::cmp::Reverse(rows), user));
    ranks.truncate(count);
    let places: HashMap<u64, usize> =
        ranks.iter().enumerate().map(|(place, &(_, user))| (user, place)).collect();
    let mut customers: Vec<Customer> =
        ranks.iter().map(|&(_, user_id)| Customer { user_id, rows: Vec::new() }).collect();
    each(path, |_, row| {
        if let Ok(row) = row
            && let Some(&place) = places.get(&row.user_id)
        {
            customers[place].rows.push(row);
        }
    })?;
    for customer in &mut customers {
        // Stable: rows of one second stay in the file's order.
        customer.rows.sort_by_key(|row| row.at_s);
    }
    Ok(customers)
}

/// Gives each row of a file, or what is wrong with it, with its line.
fn each(path: &Path, mut take: impl FnMut(u64, Result<Row, &'static str>)) -> Result<()> {
    let name = path.display();
    let file = File::open(path).with_context(|| format!("could not open {name}"))?;
    ensure!(!file.metadata()?.is_dir(), "{name} is a folder, not a CSV file");
    let mut plain = BufReader::new(file);
    let start = plain.fill_buf().with_context(|| format!("could not read {name}"))?;
    let mut reader: Box<dyn BufRead> = if start.starts_with(&[0x1f, 0x8b]) {
        Box::new(BufReader::new(MultiGzDecoder::new(plain)))
    } else {
        Box::new(plain)
    };
    let mut line = Vec::new();
    let mut number = 0;
    while next_line(&mut reader, &mut line)
        .with_context(|| format!("could not read {name} after line {number}"))?
    {
        number += 1;
        if number == 1 {
            let text = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line);
            if text != HEADER.as_bytes() {
                bail!("{name} is not of the demo's form: its first line must be {HEADER}");
            }
        } else if !line.is_empty() {
            take(number, parse(&line));
        }
    }
    ensure!(number > 0, "{name} is empty: its first line must be {HEADER}");
    Ok(())
}

/// Reads a line without its end; false at the end of the file. Keeps only the start of a line that
/// is too long, enough to show that it is.
fn next_line(reader: &mut dyn BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    if reader.take(LINE_BYTES_MAX).read_until(b'\n', line)? == 0 {
        return Ok(false);
    }
    let whole = line.ends_with(b"\n");
    if !whole && line.len() as u64 == LINE_BYTES_MAX {
        reader.skip_until(b'\n')?;
    }
    if whole {
        line.pop();
    }
    if line.ends_with(b"\r") {
        line.pop();
    }
    Ok(true)
}

fn parse(line: &[u8]) -> Result<Row, &'static str> {
    if line.len() as u64 >= LINE_BYTES_MAX {
        return Err("the line is too long");
    }
    // Each line by itself: a quote that is never closed costs one row, and not the rest.
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).buffer_capacity(512).from_reader(line);
    let mut record = csv::StringRecord::new();
    match reader.read_record(&mut record) {
        Ok(true) => {}
        Ok(false) => return Err("the row is empty"),
        Err(error) if matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) => {
            return Err("the row is not UTF-8");
        }
        Err(_) => return Err("the row is no CSV"),
    }
    let fields: Vec<&str> = record.iter().map(str::trim).collect();
    let [time, kind, product_id, category_id, category, brand, price, user_id, session] =
        fields[..]
    else {
        return Err("the row has not 9 fields");
    };
    let kind = match kind {
        "view" => Kind::View,
        "cart" => Kind::Cart,
        "purchase" => Kind::Purchase,
        _ => return Err("event_type is not view, cart or purchase"),
    };
    if !is_number(product_id) {
        return Err("product_id is not a number");
    }
    if !is_number(category_id) {
        return Err("category_id is not a number");
    }
    if category.len() > CATEGORY_BYTES_MAX {
        return Err("category_code is longer than 128 bytes");
    }
    if brand.len() > BRAND_BYTES_MAX {
        return Err("brand is longer than 64 bytes");
    }
    if !is_uuid(session) {
        return Err("user_session is not a UUID: the row may be cut");
    }
    let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Ok(Row {
        at_s: seconds(time).ok_or("event_time is not a time like 2019-10-01 02:22:26 UTC")?,
        kind,
        product_id: product_id.to_owned(),
        category: known(category),
        brand: known(brand),
        cents: if price.is_empty() {
            None
        } else {
            Some(cents(price).ok_or("price is not an amount like 35.79")?)
        },
        user_id: Some(user_id)
            .filter(|id| is_number(id))
            .and_then(|id| id.parse().ok())
            .ok_or("user_id is not a number")?,
    })
}

fn is_number(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// An amount in cents, by its digits: binary fractions hold no 0.79.
fn cents(price: &str) -> Option<i64> {
    let (whole, fraction) = price.split_once('.').unwrap_or((price, "0"));
    let fraction = match fraction.len() {
        1 => format!("{fraction}0"),
        _ => fraction.to_owned(),
    };
    if !is_number(whole) || !is_number(&fraction) || fraction.len() != 2 {
        return None;
    }
    whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(fraction.parse().ok()?)
}

/// Seconds since the Unix epoch of `2019-10-01 02:22:26 UTC`.
fn seconds(time: &str) -> Option<i64> {
    let bytes = time.as_bytes();
    let right = time.len() == 23
        && bytes.iter().zip(b"0000-00-00 00:00:00 UTC").all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            _ => byte == form,
        });
    if !right {
        return None;
    }
    let part = |from: usize, to: usize| time.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let (hour, minute, second) = (part(11, 13)?, part(14, 16)?, part(17, 19)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_max = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=days_max).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Days from the civil calendar, as Howard Hinnant's "chrono-Compatible Low-Level Date
    // Algorithms" counts them: the year begins in March.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "72d76fde-8bb3-4e00-8c23-a032dfed738c";

    #[test]
    fn a_price_is_read_by_its_digits() {
        for (text, expected) in [("35.79", 3_579), ("0.29", 29), ("1081.98", 108_198), ("7.5", 750)]
        {
            assert_eq!(cents(text), Some(expected), "{text}");
        }
        for text in ["", ".", "1.", ".5", "1.234", "-1.00", "1e3", "99999999999999999999.00"] {
            assert_eq!(cents(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_is_read_to_the_second() {
        assert_eq!(seconds("2019-10-01 02:22:26 UTC"), Some(1_569_896_546));
        assert_eq!(seconds("1970-01-01 00:00:00 UTC"), Some(0));
        assert_eq!(seconds("2024-02-29 00:00:00 UTC"), Some(1_709_164_800));
        for text in ["2019-02-29 00:00:00 UTC", "2019-10-01 24:00:00 UTC", "2019-10-01"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn a_row_that_is_none_says_why() {
        let row = |text: &str| parse(text.as_bytes());
        let good = format!("2019-10-01 00:00:00 UTC,view,44600062,21,,,,541312140,{SESSION}");
        let read = row(&good).unwrap();
        assert_eq!((read.brand, read.category, read.cents), (None, None, None));
        let fault = |text: String| row(&text).unwrap_err();
        assert!(fault(good[..40].to_owned()).contains("9 fields"));
        assert!(fault(good[..good.len() - 1].to_owned()).contains("may be cut"));
        assert!(fault(good.replace("view", "remove_from_cart")).contains("event_type"));
        assert!(fault(good.replace("541312140", "")).contains("user_id"));
        assert!(fault(good.replace(",,,,", ",,\"x,,")).contains("9 fields"));
    }
}
