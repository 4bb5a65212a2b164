//! `snapshot save` beside the official client: the file, the words, and what a failure leaves.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use ring::digest::{SHA256, digest};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::support::fake::{End, Snapshot};
use crate::support::{
    Etcd, Fake, Outcome, Run, on_every_server, on_the_newest_server, reference_is_there, run,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// Both clients in a folder each, prepared alike; the answers must agree, and so must the names of
/// what is left. Gives ours, with its folder.
#[track_caller]
fn agree(endpoint: &str, args: &[&str], prepare: impl Fn(&Path)) -> (Outcome, TempDir) {
    agree_as(endpoint, args, prepare, |run| run)
}

#[track_caller]
fn agree_as(
    endpoint: &str,
    args: &[&str],
    prepare: impl Fn(&Path),
    with: impl Fn(Run) -> Run + Sync,
) -> (Outcome, TempDir) {
    let args: Vec<&str> =
        ["--endpoints", endpoint].into_iter().chain(args.iter().copied()).collect();
    let folders = [folder(), folder()];
    for folder in &folders {
        prepare(folder.path());
    }
    let [one, other] = &folders;
    let (ours, theirs) = run::both(
        || with(Run::ours(&args).inside(one.path())).outcome(),
        || with(Run::reference(&args).inside(other.path())).outcome(),
    );
    ours.assert_same_answer(&theirs, endpoint);
    assert_eq!(names(one.path()), names(other.path()), "other files are left\n{ours}");
    let [one, _] = folders;
    (ours, one)
}

fn folder() -> TempDir {
    TempDir::new().expect("could not make a folder")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("could not list a folder");
    let mut names: Vec<_> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Enough for many blobs.
fn fill(etcd: &Etcd) {
    for i in 0..20 {
        etcd.put(format!("key{i}").as_bytes(), &vec![b'v'; 100_000]);
    }
}

/// Whether a file's end is the hash of what stands before it.
fn is_whole(file: &[u8]) -> bool {
    file.split_last_chunk::<32>().is_some_and(|(pages, hash)| {
        pages.len() % 512 == 0 && digest(&SHA256, pages).as_ref() == hash
    })
}

/// A snapshot in pieces, as a server sends it.
fn blobs() -> Vec<Vec<u8>> {
    let pages = vec![vec![1; 32 << 10], vec![2; 32 << 10]];
    let hash = digest(&SHA256, &pages.concat());
    pages.into_iter().chain([hash.as_ref().to_vec()]).collect()
}

#[test]
fn a_snapshot_is_saved_alike_from_every_server() {
    on_every_server(|etcd| {
        fill(etcd);
        let (ours, folder) = agree(&etcd.endpoint(), &["snapshot", "save", "s.db"], |_| {});
        assert!(ours.stderr.is_empty(), "{ours}");
        let path = folder.path().join("s.db");
        assert!(is_whole(&fs::read(&path).unwrap()), "the hash is wrong");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
        // The format must exist, and changes nothing.
        for format in ["json", "fields", "table", "protobuf", "none"] {
            agree(&etcd.endpoint(), &["snapshot", "save", "s.db", "-w", format], |_| {});
        }
    });
}

#[test]
fn what_was_there_is_replaced_by_a_whole_file() {
    on_the_newest_server(|etcd| {
        let old = |folder: &Path| {
            for name in ["s.db", "s.db.part"] {
                fs::write(folder.join(name), vec![0; 100_000]).unwrap();
                fs::set_permissions(folder.join(name), Permissions::from_mode(0o644)).unwrap();
            }
        };
        let (_, folder) = agree(&etcd.endpoint(), &["snapshot", "save", "s.db"], old);
        let path = folder.path().join("s.db");
        assert!(is_whole(&fs::read(&path).unwrap()));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
    });
}

#[test]
fn arguments_and_endpoints_are_refused_alike() {
    on_the_newest_server(|etcd| {
        let nothing = |_: &Path| {};
        agree(&etcd.endpoint(), &["snapshot", "save"], nothing);
        agree(&etcd.endpoint(), &["snapshot", "save", "a", "b"], nothing);
        agree(&etcd.endpoint(), &["snapshot", "save", "missing/s.db"], nothing);
        for endpoints in ["127.0.0.1:1,http://127.0.0.1:2", ""] {
            let (ours, _) = agree(endpoints, &["snapshot", "save", "s.db"], nothing);
            assert_eq!(ours.status, 5, "{ours}");
        }
        let folder = |folder: &Path| fs::create_dir(folder.join("s.db")).unwrap();
        let (ours, _) = agree(&etcd.endpoint(), &["snapshot", "save", "s.db"], folder);
        assert_eq!(ours.status, 5, "{ours}");
    });
}

#[test]
fn a_disk_without_room_is_told_alike_and_nothing_is_left() {
    on_the_newest_server(|etcd| {
        fill(etcd);
        // A limit on a file's size fails a write as a full disk does, and needs no disk.
        let script = r#"trap '' XFSZ; ulimit -f 64; exec "$etcdctl" snapshot save s.db"#;
        let folders = [TempDir::new().unwrap(), TempDir::new().unwrap()];
        let [one, other] = &folders;
        let with = |run: Run, folder: &TempDir| {
            run.env("ETCDCTL_ENDPOINTS", etcd.endpoint()).inside(folder.path())
        };
        let ours = with(Run::ours_in_shell(script), one).outcome();
        let theirs = with(Run::reference_in_shell(script), other).outcome();
        ours.assert_same_answer(&theirs, "no room");
        ours.assert_fails(5, "could not write snapshot: write s.db.part: file too large");
        assert!(names(one.path()).is_empty(), "{:?}", names(one.path()));
    });
}

#[test]
fn a_folder_that_may_not_be_written_is_told_alike() {
    on_the_newest_server(|etcd| {
        if rustix::process::geteuid().is_root() {
            return; // who may write anywhere
        }
        let closed = |folder: &Path| {
            fs::create_dir(folder.join("closed")).unwrap();
            fs::set_permissions(folder.join("closed"), Permissions::from_mode(0o500)).unwrap();
        };
        agree(&etcd.endpoint(), &["snapshot", "save", "closed/s.db"], closed);
    });
}

#[test]
fn a_server_that_answers_wrongly_leaves_no_file() {
    if !reference_is_there() {
        return;
    }
    let nothing = |_: &Path| {};
    let cut = blobs().into_iter().take(2).collect::<Vec<_>>();
    for snapshot in [
        Snapshot { blobs: cut.clone(), end: End::Fails, ..Snapshot::default() },
        Snapshot { end: End::Fails, ..Snapshot::default() },
        Snapshot { blobs: cut.clone(), ..Snapshot::default() },
        Snapshot { blobs: vec![vec![0; 700]], ..Snapshot::default() },
    ] {
        let fake = Fake::snapshot(snapshot.clone());
        // Retried for ever where nothing has come.
        if snapshot.blobs.is_empty() {
            continue;
        }
        let (ours, folder) = agree(&fake.endpoint(), &["snapshot", "save", "s.db"], nothing);
        assert_eq!(ours.status, 5, "{snapshot:?}\n{ours}");
        assert!(names(folder.path()).is_empty());
    }
    let fake = Fake::snapshot(Snapshot { blobs: cut, end: End::Hangs, ..Snapshot::default() });
    let args = ["snapshot", "save", "s.db", "--command-timeout=300ms"];
    let (ours, _) = agree(&fake.endpoint(), &args, nothing);
    ours.assert_fails(5, "could not write snapshot: context deadline exceeded");
}

#[test]
fn an_unavailable_server_is_asked_again() {
    if !reference_is_there() {
        return;
    }
    // The official client counts its own calls: one server for each.
    let [one, other] = [(); 2]
        .map(|()| Fake::snapshot(Snapshot { unavailable: 3, blobs: blobs(), end: End::Well }));
    let args = |fake: &Fake| {
        ["--endpoints".into(), fake.endpoint(), "snapshot".into(), "save".into(), "s.db".into()]
    };
    let (ours, theirs) =
        run::both(|| Run::ours(args(&one)).outcome(), || Run::reference(args(&other)).outcome());
    ours.assert_same_answer(&theirs, "an unavailable server");
    assert_eq!((ours.status, one.calls()), (0, other.calls()), "{ours}");
}

#[test]
fn on_purpose_a_server_that_stays_unavailable_or_silent_is_given_up() {
    for fake in [
        Fake::snapshot(Snapshot { unavailable: usize::MAX, ..Snapshot::default() }),
        Fake::refusing(),
        Fake::silent(),
    ] {
        let folder = TempDir::new().unwrap();
        let endpoint = fake.endpoint();
        Run::ours(["--endpoints", &endpoint, "--dial-timeout=500ms", "snapshot", "save", "s.db"])
            .inside(folder.path())
            .outcome()
            .assert_fails(5, "context deadline exceeded");
        assert!(names(folder.path()).is_empty());
    }
}

#[test]
fn on_purpose_a_wrong_hash_is_never_saved() {
    let mut wrong = blobs();
    wrong[0][77] ^= 1;
    let fake = Fake::snapshot(Snapshot { blobs: wrong, ..Snapshot::default() });
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("s.db"), "yesterday's").unwrap();
    let outcome = Run::ours(["--endpoints", &fake.endpoint(), "snapshot", "save", "s.db"])
        .inside(folder.path())
        .outcome();
    assert_eq!(outcome.status, 5, "{outcome}");
    let last = String::from_utf8_lossy(outcome.last_error().unwrap()).into_owned();
    assert!(last.starts_with("Error: expected sha256 [") && last.contains("], got ["), "{outcome}");
    assert_eq!(names(folder.path()), ["s.db"]);
    assert_eq!(fs::read(folder.path().join("s.db")).unwrap(), b"yesterday's");
}

#[test]
fn a_server_that_dies_in_the_middle_is_told_alike() {
    on_the_newest_server(|etcd| {
        fill(etcd);
        let address = etcd.address().parse().expect("host and port");
        let fake = Fake::cutting(address, 500_000);
        let line = ["--endpoints", &fake.endpoint(), "snapshot", "save", "s.db"];
        let folder = folder();
        // In the middle of a frame, Go calls the same end unexpected.
        let last = |run: Run| {
            let outcome = run.inside(folder.path()).outcome();
            assert_eq!(outcome.status, 5, "{outcome}");
            assert!(names(folder.path()).is_empty());
            let last = outcome.last_error().map(String::from_utf8_lossy);
            last.map(|last| last.replace("unexpected EOF", "EOF"))
        };
        assert_eq!(last(Run::ours(line)), last(Run::reference(line)));
    });
}

#[test]
fn on_purpose_a_signal_leaves_nothing_behind() {
    let cut: Vec<_> = blobs().into_iter().take(1).collect();
    for (signal, number) in [(Signal::TERM, 15), (Signal::INT, 2)] {
        let snapshot = Snapshot { blobs: cut.clone(), end: End::Hangs, ..Snapshot::default() };
        let fake = Fake::snapshot(snapshot);
        let folder = TempDir::new().unwrap();
        let part = folder.path().join("s.db.part");
        let run = Run::ours(["--endpoints", &fake.endpoint(), "snapshot", "save", "s.db"]);
        let mut running = run.inside(folder.path()).start();
        let begun = Instant::now();
        while !part.metadata().is_ok_and(|part| part.len() >= 32 << 10) {
            assert!(begun.elapsed() < PATIENCE, "nothing was written");
            std::thread::sleep(Duration::from_millis(2));
        }
        kill_process(Pid::from_child(&running.child), signal).unwrap();
        let status = running.child.wait().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(number));
        assert!(names(folder.path()).is_empty(), "{:?}", names(folder.path()));
    }
}

