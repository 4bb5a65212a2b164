//! Kubernetes objects: what the public libraries, an API server and kubectl printed, byte for byte.

mod command;
mod decode;
mod encode;
mod encryption;
mod get;
mod hostile;
mod upstream;
mod whole;

use std::path::PathBuf;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::project;

/// The rows of a compressed table, each a list of columns.
pub fn table(name: &str) -> Vec<Vec<String>> {
    let file = fixture(name);
    let xz = Command::new("xz").arg("-dc").arg(&file).output();
    let xz = xz.unwrap_or_else(|err| panic!("xz is needed (xz-utils): {err}"));
    assert!(xz.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&xz.stderr));
    let text = String::from_utf8(xz.stdout).expect("tables are ASCII");
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

pub fn fixture(name: &str) -> PathBuf {
    project().join("tests/fixtures").join(name)
}

pub fn bytes(base64: &str) -> Vec<u8> {
    STANDARD.decode(base64).expect("a table's column is base64")
}

/// One object of every kind, with random content, as the public libraries write and print it.
pub struct Vector {
    pub name: String,
    pub stored: Vec<u8>,
    /// In the order of declaration, two blanks a level.
    pub json: Vec<u8>,
    pub yaml: Vec<u8>,
    /// As the libraries store what they read.
    pub again: Vec<u8>,
}

pub fn every_kind() -> Vec<Vector> {
    let rows = table("kube/every-kind.tsv.xz").into_iter();
    let vector = |row: Vec<String>| Vector {
        name: row[0].clone(),
        stored: bytes(&row[1]),
        json: bytes(&row[2]),
        yaml: bytes(&row[3]),
        again: bytes(&row[4]),
    };
    rows.map(vector).collect()
}

/// A key of a real cluster, and what its API server and kubectl print of it.
pub struct Stored {
    pub key: String,
    pub value: Vec<u8>,
    pub create_revision: i64,
    pub mod_revision: i64,
    pub version: i64,
    pub lease: i64,
    /// On one line, as the API server sends it; empty where the value is no object.
    pub json: Vec<u8>,
    /// As `kubectl get -o yaml` prints it; empty where kubectl fails.
    pub yaml: Vec<u8>,
    /// With `--show-managed-fields`.
    pub yaml_with_managers: Vec<u8>,
    pub encryption: String,
    pub remark: String,
}

pub fn cluster() -> Vec<Stored> {
    let keys = table("keys.tsv.xz");
    let printed = table("kube/printed.tsv.xz");
    assert_eq!(keys.len(), printed.len());
    let pairs = keys.into_iter().zip(printed);
    let stored = |(row, truth): (Vec<String>, Vec<String>)| {
        assert_eq!(row[0], truth[0], "both tables have the same keys");
        Stored {
            key: String::from_utf8(bytes(&row[0])).expect("keys are text here"),
            value: bytes(&row[1]),
            create_revision: row[2].parse().expect("a revision"),
            mod_revision: row[3].parse().expect("a revision"),
            version: row[4].parse().expect("a version"),
            lease: row[5].parse().expect("a lease"),
            json: bytes(&truth[2]),
            yaml: bytes(&truth[3]),
            yaml_with_managers: bytes(&truth[4]),
            encryption: truth[6].clone(),
            remark: truth.get(7).cloned().unwrap_or_default(),
        }
    };
    pairs.map(stored).collect()
}

/// Where two texts part.
#[track_caller]
pub fn assert_same(ours: &[u8], theirs: &[u8], name: &str) {
    if ours == theirs {
        return;
    }
    let at = ours.iter().zip(theirs).take_while(|(one, other)| one == other).count();
    let around = |text: &[u8]| {
        text[at.saturating_sub(80)..text.len().min(at + 80)].escape_ascii().to_string()
    };
    panic!("{name}: parts at byte {at}\nours:   {}\ntheirs: {}", around(ours), around(theirs));
}
