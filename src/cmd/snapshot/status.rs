//! `snapshot status` and `snapshot verify`: what a file holds, and whether it is sound.

use std::ffi::OsString;
use std::path::Path;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::go::size;
use crate::output::{self, Format};
use crate::reply::{Fact, Reply};
use crate::snapshot::db::Db;
use crate::snapshot::status;

/// Print what a snapshot holds
///
/// Its hash (of everything in it), its revision, how many keys there are at that, the size of its pages, and the
/// version of their layout.
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl snapshot status [flags] FILE")]
pub struct Args {
    /// Snapshot, or a stopped member's database
    file: Vec<OsString>,
}

/// Check every page and every record of a snapshot
///
/// Prints OK, or the first damage and where it is. A snapshot's SHA-256 must be right; a member's database has none.
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl snapshot verify FILE")]
pub struct VerifyArgs {
    /// Snapshot, or a stopped member's database
    file: Vec<OsString>,
}

pub fn run(args: &Args, cx: &mut Context) -> Result<()> {
    let [file] = args.file.as_slice() else {
        return Err(Error::bad_args("snapshot status requires exactly one argument"));
    };
    cx.offline_in(&Format::OF_FILES)?;
    let status = status::status(&Db::open(Path::new(file))?)?;
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let bytes = number(status.total_size);
    cx.print(&Reply::File(vec![
        Fact::number("hash", "Hash", "HASH", status.hash.into())
            .shown(format!("{:x}", status.hash)),
        Fact::number("revision", "Revision", "REVISION", status.revision),
        Fact::number("totalKey", "Keys", "TOTAL KEYS", number(status.total_key)),
        Fact::number("totalSize", "Size", "TOTAL SIZE", bytes)
            .shown(size::bytes(status.total_size)),
        Fact::text("version", "Version", "VERSION", status.version),
    ]))
}

pub fn verify(args: &VerifyArgs) -> Result<()> {
    let [file] = args.file.as_slice() else {
        return Err(Error::bad_args("snapshot verify requires exactly one argument"));
    };
    status::verify(&Db::open(Path::new(file))?)?;
    output::print_text("OK\n")
}
