//! `lock` and `elect` beside the official client: they wait for each other, and let go.

use std::time::Instant;

use rustix::process::Signal;

use crate::support::live::{End, Live, line};
use crate::support::{
    Etcd, FORMATS, Run, agree, on_every_server, on_the_newest_server, ours, reference_is_there,
    words,
};

type Client = fn(Vec<String>) -> Run;

fn live(client: Client, etcd: &Etcd, text: &str) -> Live {
    Live::start(client(line(etcd, text)))
}

/// Every pair of clients that can meet.
fn pairs() -> Vec<(Client, Client)> {
    let both: &[Client] =
        if reference_is_there() { &[Run::ours, Run::reference] } else { &[Run::ours] };
    both.iter().flat_map(|&first| both.iter().map(move |&second| (first, second))).collect()
}

/// Keys below a name.
fn keys(etcd: &Etcd, name: &str) -> usize {
    ours(etcd, &["get", name, "--prefix", "--count-only"]).text().trim().parse().expect("a count")
}

/// What is printed, but for what no two runs have in common: ids, revisions, and keys in base64.
fn shape(text: &str) -> String {
    let mut shape = String::new();
    for word in text.split_inclusive(|one: char| !one.is_ascii_alphanumeric()) {
        let body = word.trim_end_matches(|one: char| !one.is_ascii_alphanumeric());
        let varies = body.len() > 12 || body.bytes().all(|byte| byte.is_ascii_digit());
        shape.push_str(if varies { "#" } else { body });
        shape.push_str(&word[body.len()..]);
    }
    shape.replace("##", "#")
}

#[test]
fn a_second_holder_waits_for_the_first_whichever_client_it_is() {
    on_every_server(|etcd| {
        for (first, second) in pairs() {
            let mut holds = live(first, etcd, "lock L");
            holds.wait_for_lines(2);
            let mut waits = live(second, etcd, "lock L");
            // The second has its place once its key is there.
            while keys(etcd, "L/") < 2 {}
            assert_eq!(waits.stdout(), "");
            let end = holds.end_with(Signal::INT);
            assert_eq!((end.status, end.stderr.as_str()), (0, ""), "{end:?}");
            waits.wait_for_lines(2);
            let end = waits.end_with(Signal::TERM);
            assert_eq!((end.status, end.stderr.as_str()), (0, ""), "{end:?}");
            assert_eq!(keys(etcd, "L/"), 0);
        }
    });
}

#[test]
fn a_candidate_waits_for_the_leader_and_listeners_hear_of_both() {
    on_every_server(|etcd| {
        for (first, second) in pairs() {
            let mut listens = live(first, etcd, "elect -l E");
            let mut leads = live(first, etcd, "elect E one");
            leads.wait_for_lines(2);
            listens.wait_for_lines(2);
            let mut waits = live(second, etcd, "elect E two");
            while keys(etcd, "E/") < 2 {}
            let end = leads.end_with(Signal::INT);
            assert_eq!((end.status, end.stderr.as_str()), (0, ""), "{end:?}");
            let seen = waits.wait_for_lines(2);
            assert!(seen.starts_with("E/") && seen.ends_with("\ntwo\n"), "{seen}");
            let heard = listens.wait_for_lines(4);
            assert!(heard.contains("\none\n") && heard.ends_with("\ntwo\n"), "{heard}");
            assert_eq!(waits.end_with(Signal::TERM).status, 0);
            assert_eq!(listens.end_with(Signal::TERM).status, 0);
        }
    });
}

#[test]
fn the_key_that_has_the_turn_is_printed_as_get_prints_it() {
    on_the_newest_server(|etcd| {
        for format in FORMATS.into_iter().filter(|&format| format != "protobuf") {
            for text in ["lock L", "elect E proposal"] {
                let text = format!("{text} -w {format}");
                let printed = |client: Client| {
                    let mut live = live(client, etcd, &text);
                    live.wait_until(|stdout| match format {
                        "simple" => stdout.lines().count() == 2,
                        "json" => stdout.ends_with("}\n"),
                        _ => stdout.ends_with("\"Count\" : 1\n"),
                    });
                    live.end_with(Signal::INT)
                };
                let (ours, theirs) = (printed(Run::ours), printed(Run::reference));
                let shapes = [&ours, &theirs].map(|end: &End| (shape(&end.stdout), end.status));
                assert_eq!(shapes[0], shapes[1], "{text}");
            }
        }
    });
}

