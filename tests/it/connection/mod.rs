//! From a command line to a server: what an endpoint may look like, TLS, several endpoints of which some
//! are dead, limits, and a network with names and proxies in it.

use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::{Outcome, Run, run};

mod empty_root;
mod endpoints;
mod failover;
mod limits;
mod network;
mod tls;

/// The arguments with `--endpoints` in front.
fn with_endpoints(endpoints: &str, args: &[&str]) -> Vec<OsString> {
    ["--endpoints", endpoints].iter().chain(args).map(OsString::from).collect()
}

/// Both clients in one folder; the answers must agree. Gives ours.
#[track_caller]
fn agree_in(folder: &Path, args: &[OsString]) -> Outcome {
    let (ours, theirs) = run::both(
        || Run::ours(args).inside(folder).outcome(),
        || Run::reference(args).inside(folder).outcome(),
    );
    ours.assert_same_answer(&theirs, &format!("{args:?}"));
    ours
}

/// Our answer, and how long it took.
fn timed(run: Run) -> (Outcome, Duration) {
    let begun = Instant::now();
    let outcome = run.outcome();
    (outcome, begun.elapsed())
}
