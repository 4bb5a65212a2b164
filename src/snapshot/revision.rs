//! The rows of the bucket `key`: a revision, and what was put at it.
//!
//! Source: etcd 3.7.1, `server/storage/mvcc/revision.go`, `api/mvccpb/kv.proto`.

use crate::go::quote::quote;

const PLAIN: usize = 17;
const MARKED: usize = 18;
const TOMBSTONE: u8 = b't';
const SEPARATOR: u8 = b'_';

/// When a row was written: a transaction, and the place in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revision {
    pub main: i64,
    pub sub: i64,
}

impl Revision {
    /// A row's key: its revision, and whether the key was deleted at it.
    ///
    /// # Errors
    /// The official words.
    pub fn parse(key: &[u8]) -> Result<(Self, bool), String> {
        if key.len() != PLAIN && key.len() != MARKED {
            return Err(format!("invalid revision length: {}", key.len()));
        }
        let number = |at: usize| {
            let bytes = key.get(at..).and_then(<[u8]>::first_chunk);
            bytes.map_or(0, |bytes| i64::from_be_bytes(*bytes))
        };
        let separator = key.get(8).copied().unwrap_or_default();
        if separator != SEPARATOR {
            return Err(format!("invalid separator in bucket key: {:?}", char::from(separator)));
        }
        let (main, sub) = (number(0), number(9));
        if main < 0 || sub < 0 {
            return Err(format!("negative revision: main={main} sub={sub}"));
        }
        Ok((Self { main, sub }, key.get(PLAIN) == Some(&TOMBSTONE)))
    }

    /// The same, with the words that say where it was read.
    ///
    /// # Errors
    /// The official words.
    pub fn of_row(key: &[u8]) -> Result<(Self, bool), String> {
        Self::parse(key).map_err(|why| {
            format!(
                "error during bucket key iteration, name: \"key\" err: cannot parse revision key: {} err: {why}",
                quote(key)
            )
        })
    }
}

/// A `mvccpb.KeyValue` in place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored<'a> {
    pub key: &'a [u8],
    pub value: &'a [u8],
    pub create_revision: i64,
    pub mod_revision: i64,
    pub version: i64,
    pub lease: i64,
}

impl<'a> Stored<'a> {
    /// Reads a row's value.
    ///
    /// # Errors
    /// The official words; `row` is the row's key, which they name.
    pub fn of_row(row: &[u8], value: &'a [u8]) -> Result<Self, String> {
        Self::parse(value).ok_or_else(|| {
            format!(
                "error during bucket key iteration, name: \"key\" err: cannot unmarshal value, key: {} value: {} \
                 err: proto: cannot parse invalid wire-format data",
                quote(row),
                quote(value)
            )
        })
    }

    /// Fields in any order, unknown ones passed over.
    #[must_use]
    pub fn parse(mut rest: &'a [u8]) -> Option<Self> {
        let mut stored = Self::default();
        while !rest.is_empty() {
            let tag = varint(&mut rest)?;
            let field = tag >> 3;
            match tag & 7 {
                0 => {
                    let number = varint(&mut rest)?.cast_signed();
                    match field {
                        2 => stored.create_revision = number,
                        3 => stored.mod_revision = number,
                        4 => stored.version = number,
                        6 => stored.lease = number,
                        0 => return None,
                        _ => {}
                    }
                }
                2 => {
                    let length = usize::try_from(varint(&mut rest)?).ok()?;
                    let (bytes, after) = rest.split_at_checked(length)?;
                    rest = after;
                    match field {
                        1 => stored.key = bytes,
                        5 => stored.value = bytes,
                        0 => return None,
                        _ => {}
                    }
                }
                1 => rest = rest.get(8..)?,
                5 => rest = rest.get(4..)?,
                _ => return None,
            }
        }
        Some(stored)
    }
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..70).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        if shift == 63 && byte > 1 {
            return None;
        }
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<_> = hex.chars().collect();
        let pair =
            |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap();
        digits.chunks(2).map(pair).collect()
    }

    #[test]
    fn rows_are_read_as_etcd_writes_them() {
        let tombstone = bytes("000000000000006e5f000000000000000174");
        assert_eq!(Revision::parse(&tombstone), Ok((Revision { main: 110, sub: 1 }, true)));
        let value = bytes("0a082f612f6b657933311020182020012a0576616c3331");
        let stored = Stored::parse(&value).unwrap();
        assert_eq!((stored.key, stored.value), (&b"/a/key31"[..], &b"val31"[..]));
        assert_eq!((stored.create_revision, stored.mod_revision, stored.version), (32, 32, 1));
    }

    #[test]
    fn what_is_no_row_has_the_official_words() {
        assert_eq!(Revision::parse(b"abc").unwrap_err(), "invalid revision length: 3");
        assert_eq!(
            Revision::parse(&[0xff; 17]).unwrap_err(),
            "invalid separator in bucket key: 'ÿ'"
        );
        assert_eq!(Stored::parse(&[0x0a, 5, 1]), None);
        assert_eq!(Stored::parse(&[0xff; 20]), None);
    }
}
