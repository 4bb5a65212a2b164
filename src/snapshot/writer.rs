//! A database written in one pass, from buckets in order and keys in order: what is in memory is one page of
//! each level of a tree.
//!
//! Source: bbolt 1.5.0 (`node.go`: how pages are split; `bucket.go`: what is kept inline); pages are filled
//! as far as etcd's own defragmentation fills them.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

use super::behind::Behind;
use super::meta::{Meta, NO_FREELIST};
use super::node::Node;
use super::page::BUCKET;
use super::walk::Place;

/// Of a hundred bytes, so many are filled.
const FILL: usize = 90;
/// Fewer keys than this are in no page but a tree's last of a level.
const FEWEST: usize = 2;
/// bbolt's limits.
const LONGEST_KEY: usize = 32_768;
const LONGEST_VALUE: usize = (1 << 31) - 2;
/// bbolt looks for a second meta page from here on; one of smaller pages is found in the first piece alone, if that is
/// whole.
const SMALLEST: u32 = 1024;
const PIECE: u64 = 4096;

/// A file that becomes a database.
pub struct Writer {
    file: File,
    out: Behind,
    page_size: u32,
    /// The page that is written next.
    next: u64,
    root: Node,
    encoded: Vec<u8>,
}

impl Writer {
    /// Begins in an empty file.
    pub fn new(file: File, page_size: u32) -> io::Result<Self> {
        let mut out = Behind::new(file.try_clone()?)?;
        // The two meta pages come last, when what they refer to is on the disk.
        out.write_all(&vec![0; 2 * page_size as usize])?;
        Ok(Self { file, out, page_size, next: 2, root: Node::leaf(), encoded: Vec::new() })
    }

    /// Begins a bucket; their names must come in order.
    pub fn bucket(&mut self, name: &[u8]) -> Bucket<'_> {
        Bucket {
            writer: self,
            name: name.to_vec(),
            leaf: Node::leaf(),
            above: Vec::new(),
            last: Vec::new(),
        }
    }

    /// Writes what makes it a database, and waits until all is on the disk. Gives its size.
    pub fn finish(mut self) -> io::Result<u64> {
        let mut root = std::mem::replace(&mut self.root, Node::leaf());
        let root = self.write(&mut root)?;
        self.out.finish()?;
        let file = self.file;
        file.sync_data()?;
        for txid in [2, 1] {
            let meta = Meta {
                page_size: self.page_size,
                root,
                freelist: NO_FREELIST,
                end: self.next,
                txid,
            };
            file.write_all_at(&meta.encode(), txid % 2 * u64::from(self.page_size))?;
        }
        if self.page_size < SMALLEST && file.metadata()?.len() < PIECE {
            file.set_len(PIECE)?;
        }
        file.sync_all()?;
        Ok(self.next * u64::from(self.page_size))
    }

    /// Writes a page and empties it; gives its id.
    fn write(&mut self, node: &mut Node) -> io::Result<u64> {
        let id = self.next;
        self.encoded.clear();
        node.encode(id, self.page_size, &mut self.encoded);
        self.out.write_all(&self.encoded)?;
        self.next += node.pages(self.page_size);
        node.clear();
        Ok(id)
    }

    fn is_full(&self, node: &Node, more: usize) -> bool {
        let most = self.page_size as usize * FILL / 100;
        node.len() >= FEWEST && (node.size_with(more) > most || node.is_full())
    }
}

/// A bucket being written.
pub struct Bucket<'w> {
    writer: &'w mut Writer,
    name: Vec<u8>,
    leaf: Node,
    /// The branches above the leaf, the lowest first.
    above: Vec<Node>,
    last: Vec<u8>,
}

