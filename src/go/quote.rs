//! Go string literals, written and read.

use std::convert::Infallible;
use std::fmt;
use std::io;

use super::printable::is_printable;
use super::run::plain_run;

/// `bytes` as a double-quoted Go literal: `strconv.Quote` and `%q` of Go 1.26.
#[must_use]
pub fn quote(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_add(2));
    let Ok(()) = escape(bytes, &mut |piece| {
        text.push_str(piece);
        Ok::<(), Infallible>(())
    });
    text
}

/// Writes what [`quote`] returns, without allocating.
///
/// Text that needs no escape goes out in as few pieces as it has runs; `out` should be buffered.
pub fn write_quoted(bytes: &[u8], out: &mut dyn io::Write) -> io::Result<()> {
    escape(bytes, &mut |piece| out.write_all(piece.as_bytes()))
}

fn escape<E>(bytes: &[u8], emit: &mut impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
    emit("\"")?;
    // One fast check covers most values; only others pay for the search of their broken bytes.
    if let Ok(text) = std::str::from_utf8(bytes) {
        escape_text(text, emit)?;
    } else {
        for chunk in bytes.utf8_chunks() {
            escape_text(chunk.valid(), emit)?;
            for &byte in chunk.invalid() {
                emit("\\x")?;
                emit(hex(byte))?;
            }
        }
    }
    emit("\"")
}

fn escape_text<E>(text: &str, emit: &mut impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
    let mut rest = text;
    while !rest.is_empty() {
        let (run, tail) = rest.split_at(plain_run(rest, is_plain, is_printable));
        if !run.is_empty() {
            emit(run)?;
        }
        let mut characters = tail.chars();
        if let Some(c) = characters.next() {
            escape_char(c, emit)?;
        }
        rest = characters.as_str();
    }
    Ok(())
}

fn escape_char<E>(c: char, emit: &mut impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
    match c {
        '"' => return emit("\\\""),
        '\\' => return emit("\\\\"),
        '\x07' => return emit("\\a"),
        '\x08' => return emit("\\b"),
        '\x0c' => return emit("\\f"),
        '\n' => return emit("\\n"),
        '\r' => return emit("\\r"),
        '\t' => return emit("\\t"),
        '\x0b' => return emit("\\v"),
        _ => {}
    }
    let [high, low, row, cell] = u32::from(c).to_be_bytes();
    if c.is_ascii() {
        emit("\\x")?;
        return emit(hex(cell));
    }
    if c <= '\u{ffff}' {
        emit("\\u")?;
    } else {
        emit("\\U")?;
        emit(hex(high))?;
        emit(hex(low))?;
    }
    emit(hex(row))?;
    emit(hex(cell))
}

/// ASCII that stands for itself.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~')
}

/// Two lower-case hexadecimal digits.
fn hex(byte: u8) -> &'static str {
    let at = usize::from(byte) * 2;
    HEX_PAIRS.get(at..at + 2).unwrap_or_default()
}

/// `000102…ff`, so that a byte’s digits are a piece of text that already exists.
const HEX_PAIRS: &str = {
    const BYTES: [u8; 512] = {
        let digits = b"0123456789abcdef";
        let mut pairs = [0; 512];
        let mut byte = 0;
        while byte < 256 {
            pairs[byte * 2] = digits[byte / 16];
            pairs[byte * 2 + 1] = digits[byte % 16];
            byte += 1;
        }
        pairs
    };
    match std::str::from_utf8(&BYTES) {
        Ok(text) => text,
        Err(_) => "",
    }
};

/// The text is not a Go literal: Go’s `strconv.ErrSyntax`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnquoteError;

impl fmt::Display for UnquoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid syntax")
    }
}

impl std::error::Error for UnquoteError {}

/// What a whole Go literal stands for: `strconv.Unquote` of Go 1.26.
///
/// Double-quoted and back-quoted strings, and single-quoted characters.
pub fn unquote(text: &[u8]) -> Result<Vec<u8>, UnquoteError> {
    match unquote_prefix(text) {
        Some((value, used)) if used == text.len() => Ok(value),
        _ => Err(UnquoteError),
    }
}

/// The Go literal `text` starts with: its value and its length, quotes included.
///
/// `strconv.QuotedPrefix` of Go 1.26 finds the literal, `strconv.Unquote` its value.
#[must_use]
pub fn unquote_prefix(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (value, tail) = match text.split_first()? {
        (b'`', rest) => raw(rest)?,
        (b'"', rest) => interpreted(rest)?,
        (b'\'', rest) => character(rest)?,
        _ => return None,
    };
    Some((value, text.len() - tail.len()))
}

