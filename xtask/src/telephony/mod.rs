//! `cargo xtask telephony`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::debian::{Release, Room};

/// What the run can be told.
#[derive(Args)]
pub(crate) struct Options {
    /// Calls a carrier.
    #[arg(long, default_value_t = 200)]
    calls: u32,
}

/// Runs.
pub(crate) fn run(_options: &Options) -> Result<ExitCode> {
    let _room = Room::with(Release::Sid, &["asterisk"], "the telephony run")?;
    Ok(ExitCode::SUCCESS)
}
