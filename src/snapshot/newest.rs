//! The newest row of each key, in the order of the keys: a key's own bytes and some thirty more for each.
//!
//! Keys stand one after the other in one piece of memory, found again by their hash.

use std::hash::{BuildHasher, RandomState};

use bytes::Bytes;
use hashbrown::HashTable;

/// Where a row is: its page, and its place there.
pub type Place = (u64, u32);

/// A page and a place in eight bytes: pages of 512 bytes and more, so that no disk has 2^48, with 2^16 rows at most.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Packed(u64);

const INDEX_BITS: u32 = 16;

impl Packed {
    /// No row is there: the key was deleted.
    const NONE: Self = Self(u64::MAX);

    fn new((page, index): Place) -> Option<Self> {
        let fits = page >> (u64::BITS - INDEX_BITS) == 0 && index >> INDEX_BITS == 0;
        let packed = Self(page << INDEX_BITS | u64::from(index));
        Some(packed).filter(|&packed| fits && packed != Self::NONE)
    }

    fn place(self) -> Place {
        let index = self.0 & ((1 << INDEX_BITS) - 1);
        (self.0 >> INDEX_BITS, u32::try_from(index).unwrap_or_default())
    }
}

#[derive(Clone, Copy)]
struct Entry {
    /// Where the key begins; it ends where the next one does.
    start: u64,
    row: Packed,
}

/// Deleted keys that may stay before they are swept out.
const FEW: usize = 1 << 16;
/// Changes that are made together: one waits for memory while the next is begun.
const TOGETHER: usize = 1024;

#[derive(Default)]
pub struct Newest {
    seed: RandomState,
    known: Known,
    /// What is still to be done: the hash of a key, and its row then.
    pending: Vec<(u32, Entry)>,
    /// The keys of these, one after the other.
    fresh: Vec<u8>,
    /// There was a row that no disk has, or more keys than numbers.
    overfull: bool,
}

impl Newest {
    /// The key is in that row now.
    pub fn put(&mut self, key: &[u8], place: Place) {
        match Packed::new(place) {
            Some(row) => self.change(key, row),
            None => self.overfull = true,
        }
    }

    /// The key is gone.
    pub fn delete(&mut self, key: &[u8]) {
        self.change(key, Packed::NONE);
    }

    fn change(&mut self, key: &[u8], row: Packed) {
        let hash = u32::try_from(self.seed.hash_one(key) >> 32).unwrap_or_default();
        self.pending.push((hash, Entry { start: self.fresh.len() as u64, row }));
        self.fresh.extend_from_slice(key);
        if self.pending.len() >= TOGETHER {
            self.settle();
        }
    }

    fn settle(&mut self) {
        let mut ends = self.pending.iter().skip(1).map(|(_, next)| next.start);
        for &(hash, Entry { start, row }) in &self.pending {
            let end = ends.next().unwrap_or(self.fresh.len() as u64);
            self.overfull |= !self.known.set(hash, between(&self.fresh, start, end), row);
        }
        self.pending.clear();
        self.fresh.clear();
    }

    /// The keys in their order; `None` where there were more than can be counted.
    #[must_use]
    pub fn sorted(mut self) -> Option<Sorted> {
        self.settle();
        (!self.overfull).then(|| self.known.sorted())
    }
}

/// Keys as they came, each once.
#[derive(Default)]
struct Known {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// A key's hash, so that nothing else is looked at when it grows, and its number.
    index: HashTable<(u32, u32)>,
    deleted: usize,
}

impl Known {
    fn set(&mut self, hash: u32, key: &[u8], row: Packed) -> bool {
        let (bytes, entries) = (&self.bytes, &self.entries);
        let same =
            |&(known, number): &(u32, u32)| known == hash && at(bytes, entries, number) == key;
        let found = self.index.find(spread(hash), same).map(|&(_, number)| number);
        match found.and_then(|number| self.entries.get_mut(number as usize)) {
            Some(entry) => {
                let was = std::mem::replace(&mut entry.row, row);
                self.deleted -= usize::from(was == Packed::NONE);
                self.deleted += usize::from(row == Packed::NONE);
                if self.deleted > FEW && self.deleted > self.entries.len() / 2 {
                    self.sweep();
                }
                true
            }
            None if row == Packed::NONE => true,
            None => self.add(hash, key, row),
        }
    }

    fn add(&mut self, hash: u32, key: &[u8], row: Packed) -> bool {
        let Ok(number) = u32::try_from(self.entries.len()) else { return false };
        self.entries.push(Entry { start: self.bytes.len() as u64, row });
        self.bytes.extend_from_slice(key);
        self.index.insert_unique(spread(hash), (hash, number), |&(hash, _)| spread(hash));
        true
    }

    /// Forgets the keys that are gone.
    fn sweep(&mut self) {
        let old = std::mem::take(self);
        let mut hashes = vec![0; old.entries.len()];
        for &(hash, number) in &old.index {
            if let Some(to) = hashes.get_mut(number as usize) {
                *to = hash;
            }
        }
        for ((entry, number), hash) in old.entries.iter().zip(0..).zip(hashes) {
            if entry.row != Packed::NONE {
                self.add(hash, at(&old.bytes, &old.entries, number), entry.row);
            }
        }
    }

