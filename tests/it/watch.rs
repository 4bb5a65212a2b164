//! `watch` beside the official client: what it prints, what it runs, what it survives.

use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;

use crate::support::live::{End, Live, line};
use crate::support::{
    Etcd, FORMATS, Run, agree, on_every_server, on_servers, on_the_newest_server, run, words,
};

/// A history of six revisions on the keys `a`, `b` and `a/1`.
fn with_history(etcd: &Etcd) {
    etcd.put(b"a", b"1");
    etcd.put(b"b", b"2");
    etcd.put(b"a", b"two\nlines");
    etcd.ask("/v3/kv/deleterange", r#"{"key":"YQ=="}"#);
    etcd.put(b"a/1", b"\xff\x00");
    etcd.put(b"a", b"");
}

/// Both clients watch; once both have printed as much, both are ended, and printed the same.
#[track_caller]
fn watch_alike(etcd: &Etcd, text: &str, lines: usize, with: impl Fn(Run) -> Run + Sync) {
    let watched = |run: Run| {
        let mut live = Live::start(with(run));
        live.wait_until(|stdout| stdout.bytes().filter(|&byte| byte == b'\n').count() >= lines);
        live.end_with(Signal::TERM)
    };
    let (ours, theirs) = run::both(
        || watched(Run::ours(line(etcd, text))),
        || watched(Run::reference(line(etcd, text))),
    );
    assert_eq!(ours, theirs, "{text} on etcd {}", etcd.minor());
}

#[test]
fn every_watch_agrees_in_every_format_with_every_server() {
    on_every_server(|etcd| {
        with_history(etcd);
        // The lines of `a` with and without what was there before, and of a range of five events.
        for (format, with_prev, without, range) in [
            ("simple", 18, 13, 16),
            ("json", 1, 1, 1),
            ("fields", 44, 32, 39),
            ("json --hex", 1, 1, 1),
        ] {
            for (text, lines) in [
                ("watch a --rev 2", without),
                ("watch a --rev 2 --prev-kv", with_prev),
                ("watch --rev 2 a --prefix", range),
                ("watch a b --rev 2", range),
                ("watch '' --prefix --rev 3", range),
            ] {
                watch_alike(etcd, &format!("{text} -w {format}"), lines, |run| run);
            }
        }
        watch_alike(etcd, "watch a --rev 2 --hex", 12, |run| run);
        // More than two keys: the first alone counts.
        watch_alike(etcd, "watch a b c --rev 2", 13, |run| run);
        let by_variable = |run: Run| run.env("ETCDCTL_WATCH_KEY", "a");
        watch_alike(etcd, "watch --rev 2", 13, by_variable);
        watch_alike(etcd, "watch --rev 2", 16, |run| {
            by_variable(run).env("ETCDCTL_WATCH_RANGE_END", "b")
        });
    });
}

#[test]
fn protobuf_is_the_message_without_a_frame() {
    on_every_server(|etcd| {
        with_history(etcd);
        let watched = |run: Run| {
            let mut live = Live::start(run);
            live.wait_until(|stdout| stdout.contains("lines") && stdout.len() > 100);
            live.end_with(Signal::TERM)
        };
        let args = line(etcd, "watch a --rev 2 -w protobuf --prev-kv");
        assert_eq!(watched(Run::ours(&args)), watched(Run::reference(&args)));
    });
}

#[test]
fn a_command_is_run_for_each_event_with_its_variables() {
    on_the_newest_server(|etcd| {
        with_history(etcd);
        let script = "printf '%s %s %s %s\\n' \"$ETCD_WATCH_REVISION\" \"$ETCD_WATCH_EVENT_TYPE\" \"$ETCD_WATCH_KEY\" \"$ETCD_WATCH_VALUE\"";
        for (before, events) in [
            ("watch a --rev 2", 4),
            ("watch --rev 2 a", 4),
            ("watch a --rev 2 b", 5),
            ("--hex watch a --rev=2", 4),
        ] {
            let watched = |run: fn(Vec<String>) -> Run| {
                let mut args = line(etcd, before);
                args.extend(["--", "sh", "-c", script].map(str::to_owned));
                let mut live = Live::start(run(args));
                live.wait_until(|stdout| {
                    stdout.matches("\n7 \"").count() == events && stdout.ends_with("\"\"\n")
                });
                live.end_with(Signal::TERM)
            };
            let (ours, theirs) = run::both(|| watched(Run::ours), || watched(Run::reference));
            assert_eq!(ours, theirs, "{before}");
            assert!(ours.stdout.contains(" \"PUT\" \"a\" \"two\\nlines\"\n"), "{ours:?}");
        }
        for text in [
            "watch a --rev 2 -- false",
            "watch a --rev 2 -- no-such-program x",
            "watch a --rev 2 -- /no/such/program",
            "watch a --rev 2 -- sh -c 'exit",
        ] {
            let outcome = agree(etcd, &words(text));
            assert_eq!(outcome.status, 1, "{outcome}");
            assert!(String::from_utf8_lossy(&outcome.stderr).contains("command ["), "{outcome}");
        }
    });
}

#[test]
fn what_stands_before_the_commands_last_like_named_word_are_keys() {
    on_the_newest_server(|etcd| {
        with_history(etcd);
        watch_alike(etcd, "watch a --rev 2 -- echo echo", 25, |run| run);
    });
}

#[test]
fn argument_errors_are_word_for_word() {
    on_the_newest_server(|etcd| {
        for text in
            ["watch", "watch a --", "watch a b --prefix", "watch a --rev x", "watch -w wrong a"]
        {
            agree(etcd, &words(text));
        }
        for (text, key, end) in [
            ("watch a", "k", ""),
            ("watch a -- echo", "k", ""),
            ("watch", "", "m"),
            ("watch a", "", "m"),
            ("watch --prefix", "k", "m"),
        ] {
            crate::support::agree_as(etcd, &words(text), |run| {
                run.env("ETCDCTL_WATCH_KEY", key).env("ETCDCTL_WATCH_RANGE_END", end)
            });
        }
    });
}

#[test]
fn a_watch_that_the_server_ends_is_told_alike() {
    on_every_server(|etcd| {
        with_history(etcd);
        etcd.ask("/v3/kv/compaction", r#"{"revision":"5"}"#);
        for format in FORMATS {
            for text in
                ["watch a --rev 2", "watch z a", "watch a --prefix --rev 4", "watch a --rev -1"]
            {
                let outcome = agree(etcd, &words(&format!("{text} -w {format}")));
                assert_eq!(outcome.status, 5, "{outcome}");
                assert!(outcome.stderr.starts_with(b"watch was canceled ("), "{outcome}");
            }
        }
    });
}

#[test]
fn progress_is_told_when_nothing_happens() {
    // The interval can be set there.
    on_servers(&["3.7"], |_| {
        let Some(etcd) = Etcd::version_with("3.7", &["--watch-progress-notify-interval", "200ms"])
        else {
            return;
        };
        for format in ["simple", "json", "fields"] {
            watch_alike_first(&etcd, &format!("watch a --progress-notify -w {format}"));
        }
        let mut jsonl = Live::start(Run::ours(line(&etcd, "watch a --progress-notify -w jsonl")));
        let told = jsonl.wait_for_lines(1);
        assert!(told.starts_with("{\"type\":\"PROGRESS\",\"revision\":1}\n"), "{told}");
    });
}

/// How often a server tells its progress is its own affair: the first answers are compared.
#[track_caller]
fn watch_alike_first(etcd: &Etcd, text: &str) {
    let first = |run: Run| {
        let mut live = Live::start(run);
        let lines = if text.ends_with("json") { 2 } else { 1 };
        let seen = live.wait_for_lines(lines);
        seen.lines().take(lines).map(str::to_owned).collect::<Vec<_>>()
    };
    let args = line(etcd, text);
    assert_eq!(first(Run::ours(&args)), first(Run::reference(&args)), "{text}");
}

#[test]
fn an_interactive_session_takes_a_watch_a_line() {
    on_the_newest_server(|etcd| {
        with_history(etcd);
        let session = |run: fn(Vec<String>) -> Run| {
            let mut live = Live::start(run(line(etcd, "watch -i --prefix")));
            live.type_in("foo\n\nwatch\nwatch a b --prefix\nwatch b --rev 2\n");
            live.wait_until(|stdout| stdout.ends_with("b\n2\n"));
            live.type_in("watch 'a' --rev=2 -- echo \"x y\"\n");
            live.wait_until(|stdout| stdout.matches("x y").count() == 4);
            live.type_in("watch z a\n");
            live.wait_for_error("watch was canceled");
            live.type_in("progress\n");
            live.wait_until(|stdout| stdout.matches("progress notify: 7").count() == 2);
            live.end_input();
            live.end()
        };
        let (ours, theirs) = run::both(|| session(Run::ours), || session(Run::reference));
        assert_eq!(ours, theirs);
        assert_eq!(ours.status, 3, "{ours:?}");
    });
}

#[test]
fn an_interactive_line_that_cannot_be_read_ends_the_session() {
    on_the_newest_server(|etcd| {
        for text in [
            "watch a --bogus\n",
            "watch a --help\n",
            "watch a --\n",
            "watch --prefix\n",
            "",
            "watch",
        ] {
            crate::support::agree_as(etcd, &["watch", "-i"], |run| run.stdin(text.as_bytes()));
        }
    });
}

#[test]
fn a_driver_sees_each_event_on_its_own_line() {
    on_the_newest_server(|etcd| {
        let driven = |run: Run| {
            let mut live = Live::on_terminal(run);
            live.type_in("watch k\n");
            live.wait_until(|stdout| stdout.contains("watch k"));
            // When the watch stands is nowhere told: what is written is found by its revision.
            live.end_input();
            live
        };
        let mut live = driven(Run::ours(line(etcd, "watch --rev 1 k")));
        etcd.put(b"k", b"v\x1b[2J");
        let seen = live.wait_until(|stdout| stdout.contains("PUT"));
        assert!(seen.ends_with("PUT\r\nk\r\nv\x1b[2J\r\n"), "{seen:?}");
    });
}

#[test]
fn signals_end_a_watch_as_they_end_any_program() {
    on_the_newest_server(|etcd| {
        etcd.put(b"k", b"v");
        for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143)] {
            let ended = |run: Run| {
                let mut live = Live::start(run);
                live.wait_for_lines(3);
                live.end_with(signal)
            };
            let args = line(etcd, "watch --rev 1 k");
            let ours = ended(Run::ours(&args));
            assert_eq!(ours.status, status, "{ours:?}");
            assert_eq!(ours, ended(Run::reference(&args)));
        }
    });
}

