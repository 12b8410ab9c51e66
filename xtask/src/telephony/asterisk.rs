//! Asterisk, from Debian sid in a chroot of its own, with the recipe's own files.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::clock;
use super::collector::Collector;
use super::manager::Manager;
use super::process::Running;
use super::{AGENTS, tones};
use crate::chroot::{Chroot, Mount, Release};

/// Where it takes calls.
pub(crate) const ADDRESS: &str = "127.0.0.10:5060";
/// Where callers' digits come as RFC 4733 events, as SIP INFO, as tones: one carrier each.
pub(crate) const EVENTS_FROM: &str = "127.0.0.11";
pub(crate) const INFO_FROM: &str = "127.0.0.12";
pub(crate) const TONES_FROM: &str = "127.0.0.13";

const MANAGER: &str = "127.0.0.10:5038";
/// Only this machine can reach it, and it ends with the run.
const MANAGER_SECRET: &str = "of-this-run";
/// Where its folder lies in the chroot.
const INSIDE: &str = "/srv/jalon";
/// What the recipe consists of, but for the site's own file.
const RECIPE: [&str; 3] = ["extensions.conf", "jalon.conf", "pjsip-jalon.conf"];
/// How long a greeting takes that says "Welcome to Example. This call may be recorded."
const GREETING_S: usize = 5;
/// How long it may take to start, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// An exchange that answers calls, and hears digits.
pub(crate) struct Asterisk {
    /// Before the chroot: nothing may run in it when its lock goes.
    _running: Running,
    /// What it says of its calls.
    pub(crate) heard: Manager,
    _chroot: Chroot,
}

/// A chroot with it installed.
///
/// # Errors
/// Where there can be none: this needs root, on Debian.
pub(crate) fn chroot() -> Result<Chroot> {
    Chroot::with(Release::Sid, &["asterisk"], "the calls of cargo xtask telephony")
}

impl Asterisk {
    /// Starts it.
    pub(crate) fn start(chroot: Chroot, collector: &Collector, folder: &Path) -> Result<Self> {
        let folder = folder.join("asterisk");
        configure(collector, &folder)?;
        let host = crate::tools::output(&mut Command::new("hostname"))?;
        let hosts = chroot.folder().join("etc/hosts");
        // It looks its own host's name up.
        fs::write(hosts, format!("127.0.0.1 localhost {host}\n"))?;
        let mount = Mount { outside: &folder, inside: INSIDE, writable: true };
        let mut command = chroot.command(&[mount], "asterisk");
        command.args(["-f", "-C", &format!("{INSIDE}/asterisk.conf")]);
        let log = folder.join("asterisk.log");
        let mut running = Running::start("Asterisk", &command, &log)?;
        let heard = clock::until(PATIENCE, || {
            if let Err(error) = running.check() {
                return Some(Err(error));
            }
            let socket = folder.join("run/asterisk.ctl");
            let is_up = socket.exists() && is_booted(&chroot, &folder);
            is_up.then(|| Manager::open(MANAGER, "run", MANAGER_SECRET))
        });
        let heard = heard
            .context("it did not start in time")
            .flatten()
            .with_context(|| format!("Asterisk: see {}", log.display()))?;
        Ok(Self { _running: running, heard, _chroot: chroot })
    }
}

fn is_booted(chroot: &Chroot, folder: &Path) -> bool {
    let mount = Mount { outside: folder, inside: INSIDE, writable: true };
    let mut command = chroot.command(&[mount], "asterisk");
    command.args(["-C", &format!("{INSIDE}/asterisk.conf"), "-rx", "core waitfullybooted"]);
    command
        .output()
        .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("fully booted"))
}

/// The recipe's files as they are, and beside them what a site adds.
fn configure(collector: &Collector, folder: &Path) -> Result<()> {
    for part in ["var", "spool", "run", "log", "sounds"] {
        fs::create_dir_all(folder.join(part))?;
    }
    for name in RECIPE {
        let recipe = crate::root().join("docs/recipes/asterisk").join(name);
        fs::copy(&recipe, folder.join(name))
            .with_context(|| format!("could not take {}", recipe.display()))?;
    }
    fs::write(folder.join("jalon-site.conf"), site(collector)?)?;
    // A voice at the level of speech, that must not be taken for digits: a hum.
    let hum = tones::hum(GREETING_S);
    fs::write(folder.join("sounds/welcome.ulaw"), hum)?;
    let own = |name: &str, text: String| fs::write(folder.join(name), text);
    own("asterisk.conf", directories())?;
    own("modules.conf", "[modules]\nautoload=yes\n".into())?;
    own("logger.conf", "[general]\n[logfiles]\nconsole => notice,warning,error\n".into())?;
    own("rtp.conf", "[general]\nrtpstart=17000\nrtpend=19999\n".into())?;
    own("manager.conf", manager())?;
    own("pjsip.conf", pjsip())?;
    Ok(())
}

/// The site's file, from the recipe's example of it: each global that the run knows better is set.
fn site(collector: &Collector) -> Result<String> {
    let example = crate::root().join("docs/recipes/asterisk/jalon-site.conf");
    let mut text = fs::read_to_string(&example)?;
    let welcome = format!("{INSIDE}/sounds/welcome");
    for (name, value) in [
        ("JALON_URL", collector.url().as_str()),
        ("JALON_KEY", &collector.centre_key),
        ("JALON_GREETING", &welcome),
    ] {
        let line = text.lines().find(|line| line.starts_with(&format!("{name}=")));
        let line = line.with_context(|| format!("{} has no {name}", example.display()))?.to_owned();
        text = text.replace(&line, &format!("{name}={value}"));
    }
    Ok(text)
}

fn directories() -> String {
    let modules = format!("/usr/lib/{}-linux-gnu/asterisk/modules", std::env::consts::ARCH);
    format!(
        "[directories]\nastetcdir => {INSIDE}\nastvarlibdir => {INSIDE}/var\n\
         astdbdir => {INSIDE}/var\nastkeydir => {INSIDE}/var\nastdatadir => /usr/share/asterisk\n\
         astagidir => {INSIDE}/var\nastspooldir => {INSIDE}/spool\nastrundir => {INSIDE}/run\n\
         astlogdir => {INSIDE}/log\nastmoddir => {modules}\n[options]\nsystemname = run\n"
    )
}

fn manager() -> String {
    let (host, port) = MANAGER.split_once(':').unwrap_or_default();
    format!(
        "[general]\nenabled=yes\nbindaddr={host}\nport={port}\n\n[run]\nsecret={MANAGER_SECRET}\n\
         read=call,dtmf\nwrite=system\n"
    )
}

/// Three carriers and the agents, from the recipe's templates. The carriers keep the template's
/// dtmf_mode, but for the one that sends INFO.
fn pjsip() -> String {
    let trunk = |name: &str, from: &str, more: &str| {
        format!(
            "[trunk-{name}](jalon-trunk)\n{more}\n[trunk-{name}]\ntype=identify\n\
             endpoint=trunk-{name}\nmatch={from}\n\n"
        )
    };
    format!(
        "#include pjsip-jalon.conf\n\n\
         [udp]\ntype=transport\nprotocol=udp\nbind={ADDRESS}\n\n{}{}{}\
         [agents](jalon-agents)\naors=agents\n\n[agents]\ntype=aor\ncontact=sip:agents@{AGENTS}\n",
        trunk("events", EVENTS_FROM, ""),
        trunk("info", INFO_FROM, "dtmf_mode=info\n"),
        trunk("tones", TONES_FROM, ""),
    )
}