    fn sorted(self) -> Sorted {
        let Self { bytes, entries, index, .. } = self;
        drop(index);
        let living = || {
            let numbered = entries.iter().zip(0u32..);
            numbered.filter(|(entry, _)| entry.row != Packed::NONE).map(|(_, number)| number)
        };
        let key = |number| at(&bytes, &entries, number);
        let first = living().next().map(key).unwrap_or_default();
        let common = living().fold(first.len(), |common, number| {
            let pairs = first.iter().zip(key(number)).take(common);
            pairs.take_while(|(one, other)| one == other).count()
        });
        // Most keys differ in the bytes after those that all have: no other memory is looked at for these.
        let mut sorted: Vec<(u64, u32)> = living()
            .map(|number| (head(key(number).get(common..).unwrap_or_default()), number))
            .collect();
        sorted.sort_unstable_by(|&(one, a), &(other, b)| {
            one.cmp(&other).then_with(|| key(a).cmp(key(b)))
        });
        let order = sorted.into_iter().map(|(_, number)| number).collect();
        Sorted { bytes: bytes.into(), entries, order }
    }
}

/// Keys in an order, and the newest row of each.
#[derive(Default)]
pub struct Sorted {
    bytes: Bytes,
    entries: Vec<Entry>,
    order: Vec<u32>,
}

impl Sorted {
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The last key first.
    pub fn reverse(&mut self) {
        self.order.reverse();
    }

    /// Keeps so many of the first.
    pub fn truncate(&mut self, length: usize) {
        self.order.truncate(length);
    }

    /// Some of the keys, from the one at `from` on.
    pub fn keys(&self, from: usize) -> impl Iterator<Item = Bytes> {
        let order = self.order.get(from..).unwrap_or_default();
        // None is copied: all stay where they are.
        order.iter().map(|&number| self.bytes.slice_ref(at(&self.bytes, &self.entries, number)))
    }

    /// The rows alone.
    #[must_use]
    pub fn into_places(self) -> Vec<Place> {
        let Self { bytes, entries, order } = self;
        drop(bytes);
        let row = |number: u32| Some(entries.get(number as usize)?.row.place());
        order.into_iter().filter_map(row).collect()
    }
}

/// The table looks at the lowest and at the highest bits.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

/// The key of that number.
fn at<'b>(bytes: &'b [u8], entries: &[Entry], number: u32) -> &'b [u8] {
    let start = |number: usize| entries.get(number).map(|entry| entry.start);
    let first = start(number as usize).unwrap_or_default();
    between(bytes, first, start(number as usize + 1).unwrap_or(bytes.len() as u64))
}

fn between(bytes: &[u8], start: u64, end: u64) -> &[u8] {
    let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    bytes.get(place(start)..place(end)).unwrap_or_default()
}

/// The first eight bytes as a number that sorts as they do; what is not there counts as zeros.
fn head(bytes: &[u8]) -> u64 {
    let mut head = [0; 8];
    head.iter_mut().zip(bytes).for_each(|(to, &from)| *to = from);
    u64::from_be_bytes(head)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn rows_are_those_of_a_sorted_map() {
        let mut random = fastrand::Rng::with_seed(1);
        for round in 0..60 {
            let mut newest = Newest::default();
            let mut map = BTreeMap::new();
            let prefix = vec![b'/'; random.usize(..12)];
            for number in 0..random.u64(..400) {
                let mut key = prefix.clone();
                key.extend((0..random.usize(..12)).map(|_| random.u8(..3)));
                if random.u8(..4) == 0 {
                    newest.delete(&key);
                    map.remove(&key);
                } else {
                    let place = (number, random.u32(..1 << 16));
                    newest.put(&key, place);
                    map.insert(key, place);
                }
            }
            if round % 2 == 0 {
                newest.settle();
                newest.known.sweep();
                assert_eq!(newest.known.entries.len(), map.len());
            }
            let sorted = newest.sorted().unwrap();
            assert!(sorted.keys(0).eq(map.keys()));
            assert_eq!(sorted.into_places(), map.into_values().collect::<Vec<_>>());
        }
    }

    #[test]
    fn deleted_keys_do_not_pile_up() {
        let mut newest = Newest::default();
        for number in 0u32..400_000 {
            newest.put(&number.to_be_bytes(), (1, 1));
            newest.delete(&number.to_be_bytes());
        }
        assert!(newest.known.entries.len() <= 2 * FEW, "{}", newest.known.entries.len());
        assert!(newest.sorted().unwrap().is_empty());
    }

    #[test]
    fn a_page_that_no_disk_has_is_refused() {
        let sorted = |place| {
            let mut newest = Newest::default();
            newest.put(b"k", place);
            newest.sorted().map(Sorted::into_places)
        };
        let largest = ((1 << 48) - 1, 0xfffe);
        assert_eq!(sorted(largest), Some(vec![largest]));
        assert_eq!(sorted((1 << 48, 0)), None);
        assert_eq!(sorted(((1 << 48) - 1, 0xffff)), None);
    }
}
