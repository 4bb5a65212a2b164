//! CBOR as the API server stores custom resources: text is bytes, and tags say how bytes are printed.

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::damage::Damage;
use super::tree::{self, Members, Tree};
use super::{go_float, time};

/// How deep lists and maps may stand in each other.
const DEEPEST: usize = 500;
/// The tag that says "this is CBOR" (RFC 8949, 3.4.6).
const SELF_DESCRIBED: &[u8] = &[0xd9, 0xd9, 0xf7];

#[must_use]
pub fn is_tagged(bytes: &[u8]) -> bool {
    bytes.starts_with(SELF_DESCRIBED)
}

/// Reads one CBOR value.
///
/// # Errors
/// Where it is none, or has a form that Kubernetes has no meaning for.
pub fn read(bytes: &[u8]) -> Result<Tree<'_>, Damage> {
    match read_partly(bytes) {
        (value, None) => Ok(value),
        (_, Some(damage)) => Err(damage),
    }
}

/// Likewise, and what was read up to where it is damaged.
#[must_use]
pub fn read_partly(bytes: &[u8]) -> (Tree<'_>, Option<Damage>) {
    let mut reader = Reader { bytes, at: 0, damage: None };
    let value = match reader.value(0) {
        Ok(value) => value,
        Err(damage) => return (Tree::Null, Some(damage)),
    };
    if reader.at < bytes.len() && reader.damage.is_none() {
        reader.damage = Some(reader.wrong("there is more behind the CBOR value"));
    }
    (value, reader.damage)
}

/// The beginning of an item: its major type, and its argument; none for an indefinite length.
struct Head {
    major: u8,
    info: u8,
    argument: Option<u64>,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// What ended the list or the map that is read; those around it end with it.
    damage: Option<Damage>,
}

impl<'a> Reader<'a> {
    fn wrong(&self, what: &str) -> Damage {
        Damage::new(what).at(self.at)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Damage> {
        let end = usize::try_from(length).ok().and_then(|length| self.at.checked_add(length));
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| self.wrong("the CBOR value ends too early"))?;
        self.at += taken.len();
        Ok(taken)
    }

    fn unsigned(&mut self, length: u64) -> Result<u64, Damage> {
        Ok(self.take(length)?.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte)))
    }

    fn head(&mut self) -> Result<Head, Damage> {
        let first = self.unsigned(1)?.to_le_bytes()[0];
        let info = first & 31;
        let argument = match info {
            0..=23 => Some(u64::from(info)),
            24..=27 => Some(self.unsigned(1 << (info - 24))?),
            31 => None,
            _ => return Err(self.wrong("a CBOR item has no valid length")),
        };
        Ok(Head { major: first >> 5, info, argument })
    }

    fn at_break(&mut self) -> bool {
        let ends = self.bytes.get(self.at) == Some(&0xff);
        self.at += usize::from(ends);
        ends
    }

    fn value(&mut self, depth: usize) -> Result<Tree<'a>, Damage> {
        if depth > DEEPEST {
            return Err(self.wrong("CBOR stands too deep in itself"));
        }
        let Head { major, info, argument } = self.head()?;
        match (major, argument) {
            (0, Some(number)) => Ok(integer(number)),
            (1, Some(number)) => Ok(match i64::try_from(number) {
                Ok(number) => Tree::Int(-1 - number),
                Err(_) => Tree::Number(Cow::Owned((-1 - i128::from(number)).to_string())),
            }),
            (2 | 3, length) => Ok(Tree::Text(self.text(major, length)?)),
            (4, count) => Ok(self.list(count, depth)),
            (5, count) => Ok(self.map(count, depth)),
            (6, Some(tag)) => self.tagged(tag, depth),
            (7, Some(bits)) => self.simple(info, bits),
            _ => Err(self.wrong("a CBOR item has no valid form")),
        }
    }

    fn bytes(&mut self, major: u8, length: Option<u64>) -> Result<Cow<'a, [u8]>, Damage> {
        if let Some(length) = length {
            return Ok(Cow::Borrowed(self.take(length)?));
        }
        let mut all = Vec::new();
        while !self.at_break() {
            match self.head()? {
                Head { major: of, argument: Some(length), .. } if of == major => {
                    all.extend_from_slice(self.take(length)?);
                }
                _ => return Err(self.wrong("a CBOR text has a piece that is none")),
            }
        }
        Ok(Cow::Owned(all))
    }

    fn text(&mut self, major: u8, length: Option<u64>) -> Result<Cow<'a, str>, Damage> {
        Ok(match self.bytes(major, length)? {
            Cow::Borrowed(bytes) => tree::text(bytes),
            Cow::Owned(bytes) => Cow::Owned(tree::text(&bytes).into_owned()),
        })
    }

    fn list(&mut self, count: Option<u64>, depth: usize) -> Tree<'a> {
        let mut items = Vec::new();
        let mut left = count;
        while self.damage.is_none() && !self.ends(&mut left) {
            match self.value(depth + 1) {
                Ok(item) => items.push(item),
                Err(damage) => self.damage = Some(damage),
            }
        }
        Tree::List(items)
    }

    fn map(&mut self, count: Option<u64>, depth: usize) -> Tree<'a> {
        let mut members: Members = Vec::new();
        let mut left = count;
        while self.damage.is_none() && !self.ends(&mut left) {
            match self.member(depth) {
                Ok(member) => members.push(member),
                Err(damage) => self.damage = Some(damage),
            }
        }
        // Written by length first; JSON of custom resources is sorted by bytes.
        members.sort_by(|(one, _), (other, _)| one.cmp(other));
        let before = members.len();
        members.dedup_by(|(one, _), (other, _)| one == other);
        if members.len() < before && self.damage.is_none() {
            self.damage = Some(self.wrong("a CBOR object has a member twice"));
        }
        Tree::Map(members)
    }

    fn member(&mut self, depth: usize) -> Result<(Cow<'a, str>, Tree<'a>), Damage> {
        let key = match self.head()? {
            Head { major: major @ (2 | 3), argument, .. } => self.text(major, argument)?,
            _ => return Err(self.wrong("a CBOR member has no name")),
        };
        Ok((key, self.value(depth + 1)?))
    }

    /// Whether a list or a map is over; counts what is left of it.
    fn ends(&mut self, left: &mut Option<u64>) -> bool {
        match left {
            None => self.at_break(),
            Some(0) => true,
            Some(count) => {
                *count -= 1;
                false
            }
        }
    }

    fn tagged(&mut self, tag: u64, depth: usize) -> Result<Tree<'a>, Damage> {
        let next = self.bytes.get(self.at).map_or(0, |byte| byte >> 5);
        if matches!((tag, next), (21..=23, 2)) {
            let Head { major, argument, .. } = self.head()?;
            let bytes = self.bytes(major, argument)?;
            return Ok(Tree::text(match tag {
                21 => URL_SAFE_NO_PAD.encode(bytes),
                22 => STANDARD.encode(bytes),
                _ => bytes.iter().fold(String::new(), |mut text, byte| {
                    let _ = write!(text, "{byte:02X}");
                    text
                }),
            }));
        }
        let value = self.value(depth + 1)?;
        Ok(match (tag, &value) {
            (1, Tree::Int(seconds)) => time::print(*seconds).map_or(Tree::Null, Tree::text),
            _ => value,
        })
    }

    fn simple(&mut self, info: u8, bits: u64) -> Result<Tree<'a>, Damage> {
        let low = u32::try_from(bits).unwrap_or_default();
        let number = match info {
            20 => return Ok(Tree::Bool(false)),
            21 => return Ok(Tree::Bool(true)),
            22 => return Ok(Tree::Null),
            25 => half(low),
            26 => f64::from(f32::from_bits(low)),
            27 => f64::from_bits(bits),
            _ => return Err(self.wrong("a CBOR item is no value of JSON")),
        };
        if !number.is_finite() {
            return Err(self.wrong("a CBOR number is no number of JSON"));
        }
        Ok(go_float(number))
    }
}

