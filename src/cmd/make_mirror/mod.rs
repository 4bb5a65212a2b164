//! `make-mirror`: copies keys to another cluster, then everything that happens to them.

mod checkpoint;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, interval_at, sleep_until};

use self::checkpoint::Checkpoint;
use crate::arg;
use crate::cluster::Cluster;
use crate::cluster::tls::TlsFiles;
use crate::context::{Context, Reach};
use crate::error::{Error, Result};
use crate::login;
use crate::output::{self, Format};
use crate::proto::{WatchResponse, is_deletion};
use crate::request::{Delete, Operation, Put, Range, RangeEnd, Txn, Watch};
use crate::terminal::Interruption;

/// Copy keys to another cluster, and all that happens to them from then on
///
/// Copies every key under --prefix to the cluster at DESTINATION, then follows what happens to them. Prints every
/// 30 seconds how many changes were made there. Leases are not copied.
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl make-mirror [flags] DESTINATION")]
pub struct Args {
    /// Endpoint of the cluster to copy to
    destination: Vec<String>,
    /// Copy the keys that begin with this
    #[arg(long, value_name = "KEY", default_value = "")]
    prefix: arg::Bytes,
    /// Copy what happened from this revision on, and not what was there before; 0 and 1 for everything
    #[arg(long, value_name = "REVISION", default_value = "0", value_parser = arg::int)]
    rev: i64,
    /// Changes in one transaction, at most
    #[arg(long, value_name = "N", default_value = "128", value_parser = arg::uint)]
    max_txn_ops: u64,
    /// Keep in this file how far the mirror is, and go on from there
    #[arg(long, value_name = "FILE", value_parser = arg::path())]
    checkpoint: Option<PathBuf>,
    /// Let the copies begin with this instead of --prefix
    #[arg(long, value_name = "KEY", default_value = "")]
    dest_prefix: arg::Bytes,
    /// Leave --prefix out of the copies' keys
    #[arg(long)]
    no_dest_prefix: bool,
    /// Client certificate for the destination (PEM file)
    #[arg(long, value_name = "FILE", value_parser = arg::path())]
    dest_cert: Option<PathBuf>,
    /// Private key of that certificate (PEM file)
    #[arg(long, value_name = "FILE", value_parser = arg::path())]
    dest_key: Option<PathBuf>,
    /// Certificates of the authorities to trust there (PEM file)
    #[arg(long, value_name = "FILE", value_parser = arg::path())]
    dest_cacert: Option<PathBuf>,
    /// Speak plain text to the destination where no scheme and no certificate says otherwise
    #[arg(long, value_name = "BOOL", default_value_t = true, hide_possible_values = true, action = clap::ArgAction::Set)]
    dest_insecure_transport: bool,
    /// User name there, or NAME:PASSWORD; without a password it is asked for
    #[arg(long, value_name = "NAME", default_value = "")]
    dest_user: OsString,
    /// Password of --dest-user
    #[arg(long, value_name = "PASSWORD", default_value = "")]
    dest_password: OsString,
}

/// How often the count is printed.
const REPORT: Duration = Duration::from_secs(30);

pub async fn run(mut args: Args, cx: &mut Context) -> Result<()> {
    let [destination] = args.destination.as_slice() else {
        return Err(Error::bad_args("make-mirror takes one destination argument"));
    };
    let destination = destination.clone();
    cx.answers_in(&Format::WITHOUT_RAW)?;
    let checkpoint = args.checkpoint.take().map(|path| Checkpoint::open(&path)).transpose()?;
    let destination = cx.cluster_of(args.reach(destination).await?)?;
    destination.login().await?;
    let source = cx.cluster().await?.clone();
    source.login().await?;
    // Only now, as in the official client: files that cannot be used are told first.
    if args.no_dest_prefix && !args.dest_prefix.0.is_empty() {
        let words =
            "`--dest-prefix` and `--no-dest-prefix` cannot be set at the same time, choose one";
        return Err(Error::bad_args(words));
    }
    let keys = Keys::new(&args);
    let most = usize::try_from(args.max_txn_ops).unwrap_or(usize::MAX);
    let mut mirror = Mirror { source, destination, keys, most, done: Arc::default(), checkpoint };
    report(Arc::clone(&mirror.done));
    if mirror.checkpoint.is_none() {
        return mirror.run(args.rev).await;
    }
    let mut interruption = Interruption::new();
    let kind = tokio::select! {
        outcome = mirror.run(args.rev) => return outcome.and(mirror.keep()),
        kind = interruption.wait() => kind,
    };
    mirror.keep()?;
    interruption.obey(kind);
    Ok(())
}

impl Args {
    /// The way to the destination. Flags of the source do not count for it.
    async fn reach(&self, destination: String) -> Result<Reach> {
        let named =
            |path: &Option<PathBuf>| path.clone().filter(|path| !path.as_os_str().is_empty());
        let files = TlsFiles {
            cacert: named(&self.dest_cacert),
            cert: named(&self.dest_cert),
            key: named(&self.dest_key),
            skip_verify: false,
        };
        let wants_tls = files.any() || !self.dest_insecure_transport;
        let login = login::of(&self.dest_user, &self.dest_password, "Destination Password: ");
        Ok(Reach { endpoints: vec![destination], files, wants_tls, login: login.await? })
    }
}

/// Where a key's copy is.
struct Keys {
    prefix: Vec<u8>,
    theirs: Vec<u8>,
}

impl Keys {
    fn new(args: &Args) -> Self {
        let prefix = args.prefix.0.clone();
        let theirs = match (args.no_dest_prefix, args.dest_prefix.0.is_empty()) {
            (true, _) => Vec::new(),
            (false, true) => prefix.clone(),
            (false, false) => args.dest_prefix.0.clone(),
        };
        Self { prefix, theirs }
    }