#[test]
fn our_own_formats_tell_what_happened_first() {
    let etcd = Etcd::start();
    with_history(&etcd);
    let watched = |format: &str, lines: usize| {
        let text = format!("watch a --rev 2 --prev-kv -w {format}");
        let mut live = Live::start(Run::ours(line(&etcd, &text)));
        live.wait_for_lines(lines)
    };
    assert_eq!(
        watched("jsonl", 4),
        concat!(
            r#"{"type":"PUT","key":"a","create_revision":2,"mod_revision":2,"version":1,"value":"1"}"#,
            "\n",
            r#"{"type":"PUT","key":"a","create_revision":2,"mod_revision":4,"version":2,"value":"two\nlines","prev":{"key":"a","create_revision":2,"mod_revision":2,"version":1,"value":"1"}}"#,
            "\n",
            r#"{"type":"DELETE","key":"a","create_revision":0,"mod_revision":5,"version":0,"prev":{"key":"a","create_revision":2,"mod_revision":4,"version":2,"value":"two\nlines"}}"#,
            "\n",
            r#"{"type":"PUT","key":"a","create_revision":7,"mod_revision":7,"version":1,"value":""}"#,
            "\n",
        )
    );
    let yaml = watched("yaml", 14);
    assert!(
        yaml.contains("# a create_revision=0 mod_revision=5 version=0 type=DELETE\n"),
        "{yaml}"
    );
    let table = watched("table", 8);
    assert!(table.contains("│ DELETE │   a │"), "{table}");
}

