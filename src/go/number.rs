//! Numbers and truth values as Go’s `strconv` parses them, with its error texts.

use std::fmt;

use super::quote::quote;

/// Why Go refuses a number: `*strconv.NumError`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberError {
    function: &'static str,
    text: String,
    cause: NumberCause,
}

impl NumberError {
    fn new(function: &'static str, text: &str, cause: NumberCause) -> Self {
        Self { function, text: text.to_owned(), cause }
    }

    #[must_use]
    pub fn cause(&self) -> NumberCause {
        self.cause
    }
}

impl fmt::Display for NumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { function, text, cause } = self;
        write!(f, "strconv.{function}: parsing {}: {cause}", quote(text.as_bytes()))
    }
}

impl std::error::Error for NumberError {}

/// The last part of a [`NumberError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberCause {
    Syntax,
    Range,
    Base(u32),
    Bits(u32),
}

impl fmt::Display for NumberCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax => f.write_str("invalid syntax"),
            Self::Range => f.write_str("value out of range"),
            Self::Base(base) => write!(f, "invalid base {base}"),
            Self::Bits(bits) => write!(f, "invalid bit size {bits}"),
        }
    }
}

/// A signed number of at most `bits` bits (0 means 64): `strconv.ParseInt` of Go 1.26.
///
/// In base 0 the text names its base (`0x`, `0o`, `0b`, a leading `0`) and may use underscores;
/// otherwise `base` is 2 to 36.
pub fn parse_int(text: &str, base: u32, bits: u32) -> Result<i64, NumberError> {
    signed(text, base, bits).map_err(|cause| NumberError::new("ParseInt", text, cause))
}

/// An unsigned number of at most `bits` bits (0 means 64): `strconv.ParseUint` of Go 1.26.
///
/// Bases are those of [`parse_int`]; there is no sign.
pub fn parse_uint(text: &str, base: u32, bits: u32) -> Result<u64, NumberError> {
    unsigned(text, base, bits).map_err(|cause| NumberError::new("ParseUint", text, cause))
}

/// A truth value: `strconv.ParseBool` of Go 1.26.
pub fn parse_bool(text: &str) -> Result<bool, NumberError> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err(NumberError::new("ParseBool", text, NumberCause::Syntax)),
    }
}

fn signed(text: &str, base: u32, bits: u32) -> Result<i64, NumberCause> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let size = if bits == 0 { 64 } else { bits };
    let magnitude = match unsigned(digits, base, bits) {
        // Go clamps and compares again, so with one bit any negative number is -1.
        Err(NumberCause::Range) => largest(size),
        other => other?,
    };
    let limit = largest(size) / 2 + 1;
    if negative && magnitude <= limit {
        Ok(0i64.wrapping_sub_unsigned(magnitude))
    } else if !negative && magnitude < limit {
        i64::try_from(magnitude).map_err(|_| NumberCause::Range)
    } else {
        Err(NumberCause::Range)
    }
}

fn unsigned(text: &str, base: u32, bits: u32) -> Result<u64, NumberCause> {
    if text.is_empty() {
        return Err(NumberCause::Syntax);
    }
    let prefixed = base == 0;
    let (base, digits) = match base {
        0 => named_base(text.as_bytes()),
        2..=36 => (base, text.as_bytes()),
        _ => return Err(NumberCause::Base(base)),
    };
    let largest = match bits {
        0 => u64::MAX,
        1..=64 => largest(bits),
        _ => return Err(NumberCause::Bits(bits)),
    };
    let mut number = 0u64;
    // A base prefix counts as a digit: an underscore may follow it.
    let mut after_digit = base != 10;
    let mut stray_underscore = false;
    for &byte in digits {
        if prefixed && byte == b'_' {
            stray_underscore |= !after_digit;
            after_digit = false;
            continue;
        }
        after_digit = true;
        let digit = char::from(byte).to_digit(base).ok_or(NumberCause::Syntax)?;
        // Too large is found before what follows is read, even if that is no number at all.
        number = number
            .checked_mul(u64::from(base))
            .and_then(|number| number.checked_add(u64::from(digit)))
            .filter(|&number| number <= largest)
            .ok_or(NumberCause::Range)?;
    }
    let dangling_underscore = prefixed && digits.ends_with(b"_");
    if stray_underscore || dangling_underscore { Err(NumberCause::Syntax) } else { Ok(number) }
}

/// The base a number names, and its digits.
fn named_base(text: &[u8]) -> (u32, &[u8]) {
    match text {
        [b'0', b'b' | b'B', digits @ ..] if !digits.is_empty() => (2, digits),
        [b'0', b'o' | b'O', digits @ ..] if !digits.is_empty() => (8, digits),
        [b'0', b'x' | b'X', digits @ ..] if !digits.is_empty() => (16, digits),
        [b'0', digits @ ..] => (8, digits),
        _ => (10, text),
    }
}