    fn copy(&self, key: &[u8]) -> Vec<u8> {
        [&self.theirs, key.strip_prefix(self.prefix.as_slice()).unwrap_or(key)].concat()
    }
}

/// A mirror at work.
struct Mirror {
    source: Cluster,
    destination: Cluster,
    keys: Keys,
    /// Changes in one transaction; 0 for any number.
    most: usize,
    done: Arc<AtomicU64>,
    checkpoint: Option<Checkpoint>,
}

impl Mirror {
    /// Goes on until something ends it: never well.
    async fn run(&mut self, revision: i64) -> Result<()> {
        let reached = self.checkpoint.as_ref().map_or(0, Checkpoint::revision);
        let reached = match (reached, revision) {
            (1.., _) => reached,
            (_, 2..) => revision - 1,
            _ => self.copy().await?,
        };
        self.follow(reached.saturating_add(1)).await
    }

    /// Copies what is there; gives the revision it was read at.
    async fn copy(&mut self) -> Result<i64> {
        let range =
            Range { key: self.keys.prefix.clone(), end: RangeEnd::Prefix, ..Range::default() };
        let source = self.source.clone();
        let mut pages = source.range(range).await?;
        let header = pages.header();
        let mut pairs = Vec::new();
        while pages.next(&mut pairs).await? {
            for pair in &pairs {
                let (key, value) = (self.keys.copy(&pair.key), pair.value.to_vec());
                self.destination.put(Put { key, value, ..Put::default() }).await?;
                self.done.fetch_add(1, Ordering::Relaxed);
            }
        }
        if let Some(checkpoint) = &mut self.checkpoint {
            checkpoint.reached(&header, header.revision)?;
            checkpoint.write()?;
        }
        Ok(header.revision)
    }

    /// Repeats what happens from a revision on.
    async fn follow(&mut self, revision: i64) -> Result<()> {
        let source = self.source.clone();
        let mut watches = source.watches();
        watches.add(Watch {
            key: self.keys.prefix.clone(),
            end: RangeEnd::Prefix,
            revision,
            // What a checkpoint says must not grow old while nothing happens.
            progress_notify: self.checkpoint.is_some(),
            prev_kv: false,
        });
        loop {
            let due = self.checkpoint.as_ref().and_then(|checkpoint| checkpoint.due);
            let written = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            let heard = tokio::select! {
                heard = watches.next() => heard?,
                () = written => {
                    self.keep()?;
                    continue;
                }
            };
            match heard {
                Some(heard) if heard.response.compact_revision != 0 => {
                    let words = "etcdserver: mvcc: required revision has been compacted";
                    let hint = "start again without --rev, and without the file of --checkpoint";
                    return Err(Error::failure(words).hint(hint));
                }
                Some(heard) => {
                    // The official client ends without a word of it.
                    if let Some(end) = heard.end {
                        return Err(end
                            .causes
                            .explain(Error::failure("<nil>").because(end.reason)));
                    }
                    self.repeat(heard.response).await?;
                }
                None => return Err(Error::failure("<nil>").because("the server ended the watch")),
            }
        }
    }

    /// Makes the changes of an answer, those of one revision in one transaction.
    async fn repeat(&mut self, response: WatchResponse) -> Result<()> {
        let header = response.header.unwrap_or_default();
        if let Some(checkpoint) = &self.checkpoint {
            checkpoint.is_of(&header)?;
        }
        let (mut last, mut changes) = (0, Vec::new());
        let mut reached = header.revision;
        for event in response.events {
            let deleted = is_deletion(&event);
            let Some(kv) = event.kv else { continue };
            if (last != 0 && kv.mod_revision > last)
                || (self.most > 0 && changes.len() == self.most)
            {
                self.commit(std::mem::take(&mut changes)).await?;
            }
            last = kv.mod_revision;
            reached = last;
            let key = self.keys.copy(&kv.key);
            changes.push(if deleted {
                Operation::Delete(Delete { key, ..Delete::default() })
            } else {
                Operation::Put(Put { key, value: kv.value, ..Put::default() })
            });
        }
        self.commit(changes).await?;
        match &mut self.checkpoint {
            Some(checkpoint) => checkpoint.reached(&header, reached),
            None => Ok(()),
        }
    }

    async fn commit(&mut self, changes: Vec<Operation>) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let many = u64::try_from(changes.len()).unwrap_or(u64::MAX);
        self.destination.txn(Txn { success: changes, ..Txn::default() }).await?;
        self.done.fetch_add(many, Ordering::Relaxed);
        Ok(())
    }

    /// Writes the checkpoint, where there is one and it is behind.
    fn keep(&mut self) -> Result<()> {
        self.checkpoint.as_mut().map_or(Ok(()), Checkpoint::write)
    }
}

/// Prints now and then how much is done.
fn report(done: Arc<AtomicU64>) {
    tokio::spawn(async move {
        let mut times = interval_at(Instant::now() + REPORT, REPORT);
        loop {
            times.tick().await;
            // Nobody who reads it is no reason to stop.
            let _ = output::print_text(&format!("{}\n", done.load(Ordering::Relaxed)));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copys_key_begins_as_wanted() {
        let copy = |prefix: &str, theirs: &str, key: &str| {
            let keys = Keys { prefix: prefix.into(), theirs: theirs.into() };
            String::from_utf8(keys.copy(key.as_bytes())).unwrap()
        };
        assert_eq!(copy("a/", "a/", "a/a/1"), "a/a/1");
        assert_eq!(copy("a/", "b/", "a/a/1"), "b/a/1");
        assert_eq!(copy("a/", "", "a/a/1"), "a/1");
        assert_eq!(copy("", "z/", "a/1"), "z/a/1");
    }
}
