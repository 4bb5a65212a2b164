//! `defrag`: gives the space that compactions have freed back to the file system, member after member; or that of
//! a data directory without a server.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::endpoint;
use crate::arg;
use crate::cmd::uninterrupted;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::go::duration::GoDuration;
use crate::output::{self, Format};
use crate::snapshot::defrag;

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
    /// Data directory of a member that does not run: no server is asked
    #[arg(long, value_name = "DIR", value_parser = arg::path())]
    data_dir: Option<PathBuf>,
    /// With --data-dir: longest wait for a server that still has the database; 0 waits for ever
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = arg::duration)]
    timeout: GoDuration,
}

pub async fn run(args: &Args, cx: &mut Context) -> Result<()> {
    let asks_servers = cx.command_line.get_name() == "etcdctl";
    match args.data_dir.as_deref() {
        Some(data_dir) if !asks_servers || data_dir != Path::new("") => {
            return of_a_directory(data_dir, args.timeout).await;
        }
        None if !asks_servers => {
            return Err(Error::failure("required flag(s) \"data-dir\" not set"));
        }
        _ => {}
    }
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

async fn of_a_directory(data_dir: &Path, timeout: GoDuration) -> Result<()> {
    let patience = timeout.as_std().filter(|time| !time.is_zero());
    let folder = data_dir.to_owned();
    let done = uninterrupted(move |stop| {
        defrag::defrag(&folder, patience, || {
            if stop.load(Ordering::SeqCst) { Err(Error::failure("interrupted")) } else { Ok(()) }
        })
    });
    let shown = data_dir.display();
    let failed = |words: &str| format!("Failed to defragment etcd data[{shown}] ({words})");
    done.await.map_err(|err| err.reworded(failed))
}
