//! Several endpoints: dead ones cost nothing while one lives, live ones share the work, and when all are
//! dead each is named.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use crate::connection::{timed, with_endpoints};
use crate::support::etcd::Cluster;
use crate::support::relay::Deaf;
use crate::support::{Etcd, Fake, Run, on_the_newest_server, skipped};

/// What a run is given to wait.
const PATIENCE: (&str, &str) = ("ETCDCTL_DIAL_TIMEOUT", "60s");
/// One run may meet a busy machine. What it may never take is the time it was given.
const LONGEST: Duration = Duration::from_secs(15);
/// Half of many runs may not.
const USUAL: Duration = Duration::from_secs(1);
/// Less than what is usual without a flag.
const SHORT: Duration = Duration::from_millis(1900);
const RUNS: usize = 20;

/// Many runs, all of which succeed soon.
#[track_caller]
fn always_answers(endpoints: &str, runs: usize) {
    let mut times: Vec<Duration> = (0..runs)
        .map(|_| {
            let run = Run::ours(with_endpoints(endpoints, &["get", "key"]));
            let (outcome, took) = timed(run.env(PATIENCE.0, PATIENCE.1));
            outcome.assert_prints("key\nvalue\n");
            took
        })
        .collect();
    times.sort();
    assert!(times[runs / 2] < USUAL && times[runs - 1] < LONGEST, "{endpoints}: {times:?}");
}

#[test]
fn a_dead_endpoint_beside_a_live_one_costs_nothing() {
    on_the_newest_server(|etcd| {
        etcd.put(b"key", b"value");
        let live = etcd.endpoint();
        let (refused, silent, closed) = (Fake::refusing(), Fake::silent(), Fake::closing());
        let mut dead = vec![refused.endpoint(), silent.endpoint(), closed.endpoint()];
        let full = Deaf::new();
        match &full {
            Some(full) => dead.push(format!("http://{}", full.address)),
            None => skipped("an endpoint that drops SYNs: this kernel's queue cannot be filled"),
        }
        let web = Fake::web();
        dead.extend([
            web.endpoint(),
            "127.0.0.1".to_owned(),
            "no-such-name.invalid:2379".to_owned(),
            "unix:missing.sock".to_owned(),
        ]);
        for one in &dead {
            always_answers(&format!("{one},{live}"), RUNS);
            always_answers(&format!("{live},{one}"), RUNS);
        }
        let all = dead.join(",");
        for endpoints in [format!("{all},{live}"), format!("{live},{all}")] {
            always_answers(&endpoints, RUNS);
        }
    });
}

/// The lines above the last one.
fn causes(said: &str) -> Vec<&str> {
    said.lines()
        .take_while(|line| !line.starts_with("hint:") && !line.starts_with("Error:"))
        .collect()
}

#[test]
fn when_all_are_dead_the_dial_timeout_ends_it_and_each_is_named_in_the_order_given() {
    let (refused, silent, closed) = (Fake::refusing(), Fake::silent(), Fake::closing());
    let dead = [
        (silent.endpoint(), "connected, but the server says nothing"),
        ("127.0.0.1".to_owned(), "missing port in address"),
        (refused.endpoint(), "connection refused"),
        (closed.endpoint(), "the server hung up without a word"),
        ("no-such-name.invalid:2379".to_owned(), "no address for the name"),
        ("unix:missing.sock".to_owned(), "could not open the socket"),
    ];
    let mut orders = vec![dead.to_vec()];
    for _ in 1..dead.len() {
        let mut next = orders[orders.len() - 1].clone();
        next.rotate_left(1);
        orders.push(next);
    }
    for order in orders {
        let endpoints: Vec<&str> = order.iter().map(|(endpoint, _)| &**endpoint).collect();
        let args = with_endpoints(&endpoints.join(","), &["get", "key", "--dial-timeout=300ms"]);
        let (outcome, took) = timed(Run::ours(args));
        outcome.assert_fails(1, "context deadline exceeded");
        assert!(took < SHORT, "{took:?}\n{outcome}");
        let said = outcome.said();
        let lines = causes(&said);
        assert_eq!(lines.len(), order.len(), "{outcome}");
        for (line, (endpoint, cause)) in lines.iter().zip(&order) {
            assert!(line.starts_with(endpoint) && line.contains(cause), "{cause}: {outcome}");
        }
    }
}

#[test]
fn without_a_flag_a_dead_server_is_given_two_seconds() {
    for fake in [Fake::refusing(), Fake::silent()] {
        let (outcome, took) = timed(Run::ours(with_endpoints(&fake.endpoint(), &["get", "key"])));
        outcome.assert_fails(1, "context deadline exceeded");
        assert!((1800..4000).contains(&took.as_millis()), "{took:?}\n{outcome}");
    }
}