/// A value and the bytes behind its literal.
type Read<'a> = Option<(Vec<u8>, &'a [u8])>;

/// Up to the back quote; Go drops carriage returns, and reads nothing else into the text.
fn raw(rest: &[u8]) -> Read<'_> {
    let end = rest.iter().position(|&byte| byte == b'`')?;
    let (text, tail) = rest.split_at(end);
    Some((text.iter().copied().filter(|&byte| byte != b'\r').collect(), tail.get(1..)?))
}

fn interpreted(mut rest: &[u8]) -> Read<'_> {
    let mut value = Vec::new();
    loop {
        match rest.split_first()? {
            (b'"', tail) => return Some((value, tail)),
            _ => rest = one(rest, b'"', &mut value)?,
        }
    }
}

/// One character, or none: Go reads `''` as empty text.
fn character(rest: &[u8]) -> Read<'_> {
    let mut value = Vec::new();
    let rest = if rest.starts_with(b"'") { rest } else { one(rest, b'\'', &mut value)? };
    Some((value, rest.strip_prefix(b"'")?))
}

/// Reads one character or escape inside quotes of the kind `mark`.
fn one<'a>(rest: &'a [u8], mark: u8, value: &mut Vec<u8>) -> Option<&'a [u8]> {
    match rest.split_first()? {
        (b'\n', _) => None,
        (b'\\', tail) => escaped(tail, mark, value),
        (&byte, tail) if byte.is_ascii() => {
            value.push(byte);
            Some(tail)
        }
        (&lead, tail) => {
            let length = match lead {
                0xc0..=0xdf => 2,
                0xe0..=0xef => 3,
                _ => 4,
            };
            let text = rest.get(..length).filter(|text| std::str::from_utf8(text).is_ok());
            // Every byte that is part of no character becomes a replacement character of its own.
            value.extend_from_slice(text.unwrap_or("\u{fffd}".as_bytes()));
            if text.is_some() { rest.get(length..) } else { Some(tail) }
        }
    }
}

/// Reads what follows a backslash.
fn escaped<'a>(rest: &'a [u8], mark: u8, value: &mut Vec<u8>) -> Option<&'a [u8]> {
    let (&kind, tail) = rest.split_first()?;
    let byte = match kind {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        b'\\' => b'\\',
        b'\'' | b'"' if kind == mark => kind,
        b'x' => return byte_escape(tail, 2, 16, value),
        b'0'..=b'7' => return byte_escape(rest, 3, 8, value),
        b'u' => return character_escape(tail, 4, value),
        b'U' => return character_escape(tail, 8, value),
        _ => return None,
    };
    value.push(byte);
    Some(tail)
}

fn byte_escape<'a>(
    rest: &'a [u8],
    length: usize,
    base: u32,
    value: &mut Vec<u8>,
) -> Option<&'a [u8]> {
    let (code, tail) = digits(rest, length, base)?;
    value.push(u8::try_from(code).ok()?);
    Some(tail)
}

fn character_escape<'a>(rest: &'a [u8], length: usize, value: &mut Vec<u8>) -> Option<&'a [u8]> {
    let (code, tail) = digits(rest, length, 16)?;
    let c = char::from_u32(code)?;
    value.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    Some(tail)
}