#[test]
fn on_purpose_two_saves_to_one_file_do_not_mix() {
    let snapshot = Snapshot { blobs: blobs(), end: End::Hangs, ..Snapshot::default() };
    let fake = Fake::snapshot(snapshot);
    let folder = TempDir::new().unwrap();
    let part = folder.path().join("s.db.part");
    let run = || {
        let args = ["--endpoints", &fake.endpoint(), "snapshot", "save", "s.db"].map(str::to_owned);
        Run::ours(args).inside(folder.path())
    };
    let _first = run().start();
    let begun = Instant::now();
    while !part.metadata().is_ok_and(|part| part.len() > 64 << 10) {
        assert!(begun.elapsed() < PATIENCE, "nothing was written");
        std::thread::sleep(Duration::from_millis(2));
    }
    let second = run().outcome();
    assert_eq!(second.status, 5, "{second}");
    assert!(second.said().contains("another snapshot is being saved"), "{second}");
    assert_eq!(part.metadata().unwrap().len(), (64 << 10) + 32, "the first one's file was touched");
}

#[test]
fn on_purpose_a_dash_is_standard_output() {
    on_the_newest_server(|etcd| {
        fill(etcd);
        let outcome =
            Run::ours(["--endpoints", &etcd.endpoint(), "snapshot", "save", "-"]).outcome();
        assert!(outcome.status == 0 && outcome.stderr.is_empty(), "{outcome}");
        assert!(is_whole(&outcome.stdout), "{outcome}");
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let outcome = Run::ours(["--endpoints", &etcd.endpoint(), "snapshot", "save", "-"])
            .stdout_to(full)
            .outcome();
        assert_eq!(outcome.status, 6, "{outcome}");
    });
}

