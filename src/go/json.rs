//! JSON as Go’s `encoding/json` writes it.

use std::fmt::{Display, LowerExp};
use std::io;
use std::str::FromStr;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::run::plain_run;

/// Writes `text` as a JSON string: `json.Marshal` of a string, Go 1.26.
///
/// Besides what JSON demands, Go escapes what HTML or JavaScript could misread.
pub fn write_string(text: &str, out: &mut dyn io::Write) -> io::Result<()> {
    out.write_all(b"\"")?;
    write_escaped(text, out)?;
    out.write_all(b"\"")
}

/// Writes `value` compactly as `json.Marshal` of Go 1.26 does: no newline, no spaces.
pub fn write<T: Serialize + ?Sized>(value: &T, out: &mut dyn io::Write) -> serde_json::Result<()> {
    value.serialize(&mut Serializer::with_formatter(out, GoFormatter))
}

/// Makes `serde_json` write strings and numbers as `encoding/json` of Go 1.26 does, compactly.
#[derive(Clone, Copy, Debug, Default)]
pub struct GoFormatter;

impl Formatter for GoFormatter {
    fn write_f32<W: io::Write + ?Sized>(&mut self, out: &mut W, value: f32) -> io::Result<()> {
        let plain = value == 0.0 || (1e-6..1e21).contains(&value.abs());
        out.write_all(float(value, plain).as_bytes())
    }

    fn write_f64<W: io::Write + ?Sized>(&mut self, out: &mut W, value: f64) -> io::Result<()> {
        let plain = value == 0.0 || (1e-6..1e21).contains(&value.abs());
        out.write_all(float(value, plain).as_bytes())
    }

    // serde_json itself escapes quotes, backslashes and control characters, in Go’s way.
    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        write_escaped(fragment, out)
    }
}

/// The shortest digits that read back as `value`, with an exponent unless `plain`.
fn float<T>(value: T, plain: bool) -> String
where
    T: Copy + Display + LowerExp + FromStr + PartialEq,
{
    let mut text = if plain { value.to_string() } else { format!("{value:e}") };
    let mantissa = text.split_once('e').map_or(text.as_str(), |(mantissa, _)| mantissa);
    if let Some((_, decimals)) = mantissa.split_once('.') {
        // Halfway between two such texts Go takes the even one, Rust the larger one unless it is
        // told how many digits to write; but next to a power of two that may be another number.
        let places = decimals.len();
        let even = if plain { format!("{value:.places$}") } else { format!("{value:.places$e}") };
        if even.parse().is_ok_and(|read: T| read == value) {
            text = even;
        }
    }
    match text.split_once('e') {
        Some((digits, power)) if !power.starts_with('-') => format!("{digits}e+{power}"),
        _ => text,
    }
}

fn write_escaped<W: io::Write + ?Sized>(text: &str, out: &mut W) -> io::Result<()> {
    let mut rest = text;
    while !rest.is_empty() {
        let (plain, tail) = rest.split_at(plain_run(rest, is_plain_ascii, is_plain_wide));
        if !plain.is_empty() {
            out.write_all(plain.as_bytes())?;
        }
        let mut characters = tail.chars();
        match characters.next() {
            Some('"') => out.write_all(b"\\\"")?,
            Some('\\') => out.write_all(b"\\\\")?,
            Some('\x08') => out.write_all(b"\\b")?,
            Some('\x0c') => out.write_all(b"\\f")?,
            Some('\n') => out.write_all(b"\\n")?,
            Some('\r') => out.write_all(b"\\r")?,
            Some('\t') => out.write_all(b"\\t")?,
            Some(c) => write!(out, "\\u{:04x}", u32::from(c))?,
            None => {}
        }
        rest = characters.as_str();
    }
    Ok(())
}

#[expect(clippy::needless_bitwise_bool, reason = "whole blocks are checked without a branch")]
fn is_plain_ascii(byte: u8) -> bool {
    let specials = [b'"', b'\\', b'<', b'>', b'&'];
    specials.iter().fold(byte >= b' ', |plain, &special| plain & (byte != special))
}

/// The separators of lines and paragraphs end a line of JavaScript.
fn is_plain_wide(c: char) -> bool {
    !matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn json<T: Serialize + ?Sized>(value: &T) -> String {
        let mut out = Vec::new();
        write(value, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn strings_are_escaped_as_go_escapes_them() {
        for (text, expected) in [
            ("", r#""""#),
            ("plain", r#""plain""#),
            (r#"a"b\c/d"#, r#""a\"b\\c/d""#),
            (
                "\u{0}\u{1}\u{8}\t\n\u{b}\u{c}\r\u{1f}\u{7f}",
                "\"\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f\u{7f}\"",
            ),
            ("<a href='x'>&</a>", r#""\u003ca href='x'\u003e\u0026\u003c/a\u003e""#),
            ("x\u{2028}y\u{2029}z", r#""x\u2028y\u2029z""#),
            ("größe 日本 😀", r#""größe 日本 😀""#),
            ("\u{fffd}\u{feff}\u{a0}", "\"\u{fffd}\u{feff}\u{a0}\""),
        ] {
            assert_eq!(json(text), expected);
            let mut written = Vec::new();
            write_string(text, &mut written).unwrap();
            assert_eq!(written, expected.as_bytes());
        }
    }

    #[test]
    fn doubles_are_printed_as_go_prints_them() {
        for (number, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-2.5, "-2.5"),
            (100.0, "100"),
            (1e20, "100000000000000000000"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (1e21, "1e+21"),
            (-1.5e22, "-1.5e+22"),
            (1e100, "1e+100"),
            (1e-6, "0.000001"),
            (9.99e-7, "9.99e-7"),
            (1e-7, "1e-7"),
            (1.5e-10, "1.5e-10"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (0.1, "0.1"),
            (1.0 / 3.0, "0.3333333333333333"),
            (701_172_034_184_393.0 / 8.0, "87646504273049.12"),
            (5.0 * 2f64.powi(-24), "2.980232238769531e-7"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
        ] {
            assert_eq!(json(&number), expected);
        }
    }

    #[test]
    fn singles_are_printed_as_go_prints_them() {
        for (number, expected) in [
            (0.1f32, "0.1"),
            (16_777_216.0, "16777216"),
            (1e21, "1e+21"),
            (1e-6, "0.000001"),
            (9.99e-7, "9.99e-7"),
            (f32::MAX, "3.4028235e+38"),
            (2.832_031_2, "2.8320312"),
            (304_515.62, "304515.62"),
        ] {
            assert_eq!(json(&number), expected);
        }
    }

    #[test]
    fn a_struct_is_written_without_spaces() {
        #[derive(Serialize)]
        struct Everything {
            #[serde(rename = "a<b")]
            text: &'static str,
            numbers: [u64; 2],
            map: BTreeMap<&'static str, bool>,
            nothing: Option<u8>,
            least: i64,
        }
        let value = Everything {
            text: "x&y",
            numbers: [1, u64::MAX],
            map: BTreeMap::from([("k", true)]),
            nothing: None,
            least: i64::MIN,
        };
        let expected = concat!(
            r#"{"a\u003cb":"x\u0026y","numbers":[1,18446744073709551615],"map":{"k":true},"#,
            r#""nothing":null,"least":-9223372036854775808}"#
        );
        assert_eq!(json(&value), expected);
    }
}
