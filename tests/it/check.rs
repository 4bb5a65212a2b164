//! `check`, whose reports are tested where they are written, too.

use std::io::Read as _;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::certs::{Authority, Folder, Says};
use crate::support::{Etcd, Outcome, Run, agree, on_the_newest_server, on_twins, ours, words};

/// Digits as one zero each run of them: what a machine's speed and memory decide.
fn without_numbers(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' | '.' if out.ends_with('0') => {}
            '0'..='9' => out.push('0'),
            other => out.push(other),
        }
    }
    out
}

#[test]
fn what_cannot_be_checked_is_refused_alike() {
    on_the_newest_server(|etcd| {
        etcd.put(b"/etcdctl-check-perf/x", b"v");
        etcd.put(b"/etcdctl-check-datascale/x", b"v");
        etcd.put(b"odd \xff\"key", b"v");
        for line in [
            "check perf --load foo",
            "check perf --load foo -w none",
            "check perf -w none",
            "check perf",
            "check perf --load xLarge surplus",
            "check perf --prefix /etcdctl-check-datascale/",
            "check datascale --load S",
            "check datascale --load m",
            "check datascale --prefix odd",
            "check datascale -w none",
        ] {
            agree(etcd, &words(line));
        }
        assert_eq!(etcd.contents().matches("\"key\":").count(), 3);
    });
}

#[test]
fn memory_of_data_is_told_alike_and_the_data_taken_away() {
    on_twins(&["3.7"], |twins| {
        let line = "check datascale --load small --auto-compact --auto-defrag";
        let (ours, theirs) = twins.both(&words(line));
        // Endpoints, which differ between twins, are numbers here.
        assert_eq!(
            (ours.status, without_numbers(&ours.text())),
            (theirs.status, without_numbers(&theirs.text())),
            "{ours}\n{theirs}"
        );
        assert!(ours.stderr.is_empty(), "{ours}");
        assert_eq!(twins.ours.contents(), twins.theirs.contents());
    });
}

/// A whole minute. How fast a machine is it decides in each run anew, so that a verdict counts as its opposite.
#[test]
fn a_minute_of_writes_is_told_alike_and_taken_away() {
    on_twins(&["3.7"], |twins| {
        let line = "check perf --load s --prefix p/ --auto-compact --auto-defrag";
        let run = |run: Run| run.deadline(Duration::from_secs(180)).outcome();
        let (ours, theirs) = twins.both_as(&words(line), run);
        let told = |outcome: &Outcome| {
            let mut text = without_numbers(&outcome.text());
            for (bad, good) in [
                ("FAIL: Throughput too low:", "PASS: Throughput is"),
                ("Slowest request took too long:", "PASS: Slowest request took"),
                ("Stddev too high:", "PASS: Stddev is"),
                ("FAIL\n", "PASS\n"),
            ] {
                text = text.replace(bad, good);
            }
            text
        };
        assert_eq!(told(&ours), told(&theirs), "{ours}\n{theirs}");
        for outcome in [&ours, &theirs] {
            let passed = outcome.text().ends_with("PASS\n");
            assert_eq!(outcome.status, i32::from(!passed), "{outcome}");
        }
        for etcd in [&twins.ours, &twins.theirs] {
            assert!(!etcd.contents().contains("\"kvs\""), "its keys are still there");
        }
    });
}

#[test]
fn an_interrupted_check_takes_its_keys_away_and_reports() {
    let etcd = Etcd::start();
    let run = Run::ours(["--endpoints", &etcd.endpoint(), "check", "perf"]);
    let mut running = run.start();
    let end = Instant::now() + Duration::from_secs(60);
    while !etcd.contents().contains("\"kvs\"") {
        assert!(Instant::now() < end, "no key was written");
    }
    kill_process(Pid::from_child(&running.child), Signal::INT).expect("it runs");
    running.child.wait().expect("it ends");
    let mut text = String::new();
    let stdout = running.child.stdout.as_mut().expect("a pipe");
    stdout.read_to_string(&mut text).expect("text");
    let lines: Vec<_> = text.lines().collect();
    let is_report = lines.len() == 4
        && lines[0].contains("Throughput")
        && lines[1].contains("lowest request took")
        && lines[2].contains("Stddev")
        && ["PASS", "FAIL"].contains(&lines[3]);
    assert!(is_report, "{text}");
    assert!(!etcd.contents().contains("\"kvs\""), "its keys are still there");
}

#[test]
fn a_check_that_is_told_to_end_takes_its_keys_away_and_ends() {
    let etcd = Etcd::start();
    let run = Run::ours(["--endpoints", &etcd.endpoint(), "check", "datascale", "--load", "xl"]);
    let mut running = run.start();
    let end = Instant::now() + Duration::from_secs(60);
    while !etcd.contents().contains("\"kvs\"") {
        assert!(Instant::now() < end, "no key was written");
    }
    kill_process(Pid::from_child(&running.child), Signal::TERM).expect("it runs");
    assert_eq!(running.child.wait().expect("it ends").code(), Some(128 + 15));
    assert!(!etcd.contents().contains("\"kvs\""), "its keys are still there");
}

#[test]
fn memory_that_cannot_be_read_is_a_failure_before_anything_is_written() {
    on_the_newest_server(|_| {
        let hidden =
            Etcd::with(&["--metrics=basic", "--listen-client-http-urls=http://127.0.0.1:0"]);
        let outcome = ours(&hidden, &words("check datascale"));
        let told =
            "FAIL: Could not read process_resident_memory_bytes before the put operations.\n";
        assert!(outcome.status == 1 && outcome.text().ends_with(told), "{outcome}");
        assert!(outcome.text().starts_with("fetch error: "), "{outcome}");
        let count = ["get", "", "--prefix", "--count-only"];
        ours(&hidden, &count).assert_prints("0\n");
    });
}

#[test]
fn on_purpose_memory_is_read_over_tls_with_the_flags_files() {
    let folder = Folder::new();
    let authority = Authority::new("etcd-ca");
    let (cert, key) = folder.pair("server", &authority.issue(&Says::default()));
    let ca = folder.write("ca.crt", &authority.cert);
    let (cert, key, ca) = (cert.display(), key.display(), ca.display());
    let secured = Etcd::with(&[&format!("--cert-file={cert}"), &format!("--key-file={key}")]);
    let line = format!("--endpoints {} --cacert {ca} check datascale", secured.address());
    let outcome = Run::ours(words(&line)).outcome();
    let told = "PASS: Approximate system memory used : ";
    assert!(outcome.status == 0 && outcome.text().contains(told), "{outcome}");
}

#[test]
fn a_switch_before_its_command_is_no_prefix_of_a_check() {
    on_the_newest_server(|etcd| {
        etcd.put(b"fruit/a", b"1");
        ours(etcd, &words("--prefix get fruit/")).assert_prints("fruit/a\n1\n");
        let outcome = ours(etcd, &words("--prefix fruit/ check perf"));
        outcome.assert_fails(
            3,
            "prefix \"fruit/\" has keys. Delete with 'etcdctl del --prefix fruit/' first",
        );
    });
}