#[test]
fn on_purpose_a_watch_without_a_server_ends_at_the_dial_timeout() {
    let outcome =
        Run::ours(words("--endpoints 127.0.0.1:1 --dial-timeout 100ms watch a")).outcome();
    outcome.assert_fails(1, "context deadline exceeded");
}

/// The revisions that a watch has told, line by line.
fn revisions(jsonl: &str) -> Vec<u64> {
    let lines = jsonl.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let revision = |line: &str| {
        let event: serde_json::Value = serde_json::from_str(line).expect("an event");
        event["mod_revision"].as_u64().expect("a revision")
    };
    lines.map(revision).collect()
}

#[test]
fn a_watch_hears_every_event_once_though_its_server_is_killed_a_hundred_times() {
    let mut etcd = Etcd::start();
    let mut live = Live::start(Run::ours(line(&etcd, "watch k --rev 1 -w jsonl")));
    let (stop, endpoint) = (AtomicBool::new(false), etcd.endpoint());
    // It alone writes, and one key, so that every revision from the second on is an event.
    let write = || {
        for number in 0_u32.. {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let value = number.to_string();
            Run::ours(["--endpoints", &endpoint, "put", "k", &value]).outcome();
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(write);
        let mut heard = 0;
        for _ in 0..100 {
            let seen = live.wait_until(|stdout| stdout.lines().count() > heard);
            heard = seen.lines().count();
            etcd.kill();
            etcd.restart();
        }
        stop.store(true, Ordering::Relaxed);
    });
    etcd.put(b"k", b"the last");
    let seen = live.wait_until(|stdout| stdout.contains("the last") && stdout.ends_with('\n'));
    let seen = revisions(&seen);
    assert_eq!(seen, (2..).take(seen.len()).collect::<Vec<u64>>());
    let End { stderr, .. } = live.end_with(Signal::TERM);
    let told = |what: &str| stderr.lines().filter(|line| line.ends_with(what)).count();
    // A server that is killed again before it was heard is lost once.
    let (lost, back) = (told("; connecting again"), told("the connection is back"));
    assert!(lost >= 50 && lost.abs_diff(back) <= 1, "{lost} {back} {stderr}");
}

