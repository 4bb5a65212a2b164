//! A change of a database without an engine: pages are only added, and one write of a meta page makes them
//! count. Until then the file is what it was; what it replaced is free from then on.
//!
//! Source: bbolt 1.5.0; the order of writes is that of its `Tx.Commit`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::meta::{HEADER, Meta, NO_FREELIST};
use super::node::{BRANCH, BUCKET, ELEMENT, LEAF, Node};

/// Trees of etcd are three or four pages deep.
const DEEPEST: usize = 32;
/// Larger than any page that etcd writes: two values of the largest request.
const LARGEST_PAGE: u64 = 1 << 30;
/// Bytes of a bucket's value before a page that is within it.
const BUCKET_HEADER: usize = 16;

/// Why a database cannot be changed.
#[derive(Debug)]
pub enum EditError {
    Io(io::Error),
    /// What is wrong with it.
    Damaged(String),
}

impl From<io::Error> for EditError {
    fn from(err: io::Error) -> Self {
        Self::Io(err)
    }
}

type Result<T> = std::result::Result<T, EditError>;

fn damaged<T>(why: impl Into<String>) -> Result<T> {
    Err(EditError::Damaged(why.into()))
}

/// Keys and values, sorted.
pub type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// A database being changed.
pub struct Edit<'f> {
    file: &'f File,
    meta: Meta,
    /// What each bucket's entry in the root holds.
    buckets: Entries,
    /// Pages to be added, one after the other from `meta.end`.
    added: Vec<u8>,
}

/// How far a walk may go in a file whose pages may refer to anything.
struct Budget {
    pages: u64,
    depth: usize,
}

/// A page read, whole.
struct Page {
    bytes: Vec<u8>,
    /// Where it is in the tree: a branch, or a leaf.
    is_branch: bool,
    count: usize,
}

impl<'f> Edit<'f> {
    /// Reads where a database begins. The file must hold every page that it says it has.
    pub fn open(file: &'f File) -> Result<Self> {
        let meta = match Meta::find(file)? {
            Ok(meta) => meta,
            Err(why) => return damaged(why),
        };
        let (size, wanted) = (file.metadata()?.len(), meta.end.checked_mul(meta.page_size.into()));
        if wanted.is_none_or(|wanted| wanted > size) {
            let wanted = wanted.unwrap_or(u64::MAX);
            return damaged(format!("it is cut off: {size} bytes of {wanted}"));
        }
        let mut edit = Self { file, meta, buckets: Entries::new(), added: Vec::new() };
        let mut buckets = Entries::new();
        edit.walk(meta.root, &mut edit.budget(), &mut |flags, name, value| {
            if flags & BUCKET == 0 {
                return damaged(format!("nil bucket: {}", crate::go::quote::quote(name)));
            }
            buckets.insert(name.to_vec(), value.to_vec());
            Ok(())
        })?;
        edit.buckets = buckets;
        Ok(edit)
    }

    /// Everything in a bucket, which must be a small one; `None` where there is none.
    pub fn entries(&self, bucket: &str) -> Result<Option<Entries>> {
        let Some(value) = self.buckets.get(bucket.as_bytes()) else { return Ok(None) };
        let mut entries = Entries::new();
        let mut add = |_, key: &[u8], value: &[u8]| {
            entries.insert(key.to_vec(), value.to_vec());
            Ok(())
        };
        match place(value)? {
            Place::Inline(page) => page.entries(&mut add)?,
            Place::Tree(root) => self.walk(root, &mut self.budget(), &mut add)?,
        }
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
        if is_inline(leaf, self.meta.page_size) {
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
            Place::Tree(root) => self.page(root)?,
        };
        for _ in 0..DEEPEST {
            let Some(last) = page.count.checked_sub(1) else { return Ok(None) };
            if !page.is_branch {
                return Ok(Some(page.entry(last)?.1.to_vec()));
            }
            page = self.page(page.child(last)?.1)?;
        }
        damaged("its tree is too deep")
    }

