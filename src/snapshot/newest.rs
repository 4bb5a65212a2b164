//! The newest row of each key, in the order of the keys: a key's own bytes and some thirty more for each.
//!
//! Keys stand one after the other in one piece of memory, found again by their hash.

use std::hash::{BuildHasher, RandomState};

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

#[derive(Default)]
pub struct Newest {
    seed: RandomState,
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// A key's hash, so that nothing else is looked at when it grows, and its number.
    index: HashTable<(u32, u32)>,
    deleted: usize,
}

impl Newest {
    /// The key is in that row now; `false` where there are more than can be counted.
    #[must_use]
    pub fn put(&mut self, key: &[u8], place: Place) -> bool {
        Packed::new(place).is_some_and(|row| self.set(key, row))
    }

    fn set(&mut self, key: &[u8], row: Packed) -> bool {
        if let Some(entry) = self.find(key) {
            let was = std::mem::replace(&mut entry.row, row);
            self.deleted -= usize::from(was == Packed::NONE);
            return true;
        }
        let Ok(number) = u32::try_from(self.entries.len()) else { return false };
        self.entries.push(Entry { start: self.bytes.len() as u64, row });
        self.bytes.extend_from_slice(key);
        let hash = self.hash(key);
        self.index.insert_unique(spread(hash), (hash, number), |&(hash, _)| spread(hash));
        true
    }

    /// The key is gone.
    pub fn delete(&mut self, key: &[u8]) {
        let Some(entry) = self.find(key) else { return };
        let was = std::mem::replace(&mut entry.row, Packed::NONE);
        self.deleted += usize::from(was != Packed::NONE);
        if self.deleted > FEW && self.deleted > self.entries.len() / 2 {
            self.sweep();
        }
    }

    fn hash(&self, key: &[u8]) -> u32 {
        u32::try_from(self.seed.hash_one(key) >> 32).unwrap_or_default()
    }

    fn find(&mut self, key: &[u8]) -> Option<&mut Entry> {
        let (hash, bytes, entries) = (self.hash(key), &self.bytes, &self.entries);
        let same =
            |&(known, number): &(u32, u32)| known == hash && at(bytes, entries, number) == key;
        let &(_, number) = self.index.find(spread(hash), same)?;
        self.entries.get_mut(number as usize)
    }

    /// Forgets the keys that are gone.
    fn sweep(&mut self) {
        let old = std::mem::take(self);
        for (entry, number) in old.entries.iter().zip(0..) {
            if entry.row != Packed::NONE {
                self.set(at(&old.bytes, &old.entries, number), entry.row);
            }
        }
    }

    /// The rows, by their keys.
    #[must_use]
    pub fn into_places(self) -> Vec<Place> {
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
        drop(bytes);
        let row = |(_, number): (u64, u32)| Some(entries.get(number as usize)?.row.place());
        sorted.into_iter().filter_map(row).collect()
    }
}

/// The table looks at the lowest and at the highest bits.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

/// The key of that number.
fn at<'b>(bytes: &'b [u8], entries: &[Entry], number: u32) -> &'b [u8] {
    let start =
        |number: usize| entries.get(number).and_then(|entry| usize::try_from(entry.start).ok());
    let first = start(number as usize).unwrap_or_default();
    let end = start(number as usize + 1).unwrap_or(bytes.len());
    bytes.get(first..end).unwrap_or_default()
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
                    assert!(newest.put(&key, place));
                    map.insert(key, place);
                }
            }
            if round % 2 == 0 {
                newest.sweep();
                assert_eq!(newest.entries.len(), map.len());
            }
            assert_eq!(newest.into_places(), map.into_values().collect::<Vec<_>>());
        }
    }

    #[test]
    fn deleted_keys_do_not_pile_up() {
        let mut newest = Newest::default();
        for number in 0u32..400_000 {
            assert!(newest.put(&number.to_be_bytes(), (1, 1)));
            newest.delete(&number.to_be_bytes());
        }
        assert!(newest.entries.len() <= 2 * FEW, "{}", newest.entries.len());
        assert!(newest.into_places().is_empty());
    }

    #[test]
    fn a_page_that_no_disk_has_is_refused() {
        let mut newest = Newest::default();
        assert!(!newest.put(b"k", (1 << 48, 0)));
        assert!(!newest.put(b"k", ((1 << 48) - 1, 0xffff)));
        assert!(newest.put(b"k", ((1 << 48) - 1, 0xfffe)));
        assert_eq!(newest.into_places(), [((1 << 48) - 1, 0xfffe)]);
    }
}
