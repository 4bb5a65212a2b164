//! `lock`: a name that one holder has at a time, for as long as it lives or a command runs.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::arg;
use crate::child::{self, Failed};
use crate::cluster::Cluster;
use crate::cluster::session::{Place, Session};
use crate::context::Context;
use crate::error::{Error, Exit, Result};
use crate::output::{Format, Output, View};
use crate::request::Range;
use crate::terminal::Interruption;

/// Hold a lock, or run a command while it is held
///
/// Waits for its turn, prints the key that holds the lock, and keeps it until a signal comes. With a
/// COMMAND, runs that instead, with ETCD_LOCK_KEY and ETCD_LOCK_REV in its environment, and ends as it ends.
/// A command with flags of its own stands behind `--`.
#[expect(clippy::doc_markdown, reason = "it is what people read in a terminal")]
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl lock [flags] NAME [--] [COMMAND [ARG...]]")]
pub struct Args {
    /// Name of the lock; then the command and its arguments
    words: Vec<OsString>,
    /// Seconds after which a holder that is not heard of has lost the lock
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = arg::int)]
    ttl: i64,
}

/// What a session's time is where the one given is none (`clientv3/concurrency`, `defaultSessionTTL`).
const DEFAULT_TTL: i64 = 60;

pub async fn run(args: Args, cx: &mut Context) -> Result<()> {
    let Some((name, command)) = args.words.split_first() else {
        let words = "lock takes a lock name argument and an optional command to execute";
        return Err(Error::bad_args(words));
    };
    let mut out = cx.output(&Format::WITHOUT_RAW)?;
    let ttl = if args.ttl > 0 {
        args.ttl
    } else {
        crate::output::say(&format!("--ttl should be more than 0: {DEFAULT_TTL} is taken"));
        DEFAULT_TTL
    };
    let cluster = cx.cluster().await?.clone();
    let mut session = cluster.session(ttl).await?;
    let mut interruption = Interruption::new();
    let outcome = hold(&cluster, &mut session, (name, command), &mut interruption, &mut out).await;
    let released = session.end().await;
    interruption.pass_on();
    // Who was told to end has ended, whether or not a server heard of it.
    outcome.and_then(|held| match held {
        Held::UntilSignalled => Ok(()),
        Held::UntilDone => released,
    })
}

/// How a lock came to its end.
enum Held {
    UntilSignalled,
    UntilDone,
}

async fn hold(
    cluster: &Cluster,
    session: &mut Session<'_>,
    words: (&OsString, &[OsString]),
    interruption: &mut Interruption,
    out: &mut Output,
) -> Result<Held> {
    let (name, command) = words;
    let expired = || Error::failure("session expired");
    let lease = session.lease;
    let turn = in_turn(cluster, name.as_bytes(), lease, Vec::new(), interruption);
    let place = session.during(turn).await.ok_or_else(expired)??;
    if !command.is_empty() {
        let key = OsString::from_vec(place.key);
        let revision = place.header.revision.to_string();
        // What is there already wins, as in the official client.
        let vars = [("ETCD_LOCK_KEY", key), ("ETCD_LOCK_REV", revision.into())];
        let vars = vars.into_iter().filter(|(name, _)| std::env::var_os(name).is_none());
        let vars = vars.map(|(name, value)| (name.into(), value)).collect();
        let ended = session.beside(child::run(command, vars)).await;
        return ended.map(|()| Held::UntilDone).map_err(failed);
    }
    show(cluster, &place, out).await?;
    tokio::select! {
        _ = interruption.wait() => Ok(Held::UntilSignalled),
        None = session.during(std::future::pending::<()>()) => Err(expired()),
    }
}

/// Joins a queue and waits for its turn; a signal ends the waiting.
pub async fn in_turn(
    cluster: &Cluster,
    name: &[u8],
    lease: i64,
    value: Vec<u8>,
    interruption: &mut Interruption,
) -> Result<Place> {
    let turn = Box::pin(async {
        let place = cluster.join(name, lease, value).await?;
        cluster.turn(&place).await?;
        Ok(place)
    });
    tokio::select! {
        biased;
        _ = interruption.wait() => Err(Error::failure("context canceled")),
        turn = turn => turn,
    }
}

/// Prints the key that has the turn as `get` would.
pub async fn show(cluster: &Cluster, place: &Place, out: &mut Output) -> Result<()> {
    let pages = cluster.range(Range { key: place.key.clone(), ..Range::default() }).await?;
    out.print_range(pages.into(), View::Pairs).await
}

/// A child's failure becomes ours, its status too.
fn failed(failed: Failed) -> Error {
    let exit = match failed.status {
        Some(status) => Exit::Child(u8::try_from(status & 0xff).unwrap_or(u8::MAX)),
        None => Exit::Failure,
    };
    Error::new(exit, failed.words)
}
