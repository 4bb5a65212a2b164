//! A change of a database without an engine: pages are only added, and one write of a meta page makes them
//! count. Until then the file is what it was; what it replaced is free from then on.
//!
//! Source: bbolt 1.5.0; the order of writes is that of its `Tx.Commit`.

use std::collections::BTreeMap;
use std::os::unix::fs::FileExt;

use super::db::{Db, Fault};
use super::meta::{Meta, NO_FREELIST};
use super::node::Node;
use super::page::{BUCKET, Page};
use super::walk::{Bucket, Place};
use super::writer::is_inline;
use crate::go::errno::failed;

type Result<T> = std::result::Result<T, Fault>;

/// Keys and values, sorted.
pub type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// A database being changed.
pub struct Edit<'d> {
    db: &'d Db,
    /// The root's, by name.
    buckets: Vec<Bucket>,
    /// Pages to be added, one after the other from the end.
    added: Vec<u8>,
}

impl<'d> Edit<'d> {
    /// Begins with what a database holds; its file must be writable, and hold every page that it says it has.
    ///
    /// # Errors
    /// Damage.
    pub fn open(db: &'d Db) -> Result<Self> {
        db.whole()?;
        Ok(Self { db, buckets: db.walk().buckets()?, added: Vec::new() })
    }

    fn bucket(&self, name: &str) -> Option<&Bucket> {
        self.buckets.iter().find(|bucket| bucket.name == name.as_bytes())
    }

    fn set(&mut self, name: &str, place: Place) {
        let sought = |bucket: &Bucket| bucket.name.as_slice().cmp(name.as_bytes());
        match self.buckets.binary_search_by(sought) {
            Ok(at) => drop(self.buckets.get_mut(at).map(|bucket| bucket.place = place)),
            Err(at) => self.buckets.insert(at, Bucket { name: name.into(), place }),
        }
    }

    /// Everything in a bucket, which must be a small one; `None` where there is none.
    ///
    /// # Errors
    /// Damage.
    pub fn entries(&self, bucket: &str) -> Result<Option<Entries>> {
        let Some(bucket) = self.bucket(bucket) else { return Ok(None) };
        let mut entries = Entries::new();
        self.db.walk().rows(bucket, &mut |row| {
            entries.insert(row.key.to_vec(), row.value.to_vec());
            Ok(())
        })?;
        Ok(Some(entries))
    }

    /// Puts these entries in a bucket's place.
    pub fn replace(&mut self, bucket: &str, entries: &Entries) {
        let mut leaf = Node::leaf();
        for (key, value) in entries {
            leaf.push(0, key, value);
        }
        let place = self.place(&leaf);
        self.set(bucket, place);
    }

    /// Where the rows of a bucket of one leaf are. Small buckets are within their entry, as bbolt has them.
    fn place(&mut self, leaf: &Node) -> Place {
        if is_inline(leaf, self.db.meta.page_size) {
            let mut page = Vec::new();
            leaf.encode_inline(&mut page);
            Place::Inline { page, offset: 0 }
        } else {
            Place::Tree(self.add(leaf))
        }
    }

    /// The last key of a bucket; `None` where there is none.
    ///
    /// # Errors
    /// Damage.
    pub fn last_key(&self, bucket: &str) -> Result<Option<Vec<u8>>> {
        let Some(bucket) = self.bucket(bucket) else { return Ok(None) };
        let mut last = None;
        self.db.right_edge(&bucket.place, |page| {
            if !page.is_branch && page.count > 0 {
                let row = page.row(page.count - 1, 0);
                let row = row.map_err(|why| Fault::Page { offset: page.offset, why })?;
                last = Some(row.key.to_vec());
            }
            Ok(())
        })?;
        Ok(last)
    }

    /// Adds an entry after all others of a bucket: a copy of its tree's right edge.
    ///
    /// # Errors
    /// Damage; a last page that is full.
    pub fn append(&mut self, bucket: &str, key: &[u8], value: &[u8]) -> Result<()> {
        let mut edge = Vec::new();
        if let Some(bucket) = self.bucket(bucket) {
            self.db.right_edge(&bucket.place, |page| {
                edge.push(copy(page)?);
                Ok(())
            })?;
        }
        let mut leaf = edge.pop().unwrap_or_else(Node::leaf);
        if leaf.is_full() {
            return Fault::page(0, "its last page is full");
        }
        leaf.push(0, key, value);
        let place = if edge.is_empty() {
            self.place(&leaf)
        } else {
            let mut child = self.add(&leaf);
            while let Some(mut branch) = edge.pop() {
                branch.set_last_child(child);
                child = self.add(&branch);
            }
            Place::Tree(child)
        };
        self.set(bucket, place);
        Ok(())
    }

    /// Makes it last: the new pages first, then the page that refers to them.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn commit(mut self) -> Result<()> {
        let mut root = Node::leaf();
        for bucket in &self.buckets {
            root.push(BUCKET, &bucket.name, &bucket.place.value());
        }
        let root = self.add(&root);
        let (file, meta, added) = (&self.db.file, self.db.meta, &self.added);
        let size = u64::from(meta.page_size);
        let end = meta.end + added.len() as u64 / size;
        let txid = meta.txid.wrapping_add(1);
        let new = Meta { root, end, txid, freelist: NO_FREELIST, ..meta };
        let written = file
            .write_all_at(added, meta.end * size)
            .and_then(|()| file.sync_data())
            .and_then(|()| file.write_all_at(&new.encode(), txid % 2 * size))
            .and_then(|()| file.sync_all());
        written.map_err(|err| failed("write", &self.db.path, &err).into())
    }

    fn add(&mut self, node: &Node) -> u64 {
        let size = self.db.meta.page_size;
        let id = self.db.meta.end + self.added.len() as u64 / u64::from(size);
        node.encode(id, size, &mut self.added);
        id
    }
}

/// A page with the same entries.
fn copy(page: &Page<'_>) -> Result<Node> {
    let wrong = |why| Fault::Page { offset: page.offset, why };
    let mut node = if page.is_branch { Node::branch() } else { Node::leaf() };
    for index in 0..page.count {
        if page.is_branch {
            let (key, child) = page.child(index).map_err(wrong)?;
            node.push_child(key, child);
        } else {
            let row = page.row(index, 0).map_err(wrong)?;
            node.push(row.flags, row.key, row.value);
        }
    }
    Ok(node)
}
