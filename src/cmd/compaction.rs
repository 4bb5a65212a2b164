//! `compaction`: forgets the history before a revision.

use crate::context::Context;
use crate::error::{Error, Result};
use crate::go::number;
use crate::output::{self, Format};
use crate::request::Range;

/// Forget the history before a revision
///
/// REVISION is a number, `latest`, or -N: so many before the latest. What was changed before it cannot be
/// read any more; the keys as they are stay.
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl compaction [flags] REVISION")]
pub struct Args {
    /// First revision to keep
    #[arg(allow_hyphen_values = true)]
    revision: Vec<String>,
    /// Wait until the history is gone from the disk
    #[arg(long)]
    physical: bool,
}

/// The first revision to keep.
enum Keep {
    From(i64),
    /// So many before the latest.
    Last(i64),
}

pub async fn run(args: Args, cx: &mut Context) -> Result<()> {
    let [revision] = args.revision.as_slice() else {
        return Err(Error::bad_args("compaction command needs 1 argument"));
    };
    let keep = keep(revision)?;
    // The answer is one text in every format, which must exist all the same.
    let cluster = cx.cluster_for(&Format::ALL).await?;
    let revision = match keep {
        Keep::From(revision) => revision,
        Keep::Last(count) => {
            let range = Range { key: b"\0".to_vec(), count_only: true, ..Range::default() };
            let latest = cluster.range(range).await?.header().revision;
            latest.saturating_sub(count)
        }
    };
    cluster.compact(revision, args.physical).await?;
    output::print_text(&format!("compacted revision {revision}\n"))
}

fn keep(text: &str) -> Result<Keep> {
    if text == "latest" {
        return Ok(Keep::Last(0));
    }
    let number = number::parse_int(text, 10, 64).map_err(|err| Error::failure(err.to_string()))?;
    Ok(if number < 0 { Keep::Last(number.saturating_neg()) } else { Keep::From(number) })
}
