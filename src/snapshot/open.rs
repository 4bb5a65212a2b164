//! What `--snapshot` names: a snapshot's file, or a stopped member's data directory.

use std::path::Path;

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use super::db::Db;
use super::member;
use super::raft::Metadata;
use super::wal::{Item, Records};
use super::{status, store};
use crate::error::{Error, Result};

/// A database that no server writes to.
pub struct Opened {
    pub db: Db,
    /// Whose log lies beside it.
    identity: Option<Metadata>,
    /// Entries of that log which the database does not have yet.
    pub missing: u64,
}

impl Opened {
    /// Opens a file, or a data directory, on which no server may run.
    ///
    /// # Errors
    /// What is wrong with it, and what may help.
    pub fn at(path: &Path) -> Result<Self> {
        if !path.is_dir() {
            return Ok(Self { db: Db::open(path)?, identity: None, missing: 0 });
        }
        let db = Db::open(&member::database(path))?;
        let mut walk = db.walk();
        let applied = store::head(&mut walk).map_err(|fault| db.explain(fault))?.consistent_index;
        let (mut identity, mut last) = (None, applied);
        let log = member::log(path);
        if log.is_dir() {
            for item in read(&log)? {
                match item {
                    Ok(Item::Metadata(metadata)) => identity = Some(metadata),
                    Ok(Item::Entry(entry)) => last = entry.index.unwrap_or_default(),
                    Ok(_) => {}
                    // What can be read of the database is read; the log's end is only counted.
                    Err(_) => break,
                }
            }
        }
        Ok(Self { db, identity, missing: last.saturating_sub(applied) })
    }

    /// What `work` gives, once it is known that the hash at a file's end is right where it has one.
    ///
    /// # Errors
    /// A wrong hash before anything that `work` finds wrong.
    pub fn checked<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        // No data directory's database ends with a hash: it is pages alone.
        status::beside_the_hash(&self.db, work)?
    }

    /// The cluster, by its log, else by its members as they are now.
    #[must_use]
    pub fn cluster_id(&self, members: &[u64]) -> u64 {
        if let Some(id) = self.identity.as_ref().and_then(|identity| identity.cluster) {
            return id;
        }
        let mut members = members.to_vec();
        members.sort_unstable();
        let bytes: Vec<u8> = members.iter().flat_map(|id| id.to_be_bytes()).collect();
        let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, &bytes);
        hash.as_ref().first_chunk().map_or(0, |id| u64::from_be_bytes(*id))
    }

    /// The member, by its log, else the only one; 0 where nobody knows.
    #[must_use]
    pub fn member_id(&self, members: &[u64]) -> u64 {
        let known = self.identity.as_ref().and_then(|identity| identity.node);
        known.or(if let [only] = members { Some(*only) } else { None }).unwrap_or_default()
    }
}

fn read(log: &Path) -> Result<Records> {
    Records::open(log).map_err(|err| Error::failure(err.to_string()))
}
