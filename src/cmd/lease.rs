//! `lease`: time to live for keys.

use crate::arg;
use crate::context::Context;
use crate::error::{Error, Exit, Result};
use crate::go::number;
use crate::output::{Format, print_text};
use crate::reply::{Done, Reply};

/// Give keys a time to live
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl lease COMMAND")]
pub struct Args {
    #[command(subcommand)]
    command: Lease,
}

#[derive(Debug, clap::Subcommand)]
enum Lease {
    /// Make a lease of so many seconds
    #[command(override_usage = "etcdctl lease grant TTL")]
    Grant {
        /// Seconds until it ends, unless it is kept alive
        ttl: Vec<String>,
    },
    /// End a lease, and delete its keys
    #[command(override_usage = "etcdctl lease revoke ID")]
    Revoke {
        /// Lease, in hexadecimal
        id: Vec<String>,
    },
    /// Print how long a lease lives
    #[command(override_usage = "etcdctl lease timetolive [flags] ID")]
    Timetolive {
        /// Lease, in hexadecimal
        id: Vec<String>,
        /// Print the keys that it is attached to
        #[arg(long)]
        keys: bool,
    },
    /// Renew a lease until it is gone
    #[command(override_usage = "etcdctl lease keep-alive [flags] ID")]
    KeepAlive {
        /// Lease, in hexadecimal
        id: Vec<String>,
        /// Renew it once, and end
        #[arg(long)]
        once: bool,
    },
    /// Print all leases
    #[command(override_usage = "etcdctl lease list")]
    List {
        /// What the official client takes, and passes over
        #[arg(hide = true)]
        surplus: Vec<std::ffi::OsString>,
    },
}

pub async fn run(args: Args, cx: &mut Context) -> Result<()> {
    // What cannot be read of a lease ends with the status of a bad connection, in the official client too.
    let unread = |err: Error| err.exit(Exit::BadConnection);
    let reply = |cx: &mut Context, reply| cx.print(&reply);
    match args.command {
        Lease::Grant { ttl } => {
            let ttl = time(&ttl)?;
            let cluster = cx.cluster_for(&Format::WITHOUT_RAW).await?;
            let answer = cluster.lease_grant(ttl).await;
            let answer = answer
                .map_err(|err| err.reworded(|words| format!("failed to grant lease ({words})")))?;
            reply(cx, Reply::LeaseGrant(answer))
        }
        Lease::Revoke { id } => {
            let id = lease(&id, "lease revoke command needs 1 argument")?;
            let cluster = cx.cluster_for(&Format::WITHOUT_RAW).await?;
            let answer = cluster.lease_revoke(id).await;
            let answer = answer
                .map_err(|err| err.reworded(|words| format!("failed to revoke lease ({words})")))?;
            let text = format!("lease {id:016x} revoked");
            let header = answer.message.header;
            reply(cx, Reply::Done(Done { text, header, bytes: answer.bytes }))
        }
        Lease::Timetolive { id, keys } => {
            let id = lease(&id, "lease timetolive command needs lease ID as argument")?;
            let cluster = cx.cluster_for(&Format::WITHOUT_RAW).await?;
            let answer = cluster.lease_time_to_live(id, keys).await.map_err(unread)?;
            reply(cx, Reply::LeaseTimeToLive { answer, keys })
        }
        Lease::KeepAlive { id, once } => {
            let id = lease(&id, "lease keep-alive command needs lease ID as argument")?;
            let format = cx.answers_in(&Format::WITHOUT_RAW)?;
            let cluster = cx.cluster().await?;
            if once {
                let answer = cluster.lease_renew(id).await.map_err(unread)?;
                return reply(cx, Reply::LeaseKeepAlive(answer));
            }
            let cluster = cluster.clone();
            let mut renewals = cluster.renewals(id);
            while let Some(answer) = renewals.next().await.map_err(unread)? {
                reply(cx, Reply::LeaseKeepAlive(answer))?;
            }
            // Only `simple` has a word for it.
            if format == Format::Simple {
                print_text(&format!("lease {id:016x} expired or revoked.\n"))?;
            }
            Ok(())
        }
        Lease::List { .. } => {
            let cluster = cx.cluster_for(&Format::WITHOUT_RAW).await?;
            let answer = cluster.leases().await.map_err(unread)?;
            reply(cx, Reply::Leases(answer))
        }
    }
}

fn time(args: &[String]) -> Result<i64> {
    let [ttl] = args else {
        return Err(Error::bad_args("lease grant command needs TTL argument"));
    };
    number::parse_int(ttl, 10, 64).map_err(|err| Error::bad_args(format!("bad TTL ({err})")))
}

fn lease(args: &[String], needs: &str) -> Result<i64> {
    let [id] = args else { return Err(Error::bad_args(needs)) };
    arg::lease(id).map_err(|err| {
        Error::bad_args(format!("bad lease ID arg ({err}), expecting ID in Hex"))
            .hint("`etcdctl lease list` prints the ids")
    })
}
