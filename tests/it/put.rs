//! `put` beside the official client, each on a twin: equal answers, equal stores.

use crate::support::{
    Etcd, FORMATS, Run, Twins, agree, bytes, on_every_twins, on_the_newest_server, on_twins, ours,
    run, words,
};

/// Writes in an order that gives each flag something to work on.
const WRITES: [&str; 26] = [
    "key value",
    "key other --prev-kv",
    "new value --prev-kv",
    "key ''",
    "key again --prev-kv=true",
    "key value ignored surplus",
    "key --ignore-value",
    "key --ignore-value=true --prev-kv",
    "key value --lease 7",
    "key value --lease 0000000000000007 --prev-kv",
    "key value --ignore-lease",
    "key value --ignore-lease --prev-kv",
    "key --ignore-value --ignore-lease --prev-kv",
    "key --ignore-value --lease=7fffffffffffffff",
    "key value --lease 0",
    "key value --lease -0",
    "key value --prev-kv=false --ignore-lease=false --ignore-value=false",
    "-- key -v",
    "-- --key --prefix",
    "key -",
    "--prev-kv key value",
    "key --prev-kv value",
    "/ x",
    "a/b/c d",
    "k\u{e4}y \u{1f511}",
    "tab\tkey value",
];

fn leases(twins: &Twins) {
    twins.grant(7, 3600);
    twins.grant(i64::MAX, 3600);
}

fn put<'a>(row: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    more.iter().copied().chain(["put"]).chain(words(row)).collect()
}

#[test]
fn every_write_agrees_in_every_format_with_every_server() {
    on_every_twins(|twins| {
        leases(twins);
        for format in FORMATS {
            for row in WRITES {
                twins.agree(&put(row, &["-w", format]));
            }
        }
    });
}

#[test]
fn every_write_agrees_in_hex_and_on_a_bare_terminal() {
    on_twins(&["3.7"], |twins| {
        leases(twins);
        for format in FORMATS {
            for row in WRITES {
                twins.agree(&put(row, &["--hex", "-w", format]));
                twins.agree_on_terminal(&put(row, &["-w", format]));
            }
        }
    });
}

#[test]
fn the_value_comes_from_stdin_verbatim() {
    on_every_twins(|twins| {
        let every_byte: Vec<u8> = (0..=255).collect();
        for value in [&b"line\n"[..], b"no newline", b"\n", b"two\nlines\r\n", b"\x00", &every_byte]
        {
            for format in FORMATS {
                twins.agree_with_stdin(&["put", "key", "--prev-kv", "-w", format], value);
            }
        }
        twins.agree_with_stdin(&["put", "key"], &vec![b'x'; 1_500_000]);
        twins.agree_with_stdin(&["put", "key", "--ignore-value", "--prev-kv"], b"unread");
        twins.agree_with_stdin(&["put", "key", "-"], b"unread");
        twins.agree_with_stdin(&["put", "key", ""], b"unread");
        twins.agree_with_stdin(&["put", "--", "-key"], b"value");
    });
}

#[test]
fn a_value_typed_on_a_terminal_ends_with_the_end_of_input() {
    on_twins(&["3.7"], |twins| {
        twins.agree_as(&["put", "key"], |run| run.stdin(b"typed\n").on_terminal());
        twins.agree(&["get", "key", "-w", "json"]);
    });
}

#[test]
fn arguments_too_can_be_bytes_that_are_no_text() {
    on_twins(&["3.7"], |twins| {
        for (key, value) in
            [(&b"\xff\xfe"[..], &b"\x80"[..]), (b"\xc3", b"\xed\xa0\x80"), (b"\x01", b"\x7f")]
        {
            let run = |of: &dyn Fn(Vec<&std::ffi::OsStr>) -> Run, etcd: &Etcd| {
                let endpoint = etcd.endpoint();
                of(vec![
                    "--endpoints".as_ref(),
                    endpoint.as_ref(),
                    "put".as_ref(),
                    bytes(key),
                    bytes(value),
                ])
                .outcome()
            };
            let (ours, theirs) = run::both(
                || run(&|args| Run::ours(args), &twins.ours),
                || run(&|args| Run::reference(args), &twins.theirs),
            );
            ours.assert_same_answer(&theirs, "bytes that are no text");
            assert_eq!(twins.ours.contents(), twins.theirs.contents());
        }
    });
}

