//! A database being read: buckets, and the rows of each in the order of their keys.
//!
//! Pages are read by position, never mapped: a file that shrinks or is damaged is an error. The children of
//! a branch are read together and in the file's order, since leaves lie all over a file that a server wrote.
//! Source: bbolt 1.5.0 (`db.go`, `bucket.go`, `cursor.go`).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::meta::Meta;
use super::page::{self, BUCKET, Page, Row};
use crate::error::Error;
use crate::go::{errno, quote};

/// Trees of etcd are three or four pages deep.
const DEEPEST: usize = 32;
/// Bytes that are read ahead of their turn.
const BATCH: usize = 512 << 10;
/// So many pages that nobody wants are read rather than to begin anew.
const GAP: u64 = 4;
/// Larger than any page that etcd writes: two values of the largest request.
const LARGEST: u64 = 1 << 30;
/// Bytes of a bucket's value before a page that is within it.
const BUCKET_HEADER: usize = 16;

/// Why reading ended.
#[derive(Debug)]
pub enum Fault {
    /// The file cannot be read.
    Io(io::Error),
    /// Its pages are damaged, at this byte.
    Page {
        offset: u64,
        why: String,
    },
    /// A row says what no row can, at this byte: the official words.
    Row {
        offset: u64,
        words: String,
    },
    /// Whoever reads has seen enough.
    Enough,
    Other(Error),
}

impl From<Error> for Fault {
    fn from(err: Error) -> Self {
        Self::Other(err)
    }
}

type Result<T, E = Fault> = std::result::Result<T, E>;

/// Takes row after row.
pub type Each<'e> = &'e mut dyn FnMut(&Row<'_>) -> Result<()>;

/// An open database.
pub struct Db {
    pub file: File,
    pub path: PathBuf,
    pub meta: Meta,
    pub size: u64,
}

/// A bucket of the root.
#[derive(Clone, Debug)]
pub struct Bucket {
    pub name: Vec<u8>,
    root: u64,
    /// The page of a small bucket, which is in its entry.
    inline: Vec<u8>,
    offset: u64,
}

/// One way through a database: it meets each page once.
pub struct Walk<'d> {
    db: &'d Db,
    /// A bit for each page.
    met: Vec<u64>,
    /// Buffers of the levels, used again and again.
    levels: Vec<Batch>,
    /// The key before, in this bucket.
    last: Vec<u8>,
}

impl Db {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// The official words for a file that is not there or is none of etcd's.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let shown = path.display();
        let failed = |call: &str, err: &io::Error| {
            Error::failure(format!("{call} {shown}: {}", errno::words(err)))
        };
        let size = path.metadata().map_err(|err| failed("stat", &err))?;
        if size.is_dir() {
            return Err(Error::failure(format!("open {shown}: is a directory"))
                .hint(format!("the database of a data directory is {shown}/member/snap/db")));
        }
        let file = File::open(path).map_err(|err| failed("open", &err))?;
        let size = file.metadata().map_err(|err| failed("stat", &err))?.len();
        let meta = Meta::find(&file).map_err(|err| failed("read", &err))?;
        let meta = meta.map_err(|why| {
            Error::failure(why).because(format!("{shown} is no database of etcd"))
        })?;
        Ok(Self { file, path: path.to_owned(), meta, size })
    }

    /// Pages that the file can hold, of those that it says it has.
    fn pages(&self) -> u64 {
        self.meta.end.min(self.size / u64::from(self.meta.page_size) + 1)
    }

    /// A way that has not begun.
    #[must_use]
    pub fn walk(&self) -> Walk<'_> {
        let words = usize::try_from(self.pages() / 64 + 1).unwrap_or_default();
        let levels = std::iter::repeat_with(Batch::default).take(DEEPEST).collect();
        Walk { db: self, met: vec![0; words], levels, last: Vec::new() }
    }

    /// A fault as a sentence, with the file's name and the byte.
    #[must_use]
    pub fn explain(&self, fault: Fault) -> Error {
        let shown = self.path.display();
        match fault {
            Fault::Io(err) => Error::failure(format!("read {shown}: {}", errno::words(&err))),
            Fault::Page { offset, why } => {
                Error::failure(format!("{shown}: damaged at byte {offset}: {why}"))
            }
            Fault::Row { offset, words } => {
                Error::failure(words).because(format!("{shown}: damaged at byte {offset}"))
            }
            Fault::Enough => Error::failure(format!("{shown}: was not read to its end")),
            Fault::Other(err) => err,
        }
    }

    /// Some rows of a bucket, by page and place, in the order asked for.
    ///
    /// # Errors
    /// Pages that are not what they were.
    pub fn rows(&self, bucket: &Bucket, places: &[(u64, u32)], each: Each<'_>) -> Result<()> {
        if bucket.root == 0 {
            let wrong = |why| fault(bucket.offset, why);
            let page = Page::new(&bucket.inline, 0, bucket.offset).map_err(wrong)?;
            for &(_, index) in places {
                each(&page.row(index as usize, 0).map_err(wrong)?)?;
            }
            return Ok(());
        }
        let mut batch = Batch::default();
        let mut wanted: Vec<u64> = places.iter().map(|(page, _)| *page).collect();
        wanted.sort_unstable();
        wanted.dedup();
        batch.load(self, &wanted)?;
        for &(page, index) in places {
            let found = batch.page(self, page)?;
            let row = found.row(index as usize, page).map_err(|why| fault(found.offset, why))?;
            each(&row)?;
        }
        Ok(())
    }

    /// How many pages are read at once.
    #[must_use]
    pub fn at_once(&self) -> usize {
        (BATCH / self.meta.page_size as usize).clamp(1, 128)
    }
}

