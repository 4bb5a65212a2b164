//! The trees of a database, read page by page: of what a file may refer to, nothing is believed.
//!
//! Source: bbolt 1.5.0 (`internal/common/page.go`, `bucket.go`).

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::num::NonZeroU64;
use std::os::unix::fs::FileExt;

use rustix::fs::{Advice, fadvise};

use super::meta::{HEADER, Meta};
use super::node::{BRANCH, BUCKET, ELEMENT, LEAF};
use crate::go::quote::quote;

/// Trees of etcd are three or four pages deep.
pub const DEEPEST: usize = 32;
/// Larger than any page that etcd writes: two values of the largest request.
const LARGEST_PAGE: u64 = 1 << 30;
/// Bytes of a bucket's value before a page that is within it.
pub const BUCKET_HEADER: usize = 16;

/// Why a database cannot be read, or changed.
#[derive(Debug)]
pub enum TreeError {
    Io(io::Error),
    /// What is wrong with it.
    Damaged(String),
}

impl From<io::Error> for TreeError {
    fn from(err: io::Error) -> Self {
        Self::Io(err)
    }
}

type Result<T, E = TreeError> = std::result::Result<T, E>;

pub fn damaged<T>(why: impl Into<String>) -> Result<T> {
    Err(TreeError::Damaged(why.into()))
}

/// Keys and values, sorted.
pub type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// A database of which every page is in the file.
pub struct Tree<'f> {
    pub file: &'f File,
    pub meta: Meta,
}

/// How far a walk may still go in a file whose pages may refer to anything; and how many pages it saw.
pub struct Walk {
    left: u64,
    depth: usize,
    pub seen: u64,
}

/// A page, whole.
pub struct Page {
    bytes: Vec<u8>,
    /// Not a leaf.
    pub is_branch: bool,
    pub count: usize,
}

impl<'f> Tree<'f> {
    /// Reads where a database begins.
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
        Ok(Self { file, meta })
    }

    /// A walk that has not begun.
    #[must_use]
    pub fn walk(&self) -> Walk {
        Walk { left: self.meta.end, depth: DEEPEST, seen: 0 }
    }

    /// What each bucket's entry holds.
    pub fn buckets(&self, walk: &mut Walk) -> Result<Entries> {
        let mut buckets = Entries::new();
        self.below(self.meta.root, walk, &mut |flags, name: &[u8], value: &[u8]| {
            if flags & BUCKET == 0 {
                return damaged(format!("nil bucket: {}", quote(name)));
            }
            buckets.insert(name.to_vec(), value.to_vec());
            Ok(())
        })?;
        Ok(buckets)
    }

    /// Goes through a bucket by its entry's value, in the order of its keys.
    pub fn each<E: From<TreeError>>(
        &self,
        bucket: &[u8],
        walk: &mut Walk,
        each: &mut impl FnMut(u32, &[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        match place(bucket)? {
            Place::Inline(page) => page.entries(each),
            Place::Tree(root) => self.below(root, walk, each),
        }
    }

    fn below<E: From<TreeError>>(
        &self,
        id: u64,
        walk: &mut Walk,
        each: &mut impl FnMut(u32, &[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let page = self.page(id)?;
        let pages = page.bytes.len() as u64 / u64::from(self.meta.page_size);
        if walk.left < pages || walk.depth == 0 {
            let why = "its pages refer to each other in a circle";
            return Err(TreeError::Damaged(why.into()).into());
        }
        walk.left -= pages;
        walk.seen += pages;
        if !page.is_branch {
            return page.entries(each);
        }
        walk.depth -= 1;
        let children = (0..page.count).map(|at| Ok(page.child(at)?.1));
        let children = children.collect::<Result<Vec<u64>>>()?;
        self.announce(&children);
        children.iter().try_for_each(|&child| self.below(child, walk, each))?;
        walk.depth += 1;
        Ok(())
    }

    /// Lets the system read pages before they are asked for: they are all over the file.
    fn announce(&self, pages: &[u64]) {
        let mut pages = pages.to_vec();
        pages.sort_unstable();
        let size = u64::from(self.meta.page_size);
        for run in pages.chunk_by(|one, next| one.checked_add(1) == Some(*next)) {
            let (Some(first), length) = (run.first(), run.len() as u64) else { continue };
            // Only a wish.
            let _ = fadvise(
                self.file,
                first.saturating_mul(size),
                NonZeroU64::new(length * size),
                Advice::WillNeed,
            );
        }
    }

    pub fn page(&self, id: u64) -> Result<Page> {
        let size = u64::from(self.meta.page_size);
        if id < 2 || id >= self.meta.end {
            return damaged(format!("page {id} is out of bounds"));
        }
        let mut bytes = vec![0; self.meta.page_size as usize];
        self.file.read_exact_at(&mut bytes, id * size)?;
        let overflow = u64::from(long(&bytes, 12).unwrap_or_default());
        if overflow > 0 {
            let length = (overflow + 1) * size;
            if id + overflow >= self.meta.end || length > LARGEST_PAGE {
                return damaged(format!("page {id} is too large"));
            }
            let read = bytes.len();
            bytes.resize(usize::try_from(length).unwrap_or(read), 0);
            let rest = bytes.get_mut(read..).unwrap_or_default();
            self.file.read_exact_at(rest, (id + 1) * size)?;
        }
        Page::new(bytes, id)
    }
}

/// Where a bucket's entries are.
pub enum Place {
    Inline(Page),
    Tree(u64),
}

pub fn place(bucket: &[u8]) -> Result<Place> {
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
    pub fn new(bytes: Vec<u8>, id: u64) -> Result<Self> {
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
    pub fn entry(&self, at: usize) -> Result<(u32, &[u8], &[u8])> {
        let ([flags, position, key, value], start) = self.element(at)?;
        let start = start + position as usize;
        let value = self.slice(start + key as usize, value)?;
        Ok((flags, self.slice(start, key)?, value))
    }

    /// A child's first key, and its page.
    pub fn child(&self, at: usize) -> Result<(&[u8], u64)> {
        let ([position, key, low, high], start) = self.element(at)?;
        let child = u64::from(high) << 32 | u64::from(low);
        Ok((self.slice(start + position as usize, key)?, child))
    }

    /// Goes through a leaf's entries.
    pub fn entries<E: From<TreeError>>(
        &self,
        each: &mut impl FnMut(u32, &[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.is_branch {
            return Err(TreeError::Damaged("a bucket within its entry has branches".into()).into());
        }
        (0..self.count).try_for_each(|at| {
            let (flags, key, value) = self.entry(at)?;
            each(flags, key, value)
        })
    }
}
