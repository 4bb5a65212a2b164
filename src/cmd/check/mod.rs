//! `check`: what a cluster bears. Both checks write keys below a prefix of their own, judge, and delete them.

mod load;
mod report;

use std::ffi::OsString;
use std::time::Duration;

use self::load::{Load, Pace};
use crate::arg::Bytes;
use crate::cluster::Cluster;
use crate::context::Context;
use crate::error::{Error, Exit, Result};
use crate::go::quote;
use crate::output::{self, Format};
use crate::progress::Progress;
use crate::request::{Delete, Range, RangeEnd};
use crate::terminal::{self, Interruption};

/// Test what the cluster bears
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl check COMMAND")]
pub struct Args {
    #[command(subcommand)]
    command: Check,
}

#[derive(Debug, clap::Subcommand)]
enum Check {
    /// Write for a minute, and judge throughput and latency
    #[command(override_usage = "etcdctl check perf [flags]")]
    Perf {
        #[command(flatten)]
        size: Size,
        /// What the keys begin with; there must be none, and they are deleted afterwards
        #[arg(long, value_name = "PREFIX", default_value = "/etcdctl-check-perf/")]
        prefix: Bytes,
    },
    /// Write many keys, and tell the memory that they take of the first endpoint
    #[command(override_usage = "etcdctl check datascale [flags]")]
    Datascale {
        #[command(flatten)]
        size: Size,
        /// What the keys begin with; there must be none, and they are deleted afterwards
        #[arg(long, value_name = "PREFIX", default_value = "/etcdctl-check-datascale/")]
        prefix: Bytes,
    },
}

#[derive(Debug, clap::Args)]
struct Size {
    /// What the official client takes, and passes over
    #[arg(hide = true)]
    surplus: Vec<OsString>,
    /// How much: s, m, l, xl or a whole word
    #[arg(long, value_name = "small|medium|large|xLarge", default_value = "s")]
    load: String,
    /// Compact afterwards
    #[arg(long)]
    auto_compact: bool,
    /// Defragment every endpoint afterwards, one after the other
    #[arg(long)]
    auto_defrag: bool,
}

/// The official loads, `s` to `xl`: writes a second and clients, keys and clients.
const PERFORMANCE: [(u32, usize); 4] = [(150, 50), (1000, 200), (8000, 500), (15_000, 1000)];
const SCALE: [(u64, usize); 4] =
    [(10_000, 50), (100_000, 200), (1_000_000, 500), (3_000_000, 1000)];
const LASTING: Duration = Duration::from_secs(60);

/// What a person types to stop a check, which then reports on what there was.
const SIGINT: i32 = 2;

/// The time for cleaning up: each of its calls is a large one.
const CLEANING: Duration = Duration::from_secs(30);

const MEMORY: &str = "process_resident_memory_bytes";

pub async fn run(args: Args, cx: &mut Context) -> Result<()> {
    match args.command {
        Check::Perf { size, prefix } => {
            let (per_second, clients) = PERFORMANCE[size.position()?];
            cx.answers_in(&Format::WITHOUT_RAW)?;
            let pace = Pace::Rate { per_second, lasting: LASTING };
            let load = Load { pace, clients, prefix: prefix.0, key_size: 256, value_size: 1024 };
            perf(&load, per_second, &size, cx).await
        }
        Check::Datascale { size, prefix } => {
            let (keys, clients) = SCALE[size.position()?];
            cx.answers_in(&Format::WITHOUT_RAW)?;
            let pace = Pace::Keys(keys);
            let load = Load { pace, clients, prefix: prefix.0, key_size: 512, value_size: 512 };
            datascale(&load, keys, &size, cx).await
        }
    }
}

impl Size {
    /// The load's place among the four.
    fn position(&self) -> Result<usize> {
        const NAMES: [[&str; 2]; 4] =
            [["s", "small"], ["m", "medium"], ["l", "large"], ["xl", "xLarge"]];
        NAMES.iter().position(|names| names.contains(&self.load.as_str())).ok_or_else(|| {
            Error::bad_feature(format!("unknown load option {}", self.load))
                .hint("--load takes s, m, l or xl")
        })
    }
}

