//! Beside the official utility: the same files, the same failures.

use std::fs;
use std::path::Path;

use super::{text, tree};
use crate::support::{Run, kubernetes, reference_util, run, skipped, words};

const LOG: &str = "member/wal/0000000000000000-0000000000000000.wal";

/// Its index is the number of members: forty of them.
const SNAP_OF_MANY: &str = "member/snap/0000000000000001-0000000000000028.snap";

fn there() -> bool {
    let there = reference_util().is_some();
    if !there {
        skipped("no reference utility (make reference builds it)");
    }
    there
}

/// Both restore, each into a folder of its own; gives the data directories.
fn both(snapshot: &Path, folder: &Path, flags: &str) -> [std::path::PathBuf; 2] {
    let places = ["ours", "theirs"].map(|name| folder.join(name).join("data"));
    let args = |data: &Path| {
        let flags = flags.replace("DIR", text(parent(data)));
        let mut args = vec!["snapshot", "restore", text(snapshot), "--data-dir", text(data)];
        args.extend(words(&flags));
        args.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    for place in &places {
        fs::create_dir_all(parent(place)).expect("could not make a folder");
    }
    let (ours, theirs) = run::both(
        || Run::ours(args(&places[0])).outcome(),
        || Run::reference_util(args(&places[1])).outcome(),
    );
    ours.assert_same_answer(&theirs, flags);
    assert_eq!(messages(&ours.said()), messages(&theirs.said()), "{flags}");
    places
}

fn parent(path: &Path) -> &Path {
    path.parent().expect("a path of two names")
}

/// The log's messages and fields, without times, places in the source, and names of folders.
fn messages(said: &str) -> Vec<String> {
    said.lines()
        .filter(|line| !line.contains("\tbbolt\t"))
        .map(|line| line.splitn(4, '\t').nth(3).unwrap_or(line))
        .map(|line| line.replace("/theirs/", "/ours/"))
        .collect()
}

fn status(data: &Path) -> String {
    let db = data.join("member/snap/db");
    let outcome = Run::reference_util(["snapshot", "status", text(&db), "-w", "json"]).outcome();
    assert_eq!(outcome.status, 0, "{outcome}");
    // The size depends on when the file grew.
    outcome.text().split("\"totalSize\"").next().unwrap_or_default().to_owned()
}

#[test]
fn the_files_are_the_official_ones() {
    let Some((_folder, snapshot)) = kubernetes() else { return };
    if !there() {
        return;
    }
    for flags in [
        "",
        "--name <a&b> --initial-cluster <a&b>=http://localhost:2380",
        "--name ü --initial-cluster ü=http://127.0.0.1:1,ü=unix://localhost:7 --initial-advertise-peer-urls unix://localhost:7,http://127.0.0.1:1",
        "--initial-cluster-token other",
        "--bump-revision 1000 --mark-compacted",
        "--initial-memory-map-size 0",
        "--wal-dir DIR/apart/wal",
        "--wal-dir DIR/data/member/wal",
        "--wal-dir DIR/data/log",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let places = both(&snapshot, folder.path(), flags);
        let [ours, theirs] = &places;
        assert_eq!(tree(ours), tree(theirs), "{flags}");
        assert_eq!(status(ours), status(theirs), "{flags}");
        let read = |data: &Path, name: &str| fs::read(data.join(name)).unwrap_or_default();
        for name in [
            LOG,
            "../apart/wal/0000000000000000-0000000000000000.wal",
            "member/snap/0000000000000001-0000000000000001.snap",
        ] {
            assert!(read(ours, name) == read(theirs, name), "{flags}: {name} differs");
        }
    }
}

#[test]
fn a_log_of_many_members_is_the_official_one() {
    let Some((_folder, snapshot)) = kubernetes() else { return };
    if !there() {
        return;
    }
    let many: Vec<String> =
        (0..40).map(|n| format!("m{n}=http://127.0.0.1:{}", 3000 + n)).collect();
    let flags = format!(
        "--name m7 --initial-cluster {} --initial-advertise-peer-urls http://127.0.0.1:3007",
        many.join(",")
    );
    let folder = tempfile::tempdir().unwrap();
    let [ours, theirs] = both(&snapshot, folder.path(), &flags);
    // The official utility writes so many members into the .snap in an order of chance: its checksum, a
    // varint, then takes four bytes or five, and the order is not for comparing.
    let [ours_held, theirs_held] = [&ours, &theirs].map(|data| {
        let mut held = snap_data(&data.join(SNAP_OF_MANY));
        held.sort_unstable();
        held
    });
    assert!(ours_held == theirs_held, "{SNAP_OF_MANY} holds other data");
    let [ours_tree, theirs_tree] = [&ours, &theirs].map(|data| {
        let mut tree = tree(data);
        for line in tree.iter_mut().filter(|line| line.starts_with(SNAP_OF_MANY)) {
            line.truncate(line.rfind(' ').expect("a size stands last"));
        }
        tree
    });
    assert_eq!(ours_tree, theirs_tree);
    assert_eq!(status(&ours), status(&theirs));
    assert!(fs::read(ours.join(LOG)).unwrap() == fs::read(theirs.join(LOG)).unwrap());
}

/// The field `data` of a `.snap` file (snappb.Snapshot), which stands behind the varint of its checksum.
fn snap_data(path: &Path) -> Vec<u8> {
    let file = fs::read(path).expect("could not read a .snap");
    let mut rest = file.strip_prefix(&[0x08]).expect("a .snap begins with its checksum");
    prost::encoding::decode_varint(&mut rest).expect("the checksum is a varint");
    rest.to_vec()
}

#[test]
fn failures_have_the_official_words_and_status() {
    let Some((folder, snapshot)) = kubernetes() else { return };
    if !there() {
        return;
    }
    let at = |name: &str| folder.path().join(name);
    let bytes = fs::read(&snapshot).unwrap();
    fs::write(at("bare"), &bytes[..bytes.len() - 32]).unwrap();
    fs::write(at("cut"), &bytes[..bytes.len() - 512]).unwrap();
    let mut changed = bytes.clone();
    changed[100_000] ^= 1;
    fs::write(at("changed"), &changed).unwrap();
    fs::write(at("empty"), "").unwrap();
    fs::create_dir_all(at("full/x")).unwrap();
    fs::create_dir(at("there")).unwrap();
    for line in [
        "snapshot restore",
        "snapshot restore a b",
        "snapshot restore snapshot.db --bump-revision 5",
        "snapshot restore snapshot.db --mark-compacted",
        "snapshot restore snapshot.db --bump-revision x",
        "snapshot restore snapshot.db --bump-revision -1",
        "snapshot restore snapshot.db --initial-memory-map-size x",
        "snapshot restore snapshot.db --data-dir full",
        "snapshot restore snapshot.db --data-dir snapshot.db",
        "snapshot restore snapshot.db --data-dir n --wal-dir there",
        "snapshot restore missing --data-dir n",
        "snapshot restore empty --data-dir n",
        "snapshot restore empty --data-dir n --skip-hash-check",
        "snapshot restore bare --data-dir n",
        "snapshot restore cut --data-dir n",
        "snapshot restore changed --data-dir n",
        "snapshot restore snapshot.db --name foo",
        "snapshot restore snapshot.db --initial-cluster default",
        "snapshot restore snapshot.db --initial-cluster ''",
        "snapshot restore snapshot.db --initial-cluster default=127.0.0.1:2380",
        "snapshot restore snapshot.db --initial-cluster default=ftp://a:1",
        "snapshot restore snapshot.db --initial-cluster default=http://a",
        "snapshot restore snapshot.db --initial-cluster default=http://a:1/p",
        "snapshot restore snapshot.db --initial-cluster default=http://[::1",
        "snapshot restore snapshot.db --initial-cluster default=http://a:x",
        "snapshot restore snapshot.db --initial-advertise-peer-urls ''",
        "snapshot restore snapshot.db --initial-advertise-peer-urls 127.0.0.1:2380",
        "snapshot restore snapshot.db --initial-advertise-peer-urls http://127.0.0.1:1",
        "snapshot restore snapshot.db --initial-advertise-peer-urls http://localhost:2380,http://localhost:2381",
        "snapshot restore snapshot.db --initial-cluster default=http://localhost:2380,default=http://localhost:2381",
        "snapshot restore snapshot.db --initial-cluster b=http://localhost:2380,default=http://localhost:2380",
        "snapshot restore snapshot.db --name a --initial-cluster a=http://127.0.0.1:1,a=http://127.0.0.1:2 --initial-advertise-peer-urls http://127.0.0.1:1,http://127.0.0.1:3",
    ] {
        // One after the other: they want the same place.
        let ours = Run::ours(words(line)).inside(folder.path()).outcome();
        assert!(!at("n").exists(), "{ours}");
        let theirs = Run::reference_util(words(line)).inside(folder.path()).outcome();
        ours.assert_same_answer(&theirs, line);
        // The official program leaves what it had begun.
        let _ = fs::remove_dir_all(at("n"));
    }
}