#[test]
fn what_the_server_refuses_is_refused_alike() {
    on_every_twins(|twins| {
        leases(twins);
        for row in [
            "'' value",
            "missing --ignore-value",
            "missing value --ignore-lease",
            "key value --lease 7 --ignore-lease",
            "key value --lease 8",
            "key value --lease -1",
        ] {
            let outcome = twins.agree(&put(row, &[]));
            assert!(outcome.status != 0, "{outcome}");
        }
    });
}

#[test]
fn values_past_the_limits_are_refused_alike() {
    on_twins(&["3.4", "3.7"], |twins| {
        // The server's limit of 1.5 MiB, its transport's, the client's own of 2 MiB.
        for size in [1_572_864, 2_000_000, 2_097_140, 2_097_152, 3_000_000] {
            let outcome = twins.agree_with_stdin(&["put", "key"], &vec![b'x'; size]);
            assert!(outcome.status == 1, "{outcome}");
        }
        let large = vec![b'x'; 3000];
        twins.agree_with_stdin(&["put", "key", "--max-request-bytes", "2000"], &large);
        twins.agree_with_stdin(&["put", "key", "--max-request-bytes", "4000"], &large);
        twins.agree_with_stdin(&["put", "key", "--max-request-bytes=-1"], &large);
        twins.agree(&["put", "key", "v", "--max-recv-bytes", "10", "--max-request-bytes", "20"]);
        twins.agree(&[
            "put",
            "key",
            "v",
            "--prev-kv",
            "--max-recv-bytes",
            "2000",
            "--max-request-bytes",
            "1000",
        ]);
    });
}

#[test]
fn a_full_store_is_reported_alike() {
    on_the_newest_server(|_| {
        let full =
            || Etcd::version_with("3.7", &["--quota-backend-bytes=65536"]).expect("it is there");
        let twins = Twins { ours: full(), theirs: full() };
        let value = vec![b'x'; 100_000];
        twins.agree_with_stdin(&["put", "key"], &value);
        twins.agree_with_stdin(&["put", "key"], &value);
        let outcome = twins.agree(&["put", "key", "value"]);
        outcome.assert_fails(1, "etcdserver: mvcc: database space exceeded");
    });
}

#[test]
fn argument_errors_are_word_for_word() {
    on_the_newest_server(|etcd| {
        let before = etcd.contents();
        for row in [
            "",
            "--prev-kv",
            "key",
            "key --prev-kv",
            "key value --ignore-value",
            "key value --ignore-value --lease zz",
            "--ignore-value",
            "key value --lease zz",
            "key value --lease 0x12",
            "key value --lease ''",
            "key value --lease=",
            "key value --lease 8000000000000000",
            "key value --lease -8000000000000001",
            "key value --lease 1_0",
            "key value --lease +",
            "key value --lease 12.5",
            "key value --lease",
            "key --lease zz",
            "key -v",
            "key value --prefix",
            "key value --prev-kv=perhaps",
            "key value --ignore-lease=",
            "key value -w bogus",
            "key value -w raw",
        ] {
            let outcome = agree(etcd, &put(row, &[]));
            assert!(outcome.status != 0, "{outcome}");
        }
        assert_eq!(etcd.contents(), before);
    });
}

#[test]
fn on_purpose_table_works_where_the_official_client_refuses_it_after_the_write() {
    on_every_twins(|twins| {
        for row in ["key value", "key other --prev-kv"] {
            let args = put(row, &["-w", "table"]);
            let table = ours(&twins.ours, &args);
            assert!(table.status == 0 && table.stderr.is_empty(), "{table}");
            let endpoint = twins.theirs.endpoint();
            let official = Run::reference(["--endpoints", &endpoint].iter().chain(&args)).outcome();
            official.assert_fails(4, "table not supported as output format");
            assert_eq!(twins.ours.contents(), twins.theirs.contents());
        }
    });
}
