//! The program under the name `etcdutl`, beside the official utility for files.

use std::fs;

use crate::support::{Run, kubernetes, reference_util, run, skipped, words};

#[test]
fn lines_are_read_as_the_official_utility_reads_them() {
    let Some((folder, _)) = kubernetes() else { return };
    if reference_util().is_none() {
        skipped("no reference utility (make reference builds it)");
        return;
    }
    for line in [
        "bogus",
        "get x",
        "version",
        "version surplus",
        "vers",
        "-w bogus version",
        "--timeout x version",
        "--timeout 1s version",
        "version --timeout",
        "defrag",
        "defrag surplus",
        "defrag --bogus",
        "defrag --data-dir ''",
        "defrag --data-dir none",
        "defrag --data-dir none --timeout 1s",
        "--timeout 1s defrag --data-dir none",
        "migrate",
        "migrate --data-dir x",
        "migrate surplus --data-dir none --target-version 3.6",
        "migrate --data-dir none --target-version 3.6 --force=x",
        "completion",
        "completion tcsh",
        "completion bash surplus",
        "snapshot restore",
        "snap restor",
        "snapshot restore a b",
        "snapshot restore missing",
        "--write-out json snapshot restore missing --data-dir x",
    ] {
        let (ours, theirs) = run::both(
            || Run::ours_util(words(line)).inside(folder.path()).outcome(),
            || Run::reference_util(words(line)).inside(folder.path()).outcome(),
        );
        ours.assert_same_answer(&theirs, line);
    }
}

#[test]
fn it_restores_under_either_name() {
    let Some((folder, _)) = kubernetes() else { return };
    let restore = |run: fn(Vec<&'static str>) -> Run, data| {
        let args = vec!["snapshot", "restore", "snapshot.db", "--data-dir", data];
        let outcome = run(args).inside(folder.path()).outcome();
        assert_eq!(outcome.status, 0, "{outcome}");
        fs::read(folder.path().join(data).join("member/snap/db")).unwrap()
    };
    assert!(restore(Run::ours_util, "one") == restore(Run::ours, "other"));
}

#[test]
fn variables_of_the_client_are_none_of_the_utilitys() {
    let run = Run::ours_util(["version"]).env("ETCDCTL_WRITE_OUT", "x").env("ETCDCTL_HEX", "y");
    run.outcome().assert_prints("etcdutl version: 3.7.1\nAPI version: 3.7\n");
}

#[test]
fn scripts_of_both_names_may_be_loaded_at_once() {
    let script = "ln -sf \"$etcdctl\" ./etcdutl; \
        bash -c 'source <(\"$0\" completion bash); source <(./etcdutl completion bash); complete -p etcdctl etcdutl' \
        \"$etcdctl\"";
    let outcome = Run::ours_in_shell(script).outcome();
    assert_eq!(outcome.status, 0, "{outcome}");
    let text = outcome.text();
    assert!(text.contains("__etcdctl_complete etcdctl\n"), "{outcome}");
    assert!(text.contains("__etcdutl_complete etcdutl\n"), "{outcome}");
}

#[test]
fn on_purpose_an_unknown_command_of_a_group_is_an_error() {
    Run::ours_util(["snapshot", "save", "x"])
        .outcome()
        .assert_fails(1, "unknown command \"save\" for \"etcdutl snapshot\"");
}

#[test]
fn on_purpose_flags_that_name_a_server_are_taken_and_not_needed() {
    for run in [Run::ours_util, Run::ours] {
        let line = "snapshot restore missing --endpoints x --cacert none --data-dir d";
        run(words(line)).outcome().assert_fails(1, "open missing: no such file or directory");
        let line = "--data-dir d snapshot restore missing";
        run(words(line)).outcome().assert_fails(1, "open missing: no such file or directory");
    }
}

#[test]
fn help_speaks_of_the_name_that_was_called() {
    for line in ["", "--help", "help", "help snapshot", "defrag --help", "migrate -h"] {
        let outcome = Run::ours_util(words(line)).outcome();
        assert!(outcome.status == 0 && outcome.text().contains("etcdutl"), "{line}: {outcome}");
        assert!(!outcome.text().contains("etcdctl"), "{line}: {outcome}");
    }
}