#[test]
fn a_watch_that_has_heard_nothing_yet_misses_nothing_and_repeats_nothing() {
    let mut etcd = Etcd::start();
    etcd.put(b"k", b"old");
    let mut live = Live::start(Run::ours(line(&etcd, "watch k -w jsonl --debug")));
    live.wait_for_error("answers after");
    etcd.kill();
    etcd.restart();
    etcd.put(b"k", b"new");
    let seen = live.wait_for_lines(1);
    assert!(seen.lines().count() == 1 && seen.contains("\"value\":\"new\""), "{seen}");
}

#[test]
fn a_compaction_while_the_watch_was_away_is_reported() {
    let mut etcd = Etcd::start();
    etcd.put(b"k", b"1");
    let mut live = Live::start(Run::ours(line(&etcd, "watch k --rev 1")));
    live.wait_for_lines(3);
    // What the watch has heard last is revision 2; while it sleeps, the third is forgotten.
    live.signal(Signal::STOP);
    etcd.restart();
    etcd.put(b"k", b"2");
    etcd.put(b"k", b"3");
    etcd.ask("/v3/kv/compaction", r#"{"revision":"4"}"#);
    live.signal(Signal::CONT);
    let End { stdout, stderr, status } = live.end();
    assert_eq!((stdout.as_str(), status), ("PUT\nk\n1\n", 5), "{stderr}");
    let reason = "watch was canceled (etcdserver: mvcc: required revision has been compacted)";
    let last = "Error: watch is canceled by the server\n";
    assert!(stderr.contains(reason) && stderr.ends_with(last), "{stderr}");
}
