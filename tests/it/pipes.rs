//! Readers that leave, disks that are full, streams that are closed.

use std::fs::OpenOptions;

use crate::support::{Etcd, FORMATS, Run, on_the_newest_server, on_twins, run};

/// More than a pipe holds.
fn many_keys(etcd: &Etcd) {
    for i in 0..40 {
        etcd.put(format!("key{i:03}").as_bytes(), &vec![b'v'; 50_000]);
    }
}

fn in_shell(etcd: &Etcd, script: &str) -> (Run, Run) {
    let with = |run: Run| run.env("ETCDCTL_ENDPOINTS", etcd.endpoint());
    (with(Run::ours_in_shell(script)), with(Run::reference_in_shell(script)))
}

#[test]
fn a_reader_that_leaves_ends_us_quietly_with_141() {
    on_the_newest_server(|etcd| {
        many_keys(etcd);
        for format in FORMATS {
            let script = format!(
                r#"{{ "$etcdctl" get '' --prefix -w {format}; echo "status $?" >&2; }} | head -c 7 | od -c"#
            );
            let (ours, theirs) = in_shell(etcd, &script);
            let (ours, theirs) = run::both(|| ours.outcome(), || theirs.outcome());
            ours.assert_same_answer(&theirs, "a reader that leaves");
            assert_eq!(ours.said(), "status 141\n", "{ours}");
        }
        let (ours, _) = in_shell(etcd, r#""$etcdctl" get '' --prefix --keys-only | head -n 1"#);
        ours.outcome().assert_prints("key000\n");
    });
}

#[test]
fn on_purpose_a_full_disk_is_status_6() {
    on_the_newest_server(|etcd| {
        many_keys(etcd);
        let full =
            || OpenOptions::new().write(true).open("/dev/full").expect("could not open /dev/full");
        let endpoint = etcd.endpoint();
        for args in [
            &["get", "key000"][..],
            &["get", "", "--prefix", "-w", "json"],
            &["get", "", "--prefix", "-w", "fields", "--count-only"],
            &["put", "key", "value"],
            &["del", "key"],
        ] {
            let args: Vec<&str> =
                ["--endpoints", &endpoint].into_iter().chain(args.iter().copied()).collect();
            let ours = Run::ours(&args).stdout_to(full()).outcome();
            assert!(ours.status == 6 && ours.last_error().is_some(), "{ours}");
            let official = Run::reference(&args).stdout_to(full()).outcome();
            assert!(official.status == 0, "{official}");
        }
        // Nothing to write is nothing lost.
        let nothing = Run::ours(["--endpoints", &endpoint, "get", "missing"]).stdout_to(full());
        assert!(nothing.outcome().status == 0);
    });
}

#[test]
fn an_empty_stdin_is_no_value() {
    on_twins(&["3.7"], |twins| {
        let wanted = "put command needs 1 argument and input from stdin or 2 arguments";
        twins.agree(&["put", "key"]).assert_fails(128, wanted);
        for script in [r#""$etcdctl" put key </dev/null"#, r#": | "$etcdctl" put key"#] {
            let (ours, theirs) = in_shell(&twins.ours, script);
            let ours = ours.outcome();
            ours.assert_same_answer(&theirs.outcome(), script);
            ours.assert_fails(128, wanted);
        }
    });
}

#[test]
fn a_value_may_come_through_a_pipe_in_pieces() {
    on_the_newest_server(|etcd| {
        let script = r#"{ printf one; sleep 0.1; printf two; } | "$etcdctl" put key"#;
        let (ours, _) = in_shell(etcd, script);
        ours.outcome().assert_prints("OK\n");
        let (ours, theirs) = in_shell(etcd, r#""$etcdctl" get key --print-value-only"#);
        let ours = ours.outcome();
        ours.assert_prints("onetwo\n");
        ours.assert_same_answer(&theirs.outcome(), "a value in pieces");
    });
}

#[test]
fn closed_streams_never_make_us_panic() {
    on_the_newest_server(|etcd| {
        etcd.put(b"key", b"value");
        for script in [
            r#""$etcdctl" get key 2>&-"#,
            r#""$etcdctl" get 2>&-"#,
            r#""$etcdctl" get key -w bogus 2>&-"#,
            r#""$etcdctl" get 2>/dev/full"#,
            r#""$etcdctl" get key <&-"#,
        ] {
            let (ours, theirs) = in_shell(etcd, script);
            let (ours, theirs) = run::both(|| ours.outcome(), || theirs.outcome());
            ours.assert_same_answer(&theirs, script);
        }
        for script in [r#""$etcdctl" get key >&-"#, r#""$etcdctl" get key <&- >&- 2>&-"#] {
            let (ours, _) = in_shell(etcd, script);
            let ours = ours.outcome();
            assert!([0, 6].contains(&ours.status), "{ours}");
        }
    });
}
