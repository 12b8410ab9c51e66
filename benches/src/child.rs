//! The benchmark's own binary again, as a process that is killed.

use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Signal, getpid, kill_process};

/// The arguments of this process, if it is such a child.
pub fn args() -> Option<Vec<String>> {
    let mut args = std::env::args().skip(1);
    (args.next()? == "--child").then(|| args.collect())
}

/// In the child: SIGKILL, at this very moment. A parent's would come later, by as much as the
/// scheduler pleases, and give other threads time to write.
///
/// # Errors
/// When the system refuses; else it does not return.
pub fn kill_this_process() -> Result<()> {
    kill_process(getpid(), Signal::KILL)?;
    bail!("this process outlived its SIGKILL")
}

/// Runs a child until it has killed itself.
///
/// # Errors
/// When it ends otherwise.
pub fn run_until_killed(args: &[&str]) -> Result<()> {
    let ended = start(args)?.wait()?;
    ensure!(ended.signal() == Some(Signal::KILL.as_raw()), "the child {args:?}: {ended}");
    Ok(())
}

/// Runs a child to its end: what it printed.
///
/// # Errors
/// When it fails.
pub fn run(args: &[&str]) -> Result<String> {
    let mut child = start(args)?;
    let mut text = String::new();
    child.stdout.take().context("a child without an output")?.read_to_string(&mut text)?;
    ensure!(child.wait()?.success(), "the child {args:?} failed");
    Ok(text)
}

fn start(args: &[&str]) -> Result<Child> {
    Command::new(std::env::current_exe()?)
        .arg("--child")
        .args(args)
        .stdout(Stdio::piped())
        .spawn()
        .context("failed to start a child")
}
