//! What the tests stand on: private servers, hermetic clients, servers that misbehave.
#![allow(dead_code, reason = "the commands to come use what those of today do not")]

pub mod certs;
pub mod etcd;
pub mod fake;
pub mod kms;
pub mod live;
pub mod relay;
pub mod run;

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

pub use etcd::Etcd;
pub use fake::Fake;
pub use run::{Outcome, Run};

/// The servers that the program must get along with, oldest first.
pub const SERVERS: [&str; 4] = ["3.4", "3.5", "3.6", "3.7"];

/// The formats in which the official client answers about keys. `table` is an error there.
pub const FORMATS: [&str; 4] = ["simple", "json", "fields", "protobuf"];

/// The folder of the project.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The official client that is replaced here: `ETCDCTL`, else the one built by `make reference`.
pub fn reference_client() -> Option<&'static Path> {
    static CLIENT: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
        let client = std::env::var_os("ETCDCTL")
            .map_or_else(|| project().join("reference/3.7.1/etcdctl"), PathBuf::from);
        client.is_file().then_some(client)
    });
    CLIENT.as_deref()
}

/// The official utility for files: `ETCDUTL`, else the one built by `make reference`.
pub fn reference_util() -> Option<PathBuf> {
    let util = std::env::var_os("ETCDUTL")
        .map_or_else(|| project().join("reference/3.7.1/etcdutl"), PathBuf::from);
    util.is_file().then_some(util)
}

/// Whether there is an official client to compare with; says so once when there is none.
pub fn reference_is_there() -> bool {
    let there = reference_client().is_some();
    if !there {
        skipped("no reference client (make reference builds it)");
    }
    there
}

/// Says, once for each reason, that tests did nothing. Past the test runner's capture: a skipped
/// comparison must not look like one that agreed.
pub fn skipped(why: &str) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let new = SAID.lock().expect("another test failed while it held the lock").insert(why.into());
    if new {
        // Nobody is told when stderr is closed, and nothing depends on it.
        let _ = writeln!(std::io::stderr(), "skipped: {why}");
    }
}

/// Runs a side-by-side test on each server version that is here.
pub fn on_every_server(test: impl Fn(&Etcd)) {
    on_servers(&SERVERS, test);
}

/// Runs a side-by-side test on the newest server.
pub fn on_the_newest_server(test: impl Fn(&Etcd)) {
    on_servers(&["3.7"], test);
}

/// Runs a side-by-side test on some server versions.
pub fn on_servers(minors: &[&str], test: impl Fn(&Etcd)) {
    if !reference_is_there() {
        return;
    }
    for minor in minors {
        match Etcd::version(minor) {
            Some(etcd) => test(&etcd),
            None => skipped(&format!("no etcd {minor} (make reference builds it)")),
        }
    }
}

/// Runs a side-by-side test of writing commands on each server version that is here.
pub fn on_every_twins(test: impl Fn(&Twins)) {
    on_twins(&SERVERS, test);
}

/// Runs a side-by-side test of writing commands on some server versions.
pub fn on_twins(minors: &[&str], test: impl Fn(&Twins)) {
    if !reference_is_there() {
        return;
    }
    for minor in minors {
        match (Etcd::version(minor), Etcd::version(minor)) {
            (Some(ours), Some(theirs)) => test(&Twins { ours, theirs }),
            _ => skipped(&format!("no etcd {minor} (make reference builds it)")),
        }
    }
}

/// Asks both clients the same of one server, through pipes; the answers must agree. Gives ours.
#[track_caller]
pub fn agree(etcd: &Etcd, args: &[&str]) -> Outcome {
    agree_as(etcd, args, |run| run)
}

/// Likewise, with something added to both runs: input, variables.
#[track_caller]
pub fn agree_as(etcd: &Etcd, args: &[&str], with: impl Fn(Run) -> Run + Sync) -> Outcome {
    let args = at(etcd, args);
    let (ours, theirs) =
        run::both(|| with(Run::ours(&args)).outcome(), || with(Run::reference(&args)).outcome());
    ours.assert_same_answer(&theirs, &format!("etcd {}", etcd.minor()));
    ours
}

/// Likewise, on a bare pseudo terminal.
#[track_caller]
pub fn agree_on_terminal(etcd: &Etcd, args: &[&str]) -> Outcome {
    let args = at(etcd, args);
    let (ours, theirs) =
        run::both(|| Run::ours(&args).on_terminal(), || Run::reference(&args).on_terminal());
    ours.assert_same_answer(&theirs, &format!("a terminal, etcd {}", etcd.minor()));
    ours
}

/// Our answer alone.
pub fn ours(etcd: &Etcd, args: &[&str]) -> Outcome {
    Run::ours(at(etcd, args)).outcome()
}

/// What the official client does to a server: how a test sets the scene.
#[track_caller]
pub fn official(etcd: &Etcd, args: &[&str]) -> Outcome {
    let outcome = Run::reference(at(etcd, args)).outcome();
    assert!(outcome.status == 0, "the official client could not set the scene\n{outcome}");
    outcome
}

/// The arguments, with the server's endpoint in front.
fn at(etcd: &Etcd, args: &[&str]) -> Vec<OsString> {
    let mut all = vec![OsString::from("--endpoints"), etcd.endpoint().into()];
    all.extend(args.iter().map(OsString::from));
    all
}

