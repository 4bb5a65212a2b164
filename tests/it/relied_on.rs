//! What programs that drive the client rely on: a test for each sentence about a command that asks a server.
//!
//! | sentence | test |
//! | --- | --- |
//! | a terminal of no size, without `TERM` | `agree_on_terminal` in get, put, del, txn, watch and others |
//! | nothing on stderr at a success; no `\r`; `fields` is `"Name" : value` | `a_driver_reads_whole_lines_and_nothing_else` |
//! | an environment of `PATH` and some variables, one of them unknown | `an_unknown_variable_is_never_fatal`, global |
//! | a failure exits non-zero, a success exits 0 | `assert_same_answer`, everywhere |
//! | SIGTERM ends a watch | watch: `signals_end_a_watch_as_they_end_any_program` |
//! | the last of several flags wins; flags anywhere; spellings of values | `the_last_flag_wins_in_every_spelling`, global |
//! | empty positionals mean something | `an_empty_word_means_something` |
//! | `watch` by words, `--` and variables; its command's variables | watch |
//! | input is there before it is asked for; lines end in `\r` | `lines_typed_ahead_with_a_drivers_line_end_are_read`, auth::prompt |
//! | `user add`, `user passwd` without a prompt; `user add :pw` | access: `users_live_and_die_alike` |
//! | `txn --interactive`: prompts and quoting | txn |
//! | JSON in one line, found by a word | `a_line_of_json_is_found_by_its_word` |
//! | `endpoint status` and `hashkv`, their shape | endpoint |
//! | a transaction's answers by name | `a_line_of_json_is_found_by_its_word` |
//! | `member list --hex`: ids are texts, the term is a number | `hexadecimal_ids_leave_the_term_a_number` |
//! | a cancelled watch prints its line, then fails | watch: `a_watch_that_the_server_ends_is_told_alike` |
//! | calls of short processes spread over the endpoints | connection::failover |
//! | `:authority` of every form of endpoint | connection::endpoints |
//! | a refused certificate: `context deadline exceeded` | connection::tls |
//! | a watch survives its server, and reports a compaction | watch |
//! | `--consistency s` without quorum, and a linearizable read | `without_quorum_a_member_still_tells_what_it_knows` |
//! | texts of the server, word for word | `a_full_store_is_told_in_the_servers_words`, access, maintenance |

use crate::support::etcd::Cluster;
use crate::support::{
    Etcd, Run, Twins, agree, on_every_server, on_the_newest_server, on_twins, reference_is_there,
    run, words,
};

#[test]
fn a_driver_reads_whole_lines_and_nothing_else() {
    on_the_newest_server(|etcd| {
        etcd.put(b"key", b"value");
        agree(etcd, &["get", "missing"]).assert_prints("");
        for line in [
            "get key",
            "get '' --prefix",
            "lease list",
            "member list",
            "endpoint status",
            "put key value --prev-kv",
        ] {
            let outcome = as_fields(etcd, line);
            assert!(outcome.stderr.is_empty() && !outcome.stdout.contains(&b'\r'), "{outcome}");
            let named = |line: &str| line.starts_with('"') && line.contains("\" : ");
            // Lists of members and endpoints have an empty line behind each.
            assert!(outcome.text().lines().all(|line| line.is_empty() || named(line)), "{outcome}");
        }
    });
}

fn as_fields(etcd: &Etcd, line: &str) -> crate::support::Outcome {
    let endpoint = etcd.endpoint();
    let args = [&["--endpoints", &endpoint, "-w", "fields"], words(line).as_slice()].concat();
    let outcome = Run::ours(args).outcome();
    assert_eq!(outcome.status, 0, "{outcome}");
    outcome
}

#[test]
fn an_unknown_variable_is_never_fatal() {
    on_the_newest_server(|etcd| {
        for name in ["ETCDCTL_WATCH_KEY", "ETCDCTL_WATCH_RANGE_END", "ETCDCTL_NOTHING"] {
            for client in [Run::ours, Run::reference] {
                let args =
                    ["--endpoints", &etcd.endpoint(), "put", "key", "value"].map(str::to_owned);
                let outcome = client(args.to_vec()).env(name, "x").outcome();
                assert_eq!((outcome.status, outcome.text().as_str()), (0, "OK\n"), "{outcome}");
            }
        }
    });
}

#[test]
fn the_last_flag_wins_in_every_spelling() {
    on_the_newest_server(|etcd| {
        etcd.put(b"key", b"value");
        for line in [
            "-w json get key -w fields -w json",
            "-w fields get -w=json key --write-out fields",
            "get key --dial-timeout=0s --command-timeout=1.1s --hex=true",
            "get key --insecure-transport=true --insecure-skip-tls-verify=false",
            "get key --limit 1 --limit=0 --prefix=false --prefix",
        ] {
            assert_eq!(agree(etcd, &words(line)).status, 0, "{line}");
        }
    });
}

