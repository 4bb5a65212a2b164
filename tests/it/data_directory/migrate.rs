//! `migrate`.

use std::fs;

use super::{kubernetes, status, stopped, text};
use crate::support::{Etcd, Run, SERVERS, reference_is_there, reference_util, run, words};

/// The messages and fields of a log, without times and places in the source.
fn messages(said: &str) -> Vec<String> {
    said.lines()
        .filter(|line| line.contains("Z\t") && !line.contains("\tbbolt\t"))
        .map(|line| line.splitn(4, '\t').nth(3).unwrap_or(line).to_owned())
        .collect()
}

#[test]
fn versions_are_set_and_told_as_the_official_program_does() {
    let Some((folder, data)) = kubernetes() else { return };
    if reference_util().is_none() {
        return;
    }
    let [ours, theirs] = ["ours", "theirs"].map(|name| folder.path().join(name));
    for place in [&ours, &theirs] {
        fs::create_dir(place).unwrap();
        let copied = std::process::Command::new("cp").arg("-r").arg(&data).arg(place).status();
        assert!(copied.unwrap().success());
    }
    for line in [
        "--target-version 3.6",
        "--target-version 3.7",
        "--target-version 3.5",
        "--target-version 3.5",
        "--target-version 3.7 --force",
        "--target-version 3.8",
        "--target-version 4.0",
        "--target-version 3.9 --force",
        "--target-version 3.7",
        "--target-version 3.5 --force",
        "--target-version 3.06",
        "--target-version 3",
        "--target-version 3.6.0",
        "--target-version a.b",
        "--target-version 3.x",
        "--target-version 3.4",
        "--target-version 03.4",
        "--target-version ''",
        "",
    ] {
        let line = format!("migrate --data-dir data {line}");
        let (one, other) = run::both(
            || Run::ours(words(&line)).inside(&ours).outcome(),
            || Run::reference_util(words(&line)).inside(&theirs).outcome(),
        );
        one.assert_same_answer(&other, &line);
        assert_eq!(messages(&one.said()), messages(&other.said()), "{line}");
        assert_eq!(status(&ours.join("data")), status(&theirs.join("data")), "{line}");
    }
    for line in
        ["migrate", "migrate --target-version 3.6", "migrate --data-dir none --target-version 3.6"]
    {
        let one = Run::ours(words(line)).outcome();
        one.assert_same_answer(&Run::reference_util(words(line)).outcome(), line);
    }
}

#[test]
fn a_servers_own_directory_is_judged_alike_at_every_version() {
    if !reference_is_there() || reference_util().is_none() {
        return;
    }
    for minor in SERVERS {
        let Some(mut etcd) = Etcd::version(minor) else { continue };
        let data = stopped(&mut etcd);
        let copy = tempfile::tempdir().unwrap();
        let copied =
            std::process::Command::new("cp").arg("-r").arg(&data).arg(copy.path()).status();
        assert!(copied.unwrap().success());
        for target in ["3.7", "3.6", "3.5", "3.6"] {
            let args = |place: &str| {
                ["migrate", "--data-dir", place, "--target-version", target].map(str::to_owned)
            };
            let (one, other) = run::both(
                || Run::ours(args(text(&data))).outcome(),
                || Run::reference_util(args(text(&copy.path().join("data")))).outcome(),
            );
            if other.status == 2 {
                // On purpose: a crash there is a sentence here, and nothing is changed.
                assert_eq!(one.status, 1, "{one}");
                assert!(one.said().contains("is no request of API version 3\n"), "{one}");
                break;
            }
            one.assert_same_answer(&other, &format!("etcd {minor} to {target}"));
            assert_eq!(messages(&one.said()), messages(&other.said()), "etcd {minor} to {target}");
            assert_eq!(
                status(&data),
                status(&copy.path().join("data")),
                "etcd {minor} to {target}"
            );
        }
    }
}

#[test]
fn an_older_server_starts_on_what_was_migrated_for_it() {
    if !reference_is_there() {
        return;
    }
    let (Some(mut newer), Some(older)) = (Etcd::version("3.7"), Etcd::version("3.6")) else {
        return;
    };
    let data = stopped(&mut newer);
    drop(older);
    let outcome =
        Run::ours(["migrate", "--data-dir", text(&data), "--target-version", "3.6"]).outcome();
    assert_eq!(outcome.status, 0, "{outcome}");
    assert!(
        messages(&outcome.said()).iter().any(|line| line.starts_with("updated storage version")),
        "{outcome}"
    );
    newer.restart();
    assert!(newer.contents().contains("bGFyZ2U="));
}
