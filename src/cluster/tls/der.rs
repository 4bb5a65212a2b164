//! DER, as far as certificates and keys need it: elements read strictly, a few written.
//!
//! Strict as Go's `cryptobyte` is, so that what it calls malformed is malformed here too.

use zeroize::Zeroizing;

pub const BOOLEAN: u8 = 0x01;
pub const INTEGER: u8 = 0x02;
pub const BIT_STRING: u8 = 0x03;
pub const OCTET_STRING: u8 = 0x04;
pub const OID: u8 = 0x06;
pub const UTC_TIME: u8 = 0x17;
pub const GENERALIZED_TIME: u8 = 0x18;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;

/// The tag of an explicit `[number]`.
pub const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// One element: its tag, its content, and both with the length between them.
#[derive(Clone, Copy)]
pub struct Element<'a> {
    pub tag: u8,
    pub content: &'a [u8],
    pub whole: &'a [u8],
}

/// What is left to read.
#[derive(Clone, Copy)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next element, whatever it is.
    pub fn any(&mut self) -> Option<Element<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (&first, rest) = rest.split_first()?;
        let (length, header) = match first {
            0..=0x7f => (usize::from(first), 2),
            0x81..=0x84 => {
                let bytes = rest.get(..usize::from(first & 0x7f))?;
                let length = bytes.iter().fold(0, |sum, &byte| (sum << 8) | usize::from(byte));
                // The shortest form is the only one.
                if bytes[0] == 0 || length < 0x80 {
                    return None;
                }
                (length, 2 + bytes.len())
            }
            _ => return None,
        };
        let end = header.checked_add(length)?;
        let whole = self.0.get(..end)?;
        self.0 = &self.0[end..];
        Some(Element { tag, content: &whole[header..], whole })
    }

    /// The next element if it has this tag; otherwise nothing is read.
    pub fn element(&mut self, tag: u8) -> Option<Element<'a>> {
        let mut ahead = *self;
        let element = ahead.any().filter(|element| element.tag == tag)?;
        *self = ahead;
        Some(element)
    }

    /// The content of the next element if it has this tag.
    pub fn read(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.element(tag).map(|element| element.content)
    }

    /// The inside of the next sequence.
    pub fn sequence(&mut self) -> Option<Reader<'a>> {
        self.read(SEQUENCE).map(Reader)
    }

    /// Whether the next element has this tag.
    pub fn at(&self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// An integer of any size in its shortest form, sign included.
    pub fn integer(&mut self) -> Option<&'a [u8]> {
        let bytes = self.read(INTEGER)?;
        match bytes {
            [] | [0, 0..0x80, ..] | [0xff, 0x80..=0xff, ..] => None,
            _ => Some(bytes),
        }
    }

    /// An integer without its leading zero; negative ones are none.
    pub fn unsigned(&mut self) -> Option<&'a [u8]> {
        match self.integer()? {
            [0x80..=0xff, ..] => None,
            [0, rest @ ..] if !rest.is_empty() => Some(rest),
            bytes => Some(bytes),
        }
    }

    /// A bit string that is whole bytes.
    pub fn bit_string(&mut self) -> Option<&'a [u8]> {
        match self.read(BIT_STRING)? {
            [0, bytes @ ..] => Some(bytes),
            _ => None,
        }
    }
}

/// One element, written. Wiped when dropped: it may hold a private key.
pub fn write(tag: u8, content: &[u8]) -> Zeroizing<Vec<u8>> {
    let length = content.len().to_be_bytes();
    let digits = &length[length.iter().take_while(|&&byte| byte == 0).count()..];
    // In full at once, so that no half-grown copy stays behind.
    let mut out = Zeroizing::new(Vec::with_capacity(2 + digits.len() + content.len()));
    out.push(tag);
    match digits {
        [] => out.push(0),
        &[short @ 0..0x80] => out.push(short),
        long => {
            #[expect(clippy::cast_possible_truncation, reason = "at most eight digits")]
            out.push(0x80 | long.len() as u8);
            out.extend_from_slice(long);
        }
    }
    out.extend_from_slice(content);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let content = vec![7; length];
            let bytes = write(OCTET_STRING, &content);
            let mut reader = Reader(&bytes);
            assert_eq!(reader.read(OCTET_STRING), Some(&content[..]), "{length}");
            assert!(reader.is_empty());
        }
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        for bytes in [
            &[][..],
            &[0x30],
            &[0x30, 2, 0],
            &[0x30, 0x80, 0],
            &[0x30, 0x81, 1, 0],
            &[0x30, 0x82, 0, 0x80],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0],
            &[0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x1f, 1, 0],
        ] {
            assert!(Reader(bytes).any().is_none(), "{bytes:x?}");
        }
    }

    #[test]
    fn integers_have_one_form() {
        for (bytes, wanted) in [
            (&[2, 1, 0][..], Some(&[0][..])),
            (&[2, 2, 0, 0x80], Some(&[0x80])),
            (&[2, 2, 0, 1], None),
            (&[2, 1, 0x80], None),
            (&[2, 0], None),
        ] {
            assert_eq!(Reader(bytes).unsigned(), wanted, "{bytes:x?}");
        }
    }
}
