//! `version`: which official client this one answers for.

use crate::context::Context;
use crate::error::Result;
use crate::output;

/// The release of the official client whose answers these are.
pub const OFFICIAL: &str = "3.7.1";

/// Print the version
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl version")]
pub struct Args {
    /// What the official client takes, and passes over
    #[arg(hide = true)]
    surplus: Vec<std::ffi::OsString>,
}

pub fn run(cx: &Context) -> Result<()> {
    let program = cx.command_line.get_name();
    output::print_text(&format!("{program} version: {OFFICIAL}\nAPI version: 3.7\n"))
}
