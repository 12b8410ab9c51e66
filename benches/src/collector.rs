//! The real collector as its own process, in a folder of its own.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use crate::report;

/// The app of the keys.
const APP: &str = "com.example.shop";

/// A collector that serves until it is dropped.
#[derive(Debug)]
pub struct Collector {
    child: Child,
    /// Where it listens: `127.0.0.1:PORT`.
    pub address: String,
    /// A key that writes.
    pub write_key: String,
    /// A key that resolves.
    pub centre_key: String,
    data: TempDir,
}

impl Collector {
    /// Builds it where needed, and starts it on a free port, its data beside the reports.
    ///
    /// # Errors
    /// When it cannot be built or started.
    pub fn start() -> Result<Self> {
        let binary = binary()?;
        let data = tempfile::Builder::new().prefix("collector-").tempdir_in(report::folder()?)?;
        let write_key = create_key(&binary, data.path(), "write")?;
        let centre_key = create_key(&binary, data.path(), "contact-centre")?;
        let options = data.path().join("bench.toml");
        // What is measured is the machine, not the quota of one key.
        std::fs::write(&options, format!("[apps.\"{APP}\"]\nevents_per_s = 10000000\n"))?;
        let mut child = Command::new(&binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data.path())
            .arg("--config")
            .arg(&options)
            .env("JALON_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("failed to start {}", binary.display()))?;
        let stdout = child.stdout.take().context("a collector without an output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().strip_prefix("listening on http://").map(str::to_owned);
        let address = address.with_context(|| format!("the collector said {line:?}"))?;
        Ok(Self { child, address, write_key, centre_key, data })
    }

    /// Where phones send to.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Events in its database.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn events_stored(&self) -> Result<u64> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let path = self.data.path().join("collector.db");
        let connection = Connection::open_with_flags(path, flags)?;
        let count: i64 =
            connection.query_row("SELECT count(*) FROM events", [], |row| row.get(0))?;
        Ok(u64::try_from(count)?)
    }

    /// Seconds of processor it used, in all its threads.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn cpu_seconds(&self) -> Result<f64> {
        /// `USER_HZ`, which Linux fixes for all of user space.
        const TICKS_PER_S: f64 = 100.0;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let rest = stat.rsplit(") ").next().unwrap_or_default();
        // utime and stime: fields 14 and 15 of proc(5), counted from the state, the third.
        let ticks = rest.split(' ').skip(11).take(2).map(|t| t.parse::<f64>().unwrap_or(0.0));
        Ok(ticks.sum::<f64>() / TICKS_PER_S)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // It has nothing to lose.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `JALON_COLLECTOR`, or what cargo builds in its profile for servers.
fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("JALON_COLLECTOR") {
        return Ok(path.into());
    }
    // TARGET/PROFILE/this-binary.
    let exe = std::env::current_exe()?;
    let target = exe.ancestors().nth(2).context("this binary is in no target folder")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--profile", "server", "--package", "jalon-collector"])
        .arg("--target-dir")
        .arg(target)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .status()
        .context("failed to run cargo: set JALON_COLLECTOR to the collector's binary")?;
    ensure!(status.success(), "failed to build the collector");
    Ok(target.join("server/jalon-collector"))
}

fn create_key(binary: &Path, data: &Path, kind: &str) -> Result<String> {
    let output = Command::new(binary)
        .args(["key", "create", "--kind", kind, "--app", APP, "--data"])
        .arg(data)
        .env("JALON_LOG", "warn")
        .output()
        .with_context(|| format!("failed to start {}", binary.display()))?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
