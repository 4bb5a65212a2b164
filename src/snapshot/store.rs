//! The key space in a file: its revisions, and the hash that servers compare.
//!
//! Source: etcd 3.7.1, `server/storage/mvcc/{kvstore,hash}.go`.

use std::path::Path;

use super::db::{Db, Fault};
use super::keys::{self, Keys};
use super::page::Row;
use super::revision::{Revision, Stored};
use super::walk::{Bucket, Walk};
use crate::error::{Error, Result};

/// The bucket of all revisions.
const KEYS: &[u8] = b"key";

/// Which revisions a key space answers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub current: i64,
    /// What is older cannot be read; -1 where nothing was compacted.
    pub compacted: i64,
}

/// The answer of `hashkv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hash {
    pub hash: u32,
    pub revision: i64,
    pub compacted: i64,
}

impl Span {
    /// The revision that is meant: 0 or less is the current one.
    ///
    /// # Errors
    /// The official words for one that is no more, or not yet.
    pub fn revision(self, asked: i64) -> Result<i64> {
        if asked <= 0 {
            return Ok(self.current);
        }
        if asked < self.compacted {
            return Err(Error::failure("mvcc: required revision has been compacted")
                .hint(format!("the oldest revision there is {}", self.compacted)));
        }
        if asked > self.current {
            return Err(Error::failure("mvcc: required revision is a future revision")
                .hint(format!("the newest revision there is {}", self.current)));
        }
        Ok(asked)
    }
}

/// What a database says before its keys are read.
#[derive(Clone, Debug, Default)]
pub struct Head {
    pub keys: Option<Bucket>,
    finished: Option<i64>,
    scheduled: Option<i64>,
    pub term: u64,
    pub consistent_index: u64,
    pub members: Vec<u64>,
}

/// Reads the small buckets.
///
/// # Errors
/// Damage.
pub fn head(walk: &mut Walk<'_>) -> Result<Head, Fault> {
    let mut head = Head::default();
    for bucket in walk.buckets()? {
        match bucket.name.as_slice() {
            KEYS => head.keys = Some(bucket),
            b"meta" => walk.rows(&bucket, &mut |row| {
                let revision =
                    || Revision::parse(row.value).ok().map(|(revision, _)| revision.main);
                let number =
                    row.value.first_chunk().map_or(0, |number| u64::from_be_bytes(*number));
                match row.key {
                    b"finishedCompactRev" => head.finished = revision(),
                    b"scheduledCompactRev" => head.scheduled = revision(),
                    b"term" => head.term = number,
                    b"consistent_index" => head.consistent_index = number,
                    _ => {}
                }
                Ok(())
            })?,
            b"members" => walk.rows(&bucket, &mut |row| {
                let id = std::str::from_utf8(row.key).ok();
                head.members.extend(id.and_then(|id| u64::from_str_radix(id, 16).ok()));
                Ok(())
            })?,
            _ => {}
        }
    }
    Ok(head)
}

impl Head {
    /// The revisions, once the last row is known.
    #[must_use]
    pub fn span(&self, last: i64) -> Span {
        let (finished, scheduled) = (self.finished.unwrap_or(-1), self.scheduled.unwrap_or(0));
        let compacted = if scheduled > finished { scheduled } else { finished };
        let compacted =
            if self.finished.is_none() && self.scheduled.is_none() { -1 } else { compacted };
        Span { current: last.max(finished).max(scheduled).max(1), compacted }
    }
}

/// Hashes the rows of a file. One that is empty counts as a new database: bbolt makes one of it.
///
/// # Errors
/// A file that is none of etcd's; damage; a revision that is not there.
pub fn hash_of(path: &Path, asked: i64) -> Result<Hash> {
    if path.metadata().is_ok_and(|file| file.is_file() && file.len() == 0) {
        let span = Head::default().span(0);
        let (revision, compacted) = (span.revision(asked)?, span.compacted);
        return Ok(Hash { hash: crc32c::crc32c(KEYS), revision, compacted });
    }
    hash(&Db::open(path)?, asked)
}

/// Hashes the rows that a server would hash.
///
/// # Errors
/// Damage; a revision that is not there.
pub fn hash(db: &Db, asked: i64) -> Result<Hash> {
    hashed(db, asked).map_err(|fault| db.explain(fault))
}

