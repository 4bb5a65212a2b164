//! What a snapshot says of itself in one pass: its hash, its revision, its live keys.
//!
//! Source: etcd 3.7.1, `etcdutl/snapshot/v3_snapshot.go` (`Status`).

use std::os::unix::fs::FileExt;
use std::thread;

use super::db::{Db, Fault};
use super::keys::{self, Keys};
use super::store;
use super::trailer::{self, Check, Verdict};
use crate::error::{Error, Result};

/// Bytes that are hashed at once.
const PIECE: usize = 64 << 10;

/// The answer of `snapshot status`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// CRC-32C over all buckets' names, keys and values.
    pub hash: u32,
    pub revision: i64,
    /// Keys that are there at that revision.
    pub total_key: u64,
    /// Bytes of all pages in use.
    pub total_size: u64,
    /// The version of the layout, from 3.6 on.
    pub version: String,
}

/// Reads all of a database.
///
/// # Errors
/// The first damage, with the byte it is at; a hash at the end that is another.
pub fn status(db: &Db) -> Result<Status> {
    beside_the_hash(db, || read(db))?.map_err(|fault| match fault {
        Fault::Page { .. } => {
            let words = "snapshot file integrity check failed. 1 errors found.";
            let why = db.explain(fault);
            Error::failure(words).because(why.message())
        }
        other => db.explain(other),
    })
}

/// Reads every page and every record, and compares the hash at the end.
///
/// # Errors
/// The first damage, with the byte it is at.
pub fn verify(db: &Db) -> Result<()> {
    db.whole().map_err(|fault| db.explain(fault))?;
    let (found, hash) = together(db, || read(db).map_err(|fault| db.explain(fault)));
    found?;
    hash
}

fn read(db: &Db) -> Result<Status, Fault> {
    let (mut status, mut live) = (Status::default(), 0);
    keys::count(db.size, |keys| once(db, keys).map(|now| status = now), |_| live += 1)?;
    Ok(Status { total_key: live, ..status })
}

/// One way through all rows; the keys are not counted yet.
fn once(db: &Db, keys: &mut Keys) -> Result<Status, Fault> {
    let mut status = Status { total_size: db.extent(), ..Status::default() };
    let mut walk = db.walk();
    for bucket in walk.buckets()? {
        let mut crc = crc32c::crc32c_append(status.hash, &bucket.name);
        let (is_keys, is_meta) = (bucket.name == b"key", bucket.name == b"meta");
        walk.rows(&bucket, &mut |row| {
            crc = crc32c::crc32c_append(crc, row.key);
            crc = crc32c::crc32c_append(crc, row.value);
            if is_keys {
                let (revision, tombstone) = store::revision(row)?;
                let stored = store::stored(row)?;
                status.revision = revision.main;
                if tombstone {
                    keys.remove(stored.key);
                } else {
                    keys.insert(stored.key, 0);
                }
            } else if is_meta && row.key == b"storageVersion" {
                status.version = version(row.value);
            }
            Ok(())
        })?;
        status.hash = crc;
    }
    Ok(status)
}

/// A version where it is one: three numbers between dots, and what may follow.
fn version(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<&str> = core.split('.').collect();
    let number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.len() == 3 && parts.iter().all(number) { text.into_owned() } else { String::new() }
}

/// Works while the hash at the end is compared: half of the time is one's, half the other's.
///
/// # Errors
/// What [`check_trailer`] finds wrong; what `work` gave is not told then.
pub fn beside_the_hash<T>(db: &Db, work: impl FnOnce() -> T) -> Result<T> {
    let (done, hash) = together(db, work);
    hash.map(|()| done)
}

fn together<T>(db: &Db, work: impl FnOnce() -> T) -> (T, Result<()>) {
    thread::scope(|scope| {
        let hash = scope.spawn(|| check_trailer(db));
        let done = work();
        let ended = || Err(Error::failure("a thread ended"));
        (done, hash.join().unwrap_or_else(|_| ended()))
    })
}

/// Compares the hash at a snapshot's end with its bytes, where there is one.
///
/// # Errors
/// A hash that is another; a file that cannot be read.
pub fn check_trailer(db: &Db) -> Result<()> {
    if !trailer::is_there(db.size) {
        return Ok(());
    }
    let mut check = Check::default();
    let mut piece = vec![0; PIECE];
    let mut offset = 0;
    while offset < db.size {
        let got = db.file.read_at(&mut piece, offset).map_err(|err| db.explain(Fault::Io(err)))?;
        if got == 0 {
            break;
        }
        check.update(piece.get(..got).unwrap_or_default());
        offset += got as u64;
    }
    match check.verdict() {
        Verdict::Wrong { expected, got } => Err(trailer::wrong(&expected, &got)),
        Verdict::Right | Verdict::Absent { .. } => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_three_numbers() {
        assert_eq!(version(b"3.7.0"), "3.7.0");
        assert_eq!(version(b"3.7"), "");
        assert_eq!(version(b""), "");
    }
}
