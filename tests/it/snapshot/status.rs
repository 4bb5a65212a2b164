//! `snapshot status`, `snapshot verify` and `hashkv` beside the official utility, on sound and on damaged files.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use fastrand::Rng;
use ring::digest::{SHA256, digest};
use tempfile::TempDir;

use crate::support::{
    Etcd, Outcome, Run, on_every_server, on_the_newest_server, ours, project, skipped, words,
};

/// What the official utility says: status, stdout, stderr.
fn official(folder: &Path, args: &[&str]) -> Option<(i32, String, String)> {
    let program = project().join("reference/3.7.1/etcdutl");
    if !program.is_file() {
        skipped("no reference utility (make reference builds it)");
        return None;
    }
    let run = Command::new(program)
        .args(args)
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .expect("could not run the reference utility");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Some((run.status.code().unwrap_or(-1), text(run.stdout), text(run.stderr)))
}

#[track_caller]
fn agree(folder: &Path, args: &[&str]) -> Outcome {
    let client = Run::ours(args).inside(folder).outcome();
    let outcome = Run::ours(args).called("etcdutl").inside(folder).outcome();
    assert_eq!(client.status, outcome.status, "under two names, two answers\n{client}{outcome}");
    // The utility may change what it reads: it gets a copy.
    let copy = TempDir::new().expect("could not make a folder");
    for entry in fs::read_dir(folder).expect("could not list a folder").flatten() {
        let to = copy.path().join(entry.file_name());
        let copied = if entry.path().is_dir() {
            fs::create_dir(to)
        } else {
            fs::copy(entry.path(), to).map(|_| ())
        };
        copied.expect("could not copy a file");
    }
    if let Some((status, stdout, stderr)) = official(copy.path(), args) {
        let last = stderr.lines().rfind(|line| line.starts_with("Error: "));
        let ours = outcome.last_error().map(|line| String::from_utf8_lossy(line).into_owned());
        assert!(
            (outcome.status, outcome.text(), ours.as_deref()) == (status, stdout.clone(), last),
            "{args:?}: other than the official utility\nours: {outcome}\ntheirs: status {status}\n{stdout}{stderr}"
        );
    }
    outcome
}

/// A history with everything in it: deletes, leases, users, a compaction.
fn live(etcd: &Etcd) {
    for i in 0..60 {
        etcd.put(format!("key{}", i % 20).as_bytes(), format!("value{i}").as_bytes());
    }
    etcd.grant(77, 3000);
    for line in [
        "put leased value --lease=4d",
        "del key1 key3 --range",
        "compaction 40 --physical",
        "put key2 again",
        "del key4",
        "role add reader",
        "user add somebody --no-password",
    ] {
        let outcome = ours(etcd, &words(line));
        assert_eq!(outcome.status, 0, "{outcome}");
    }
}

fn saved(etcd: &Etcd) -> TempDir {
    let folder = TempDir::new().expect("could not make a folder");
    let path = folder.path().join("s.db").display().to_string();
    let outcome = ours(etcd, &["snapshot", "save", &path]);
    assert_eq!(outcome.status, 0, "{outcome}");
    folder
}

#[test]
fn status_and_hashes_agree_in_every_format() {
    on_every_server(|etcd| {
        let empty = saved(etcd);
        live(etcd);
        for folder in [empty, saved(etcd)] {
            let before = fs::read(folder.path().join("s.db")).expect("could not read a snapshot");
            for format in ["simple", "json", "fields", "table", "protobuf", "none"] {
                agree(folder.path(), &["snapshot", "status", "s.db", "-w", format]);
                agree(folder.path(), &["hashkv", "s.db", "-w", format]);
            }
            for revision in ["1", "2", "39", "40", "41", "50", "63", "64", "65", "66", "1000"] {
                agree(folder.path(), &["hashkv", "s.db", "--rev", revision]);
            }
            let verified = Run::ours(["snapshot", "verify", "s.db"]).inside(folder.path());
            verified.outcome().assert_prints("OK\n");
            let after = fs::read(folder.path().join("s.db")).expect("could not read a snapshot");
            assert!(before == after, "the file was changed");
        }
    });
}

