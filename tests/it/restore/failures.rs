//! A data directory is there whole or not at all.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{text, tree};
use crate::support::{Run, kubernetes, run};

const MOMENTS: u32 = 100;

/// Every name in a folder, hidden ones too.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("could not list a folder");
    let mut names: Vec<_> = entries
        .map(|entry| {
            entry.expect("could not list a folder").file_name().to_string_lossy().into_owned()
        })
        .collect();
    names.sort();
    names
}

/// Starts a restore, does something to it after a while, and waits for its end.
fn disturbed(snapshot: &Path, data: &Path, after: Duration, signal: rustix::process::Signal) {
    let run = Run::ours(["snapshot", "restore", text(snapshot), "--data-dir", text(data)]);
    let mut running = run.start();
    sleep(after);
    // One that has ended already was quicker.
    let _ = rustix::process::kill_process(rustix::process::Pid::from_child(&running.child), signal);
    running.child.wait().expect("could not wait");
}

/// The time that a restore takes here, and what it makes.
fn undisturbed(snapshot: &Path, data: &Path) -> (Duration, Vec<String>) {
    let begun = Instant::now();
    let outcome =
        Run::ours(["snapshot", "restore", text(snapshot), "--data-dir", text(data)]).outcome();
    assert_eq!(outcome.status, 0, "{outcome}");
    (begun.elapsed(), tree(data))
}

#[test]
fn killed_at_any_moment_it_leaves_all_or_nothing() {
    let Some((folder, snapshot)) = kubernetes() else { return };
    let whole = folder.path().join("whole");
    let (took, wanted) = undisturbed(&snapshot, &whole);
    let (mut absent, mut complete) = (0, 0);
    for moment in 0..MOMENTS {
        let data = folder.path().join("data");
        disturbed(&snapshot, &data, took * moment / MOMENTS, rustix::process::Signal::KILL);
        if data.exists() {
            assert_eq!(tree(&data), wanted, "at moment {moment}");
            complete += 1;
            fs::remove_dir_all(&data).unwrap();
        } else {
            absent += 1;
        }
    }
    assert!(absent > 0, "{absent} absent, {complete} complete");
    // What the killed ones left is in nobody's way.
    let (_, again) = undisturbed(&snapshot, &folder.path().join("data"));
    assert_eq!(again, wanted);
    assert_eq!(names(folder.path()), ["data", "snapshot.db", "whole"]);
}

#[test]
fn killed_within_an_empty_directory_it_leaves_all_or_nothing() {
    let Some((folder, snapshot)) = kubernetes() else { return };
    let (took, wanted) = undisturbed(&snapshot, &folder.path().join("whole"));
    for moment in 0..20 {
        let data = folder.path().join("data");
        fs::create_dir_all(&data).unwrap();
        disturbed(&snapshot, &data, took * moment / 20, rustix::process::Signal::KILL);
        if data.join("member").exists() {
            let made = tree(&data.join("member"));
            assert_eq!(made, tree(&folder.path().join("whole/member")), "at moment {moment}");
            fs::remove_dir_all(&data).unwrap();
        }
    }
    let data = folder.path().join("data");
    let _ = fs::remove_dir_all(&data);
    fs::create_dir_all(data.join(".member.restoring/snap")).unwrap();
    let (_, again) = undisturbed(&snapshot, &data);
    assert_eq!(again[1..], wanted[1..]);
    assert_eq!(names(&data), ["member"]);
}

#[test]
fn interrupted_it_clears_up() {
    let Some((folder, snapshot)) = kubernetes() else { return };
    let (took, wanted) = undisturbed(&snapshot, &folder.path().join("whole"));
    let data = folder.path().join("data");
    for moment in 0..20 {
        disturbed(&snapshot, &data, took * moment / 20, rustix::process::Signal::TERM);
        if data.exists() {
            assert_eq!(tree(&data), wanted, "at moment {moment}");
            fs::remove_dir_all(&data).unwrap();
        }
        assert_eq!(names(folder.path()), ["snapshot.db", "whole"], "at moment {moment}");
    }
}

#[test]
fn a_failure_leaves_nothing_behind() {
    let Some((folder, snapshot)) = kubernetes() else { return };
    let bytes = fs::read(&snapshot).unwrap();
    let file = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    file("bare", &bytes[..bytes.len() - 32]);
    let mut changed = bytes.clone();
    changed[100_000] ^= 1;
    file("changed", &changed);
    file("garbage", &vec![7; 100_000]);
    file("cut", &bytes[..1 << 20]);
    fs::create_dir(folder.path().join("empty")).unwrap();
    let before = names(folder.path());
    for (line, words) in [
        ("bare", "snapshot missing hash but --skip-hash-check=false"),
        ("changed", "expected sha256 ["),
        ("garbage --skip-hash-check", "garbage is no database of etcd: invalid database"),
        (
            "cut --skip-hash-check",
            "cut: damaged at byte 1048576: the file is cut off: its pages take ",
        ),
        ("snapshot.db --data-dir bare/x", "mkdir bare: file exists"),
        ("snapshot.db --bump-revision 9223372036854775807 --mark-compacted", "cannot grow by"),
        ("snapshot.db --wal-dir empty", "wal-dir \"empty\" exists"),
    ] {
        for place in ["", " --data-dir a/b/c", " --data-dir empty"] {
            let line = format!("snapshot restore{place} {line}");
            let outcome = Run::ours(line.split_whitespace()).inside(folder.path()).outcome();
            assert!(
                outcome.status == 1 && outcome.said().contains(words) || line.contains("bare/x"),
                "{outcome}"
            );
            assert_eq!(names(folder.path()), before, "{outcome}");
            assert!(names(&folder.path().join("empty")).is_empty(), "{outcome}");
        }
    }
}

#[test]
fn a_disk_that_takes_no_more_is_told_and_left_clean() {
    let Some((folder, snapshot)) = kubernetes() else { return };
    // A file may not grow beyond so many blocks of 512 bytes: less than the database, then less than the log.
    for blocks in [1000, 20_000] {
        let script = format!(
            "trap '' XFSZ; ulimit -f {blocks}; exec \"$etcdctl\" snapshot restore {} --data-dir d",
            text(&snapshot)
        );
        let outcome = Run::ours_in_shell(&script).inside(folder.path()).outcome();
        assert_eq!(outcome.status, 1, "{outcome}");
        assert!(outcome.said().contains("file too large"), "{outcome}");
        assert_eq!(names(folder.path()), ["snapshot.db"], "{outcome}");
    }
}

#[test]
fn two_at_once_do_not_mix() {
    let Some((folder, snapshot)) = kubernetes() else { return };
    let data = folder.path().join("data");
    let one =
        || Run::ours(["snapshot", "restore", text(&snapshot), "--data-dir", text(&data)]).outcome();
    let (first, second) = run::both(one, one);
    assert!(first.status == 0 || second.status == 0, "{first}{second}");
    let (_, wanted) = undisturbed(&snapshot, &folder.path().join("whole"));
    assert_eq!(tree(&data), wanted);
    assert_eq!(names(folder.path()), ["data", "snapshot.db", "whole"]);
}