fn fault(offset: u64, why: String) -> Fault {
    Fault::Page { offset, why }
}

impl Walk<'_> {
    /// The buckets of the root, by name.
    ///
    /// # Errors
    /// A damaged page; the official words for an entry that is no bucket.
    pub fn buckets(&mut self) -> Result<Vec<Bucket>> {
        let mut buckets = Vec::new();
        let root = self.db.meta.root;
        self.last.clear();
        self.below(&[root], 0, &mut |row| {
            if row.flags & BUCKET == 0 {
                let words = format!("nil bucket: {}", quote::quote(row.key));
                return Err(Fault::Row { offset: row.offset, words });
            }
            let Some((head, inline)) = row.value.split_at_checked(BUCKET_HEADER) else {
                return Err(fault(row.offset, "a bucket is cut off".into()));
            };
            let root = head.first_chunk().map_or(0, |root| u64::from_le_bytes(*root));
            buckets.push(Bucket {
                name: row.key.to_vec(),
                root,
                inline: inline.to_vec(),
                offset: row.offset + (row.key.len() + BUCKET_HEADER) as u64,
            });
            Ok(())
        })?;
        Ok(buckets)
    }

    /// Goes through a bucket's rows.
    ///
    /// # Errors
    /// A damaged page, or what `each` gives.
    pub fn rows(&mut self, bucket: &Bucket, each: Each<'_>) -> Result<()> {
        self.last.clear();
        if bucket.root != 0 {
            return self.below(&[bucket.root], 0, each);
        }
        let wrong = |why| fault(bucket.offset, why);
        let page = Page::new(&bucket.inline, 0, bucket.offset).map_err(wrong)?;
        if page.is_branch {
            return Err(wrong("a bucket within its entry has branches".into()));
        }
        self.leaf(&page, 0, each)
    }

    fn below(&mut self, ids: &[u64], depth: usize, each: Each<'_>) -> Result<()> {
        let Some(level) = self.levels.get_mut(depth) else {
            let why = "its pages refer to each other in a circle";
            return Err(fault(0, why.into()));
        };
        let mut batch = std::mem::take(level);
        for ids in ids.chunks(self.db.at_once()) {
            let mut wanted = ids.to_vec();
            wanted.sort_unstable();
            batch.load(self.db, &wanted)?;
            for &id in ids {
                let page = batch.page(self.db, id)?;
                self.meet(id, &page)?;
                if page.is_branch {
                    let children = children(&page)?;
                    self.below(&children, depth + 1, each)?;
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
        for id in id..id + pages {
            let word = usize::try_from(id / 64).ok().and_then(|at| self.met.get_mut(at));
            let bit = 1 << (id % 64);
            match word {
                Some(word) if *word & bit == 0 => *word |= bit,
                _ => return Err(fault(page.offset, format!("page {id} is referred to twice"))),
            }
        }
        Ok(())
    }

    fn leaf(&mut self, page: &Page<'_>, id: u64, each: Each<'_>) -> Result<()> {
        for index in 0..page.count {
            let row = page.row(index, id).map_err(|why| fault(page.offset, why))?;
            if row.key <= self.last.as_slice() {
                return Err(fault(row.offset, "keys are out of order".into()));
            }
            self.last.clear();
            self.last.extend_from_slice(row.key);
            each(&row)?;
        }
        Ok(())
    }
}

/// The pages below a branch.
fn children(page: &Page<'_>) -> Result<Vec<u64>> {
    let mut children = Vec::with_capacity(page.count);
    let mut before: &[u8] = &[];
    for index in 0..page.count {
        let (key, child) = page.child(index).map_err(|why| fault(page.offset, why))?;
        if index > 0 && key <= before {
            return Err(fault(page.offset, "a branch's keys are out of order".into()));
        }
        before = key;
        children.push(child);
    }
    Ok(children)
}

/// Pages read together.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    /// The first page of each run, how many it has, and where it is in `bytes`.
    runs: Vec<(u64, u64, usize)>,
    /// A page of several, where it is not in `bytes` as a whole.
    large: Vec<u8>,
}

impl Batch {
    /// Reads pages, whose numbers ascend.
    fn load(&mut self, db: &Db, ids: &[u64]) -> Result<()> {
        let size = u64::from(db.meta.page_size);
        self.runs.clear();
        self.bytes.clear();
        let mut ids = ids.iter().copied().peekable();
        while let Some(first) = ids.next() {
            let mut last = first;
            while let Some(next) = ids.next_if(|next| next.saturating_sub(last) <= GAP) {
                last = next;
            }
            for id in [first, last] {
                if id < 2 || id >= db.meta.end {
                    let why = format!("page {id} is referred to and out of bounds");
                    return Err(fault(0, why));
                }
            }
            let (offset, pages) = (first * size, last - first + 1);
            if last + 1 > db.size / size {
                let why = format!("the file is cut off before page {last}");
                return Err(fault(db.size, why));
            }
            let start = self.bytes.len();
            let Ok(length) = usize::try_from(pages * size) else { continue };
            self.bytes.resize(start + length, 0);
            let run = self.bytes.get_mut(start..).unwrap_or_default();
            db.file.read_exact_at(run, offset).map_err(Fault::Io)?;
            self.runs.push((first, pages, start));
        }
        Ok(())
    }

    /// A page that was loaded.
    fn page(&mut self, db: &Db, id: u64) -> Result<Page<'_>> {
        let size = db.meta.page_size as usize;
        let offset = id * size as u64;
        let run = self.runs.iter().find(|(first, pages, _)| (*first..first + pages).contains(&id));
        let start = run.map(|(first, _, start)| {
            start + usize::try_from(id - first).unwrap_or_default() * size
        });
        let bytes = start.and_then(|start| self.bytes.get(start..)).unwrap_or_default();
        let head = bytes.get(..size).unwrap_or_default();
        let more = page::overflow(head) as usize;
        let whole = if more == 0 {
            head
        } else {
            let length = (more as u64 + 1) * size as u64;
            if id + more as u64 >= db.meta.end || length > LARGEST || offset + length > db.size {
                return Err(fault(offset, format!("page {id} is too large")));
            }
            self.large.resize(usize::try_from(length).unwrap_or_default(), 0);
            db.file.read_exact_at(&mut self.large, offset).map_err(Fault::Io)?;
            &self.large
        };
        Page::new(whole, id, offset).map_err(|why| fault(offset, why))
    }
}
