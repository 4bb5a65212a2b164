//! Keys by their hash, in little memory however many there are: 96 random bits tell a billion of them apart, and
//! where there are more than memory is for, one way through the rows looks at a share of them.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};

/// Keys that are known at once: just what a table of 34 MiB holds, so that it never grows.
const MOST: usize = 1_800_000;
/// No row takes less of a file, so many bytes.
const ROW: u64 = 48;
/// Changes that are made together: one waits for memory while the next is begun.
const TOGETHER: usize = 1024;

#[derive(Clone, Copy, PartialEq, Eq)]
struct Short([u32; 3]);

impl Hash for Short {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, _] = self.0;
        state.write_u64(u64::from(a) << 32 | u64::from(b));
    }
}

/// What is hashed is a hash.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// All keys, or those whose hashes begin between two points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Share {
    start: u64,
    length: u64,
}

impl Share {
    const ALL: Self = Self { start: 0, length: 1 << u32::BITS };

    fn has(self, Short([_, _, hash]): Short) -> bool {
        u64::from(hash).wrapping_sub(self.start) < self.length
    }

    fn halved(self) -> Self {
        Self { length: (self.length / 2).max(1), ..self }
    }

    /// What follows it; `None` after the last.
    fn next(self) -> Option<Self> {
        let start = self.start + self.length;
        (start < Self::ALL.length).then_some(Self { start, ..self })
    }
}

/// A map from keys to numbers that does not hold the keys.
pub struct Keys {
    seeds: [RandomState; 2],
    share: Share,
    most: usize,
    map: HashMap<Short, u32, BuildHasherDefault<AsItIs>>,
    /// What is still to be done: a number that a key gets, or none where it goes.
    pending: Vec<(Short, Option<u32>)>,
}

impl Keys {
    fn new(seeds: [RandomState; 2], share: Share, most: usize, rows: usize) -> Self {
        // At once as large as it will be: one that grows takes half as much again.
        let map = HashMap::with_capacity_and_hasher(
            rows.min(most + TOGETHER),
            BuildHasherDefault::default(),
        );
        Self { seeds, share, most, map, pending: Vec::with_capacity(TOGETHER) }
    }

    fn short(&self, key: &[u8]) -> Short {
        let [one, other] = &self.seeds;
        let (first, second) = (one.hash_one(key), other.hash_one(key));
        let half = |number: u64| u32::try_from(number & 0xffff_ffff).unwrap_or_default();
        Short([half(first), half(first >> 32), half(second)])
    }

    fn change(&mut self, key: &[u8], number: Option<u32>) {
        let short = self.short(key);
        if !self.share.has(short) {
            return;
        }
        self.pending.push((short, number));
        if self.pending.len() >= TOGETHER {
            self.settle();
        }
    }

    fn settle(&mut self) {
        for (short, number) in self.pending.drain(..) {
            match number {
                Some(number) => drop(self.map.insert(short, number)),
                None => drop(self.map.remove(&short)),
            }
        }
        if self.map.len() > self.most {
            self.share = self.share.halved();
            let share = self.share;
            self.map.retain(|&short, _| share.has(short));
        }
    }

    pub fn insert(&mut self, key: &[u8], number: u32) {
        self.change(key, Some(number));
    }

    pub fn remove(&mut self, key: &[u8]) {
        self.change(key, None);
    }
}

/// Goes through rows with `pass`, which tells [`Keys`] of every change, as often as it takes to have looked at
/// all of them; `left` gets the numbers of the keys that are left, in no order. `size` is the file's.
///
/// # Errors
/// What `pass` gives.
pub fn count<E>(
    size: u64,
    pass: impl FnMut(&mut Keys) -> Result<(), E>,
    left: impl FnMut(u32),
) -> Result<(), E> {
    shared(MOST, usize::try_from(size / ROW).unwrap_or(usize::MAX), pass, left)
}

fn shared<E>(
    most: usize,
    rows: usize,
    mut pass: impl FnMut(&mut Keys) -> Result<(), E>,
    mut left: impl FnMut(u32),
) -> Result<(), E> {
    // One key is in one share: its hash is the same each time.
    let seeds: [RandomState; 2] = Default::default();
    let mut share = Some(Share::ALL);
    while let Some(this) = share {
        let mut keys = Keys::new(seeds.clone(), this, most, rows);
        pass(&mut keys)?;
        keys.settle();
        share = keys.share.next();
        keys.map.into_values().for_each(&mut left);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn what_is_left_is_that_of_a_map_however_few_are_known_at_once() {
        let mut random = fastrand::Rng::with_seed(1);
        let changes: Vec<(u16, Option<u32>)> = (0..20_000)
            .map(|number| (random.u16(..5000), (random.u8(..4) > 0).then_some(number)))
            .collect();
        let mut map = HashMap::new();
        for (key, number) in &changes {
            match number {
                Some(number) => drop(map.insert(key, *number)),
                None => drop(map.remove(key)),
            }
        }
        let mut wanted: Vec<u32> = map.into_values().collect();
        wanted.sort_unstable();
        for most in [10_000, 2000, 300] {
            let (mut passes, mut found) = (0, Vec::new());
            let pass = |keys: &mut Keys| {
                passes += 1;
                for (key, number) in &changes {
                    keys.change(&key.to_be_bytes(), *number);
                }
                Ok::<(), ()>(())
            };
            shared(most, 0, pass, |number| found.push(number)).unwrap();
            found.sort_unstable();
            assert!(found == wanted, "{most}");
            assert_eq!(passes == 1, most == 10_000, "{passes} passes with {most}");
        }
    }
}