/// Exactly `length` digits; eight hexadecimal ones just fit.
fn digits(rest: &[u8], length: usize, base: u32) -> Option<(u32, &[u8])> {
    let (digits, tail) = rest.split_at_checked(length)?;
    let code = digits.iter().try_fold(0u32, |code, &d| {
        code.checked_mul(base)?.checked_add(char::from(d).to_digit(base)?)
    })?;
    Some((code, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted_as_go_quotes_it() {
        let table: &[(&[u8], &str)] = &[
            (b"", r#""""#),
            (b"plain ASCII ~", r#""plain ASCII ~""#),
            (br#"a"b\c"#, r#""a\"b\\c""#),
            (b"\x07\x08\x0c\n\r\t\x0b", r#""\a\b\f\n\r\t\v""#),
            (b"\x00\x1f\x7f", r#""\x00\x1f\x7f""#),
            (
                b"gr\xc3\xb6\xc3\x9fe \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80",
                r#""größe 日本 😀""#,
            ),
            (b"a\xc2\xa0b\xc2\xad", r#""a\u00a0b\u00ad""#),
            (b"\xe2\x80\xa8\xef\xbb\xbf\xee\x80\x80", r#""\u2028\ufeff\ue000""#),
            (b"\xf3\xa0\x80\x81\xf4\x8f\xbf\xbf", r#""\U000e0001\U0010ffff""#),
            (b"\xef\xbf\xbd", "\"\u{fffd}\""),
            (b"\xff", r#""\xff""#),
            (b"caf\xc3", r#""caf\xc3""#),
            (b"\xe2\x82", r#""\xe2\x82""#),
            (b"\xe2\x82x", r#""\xe2\x82x""#),
            (b"\xed\xa0\x80", r#""\xed\xa0\x80""#),
            (b"\xc0\x80", r#""\xc0\x80""#),
            (b"\xf4\x90\x80\x80", r#""\xf4\x90\x80\x80""#),
            (
                b"0123456789abcdef0123456789abcdef\"0123456789abcdef0123456789abcde\x01",
                r#""0123456789abcdef0123456789abcdef\"0123456789abcdef0123456789abcde\x01""#,
            ),
            (b"ab\xffcd", r#""ab\xffcd""#),
        ];
        for &(bytes, expected) in table {
            assert_eq!(quote(bytes), expected);
            let mut written = Vec::new();
            write_quoted(bytes, &mut written).unwrap();
            assert_eq!(written, expected.as_bytes());
        }
    }

    #[test]
    fn every_byte_comes_back_from_its_literal() {
        let bytes: Vec<u8> = (0..=255).chain((0..=255).rev()).collect();
        assert_eq!(unquote(quote(&bytes).as_bytes()), Ok(bytes));
    }

    #[test]
    fn a_writer_that_fails_ends_the_writing() {
        let mut three = [0u8; 3];
        assert!(write_quoted(b"abc", &mut three.as_mut_slice()).is_err());
    }

    #[test]
    fn literals_are_read_as_go_reads_them() {
        let table: &[(&[u8], Option<&[u8]>)] = &[
            (br#""""#, Some(b"")),
            (b"''", Some(b"")),
            (b"``", Some(b"")),
            (br#""abc""#, Some(b"abc")),
            (br#""a\"b""#, Some(br#"a"b"#)),
            (br#""\'""#, None),
            (br"'\''", Some(b"'")),
            (br#"'"'"#, Some(br#"""#)),
            (br#"'\"'"#, None),
            (b"'ab'", None),
            (b"'\xc3\xa9'", Some(b"\xc3\xa9")),
            (br#""\a\b\f\n\r\t\v\\""#, Some(b"\x07\x08\x0c\n\r\t\x0b\\")),
            (br#""\x41\xff""#, Some(b"A\xff")),
            (br#""\x4""#, None),
            (br#""\xg0""#, None),
            (br#""\101\377""#, Some(b"A\xff")),
            (br#""\400""#, None),
            (br#""\08""#, None),
            (br#""\u00e9\U0001F600""#, Some(b"\xc3\xa9\xf0\x9f\x98\x80")),
            (br#""\ud800""#, None),
            (br#""\U00110000""#, None),
            (br#""\UFFFFFFFF""#, None),
            (br#""\q""#, None),
            (br#""\"#, None),
            (br#"""#, None),
            (b"", None),
            (b"abc", None),
            (br#""abc"#, None),
            (br#""abc" "#, None),
            (b"\"a\nb\"", None),
            (b"\"a\tb\"", Some(b"a\tb")),
            (b"`a\\n\r\n\"b`", Some(b"a\\n\n\"b")),
            (b"`a`b`", None),
            (b"\"a\xffb\"", Some(b"a\xef\xbf\xbdb")),
            (b"\"\xe2\x82\"", Some(b"\xef\xbf\xbd\xef\xbf\xbd")),
            (b"'\xff'", Some(b"\xef\xbf\xbd")),
            (b"`\xff`", Some(b"\xff")),
            (b"\"\xef\xbf\xbd\"", Some(b"\xef\xbf\xbd")),
        ];
        for &(text, expected) in table {
            assert_eq!(unquote(text).ok().as_deref(), expected, "{}", text.escape_ascii());
        }
        assert_eq!(UnquoteError.to_string(), "invalid syntax");
    }

    #[test]
    fn a_literal_at_the_start_is_found_with_its_length() {
        type Found = Option<(&'static [u8], usize)>;
        let table: &[(&[u8], Found)] = &[
            (br#""ab" = 1"#, Some((b"ab", 4))),
            (b"`a`b`", Some((b"a", 3))),
            (br#"'x'"y""#, Some((b"x", 3))),
            (br#""a\"b"c""#, Some((br#"a"b"#, 6))),
            (br#" "a""#, None),
            (br#""a"#, None),
            (br#""""""#, Some((b"", 2))),
        ];
        for &(text, expected) in table {
            let expected = expected.map(|(value, used)| (value.to_vec(), used));
            assert_eq!(unquote_prefix(text), expected, "{}", text.escape_ascii());
        }
    }
}
