//! `defrag`: gives the space that compactions have freed back to the file system, member after member.

use tokio::time::Instant;

use super::endpoint;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::go::duration::GoDuration;
use crate::output::{self, Format};

/// Give back the space that a member's database no longer uses
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl defrag [flags]")]
pub struct Args {
    /// What the official client takes, and passes over
    #[arg(hide = true)]
    surplus: Vec<std::ffi::OsString>,
    /// All members of the cluster, at the URLs that they give to clients
    #[arg(long)]
    cluster: bool,
}

pub async fn run(args: &Args, cx: &mut Context) -> Result<()> {
    cx.answers_in(&Format::WITHOUT_RAW)?;
    let mut failed = false;
    // A member answers nobody meanwhile: never two at once.
    for endpoint in endpoint::endpoints(args.cluster, cx).await? {
        let cluster = cx.cluster_at(vec![endpoint.clone()]).await?;
        cluster.login().await?;
        let begun = Instant::now();
        let answer = cluster.defragment().await;
        let took = GoDuration::from_std(begun.elapsed());
        if let Err(err) = answer {
            let words = "Failed to defragment etcd member";
            cx.complain(&err, &format!("{words}[{endpoint}]. took {took}. ({err})"));
            failed = true;
        } else {
            let words = "Finished defragmenting etcd member";
            output::print_text(&format!("{words}[{endpoint}]. took {took}\n"))?;
        }
    }
    // What failed is told above, and the official client has no last line.
    if failed { Err(Error::failure("")) } else { Ok(()) }
}
