//! A line of a transaction or of an interactive watch, cut into words as the official client cuts it.
//!
//! Source: etcdctl 3.7.1, `Argify` in `ctlv3/command/util.go`: each match of
//! `"(?:[^"\\]|\\.)*"|'[^']*'|[^'"\s]\S*[^'"\s]?` is a word.

use super::quote::{UnquoteError, unquote};

/// The words of a line, without the quotes around them.
///
/// Double quotes hold a Go literal, single ones plain text; a bare word runs to the next blank, quotes and
/// backslashes in it included. Quoted words end at their quote, with a blank behind it or not. A quote that
/// is never closed is passed over, and what follows read as if it were not there.
///
/// # Errors
/// A double-quoted word that is no Go literal.
pub fn tokens(line: &[u8]) -> Result<Vec<Vec<u8>>, UnquoteError> {
    let mut words = Vec::new();
    let mut rest = line;
    while let Some((&first, tail)) = rest.split_first() {
        let length = match first {
            b'"' => double_quoted(tail),
            b'\'' => tail.iter().position(|&byte| byte == b'\'').map(|end| end + 2),
            blank if blank.is_ascii_whitespace() => None,
            _ => Some(rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len())),
        };
        let Some((word, after)) = length.and_then(|length| rest.split_at_checked(length)) else {
            rest = tail;
            continue;
        };
        rest = after;
        words.push(match word {
            [b'"', ..] => unquote(word)?,
            [b'\'', text @ .., b'\''] => text.to_vec(),
            bare => bare.to_vec(),
        });
    }
    Ok(words)
}

/// How long a word in double quotes is, both of them included. `tail` follows the first.
fn double_quoted(tail: &[u8]) -> Option<usize> {
    let mut escaped = false;
    for (at, &byte) in tail.iter().enumerate() {
        match byte {
            b'\n' if escaped => return None,
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 2),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_as_the_official_client_cuts_them() {
        let table: &[(&[u8], &[&[u8]])] = &[
            (b"", &[]),
            (b" ", &[]),
            (b"put key value", &[b"put", b"key", b"value"]),
            (b"  put\tkey \r value\x0c", &[b"put", b"key", b"value"]),
            (b"put k \x0b", &[b"put", b"k", b"\x0b"]),
            (br#"put "a b" 'c d'"#, &[b"put", b"a b", b"c d"]),
            (
                br#"put "key \"with\" space" "value \x23""#,
                &[b"put", br#"key "with" space"#, b"value #"],
            ),
            (br#""a""b""#, &[b"a", b"b"]),
            (b"'a''b'", &[b"a", b"b"]),
            (br#"a"b" c'd e'"#, &[br#"a"b""#, b"c'd", b"e'"]),
            (br"k\ x", &[br"k\", b"x"]),
            (br#""open a"#, &[b"open", b"a"]),
            (b"'open a", &[b"open", b"a"]),
            (br#""a\" b"#, &[br#"a\""#, b"b"]),
            (br#"""#, &[]),
            (b"'", &[]),
            (b"''", &[b""]),
            (br#""""#, &[b""]),
            (br"'\'", &[br"\"]),
            (br#"'a"b' "c'd""#, &[br#"a"b"#, b"c'd"]),
            (br#""caf\u00e9" "#, &["café".as_bytes()]),
            (b"\xff\xfe \"\xff\" '\xff'", &[b"\xff\xfe", b"\xef\xbf\xbd", b"\xff"]),
            (br#""a\"#, &[br"a\"]),
            (br#""x"y"#, &[b"x", b"y"]),
            (br#"'x'y"z"#, &[b"x", br#"y"z"#]),
            (br#"a" b"c"#, &[br#"a""#, br#"b"c"#]),
            (br#""\101\a""#, &[b"A\x07"]),
            (b"\xc2\xa0x \xc2\x85", &[b"\xc2\xa0x", b"\xc2\x85"]),
            (b"`a b`", &[b"`a", b"b`"]),
        ];
        for &(line, expected) in table {
            let words = tokens(line).unwrap();
            assert_eq!(words, expected, "{}", line.escape_ascii());
        }
    }

    #[test]
    fn a_word_that_is_no_literal_spoils_its_line() {
        for line in [&br#""\q""#[..], br#"a "\q""#, br#""\'""#, b"\"\\\xff\"", b"\"a\nb\""] {
            assert_eq!(tokens(line), Err(UnquoteError), "{}", line.escape_ascii());
        }
    }
}
