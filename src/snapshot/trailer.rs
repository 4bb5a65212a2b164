//! The SHA-256 that closes a snapshot: a database's pages fill a multiple of 512 bytes, the 32 bytes
//! after them are their hash. A database taken from a member's folder has none.
//!
//! Source: etcd 3.7.1, `server/etcdserver/api/v3rpc/maintenance.go` (`Snapshot`).

use std::fmt::Write as _;

use ring::digest::{Context, Digest, SHA256, SHA256_OUTPUT_LEN};

use crate::error::Error;

/// Bytes of the hash.
pub const LENGTH: usize = SHA256_OUTPUT_LEN;

/// No page is smaller, and each is a multiple of it.
const SECTOR: u64 = 512;

/// Whether a file of so many bytes ends with a hash.
#[must_use]
pub fn is_there(size: u64) -> bool {
    size % SECTOR == LENGTH as u64
}

/// Checks a snapshot while it passes by: all but its last 32 bytes are hashed, those are kept.
pub struct Check {
    hash: Context,
    last: Vec<u8>,
    size: u64,
}

/// What a snapshot's hash says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Right,
    /// The size is that of pages alone.
    Absent {
        size: u64,
    },
    Wrong {
        expected: Vec<u8>,
        got: Vec<u8>,
    },
}

impl Default for Check {
    fn default() -> Self {
        Self { hash: Context::new(&SHA256), last: Vec::with_capacity(2 * LENGTH), size: 0 }
    }
}

impl Check {
    /// The next bytes of the file.
    pub fn update(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        if let Some(cut) = bytes.len().checked_sub(LENGTH) {
            let (body, last) = bytes.split_at(cut);
            self.hash.update(&self.last);
            self.hash.update(body);
            self.last.clear();
            self.last.extend_from_slice(last);
        } else {
            self.last.extend_from_slice(bytes);
            let surplus = self.last.len().saturating_sub(LENGTH);
            self.hash.update(self.last.get(..surplus).unwrap_or_default());
            self.last.drain(..surplus);
        }
    }

    /// How many bytes there were.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    #[must_use]
    pub fn verdict(self) -> Verdict {
        if !is_there(self.size) {
            return Verdict::Absent { size: self.size };
        }
        let got: Digest = self.hash.finish();
        if got.as_ref() == self.last {
            return Verdict::Right;
        }
        Verdict::Wrong { expected: self.last, got: got.as_ref().to_vec() }
    }
}

/// The official sentence for a hash that is another, with both as people compare them above it.
#[must_use]
pub fn wrong(expected: &[u8], got: &[u8]) -> Error {
    let words = format!("expected sha256 {expected:?}, got {got:?}").replace(", ", " ");
    let words = words.replace("] got", "], got");
    Error::failure(words).because(format!(
        "the file's bytes hash to {}, its end says {}",
        hex(got),
        hex(expected)
    ))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(pieces: &[&[u8]]) -> Verdict {
        let mut check = Check::default();
        for piece in pieces {
            check.update(piece);
        }
        check.verdict()
    }

    #[test]
    fn the_hash_is_found_however_the_bytes_are_cut() {
        let pages = vec![7; 1024];
        let hash = ring::digest::digest(&SHA256, &pages);
        let file = [&pages, hash.as_ref()].concat();
        assert_eq!(verdict(&[&file]), Verdict::Right);
        assert_eq!(verdict(&[&pages, hash.as_ref()]), Verdict::Right);
        for step in [1, 7, 31, 32, 33, 100, 1000] {
            let pieces: Vec<_> = file.chunks(step).collect();
            assert_eq!(verdict(&pieces), Verdict::Right, "pieces of {step}");
        }
        assert_eq!(verdict(&[&pages]), Verdict::Absent { size: 1024 });
        assert_eq!(verdict(&[]), Verdict::Absent { size: 0 });
        let mut other = file.clone();
        other[3] ^= 1;
        assert!(matches!(verdict(&[&other]), Verdict::Wrong { .. }));
    }

    #[test]
    fn a_wrong_hash_has_the_official_words() {
        assert_eq!(wrong(&[1, 20], &[3, 4]).message(), "expected sha256 [1 20], got [3 4]");
    }
}
