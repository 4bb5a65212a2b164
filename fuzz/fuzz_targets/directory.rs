//! A stopped member's data directory of any bytes: read, defragmented, migrated, and its database restored.

#![no_main]

use std::fs;
use std::path::Path;

use etcdctl::error::Result;
use etcdctl::request::{Range, RangeEnd};
use etcdctl::snapshot::db::Db;
use etcdctl::snapshot::migrate::{self, Version};
use etcdctl::snapshot::open::Opened;
use etcdctl::snapshot::restore::{Restore, Watch};
use etcdctl::snapshot::{defrag, range, status};
use etcdctl_fuzz::{Taken, database, log, plant, repair_metas, scratch, write};
use libfuzzer_sys::fuzz_target;

const REPAIRED: u8 = 1;
const RESTORED: u8 = 2;
const FORCED: u8 = 4;

fuzz_target!(init: plant("directory", seeds), |data: &[u8]| work(data));

fn seeds() -> Vec<Vec<u8>> {
    let records: [(i64, &[u8]); 6] = [
        (4, b""),
        (1, &[0x08, 1, 0x10, 2]),
        (5, &[0x08, 0, 0x10, 0]),
        (2, &[0x08, 0, 0x10, 1, 0x18, 10, 0x22, 0]),
        (3, &[0x08, 1, 0x10, 1, 0x18, 1]),
        (2, &[0x08, 1, 0x10, 1, 0x18, 11, 0x22, 0]),
    ];
    let log = log(records.into_iter());
    let seed = |(mode, target, rows): (u8, u8, u64)| {
        let database = database(512, rows);
        let length = u16::try_from(database.len()).unwrap_or_default();
        [&[mode, target][..], &length.to_le_bytes(), &database, &log].concat()
    };
    [(1, 5, 3), (1, 6, 80), (5, 6, 20), (3, 7, 3), (7, 5, 80)].map(seed).into()
}

fn work(data: &[u8]) {
    let mut taken = Taken(data);
    let (mode, target, length) = (taken.byte(), taken.byte(), taken.short());
    let mut bytes = taken.bytes(length.into()).to_vec();
    if mode & REPAIRED != 0 {
        repair_metas(&mut bytes);
    }
    let member = scratch().join("data").join("member");
    let _ = fs::create_dir_all(member.join("snap"));
    let _ = fs::create_dir_all(member.join("wal"));
    let path = member.join("snap").join("db");
    write(&path, &bytes);
    write(&member.join("wal").join("0000000000000000-0000000000000000.wal"), taken.0);
    let data_dir = scratch().join("data");
    if let Ok(opened) = Opened::at(&data_dir) {
        let all = Range { end: RangeEnd::Prefix, ..Range::default() };
        let mut pairs = Vec::new();
        if let Ok(mut pieces) = range::range(opened, &all) {
            while pieces.next(&mut pairs).unwrap_or(false) {}
        }
    }
    if mode & RESTORED != 0 {
        restore(&path, mode);
    }
    let before = state(&path);
    if defrag::defrag(&data_dir, None, || Ok(())).is_ok() {
        let after = state(&path);
        assert!(before.is_none() || before == after, "{before:?}, then {after:?}");
    }
    let before = state(&path);
    let version = Version { major: 3, minor: i64::from(target % 10), patch: 0 };
    if migrate::migrate(&data_dir, version, mode & FORCED != 0, None).is_ok() {
        assert!(before.is_none() || state(&path).is_some(), "migrated, and no database any more");
    }
}

/// What a sound database holds.
fn state(path: &Path) -> Option<(u32, i64, u64)> {
    let db = Db::open(path).ok()?;
    status::verify(&db).ok()?;
    let told = status::status(&db).ok()?;
    Some((told.hash, told.revision, told.total_key))
}

struct Unwatched;

impl Watch for Unwatched {
    fn begin(&mut self, _: u64) {}

    fn advance(&mut self, _: usize) -> Result<()> {
        Ok(())
    }
}

fn restore(snapshot: &Path, mode: u8) {
    let data_dir = scratch().join("restored");
    let _ = fs::remove_dir_all(&data_dir);
    let restore = Restore {
        snapshot: snapshot.to_owned(),
        data_dir: data_dir.clone(),
        wal_dir: None,
        name: "default".into(),
        initial_cluster: "default=http://localhost:2380".into(),
        token: "token".into(),
        advertised: "http://localhost:2380".into(),
        skip_hash_check: true,
        bump: (mode & FORCED != 0).then_some(1000),
        memory_map: 0,
    };
    let sound = state(snapshot).is_some();
    if restore.run(&mut Unwatched).is_ok() {
        let restored = data_dir.join("member").join("snap").join("db");
        assert!(!sound || state(&restored).is_some(), "restored, and no database any more");
    }
    let _ = fs::remove_dir_all(&data_dir);
}
