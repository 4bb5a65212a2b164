//! `defrag --data-dir`.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{kubernetes, size, status, stopped, text};
use crate::support::{
    Etcd, Run, SERVERS, on_the_newest_server, reference_is_there, reference_util, skipped,
};

fn files(data: &Path) -> Vec<String> {
    let entries = fs::read_dir(data.join("member/snap")).expect("could not list a folder");
    let names = entries.map(|entry| entry.expect("likewise").file_name().into_string());
    let names = names.map(|name| name.expect("a name of UTF-8"));
    let mut names: Vec<_> = names.filter(|name| !name.contains(".snap")).collect();
    names.sort();
    names
}

fn defrag(data: &Path) -> crate::support::Outcome {
    Run::ours(["defrag", "--data-dir", text(data)]).outcome()
}

#[test]
fn a_server_of_every_version_goes_on_with_what_is_left() {
    if !reference_is_there() || reference_util().is_none() {
        return;
    }
    for minor in SERVERS {
        let Some(mut etcd) = Etcd::version(minor) else {
            skipped(&format!("no etcd {minor} (make reference builds it)"));
            continue;
        };
        let data = stopped(&mut etcd);
        let (before, large) = (status(&data), size(&data));
        let outcome = defrag(&data);
        assert_eq!((outcome.status, outcome.text().as_str()), (0, ""), "{outcome}");
        let said = outcome.said();
        assert!(said.contains("\tfinished defragmenting directory\t{\"path\": "), "{said}");
        assert_eq!(status(&data), before, "etcd {minor}");
        assert!(size(&data) < large, "etcd {minor}: {} of {large}", size(&data));
        assert_eq!(files(&data), ["db"]);
        etcd.restart();
        etcd.put(b"after", b"1");
        let contents = etcd.contents();
        assert!(contents.contains("YWZ0ZXI=") && contents.contains("bGFyZ2U="), "etcd {minor}");
    }
}

#[test]
fn what_is_left_is_no_larger_than_the_official_program_leaves() {
    let Some((folder, data)) = kubernetes() else { return };
    if reference_util().is_none() {
        return;
    }
    let other = folder.path().join("other/member/snap");
    fs::create_dir_all(&other).unwrap();
    fs::copy(data.join("member/snap/db"), other.join("db")).unwrap();
    let other = folder.path().join("other");
    let theirs = Run::reference_util(["defrag", "--data-dir", text(&other)]).outcome();
    assert_eq!((defrag(&data).status, theirs.status), (0, 0), "{theirs}");
    assert_eq!(status(&data), status(&other));
    assert!(size(&data) <= size(&other), "{} and {}", size(&data), size(&other));
}

#[test]
fn failures_have_the_official_words() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("garbage/member/snap")).unwrap();
    fs::write(folder.path().join("garbage/member/snap/db"), vec![1; 70_000]).unwrap();
    let run =
        |data: &str| Run::ours(["defrag", "--data-dir", data]).inside(folder.path()).outcome();
    run("none").assert_fails(
        1,
        "Failed to defragment etcd data[none] (stat none/member/snap/db: no such file or directory)",
    );
    run("garbage").assert_fails(
        1,
        "Failed to defragment etcd data[garbage] (garbage/member/snap/db is no database of etcd: invalid database)",
    );
    assert_eq!(files(&folder.path().join("garbage")), ["db"]);
}

#[test]
fn on_purpose_a_running_member_is_named_instead_of_a_crash() {
    on_the_newest_server(|etcd| {
        let data = etcd.data();
        let args = ["defrag", "--data-dir", text(&data), "--timeout", "100ms"];
        let outcome = Run::ours(args).outcome();
        let shown = data.display();
        outcome.assert_fails(1, &format!("Failed to defragment etcd data[{shown}] (timeout)"));
        assert!(outcome.said().contains("is in use: a server runs on it"), "{outcome}");
        assert_eq!(files(&data), ["db"]);
    });
}

#[test]
fn killed_at_any_moment_the_database_is_the_old_or_the_new() {
    let Some((_folder, data)) = kubernetes() else { return };
    if reference_util().is_none() {
        return;
    }
    let before = status(&data);
    let begun = Instant::now();
    assert_eq!(defrag(&data).status, 0);
    let took = begun.elapsed();
    for moment in 0..30 {
        let mut running = Run::ours(["defrag", "--data-dir", text(&data)]).start();
        sleep(took * moment / 30);
        let _ = running.child.kill();
        running.child.wait().unwrap();
        assert_eq!(status(&data), before, "at moment {moment}");
    }
    assert_eq!(defrag(&data).status, 0);
    assert_eq!(files(&data), ["db"]);
}

#[test]
fn interrupted_or_out_of_space_it_leaves_the_database_alone() {
    let Some((_folder, data)) = kubernetes() else { return };
    let before = fs::read(data.join("member/snap/db")).unwrap();
    let script = format!(
        "trap '' XFSZ; ulimit -f 1000; exec \"$etcdctl\" defrag --data-dir {}",
        text(&data)
    );
    let outcome = Run::ours_in_shell(&script).outcome();
    assert_eq!(outcome.status, 1, "{outcome}");
    assert!(outcome.said().contains("db.tmp.defrag: file too large)"), "{outcome}");
    assert_eq!(files(&data), ["db"]);
    assert!(fs::read(data.join("member/snap/db")).unwrap() == before);
    for moment in 0..10 {
        let mut running = Run::ours(["defrag", "--data-dir", text(&data)]).start();
        sleep(Duration::from_millis(moment));
        let pid = rustix::process::Pid::from_child(&running.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        running.child.wait().unwrap();
        assert_eq!(files(&data), ["db"], "after {moment} ms");
    }
}