#[test]
fn without_a_dial_timeout_the_command_timeout_bounds_the_first_contact() {
    for fake in [Fake::refusing(), Fake::silent(), Fake::closing()] {
        let more = ["get", "key", "--dial-timeout=0", "--command-timeout=2500ms"];
        let (outcome, took) = timed(Run::ours(with_endpoints(&fake.endpoint(), &more)));
        outcome.assert_fails(1, "context deadline exceeded");
        assert!((2200..4500).contains(&took.as_millis()), "{took:?}\n{outcome}");
        // The shorter of the two counts, whichever it is.
        let more = ["get", "key", "--dial-timeout=60s", "--command-timeout=300ms"];
        let (outcome, took) = timed(Run::ours(with_endpoints(&fake.endpoint(), &more)));
        outcome.assert_fails(1, "context deadline exceeded");
        assert!(took < LONGEST, "{took:?}\n{outcome}");
    }
}

#[test]
fn a_server_that_comes_up_within_the_dial_timeout_is_reached() {
    let mut etcd = Etcd::start();
    etcd.put(b"key", b"value");
    etcd.stop();
    let more = ["get", "key", "--dial-timeout=60s", "--command-timeout=60s"];
    let run = Run::ours(with_endpoints(&etcd.endpoint(), &more)).deadline(Duration::from_secs(60));
    let mut running = run.start();
    // Long enough to have been refused, however slowly it starts.
    std::thread::sleep(Duration::from_millis(300));
    assert!(running.child.try_wait().expect("a child").is_none(), "it gave up");
    etcd.restart();
    let mut text = String::new();
    let stdout = running.child.stdout.take().expect("stdout is a pipe");
    std::io::Read::read_to_string(&mut { stdout }, &mut text).expect("text");
    assert_eq!(text, "key\nvalue\n");
    assert!(running.child.wait().expect("a status").success());
}

#[test]
fn the_members_of_a_cluster_share_many_calls_and_the_loss_of_one_is_not_noticed() {
    let mut cluster = Cluster::start(3);
    let endpoints = cluster.endpoints();
    let member = |line: &[&str]| {
        let outcome = Run::ours(with_endpoints(&endpoints, line)).outcome();
        assert!(outcome.status == 0, "{outcome}");
        let text = outcome.text();
        let (_, rest) = text.split_once("\"member_id\":").expect("a header");
        rest.split(',').next().expect("a number").to_owned()
    };
    let served: BTreeSet<String> =
        (0..60).map(|_| member(&["put", "key", "value", "-w", "json"])).collect();
    assert_eq!(served.len(), 3, "some member served no put: {served:?}");
    let served: BTreeSet<String> = (0..40).map(|_| member(&["get", "key", "-w", "json"])).collect();
    assert_eq!(served.len(), 3, "some member served no get: {served:?}");
    for victim in 0..2 {
        if victim == 1 {
            cluster.members[0].restart();
        }
        cluster.kill(victim);
        // The others may have to choose a leader first.
        let end = Instant::now() + Duration::from_secs(30);
        while cluster.members[2].asked("/v3/kv/range", r#"{"key":"a2V5"}"#).is_err() {
            assert!(Instant::now() < end, "no leader");
        }
        always_answers(&endpoints, RUNS);
    }
}

#[test]
fn a_member_that_is_frozen_hands_over_to_the_others() {
    let cluster = Cluster::start(3);
    cluster.members[0].put(b"key", b"value");
    let endpoints = cluster.endpoints();
    // Asked with a quorum, a member answers when it has the key itself.
    cluster.members.iter().for_each(|member| drop(member.contents()));
    let line = ["get", "key", "--consistency=s"];
    for member in &cluster.members {
        member.freeze();
        for _ in 0..8 {
            let run = Run::ours(with_endpoints(&endpoints, &line));
            let (outcome, took) = timed(run.env(PATIENCE.0, PATIENCE.1));
            outcome.assert_prints("key\nvalue\n");
            assert!(took < LONGEST, "{took:?}\n{outcome}");
        }
        member.thaw();
    }
}

#[test]
fn a_frozen_server_is_waited_for_no_longer_than_the_command_may_take() {
    on_the_newest_server(|etcd| {
        etcd.put(b"key", b"value");
        etcd.freeze();
        let endpoint = etcd.endpoint();
        for line in [&["get", "key"][..], &["put", "key", "value"], &["del", "other"]] {
            for timeout in ["--command-timeout=500ms", "--dial-timeout=500ms"] {
                let line: Vec<&str> = line.iter().copied().chain([timeout]).collect();
                let (outcome, took) = timed(Run::ours(with_endpoints(&endpoint, &line)));
                outcome.assert_fails(1, "context deadline exceeded");
                assert!((400..1500).contains(&took.as_millis()), "{took:?}\n{outcome}");
                assert!(outcome.said().contains("says nothing"), "{outcome}");
            }
        }
        // Frozen after it had spoken: this one answers the opening of HTTP/2, and no request.
        let (outcome, took) = timed(Run::ours(with_endpoints(
            &half_dead().to_string(),
            &["get", "key", "--command-timeout=500ms", "--dial-timeout=300ms"],
        )));
        outcome.assert_fails(1, "context deadline exceeded");
        assert!((400..1500).contains(&took.as_millis()), "{took:?}\n{outcome}");
        assert!(outcome.said().contains("no answer within 500ms"), "{outcome}");
        etcd.thaw();
        always_answers(&endpoint, 1);
    });
}

/// Sends its settings to whoever connects, then nothing more.
fn half_dead() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"\0\0\0\x04\0\0\0\0\0");
            held.push(stream);
        }
    });
    address
}
