//! The run's results: the printed tables, and `target/bench/telephony.json`.

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// Calls by one carrier.
#[derive(Debug, Default)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) calls: usize,
    /// Of these an agent got the call.
    pub(crate) reached: usize,
    /// Of these the agent's link opened on the right customer.
    pub(crate) resolved: usize,
    /// From the first digit to the last, as the exchange heard them.
    pub(crate) digits: Vec<Duration>,
    /// From the exchange's answer until the agent's phone had the link; where the agent answers
    /// first, from the dialling.
    pub(crate) to_desk: Vec<Duration>,
    /// The part of it that is ours: from the last digit, where there are digits.
    pub(crate) look_up: Vec<Duration>,
    /// What went wrong, a line a call.
    pub(crate) wrong: Vec<String>,
}

/// A fault that was made, and what came of it.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    /// What must come of it.
    pub(crate) expected: &'static str,
    pub(crate) calls: usize,
    /// Of these it came so.
    pub(crate) kept: usize,
    /// The longest time from the answer, or the dialling, to the agent.
    pub(crate) slowest: Option<Duration>,
    pub(crate) wrong: Vec<String>,
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) rows: Vec<Row>,
    pub(crate) faults: Vec<Fault>,
    /// What the bench of look-ups while phones upload reached.
    pub(crate) look_ups: Vec<Value>,
    pub(crate) notes: Vec<String>,
}

impl Row {
    fn cells(&self) -> Vec<String> {
        let seconds = |sample: &[Duration], percent| {
            percentile(sample, percent).map_or("–".to_owned(), |value| format!("{value:.2}"))
        };
        vec![
            self.name.to_owned(),
            self.calls.to_string(),
            share(self.reached, self.calls),
            share(self.resolved, self.calls),
            seconds(&self.digits, 50),
            seconds(&self.digits, 99),
            seconds(&self.to_desk, 50),
            seconds(&self.to_desk, 99),
            seconds(&self.look_up, 50),
            seconds(&self.look_up, 99),
        ]
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name, "calls": self.calls, "reached": self.reached,
            "resolved": self.resolved,
            "digits_p50_s": percentile(&self.digits, 50), "digits_p99_s": percentile(&self.digits, 99),
            "desk_p50_s": percentile(&self.to_desk, 50), "desk_p99_s": percentile(&self.to_desk, 99),
            "look_up_p50_s": percentile(&self.look_up, 50),
            "look_up_p99_s": percentile(&self.look_up, 99),
        })
    }
}

impl Fault {
    fn json(&self) -> Value {
        json!({
            "name": self.name, "expected": self.expected, "calls": self.calls, "kept": self.kept,
            "slowest_s": self.slowest.map(|slowest| slowest.as_secs_f64()),
        })
    }
}

impl Report {
    /// Whether every call came to what it must.
    pub(crate) fn is_good(&self) -> bool {
        self.rows.iter().all(|row| row.reached == row.calls && row.resolved == row.calls)
            && self.faults.iter().all(|fault| fault.kept == fault.calls)
    }

    /// The tables, and below them what went wrong.
    pub(crate) fn text(&self) -> String {
        let mut lines = vec![words(&[
            "carrier",
            "calls",
            "reached",
            "resolved",
            "digits p50 s",
            "p99",
            "to desk p50 s",
            "p99",
            "look-up p50 s",
            "p99",
        ])];
        lines.extend(self.rows.iter().map(Row::cells));
        let mut text = format!("\n## telephony\n\n{}", table(&lines));
        let mut lines = vec![words(&["fault", "must be", "calls", "was so", "slowest s"])];
        lines.extend(self.faults.iter().map(|fault| {
            let slowest = fault.slowest.map_or("–".into(), |s| format!("{:.2}", s.as_secs_f64()));
            let (calls, kept) = (fault.calls.to_string(), share(fault.kept, fault.calls));
            vec![fault.name.into(), fault.expected.into(), calls, kept, slowest]
        }));
        let _ = write!(text, "\n{}", table(&lines));
        for note in &self.notes {
            let _ = write!(text, "\n- {note}");
        }
        for figure in &self.look_ups {
            let said = |key: &str| figure[key].as_str().unwrap_or_default().to_owned();
            let (what, measured, reach) = (said("what"), said("measured"), said("reach"));
            let _ = write!(text, "\n- {what}: {measured} (to reach: {reach})");
        }
        let wrong = self.rows.iter().map(|row| (row.name, &row.wrong));
        let wrong = wrong.chain(self.faults.iter().map(|fault| (fault.name, &fault.wrong)));
        for (name, lines) in wrong {
            for line in lines {
                let _ = write!(text, "\nWRONG: {name}: {line}");
            }
        }
        text.push('\n');
        text
    }

    /// Writes `target/bench/telephony.json`.
    pub(crate) fn write(&self) -> Result<()> {
        let folder = crate::root().join("target/bench");
        fs::create_dir_all(&folder)?;
        let right: usize = self.rows.iter().map(|row| row.resolved).sum();
        let calls: usize = self.rows.iter().map(|row| row.calls).sum();
        let mut reach = vec![json!({
            "what": "calls dialled right that open on their customer", "reach": "all",
            "measured": format!("{right} of {calls}"), "reached": right == calls,
        })];
        reach.extend(self.look_ups.iter().cloned());
        let json = json!({
            "name": "telephony",
            "about": "real calls: SIPp as the customer's phone, Asterisk and Kamailio with the \
                      recipes' own files, the collector, and the agent's phone",
            "rows": self.rows.iter().map(Row::json).collect::<Vec<_>>(),
            "faults": self.faults.iter().map(Fault::json).collect::<Vec<_>>(),
            "reach": reach,
            "notes": self.notes,
        });
        let path = folder.join("telephony.json");
        fs::write(&path, format!("{json:#}\n"))
            .with_context(|| format!("could not write {}", path.display()))
    }
}

/// In seconds, by nearest rank.
fn percentile(sample: &[Duration], percent: usize) -> Option<f64> {
    let mut sorted = sample.to_vec();
    sorted.sort_unstable();
    let rank = (percent * sorted.len()).div_ceil(100).max(1);
    sorted.get(rank - 1).map(Duration::as_secs_f64)
}

fn share(part: usize, whole: usize) -> String {
    if part == whole { "all".to_owned() } else { format!("{part} of {whole}") }
}

fn words(line: &[&str]) -> Vec<String> {
    line.iter().map(ToString::to_string).collect()
}

fn table(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |at: usize| lines.iter().map(|line| line[at].chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (row, line) in lines.iter().enumerate() {
        for (at, cell) in line.iter().enumerate() {
            let _ = write!(text, "| {cell:<width$} ", width = width(at));
        }
        text.push_str("|\n");
        if row == 0 {
            for at in 0..columns {
                let _ = write!(text, "|{}", "-".repeat(width(at) + 2));
            }
            text.push_str("|\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let sample: Vec<_> = (1..=200).map(Duration::from_secs).collect();
        assert_eq!(percentile(&sample, 50), Some(100.0));
        assert_eq!(percentile(&sample, 99), Some(198.0));
        assert_eq!(percentile(&sample[..1], 99), Some(1.0));
        assert_eq!(percentile(&[], 50), None);
    }
}