fn hashed(db: &Db, asked: i64) -> Result<Hash, Fault> {
    let head = head(&mut db.walk())?;
    let compacted = head.span(0).compacted;
    let limit = if asked > 0 { asked } else { i64::MAX };
    let (last, kept) = kept(db, &head, limit, compacted)?;
    let span = head.span(last);
    let revision = span.revision(asked)?;
    let mut crc = crc32c::crc32c(KEYS);
    let mut ordinal = 0;
    let hashed = each(db, &head, &mut |at, tombstone, row| {
        if at.main > revision {
            return Err(Fault::Enough);
        }
        let old = at.main <= compacted;
        let forgotten = old && !kept.has(ordinal) || tombstone && at.main == compacted;
        ordinal += usize::from(old);
        if !forgotten {
            crc = crc32c::crc32c_append(crc, row.key);
            crc = crc32c::crc32c_append(crc, row.value);
        }
        Ok(())
    });
    match hashed {
        Ok(()) | Err(Fault::Enough) => Ok(Hash { hash: crc, revision, compacted }),
        Err(fault) => Err(fault),
    }
}

/// Which rows from before the compaction count: those that still say what a key is. By their order.
enum Kept {
    /// No key is left at all: a server leaves nothing out then.
    All,
    Bits(Vec<u64>),
}

impl Kept {
    fn has(&self, ordinal: usize) -> bool {
        match self {
            Self::All => true,
            Self::Bits(bits) => {
                bits.get(ordinal / 64).is_some_and(|word| word >> (ordinal % 64) & 1 == 1)
            }
        }
    }
}

/// The last row's revision, and the old rows that count at a revision.
fn kept(db: &Db, head: &Head, limit: i64, compacted: i64) -> Result<(i64, Kept), Fault> {
    let (mut last, mut newest_lives) = (0, false);
    let (mut bits, mut none) = (Vec::new(), true);
    let pass = |old: &mut Keys| {
        let mut ordinal = 0u32;
        each(db, head, &mut |revision, tombstone, row| {
            last = revision.main;
            if revision.main > limit || compacted < 0 {
                return Ok(());
            }
            let stored = stored(row)?;
            newest_lives = !tombstone;
            let is_old = revision.main <= compacted;
            if is_old && !tombstone {
                old.insert(stored.key, ordinal);
            } else {
                old.remove(stored.key);
            }
            ordinal = ordinal.saturating_add(is_old.into());
            Ok(())
        })
    };
    keys::count(db.size, pass, |number| {
        let word = number as usize / 64;
        if bits.len() <= word {
            bits.resize(word + 1, 0u64);
        }
        if let Some(word) = bits.get_mut(word) {
            *word |= 1 << (number % 64);
        }
        none = false;
    })?;
    if compacted < 0 || none && !newest_lives && !some_live(db, head, limit)? {
        return Ok((last, Kept::All));
    }
    Ok((last, Kept::Bits(bits)))
}

/// Whether any key is there at a revision.
fn some_live(db: &Db, head: &Head, limit: i64) -> Result<bool, Fault> {
    let mut some = false;
    let pass = |live: &mut Keys| {
        each(db, head, &mut |revision, tombstone, row| {
            let stored = stored(row)?;
            if revision.main <= limit && tombstone {
                live.remove(stored.key);
            } else if revision.main <= limit {
                live.insert(stored.key, 0);
            }
            Ok(())
        })
    };
    keys::count(db.size, pass, |_| some = true)?;
    Ok(some)
}

/// When a row of the keys was written, and whether the key was deleted then.
///
/// # Errors
/// The official words for one that says neither.
pub fn revision(row: &Row<'_>) -> Result<(Revision, bool), Fault> {
    Revision::of_row(row.key).map_err(|words| Fault::Row { offset: row.offset, words })
}

/// What a row of the keys holds.
///
/// # Errors
/// The official words for one that cannot be read.
pub fn stored<'r>(row: &Row<'r>) -> Result<Stored<'r>, Fault> {
    Stored::of_row(row.key, row.value).map_err(|words| Fault::Row { offset: row.offset, words })
}

/// Takes a row of the keys: its revision, and whether the key was deleted at it.
type EachKey<'e> = &'e mut dyn FnMut(Revision, bool, &Row<'_>) -> Result<(), Fault>;

/// Goes through all rows of the keys, oldest first.
///
/// # Errors
/// Damage, or what `each` gives.
pub fn each(db: &Db, head: &Head, each: EachKey<'_>) -> Result<(), Fault> {
    let Some(keys) = &head.keys else { return Ok(()) };
    db.walk().rows(keys, &mut |row| {
        let (revision, tombstone) = revision(row)?;
        each(revision, tombstone, row)
    })
}