#[test]
fn the_childs_status_is_ours() {
    on_the_newest_server(|etcd| {
        for (words, status) in [
            (&["lock", "L", "true"][..], 0),
            (&["lock", "L", "--", "sh", "-c", "exit 3"], 3),
            (&["lock", "L", "--", "sh", "-c", "exit 300"], 44),
            (&["lock", "L", "--", "sh", "-c", "kill -9 $$"], 255),
            (&["lock", "L", "no-such-program"], 1),
            (&["lock", "L", "/no/such/program"], 1),
            (&["lock", "L", ""], 1),
            (&["lock", "", "true"], 0),
            (&["lock", "L", "--", "sh", "-c", "cat; echo out; echo err >&2"], 0),
        ] {
            let outcome = agree(etcd, words);
            assert_eq!(outcome.status, status, "{outcome}");
        }
        for text in ["lock", "elect", "elect E", "elect E p -l", "elect E p q", "elect -l"] {
            assert_eq!(agree(etcd, &words(text)).status, 128);
        }
        // The child knows which key is held, and since when; what is set already it keeps.
        let script = "echo $ETCD_LOCK_KEY; echo $ETCD_LOCK_REV";
        let told = ours(etcd, &["lock", "L", "--", "sh", "-c", script]).text();
        let mut told = told.lines();
        assert!(told.next().is_some_and(|key| key.starts_with("L/")));
        assert!(told.next().is_some_and(|revision| revision.parse::<u64>().is_ok()));
        crate::support::agree_as(
            etcd,
            &["lock", "L", "--", "sh", "-c", "echo $ETCD_LOCK_KEY"],
            |run| run.env("ETCD_LOCK_KEY", "inherited"),
        );
    });
}

#[test]
fn a_signal_while_the_child_runs_is_the_childs_affair() {
    on_the_newest_server(|etcd| {
        for client in [Run::ours as Client, Run::reference] {
            let mut args = line(etcd, "lock L --");
            args.extend(["sh", "-c", "echo begun; sleep 0.5; echo done"].map(str::to_owned));
            let mut live = Live::start(client(args));
            live.wait_for_lines(1);
            live.signal(Signal::INT);
            live.signal(Signal::TERM);
            let end = live.end();
            assert_eq!((end.stdout.as_str(), end.status), ("begun\ndone\n", 0), "{end:?}");
        }
    });
}

#[test]
fn who_is_interrupted_while_waiting_leaves_the_queue() {
    on_the_newest_server(|etcd| {
        for text in ["lock L", "elect L p"] {
            let mut holds = live(Run::ours, etcd, text);
            holds.wait_for_lines(2);
            for client in [Run::ours as Client, Run::reference] {
                let waits = live(client, etcd, text);
                while keys(etcd, "L/") < 2 {}
                let end = waits.end_with(Signal::INT);
                assert_eq!((end.last_error(), end.status), (Some("Error: context canceled"), 1));
                assert_eq!(keys(etcd, "L/"), 1);
            }
            assert_eq!(holds.end_with(Signal::INT).status, 0);
        }
    });
}

#[test]
fn on_purpose_the_lease_is_revoked_on_the_way_out() {
    let etcd = Etcd::start();
    for text in ["lock L", "elect E p"] {
        let mut holds = live(Run::ours, &etcd, text);
        holds.wait_for_lines(2);
        assert_eq!(holds.end_with(Signal::INT).status, 0);
        assert_eq!(ours(&etcd, &["lease", "list"]).text(), "found 0 leases\n");
    }
    assert_eq!(ours(&etcd, &["lock", "L", "false"]).status, 1);
    assert_eq!(ours(&etcd, &["lease", "list"]).text(), "found 0 leases\n");
    // A terminal that hangs up ends it by that signal, and the lock is free all the same.
    let mut holds = live(Run::ours, &etcd, "lock L");
    holds.wait_for_lines(2);
    assert_eq!(holds.end_with(Signal::HUP).status, 129);
    assert_eq!(ours(&etcd, &["lease", "list"]).text(), "found 0 leases\n");
}

#[test]
fn on_purpose_a_dead_server_keeps_no_holder_from_ending() {
    for text in ["lock L", "elect L p"] {
        let mut etcd = Etcd::start();
        let mut holds = live(Run::ours, &etcd, text);
        holds.wait_for_lines(2);
        let waits = live(Run::ours, &etcd, text);
        while keys(&etcd, "L/") < 2 {}
        etcd.kill();
        let begun = Instant::now();
        let (held, waited) = (holds.end_with(Signal::INT), waits.end_with(Signal::INT));
        assert_eq!((held.status, waited.status), (0, 1), "{held:?} {waited:?}");
        assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    }
}

#[test]
fn a_lease_that_is_lost_is_told() {
    on_the_newest_server(|etcd| {
        // It is noticed at the next renewal, at a third of the time.
        let mut holds = live(Run::ours, etcd, "lock L --ttl 2");
        holds.wait_for_lines(2);
        let leases = ours(etcd, &["lease", "list"]).text();
        ours(etcd, &["lease", "revoke", leases.lines().last().expect("a lease")]);
        let end = holds.end();
        assert_eq!((end.last_error(), end.status), (Some("Error: session expired"), 1), "{end:?}");
    });
}

#[test]
fn a_driver_reads_the_key_on_the_first_line() {
    let etcd = Etcd::start();
    for text in ["lock L", "elect L p"] {
        let mut live = Live::on_terminal(Run::ours(line(&etcd, text)));
        let seen = live.wait_for_lines(2);
        assert!(seen.starts_with("L/"), "{seen:?}");
        let begun = Instant::now();
        assert_eq!(live.end_with(Signal::INT).status, 0);
        assert!(begun.elapsed().as_millis() < 3000);
    }
}
