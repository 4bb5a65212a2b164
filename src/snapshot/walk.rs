//! Ways through a database: its buckets, and the rows of each in the order of their keys. Of what a page may
//! refer to, nothing is believed.
//!
//! The children of a branch are read together and in the file's order, since leaves lie all over a file that
//! a server wrote. Source: bbolt 1.5.0 (`bucket.go`, `cursor.go`).

use super::batch::{self, Batch};
use super::db::{Db, Fault};
use super::page::{BUCKET, Page, Row};
use crate::go::quote;

/// Trees of etcd are three or four pages deep.
const DEEPEST: usize = 32;
/// Bytes of a bucket's value before a page that is within it: the root's id, and a sequence.
pub const BUCKET_HEADER: usize = 16;

type Result<T, E = Fault> = std::result::Result<T, E>;

/// Takes row after row.
pub type Each<'e> = &'e mut dyn FnMut(&Row<'_>) -> Result<()>;

/// A bucket of the root.
#[derive(Clone, Debug)]
pub struct Bucket {
    pub name: Vec<u8>,
    pub place: Place,
}

/// Where a bucket's rows are.
#[derive(Clone, Debug)]
pub enum Place {
    /// A tree below this page.
    Tree(u64),
    /// A page within the bucket's entry, which begins at this byte of the file.
    Inline { page: Vec<u8>, offset: u64 },
}

impl Place {
    fn of(row: &Row<'_>) -> Result<Self> {
        let Some((head, page)) = row.value.split_at_checked(BUCKET_HEADER) else {
            return Fault::page(row.offset, "a bucket is cut off");
        };
        match head.first_chunk().map_or(0, |root| u64::from_le_bytes(*root)) {
            0 => {
                let offset = row.offset + (row.key.len() + BUCKET_HEADER) as u64;
                Ok(Self::Inline { page: page.to_vec(), offset })
            }
            root => Ok(Self::Tree(root)),
        }
    }

    /// What a bucket's entry holds.
    #[must_use]
    pub fn value(&self) -> Vec<u8> {
        let (root, page): (u64, &[u8]) = match self {
            Self::Tree(root) => (*root, &[]),
            Self::Inline { page, .. } => (0, page),
        };
        [&root.to_le_bytes(), &[0; 8], page].concat()
    }
}

/// The page within a bucket's entry.
fn inline(page: &[u8], offset: u64) -> Result<Page<'_>> {
    match Page::new(page, 0, offset) {
        Ok(page) if !page.is_branch => Ok(page),
        Ok(_) => Fault::page(offset, "a bucket within its entry has branches"),
        Err(why) => Fault::page(offset, why),
    }
}

impl Db {
    /// A way that has not begun.
    #[must_use]
    pub fn walk(&self) -> Walk<'_> {
        // Of the pages that it says it has, those that the file can hold.
        let pages = self.meta.end.min(self.size / u64::from(self.meta.page_size) + 1);
        let words = usize::try_from(pages / 64 + 1).unwrap_or_default();
        let levels = std::iter::repeat_with(Batch::default).take(DEEPEST).collect();
        Walk { db: self, met: vec![0; words], seen: 0, levels, last: Vec::new() }
    }

    /// Some rows of a bucket, by page and place, in the order asked for.
    ///
    /// # Errors
    /// Pages that are not what they were.
    pub fn rows(&self, bucket: &Bucket, places: &[(u64, u32)], each: Each<'_>) -> Result<()> {
        let row =
            |page: &Page<'_>, id, index: u32, each: Each<'_>| match page.row(index as usize, id) {
                Ok(row) => each(&row),
                Err(why) => Fault::page(page.offset, why),
            };
        if let Place::Inline { page, offset } = &bucket.place {
            let page = inline(page, *offset)?;
            return places.iter().try_for_each(|&(_, index)| row(&page, 0, index, each));
        }
        let mut batch = Batch::default();
        let mut wanted: Vec<u64> = places.iter().map(|(page, _)| *page).collect();
        wanted.sort_unstable();
        wanted.dedup();
        batch.load(self, &wanted)?;
        places.iter().try_for_each(|&(id, index)| row(&batch.page(self, id)?, id, index, each))
    }

    /// The pages from a bucket's root to its last leaf.
    ///
    /// # Errors
    /// A damaged page, or what `each` gives.
    pub fn right_edge(
        &self,
        place: &Place,
        mut each: impl FnMut(&Page<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut id = match place {
            Place::Inline { page, offset } => return each(&inline(page, *offset)?),
            Place::Tree(root) => *root,
        };
        let mut batch = Batch::default();
        for _ in 0..DEEPEST {
            batch.load(self, &[id])?;
            let page = batch.page(self, id)?;
            each(&page)?;
            if !page.is_branch {
                return Ok(());
            }
            id = children(&page)?.last().copied().unwrap_or_default();
        }
        too_deep()
    }
}

fn too_deep<T>() -> Result<T> {
    Fault::page(0, "its pages refer to each other in a circle")
}

/// One way through a database: it meets each page once.
pub struct Walk<'d> {
    db: &'d Db,
    /// A bit for each page.
    met: Vec<u64>,
    /// How many pages were met.
    pub seen: u64,
    /// Buffers of the levels, used again and again.
    levels: Vec<Batch>,
    /// The key before, in this bucket.
    last: Vec<u8>,
}