/// The largest unsigned number of 1 to 64 bits.
fn largest(bits: u32) -> u64 {
    u64::MAX.checked_shr(64u32.saturating_sub(bits)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_numbers_are_read_as_go_reads_them() {
        let table: &[(&str, u32, u32, Result<i64, &str>)] = &[
            ("0", 10, 64, Ok(0)),
            ("-42", 10, 64, Ok(-42)),
            ("+7", 10, 64, Ok(7)),
            ("007", 10, 64, Ok(7)),
            ("9223372036854775807", 10, 64, Ok(i64::MAX)),
            ("9223372036854775808", 10, 64, Err("value out of range")),
            ("-9223372036854775808", 10, 64, Ok(i64::MIN)),
            ("-9223372036854775809", 10, 64, Err("value out of range")),
            ("", 10, 64, Err("invalid syntax")),
            ("-", 10, 64, Err("invalid syntax")),
            ("--1", 10, 64, Err("invalid syntax")),
            (" 1", 10, 64, Err("invalid syntax")),
            ("1_000", 10, 64, Err("invalid syntax")),
            ("1_000", 0, 64, Ok(1000)),
            ("_1", 0, 64, Err("invalid syntax")),
            ("1_", 0, 64, Err("invalid syntax")),
            ("1__0", 0, 64, Err("invalid syntax")),
            ("0x_ff", 0, 64, Ok(255)),
            ("-0XFF", 0, 64, Ok(-255)),
            ("0o17", 0, 64, Ok(15)),
            ("017", 0, 64, Ok(15)),
            ("0_7", 0, 64, Ok(7)),
            ("08", 0, 64, Err("invalid syntax")),
            ("0b101", 0, 64, Ok(5)),
            ("0b2", 0, 64, Err("invalid syntax")),
            ("0x", 0, 64, Err("invalid syntax")),
            ("0", 0, 64, Ok(0)),
            ("7587821dd4b9ae41", 16, 64, Ok(8_468_880_688_928_108_097)),
            ("0x1f", 16, 64, Err("invalid syntax")),
            ("FF", 16, 64, Ok(255)),
            ("ffffffffffffffff", 16, 64, Err("value out of range")),
            ("127", 10, 8, Ok(127)),
            ("128", 10, 8, Err("value out of range")),
            ("-128", 10, 8, Ok(-128)),
            ("2147483648", 0, 32, Err("value out of range")),
            ("-5", 10, 1, Ok(-1)),
            ("zz", 36, 64, Ok(1295)),
            ("1", 1, 64, Err("invalid base 1")),
            ("1", 37, 64, Err("invalid base 37")),
            ("1", 10, 65, Err("invalid bit size 65")),
            ("5", 10, 0, Ok(5)),
            ("99999999999999999999x", 10, 64, Err("value out of range")),
            ("abc", 10, 64, Err("invalid syntax")),
            ("a\"b\n", 10, 64, Err("invalid syntax")),
            ("é", 10, 64, Err("invalid syntax")),
        ];
        for &(text, base, bits, expected) in table {
            let read = parse_int(text, base, bits).map_err(|error| error.cause().to_string());
            assert_eq!(read, expected.map_err(str::to_owned), "{text} {base} {bits}");
        }
    }

    #[test]
    fn unsigned_numbers_are_read_as_go_reads_them() {
        let table: &[(&str, u32, u32, Result<u64, &str>)] = &[
            ("0", 10, 64, Ok(0)),
            ("18446744073709551615", 10, 64, Ok(u64::MAX)),
            ("18446744073709551616", 10, 64, Err("value out of range")),
            ("8e9e05c52164694d", 16, 64, Ok(10_276_657_743_932_975_437)),
            ("8E9E05C52164694D", 16, 64, Ok(10_276_657_743_932_975_437)),
            ("-1", 10, 64, Err("invalid syntax")),
            ("+1", 10, 64, Err("invalid syntax")),
            ("0xff_ff", 0, 64, Ok(65535)),
            ("0xff__ff", 0, 64, Err("invalid syntax")),
            ("255", 10, 8, Ok(255)),
            ("256", 10, 8, Err("value out of range")),
            ("", 16, 64, Err("invalid syntax")),
            ("1", 1, 64, Err("invalid base 1")),
            ("1", 10, 65, Err("invalid bit size 65")),
            ("5", 10, 0, Ok(5)),
        ];
        for &(text, base, bits, expected) in table {
            let read = parse_uint(text, base, bits).map_err(|error| error.cause().to_string());
            assert_eq!(read, expected.map_err(str::to_owned), "{text} {base} {bits}");
        }
    }

    #[test]
    fn truth_values_are_the_twelve_of_go() {
        for text in ["1", "t", "T", "TRUE", "true", "True"] {
            assert_eq!(parse_bool(text), Ok(true));
        }
        for text in ["0", "f", "F", "FALSE", "false", "False"] {
            assert_eq!(parse_bool(text), Ok(false));
        }
        for text in ["maybe", "", "tRUE", " true", "yes"] {
            assert!(parse_bool(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_error_names_the_function_and_quotes_the_text() {
        let text = |error: Option<NumberError>| error.unwrap().to_string();
        for (error, expected) in [
            (
                text(parse_int("a\"b\n", 10, 64).err()),
                r#"strconv.ParseInt: parsing "a\"b\n": invalid syntax"#,
            ),
            (
                text(parse_int("9223372036854775808", 10, 64).err()),
                r#"strconv.ParseInt: parsing "9223372036854775808": value out of range"#,
            ),
            (
                text(parse_uint("-1", 10, 64).err()),
                r#"strconv.ParseUint: parsing "-1": invalid syntax"#,
            ),
            (
                text(parse_bool("maybe").err()),
                r#"strconv.ParseBool: parsing "maybe": invalid syntax"#,
            ),
        ] {
            assert_eq!(error, expected);
        }
    }
}