#[test]
fn what_is_no_snapshot_is_told_alike() {
    let folder = TempDir::new().expect("could not make a folder");
    fs::write(folder.path().join("text"), "no database ".repeat(2000)).expect("could not write");
    fs::write(folder.path().join("empty"), "").expect("could not write");
    fs::write(folder.path().join("short"), "no database").expect("could not write");
    for size in [2048, 2049, 5000, 8191] {
        fs::write(folder.path().join(size.to_string()), vec![7; size]).expect("could not write");
        agree(folder.path(), &["snapshot", "status", &size.to_string()]);
    }
    fs::create_dir(folder.path().join("folder")).expect("could not make a folder");
    for line in [
        "snapshot status empty",
        "snapshot status short",
        "snapshot status folder",
        "hashkv empty",
        "hashkv empty --rev 1",
        "hashkv empty --rev 2",
        "snapshot status",
        "snapshot status a b",
        "snapshot status missing",
        "snapshot status text",
        "hashkv missing",
        "hashkv",
        "snapshot status --timeout 1s missing",
        "hashkv --timeout=1s missing",
        "version",
        "bogus",
        "snapshot status --bogus",
    ] {
        agree(folder.path(), &words(line));
    }
}

#[test]
fn on_purpose_a_status_checks_a_hash_that_is_there_and_takes_a_file_without() {
    on_the_newest_server(|etcd| {
        live(etcd);
        let folder = saved(etcd);
        let bytes = fs::read(folder.path().join("s.db")).expect("could not read a snapshot");
        let (pages, hash) = bytes.split_last_chunk::<32>().expect("a snapshot has a hash");
        fs::write(folder.path().join("bare"), pages).expect("could not write");
        agree(folder.path(), &["snapshot", "status", "bare"]);
        let mut wrong = hash.to_vec();
        wrong[5] ^= 1;
        fs::write(folder.path().join("s.db"), [pages, &wrong].concat()).expect("could not write");
        for verb in ["status", "verify"] {
            let outcome = Run::ours(["snapshot", verb, "s.db"]).inside(folder.path()).outcome();
            assert_eq!(outcome.status, 1, "{outcome}");
            assert!(outcome.said().contains("Error: expected sha256 ["), "{outcome}");
        }
    });
}

#[test]
fn any_flipped_bit_of_a_snapshot_is_found() {
    on_the_newest_server(|etcd| {
        live(etcd);
        let folder = saved(etcd);
        let path = folder.path().join("s.db");
        let sound = fs::read(&path).expect("could not read a snapshot");
        let mut random = Rng::with_seed(11);
        for _ in 0..60 {
            let (at, bit) = (random.usize(..sound.len()), random.u8(..8));
            let mut bytes = sound.clone();
            bytes[at] ^= 1 << bit;
            fs::write(&path, bytes).expect("could not write");
            let outcome = Run::ours(["snapshot", "verify", "s.db"]).inside(folder.path()).outcome();
            let said = outcome.status == 1 && outcome.last_error().is_some();
            assert!(said, "byte {at}, bit {bit}\n{outcome}");
        }
    });
}

/// Numbers where a page has numbers, so that more than values are damaged; the hash at the end made right.
#[test]
fn damaged_files_give_an_answer_or_one_sentence() {
    on_the_newest_server(|etcd| {
        live(etcd);
        for i in 0..200 {
            etcd.put(format!("more{i}").as_bytes(), &[b'v'; 300]);
        }
        let folder = saved(etcd);
        let path = folder.path().join("s.db");
        let sound = fs::read(&path).expect("could not read a snapshot");
        let pages = sound.len() - 32;
        let mut random = Rng::with_seed(5);
        for round in 0..120 {
            let mut bytes = sound.clone();
            for _ in 0..random.usize(1..4) {
                let page = random.usize(..pages / 4096) * 4096;
                let at =
                    page + if random.bool() { random.usize(..96) } else { random.usize(..4090) };
                let number = [0, 1, 0x7f, 0xff][random.usize(..4)];
                bytes[at] = number;
            }
            if round % 7 == 0 {
                bytes.truncate(random.usize(..pages));
            } else {
                let hash = digest(&SHA256, &bytes[..pages]);
                bytes[pages..].copy_from_slice(hash.as_ref());
            }
            fs::write(&path, bytes).expect("could not write");
            for line in [
                "snapshot status s.db",
                "snapshot verify s.db",
                "hashkv s.db",
                "get '' --prefix --snapshot s.db",
            ] {
                let outcome = Run::ours(words(line)).inside(folder.path()).outcome();
                let fine =
                    outcome.status == 0 || (outcome.status == 1 && outcome.last_error().is_some());
                assert!(fine, "{line}\n{outcome}");
            }
        }
    });
}

/// The official utility waits for ever.
#[test]
fn on_purpose_a_running_members_database_is_refused() {
    on_the_newest_server(|etcd| {
        etcd.put(b"key", b"value");
        let database = etcd.data().join("member/snap/db").display().to_string();
        for line in ["snapshot status", "snapshot verify", "hashkv", "get key --snapshot"] {
            let outcome = Run::ours([words(line), vec![database.as_str()]].concat()).outcome();
            outcome.assert_fails(1, &format!("a member is running on {database}"));
            assert!(outcome.said().contains("hint: ask the member itself"), "{outcome}");
        }
    });
}
