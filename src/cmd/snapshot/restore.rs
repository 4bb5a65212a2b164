//! `snapshot restore`: a data directory for a member of a new cluster.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::arg;
use crate::cmd::uninterrupted;
use crate::error::{Error, Exit, Result};
use crate::progress::Progress;
use crate::snapshot::restore::{Restore, Watch};
use crate::terminal;

/// Make a data directory from a snapshot
///
/// The directory is a member's of a new cluster, which has the keys of the old. For a cluster of several, run
/// this once for each member, with the same FILE, --initial-cluster and --initial-cluster-token.
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl snapshot restore [flags] FILE")]
pub struct Args {
    /// Snapshot to restore
    file: Vec<OsString>,
    /// Directory to make; NAME.etcd where none is given
    #[arg(long, value_name = "DIR", value_parser = arg::path())]
    data_dir: Option<PathBuf>,
    /// Directory of the write-ahead log, where it is not within the data directory
    #[arg(long, value_name = "DIR", value_parser = arg::path())]
    wal_dir: Option<PathBuf>,
    /// Name of this member
    #[arg(long, value_name = "NAME", default_value = "default")]
    name: String,
    /// All members, this one too: NAME=URL,NAME=URL
    #[arg(long, value_name = "MEMBERS", default_value = "default=http://localhost:2380")]
    initial_cluster: String,
    /// Text that tells this cluster from others of the same members
    #[arg(long, value_name = "TEXT", default_value = "etcd-cluster")]
    initial_cluster_token: String,
    /// Peer URLs of this member, as in --initial-cluster
    #[arg(long, value_name = "URLS", default_value = "http://localhost:2380")]
    initial_advertise_peer_urls: String,
    /// Take a file without a hash: a database copied from a data directory
    #[arg(long)]
    skip_hash_check: bool,
    /// Let revisions go on so much later, so that none comes twice; needs --mark-compacted
    #[arg(long, value_name = "N", default_value = "0", value_parser = arg::uint)]
    bump_revision: u64,
    /// Answer no reads of revisions before the new one; needs --bump-revision
    #[arg(long)]
    mark_compacted: bool,
    /// Taken, and not needed
    #[arg(long, value_name = "BYTES", default_value = "10737418240", value_parser = arg::uint)]
    initial_memory_map_size: u64,
}

pub async fn run(args: Args) -> Result<()> {
    let [file] = args.file.as_slice() else {
        return Err(Error::bad_args("snapshot restore requires exactly one argument"));
    };
    if (args.bump_revision > 0) != args.mark_compacted {
        return Err(Error::bad_args("--mark-compacted required if --revision-bump > 0"));
    }
    let given = |path: Option<PathBuf>| path.filter(|path| path != Path::new(""));
    let data_dir = given(args.data_dir).unwrap_or_else(|| format!("{}.etcd", args.name).into());
    let restore = Restore {
        snapshot: file.into(),
        data_dir,
        wal_dir: given(args.wal_dir),
        name: args.name,
        initial_cluster: args.initial_cluster,
        token: args.initial_cluster_token,
        advertised: args.initial_advertise_peer_urls,
        skip_hash_check: args.skip_hash_check,
        bump: args.mark_compacted.then_some(args.bump_revision),
        memory_map: args.initial_memory_map_size,
    };
    let data_dir = restore.data_dir.clone();
    let name = restore.name.clone();
    uninterrupted(move |stop| {
        restore.run(&mut Terminal { progress: Progress::new(false, 0), stop })
    })
    .await?;
    explain(&data_dir, &name);
    Ok(())
}

/// Shows how far the copy is, and stops it.
struct Terminal {
    progress: Progress,
    stop: Arc<AtomicBool>,
}

impl Watch for Terminal {
    fn begin(&mut self, bytes: u64) {
        let watched = terminal::is_a_persons(std::io::stderr());
        self.progress = Progress::new(watched, bytes);
    }

    fn advance(&mut self, bytes: usize) -> Result<()> {
        if self.stop.load(Ordering::SeqCst) {
            return Err(Error::new(Exit::Failure, "interrupted"));
        }
        self.progress.advance(bytes);
        Ok(())
    }
}

/// Tells a person what comes next. Programs are told nothing that the official client would not say.
fn explain(data_dir: &Path, name: &str) {
    if !terminal::is_a_persons(std::io::stderr()) {
        return;
    }
    // Nobody is left to tell where that fails.
    let _ = writeln!(
        std::io::stderr(),
        "restored to {0}; start etcd with --name {name} --data-dir {0} and the same --initial-… flags.\n\
         The directory belongs to you: if etcd runs as another user, chown -R it first.",
        data_dir.display()
    );
}
