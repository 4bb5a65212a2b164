//! The same ranges asked of a server and of its snapshot: the same bytes, in every format, at every revision.

use std::ffi::OsString;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as STANDARD;
use fastrand::Rng;
use tempfile::TempDir;

use crate::kube::table;
use crate::support::{Etcd, Outcome, Run, kubernetes, on_every_server, on_the_newest_server};

const FORMATS: [&str; 8] =
    ["simple", "json", "fields", "table", "protobuf", "yaml", "jsonl", "raw"];

/// The formats without a header: 3.4 does not write its raft term into the database.
fn formats(etcd: &Etcd) -> &'static [&'static str] {
    if etcd.minor() == "3.4" { &["simple", "table", "yaml", "jsonl", "raw"] } else { &FORMATS }
}

fn run(etcd: &Etcd, args: &[String]) -> Outcome {
    let args: Vec<String> =
        ["--endpoints".to_owned(), etcd.endpoint()].iter().chain(args).cloned().collect();
    Run::ours(args).outcome()
}

/// Puts, deletes and transactions at random, among few keys so that they meet.
fn scramble(etcd: &Etcd, random: &mut Rng, times: usize) {
    for _ in 0..times {
        let key = format!("k/{}", random.u8(..25));
        match random.u8(..10) {
            0 => drop(run(etcd, &["del".into(), key])),
            1 => drop(run(etcd, &["del", "k/1", "--prefix", "--range"].map(str::to_owned))),
            2 => transact(etcd, random),
            _ => {
                let length = if random.u8(..40) == 0 { 20_000 } else { random.usize(..40) };
                let value: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
                etcd.put(key.as_bytes(), &value);
            }
        }
    }
}

