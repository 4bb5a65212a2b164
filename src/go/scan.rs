//! What `fmt.Sscanf` of Go 1.26 reads by `%q` and `%s`, and what it takes for a blank.

use super::quote::unquote_prefix;

/// Why a text does not fit: Go's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanError {
    Ended,
    NoBlank,
    Differs,
    NoQuote,
    BadLiteral,
}

impl std::fmt::Display for ScanError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ended => "unexpected EOF",
            Self::NoBlank => "expected space in input to match format",
            Self::Differs => "input does not match format",
            Self::NoQuote => "expected quoted string",
            Self::BadLiteral => "invalid syntax",
        })
    }
}

impl std::error::Error for ScanError {}

/// A text that is read from left to right.
#[derive(Clone, Copy, Debug)]
pub struct Scan<'a>(pub &'a [u8]);

impl Scan<'_> {
    /// `%q`: a string in double or back quotes, with blanks before it or none.
    pub fn quoted(&mut self) -> Result<Vec<u8>, ScanError> {
        let text = trim_start(self.0);
        let (value, length) = match text.split_first() {
            None => return Err(ScanError::Ended),
            Some((b'`', inside)) => {
                let end = inside.iter().position(|&byte| byte == b'`').ok_or(ScanError::Ended)?;
                // Unlike a literal in a Go program, it keeps its carriage returns.
                (characters(&inside[..end]).into_bytes(), end + 2)
            }
            Some((b'"', inside)) => match unquote_prefix(text) {
                Some(read) => read,
                None if is_closed(inside) => return Err(ScanError::BadLiteral),
                None => return Err(ScanError::Ended),
            },
            Some(_) => return Err(ScanError::NoQuote),
        };
        self.0 = text.get(length..).unwrap_or_default();
        Ok(value)
    }

    /// `%s`: what stands before the next blank.
    pub fn word(&mut self) -> Result<String, ScanError> {
        let text = trim_start(self.0);
        let end = blank_at(text).unwrap_or(text.len());
        if end == 0 {
            return Err(ScanError::Ended);
        }
        let (word, rest) = text.split_at(end);
        self.0 = rest;
        Ok(characters(word))
    }

    /// A character of the format that is no blank.
    pub fn literal(&mut self, byte: u8) -> Result<(), ScanError> {
        match self.0.split_first() {
            Some((&first, rest)) if first == byte => {
                self.0 = rest;
                Ok(())
            }
            Some(_) => Err(ScanError::Differs),
            None => Err(ScanError::Ended),
        }
    }

    /// A blank of the format: one or more, unless the text has ended.
    pub fn blanks(&mut self) -> Result<(), ScanError> {
        let rest = trim_start(self.0);
        if rest.len() == self.0.len() && !rest.is_empty() {
            return Err(ScanError::NoBlank);
        }
        self.0 = rest;
        Ok(())
    }
}

/// `strings.TrimSpace`: without the blanks of Unicode on both sides.
#[must_use]
pub fn trim(text: &[u8]) -> &[u8] {
    let text = trim_start(text);
    let Some(last) = text.utf8_chunks().last() else { return text };
    // Of several chunks all but the last end in a byte that is no character, so no blank.
    let tail = if last.invalid().is_empty() { last.valid() } else { "" };
    text.get(..text.len() - (tail.len() - tail.trim_end().len())).unwrap_or_default()
}

fn trim_start(text: &[u8]) -> &[u8] {
    let head = text.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    text.get(head.len() - head.trim_start().len()..).unwrap_or_default()
}

/// Where the first blank is.
fn blank_at(text: &[u8]) -> Option<usize> {
    let mut before = 0;
    for chunk in text.utf8_chunks() {
        if let Some(at) = chunk.valid().find(char::is_whitespace) {
            return Some(before + at);
        }
        before += chunk.valid().len() + chunk.invalid().len();
    }
    None
}

/// Go reads character by character: each byte that is part of none becomes a replacement character.
fn characters(text: &[u8]) -> String {
    let mut all = String::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        all.push_str(chunk.valid());
        all.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    all
}

