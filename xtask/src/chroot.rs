//! A Debian root beside the machine, for what the machine's own release lacks: from trixie a Rust
//! compiler with its library's sources and Swift, from sid an Asterisk.
//!
//! Made once, as root, by debootstrap, from the mirror that the machine's own apt sources name.
//! Each command runs in a mount namespace of its own: what is mounted for it ends with its last
//! process, however that dies, so nothing outside can ever be deleted through the chroot.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::fs::{FlockOperation, flock};
use rustix::io::{FdFlags, fcntl_setfd};

use crate::tools::{self, need};

/// The release of a chroot.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Release {
    /// Stable: its content does not change.
    Trixie,
    /// Unstable: its content changes from day to day, so no check of CI uses it.
    Sid,
}

impl Release {
    fn name(self) -> &'static str {
        match self {
            Self::Trixie => "trixie",
            Self::Sid => "sid",
        }
    }

    /// The environment variable that names another folder for its chroot.
    fn variable(self) -> &'static str {
        match self {
            Self::Trixie => "JALON_DEBIAN_DIR",
            Self::Sid => "JALON_DEBIAN_SID_DIR",
        }
    }

    /// The lists of sid on a frozen mirror are past their validity date.
    fn update(self) -> &'static str {
        match self {
            Self::Trixie => "apt-get update -qq",
            Self::Sid => "apt-get -o Acquire::Check-Valid-Until=false update -qq",
        }
    }
}

/// Holds one empty file per package that was installed completely.
const INSTALLED: &str = "var/lib/jalon";
const PATH_INSIDE: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A folder of the machine, as a command in the chroot sees it.
pub(crate) struct Mount<'a> {
    /// On the machine.
    pub(crate) outside: &'a Path,
    /// In the chroot, absolute.
    pub(crate) inside: &'a str,
    /// Whether the command may write there.
    pub(crate) writable: bool,
}

/// A chroot that exists.
pub(crate) struct Chroot {
    release: Release,
    folder: PathBuf,
    /// Held while this value lives: only one process makes or fills the chroot at a time.
    _lock: File,
}

