//! The two first pages of a database: where everything else is. The valid one with the higher transaction id counts.
//!
//! Source: bbolt 1.5.0 (`internal/common/meta.go`, `db.go`).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::page::HEADER;

/// Of the meta page alone, after the header.
const LENGTH: usize = 64;
const MAGIC: u32 = 0xED0C_DAED;
const VERSION: u32 = 2;
const FLAG: u16 = 0x04;
/// Free pages are found by looking which are not reachable: etcd keeps no list of them.
pub const NO_FREELIST: u64 = u64::MAX;
/// The smallest and the largest page that the format knows.
const SIZES: std::ops::RangeInclusive<u32> = 512..=16 << 20;

/// A meta page's contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    pub page_size: u32,
    /// The page of the bucket of buckets.
    pub root: u64,
    pub freelist: u64,
    /// The first page that was never used.
    pub end: u64,
    pub txid: u64,
}

impl Meta {
    /// Finds the valid meta page of a file with the highest transaction id; `None` in what is no database.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn find(file: &File) -> io::Result<Option<Self>> {
        let first = Self::read(file, 0)?;
        let mut second = None;
        if let Some(first) = first {
            second = Self::read(file, u64::from(first.page_size))?;
        } else {
            // The first page is damaged: the second one tells itself where it should be.
            for size in (0..15).map(|shift| 1024 << shift) {
                let meta = Self::read(file, size)?;
                second = second.or(meta.filter(|meta| u64::from(meta.page_size) == size));
            }
        }
        let second =
            second.filter(|second| first.is_none_or(|first| first.page_size == second.page_size));
        Ok(first.into_iter().chain(second).max_by_key(|meta| meta.txid))
    }

    fn read(file: &File, offset: u64) -> io::Result<Option<Self>> {
        let mut page = [0; HEADER + LENGTH];
        match file.read_exact_at(&mut page, offset) {
            Ok(()) => Ok(Self::decode(&page)),
            Err(err) if err.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(err) => Err(err),
        }
    }

    fn decode(page: &[u8]) -> Option<Self> {
        let at = |at: usize| page.get(HEADER + at..).unwrap_or_default();
        let number = |offset| at(offset).first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
        let long = |offset| at(offset).first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
        let body = page.get(HEADER..HEADER + LENGTH - 8)?;
        let meta = Self {
            page_size: number(8)?,
            root: long(16)?,
            freelist: long(32)?,
            end: long(40)?,
            txid: long(48)?,
        };
        let valid = number(0)? == MAGIC
            && number(4)? == VERSION
            && long(56)? == checksum(body)
            && meta.page_size.is_power_of_two()
            && SIZES.contains(&meta.page_size);
        valid.then_some(meta)
    }

    /// The whole page; it belongs at page `txid % 2`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut page = Vec::with_capacity(self.page_size as usize);
        page.extend_from_slice(&(self.txid % 2).to_le_bytes());
        page.extend_from_slice(&FLAG.to_le_bytes());
        page.resize(HEADER, 0);
        for number in [MAGIC, VERSION, self.page_size, 0] {
            page.extend_from_slice(&number.to_le_bytes());
        }
        for number in [self.root, 0, self.freelist, self.end, self.txid] {
            page.extend_from_slice(&number.to_le_bytes());
        }
        let sum = checksum(page.get(HEADER..).unwrap_or_default());
        page.extend_from_slice(&sum.to_le_bytes());
        page.resize(self.page_size as usize, 0);
        page
    }
}

/// FNV-1a of 64 bits.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meta_page_is_what_bbolt_writes() {
        assert_eq!(checksum(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(checksum(b"foobar"), 0x8594_4171_f739_67e8);
        let meta = Meta { page_size: 4096, root: 3, freelist: 2, end: 4, txid: 0 };
        let page = meta.encode();
        let sum = [0xee, 0xfd, 0x89, 0x46, 0x11, 0x6e, 0x51, 0x07];
        assert_eq!((page.len(), &page[72..80]), (4096, &sum[..]));
        assert_eq!(Meta::decode(&page), Some(meta));
        assert_eq!(Meta::decode(&page[..79]), None);
        let mut damaged = page;
        damaged[40] ^= 1;
        assert_eq!(Meta::decode(&damaged), None);
    }
}
