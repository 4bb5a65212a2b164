//! `snapshot restore`: what real servers make of our data directories, and what the official utility does.

mod failures;
mod official;
mod servers;

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Etcd, Outcome, Run, official};

/// A snapshot by the official client.
fn saved(etcd: &Etcd, folder: &Path) -> PathBuf {
    let file = folder.join("snapshot.db");
    let name = file.to_str().expect("a folder of UTF-8");
    official(etcd, &["snapshot", "save", name]);
    file
}

/// Restores for a lone server of the tests.
fn restored(snapshot: &Path, data: &Path, more: &[&str]) -> Outcome {
    let cluster = format!("default={}", Etcd::LONE);
    let mut args = vec!["snapshot", "restore", text(snapshot), "--data-dir", text(data)];
    args.extend(["--initial-cluster", &cluster, "--initial-advertise-peer-urls", Etcd::LONE]);
    args.extend(["--initial-cluster-token", Etcd::TOKEN]);
    args.extend(more);
    let outcome = Run::ours(&args).outcome();
    assert!(outcome.status == 0 && outcome.stdout.is_empty(), "could not restore\n{outcome}");
    outcome
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of UTF-8")
}

/// What every file below a folder is: its path there, its mode and size.
fn tree(folder: &Path) -> Vec<String> {
    use std::os::unix::fs::PermissionsExt;
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(path) = open.pop() {
        let about = path.symlink_metadata().expect("could not look at a file");
        let name = path.strip_prefix(folder).expect("it is below").display().to_string();
        // A database's size depends on when it grew.
        let size = if about.is_dir() || name.ends_with("/db") { 0 } else { about.len() };
        found.push(format!("{name} {:o} {size}", about.permissions().mode() & 0o700));
        if about.is_dir() {
            open.extend(
                fs::read_dir(&path)
                    .expect("could not list a folder")
                    .map(|entry| entry.expect("could not list a folder").path()),
            );
        }
    }
    found.sort();
    found
}
