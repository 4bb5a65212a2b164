//! `snapshot save`: a member's database into a file, checked while it arrives.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::cluster::Cluster;
use crate::context::Context;
use crate::error::{Error, Exit, Result};
use crate::output::{self, Format};
use crate::progress::Progress;
use crate::snapshot::save::Part;
use crate::snapshot::trailer::{self, Check, Verdict};
use crate::terminal::{self, Interruption};

/// Save a member's database to a file
///
/// Writes FILE.part, checks its SHA-256 while it arrives, and renames it to FILE once it is whole and on the
/// disk. FILE is for its owner alone; - is standard output.
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl snapshot save [flags] FILE")]
pub struct Args {
    /// File to write, or -
    file: Vec<OsString>,
}

pub async fn run(args: Args, cx: &mut Context) -> Result<()> {
    let [file] = args.file.as_slice() else {
        return Err(Error::bad_args("snapshot save expects one argument <filename>"));
    };
    // The answer is one text in every format, which must exist all the same.
    cx.output(&Format::ALL)?;
    let target = PathBuf::from(file);
    let endpoints = cx.endpoint_names().await?;
    if endpoints.len() != 1 {
        let words = format!(
            "snapshot must be requested to one selected node, not multiple [{}]",
            endpoints.join(" ")
        );
        let hint = "each member has its own database: name one with --endpoints";
        return Err(Error::new(Exit::Interrupted, words).hint(hint));
    }
    let limit = cx.time_for_a_stream();
    // Whatever fails from here on has one status.
    let interrupted = |err: Error| match err.exit {
        Exit::Io | Exit::BrokenPipe => err,
        _ => err.exit(Exit::Interrupted),
    };
    if target == Path::new("-") {
        let mut out = output::bytes()?;
        let cluster = cx.cluster().await?;
        return fetch(cluster, limit, |bytes| Ok(out.write_all(bytes)?))
            .await
            .map_err(interrupted)
            .map(drop);
    }
    let cluster = cx.cluster().await?;
    // No signal must leave a part behind.
    let mut interruption = Interruption::new();
    let saved = tokio::select! {
        saved = save(cluster, limit, &target) => saved,
        signal = interruption.wait() => {
            interruption.obey(signal);
            return Err(Error::new(Exit::Interrupted, "interrupted"));
        }
    };
    let version = saved.map_err(interrupted)?;
    let mut text = b"Snapshot saved at ".to_vec();
    text.extend_from_slice(file.as_encoded_bytes());
    text.push(b'\n');
    if !version.is_empty() {
        writeln!(text, "Server version {version}")?;
    }
    let mut out = output::bytes()?;
    Ok(out.write_all(&text)?)
}

/// Saves to a file; gives the version that the server told.
async fn save(
    cluster: &Cluster,
    limit: Option<std::time::Duration>,
    target: &Path,
) -> Result<String> {
    let mut part = Part::create(target)?;
    let version = fetch(cluster, limit, |bytes| part.write(bytes)).await?;
    part.place().await?;
    Ok(version)
}

/// Hands the database on piece by piece, and demands a right hash at its end.
async fn fetch(
    cluster: &Cluster,
    limit: Option<std::time::Duration>,
    mut write: impl FnMut(&[u8]) -> Result<()>,
) -> Result<String> {
    let unwritten = |err: Error| match err.exit {
        Exit::Io | Exit::BrokenPipe => err,
        _ => err.reworded(|words| format!("could not write snapshot: {words}")),
    };
    let mut blobs = cluster.snapshot(limit).await?;
    let watched = terminal::is_a_persons(std::io::stderr());
    let mut progress = Progress::new(watched, blobs.announced);
    let mut check = Check::default();
    while let Some(blob) = blobs.next().await.map_err(unwritten)? {
        check.update(&blob);
        write(&blob).map_err(unwritten)?;
        progress.advance(blob.len());
    }
    match check.verdict() {
        Verdict::Right => Ok(blobs.version),
        Verdict::Absent { size } => {
            Err(Error::failure(format!("sha256 checksum not found [bytes: {size}]")))
        }
        Verdict::Wrong { expected, got } => Err(trailer::wrong(&expected, &got)),
    }
}
