//! `del`: deletes a key or a range of keys.

use std::io::Write;
use std::time::Duration;

use crate::arg::Bytes;
use crate::cmd::get::PREFIX_OR_FROM_KEY;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::go::quote::quote;
use crate::output::Format;
use crate::reply::Reply;
use crate::request::{Delete, RangeEnd};

/// Delete a key or a range of keys
///
/// Deletes KEY, or every key from it up to a second one, which is not included. A range without --range
/// is announced, and deleted two seconds later.
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl del [flags] KEY [RANGE_END]")]
pub struct Args {
    /// Key, or first key of the range
    key: Option<Bytes>,
    /// First key past the range
    range_end: Option<Bytes>,
    /// What is one argument too many
    #[arg(hide = true)]
    surplus: Vec<Bytes>,
    /// Every key from KEY on, in byte order
    #[arg(long)]
    from_key: bool,
    /// Every key that begins with KEY
    #[arg(long)]
    prefix: bool,
    /// Print the pairs that were deleted
    #[arg(long)]
    prev_kv: bool,
    /// Delete a range at once
    #[arg(long)]
    range: bool,
}

pub async fn run(args: Args, cx: &mut Context) -> Result<()> {
    let warning = args.warning();
    let delete = args.request()?;
    let mut out = cx.output(&Format::WITHOUT_RAW)?;
    if let Some(warning) = warning {
        pause(&warning).await;
    }
    let answer = cx.cluster().await?.delete(delete).await?;
    out.print(&Reply::Delete(answer))
}

/// Like the official client: whoever typed the second key by mistake has time to interrupt.
pub async fn pause(warning: &str) {
    let _ = writeln!(std::io::stderr(), "{warning}");
    tokio::time::sleep(Duration::from_secs(2)).await;
}

impl Args {
    /// What is said before a range is deleted that may not be meant.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let (Some(key), Some(end)) = (&self.key, &self.range_end) else { return None };
        if self.range || self.prefix || self.from_key || !self.surplus.is_empty() {
            return None;
        }
        Some(format!(
            "Warning: Keys between {} and {} will be deleted. Please interrupt the command within next 2 \
             seconds to cancel. You can provide `--range` flag to avoid the delay.",
            quote(&key.0),
            quote(&end.0)
        ))
    }

    /// The question these arguments ask.
    pub fn request(self) -> Result<Delete> {
        let (Some(key), true) = (self.key, self.surplus.is_empty()) else {
            let words =
                "del command needs one argument as key and an optional argument as range_end";
            return Err(Error::bad_args(words));
        };
        if self.prefix && self.from_key {
            return Err(Error::bad_args(PREFIX_OR_FROM_KEY));
        }
        if self.range_end.is_some() && (self.prefix || self.from_key) {
            let words = "too many arguments, only accept one argument when `--prefix` or `--from-key` is set";
            return Err(Error::bad_args(words));
        }
        let end = match (self.prefix, self.from_key, self.range_end) {
            (true, ..) => RangeEnd::Prefix,
            (_, true, _) => RangeEnd::Open,
            (false, false, Some(end)) if !end.0.is_empty() => RangeEnd::Below(end.0),
            (false, false, _) => RangeEnd::Key,
        };
        Ok(Delete { key: key.0, end, prev_kv: self.prev_kv })
    }
}
