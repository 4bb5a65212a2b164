//! `migrate`: makes a stopped member's database fit for another version of etcd.

use std::path::PathBuf;

use crate::arg;
use crate::cmd::uninterrupted;
use crate::error::{Error, Result};
use crate::go::duration::GoDuration;
use crate::go::number;
use crate::go::quote::quote;
use crate::snapshot::migrate::{OLDEST, Version, migrate};

/// Make a stopped member's data directory fit for another version of etcd
///
/// Servers do that themselves where they are upgraded or taken back one version at a time.
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl migrate [flags]")]
pub struct Args {
    /// What the official program takes, and passes over
    #[arg(hide = true)]
    surplus: Vec<std::ffi::OsString>,
    /// Data directory of a member that does not run
    #[arg(long, value_name = "DIR", value_parser = arg::path())]
    data_dir: Option<PathBuf>,
    /// Version that shall start on it: 3.5 or newer
    #[arg(long, value_name = "X.Y")]
    target_version: Option<String>,
    /// Set the version even where the contents do not fit it
    #[arg(long)]
    force: bool,
    /// Longest wait for a server that still has the database; 0 waits for ever
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = arg::duration)]
    timeout: GoDuration,
}

pub async fn run(args: Args) -> Result<()> {
    let lacking: Vec<_> =
        [("data-dir", args.data_dir.is_none()), ("target-version", args.target_version.is_none())]
            .into_iter()
            .filter(|(_, lacking)| *lacking)
            .map(|(name, _)| format!("{name:?}"))
            .collect();
    let (Some(data_dir), Some(target)) = (args.data_dir, args.target_version) else {
        let words = format!("required flag(s) {} not set", lacking.join(", "));
        return Err(Error::failure(words));
    };
    let target = version(&target)?;
    let patience = args.timeout.as_std().filter(|time| !time.is_zero());
    uninterrupted(move |_| migrate(&data_dir, target, args.force, patience)).await
}

/// The official sentences for what is no version.
fn version(text: &str) -> Result<Version> {
    let Some((major, minor)) = text.split_once('.').filter(|(_, minor)| !minor.contains('.'))
    else {
        let words = format!(
            "wrong target version format, expected \"X.Y\", got {}",
            quote(text.as_bytes())
        );
        return Err(Error::bad_args(words));
    };
    let part = |text: &str| {
        number::parse_int(text, 10, 64)
            .map_err(|err| Error::bad_args(format!("failed to parse target version: {err}")))
    };
    let version = Version { major: part(major)?, minor: part(minor)?, patch: 0 };
    if version < OLDEST {
        let words = format!(
            "target version \"{}.{}\" not supported. Minimal \"3.5\"",
            version.major, version.minor
        );
        return Err(Error::bad_args(words));
    }
    Ok(version)
}
