//! Keys by their hash, in little memory: 96 random bits tell a billion of them apart.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};

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

/// A map from keys to numbers that does not hold the keys.
#[derive(Default)]
pub struct Keys {
    seeds: [RandomState; 2],
    map: HashMap<Short, u32, BuildHasherDefault<AsItIs>>,
}

impl Keys {
    fn short(&self, key: &[u8]) -> Short {
        let [one, other] = &self.seeds;
        let (first, second) = (one.hash_one(key), other.hash_one(key));
        let half = |number: u64| u32::try_from(number & 0xffff_ffff).unwrap_or_default();
        Short([half(first), half(first >> 32), half(second)])
    }

    pub fn insert(&mut self, key: &[u8], number: u32) {
        let short = self.short(key);
        self.map.insert(short, number);
    }

    pub fn remove(&mut self, key: &[u8]) {
        let short = self.short(key);
        self.map.remove(&short);
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.map.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// The numbers, in no order.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        self.map.values().copied()
    }
}
