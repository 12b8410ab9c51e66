//! The collector of the run: served, stopped, killed and served again; and its desk, opened as an
//! agent's browser opens it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rustix::process::Signal;
use ureq::Agent;

use super::process::{Running, bound};
use crate::tools;

const APP: &str = "com.example.shop";
/// What its first line begins with.
const LISTENING: &str = "listening on ";
/// How long a page may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The collector, on one address for the whole run.
pub(crate) struct Collector {
    folder: PathBuf,
    address: String,
    /// For phones.
    pub(crate) write_key: String,
    /// For exchanges.
    pub(crate) centre_key: String,
    /// `None` while it is down.
    served: Option<(Running, BufReader<ChildStdout>)>,
    browser: Agent,
}

impl Collector {
    /// Makes keys, and serves.
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        let screens = crate::root().join("tests/fixtures/shop/screens.toml").canonicalize()?;
        let config = format!("[apps.\"{APP}\"]\nscreens = \"{}\"\n", screens.display());
        fs::write(folder.join("collector.toml"), config)?;
        let browser = Agent::config_builder().timeout_global(Some(PATIENCE)).build().into();
        let mut collector = Self {
            folder: folder.to_owned(),
            address: "127.0.0.1:0".to_owned(),
            write_key: create_key(folder, "write")?,
            centre_key: create_key(folder, "contact-centre")?,
            served: None,
            browser,
        };
        collector.serve()?;
        Ok(collector)
    }

    /// Its address, without a slash at the end.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Serves, on the port it had before.
    pub(crate) fn serve(&mut self) -> Result<()> {
        let mut command = crate::built("jalon-collector");
        command.args(["serve", "--listen", &self.address]);
        // Links then lead to it from anywhere, as a contact centre's must.
        if !self.address.ends_with(":0") {
            command.args(["--public-url", &self.url()]);
        }
        command.arg("--data").arg(self.folder.join("collector"));
        command.arg("--config").arg(self.folder.join("collector.toml"));
        let mut command = bound(&command);
        command.stdout(Stdio::piped()).env("JALON_LOG", "warn");
        command.stderr(fs::File::create(self.folder.join("collector.log"))?);
        let mut running = Running::spawn("the collector", &mut command)?;
        let mut lines = BufReader::new(running.child().stdout.take().context("no output")?);
        let mut line = String::new();
        lines.read_line(&mut line)?;
        let address =
            line.trim().strip_prefix(LISTENING).and_then(|url| url.strip_prefix("http://"));
        let address = address.with_context(|| {
            format!("the collector ended early: see {}/collector.log", self.folder.display())
        })?;
        let has_url = !self.address.ends_with(":0");
        self.address = address.to_owned();
        self.served = Some((running, lines));
        // Once more, now that the address for its links is known.
        if has_url { Ok(()) } else { self.go_down().and_then(|()| self.serve()) }
    }

    /// Ends it at once, as a crash does.
    pub(crate) fn go_down(&mut self) -> Result<()> {
        if let Some((running, _)) = self.served.take() {
            running.signal(Signal::KILL)?;
        }
        Ok(())
    }

    /// Lets it hang: the system still takes connections for it, and nothing is answered.
    pub(crate) fn hang(&self) -> Result<()> {
        self.served.as_ref().context("the collector is down")?.0.signal(Signal::STOP)
    }

    /// Lets it go on.
    pub(crate) fn go_on(&self) -> Result<()> {
        self.served.as_ref().context("the collector is down")?.0.signal(Signal::CONT)
    }

    /// Opens a desk link: the page's text.
    pub(crate) fn open(&self, link: &str) -> Result<String> {
        ensure!(
            link.starts_with(&format!("{}/desk/", self.url())),
            "the desk link leads somewhere else: {link}"
        );
        let mut answer = self.browser.get(link).call().context("the desk link does not open")?;
        Ok(answer.body_mut().read_to_string()?)
    }

    /// Types a code into the desk's page of a call that nothing is known of: the page that follows.
    pub(crate) fn type_code(&self, link: &str, code: &str) -> Result<String> {
        let mut answer = self.browser.post(link).send_form([("code", code)])?;
        Ok(answer.body_mut().read_to_string()?)
    }
}

fn create_key(folder: &Path, kind: &str) -> Result<String> {
    let mut command = crate::built("jalon-collector");
    command.args(["key", "create", "--app", APP, "--kind", kind, "--data"]);
    let printed = tools::output(command.arg(folder.join("collector")))?;
    let key = printed.lines().last().context("no key was printed")?;
    Ok(key.trim().to_owned())
}