impl Chroot {
    /// Opens the chroot with these packages in it: made and installed where they are not yet.
    ///
    /// # Errors
    /// Where it cannot be made, with what to install or to do by hand.
    pub(crate) fn with(release: Release, packages: &[&str], why: &str) -> Result<Self> {
        let name = release.name();
        let folder = std::env::var_os(release.variable())
            .map_or_else(|| crate::target().join(format!("debian-{name}")), PathBuf::from);
        let elsewhere = format!(
            "{why} need Debian {name} with {}, in a folder that only root can make, on Debian: \
             run this there",
            packages.join(", ")
        );
        let id = tools::output(Command::new("id").arg("-u")).context(elsewhere.clone())?;
        ensure!(id.trim() == "0", "not root: {elsewhere}");
        let mirror = mirror(Path::new("/")).context(elsewhere)?;
        need("unshare", "util-linux", why)?;
        need("debootstrap", "debootstrap", why)?;
        let parent =
            folder.parent().context("the chroot's folder has no parent: name another one")?;
        fs::create_dir_all(parent)?;
        let folder = parent.canonicalize()?.join(folder.file_name().unwrap_or_default());
        let lock = File::create(folder.with_extension("lock"))?;
        flock(&lock, FlockOperation::LockExclusive)?;
        // The processes we start inherit the lock: if we are killed, nobody clears the chroot under a
        // debootstrap that goes on.
        fcntl_setfd(&lock, FdFlags::empty())?;
        let chroot = Self { release, folder: folder.clone(), _lock: lock };
        chroot.make(&mirror)?;
        chroot.install(packages)?;
        // The chroot trusts the certificates that the machine trusts, such as its proxy's. Copied each
        // time, since the package ca-certificates overwrites it.
        let trusted = "etc/ssl/certs/ca-certificates.crt";
        if let Ok(roots) = fs::read(Path::new("/").join(trusted)) {
            fs::create_dir_all(folder.join("etc/ssl/certs"))?;
            fs::write(folder.join(trusted), roots)?;
        }
        Ok(chroot)
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A command in the chroot, with nothing of the machine's environment.
    pub(crate) fn command(&self, mounts: &[Mount<'_>], program: &str) -> Command {
        let mut command = apart();
        command.arg("sh").arg(crate::root().join("xtask/enter.sh")).arg(&self.folder);
        for mount in mounts {
            command.arg(mount.outside).arg(mount.inside);
            command.arg(if mount.writable { "rw" } else { "ro" });
        }
        command.args(["--", program]);
        command.env_clear().env("PATH", PATH_INSIDE).env("HOME", "/root").env("LANG", "C.UTF-8");
        command
    }

    /// Makes the root under another name first, so that a half-made one is never used.
    fn make(&self, mirror: &str) -> Result<()> {
        if self.folder.join("etc/debian_version").exists() {
            return Ok(());
        }
        ensure!(!self.folder.exists(), "{} is no Debian root", self.folder.display());
        let half = self.folder.with_extension("half-made");
        if half.exists() {
            clear(&half)?;
        }
        let mut debootstrap = apart();
        debootstrap.args(["debootstrap", "--variant=minbase", self.release.name()]);
        debootstrap.arg(&half).arg(mirror).stdout(Stdio::null());
        tools::run(&mut debootstrap)
            .with_context(|| format!("its log is {}/debootstrap", half.display()))?;
        fs::create_dir_all(half.join(INSTALLED))?;
        fs::rename(&half, &self.folder)?;
        Ok(())
    }

    fn install(&self, packages: &[&str]) -> Result<()> {
        let mark = |package: &str| self.folder.join(INSTALLED).join(package);
        let missing: Vec<_> = packages.iter().filter(|package| !mark(package).exists()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        // The machine's own settings of apt: a proxy, or how dates are taken.
        for entry in fs::read_dir("/etc/apt/apt.conf.d")? {
            let path = entry?.path();
            let text = fs::read_to_string(&path)?;
            if text.lines().any(|line| line.trim_start().starts_with("Acquire")) {
                fs::copy(&path, self.folder.join(path.strip_prefix("/")?))?;
            }
        }
        // Use the machine's current name servers, not those of when the chroot was made.
        fs::copy("/etc/resolv.conf", self.folder.join("etc/resolv.conf"))
            .context("could not copy /etc/resolv.conf")?;
        let script = format!(
            "dpkg --configure -a && {} && \
             apt-get install -y -qq --no-install-recommends \"$@\" && apt-get clean",
            self.release.update()
        );
        let mut install = self.command(&[], "sh");
        install.args(["-c", &script, "sh"]).args(&missing).env("DEBIAN_FRONTEND", "noninteractive");
        tools::run(install.stdout(Stdio::null()))?;
        fs::create_dir_all(self.folder.join(INSTALLED))?;
        for package in missing {
            fs::write(mark(package), "")?;
        }
        Ok(())
    }
}

/// A command prefix: what follows runs in a mount namespace of its own.
fn apart() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private"]);
    command
}

/// Deletes a half-made root; refuses where something is mounted in it.
fn clear(folder: &Path) -> Result<()> {
    let folder = folder.canonicalize()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let inside = mounts.lines().filter_map(|line| line.split(' ').nth(4));
    if let Some(mount) = inside.map(Path::new).find(|mount| mount.starts_with(&folder)) {
        bail!("{} is mounted inside a half-made root: unmount it first", mount.display());
    }
    fs::remove_dir_all(&folder).with_context(|| format!("could not delete {}", folder.display()))
}

/// The mirror that a machine's apt sources name for its own Debian release.
fn mirror(root: &Path) -> Result<String> {
    let release = fs::read_to_string(root.join("etc/os-release")).context("this is no Debian")?;
    let field = |name: &str| {
        let value = release.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value.map(|value| value.trim_matches('"').to_owned())
    };
    ensure!(field("ID").as_deref() == Some("debian"), "this is no Debian");
    let codename = field("VERSION_CODENAME").context("this Debian has no code name")?;
    let folder = root.join("etc/apt");
    let mut files = vec![folder.join("sources.list")];
    if let Ok(entries) = fs::read_dir(folder.join("sources.list.d")) {
        files.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
    }
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let found = match file.extension().and_then(|extension| extension.to_str()) {
            Some("list") => text.lines().find_map(|line| of_line(line, &codename)),
            Some("sources") => text.split("\n\n").find_map(|stanza| of_stanza(stanza, &codename)),
            _ => None,
        };
        if let Some(mirror) = found {
            return Ok(mirror);
        }
    }
    bail!("apt's sources name no mirror of {codename}")
}

/// `deb [options] URI suite component…`
fn of_line(line: &str, codename: &str) -> Option<String> {
    let rest = line.trim().strip_prefix("deb ")?.trim_start();
    let rest =
        rest.strip_prefix('[').map_or(rest, |rest| rest.split_once(']').unwrap_or_default().1);
    let mut words = rest.split_whitespace();
    let mirror = words.next()?;
    (words.next()? == codename && words.any(|word| word == "main")).then(|| mirror.to_owned())
}

/// The same in the deb822 format: one field per line.
fn of_stanza(stanza: &str, codename: &str) -> Option<String> {
    let field = |name: &str| {
        let value = stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(value.split_whitespace().collect::<Vec<_>>())
    };
    let has = |name, word| field(name).is_some_and(|words| words.contains(&word));
    let is_it = has("Types", "deb") && has("Suites", codename) && has("Components", "main");
    field("URIs").filter(|_| is_it)?.first().map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_mirror_from_a_line() {
        let read = |line| of_line(line, "bookworm");
        let mirror = Some("http://mirror.invalid/debian".to_owned());
        assert_eq!(read("deb http://mirror.invalid/debian bookworm main contrib"), mirror);
        assert_eq!(read("deb [arch=amd64] http://mirror.invalid/debian bookworm main"), mirror);
        assert_eq!(read("deb http://mirror.invalid/debian bookworm-security main"), None);
        assert_eq!(read("# deb http://mirror.invalid/debian bookworm main"), None);
    }

    #[test]
    fn reads_the_mirror_from_a_stanza() {
        let stanza = "Types: deb\n# a comment\nURIs: http://mirror.invalid/debian\n\
                      Suites: bookworm bookworm-updates\nComponents: main\n";
        let mirror = Some("http://mirror.invalid/debian".to_owned());
        assert_eq!(of_stanza(stanza, "bookworm"), mirror);
        assert_eq!(of_stanza(stanza, "trixie"), None);
        assert_eq!(of_stanza(&stanza.replace("main", "contrib"), "bookworm"), None);
    }
}
