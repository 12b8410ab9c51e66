//! The processes that the run starts; they end with it, however it ends.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::clock;

/// How long a program may take to end when asked.
const GRACE: Duration = Duration::from_secs(5);

/// A program in a process group of its own. Dropped, it ends with all that it started; and when the
/// run itself is killed, the system asks it to end.
///
/// Start it on the run's main thread: to the system, a thread that ends is a parent that died.
pub(crate) struct Running {
    name: &'static str,
    child: Child,
}

impl Running {
    /// Starts a command; what it prints goes into a file, unless it is piped already.
    pub(crate) fn start(name: &'static str, command: &Command, log: &Path) -> Result<Self> {
        let log = File::create(log).with_context(|| format!("could not make {}", log.display()))?;
        let mut command = bound(command);
        command.stdout(log.try_clone()?).stderr(log);
        Self::spawn(name, &mut command)
    }

    /// Starts a command that is complete.
    pub(crate) fn spawn(name: &'static str, command: &mut Command) -> Result<Self> {
        command.process_group(0);
        let child = command.spawn().with_context(|| format!("could not start {name}"))?;
        Ok(Self { name, child })
    }

    /// The process itself.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Fails if it has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        let status = self.child.try_wait()?;
        ensure!(status.is_none(), "{} has ended ({status:?})", self.name);
        Ok(())
    }

    /// Sends a signal to the process alone.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        kill_process(self.pid()?, signal).with_context(|| format!("could not signal {}", self.name))
    }

    fn pid(&self) -> Result<Pid> {
        let id = i32::try_from(self.child.id())?;
        Pid::from_raw(id).context("a process has a number")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Ok(pid) = self.pid() else { return };
        if matches!(self.child.try_wait(), Ok(None)) {
            // A stopped process would not hear of it. Ended already is just as well.
            let _ = kill_process_group(pid, Signal::TERM);
            let _ = kill_process_group(pid, Signal::CONT);
            clock::until(GRACE, || self.child.try_wait().ok().flatten());
        }
        let _ = kill_process_group(pid, Signal::KILL);
        let _ = self.child.wait();
    }
}

/// The same command, which hears SIGTERM when the thread that starts it is gone.
pub(crate) fn bound(command: &Command) -> Command {
    let mut bound = Command::new("setpriv");
    bound.args(["--pdeathsig", "TERM", "--"]).arg(command.get_program());
    bound.args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        bound.current_dir(folder);
    }
    bound
}