/// Several changes at one revision: two puts, and a delete of what one of them may have been.
fn transact(etcd: &Etcd, random: &mut Rng) {
    let mut text = |prefix: &str| STANDARD.encode(format!("{prefix}{}", random.u8(..25)));
    let put = |key: String, value: String| {
        format!(r#"{{"request_put":{{"key":"{key}","value":"{value}"}}}}"#)
    };
    let changes = [
        put(text("k/"), text("value")),
        put(text("k/x"), text("value")),
        format!(r#"{{"request_delete_range":{{"key":"{}"}}}}"#, text("k/y")),
        put(text("k/z"), text("value")),
    ];
    etcd.ask("/v3/kv/txn", &format!(r#"{{"success":[{}]}}"#, changes.join(",")));
}

fn saved(etcd: &Etcd, folder: &TempDir) -> String {
    let path = folder.path().join("s.db").display().to_string();
    let saved = run(etcd, &["snapshot".into(), "save".into(), path.clone()]);
    assert_eq!(saved.status, 0, "{saved}");
    path
}

fn revision(etcd: &Etcd) -> u64 {
    let count = run(etcd, &["get", "x", "-w", "fields"].map(str::to_owned)).text();
    let line = count.lines().find_map(|line| line.strip_prefix("\"Revision\" : "));
    line.and_then(|number| number.parse().ok()).expect("a revision")
}

/// Sorted otherwise than by key, a server leaves what is equal in no certain order: then the lines are
/// compared, and not where each stands among its equals.
#[track_caller]
fn agree(etcd: &Etcd, path: &str, line: &str) {
    let args: Vec<String> = line
        .split(' ')
        .map(|word| if word == "''" { String::new() } else { word.to_owned() })
        .collect();
    let online = run(etcd, &args);
    let offline =
        Run::ours(args.iter().cloned().chain(["--snapshot".into(), path.into()])).outcome();
    let by_lines = |outcome: &Outcome| {
        let mut lines: Vec<_> =
            outcome.stdout.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        if line.contains("--sort-by") {
            lines.sort();
        }
        lines
    };
    assert!(
        (online.status, by_lines(&online), online.last_error())
            == (offline.status, by_lines(&offline), offline.last_error()),
        "etcd {}: {line}\nserver: {online}\nfile: {offline}",
        etcd.minor()
    );
}

#[test]
fn a_snapshot_answers_as_its_server_does() {
    on_every_server(|etcd| {
        let mut random = Rng::with_seed(7);
        let folder = TempDir::new().expect("could not make a folder");
        scramble(etcd, &mut random, 150);
        for compacted in [false, true] {
            if compacted {
                let half = (revision(etcd) / 2).to_string();
                let done = run(etcd, &["compaction".into(), half, "--physical".into()]);
                assert_eq!(done.status, 0, "{done}");
                scramble(etcd, &mut random, 30);
            }
            let path = saved(etcd, &folder);
            let last = revision(etcd);
            for format in formats(etcd) {
                for question in
                    ["'' --prefix", "k/1 --prefix", "k/3", "k/1 k/2", "k/2 --from-key", "nothing"]
                {
                    agree(etcd, &path, &format!("get {question} -w {format}"));
                }
                let at = random.u64(1..last + 2);
                agree(etcd, &path, &format!("get k --prefix -w {format} --rev {at}"));
                agree(etcd, &path, &format!("get k --prefix -w {format} --keys-only --limit 3"));
                agree(etcd, &path, &format!("get k --prefix -w {format} --count-only --rev {at}"));
            }
            for line in [
                "--order DESCEND",
                "--order DESCEND --limit 2",
                "--sort-by CREATE",
                "--sort-by MODIFY --order DESCEND",
                "--sort-by VALUE",
                "--sort-by VALUE --order DESCEND",
                "--print-value-only",
                "--min-mod-rev 20 --max-mod-rev 120",
                "--min-create-rev 30 --limit 3",
                "--max-create-rev 60 --keys-only",
                "--limit 1000",
            ] {
                let format = formats(etcd)[random.usize(1..5)];
                let format = match line {
                    line if line.contains("value-only") => "simple",
                    line if line.contains("--sort-by") => "jsonl",
                    _ => format,
                };
                agree(etcd, &path, &format!("get k --prefix {line} -w {format}"));
            }
            for at in (1..last + 3).step_by(9) {
                let format = if formats(etcd).len() == 8 { "json" } else { "jsonl" };
                agree(etcd, &path, &format!("get '' --prefix -w {format} --rev {at}"));
            }
        }
        agree(etcd, &path_of(&folder), "get ''");
    });
}

fn path_of(folder: &TempDir) -> String {
    folder.path().join("s.db").display().to_string()
}

#[test]
fn a_data_directory_answers_once_its_member_is_stopped() {
    let mut etcd = Etcd::start();
    scramble(&etcd, &mut Rng::with_seed(3), 30);
    let question = ["get", "k", "--prefix", "-w", "json"].map(str::to_owned);
    let online = run(&etcd, &question);
    let data = etcd.data().into_os_string();
    let offline = || {
        let question = question.iter().map(OsString::from);
        Run::ours(question.chain(["--snapshot".into(), data.clone()])).outcome()
    };
    let running = offline();
    assert_eq!(running.status, 1, "{running}");
    assert!(running.said().contains("a member is running on"), "{running}");
    etcd.stop();
    let stopped = offline();
    assert_eq!((stopped.status, &stopped.stdout), (0, &online.stdout), "{stopped}");
    etcd.restart();
    etcd.put(b"k/last", b"value");
    etcd.kill();
    let killed = offline();
    assert_eq!(killed.status, 0, "{killed}");
    let whole = killed.text().contains("ay9sYXN0");
    assert!(whole || killed.said().contains("are not in the database"), "{killed}");
}

/// 3.4 saves with the next change of a key how far it is, so that its own affairs may look as if they were missing.
#[test]
fn what_the_database_of_a_killed_member_lacks_is_told() {
    for minor in ["3.4", "3.5", "3.6", "3.7"] {
        let Some(mut etcd) = Etcd::version(minor) else { continue };
        let data = etcd.data().display().to_string();
        let offline = || Run::ours(["get", "k", "--prefix", "--snapshot", &data]).outcome();
        etcd.put(b"k", b"value");
        etcd.stop();
        let stopped = offline();
        assert_eq!((stopped.status, &*stopped.text()), (0, "k\nvalue\n"), "{minor}: {stopped}");
        assert!(minor == "3.4" || stopped.said().is_empty(), "{minor}: {stopped}");
        etcd.restart();
        (0..30u8).for_each(|number| etcd.put(&[b'k', b'0' + number], b"value"));
        etcd.kill();
        let killed = offline();
        let (found, said) = (killed.text().lines().count() / 2, killed.said());
        assert_eq!(killed.status, 0, "{minor}: {killed}");
        let told = said.contains("entries of the log are not in the database");
        assert!(found == 31 || told, "{minor}: {killed}");
        // What is in the database is answered, whatever the log has.
        assert!(found >= 1 && killed.text().starts_with("k\nvalue\n"), "{minor}: {killed}");
    }
}

#[test]
fn a_kubernetes_clusters_snapshot_gives_every_key_with_what_is_known_of_it() {
    let Some((_folder, snapshot)) = kubernetes() else { return };
    let path = snapshot.display().to_string();
    let answer = Run::ours(["get", "", "--prefix", "-w", "json", "--snapshot", &path]).outcome();
    assert_eq!(answer.status, 0, "{answer}");
    let answer: serde_json::Value = serde_json::from_slice(&answer.stdout).expect("JSON");
    let pairs = answer["kvs"].as_array().expect("pairs");
    let rows = table("keys.tsv.xz");
    assert_eq!((pairs.len(), answer["count"].as_u64()), (1148, Some(1148)));
    assert_eq!(pairs.len(), rows.len());
    for (pair, row) in pairs.iter().zip(rows) {
        let text = |name: &str| pair[name].as_str().unwrap_or_default().to_owned();
        let number = |name: &str| pair[name].as_i64().unwrap_or_default().to_string();
        let found = [
            text("key"),
            text("value"),
            number("create_revision"),
            number("mod_revision"),
            number("version"),
            number("lease"),
        ];
        assert!(found[..] == row[..6], "{row:?}");
    }
}

#[test]
fn a_damaged_snapshot_answers_nothing() {
    on_the_newest_server(|etcd| {
        etcd.put(b"key", b"value");
        let folder = TempDir::new().expect("could not make a folder");
        let path = saved(etcd, &folder);
        let mut bytes = std::fs::read(&path).expect("could not read a snapshot");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        std::fs::write(&path, bytes).expect("could not write a file");
        let outcome = Run::ours(["get", "key", "--snapshot", &path]).outcome();
        assert!(outcome.status == 1 && outcome.stdout.is_empty(), "{outcome}");
    });
    let missing = Run::ours(["get", "key", "--snapshot", "missing"]).outcome();
    missing.assert_fails(1, "stat missing: no such file or directory");
    assert!(!Path::new("missing").exists());
}