/// Two servers with one identity and one history: what writes to both must leave both alike, the
/// ids, the revision and the term in the answer's header included.
pub struct Twins {
    pub ours: Etcd,
    pub theirs: Etcd,
}

impl Twins {
    /// Runs one of the clients on each twin: equal answers, equal stores afterwards. Gives ours.
    #[track_caller]
    pub fn agree(&self, args: &[&str]) -> Outcome {
        self.agree_as(args, |run| run.outcome())
    }

    /// Likewise, with the value (or whatever is read) on stdin.
    #[track_caller]
    pub fn agree_with_stdin(&self, args: &[&str], stdin: &[u8]) -> Outcome {
        self.agree_as(args, |run| run.stdin(stdin).outcome())
    }

    /// Likewise, on a bare pseudo terminal.
    #[track_caller]
    pub fn agree_on_terminal(&self, args: &[&str]) -> Outcome {
        self.agree_as(args, Run::on_terminal)
    }

    /// Runs one of the clients on each twin, and leaves the comparison to the caller.
    pub fn both(&self, args: &[&str]) -> (Outcome, Outcome) {
        self.both_as(args, |run| run.outcome())
    }

    /// Likewise, run in some way.
    pub fn both_as(
        &self,
        args: &[&str],
        run: impl Fn(Run) -> Outcome + Sync,
    ) -> (Outcome, Outcome) {
        run::both(
            || run(Run::ours(at(&self.ours, args))),
            || run(Run::reference(at(&self.theirs, args))),
        )
    }

    /// Likewise, with a way of running of the caller's own.
    #[track_caller]
    pub fn agree_as(&self, args: &[&str], run: impl Fn(Run) -> Outcome + Sync) -> Outcome {
        let (ours, theirs) = self.both_as(args, run);
        ours.assert_same_answer(&theirs, &format!("twins of etcd {}", self.ours.minor()));
        assert!(
            self.ours.contents() == self.theirs.contents(),
            "the answers agree, the stores do not, after {args:?}\nours:   {}\ntheirs: {}",
            self.ours.contents(),
            self.theirs.contents()
        );
        ours
    }

    /// Sets the scene on both, with the official client.
    #[track_caller]
    pub fn official(&self, args: &[&str]) {
        official(&self.ours, args);
        official(&self.theirs, args);
    }

    /// Grants both the same lease.
    pub fn grant(&self, id: i64, ttl: u32) {
        self.ours.grant(id, ttl);
        self.theirs.grant(id, ttl);
    }
}

/// Bytes as a person reads them in a failure: text stays text, the rest is escaped.
pub fn escaped(bytes: &[u8]) -> String {
    const LIMIT: usize = 4000;
    let mut text = String::new();
    for line in bytes[..bytes.len().min(LIMIT)].split_inclusive(|byte| *byte == b'\n') {
        let _ = writeln!(text, "    {}", line.escape_ascii());
    }
    if bytes.len() > LIMIT {
        let _ = writeln!(text, "    … {} bytes in all", bytes.len());
    }
    text
}

/// A program found along `PATH`.
pub fn on_path(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

/// Arguments from words with blanks between; `''` is the empty argument.
pub fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().map(|word| if word == "''" { "" } else { word }).collect()
}

/// Our program as one file that needs no other, where `make static` has made it.
pub fn static_binary() -> Option<PathBuf> {
    let program = project().join("target/static/etcdctl");
    program.is_file().then_some(program)
}

/// The bytes without those of a word, wherever it stands.
pub fn without(mut bytes: &[u8], word: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some((first, rest)) = bytes.split_first() {
        if let Some(behind) = bytes.strip_prefix(word) {
            bytes = behind;
        } else {
            out.push(*first);
            bytes = rest;
        }
    }
    out
}

/// Text as an argument that need not be UTF-8.
pub fn bytes(text: &[u8]) -> &OsStr {
    std::os::unix::ffi::OsStrExt::from_bytes(text)
}

/// A Kubernetes cluster's snapshot, unpacked. The folder goes with it.
pub fn kubernetes() -> Option<(tempfile::TempDir, PathBuf)> {
    let folder = tempfile::tempdir().expect("could not make a folder");
    let packed = project().join("tests/fixtures/snapshot.db.xz");
    let Ok(unpacked) = std::process::Command::new("xz").arg("-dc").arg(packed).output() else {
        skipped("no xz");
        return None;
    };
    let file = folder.path().join("snapshot.db");
    std::fs::write(&file, unpacked.stdout).expect("could not unpack a snapshot");
    Some((folder, file))
}

/// A server of one minor version that goes on from a snapshot.
pub fn restored(minor: &str, snapshot: &Path) -> Option<Etcd> {
    Etcd::prepared(minor, |data| {
        let cluster = format!("default={}", Etcd::LONE);
        let [snapshot, data] = [snapshot, data].map(|path| path.to_str().expect("it is UTF-8"));
        let mut args = vec!["snapshot", "restore", snapshot, "--data-dir", data];
        args.extend(["--initial-cluster", &cluster, "--initial-cluster-token", Etcd::TOKEN]);
        args.extend(["--initial-advertise-peer-urls", Etcd::LONE]);
        let restored = Run::ours(args).outcome();
        assert_eq!(restored.status, 0, "{restored}");
    })
}
