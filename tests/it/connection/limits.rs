//! Limits: of time and of messages. And servers on the wrong port.

use crate::connection::{timed, with_endpoints};
use crate::support::{
    Etcd, Fake, Outcome, Run, agree, agree_as, on_servers, on_the_newest_server, on_twins,
    reference_is_there, run, words,
};

#[test]
fn no_time_at_all_is_over_before_it_begins() {
    on_the_newest_server(|etcd| {
        for timeout in ["0", "0s", "-1s", "-0.5ms", "1ns"] {
            for line in ["get key", "put key value", "del key", "get key --stream"] {
                let timeout = format!("--command-timeout={timeout}");
                let line: Vec<&str> = words(line).into_iter().chain([&*timeout]).collect();
                agree(etcd, &line).assert_fails(1, "context deadline exceeded");
            }
        }
        assert!(!etcd.contents().contains("kvs"), "{}", etcd.contents());
    });
}

#[test]
fn a_message_that_is_too_large_is_refused_in_the_official_words() {
    on_servers(&["3.4", "3.7"], |etcd| {
        let value = |size: usize| vec![b'v'; size];
        let put = |size: usize, more: &str| -> Outcome {
            let line: Vec<&str> = ["put", "key"].into_iter().chain(words(more)).collect();
            agree_as(etcd, &line, |run| run.stdin(&value(size)))
        };
        // By the client itself, by the server's transport, by the server.
        for (size, more) in [
            (2_100_000, ""),
            (2_097_152, ""),
            (2_097_141, ""),
            (1_600_000, ""),
            (2_100_000, "--max-request-bytes 3000000"),
            (2_100_000, "--max-request-bytes 2147483647"),
            (2_100_000, "--max-request-bytes 0"),
            (2_100_000, "--max-request-bytes -5"),
            (1000, "--max-request-bytes 1000"),
            (1000, "--max-request-bytes 1007"),
        ] {
            let outcome = put(size, more);
            assert!(outcome.status == 1 && outcome.stdout.is_empty(), "{size} {more}: {outcome}");
        }
        assert!(!etcd.contents().contains("kvs"));
        put(1000, "--max-request-bytes 1008").assert_prints("OK\n");
        put(1_500_000, "").assert_prints("OK\n");

        for (line, status) in [
            ("get key --max-recv-bytes 1000000 --max-request-bytes 1000", 1),
            ("get key --max-recv-bytes 1000000", 1),
            ("get key --max-recv-bytes 3000000", 0),
            ("get key --max-recv-bytes 3000000 --max-request-bytes 3000000", 0),
            ("get key --max-recv-bytes 0", 0),
            ("get key --max-recv-bytes -1", 0),
            ("get key --keys-only --max-recv-bytes 100 --max-request-bytes 100", 0),
            ("get key --prefix --max-recv-bytes 1000000 --max-request-bytes 1000", 1),
            ("get key --stream --max-recv-bytes 1000000 --max-request-bytes 1000", 1),
        ] {
            let outcome = agree(etcd, &words(line));
            // A stream's messages are smaller than its answer, and an old server has no streams.
            assert!(outcome.status == status || line.contains("stream"), "{line}: {outcome}");
            etcd.put(b"key", &value(1_500_000));
        }
    });
}

#[test]
fn a_large_value_arrives_whole() {
    on_twins(&["3.4", "3.7"], |twins| {
        let value: Vec<u8> = (0..1_500_000_u32).map(|i| (i % 251).to_le_bytes()[0]).collect();
        twins.agree_with_stdin(&["put", "key"], &value).assert_prints("OK\n");
        for etcd in [&twins.ours, &twins.theirs] {
            let outcome = agree(etcd, &words("get key --print-value-only"));
            assert!(outcome.stdout == [&value[..], b"\n"].concat(), "the value changed");
        }
    });
}

#[test]
fn what_is_not_etcds_client_port_is_said_to_be_none() {
    if !reference_is_there() {
        return;
    }
    let etcd = Etcd::start();
    let (web, peer) = (Fake::web(), format!("127.0.0.1:{}", etcd.peer_port()));
    for (endpoint, line, cause) in [
        (web.endpoint(), "get key", "does not speak HTTP/2 (it answers \"HTTP/1.1 400 Ba"),
        (web.endpoint(), "put key value", "does not speak HTTP/2"),
        (web.endpoint().replace("http", "https"), "get key", "does not speak TLS"),
    ] {
        let line: Vec<&str> = words(line).into_iter().chain(["--command-timeout=1s"]).collect();
        let args = with_endpoints(&endpoint, &line);
        let ((ours, took), theirs) =
            run::both(|| timed(Run::ours(&args)), || timed(Run::reference(&args)));
        ours.assert_same_answer(&theirs.0, &endpoint);
        ours.assert_fails(1, "context deadline exceeded");
        assert!(ours.said().contains(cause) && ours.said().contains("hint: "), "{ours}");
        assert!(took.as_millis() < 900, "{took:?}\n{ours}");
    }
    // The port for members answers, or does not: as to the official client.
    for line in ["get key", "put key value", "get key"] {
        let line: Vec<&str> = words(line).into_iter().chain(["--command-timeout=1s"]).collect();
        let args = with_endpoints(&peer, &line);
        let (ours, theirs) =
            run::both(|| Run::ours(&args).outcome(), || Run::reference(&args).outcome());
        ours.assert_same_answer(&theirs, "the port for members");
    }
}