/// Whether a double quote that no backslash stands before is there.
fn is_closed(inside: &[u8]) -> bool {
    let mut escaped = false;
    inside.iter().any(|&byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `%q) %s %q`: how far it gets, with what, and why no further.
    fn scanned(text: &[u8]) -> (Vec<Vec<u8>>, Option<ScanError>) {
        let mut scan = Scan(text);
        let mut read = Vec::new();
        let mut all = || {
            read.push(scan.quoted()?);
            scan.literal(b')')?;
            scan.blanks()?;
            read.push(scan.word()?.into_bytes());
            scan.blanks()?;
            read.push(scan.quoted()?);
            Ok(())
        };
        let why = all().err();
        (read, why)
    }

    #[test]
    fn comparisons_are_read_as_go_reads_them() {
        use ScanError::{BadLiteral, Differs, Ended, NoBlank, NoQuote};
        type Row<'a> = (&'a [u8], &'a [&'a [u8]], Option<ScanError>);
        let table: &[Row<'_>] = &[
            (br#""key1") = "2""#, &[b"key1", b"=", b"2"], None),
            (br#" "k")  =   "v"  junk"#, &[b"k", b"=", b"v"], None),
            (br#""k") ="v""#, &[b"k", br#"="v""#], Some(Ended)),
            (br#""k")= "v""#, &[b"k"], Some(NoBlank)),
            (br#""k")  = "v"#, &[b"k", b"="], Some(Ended)),
            (br#"key1) = "2""#, &[], Some(NoQuote)),
            (br#""k" ) = "v""#, &[b"k"], Some(Differs)),
            (br#""k""#, &[b"k"], Some(Ended)),
            (br#""k")"#, &[b"k"], Some(Ended)),
            (br#""k") = "#, &[b"k", b"="], Some(Ended)),
            (b"`k\\n\r`) = `v\\n`", &[b"k\\n\r", b"=", b"v\\n"], None),
            (br#""\q") = "v""#, &[], Some(BadLiteral)),
            (br#""k") = v"#, &[b"k", b"="], Some(NoQuote)),
            (br#""k") = 'v'"#, &[b"k", b"="], Some(NoQuote)),
            (b"\"k\xff\") = \"\xff\"", &[b"k\xef\xbf\xbd", b"=", b"\xef\xbf\xbd"], None),
            (b"`k\xff`) = \"v\"", &[b"k\xef\xbf\xbd", b"=", b"v"], None),
            ("\"k\")\u{a0}=\u{2003}\"v\"".as_bytes(), &[b"k", b"=", b"v"], None),
            (br#""k")x = "v""#, &[b"k"], Some(NoBlank)),
            (br#"`k) = "v""#, &[], Some(Ended)),
            (br#""k") == "v"x"#, &[b"k", b"==", b"v"], None),
            (b"", &[], Some(Ended)),
            (br#""k") > "a\"b""#, &[b"k", b">", br#"a"b"#], None),
            (br#""k") = "\z""#, &[b"k", b"="], Some(BadLiteral)),
        ];
        for &(text, expected, why) in table {
            let (read, reason) = scanned(text);
            assert_eq!(read, expected, "{}", text.escape_ascii());
            assert_eq!(reason, why, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn blanks_of_unicode_are_trimmed_and_broken_characters_are_none() {
        for (text, expected) in [
            (&b" a "[..], &b"a"[..]),
            ("\u{a0}a\u{85}".as_bytes(), b"a"),
            (b"\xff ", b"\xff"),
            (b" \xff", b"\xff"),
            (b"a\xc2", b"a\xc2"),
            (b"\xa0a", b"\xa0a"),
            ("\u{200b} a".as_bytes(), "\u{200b} a".as_bytes()),
            ("\u{3000}\x0b\x0c".as_bytes(), b""),
            (b"", b""),
        ] {
            assert_eq!(trim(text), expected, "{}", text.escape_ascii());
        }
    }
}
