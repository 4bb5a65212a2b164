//! `version`: which official client this one answers for.

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

pub fn run() -> Result<()> {
    output::print_text(&format!("etcdctl version: {OFFICIAL}\nAPI version: 3.7\n"))
}
