//! Running commands, and installing what they need where that can be done.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

/// The cargo that runs us, in the workspace's folder.
pub(crate) fn cargo<const N: usize>(arguments: [&str; N]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(arguments).current_dir(crate::root());
    command
}

/// Runs a command to its end; an exit code other than zero is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = line_of(command);
    eprintln!("$ {line}");
    let status = command.status().with_context(|| format!("could not start: {line}"))?;
    ensure!(status.success(), "failed ({status}): {line}");
    Ok(())
}

/// Runs a command and gives its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let line = line_of(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("could not start: {line}"))?;
    ensure!(output.status.success(), "failed ({}): {line}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// Where cargo keeps what it fetches.
pub(crate) fn cargo_home() -> Result<PathBuf> {
    let own = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    own.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))
        .context("neither CARGO_HOME nor HOME says where cargo keeps what it fetches")
}

/// Makes sure a program is installed: installs it on Debian as root, otherwise fails with the
/// package to install.
pub(crate) fn need(program: &str, package: &str, why: &str) -> Result<()> {
    if is_there(program) {
        return Ok(());
    }
    install(package, why)?;
    ensure!(is_there(program), "{package} was installed but contains no `{program}`");
    Ok(())
}

/// Makes sure a file exists, in the same way.
pub(crate) fn need_file(path: &str, package: &str, why: &str) -> Result<()> {
    if Path::new(path).is_file() {
        return Ok(());
    }
    install(package, why)?;
    ensure!(Path::new(path).is_file(), "{package} was installed but contains no {path}");
    Ok(())
}

fn install(package: &str, why: &str) -> Result<()> {
    let is_root = output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !is_root || !is_there("apt-get") {
        bail!("{why} need the package {package}: install it");
    }
    eprintln!("installing {package}: {why} need it");
    let mut update = Command::new("apt-get");
    run(update.args(["update", "-qq"]))?;
    let mut install = Command::new("apt-get");
    install.args(["install", "-y", "-qq", "--no-install-recommends", package]);
    run(install.env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null()))
}

/// Whether a program is on the path.
pub(crate) fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| Path::new(&folder).join(program).is_file())
}

/// Takes a screenshot of a page with headless Chromium.
pub(crate) fn screenshot(url: &str, size: (u32, u32), file: &Path, profile: &Path) -> Result<()> {
    let mut chromium = Command::new("chromium");
    chromium
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--hide-scrollbars"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("--window-size={},{}", size.0, size.1))
        .arg(format!("--screenshot={}", file.display()))
        .arg(url)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let status = chromium.status().context("could not start chromium")?;
    ensure!(status.success() && file.is_file(), "chromium took no screenshot of the page");
    Ok(())
}

fn line_of(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
