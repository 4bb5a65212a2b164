//! Servers that are not there, say nothing, or say the wrong thing.

use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use crate::support::fake::Kv;
use crate::support::{
    FORMATS, Fake, Outcome, Run, official, on_the_newest_server, reference_is_there, run, words,
};

/// Both clients, with deadlines short enough to wait for.
#[track_caller]
fn agree(endpoint: &str, line: &str) -> Outcome {
    let args: Vec<&str> = ["--endpoints", endpoint, "--command-timeout=1s", "--dial-timeout=1s"]
        .into_iter()
        .chain(words(line))
        .collect();
    let (ours, theirs) =
        run::both(|| Run::ours(&args).outcome(), || Run::reference(&args).outcome());
    ours.assert_same_answer(&theirs, "a server that misbehaves");
    ours
}

#[test]
fn a_server_that_cannot_be_used_is_a_deadline_exceeded() {
    if !reference_is_there() {
        return;
    }
    for fake in [Fake::refusing(), Fake::silent(), Fake::closing(), Fake::web()] {
        agree(&fake.endpoint(), "get key").assert_fails(1, "context deadline exceeded");
        agree(&fake.endpoint(), "put key value").assert_fails(1, "context deadline exceeded");
        agree(&fake.endpoint(), "del key").assert_fails(1, "context deadline exceeded");
    }
}

#[test]
fn on_purpose_the_timeout_variables_bound_reads_and_writes_too() {
    let fake = Fake::silent();
    for line in ["get key", "put key value", "del key"] {
        let start = Instant::now();
        Run::ours(["--endpoints", &fake.endpoint()].into_iter().chain(words(line)))
            .env("ETCDCTL_COMMAND_TIMEOUT", "300ms")
            .env("ETCDCTL_DIAL_TIMEOUT", "300ms")
            .outcome()
            .assert_fails(1, "context deadline exceeded");
        assert!(start.elapsed() < Duration::from_secs(3), "{line}: {:?}", start.elapsed());
    }
}

#[test]
fn on_purpose_a_cause_stands_above_the_last_line_unless_hints_are_off() {
    let fake = Fake::refusing();
    let run = || Run::ours(["--endpoints", &fake.endpoint(), "--dial-timeout=300ms", "get", "key"]);
    let outcome = run().outcome();
    let address = fake.endpoint().replace("http://", "");
    assert!(outcome.said().contains(&address), "the endpoint is not named\n{outcome}");
    let bare = run().env("ETCDCTL_HINTS", "off").outcome();
    assert_eq!(bare.said(), "Error: context deadline exceeded\n");
}

#[test]
fn of_several_endpoints_a_live_one_answers() {
    on_the_newest_server(|etcd| {
        etcd.put(b"key", b"value");
        let fake = Fake::refusing();
        for endpoints in [
            format!("{},{}", fake.endpoint(), etcd.endpoint()),
            format!("{},{}", etcd.endpoint(), fake.endpoint()),
        ] {
            for _ in 0..5 {
                agree(&endpoints, "get key").assert_prints("key\nvalue\n");
            }
        }
    });
}

#[test]
fn reads_are_repeated_while_the_server_is_unavailable_and_writes_are_not() {
    if !reference_is_there() {
        return;
    }
    let fake = || Fake::kv(Kv { unavailable: 3, keys: 2, value: b"value".into(), ..Kv::default() });
    for line in ["get key", "put key value", "del key", "get key --stream"] {
        // The official client counts its own calls: one server for each.
        let (one, other) = (fake(), fake());
        let args = |fake: &Fake| {
            let endpoint = fake.endpoint();
            ["--endpoints".to_owned(), endpoint]
                .into_iter()
                .chain(words(line).into_iter().map(str::to_owned))
                .collect::<Vec<_>>()
        };
        let (ours, theirs) = run::both(
            || Run::ours(args(&one)).outcome(),
            || Run::reference(args(&other)).outcome(),
        );
        ours.assert_same_answer(&theirs, "an unavailable server");
        assert_eq!(one.calls(), other.calls(), "{line}: other than the official client's calls");
    }
}

#[test]
fn on_purpose_retries_are_silent() {
    let fake = Fake::kv(Kv { unavailable: 3, keys: 1, ..Kv::default() });
    Run::ours(["--endpoints", &fake.endpoint(), "get", "key"]).outcome().assert_prints("key0\n\n");
}

#[test]
fn an_answer_that_comes_late_is_waited_for() {
    if !reference_is_there() {
        return;
    }
    let late = Fake::kv(Kv { delay: Duration::from_millis(400), keys: 1, ..Kv::default() });
    agree(&late.endpoint(), "get key").assert_prints("key0\n\n");
    agree(&late.endpoint(), "put key value").assert_prints("OK\nkey0\n\n");
    agree(&late.endpoint(), "del key").assert_prints("1\nkey0\n\n");
}

#[test]
fn an_oversized_answer_is_taken_whole_unless_a_limit_is_set() {
    if !reference_is_there() {
        return;
    }
    let fake = Fake::kv(Kv { keys: 3, value: vec![b'v'; 3_000_000], ..Kv::default() });
    for format in FORMATS {
        let outcome =
            agree(&fake.endpoint(), &format!("get key --prefix -w {format} --command-timeout 10s"));
        assert!(outcome.status == 0, "{outcome}");
    }
    let outcome =
        agree(&fake.endpoint(), "get key --max-recv-bytes 2000000 --max-request-bytes 1000000");
    assert!(outcome.status == 1, "{outcome}");
}

#[test]
fn an_answer_cut_in_the_middle_is_never_taken_for_a_whole_one() {
    on_the_newest_server(|etcd| {
        for i in 0..10 {
            etcd.put(format!("key{i}").as_bytes(), &vec![b'v'; 100_000]);
        }
        let address = etcd.address().parse().expect("host and port");
        // Not even one key gets through.
        let fake = Fake::cutting(address, 1_000);
        agree(&fake.endpoint(), "get key --prefix -w json")
            .assert_fails(1, "context deadline exceeded");
        // Some do: who reads in pages gets to the end over several connections, or fails.
        let whole = official(etcd, &words("get key --prefix -w json"));
        let fake = Fake::cutting(address, 500_000);
        let endpoint = fake.endpoint();
        let args = ["--endpoints", &endpoint, "--command-timeout=1s", "--dial-timeout=1s"];
        let args = args.into_iter().chain(words("get key --prefix -w json"));
        let outcome = Run::ours(args).outcome();
        assert!(outcome.status == 1 || outcome.stdout == whole.stdout, "{outcome}");
    });
}

#[test]
fn a_stream_cut_after_its_first_piece_is_a_failure() {
    if !reference_is_there() {
        return;
    }
    let fake = Fake::kv(Kv { keys: 2, cut: true, ..Kv::default() });
    let args = ["--endpoints", &fake.endpoint(), "get", "key", "--prefix", "--stream"];
    let (ours, theirs) = run::both(|| Run::ours(args).outcome(), || Run::reference(args).outcome());
    assert_eq!((ours.status, ours.last_error()), (theirs.status, theirs.last_error()));
}

#[test]
fn an_event_of_an_unknown_type_is_shown_as_its_number() {
    if !reference_is_there() {
        return;
    }
    let fake = Fake::watch_of_an_unknown_event();
    let args = ["--endpoints", &fake.endpoint(), "-w", "json", "watch", "key"];
    let first_line = |run: Run| {
        let mut running = run.start();
        let stdout = running.child.stdout.take().expect("stdout is a pipe");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("could not read a watch");
        line
    };
    assert_eq!(first_line(Run::ours(args)), first_line(Run::reference(args)));
}