#[test]
fn an_empty_word_means_something() {
    on_twins(&["3.7", "3.4"], |twins| {
        for (key, value) in [("a", "1"), ("b", "2"), ("\u{ff}", "3")] {
            twins.official(&["put", key, value]);
        }
        twins.official(&["role", "add", "r"]);
        for line in [
            "get '' --prefix",
            "get '' --from-key",
            "get '' --from-key=true --keys-only --limit 1",
            "role grant-permission r READWRITE key ''",
            "role grant-permission r read '' --prefix",
            "role grant-permission r Write '' --from-key",
            "role get r",
            "role get r -w json",
            "role revoke-permission r '' --prefix",
            "put empty ''",
            "del '' --from-key",
            "get '' --prefix",
        ] {
            assert_eq!(twins.agree(&words(line)).status, 0, "{line}");
        }
    });
}

#[test]
fn lines_typed_ahead_with_a_drivers_line_end_are_read() {
    on_twins(&["3.7"], |twins: &Twins| {
        let typed = b"ver(\"key \\\"with\\\" space\") = \"0\"\r\rput \"key \\\"with\\\" space\" \"value \\x23\"\r\r\r";
        let wanted =
            twins.agree_as(&["txn", "--interactive"], |run| run.stdin(typed).on_terminal());
        assert!(wanted.text().contains("compares:\r\n"), "{wanted}");
        let outcome = twins.agree(&["get", "key \"with\" space", "--print-value-only"]);
        outcome.assert_prints("value #\n");
    });
}

#[test]
fn a_line_of_json_is_found_by_its_word() {
    on_every_server(|etcd| {
        etcd.put(b"key", b"value");
        etcd.grant(0x77, 100_000);
        for (line, word) in [
            ("get key", "\"kvs\":[{\"key\":"),
            ("get key", "header"),
            ("put key value --prev-kv", "\"prev_kv\":{\"key\":"),
            ("del missing", "header"),
            ("lease timetolive 77", "\"member_id\""),
            ("lease list", "\"leases\":[{\"id\":119}]"),
            ("lease grant 100", "\"ID\":"),
            ("lease keep-alive 77 --once", "\"ID\":119"),
            ("member list", "\"members\":[{\"ID\":"),
            ("endpoint status", "[{\"Endpoint\":"),
            ("endpoint hashkv", "\"HashKV\":{"),
        ] {
            let endpoint = etcd.endpoint();
            let args = [&["--endpoints", &endpoint, "-w", "json"], words(line).as_slice()].concat();
            let (ours, theirs) =
                run::both(|| Run::ours(&args).outcome(), || Run::reference(&args).outcome());
            for outcome in [ours, theirs] {
                let text = outcome.text();
                assert!(
                    text.lines().count() == 1 && text.contains(word),
                    "{line}: {word}\n{outcome}"
                );
            }
        }
        let script = b"\nget key\nput key w\ndel missing\n\n\n";
        let outcome = Run::ours(["--endpoints", &etcd.endpoint(), "txn", "-w", "json"])
            .stdin(script)
            .outcome();
        for word in ["{\"response_range\":", "{\"response_put\":", "{\"response_delete_range\":"] {
            assert!(outcome.text().contains(word), "{outcome}");
        }
    });
}

#[test]
fn hexadecimal_ids_leave_the_term_a_number() {
    on_every_server(|etcd| {
        let outcome = agree(etcd, &words("member list -w json --hex"));
        let answer: serde_json::Value = serde_json::from_slice(&outcome.stdout).expect("JSON");
        assert!(answer["header"]["member_id"].is_string(), "{outcome}");
        assert!(answer["members"][0]["ID"].is_string(), "{outcome}");
        assert!(answer["header"]["raft_term"].is_number(), "{outcome}");
    });
}

#[test]
fn without_quorum_a_member_still_tells_what_it_knows() {
    if !reference_is_there() {
        return;
    }
    let mut cluster = Cluster::start(3);
    cluster.members[0].put(b"key", b"value");
    // The member has heard of the key before the others die.
    let known = agree(&cluster.members[0], &["get", "key"]);
    known.assert_prints("key\nvalue\n");
    cluster.kill(1);
    cluster.kill(2);
    let alone = &cluster.members[0];
    agree(alone, &["get", "key", "--consistency", "s"]).assert_prints("key\nvalue\n");
    let asked = ["get", "key", "--command-timeout", "1s"];
    agree(alone, &asked).assert_fails(1, "context deadline exceeded");
}

#[test]
fn a_full_store_is_told_in_the_servers_words() {
    on_the_newest_server(|etcd| {
        let members = etcd.ask("/v3/cluster/member/list", "{}");
        let members: serde_json::Value = serde_json::from_str(&members).expect("JSON");
        let id = &members["members"][0]["ID"];
        etcd.ask(
            "/v3/maintenance/alarm",
            &format!(r#"{{"action":"ACTIVATE","memberID":{id},"alarm":"NOSPACE"}}"#),
        );
        let words = "etcdserver: mvcc: database space exceeded";
        agree(etcd, &["put", "key", "value"]).assert_fails(1, words);
        crate::support::agree_as(etcd, &["txn"], |run| run.stdin(b"\nput key value\n\n\n"))
            .assert_fails(1, words);
    });
}
