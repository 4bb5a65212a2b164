//! `elect`: stands for election under a name, or follows who is elected.

use std::ffi::OsString;

use crate::arg::Bytes;
use crate::cluster::Cluster;
use crate::cluster::session::Session;
use crate::cmd::lock::{in_turn, show};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::{Format, Output, View};
use crate::reply::Tail;
use crate::terminal::Interruption;

/// Stand for election, or follow who is elected
///
/// Waits until it is elected under NAME with PROPOSAL, prints its key and proposal, and leads until a
/// signal comes. With --listen, prints each leader's key and proposal.
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl elect [flags] NAME [PROPOSAL]")]
pub struct Args {
    /// Name of the election
    name: Option<Bytes>,
    /// What to be elected with
    proposal: Option<Bytes>,
    /// What the official client refuses
    #[arg(hide = true)]
    surplus: Vec<OsString>,
    /// Print who leads, and who follows
    #[arg(long, short)]
    listen: bool,
}

/// Seconds until a leader that is not heard of leads no more (`clientv3/concurrency`, `defaultSessionTTL`).
const TTL: i64 = 60;

pub async fn run(args: Args, cx: &mut Context) -> Result<()> {
    let (Some(name), true) = (args.name, args.surplus.is_empty()) else {
        let words = "elect takes one election name argument and an optional proposal argument";
        return Err(Error::bad_args(words));
    };
    match (args.proposal, args.listen) {
        (None, false) => Err(Error::bad_args("no proposal argument but -l not set")),
        (Some(_), true) => Err(Error::bad_args("proposal given but -l is set")),
        (None, true) => listen(&name.0, cx).await,
        (Some(proposal), false) => stand(&name.0, proposal.0, cx).await,
    }
}

async fn listen(name: &[u8], cx: &mut Context) -> Result<()> {
    let mut out = cx.output(&Format::WITHOUT_RAW)?;
    let cluster = cx.cluster().await?;
    cluster.login().await?;
    let mut interruption = Interruption::new();
    let mut leaders = cluster.leaders(name);
    loop {
        tokio::select! {
            biased;
            _ = interruption.wait() => {
                interruption.pass_on();
                return Ok(());
            }
            leader = leaders.next() => {
                let (header, leader) = leader?;
                // The official client counts nothing here.
                out.print_pairs(&header, &[leader], Tail::default(), View::Pairs)?;
            }
        }
    }
}

async fn stand(name: &[u8], proposal: Vec<u8>, cx: &mut Context) -> Result<()> {
    let mut out = cx.output(&Format::WITHOUT_RAW)?;
    let cluster = cx.cluster().await?.clone();
    let mut session = cluster.session(TTL).await?;
    let mut interruption = Interruption::new();
    let outcome = lead(&cluster, &mut session, (name, proposal), &mut interruption, &mut out).await;
    // Who was told to end has ended, whether or not a server heard of it: the lease ends by itself.
    let _ = session.end().await;
    interruption.pass_on();
    outcome
}

/// Leads, once elected, until a signal comes.
async fn lead(
    cluster: &Cluster,
    session: &mut Session<'_>,
    candidate: (&[u8], Vec<u8>),
    interruption: &mut Interruption,
    out: &mut Output,
) -> Result<()> {
    let (name, proposal) = candidate;
    let expired = || Error::failure("elect: session expired");
    let turn = in_turn(cluster, name, session.lease, proposal, interruption);
    let place = session.during(turn).await.ok_or_else(expired)??;
    show(cluster, &place, out).await?;
    tokio::select! {
        _ = interruption.wait() => Ok(()),
        None = session.during(std::future::pending::<()>()) => Err(expired()),
    }
}
