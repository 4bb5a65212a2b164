//! A database of any bytes, read in every way that the program reads one.

#![no_main]

use std::path::Path;

use etcdctl::request::{Range, RangeEnd, SortOrder, SortTarget};
use etcdctl::snapshot::db::Db;
use etcdctl::snapshot::open::Opened;
use etcdctl::snapshot::{range, status, store};
use etcdctl_fuzz::{Taken, database, plant, repair_metas, scratch, seal, write};
use libfuzzer_sys::fuzz_target;

const REPAIRED: u8 = 1;
const SEALED: u8 = 2;

fuzz_target!(init: plant("database", seeds), |data: &[u8]| read(data));

fn seeds() -> Vec<Vec<u8>> {
    let sizes = [(512, 0), (512, 6), (512, 70), (1024, 300), (4096, 40)];
    let seed = |(page_size, rows)| {
        [REPAIRED, REPAIRED | SEALED]
            .map(|mode| [&[mode, 0, 0, 0], &*database(page_size, rows)].concat())
    };
    sizes.into_iter().flat_map(seed).collect()
}

fn read(data: &[u8]) {
    let mut taken = Taken(data);
    let (mode, choice, revision) = (taken.byte(), taken.byte(), taken.short());
    let mut bytes = taken.0.to_vec();
    if mode & REPAIRED != 0 {
        repair_metas(&mut bytes);
    }
    if mode & SEALED != 0 {
        seal(&mut bytes);
    }
    let path = scratch().join("db");
    write(&path, &bytes);
    let Ok(db) = Db::open(&path) else { return };
    let told = status::status(&db);
    let sound = status::verify(&db).is_ok();
    assert!(!sound || told.is_ok(), "sound, but without a status: {told:?}");
    let _ = store::hash(&db, 0);
    let _ = store::hash(&db, revision.into());
    let target = [
        SortTarget::Key,
        SortTarget::Version,
        SortTarget::Create,
        SortTarget::Modify,
        SortTarget::Value,
    ];
    let all = Range {
        end: RangeEnd::Prefix,
        revision: (choice & 0x80 != 0).then_some(revision.into()).unwrap_or(0),
        ..Range::default()
    };
    let keys = ask(&path, &all);
    if let Some(keys) = &keys {
        assert!(keys.is_sorted_by(|one, next| one < next), "keys out of order");
    }
    let sorted = Range {
        target: target[usize::from(choice & 7) % target.len()],
        order: if choice & 8 != 0 { SortOrder::Descend } else { SortOrder::Ascend },
        limit: i64::from(choice >> 4 & 1),
        min_mod_revision: i64::from(choice >> 5 & 1),
        keys_only: choice & 0x40 != 0,
        ..all
    };
    let some = ask(&path, &sorted);
    assert!(
        keys.is_none()
            || sorted.limit > 0
            || some.is_none_or(|some| some.len() <= keys.unwrap_or_default().len())
    );
}

/// The keys of an answer; none where it fails.
fn ask(path: &Path, range: &Range) -> Option<Vec<Vec<u8>>> {
    let mut pieces = range::range(Opened::at(path).ok()?, range).ok()?;
    let (mut keys, mut pairs) = (Vec::new(), Vec::new());
    while pieces.next(&mut pairs).ok()? {
        keys.extend(pairs.iter().map(|pair| pair.key.to_vec()));
    }
    Some(keys)
}
