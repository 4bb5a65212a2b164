//! A write-ahead log of any bytes, and of any records whose checksums are right.

#![no_main]

use std::fs;

use etcdctl::snapshot::wal::Records;
use etcdctl_fuzz::{Taken, log, plant, scratch, write};
use libfuzzer_sys::fuzz_target;

/// Records follow, not bytes.
const CHECKED: u8 = 1;
/// There are two segments.
const TWO: u8 = 2;
/// The last write tore.
const TORN: u8 = 4;

fuzz_target!(init: plant("log", seeds), |data: &[u8]| read(data));

fn seeds() -> Vec<Vec<u8>> {
    let records: &[u8] = &[
        CHECKED, 0, 4, 0, 0, 1, 4, 0, 0x08, 1, 0x10, 2, 5, 4, 0, 0x08, 0, 0x10, 0, 2, 8, 0, 0x08,
        0, 0x10, 1, 0x18, 1, 0x22, 0, 3, 6, 0, 0x08, 1, 0x10, 1, 0x18, 1,
    ];
    let [two, torn] =
        [CHECKED | TWO, CHECKED | TORN].map(|mode| [&[mode, 3][..], &records[2..]].concat());
    let plain = [&[0, 0][..], &built(&mut Taken(&records[2..]), usize::MAX)].concat();
    vec![records.to_vec(), two, torn, plain]
}

fn read(data: &[u8]) {
    let mut taken = Taken(data);
    let (mode, cut) = (taken.byte(), taken.byte());
    let folder = scratch().join("wal");
    let _ = fs::create_dir_all(&folder);
    let second = folder.join("0000000000000001-0000000000000005.wal");
    let first = if mode & CHECKED == 0 { taken.0.to_vec() } else { built(&mut taken, cut.into()) };
    if mode & TWO == 0 {
        let _ = fs::remove_file(&second);
    } else {
        write(&second, &built(&mut taken, usize::MAX));
    }
    let mut last = first;
    if mode & TORN != 0 {
        let at = last.len().saturating_sub(usize::from(cut));
        last[at..].fill(0);
    }
    write(&folder.join("0000000000000000-0000000000000000.wal"), &last);
    let Ok(records) = Records::open(&folder) else { return };
    let count = records.take_while(Result::is_ok).count();
    assert!(count <= 2 * data.len() + 1, "more records than bytes");
}

/// A kind, a length, the record; and so on.
fn built(taken: &mut Taken<'_>, most: usize) -> Vec<u8> {
    let mut records = Vec::new();
    while !taken.is_empty() && records.len() < most.max(1) {
        let kind = i64::from(taken.byte().cast_signed());
        let length = taken.short();
        records.push((kind, taken.bytes(length.into())));
    }
    log(records.into_iter())
}
