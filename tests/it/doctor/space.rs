//! Space: a full database, one that is nearly full, one that is mostly empty; and alarms.

use std::thread::sleep;
use std::time::Duration;

use super::doctor;
use crate::quorum::{status, wait_for};
use crate::support::{Etcd, Run, skipped, words};

/// A server commits, and counts its bytes, ten times a second (`defaultBatchInterval`).
const COMMIT: Duration = Duration::from_millis(150);

/// Puts so many bytes under a key.
fn put(etcd: &Etcd, key: &str, size: usize) -> i32 {
    let endpoint = etcd.endpoint();
    let line = ["--endpoints", &endpoint, "--command-timeout=20s", "put", key];
    Run::ours(line).stdin(&vec![b'x'; size]).outcome().status
}

fn size(etcd: &Etcd, name: &str) -> u64 {
    let status = status(etcd).expect("it answers");
    status[name].as_str().and_then(|size| size.parse().ok()).expect("a size")
}

/// Deletes everything and forgets it, and waits until the pages are free.
fn forget(etcd: &Etcd) {
    let endpoint = etcd.endpoint();
    for line in ["del --prefix ''", "compaction latest --physical"] {
        let all = ["--endpoints", &endpoint, "--command-timeout=20s"];
        let outcome = Run::ours(all.into_iter().chain(words(line))).outcome();
        assert_eq!(outcome.status, 0, "{outcome}");
    }
    let most = size(etcd, "dbSize") / 3;
    // Pages are free once other writes have come after them.
    wait_for(|| {
        assert_eq!(put(etcd, "small", 1), 0);
        sleep(COMMIT);
        (size(etcd, "dbSizeInUse") < most).then_some(())
    });
}

#[test]
fn a_full_database_fails_with_numbers_and_the_way_out() {
    for minor in ["3.4", "3.7"] {
        let Some(etcd) = Etcd::version_with(minor, &["--quota-backend-bytes=400000"]) else {
            skipped("no etcd (make reference builds it)");
            continue;
        };
        assert!((0..20).any(|_| put(&etcd, "key", 100_000) != 0), "no quota holds that");
        let told = doctor(&etcd.endpoint(), "");
        let remedy = "`etcdctl defrag --cluster`, `etcdctl alarm disarm`";
        let full = "the database has reached its quota: it has ";
        told.assert_row("space", &etcd.endpoint(), "fail", full, remedy);
        told.assert_row(
            "space",
            &etcd.endpoint(),
            "fail",
            "(400000 bytes)",
            "`etcdctl compaction ",
        );
        told.assert_row("alarms", "cluster", "fail", "NOSPACE raised by default (", remedy);
        told.assert_row("health", &etcd.endpoint(), "ok", "took ", "");
    }
}

#[test]
fn a_database_that_is_nearly_full_is_a_warning() {
    for minor in ["3.5", "3.7"] {
        let Some(mut etcd) = Etcd::version(minor) else {
            skipped("no etcd (make reference builds it)");
            continue;
        };
        for key in 0..20 {
            assert_eq!(put(&etcd, &format!("key{key}"), 200_000), 0);
        }
        // A quota that is filled to seven eighths, whatever the size has come to.
        let limited = |etcd: &mut Etcd| {
            sleep(COMMIT);
            let quota = size(etcd, "dbSize") * 8 / 7;
            etcd.restart_with(&[&format!("--quota-backend-bytes={quota}")]);
            format!("({quota} bytes), 87.")
        };
        let detail = limited(&mut etcd);
        let told = doctor(&etcd.endpoint(), "");
        told.assert_row("space", &etcd.endpoint(), "warn", &detail, "raise --quota-backend-bytes");
        told.assert_row("alarms", "cluster", "ok", "none", "");
        assert_eq!(told.outcome.status, 0, "{}", told.outcome);
        // What is forgotten takes room before it gives some, so that it needs the old quota.
        etcd.restart_with(&[]);
        forget(&etcd);
        let detail = limited(&mut etcd);
        let told = doctor(&etcd.endpoint(), "");
        let defrag = format!("`etcdctl defrag --endpoints {}` gives ", etcd.endpoint());
        told.assert_row("space", &etcd.endpoint(), "warn", &detail, &defrag);
        // The remedy is one.
        let line = format!("defrag --endpoints {}", etcd.endpoint());
        assert_eq!(Run::ours(words(&line)).outcome().status, 0);
        doctor(&etcd.endpoint(), "").assert_well();
    }
}

#[test]
fn a_large_database_that_is_mostly_empty_is_a_warning() {
    let etcd = Etcd::start();
    for key in 0..110 {
        assert_eq!(put(&etcd, &format!("key{key}"), 1_000_000), 0);
    }
    doctor(&etcd.endpoint(), "").assert_well();
    forget(&etcd);
    let told = doctor(&etcd.endpoint(), "");
    told.assert_row(
        "space",
        &etcd.endpoint(),
        "warn",
        " of 2.1 GB ",
        "`etcdctl defrag --endpoints ",
    );
}

#[test]
fn a_corrupt_member_is_named_with_the_way_out() {
    let etcd = Etcd::start();
    let status = status(&etcd).expect("it answers");
    let id = status["header"]["member_id"].as_str().expect("an id");
    let alarm = format!(r#"{{"action":"ACTIVATE","memberID":"{id}","alarm":"CORRUPT"}}"#);
    etcd.ask("/v3/maintenance/alarm", &alarm);
    let told = doctor(&etcd.endpoint(), "");
    let remedy = "`etcdctl endpoint hashkv --cluster`";
    told.assert_row("alarms", "cluster", "fail", "CORRUPT raised by default (", remedy);
}