async fn perf(load: &Load, per_second: u32, size: &Size, cx: &mut Context) -> Result<()> {
    let cluster = cx.cluster().await?.clone();
    untouched(&cluster, &load.prefix, '\'').await?;
    let writes = u64::from(per_second) * LASTING.as_secs();
    let mut interruption = Interruption::new();
    let (outcome, signal) = load.run(&cluster, &mut interruption, &mut progress(writes)).await;
    // From here on a signal ends the program: it may be the second one.
    drop(interruption);
    let cluster = cluster.patient(CLEANING);
    match delete(&cluster, &load.prefix).await {
        Ok(revision) if size.auto_compact => compact(&cluster, revision).await?,
        Ok(_) => {}
        Err(err) => say(&format!("FAIL: Cleanup failed during key deletion: ERROR({err})"))?,
    }
    if let Some(signal) = signal.filter(|&signal| signal != SIGINT) {
        return Err(ended_by(signal));
    }
    if size.auto_defrag {
        defragment(cx).await?;
    }
    let (lines, well) = report::performance(&outcome, per_second);
    lines.iter().try_for_each(|line| say(line))?;
    // The report is the whole of it: the official client has no last line.
    if well { Ok(()) } else { Err(Error::failure("")) }
}

async fn datascale(load: &Load, keys: u64, size: &Size, cx: &mut Context) -> Result<()> {
    let cluster = cx.cluster().await?.clone();
    untouched(&cluster, &load.prefix, ' ').await?;
    let before = memory(&cluster, "before").await?;
    let (pair, clients) = (load.key_size + load.value_size, load.clients);
    say(&format!(
        "Start data scale check for work load [{keys} key-value pairs, {pair} bytes per key-value, {clients} concurrent clients]."
    ))?;
    let mut interruption = Interruption::new();
    let (outcome, signal) = load.run(&cluster, &mut interruption, &mut progress(keys)).await;
    drop(interruption);
    let after = if signal.is_some() { Ok(0.0) } else { memory(&cluster, "after").await };
    let cluster = cluster.patient(CLEANING);
    let revision = delete(&cluster, &load.prefix).await?;
    if let Some(signal) = signal {
        return Err(ended_by(signal));
    }
    let after = after?;
    if size.auto_compact {
        compact(&cluster, revision).await?;
    }
    if size.auto_defrag {
        defragment(cx).await?;
    }
    if outcome.errors.is_empty() {
        return say(&report::memory(before, after));
    }
    report::errors(&outcome.errors).iter().try_for_each(|line| say(line))?;
    Err(Error::failure(""))
}

/// What a shell sees of a program that a signal ends.
fn ended_by(signal: i32) -> Error {
    let status = u8::try_from(128 + signal).unwrap_or(u8::MAX);
    Error::new(Exit::Child(status), "").because("interrupted; its keys are deleted")
}

/// Demands that there are no keys below the prefix: they would be deleted with ours.
async fn untouched(cluster: &Cluster, prefix: &[u8], quote: char) -> Result<()> {
    let end = RangeEnd::Prefix;
    let any = Range { key: prefix.to_vec(), end, limit: 1, ..Range::default() };
    if cluster.read(any).await?.message.kvs.is_empty() {
        return Ok(());
    }
    let quote = if quote == ' ' { String::new() } else { quote.to_string() };
    let shown = String::from_utf8_lossy(prefix);
    let words = format!(
        "prefix {} has keys. Delete with {quote}etcdctl del --prefix {shown}{quote} first",
        quote::quote(prefix)
    );
    Err(Error::new(Exit::InvalidInput, words))
}

/// The memory of the first endpoint's process. Why it cannot be read is part of the report.
async fn memory(cluster: &Cluster, when: &str) -> Result<f64> {
    let why = match cluster.metric(MEMORY).await {
        Ok(bytes) if bytes != 0.0 => return Ok(bytes),
        Ok(_) => String::new(),
        Err(why) => format!("{why}\n"),
    };
    say(&format!("{why}FAIL: Could not read {MEMORY} {when} the put operations."))?;
    Err(Error::failure(""))
}

/// Deletes what was written; gives the revision after that.
async fn delete(cluster: &Cluster, prefix: &[u8]) -> Result<i64> {
    let all = Delete { key: prefix.to_vec(), end: RangeEnd::Prefix, prev_kv: false };
    let answer = cluster.delete(all).await?;
    Ok(answer.message.header.unwrap_or_default().revision)
}

async fn compact(cluster: &Cluster, revision: i64) -> Result<()> {
    say(&format!("Compacting with revision {revision}"))?;
    cluster.compact(revision, true).await?;
    say(&format!("Compacted with revision {revision}"))
}

async fn defragment(cx: &mut Context) -> Result<()> {
    for endpoint in cx.endpoints().await? {
        let name = quote::quote(endpoint.as_bytes());
        say(&format!("Defragmenting {name}"))?;
        cx.cluster_at(vec![endpoint]).await?.patient(CLEANING).defragment().await?;
        say(&format!("Defragmented {name}"))?;
    }
    Ok(())
}

fn progress(writes: u64) -> Progress {
    Progress::counting(terminal::is_a_persons(std::io::stderr()), writes, "writes")
}

fn say(line: &str) -> Result<()> {
    output::print_text(&format!("{line}\n"))
}