impl Bucket<'_> {
    /// Adds an entry after the last one.
    ///
    /// # Errors
    /// Keys that are not in order, what bbolt has no room for, and a file that takes no more.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        let ascends = self.last.as_slice() < key;
        if !ascends || key.len() > LONGEST_KEY || value.len() > LONGEST_VALUE {
            let why = if ascends { "an entry is too large" } else { "keys are not in order" };
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        self.last.clear();
        self.last.extend_from_slice(key);
        if self.writer.is_full(&self.leaf, key.len() + value.len()) {
            self.flush_leaf()?;
        }
        self.leaf.push(0, key, value);
        Ok(())
    }

    /// Writes what is left of it.
    pub fn finish(mut self) -> io::Result<()> {
        let place = if self.above.is_empty() && is_inline(&self.leaf, self.writer.page_size) {
            let mut page = Vec::new();
            self.leaf.encode_inline(&mut page);
            Place::Inline { page, offset: 0 }
        } else {
            Place::Tree(self.root()?)
        };
        self.writer.root.push(BUCKET, &self.name, &place.value());
        Ok(())
    }

    /// Writes each level's last page; gives the only page of the highest.
    fn root(&mut self) -> io::Result<u64> {
        if self.above.is_empty() {
            return self.writer.write(&mut self.leaf);
        }
        self.flush_leaf()?;
        let mut level = 0;
        loop {
            let is_top = level + 1 == self.above.len();
            match self.above.get_mut(level) {
                Some(node) if is_top => {
                    return node.only_child().map_or_else(|| self.writer.write(node), Ok);
                }
                Some(_) => self.flush(level)?,
                None => return Err(io::Error::other("a tree has no root")),
            }
            level += 1;
        }
    }

    fn flush_leaf(&mut self) -> io::Result<()> {
        let key = self.leaf.first_key().to_vec();
        let id = self.writer.write(&mut self.leaf)?;
        self.add_child(0, &key, id)
    }

    fn flush(&mut self, level: usize) -> io::Result<()> {
        let Some(node) = self.above.get_mut(level) else { return Ok(()) };
        let key = node.first_key().to_vec();
        let id = self.writer.write(node)?;
        self.add_child(level + 1, &key, id)
    }

    fn add_child(&mut self, level: usize, key: &[u8], id: u64) -> io::Result<()> {
        if self.above.get(level).is_some_and(|node| self.writer.is_full(node, key.len())) {
            self.flush(level)?;
        }
        if level == self.above.len() {
            self.above.push(Node::branch());
        }
        if let Some(node) = self.above.get_mut(level) {
            node.push_child(key, id);
        }
        Ok(())
    }
}

/// Whether bbolt keeps a bucket of this one leaf within its entry.
#[must_use]
pub fn is_inline(leaf: &Node, page_size: u32) -> bool {
    leaf.size() <= page_size as usize / 4
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::db::Db;

    type Entries = Vec<(Vec<u8>, Vec<u8>)>;

    /// What a database of these buckets holds when it is read again, and how many of its pages are used.
    fn again(page_size: u32, buckets: &[(&str, Entries)]) -> u64 {
        let file = tempfile::tempfile().unwrap();
        let mut writer = Writer::new(file.try_clone().unwrap(), page_size).unwrap();
        for (name, entries) in buckets {
            let mut bucket = writer.bucket(name.as_bytes());
            for (key, value) in entries {
                bucket.put(key, value).unwrap();
            }
            bucket.finish().unwrap();
        }
        let size = writer.finish().unwrap();
        assert_eq!(file.metadata().unwrap().len(), size);
        let db = Db::of(file, "written".as_ref()).unwrap();
        db.whole().unwrap();
        let mut walk = db.walk();
        let found = walk.buckets().unwrap();
        assert_eq!(found.len(), buckets.len());
        for (bucket, (name, entries)) in found.iter().zip(buckets) {
            let mut read = Vec::new();
            walk.rows(bucket, &mut |row| {
                read.push((row.key.to_vec(), row.value.to_vec()));
                Ok(())
            })
            .unwrap();
            assert!(bucket.name == name.as_bytes() && read == *entries, "{name}");
        }
        // Every page but the two first is part of a tree.
        assert_eq!((walk.seen + 2) * u64::from(page_size), size);
        size
    }

    fn numbered(count: u32, length: usize) -> Entries {
        let value = |n: u32| vec![u8::try_from(n % 251).unwrap_or_default(); length];
        (0..count).map(|n| (n.to_be_bytes().to_vec(), value(n))).collect()
    }

    #[test]
    fn what_is_written_is_read_again() {
        for page_size in [1024, 4096, 65_536] {
            for (count, length) in [
                (0, 0),
                (1, 0),
                (1, 5000),
                (3, 2000),
                (50, 10),
                (5000, 3),
                (5000, 400),
                (7, 1 << 20),
            ] {
                let middle = numbered(count, length);
                again(page_size, &[("a", vec![]), ("key", middle), ("z", numbered(2, 1))]);
            }
        }
    }

    #[test]
    fn small_buckets_are_within_the_root() {
        // Two meta pages, and the root.
        assert_eq!(again(4096, &[("a", numbered(3, 8)), ("b", vec![])]), 3 * 4096);
    }

    #[test]
    fn a_database_without_a_bucket_is_one_whatever_its_pages() {
        for page_size in [512, 1024, 4096] {
            let file = tempfile::tempfile().unwrap();
            Writer::new(file.try_clone().unwrap(), page_size).unwrap().finish().unwrap();
            let db = Db::of(file, "written".as_ref()).unwrap();
            assert!(db.walk().buckets().unwrap().is_empty(), "{page_size}");
        }
    }

    #[test]
    fn keys_must_ascend() {
        let mut writer = Writer::new(tempfile::tempfile().unwrap(), 4096).unwrap();
        let mut bucket = writer.bucket(b"b");
        bucket.put(b"b", b"").unwrap();
        for key in ["", "a", "b"] {
            assert!(bucket.put(key.as_bytes(), b"").is_err(), "{key:?}");
        }
    }
}
