//! A range of keys answered from a file, as a server would: at a revision, in order, piece by piece.
//!
//! The first way through the rows keeps, for each key in the range, where its last row up to the revision is;
//! the second reads those rows in the order of the answer. Source: etcd 3.7.1, `server/etcdserver/txn/range.go`.

use std::cmp::Ordering;

use bytes::Bytes;

use super::batch;
use super::db::{Db, Fault};
use super::newest::{Newest, Place, Sorted};
use super::open::Opened;
use super::revision::Stored;
use super::store;
use super::walk::Bucket;
use crate::error::{Error, Result};
use crate::reply::{Header, Pair, Tail};
use crate::request::{Range, SortOrder, SortTarget};

/// The answer, as it is read.
pub struct Pieces {
    opened: Opened,
    pub header: Header,
    pub tail: Tail,
    keys: Option<Bucket>,
    rows: Rows,
    values: bool,
}

/// What is still to be told.
enum Rows {
    /// Rows to be read.
    Places(std::vec::IntoIter<Place>),
    /// Keys, of which nothing else is asked: they are known, so many of them told.
    Names(Sorted, usize),
}

/// Keys that are told at once.
const NAMES: usize = 4096;

/// Asks a file.
///
/// # Errors
/// A revision that is not there, in a server's words; damage.
pub fn range(opened: Opened, range: &Range) -> Result<Pieces> {
    let db = &opened.db;
    let asked = opened.checked(|| read(db, range).map_err(|fault| db.explain(fault)))?;
    let Found { span, mut sorted, head } = asked;
    let header = Header {
        cluster_id: opened.cluster_id(&head.members),
        member_id: opened.member_id(&head.members),
        revision: span.current,
        raft_term: head.term,
    };
    let count = sorted.len();
    let limit = match usize::try_from(range.limit) {
        _ if range.count_only => 0,
        Ok(0) | Err(_) => usize::MAX,
        Ok(limit) => limit,
    };
    let filtered = range.min_mod_revision > 0
        || range.max_mod_revision > 0
        || range.min_create_revision > 0
        || range.max_create_revision > 0;
    let (rows, chosen) = if filtered || range.target != SortTarget::Key {
        let places = chosen(db, head.keys.as_ref(), &sorted.into_places(), range);
        let mut places = places.map_err(|fault| db.explain(fault))?;
        let chosen = places.len();
        places.truncate(limit);
        (Rows::Places(places.into_iter()), chosen)
    } else {
        if range.order == SortOrder::Descend {
            sorted.reverse();
        }
        sorted.truncate(limit);
        let rows = if range.names_only {
            Rows::Names(sorted, 0)
        } else {
            Rows::Places(sorted.into_places().into_iter())
        };
        (rows, count)
    };
    let tail = Tail {
        more: chosen > limit && !range.count_only,
        count: i64::try_from(count).unwrap_or(i64::MAX),
    };
    Ok(Pieces { opened, header, tail, keys: head.keys, rows, values: !range.keys_only })
}

struct Found {
    span: store::Span,
    sorted: Sorted,
    head: store::Head,
}

fn read(db: &Db, range: &Range) -> Result<Found, Fault> {
    let (from, to) = range.end.clone().bounds(range.key.clone());
    let wanted = |key: &[u8]| match to.as_slice() {
        [] => key == from.as_slice(),
        [0] => key >= from.as_slice() && !key.is_empty(),
        to => key >= from.as_slice() && key < to && !key.is_empty(),
    };
    let head = store::head(&mut db.walk())?;
    let mut found = Newest::default();
    let mut last = 0;
    store::each(db, &head, &mut |revision, tombstone, row| {
        last = revision.main;
        if range.revision > 0 && revision.main > range.revision {
            return Ok(());
        }
        let stored = store::stored(row)?;
        if !wanted(stored.key) {
            return Ok(());
        }
        if tombstone {
            found.delete(stored.key);
        } else {
            found.put(stored.key, (row.page, row.index));
        }
        Ok(())
    })?;
    if range.key.is_empty() && to.is_empty() {
        return Err(Error::failure("etcdserver: key is not provided").into());
    }
    let span = head.span(last);
    span.revision(range.revision)
        .map_err(|err| err.reworded(|words| format!("etcdserver: {words}")))?;
    let too_many = || Error::failure("there are more keys than can be sorted");
    Ok(Found { span, sorted: found.sorted().ok_or_else(too_many)?, head })
}