#[test]
fn progress_is_shown_to_a_person_alone() {
    on_the_newest_server(|etcd| {
        fill(etcd);
        let args = ["--endpoints", &etcd.endpoint(), "snapshot", "save", "s.db"].map(str::to_owned);
        let driven = Run::ours(args).env("TERM", "xterm").on_terminal();
        assert!(!driven.text().contains('\u{1b}'), "{driven}");
    });
    // A person's terminal, before a stream that shows what it has come to.
    let (mut master, slave) = run::terminal().unwrap();
    let size = rustix::termios::Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    rustix::termios::tcsetwinsize(&slave, size).unwrap();
    let many: Vec<Vec<u8>> = vec![vec![0; 32 << 10]; 20_000];
    let snapshot = Snapshot { blobs: many, end: End::Hangs, ..Snapshot::default() };
    let fake = Fake::snapshot(snapshot);
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("s.db").display().to_string();
    let run = Run::ours(["--endpoints", &fake.endpoint(), "snapshot", "save", &file]);
    let mut child =
        run.env("TERM", "xterm").into_command().stderr(slave).spawn().expect("could not run");
    let mut seen = Vec::new();
    let mut piece = [0; 256];
    while !seen.ends_with(b"/s\x1b[K") {
        let got = master.read(&mut piece).expect("the terminal hung up");
        seen.extend_from_slice(&piece[..got]);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(seen.starts_with(b"\r"), "{}", seen.escape_ascii());
}
