//! Checks that the exchanges' logs hold nothing that identifies a customer.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::report::Fault;

/// Where they wrote, in the run's folder.
const LOGS: [&str; 2] = ["asterisk/asterisk.log", "kamailio/kamailio.log"];
/// A code's length.
const DIGITS: usize = 13;

/// Looks for keys, codes and desk links in the logs of all that has happened.
pub(crate) fn check(folder: &Path, key: &str) -> Result<Fault> {
    let mut wrong = Vec::new();
    for log in LOGS {
        let path = folder.join(log);
        let bytes =
            fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
        let text = String::from_utf8_lossy(&bytes);
        let lines = text.lines().enumerate();
        let found = lines
            .filter_map(|(at, line)| Some(format!("{log}, line {}: {}", at + 1, told(line, key)?)));
        wrong.extend(found.take(1));
    }
    Ok(Fault {
        name: "logs of both exchanges, read through",
        expected: "no key, code or link",
        calls: LOGS.len(),
        kept: LOGS.len() - wrong.len(),
        slowest: None,
        wrong,
    })
}

/// What a line tells that it must not.
fn told(line: &str, key: &str) -> Option<&'static str> {
    let is_code = |part: &str| part.len() == DIGITS;
    if line.contains(key) {
        Some("the key")
    } else if line.contains("/desk/") {
        Some("a desk link")
    } else if line.split(|c: char| !c.is_ascii_digit()).any(is_code) {
        Some("a code")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_no_log_may_hold() {
        assert_eq!(told("Jalon: no desk link for run-1795671214.12", "k-1"), None);
        assert_eq!(told("User entered '4129073852176'", "k-1"), Some("a code"));
        assert_eq!(told("Set(CURLOPT(userpwd)=asterisk:k-1)", "k-1"), Some("the key"));
        assert_eq!(told("X-Jalon-Desk: http://x/desk/y", "k-1"), Some("a desk link"));
    }
}
