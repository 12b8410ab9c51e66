//! Percentiles, the printed table, and `target/bench/NAME.json`.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

/// Durations in nanoseconds, kept by round: other work on the machine spoils a round, and the
/// median of rounds does not mind.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    rounds: Vec<Vec<u64>>,
}

impl Sample {
    /// Adds a round.
    pub fn add(&mut self, mut round: Vec<u64>) {
        round.sort_unstable();
        if !round.is_empty() {
            self.rounds.push(round);
        }
    }

    /// A sample of one round.
    pub fn of(round: Vec<u64>) -> Self {
        let mut sample = Self::default();
        sample.add(round);
        sample
    }

    /// How many durations there are.
    pub fn count(&self) -> usize {
        self.rounds.iter().map(Vec::len).sum()
    }

    /// The median of the rounds' percentiles, by nearest rank.
    pub fn percentile(&self, percent: f64) -> f64 {
        median(self.rounds.iter().map(|round| {
            let rank = (percent / 100.0 * round.len() as f64).ceil() as usize;
            round[rank.clamp(1, round.len()) - 1] as f64
        }))
    }

    /// The worst of all rounds.
    pub fn worst(&self) -> f64 {
        self.rounds.iter().filter_map(|round| round.last()).max().map_or(0.0, |worst| *worst as f64)
    }
}

/// The median; of an even count, the upper one.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The unit of a sample's columns.
#[derive(Debug, Clone, Copy)]
pub enum Unit {
    /// Microseconds.
    Us,
    /// Milliseconds.
    Ms,
}

impl Unit {
    fn of(self, ns: f64) -> f64 {
        match self {
            Self::Us => ns / 1e3,
            Self::Ms => ns / 1e6,
        }
    }

    fn columns(self) -> [&'static str; 3] {
        match self {
            Self::Us => ["p50_us", "p99_us", "worst_us"],
            Self::Ms => ["p50_ms", "p99_ms", "worst_ms"],
        }
    }
}

/// A line of the table.
#[derive(Debug)]
pub struct Row {
    name: String,
    cells: Vec<(&'static str, Value)>,
}

impl Row {
    /// An empty line.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), cells: Vec::new() }
    }

    /// Adds a cell; columns are the cells' names, in the order they first come.
    pub fn with(mut self, column: &'static str, value: impl Into<Value>) -> Self {
        self.cells.push((column, value.into()));
        self
    }

    /// Adds p50, p99, worst and the count of a sample.
    pub fn sample(self, sample: &Sample, unit: Unit) -> Self {
        let [p50, p99, worst] = unit.columns();
        self.with(p50, unit.of(sample.percentile(50.0)))
            .with(p99, unit.of(sample.percentile(99.0)))
            .with(worst, unit.of(sample.worst()))
            .with("count", sample.count())
    }
}

/// What a benchmark found.
#[derive(Debug)]
pub struct Report {
    name: &'static str,
    about: String,
    rows: Vec<Row>,
    reaches: Vec<Value>,
    notes: Vec<String>,
}

impl Report {
    /// Begins a report; `about` says what is measured, and how.
    pub fn new(name: &'static str, about: impl Into<String>) -> Self {
        Self { name, about: about.into(), rows: Vec::new(), reaches: Vec::new(), notes: Vec::new() }
    }

    /// Adds a line.
    pub fn row(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Records whether a target figure was reached.
    pub fn reach(&mut self, what: &str, reach: &str, measured: &str, reached: bool) {
        self.reaches.push(json!({
            "what": what, "reach": reach, "measured": measured, "reached": reached,
        }));
    }

    /// Adds a note that a reader needs to judge the figures.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Prints the report and writes it to `target/bench/NAME.json`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(self) -> Result<()> {
        print!("{}", self.text());
        let folder = folder()?;
        let path = folder.join(format!("{}.json", self.name));
        let rows: Vec<Value> = self.rows.iter().map(Row::json).collect();
        let json = json!({
            "name": self.name, "about": self.about, "rows": rows, "reach": self.reaches,
            "notes": self.notes,
        });
        std::fs::write(&path, format!("{json:#}\n"))
            .with_context(|| format!("failed to write {}", path.display()))
    }

    fn text(&self) -> String {
        let mut columns: Vec<&str> = Vec::new();
        for (column, _) in self.rows.iter().flat_map(|row| &row.cells) {
            if !columns.contains(column) {
                columns.push(column);
            }
        }
        let mut lines =
            vec![std::iter::once("").chain(columns.iter().copied()).map(words).collect()];
        lines.extend(self.rows.iter().map(|row| {
            let cell = |column: &&str| row.cells.iter().find(|(name, _)| name == column);
            let cells = columns.iter().map(|at| cell(at).map_or("–".to_owned(), |c| shown(&c.1)));
            std::iter::once(row.name.clone()).chain(cells).collect()
        }));
        let mut text = format!("\n## {}\n{}\n\n{}", self.name, self.about, table(&lines));
        if !self.reaches.is_empty() {
            let keys = ["what", "reach", "measured", "reached"];
            let mut lines = vec![["to reach", "figure", "measured", "reached"].map(words).into()];
            lines.extend(
                self.reaches.iter().map(|reach| keys.map(|key| shown(&reach[key])).to_vec()),
            );
            let _ = write!(text, "\n{}", table(&lines));
        }
        for note in &self.notes {
            let _ = write!(text, "\n- {note}");
        }
        text.push('\n');
        text
    }
}

impl Row {
    fn json(&self) -> Value {
        let mut map = Map::from_iter([("name".to_owned(), json!(self.name))]);
        map.extend(self.cells.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        Value::Object(map)
    }
}

/// The folder of the reports, and of whatever a benchmark needs on the same disk.
///
/// # Errors
/// When it cannot be made.
pub fn folder() -> Result<PathBuf> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench"));
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("failed to make {}", folder.display()))?;
    Ok(folder)
}

/// `p50_us` reads as `p50 µs`.
fn words(column: &str) -> String {
    column.replace("_us", " µs").replace('_', " ")
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(yes) => if *yes { "yes" } else { "NO" }.to_owned(),
        Value::Number(number) if number.is_f64() => number_shown(number.as_f64().unwrap_or(0.0)),
        other => other.to_string(),
    }
}

/// Three significant figures: a shared machine gives no more.
pub fn number_shown(number: f64) -> String {
    match number.abs() {
        n if n >= 100.0 => format!("{number:.0}"),
        n if n >= 10.0 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

fn table(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|at| lines.iter().map(|line| line[at].chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for (at, line) in lines.iter().enumerate() {
        for (cell, width) in line.iter().zip(&widths) {
            let _ = write!(text, "| {cell:<width$} ");
        }
        text.push_str("|\n");
        if at == 0 {
            for width in &widths {
                let _ = write!(text, "|{}", "-".repeat(width + 2));
            }
            text.push_str("|\n");
        }
    }
    text
}
