//! Texts that do not print themselves and are wiped when dropped.
//!
//! What came as an argument or a variable stands in the kernel's copy of those for as long as the process
//! lives; a file, a program or a person at a terminal leaves nothing behind.

use std::fmt;
use std::io::{self, Read};

use zeroize::Zeroizing;

/// A line byte by byte, its end included: what follows stays to be read.
///
/// # Errors
/// Those of the reader.
#[expect(clippy::unbuffered_bytes, reason = "a buffer would take what is not ours, and keep it")]
pub fn line(input: &mut impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::default();
    for byte in input.bytes() {
        let byte = byte?;
        append(&mut line, &[byte]);
        if byte == b'\n' {
            break;
        }
    }
    Ok(line)
}

/// All there is to read.
///
/// # Errors
/// Those of the reader.
pub fn all(input: &mut impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::default();
    let mut piece = Zeroizing::new([0; 256]);
    loop {
        match input.read(piece.as_mut_slice()) {
            Ok(0) => return Ok(text),
            Ok(length) => append(&mut text, &piece[..length]),
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
    }
}

/// Adds to a text; a vector that grows by itself leaves its old place as it was.
fn append(text: &mut Zeroizing<Vec<u8>>, more: &[u8]) {
    let length = text.len() + more.len();
    if length > text.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(length.max(64).next_power_of_two()));
        larger.extend_from_slice(text);
        *text = larger;
    }
    text.extend_from_slice(more);
}

/// A password or a token.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself, for the one place that must send it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_leaves_what_follows() {
        let mut input = &b"one\ntwo"[..];
        assert_eq!(**line(&mut input).unwrap(), *b"one\n");
        assert_eq!(input, b"two");
        assert_eq!(**line(&mut input).unwrap(), *b"two");
        assert_eq!(**line(&mut input).unwrap(), *b"");
    }

    #[test]
    fn all_of_a_long_text_is_read() {
        let text: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        assert_eq!(**all(&mut &text[..]).unwrap(), *text);
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        assert_eq!(format!("{:?}", Secret::new("swordfish")), "***");
    }
}
