//! Tests that run in Node, of a folder with its own `package.json`.

use std::process::Command;

use anyhow::Result;

use crate::tools::{self, cargo, need};

/// The command that runs a folder's tests in Node against the collector. Installs and builds what
/// they need first.
pub(crate) fn node_tests(folder: &str, why: &str) -> Result<Command> {
    need("node", "nodejs", why)?;
    need("npm", "npm", why)?;
    tools::run(&mut cargo(["build", "--package", "jalon-collector"]))?;
    let folder = crate::root().join(folder);
    let quiet = ["ci", "--no-audit", "--no-fund", "--ignore-scripts"];
    tools::run(Command::new("npm").args(quiet).current_dir(&folder))?;
    let mut tests = Command::new("node");
    tests.args(["--test", "--test-reporter=spec"]).current_dir(&folder);
    tests.env("JALON_COLLECTOR_BIN", crate::built("jalon-collector").get_program());
    Ok(tests)
}
