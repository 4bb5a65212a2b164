//! `auth`: whether the cluster asks who is there.

use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::{self, Format};
use crate::reply::Reply;

/// Turn authentication on and off
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl auth COMMAND")]
pub struct Args {
    #[command(subcommand)]
    command: Auth,
}

#[derive(Debug, clap::Subcommand)]
enum Auth {
    /// Turn authentication off
    #[command(override_usage = "etcdctl auth disable")]
    Disable {
        /// Nothing
        #[arg(hide = true)]
        none: Vec<String>,
    },
    /// Turn authentication on
    #[command(override_usage = "etcdctl auth enable")]
    Enable {
        /// Nothing
        #[arg(hide = true)]
        none: Vec<String>,
    },
    /// Print whether authentication is on
    #[command(override_usage = "etcdctl auth status")]
    Status {
        /// Nothing
        #[arg(hide = true)]
        none: Vec<String>,
    },
}

pub async fn run(args: Args, cx: &mut Context) -> Result<()> {
    let (name, none, formats) = match &args.command {
        // One text in every format, which must exist all the same.
        Auth::Disable { none } => ("disable", none, &Format::ALL[..]),
        Auth::Enable { none } => ("enable", none, &Format::ALL[..]),
        Auth::Status { none } => ("status", none, &Format::WITHOUT_RAW[..]),
    };
    if !none.is_empty() {
        let words = format!("auth {name} command does not accept any arguments");
        return Err(Error::bad_args(words));
    }
    let cluster = cx.cluster_for(formats).await?;
    match args.command {
        Auth::Disable { .. } => {
            cluster.auth_disable().await?;
            output::print_text("Authentication Disabled\n")
        }
        Auth::Enable { .. } => {
            let mut enabled = cluster.auth_enable().await;
            if let Err(err) = &enabled
                && err.message() == "etcdserver: root user does not have root role"
            {
                cluster.role_add("root".to_owned()).await?;
                cluster.user_grant_role("root".to_owned(), "root".to_owned()).await?;
                enabled = cluster.auth_enable().await;
            }
            enabled?;
            output::print_text("Authentication Enabled\n")
        }
        Auth::Status { .. } => {
            let answer = cluster.auth_status().await?;
            cx.print(&Reply::AuthStatus(answer))
        }
    }
}
