//! Commands on a stopped member's data directory: `defrag --data-dir`, `migrate`.

mod defrag;
mod migrate;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::{Etcd, Run, official};

/// A stopped member of some history, and its directory.
fn stopped(etcd: &mut Etcd) -> PathBuf {
    for n in 0..2000u32 {
        etcd.put(format!("/k/{}", n % 300).as_bytes(), &vec![b'v'; n as usize % 900]);
    }
    etcd.put(b"large", &vec![7; 1_000_000]);
    official(etcd, &["del", "/k/1", "--prefix"]);
    official(etcd, &["compaction", "1900"]);
    etcd.stop();
    etcd.data()
}

/// A data directory of the Kubernetes cluster's.
fn kubernetes() -> Option<(TempDir, PathBuf)> {
    let (folder, snapshot) = crate::support::kubernetes()?;
    let data = folder.path().join("data");
    let outcome =
        Run::ours(["snapshot", "restore", text(&snapshot), "--data-dir", text(&data)]).outcome();
    assert_eq!(outcome.status, 0, "{outcome}");
    Some((folder, data))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of UTF-8")
}

/// What the official utility says of a database, without its size: that depends on how it grew.
fn status(data: &Path) -> String {
    let db = data.join("member/snap/db");
    let outcome = Run::reference_util(["snapshot", "status", text(&db), "-w", "json"]).outcome();
    assert_eq!(outcome.status, 0, "{outcome}");
    let text = outcome.text();
    let (head, tail) = text.split_once("\"totalSize\":").expect("a status has a size");
    format!("{head}{}", tail.trim_start_matches(|c: char| c.is_ascii_digit()))
}

fn size(data: &Path) -> u64 {
    data.join("member/snap/db").metadata().expect("a database").len()
}
