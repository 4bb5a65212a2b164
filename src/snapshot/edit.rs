//! A change of a database without an engine: pages are only added, and one write of a meta page makes them
//! count. Until then the file is what it was; what it replaced is free from then on.
//!
//! Source: bbolt 1.5.0; the order of writes is that of its `Tx.Commit`.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::meta::{Meta, NO_FREELIST};
use super::node::{BUCKET, Node};
use super::tree::{BUCKET_HEADER, DEEPEST, Entries, Page, Place, Tree, TreeError, damaged, place};
use super::writer::is_inline;

type Result<T> = std::result::Result<T, TreeError>;

/// A database being changed.
pub struct Edit<'f> {
    tree: Tree<'f>,
    /// What each bucket's entry in the root holds.
    buckets: Entries,
    /// Pages to be added, one after the other from the end.
    added: Vec<u8>,
}

impl<'f> Edit<'f> {
    /// Reads where a database begins. The file must hold every page that it says it has.
    pub fn open(file: &'f File) -> Result<Self> {
        let tree = Tree::open(file)?;
        let buckets = tree.buckets(&mut tree.walk())?;
        Ok(Self { tree, buckets, added: Vec::new() })
    }

    /// Everything in a bucket, which must be a small one; `None` where there is none.
    pub fn entries(&self, bucket: &str) -> Result<Option<Entries>> {
        let Some(value) = self.buckets.get(bucket.as_bytes()) else { return Ok(None) };
        let mut entries = Entries::new();
        let mut add = |_, key: &[u8], value: &[u8]| {
            entries.insert(key.to_vec(), value.to_vec());
            Ok(())
        };
        self.tree.each::<TreeError>(value, &mut self.tree.walk(), &mut add)?;
        Ok(Some(entries))
    }

    /// Puts these entries in a bucket's place.
    pub fn replace(&mut self, bucket: &str, entries: &Entries) {
        let mut leaf = Node::leaf();
        for (key, value) in entries {
            leaf.push(0, key, value);
        }
        let value = self.bucket(&leaf);
        self.buckets.insert(bucket.into(), value);
    }

    /// A bucket's value. Small buckets are within it, as bbolt has them.
    fn bucket(&mut self, leaf: &Node) -> Vec<u8> {
        let mut value = vec![0; BUCKET_HEADER];
        if is_inline(leaf, self.tree.meta.page_size) {
            leaf.encode_inline(&mut value);
        } else {
            let root = self.add(leaf);
            value.splice(..8, root.to_le_bytes());
        }
        value
    }

    /// The last key of a bucket; `None` where there is none.
    pub fn last_key(&self, bucket: &str) -> Result<Option<Vec<u8>>> {
        let Some(value) = self.buckets.get(bucket.as_bytes()) else { return Ok(None) };
        let mut page = match place(value)? {
            Place::Inline(page) => page,
            Place::Tree(root) => self.tree.page(root)?,
        };
        for _ in 0..DEEPEST {
            let Some(last) = page.count.checked_sub(1) else { return Ok(None) };
            if !page.is_branch {
                return Ok(Some(page.entry(last)?.1.to_vec()));
            }
            page = self.tree.page(page.child(last)?.1)?;
        }
        damaged("its tree is too deep")
    }

    /// Adds an entry after all others of a bucket.
    pub fn append(&mut self, bucket: &str, key: &[u8], value: &[u8]) -> Result<()> {
        let old = self.buckets.get(bucket.as_bytes()).cloned();
        let old = old.unwrap_or_else(|| vec![0; BUCKET_HEADER]);
        let new = match place(&old)? {
            Place::Inline(page) => {
                let leaf = leaf_with(&page, key, value)?;
                self.bucket(&leaf)
            }
            Place::Tree(root) => {
                let root = self.appended(root, key, value, 0)?;
                let mut new = vec![0; BUCKET_HEADER];
                new.splice(..8, root.to_le_bytes());
                new
            }
        };
        self.buckets.insert(bucket.into(), new);
        Ok(())
    }

    /// A copy of a tree's right edge with one more entry; gives its root.
    fn appended(&mut self, id: u64, key: &[u8], value: &[u8], depth: usize) -> Result<u64> {
        let page = self.tree.page(id)?;
        if depth > DEEPEST {
            return damaged("its tree is too deep");
        }
        if !page.is_branch {
            let leaf = leaf_with(&page, key, value)?;
            return Ok(self.add(&leaf));
        }
        let mut branch = Node::branch();
        for at in 0..page.count {
            let (first, mut child) = page.child(at)?;
            if at + 1 == page.count {
                child = self.appended(child, key, value, depth + 1)?;
            }
            branch.push_child(first, child);
        }
        Ok(self.add(&branch))
    }

    /// Makes it last: the new pages first, then the page that refers to them.
    pub fn commit(mut self) -> Result<()> {
        let mut root = Node::leaf();
        for (name, value) in &self.buckets {
            root.push(BUCKET, name, value);
        }
        let root = self.add(&root);
        let size = u64::from(self.tree.meta.page_size);
        self.tree.file.write_all_at(&self.added, self.tree.meta.end * size)?;
        self.tree.file.sync_data()?;
        let end = self.tree.meta.end + self.added.len() as u64 / size;
        let txid = self.tree.meta.txid.wrapping_add(1);
        let meta = Meta { root, end, txid, freelist: NO_FREELIST, ..self.tree.meta };
        self.tree.file.write_all_at(&meta.encode(), txid % 2 * size)?;
        self.tree.file.sync_all()?;
        Ok(())
    }

    fn add(&mut self, node: &Node) -> u64 {
        let size = self.tree.meta.page_size;
        let id = self.tree.meta.end + self.added.len() as u64 / u64::from(size);
        node.encode(id, size, &mut self.added);
        id
    }
}

/// A leaf with one more entry.
fn leaf_with(page: &Page, key: &[u8], value: &[u8]) -> Result<Node> {
    let mut leaf = Node::leaf();
    page.entries::<TreeError>(&mut |flags, key, value| {
        leaf.push(flags, key, value);
        Ok(())
    })?;
    if leaf.is_full() {
        return damaged("its last page is full");
    }
    leaf.push(0, key, value);
    Ok(leaf)
}
