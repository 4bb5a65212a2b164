//! `hashkv`: the hash of the keys in a file, as servers compare it.

use std::ffi::OsString;
use std::path::Path;

use crate::arg;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::Format;
use crate::reply::{Fact, Reply};
use crate::snapshot::store;

/// Print the hash of the keys in a file
///
/// FILE is a snapshot or a stopped member's database; it is only read. Two members agree where their hashes of
/// one revision do.
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl hashkv [flags] FILE")]
pub struct Args {
    /// Snapshot or database
    file: Vec<OsString>,
    /// Hash the keys as of this revision; 0 for the newest
    #[arg(long, value_name = "REVISION", default_value = "0", value_parser = arg::int)]
    rev: i64,
}

pub fn run(args: &Args, cx: &mut Context) -> Result<()> {
    let [file] = args.file.as_slice() else {
        let words = format!("accepts 1 arg(s), received {}", args.file.len());
        return Err(Error::failure(words));
    };
    cx.offline_in(&Format::OF_FILES)?;
    let hash = store::hash_of(Path::new(file), args.rev)?;
    cx.print(&Reply::File(vec![
        Fact::number("hash", "Hash", "HASH", hash.hash.into()),
        Fact::number("hashRevision", "Hash revision", "HASH REVISION", hash.revision),
        Fact::number("compactRevision", "Compact revision", "COMPACT REVISION", hash.compacted),
    ]))
}
