//! Protobuf's wire form: numbered fields, nothing of what they mean.

use super::damage::Damage;

/// A field's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Fixed32([u8; 4]),
    Bytes(&'a [u8]),
}

/// The fields of a message, one after the other.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
    failed: bool,
    cut: Option<(u32, &'a [u8])>,
}

/// Gives the fields of a message. Nothing follows after an error.
#[must_use]
pub fn fields(message: &[u8]) -> Fields<'_> {
    Fields { rest: message, failed: false, cut: None }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Payload<'a>), Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() || self.failed {
            return None;
        }
        let next = self.field();
        self.failed = next.is_err();
        Some(next)
    }
}

impl<'a> Fields<'a> {
    /// What is not read yet.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// After an error: the field whose bytes end before it does, and what there is of them.
    #[must_use]
    pub fn cut(&self) -> Option<(u32, Payload<'a>)> {
        self.cut.map(|(number, bytes)| (number, Payload::Bytes(bytes)))
    }

    fn field(&mut self) -> Result<(u32, Payload<'a>), Damage> {
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).unwrap_or(0);
        if number == 0 || number >= 1 << 29 {
            return Err(Damage::new("a field has no valid number"));
        }
        let payload = match key & 7 {
            0 => Payload::Varint(self.varint()?),
            1 => Payload::Fixed64(self.fixed()?),
            5 => Payload::Fixed32(self.fixed()?),
            2 => {
                let length = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
                if length > self.rest.len() {
                    self.cut = Some((number, self.rest));
                }
                Payload::Bytes(self.take(length)?)
            }
            3 | 4 => return Err(Damage::new("a field is a group, which no Kubernetes object has")),
            _ => return Err(Damage::new("a field has no valid wire type")),
        };
        Ok((number, payload))
    }

    /// A varint; of more than 64 bits the rest is dropped, as everywhere.
    pub(super) fn varint(&mut self) -> Result<u64, Damage> {
        let mut value = 0;
        for (at, &byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte < 0x80 {
                self.rest = &self.rest[at + 1..];
                return Ok(value);
            }
        }
        Err(if self.rest.len() < 10 { truncated() } else { Damage::new("a number is too long") })
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let bytes = self.take(N)?;
        bytes.try_into().map_err(|_| truncated())
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Damage> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(truncated)?;
        self.rest = rest;
        Ok(taken)
    }
}

fn truncated() -> Damage {
    Damage::new("the value ends within a field")
}

/// Appends a varint.
pub fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f | 0x80).unwrap_or_default());
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or_default());
}

/// Appends a field that is a varint.
pub fn put_number(number: u32, value: u64, out: &mut Vec<u8>) {
    put_varint(u64::from(number) << 3, out);
    put_varint(value, out);
}

/// Appends a field that is bytes, text or a message.
pub fn put_bytes(number: u32, bytes: &[u8], out: &mut Vec<u8>) {
    put_varint(u64::from(number) << 3 | 2, out);
    put_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_to_the_end_or_to_the_damage() {
        let bytes = [0x08, 0x96, 0x01, 0x12, 2, b'h', b'i', 0x1d, 1, 2, 3, 4];
        let all: Result<Vec<_>, _> = fields(&bytes).collect();
        assert_eq!(
            all.unwrap(),
            [
                (1, Payload::Varint(150)),
                (2, Payload::Bytes(b"hi")),
                (3, Payload::Fixed32([1, 2, 3, 4]))
            ]
        );
        for damaged in [
            &[0x08][..],
            &[0x00, 0x00],
            &[0x0b],
            &[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
            &[0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
        ] {
            let mut read = fields(damaged);
            assert!(read.next().unwrap().is_err(), "{damaged:?}");
            assert_eq!(read.next(), None);
        }
    }

    #[test]
    fn what_is_put_is_read_again() {
        let mut out = Vec::new();
        put_number(1, u64::MAX, &mut out);
        put_bytes(300, b"x", &mut out);
        let all: Vec<_> = fields(&out).map(Result::unwrap).collect();
        assert_eq!(all, [(1, Payload::Varint(u64::MAX)), (300, Payload::Bytes(b"x"))]);
    }
}