/// What a sort or a filter looks at.
struct Candidate {
    place: Place,
    key: i64,
    value: Vec<u8>,
}

/// The rows that pass the filters, in the order asked for.
fn chosen(
    db: &Db,
    keys: Option<&Bucket>,
    places: &[Place],
    range: &Range,
) -> Result<Vec<Place>, Fault> {
    let mut candidates = Vec::new();
    for batch in places.chunks(batch::pages(db.meta.page_size)) {
        let mut at = batch.iter();
        rows(db, keys, batch, &mut |stored| {
            let Some(&place) = at.next() else { return };
            let within = |number: i64, min: i64, max: i64| {
                (min <= 0 || number >= min) && (max <= 0 || number <= max)
            };
            if within(stored.mod_revision, range.min_mod_revision, range.max_mod_revision)
                && within(
                    stored.create_revision,
                    range.min_create_revision,
                    range.max_create_revision,
                )
            {
                let (key, value) = match range.target {
                    SortTarget::Key => (0, Vec::new()),
                    SortTarget::Version => (stored.version, Vec::new()),
                    SortTarget::Create => (stored.create_revision, Vec::new()),
                    SortTarget::Modify => (stored.mod_revision, Vec::new()),
                    SortTarget::Value => (0, stored.value.to_vec()),
                };
                candidates.push(Candidate { place, key, value });
            }
        })?;
    }
    let order = |one: &Candidate, other: &Candidate| -> Ordering {
        (one.key, &one.value).cmp(&(other.key, &other.value))
    };
    match (range.target, range.order) {
        (SortTarget::Key, SortOrder::Descend) => candidates.reverse(),
        (SortTarget::Key, _) => {}
        (_, SortOrder::Descend) => candidates.sort_by(|one, other| order(other, one)),
        _ => candidates.sort_by(order),
    }
    Ok(candidates.into_iter().map(|candidate| candidate.place).collect())
}

fn rows(
    db: &Db,
    keys: Option<&Bucket>,
    places: &[Place],
    each: &mut dyn FnMut(Stored<'_>),
) -> Result<(), Fault> {
    let Some(keys) = keys else { return Ok(()) };
    db.rows(keys, places, &mut |row| {
        each(store::stored(row)?);
        Ok(())
    })
}

impl Pieces {
    /// Replaces `pairs` by the next ones; `false` when there are none.
    pub fn next(&mut self, pairs: &mut Vec<Pair>) -> Result<bool> {
        pairs.clear();
        let db = &self.opened.db;
        let places = match &mut self.rows {
            Rows::Places(places) => places,
            Rows::Names(sorted, told) => {
                pairs.extend(
                    sorted.keys(*told).take(NAMES).map(|key| Pair { key, ..Pair::default() }),
                );
                *told += pairs.len();
                return Ok(!pairs.is_empty());
            }
        };
        let batch: Vec<Place> = places.take(batch::pages(db.meta.page_size)).collect();
        let values = self.values;
        let read = rows(db, self.keys.as_ref(), &batch, &mut |stored| {
            pairs.push(Pair {
                key: Bytes::copy_from_slice(stored.key),
                value: if values { Bytes::copy_from_slice(stored.value) } else { Bytes::new() },
                create_revision: stored.create_revision,
                mod_revision: stored.mod_revision,
                version: stored.version,
                lease: stored.lease,
            });
        });
        read.map_err(|fault| db.explain(fault))?;
        Ok(!pairs.is_empty())
    }
}