impl Walk<'_> {
    /// The buckets of the root, by name.
    ///
    /// # Errors
    /// A damaged page; the official words for an entry that is no bucket.
    pub fn buckets(&mut self) -> Result<Vec<Bucket>> {
        let mut buckets = Vec::new();
        let root = Place::Tree(self.db.meta.root);
        self.below(&root, &mut |row| {
            if row.flags & BUCKET == 0 {
                let words = format!("nil bucket: {}", quote::quote(row.key));
                return Err(Fault::Row { offset: row.offset, words });
            }
            buckets.push(Bucket { name: row.key.to_vec(), place: Place::of(row)? });
            Ok(())
        })?;
        Ok(buckets)
    }

    /// Goes through a bucket's rows.
    ///
    /// # Errors
    /// A damaged page, or what `each` gives.
    pub fn rows(&mut self, bucket: &Bucket, each: Each<'_>) -> Result<()> {
        self.below(&bucket.place, each)
    }

    fn below(&mut self, place: &Place, each: Each<'_>) -> Result<()> {
        self.last.clear();
        match place {
            Place::Tree(root) => self.pages(&[*root], 0, each),
            Place::Inline { page, offset } => self.leaf(&inline(page, *offset)?, 0, each),
        }
    }

    fn pages(&mut self, ids: &[u64], depth: usize, each: Each<'_>) -> Result<()> {
        let db = self.db;
        let Some(level) = self.levels.get_mut(depth) else { return too_deep() };
        let mut batch = std::mem::take(level);
        let mut sorted = Vec::new();
        for ids in ids.chunks(batch::pages(db.meta.page_size)) {
            sorted.clear();
            sorted.extend_from_slice(ids);
            sorted.sort_unstable();
            batch.load(db, &sorted)?;
            for &id in ids {
                let page = batch.page(db, id)?;
                self.meet(id, &page)?;
                if page.is_branch {
                    let children = children(&page)?;
                    sorted.clone_from(&children);
                    sorted.sort_unstable();
                    batch::announce(db, &sorted);
                    self.pages(&children, depth + 1, each)?;
                } else {
                    self.leaf(&page, id, each)?;
                }
            }
        }
        if let Some(level) = self.levels.get_mut(depth) {
            *level = batch;
        }
        Ok(())
    }

    /// No page is met twice, its further ones neither.
    fn meet(&mut self, id: u64, page: &Page<'_>) -> Result<()> {
        let pages = page.bytes().len() as u64 / u64::from(self.db.meta.page_size);
        self.seen += pages;
        for id in id..id + pages {
            let word = usize::try_from(id / 64).ok().and_then(|at| self.met.get_mut(at));
            let bit = 1 << (id % 64);
            match word {
                Some(word) if *word & bit == 0 => *word |= bit,
                _ => return Fault::page(page.offset, format!("page {id} is referred to twice")),
            }
        }
        Ok(())
    }

    fn leaf(&mut self, page: &Page<'_>, id: u64, each: Each<'_>) -> Result<()> {
        // Within the page the key before is where it is; only the last one is kept.
        let mut before = None;
        for index in 0..page.count {
            // Looked at where it is: a copy would wait for all that was stored before.
            let row = page.row(index, id);
            let row = match &row {
                Ok(row) => row,
                Err(why) => return Fault::page(page.offset, why.as_str()),
            };
            if !ascends(before.unwrap_or(&self.last), row.key) {
                return Fault::page(row.offset, "keys are out of order");
            }
            before = Some(row.key);
            each(row)?;
        }
        if let Some(last) = before {
            self.last.clear();
            self.last.extend_from_slice(last);
        }
        Ok(())
    }
}

/// Whether one key is less than the next. Most rows' keys have seventeen bytes: two numbers tell these apart.
fn ascends(one: &[u8], next: &[u8]) -> bool {
    if let (Some(head), Some(next_head)) = (one.first_chunk(), next.first_chunk()) {
        let (head, next_head) = (u128::from_be_bytes(*head), u128::from_be_bytes(*next_head));
        if head != next_head {
            return head < next_head;
        }
    }
    one < next
}

/// The pages below a branch.
fn children(page: &Page<'_>) -> Result<Vec<u64>> {
    let mut children = Vec::with_capacity(page.count);
    let mut before: &[u8] = &[];
    for index in 0..page.count {
        match page.child(index) {
            Ok((key, _)) if index > 0 && key <= before => {
                return Fault::page(page.offset, "a branch's keys are out of order");
            }
            Ok((key, child)) => {
                before = key;
                children.push(child);
            }
            Err(why) => return Fault::page(page.offset, why),
        }
    }
    Ok(children)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_ascend_as_their_bytes_do() {
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..20_000 {
            let mut key = || -> Vec<u8> {
                let length = random.usize(..24);
                (0..length).map(|at| if at % 15 == 0 { random.u8(..3) } else { 7 }).collect()
            };
            let (one, other) = (key(), key());
            assert_eq!(ascends(&one, &other), one < other, "{one:?} {other:?}");
        }
    }
}
