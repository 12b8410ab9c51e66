//! Kamailio, from the machine's own Debian, with the recipe's own files.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::AGENTS;
use super::clock;
use super::collector::Collector;
use super::process::Running;
use crate::tools::{need, need_file};

/// Where it takes calls.
pub(crate) const ADDRESS: &str = "127.0.0.20:5060";
/// Where the app's SIP calls come from.
pub(crate) const APPS_FROM: &str = "127.0.0.21";

const RECIPE: [&str; 2] = ["kamailio.cfg", "jalon.cfg"];
/// How long it may take to start, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// What it says once its processes run.
const IS_UP: &str = "Listening on";

/// A proxy that looks calls up on their way.
pub(crate) struct Kamailio {
    running: Running,
}

/// Installs it, with the modules that the recipe names.
pub(crate) fn install() -> Result<()> {
    let why = "the calls of cargo xtask telephony";
    need("kamailio", "kamailio", why)?;
    let module = |name: &str| {
        let triplet = format!("{}-linux-gnu", std::env::consts::ARCH);
        format!("/usr/lib/{triplet}/kamailio/modules/{name}.so")
    };
    need_file(&module("http_client"), "kamailio-utils-modules", why)?;
    need_file(&module("jansson"), "kamailio-extra-modules", why)
}

impl Kamailio {
    /// Starts it.
    pub(crate) fn start(collector: &Collector, folder: &Path) -> Result<Self> {
        let folder = folder.join("kamailio");
        fs::create_dir_all(&folder)?;
        let recipes = crate::root().join("docs/recipes/kamailio");
        for name in RECIPE {
            fs::copy(recipes.join(name), folder.join(name))
                .with_context(|| format!("could not take {name} from {}", recipes.display()))?;
        }
        fs::write(folder.join("jalon-site.cfg"), site(collector, &recipes)?)?;
        let mut command = Command::new("kamailio");
        // In the foreground, with its processes as children.
        command.args(["-DD", "-E", "-f"]).arg(folder.join("kamailio.cfg"));
        command.arg("-Y").arg(&folder);
        let log = folder.join("kamailio.log");
        let mut running = Running::start("Kamailio", &command, &log)?;
        clock::until(PATIENCE, || {
            if let Err(error) = running.check() {
                return Some(Err(error));
            }
            let is_up = fs::read_to_string(&log).is_ok_and(|text| text.contains(IS_UP));
            is_up.then_some(Ok(()))
        })
        .context("it did not start in time")
        .flatten()
        .with_context(|| format!("Kamailio: see {}", log.display()))?;
        Ok(Self { running })
    }

    /// Fails if it has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        self.running.check()
    }
}

/// The site's file, from the recipe's example of it.
fn site(collector: &Collector, recipes: &Path) -> Result<String> {
    let example = recipes.join("jalon-site.cfg");
    let mut text = fs::read_to_string(&example)?;
    for (name, value) in [
        ("JALON_URL", collector.url()),
        ("JALON_KEY", collector.centre_key.clone()),
        ("JALON_LISTEN", format!("udp:{ADDRESS}")),
        ("JALON_AGENTS", format!("sip:{AGENTS}")),
    ] {
        let begin = format!("#!substdef \"!{name}!");
        let line = text.lines().find(|line| line.starts_with(&begin));
        let line = line.with_context(|| format!("{} has no {name}", example.display()))?.to_owned();
        text = text.replace(&line, &format!("{begin}{value}!g\""));
    }
    Ok(text)
}
