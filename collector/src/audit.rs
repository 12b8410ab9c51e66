//! `jalon-collector audit`: prints the audit log and says whether it is unaltered.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use jalon_collector::secret::{Hash, hex};
use jalon_collector::store::{AuditEntry, AuditError, AuditLog};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::BoxError;

/// Bytes of a claimant that are printed: enough that no two calls of one log look alike.
const CLAIMANT_BYTES: usize = 8;
/// Exit status: the log was altered, or no longer holds what a kept seal sealed.
const NOT_WHOLE: u8 = 1;
/// Exit status: the log could not be checked.
const UNCHECKED: u8 = 2;

/// What to print.
#[derive(clap::Args)]
#[command(after_help = "\
Each entry is one line of fields separated by tabs: number, time (UTC), app, what was done (resolve: a
contact centre looked a call up; desk: a page was opened; live: its live stream was opened; erase: a
customer was erased by command), the agent in quotes or -, and the call or the customer, as a hash by
which entries of the same one can be matched.

Every entry seals the one before it. Keep the newest seal somewhere else and pass it to --seal later:
without it, entries removed from the end cannot be detected.

Exit status: 0 the log is whole; 1 it was altered, or the kept seal is not in it; 2 it could not be
checked.")]
pub(crate) struct Args {
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Print only this app's entries. All entries are checked.
    #[arg(long, value_name = "ID")]
    app: Option<String>,
    /// Print only what happened since this time (2026-11-26T08:00:00Z) or day (2026-11-26, UTC).
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Print only the entries of this contact centre's call.
    #[arg(long, value_name = "ID", requires = "app")]
    call_id: Option<String>,
    /// A seal kept from earlier: checks that everything up to it is unaltered.
    #[arg(long, value_name = "HEX", value_parser = seal)]
    seal: Option<Hash>,
}

/// Prints the log; the exit status says what the check found.
pub(crate) fn run(args: &Args) -> ExitCode {
    match print(args, &mut BufWriter::new(io::stdout().lock())) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(NOT_WHOLE),
        Err(error) => {
            let _ = writeln!(io::stderr(), "jalon-collector: {error}");
            ExitCode::from(UNCHECKED)
        }
    }
}

/// Prints the entries as they are read, then what the check found; says whether all is well.
fn print(args: &Args, out: &mut impl Write) -> Result<bool, BoxError> {
    let log = AuditLog::open(&args.data)?;
    let call = args.app.as_deref().zip(args.call_id.as_deref());
    let claimant = call.map(|(app, call_id)| log.claimant(app, call_id));
    let wanted = |entry: &AuditEntry| {
        args.app.as_ref().is_none_or(|app| *app == entry.app)
            && args.since.is_none_or(|since| since.as_millisecond() <= entry.at)
            && claimant.is_none_or(|claimant| claimant.as_bytes() == entry.claimant)
    };
    let mut found = Findings::default();
    for entry in log.entries() {
        let entry = entry?;
        if let Some(error) = entry.error {
            writeln!(out, "! {}", described(error, entry.id))?;
        }
        if wanted(&entry) {
            writeln!(out, "{}", line(&entry))?;
        }
        found.note(&entry, args.seal.as_ref());
    }
    found.print(args.seal.is_some(), out)?;
    out.flush()?;
    Ok(found.first_error.is_none() && args.seal.is_some() == found.kept.is_some())
}

/// What the check found.
#[derive(Default)]
struct Findings {
    entries: u64,
    errors: u64,
    first_error: Option<i64>,
    /// The entry of the kept seal.
    kept: Option<i64>,
    newest: Option<Vec<u8>>,
}

impl Findings {
    fn note(&mut self, entry: &AuditEntry, seal: Option<&Hash>) {
        self.entries += 1;
        if entry.error.is_some() {
            self.errors += 1;
            self.first_error.get_or_insert(entry.id);
        }
        if seal.is_some_and(|seal| *seal == *entry.seal) {
            self.kept = Some(entry.id);
        }
        self.newest = Some(entry.seal.clone());
    }

    fn print(&self, seal_given: bool, out: &mut impl Write) -> io::Result<()> {
        let count = self.entries;
        match self.first_error {
            Some(first) if self.errors == 1 => {
                writeln!(out, "the log is NOT as it was written: see entry {first}")?;
            }
            Some(first) => {
                let errors = self.errors;
                writeln!(
                    out,
                    "the log is NOT as it was written: {errors} flaws, the first at entry {first}"
                )?;
            }
            None if count == 0 => writeln!(out, "the log is empty")?,
            None if count == 1 => writeln!(out, "the log is whole: 1 entry")?,
            None => {
                writeln!(out, "the log is whole: {count} entries, each sealing the one before")?;
            }
        }
        match self.kept {
            Some(id) if self.first_error.is_none_or(|first| id < first) => {
                writeln!(out, "the kept seal is that of entry {id}: all up to there is as it was")?;
            }
            Some(id) => writeln!(
                out,
                "the kept seal is that of entry {id}, but not all up to there is as it was"
            )?,
            None if seal_given => writeln!(
                out,
                "the kept seal is NOT in the log: its entry, or one before it, was removed or \
                 rewritten"
            )?,
            None => writeln!(out, "entries cut from the end can be seen only with a kept --seal")?,
        }
        match &self.newest {
            Some(newest) if self.first_error.is_none() => {
                writeln!(out, "newest seal, to be kept elsewhere: {}", hex(newest))
            }
            _ => Ok(()),
        }
    }
}

fn described(error: AuditError, id: i64) -> String {
    match error {
        AuditError::Altered => format!("entry {id} was altered or inserted: its seal does not fit"),
        AuditError::Missing { from, to } if from == to => {
            format!("entry {from} is missing; entry {id} cannot be checked without it")
        }
        AuditError::Missing { from, to } => {
            format!("entries {from} to {to} are missing; entry {id} cannot be checked without them")
        }
    }
}

fn line(entry: &AuditEntry) -> String {
    let at = Timestamp::from_millisecond(entry.at).unwrap_or_default();
    let claimant = &entry.claimant[..entry.claimant.len().min(CLAIMANT_BYTES)];
    // Texts that clients sent are escaped, so that they cannot fake lines or fields.
    let agent = entry.agent.as_ref().map_or("-".to_owned(), |agent| format!("{agent:?}"));
    let (id, app, act) = (entry.id, entry.app.escape_debug(), entry.act.escape_debug());
    format!("{id}\t{at:.3}\t{app}\t{act}\t{agent}\t{}", hex(claimant))
}

/// Reads a time, or a day in UTC, as commands take it.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    let day = |_| text.parse::<Date>().and_then(|day| day.to_zoned(TimeZone::UTC));
    let time = text.parse::<Timestamp>().or_else(|error| day(error).map(|day| day.timestamp()));
    time.map_err(|_| "expected a time such as 2026-11-26T08:00:00Z, or a day".to_owned())
}

fn seal(text: &str) -> Result<Hash, String> {
    let wrong = || "expected a seal of 64 hexadecimal digits".to_owned();
    let digits: Vec<u8> = text
        .trim()
        .chars()
        .map(|digit| digit.to_digit(16).map(|digit| digit as u8))
        .collect::<Option<_>>()
        .ok_or_else(wrong)?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    if digits.len() == 64 { bytes.try_into().map_err(|_| wrong()) } else { Err(wrong()) }
}
