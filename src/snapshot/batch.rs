//! Pages of a database that are read together, in the order of the file.

use std::num::NonZeroU64;
use std::os::unix::fs::FileExt;

use rustix::fs::{Advice, fadvise};

use super::db::{Db, Fault};
use super::page::{self, Page};

/// Bytes that are read ahead of their turn.
const BYTES: usize = 512 << 10;
/// So many pages that nobody wants are read rather than to begin anew.
const GAP: u64 = 4;
/// Larger than any page that etcd writes: two values of the largest request.
const LARGEST: u64 = 1 << 30;

/// How many pages are read at once.
#[must_use]
pub fn pages(page_size: u32) -> usize {
    (BYTES / page_size as usize).clamp(1, 128)
}

/// Pages in memory, until others are loaded.
#[derive(Default)]
pub struct Batch {
    /// As much as was ever needed: what is behind the last run is of an earlier batch.
    bytes: Vec<u8>,
    runs: Vec<Run>,
    /// A page of several that is not in `bytes` as a whole.
    large: Vec<u8>,
}

/// Pages one after the other: the first, how many, and where they are in memory.
#[derive(Clone, Copy)]
struct Run {
    first: u64,
    pages: u64,
    start: usize,
}

/// What of a file the pages take that follow each other closely enough: the first and the last.
fn runs(ids: &[u64]) -> impl Iterator<Item = (u64, u64)> {
    ids.chunk_by(|one, next| next.saturating_sub(*one) <= GAP)
        .filter_map(|run| Some((*run.first()?, *run.last()?)))
}

/// Lets the system read pages before they are asked for: they are all over the file. Ids ascend.
pub fn announce(db: &Db, ids: &[u64]) {
    let size = u64::from(db.meta.page_size);
    for (first, last) in runs(ids) {
        let length = NonZeroU64::new((last - first + 1).saturating_mul(size));
        // Only a wish.
        let _ = fadvise(&db.file, first.saturating_mul(size), length, Advice::WillNeed);
    }
}

impl Batch {
    /// Reads pages, whose ids ascend.
    ///
    /// # Errors
    /// Ids that the file has no pages for; a file that cannot be read.
    pub fn load(&mut self, db: &Db, ids: &[u64]) -> Result<(), Fault> {
        let size = u64::from(db.meta.page_size);
        self.runs.clear();
        let mut start = 0;
        for (first, last) in runs(ids) {
            if let Some(id) = [first, last].into_iter().find(|&id| id < 2 || id >= db.meta.end) {
                return Fault::page(0, format!("page {id} is referred to and out of bounds"));
            }
            if last >= db.size / size {
                return Fault::page(db.size, format!("the file is cut off before page {last}"));
            }
            let pages = last - first + 1;
            let Ok(length) = usize::try_from(pages * size) else { continue };
            if self.bytes.len() < start + length {
                self.bytes.resize(start + length, 0);
            }
            let run = self.bytes.get_mut(start..start + length).unwrap_or_default();
            db.file.read_exact_at(run, first * size).map_err(Fault::Io)?;
            self.runs.push(Run { first, pages, start });
            start += length;
        }
        Ok(())
    }

    /// A page that was loaded.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn page(&mut self, db: &Db, id: u64) -> Result<Page<'_>, Fault> {
        let size = u64::from(db.meta.page_size);
        let offset = id.saturating_mul(size);
        let behind = self.runs.partition_point(|run| run.first <= id);
        let run = behind.checked_sub(1).and_then(|at| self.runs.get(at));
        let Some(&run) = run.filter(|run| id - run.first < run.pages) else {
            return Fault::page(offset, format!("page {id} was not read"));
        };
        let place = |pages: u64| usize::try_from(pages * size).unwrap_or(usize::MAX);
        let start = run.start + place(id - run.first);
        let loaded = start..run.start + place(run.pages);
        let loaded = self.bytes.get(loaded).unwrap_or_default();
        let (head, _) = loaded.split_at_checked(place(1)).unwrap_or((loaded, &[]));
        let pages = u64::from(page::overflow(head)) + 1;
        let length = pages * size;
        if id + pages > db.meta.end || length > LARGEST || offset + length > db.size {
            return Fault::page(offset, format!("page {id} is too large"));
        }
        let whole = if let Some(whole) = loaded.get(..place(pages)) {
            whole
        } else {
            self.large.resize(place(pages), 0);
            db.file.read_exact_at(&mut self.large, offset).map_err(Fault::Io)?;
            &self.large
        };
        Page::new(whole, id, offset).map_err(|why| Fault::Page { offset, why })
    }
}
