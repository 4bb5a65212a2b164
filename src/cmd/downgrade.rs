//! `downgrade`: takes a cluster back one minor version (etcd 3.5 and newer).

use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::Format;
use crate::reply::Reply;

/// Take the cluster back one minor version
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl downgrade COMMAND")]
pub struct Args {
    #[command(subcommand)]
    command: Downgrade,
}

#[derive(Debug, clap::Subcommand)]
enum Downgrade {
    /// End a downgrade that is under way
    #[command(override_usage = "etcdctl downgrade cancel")]
    Cancel {
        /// What the official client takes, and passes over
        #[arg(hide = true)]
        surplus: Vec<std::ffi::OsString>,
    },
    /// Begin a downgrade
    #[command(override_usage = "etcdctl downgrade enable VERSION")]
    Enable {
        /// Version to go back to, as 3.6.0
        target: Vec<String>,
    },
    /// Ask whether the cluster can be taken back to a version
    #[command(override_usage = "etcdctl downgrade validate VERSION")]
    Validate {
        /// Version to go back to, as 3.6.0
        target: Vec<String>,
    },
}

pub async fn run(args: Args, cx: &mut Context) -> Result<()> {
    let (action, number, target) = match args.command {
        Downgrade::Validate { target } => ("validate", 0, version(target)?),
        Downgrade::Enable { target } => ("enable", 1, version(target)?),
        Downgrade::Cancel { .. } => ("cancel", 2, String::new()),
    };
    let cluster = cx.cluster_for(&Format::WITHOUT_RAW).await?;
    let answer = cluster.downgrade(number, target).await?;
    cx.print(&Reply::Downgrade { action, answer })
}

fn version(mut target: Vec<String>) -> Result<String> {
    if target.len() > 1 {
        return Err(Error::bad_args("too many arguments"));
    }
    let version = target.pop().ok_or_else(|| Error::bad_args("TARGET_VERSION not provided"))?;
    if version.is_empty() {
        return Err(Error::bad_args("target version not provided"));
    }
    Ok(version)
}