fn integer<'a>(number: u64) -> Tree<'a> {
    i64::try_from(number).map_or(Tree::Uint(number), Tree::Int)
}

/// A number of 16 bits (IEEE 754): sign, 5 bits of exponent, 10 of fraction.
fn half(bits: u32) -> f64 {
    let fraction = f64::from(bits & 0x3ff);
    let exponent = i32::try_from(bits >> 10 & 31).unwrap_or_default();
    let size = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    };
    if bits & 0x8000 == 0 { size } else { -size }
}

#[cfg(test)]
mod tests {
    use super::super::json::{Style, write};
    use super::*;

    fn json(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        write(&read(bytes).unwrap(), Style::Server, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_are_read_as_the_api_server_reads_them() {
        for (bytes, text) in [
            (&b"\xd9\xd9\xf7\xa2\x41b\x01\x41a\x82\x20\xf5"[..], r#"{"a":[-1,true],"b":1}"#),
            (b"\xd6\x45hello", r#""aGVsbG8=""#),
            (b"\xd5\x42\xff\xfe", r#""__4""#),
            (b"\xd7\x42\xff\xfe", r#""FFFE""#),
            (b"\xc1\x00", r#""1970-01-01T00:00:00Z""#),
            (b"\xf9\x3e\x00", "1.5"),
            (b"\xfa\x47\xc3\x50\x00", "100000"),
            (b"\xf9\x80\x00", "-0"),
            (b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615"),
            (b"\x3b\xff\xff\xff\xff\xff\xff\xff\xff", "-18446744073709551616"),
            (b"\x5f\x41a\x41b\xff", r#""ab""#),
            (b"\x9f\xf6\xff", "[null]"),
            (b"\xbf\x61k\x61v\xff", r#"{"k":"v"}"#),
        ] {
            assert_eq!(json(bytes), text);
        }
    }

    #[test]
    fn damage_is_told() {
        for bytes in [
            &b""[..],
            b"\x42a",
            b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\xa1\x01\x01",
            b"\xff",
            b"\xf7",
            b"\x1c",
            b"\x01\x01",
            b"\xf9\x7c\x00",
            b"\xa2\x41a\x01\x41a\x02",
        ] {
            assert!(read(bytes).is_err(), "{bytes:?}");
        }
        assert!(read(&vec![0x81; 100_000]).is_err());
    }
}
