//! Files of more keys than memory is for: each verb's memory is bounded, and its numbers are right.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use etcdctl::snapshot::writer::Writer;
use ring::digest::{Context, SHA256};

use crate::support::{Run, words};

/// More than are counted in one way through the rows.
const KEYS: usize = 2_000_000;
/// What a verb may have in memory, in KiB; the program's own pages, which are not optimised here, do not count.
const MOST: usize = 64 << 10;

/// A snapshot of so many keys, each put once, all of them before the last compaction.
fn write(path: &Path) {
    let file = File::create_new(path).expect("could not make a file");
    let mut writer = Writer::new(file, 4096).expect("could not write");
    let mut keys = writer.bucket(b"key");
    let revision = |main: usize| [&main.to_be_bytes()[..], b"_", &[0; 8]].concat();
    for main in 2..KEYS + 2 {
        let key = format!("{main:08}");
        // key, create_revision, mod_revision and version of an `mvccpb.KeyValue`.
        let mut value = vec![0x0a, 8];
        value.extend_from_slice(key.as_bytes());
        for field in [0x10, 0x18] {
            value.push(field);
            let mut number = main;
            while number > 0x7f {
                value.push(0x80 | number.to_le_bytes()[0]);
                number >>= 7;
            }
            value.push(number.to_le_bytes()[0]);
        }
        value.extend_from_slice(&[0x20, 1]);
        keys.put(&revision(main), &value).expect("could not write");
    }
    keys.finish().expect("could not write");
    let mut meta = writer.bucket(b"meta");
    for name in ["finishedCompactRev", "scheduledCompactRev"] {
        meta.put(name.as_bytes(), &revision(KEYS + 1)).expect("could not write");
    }
    meta.finish().expect("could not write");
    writer.finish().expect("could not write");
    let pages = fs::read(path).expect("could not read");
    let mut hash = Context::new(&SHA256);
    hash.update(&pages);
    fs::write(path, [&pages, hash.finish().as_ref()].concat()).expect("could not write");
}

/// What it prints, and the most memory in KiB that it was seen to use without the program's own pages.
fn run(folder: &Path, line: &str) -> (String, usize) {
    let mut command = Run::ours(words(line)).inside(folder).into_command();
    let out = folder.join("out");
    command.current_dir(folder).stdout(File::create(&out).expect("could not make a file"));
    // The log of what is done; the status tells whether it was.
    command.stderr(Stdio::null());
    let mut child = command.spawn().expect("could not run our program");
    let mut peak = 0;
    let status = loop {
        let file = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let of = |name: &str| -> Option<usize> {
            let line = file.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        };
        let now = of("VmHWM:").zip(of("RssFile:")).map(|(whole, file)| whole.saturating_sub(file));
        peak = peak.max(now.unwrap_or(0));
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            break status;
        }
        sleep(Duration::from_millis(2));
    };
    assert!(status.success(), "{line}: {status}");
    (fs::read_to_string(out).expect("could not read"), peak)
}

#[test]
fn a_file_of_millions_of_keys_takes_bounded_memory() {
    let folder = tempfile::tempdir().expect("could not make a folder");
    write(&folder.path().join("s.db"));
    let data = folder.path().join("D/member/snap");
    fs::create_dir_all(&data).expect("could not make a folder");
    fs::copy(folder.path().join("s.db"), data.join("db")).expect("could not copy");
    let (status, peak) = run(folder.path(), "snapshot status s.db -w json");
    assert!(status.contains(&format!("\"totalKey\":{KEYS},")), "{status}");
    assert!(peak > 0 && peak < MOST, "status: {peak} KiB");
    let mut hashes = Vec::new();
    for line in [
        "hashkv s.db",
        "snapshot verify s.db",
        "defrag --data-dir D",
        "hashkv D/member/snap/db",
        "snapshot restore s.db --data-dir R",
        "hashkv R/member/snap/db",
    ] {
        let (text, peak) = run(folder.path(), line);
        assert!(peak > 0 && peak < MOST, "{line}: {peak} KiB");
        if line.starts_with("hashkv") {
            hashes.push(text);
        }
    }
    assert!(hashes.iter().all(|hash| *hash == hashes[0]) && hashes.len() == 3, "{hashes:?}");
    let (keys, peak) = run(folder.path(), "get '' --prefix --keys-only --snapshot s.db");
    assert_eq!(keys.lines().filter(|line| !line.is_empty()).count(), KEYS);
    // The key and forty bytes for each.
    assert!(peak < MOST + KEYS * 48 / 1024, "get: {peak} KiB");
}
