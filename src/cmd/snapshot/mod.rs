//! `snapshot`: a member's database as a file.

mod restore;
mod save;
mod status;

use crate::context::Context;
use crate::error::Result;

/// Save a member's database, and make a data directory from it
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl snapshot COMMAND")]
pub struct Args {
    #[command(subcommand)]
    command: Snapshot,
}

#[derive(Debug, clap::Subcommand)]
enum Snapshot {
    Restore(restore::Args),
    Save(save::Args),
    Status(status::Args),
    Verify(status::VerifyArgs),
}

pub async fn run(args: Args, cx: &mut Context) -> Result<()> {
    match args.command {
        Snapshot::Restore(args) => restore::run(args).await,
        Snapshot::Save(args) => save::run(args, cx).await,
        Snapshot::Status(args) => status::run(&args, cx),
        Snapshot::Verify(args) => status::verify(&args),
    }
}