    /// Adds an entry after all others of a bucket.
    pub fn append(&mut self, bucket: &str, key: &[u8], value: &[u8]) -> Result<()> {
        let old = self.buckets.get(bucket.as_bytes()).cloned();
        let old = old.unwrap_or_else(|| vec![0; BUCKET_HEADER]);
        let new = match place(&old)? {
            Place::Inline(page) => {
                let leaf = page.leaf_with(key, value)?;
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
        let page = self.page(id)?;
        if depth > DEEPEST {
            return damaged("its tree is too deep");
        }
        if !page.is_branch {
            let leaf = page.leaf_with(key, value)?;
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
        let size = u64::from(self.meta.page_size);
        self.file.write_all_at(&self.added, self.meta.end * size)?;
        self.file.sync_data()?;
        let end = self.meta.end + self.added.len() as u64 / size;
        let txid = self.meta.txid.wrapping_add(1);
        let meta = Meta { root, end, txid, freelist: NO_FREELIST, ..self.meta };
        self.file.write_all_at(&meta.encode(), txid % 2 * size)?;
        self.file.sync_all()?;
        Ok(())
    }

    fn add(&mut self, node: &Node) -> u64 {
        let size = self.meta.page_size;
        let id = self.meta.end + self.added.len() as u64 / u64::from(size);
        node.encode(id, size, &mut self.added);
        id
    }

    fn walk(
        &self,
        id: u64,
        budget: &mut Budget,
        each: &mut impl FnMut(u32, &[u8], &[u8]) -> Result<()>,
    ) -> Result<()> {
        let page = self.page(id)?;
        if budget.pages == 0 || budget.depth == 0 {
            return damaged("its pages refer to each other in a circle");
        }
        budget.pages -= 1;
        if !page.is_branch {
            return page.entries(each);
        }
        budget.depth -= 1;
        (0..page.count).try_for_each(|at| self.walk(page.child(at)?.1, budget, each))?;
        budget.depth += 1;
        Ok(())
    }

    fn budget(&self) -> Budget {
        Budget { pages: self.meta.end, depth: DEEPEST }
    }

    fn page(&self, id: u64) -> Result<Page> {
        let size = u64::from(self.meta.page_size);
        if id < 2 || id >= self.meta.end {
            return damaged(format!("page {id} is out of bounds"));
        }
        let mut head = [0; HEADER];
        self.file.read_exact_at(&mut head, id * size)?;
        let overflow = u64::from(long(&head, 12).unwrap_or_default());
        let length = (overflow + 1) * size;
        if id + overflow >= self.meta.end || length > LARGEST_PAGE {
            return damaged(format!("page {id} is too large"));
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        self.file.read_exact_at(&mut bytes, id * size)?;
        Page::new(bytes, id)
    }
}

/// Whether bbolt keeps a bucket of this one leaf within its entry.
#[must_use]
pub fn is_inline(leaf: &Node, page_size: u32) -> bool {
    leaf.size() <= page_size as usize / 4
}

/// Where a bucket's entries are.
enum Place {
    Inline(Page),
    Tree(u64),
}

fn place(bucket: &[u8]) -> Result<Place> {
    let Some((head, inline)) = bucket.split_at_checked(BUCKET_HEADER) else {
        return damaged("a bucket is cut off");
    };
    let root = head.first_chunk().map_or(0, |root| u64::from_le_bytes(*root));
    if root != 0 {
        return Ok(Place::Tree(root));
    }
    let empty = [&0u64.to_le_bytes()[..], &LEAF.to_le_bytes(), &[0; 6]].concat();
    let page = if inline.is_empty() { empty } else { inline.to_vec() };
    Ok(Place::Inline(Page::new(page, 0)?))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

impl Page {
    fn new(bytes: Vec<u8>, id: u64) -> Result<Self> {
        let short = |at: usize| {
            let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk);
            bytes.map_or(0, |bytes| u16::from_le_bytes(*bytes))
        };
        let own = bytes.first_chunk().map(|own| u64::from_le_bytes(*own));
        let (flags, count) = (short(8), usize::from(short(10)));
        if own != Some(id) || ![BRANCH, LEAF].contains(&flags) {
            return damaged(format!("page {id} is none of a tree"));
        }
        Ok(Self { bytes, is_branch: flags == BRANCH, count })
    }

    /// One of the numbers of an element, and the bytes from its position on.
    fn element(&self, at: usize) -> Result<([u32; 4], usize)> {
        let start = HEADER + ELEMENT * at;
        let number = |field: usize| long(&self.bytes, start + 4 * field);
        match [number(0), number(1), number(2), number(3)] {
            [Some(a), Some(b), Some(c), Some(d)] => Ok(([a, b, c, d], start)),
            _ => damaged("an entry is out of its page"),
        }
    }

    fn slice(&self, start: usize, length: u32) -> Result<&[u8]> {
        let found = self.bytes.get(start..).and_then(|bytes| bytes.get(..length as usize));
        found.map_or_else(|| damaged("an entry is out of its page"), Ok)
    }

    /// Flags, key and value.
    fn entry(&self, at: usize) -> Result<(u32, &[u8], &[u8])> {
        let ([flags, position, key, value], start) = self.element(at)?;
        let start = start + position as usize;
        let value = self.slice(start + key as usize, value)?;
        Ok((flags, self.slice(start, key)?, value))
    }

    /// A child's first key, and its page.
    fn child(&self, at: usize) -> Result<(&[u8], u64)> {
        let ([position, key, low, high], start) = self.element(at)?;
        let child = u64::from(high) << 32 | u64::from(low);
        Ok((self.slice(start + position as usize, key)?, child))
    }

    fn entries(&self, each: &mut impl FnMut(u32, &[u8], &[u8]) -> Result<()>) -> Result<()> {
        if self.is_branch {
            return damaged("a bucket within its entry has branches");
        }
        (0..self.count).try_for_each(|at| {
            let (flags, key, value) = self.entry(at)?;
            each(flags, key, value)
        })
    }

    /// The same leaf with one more entry.
    fn leaf_with(&self, key: &[u8], value: &[u8]) -> Result<Node> {
        let mut leaf = Node::leaf();
        self.entries(&mut |flags, key, value| {
            leaf.push(flags, key, value);
            Ok(())
        })?;
        if leaf.is_full() {
            return damaged("its last page is full");
        }
        leaf.push(0, key, value);
        Ok(leaf)
    }
}
