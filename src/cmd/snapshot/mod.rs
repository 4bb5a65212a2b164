//! `snapshot`: a member's database as a file.

mod restore;

use crate::context::Context;
use crate::error::Result;

/// Make a data directory from a member's saved database
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl snapshot COMMAND")]
pub struct Args {
    #[command(subcommand)]
    command: Snapshot,
}

#[derive(Debug, clap::Subcommand)]
enum Snapshot {
    Restore(restore::Args),
}

pub async fn run(args: Args, _: &mut Context) -> Result<()> {
    match args.command {
        Snapshot::Restore(args) => restore::run(args).await,
    }
}
