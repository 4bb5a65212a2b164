//! What YAML 1.1 would take for something else than text, as yaml.v2 resolves it.

use super::super::time::days_of;
use crate::go::number::{parse_int, parse_uint};

const WORDS: [&str; 14] = [
    "y", "yes", "true", "on", "n", "no", "false", "off", "~", "null", ".nan", ".inf", "+.inf",
    "-.inf",
];

/// Whether a plain scalar of this text is read as that text.
pub fn stays_text(text: &str) -> bool {
    match text.as_bytes().first() {
        None => false,
        Some(b'+' | b'-' | b'0'..=b'9') => {
            !(is_word(text) || is_number(text) || is_timestamp(text) || is_base_60(text))
        }
        Some(b'.') => !(is_word(text) || is_float(text)),
        Some(b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~') => {
            !is_word(text)
        }
        Some(_) => true,
    }
}

/// A word in lower case, in UPPER case, or with its first letter in upper case.
fn is_word(text: &str) -> bool {
    if text.len() > 5 || !text.is_ascii() {
        return false;
    }
    if !WORDS.iter().any(|word| word.eq_ignore_ascii_case(text)) {
        return false;
    }
    let letters: Vec<u8> = text.bytes().filter(u8::is_ascii_alphabetic).collect();
    let lower = |letters: &[u8]| letters.iter().all(u8::is_ascii_lowercase);
    let upper = letters.iter().all(u8::is_ascii_uppercase);
    // Not a number is written .NaN.
    let title = match letters.as_slice() {
        [first, rest @ ..] if letters != b"NaN" => {
            first.is_ascii_uppercase() && lower(rest) && text != ".Nan"
        }
        _ => true,
    };
    lower(&letters) || upper || title
}

fn is_number(text: &str) -> bool {
    let plain = text.replace('_', "");
    if parse_int(&plain, 0, 64).is_ok() || parse_uint(&plain, 0, 64).is_ok() || is_float(&plain) {
        return true;
    }
    let binary = |digits: &str| parse_int(digits, 2, 64).is_ok();
    plain.strip_prefix("0b").is_some_and(binary)
        || plain.strip_prefix("-0b").is_some_and(|digits| binary(&format!("-{digits}")))
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, and of a size that 64 bits hold.
fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let some_digits = |text: &str| !text.is_empty() && digits(text);
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => some_digits(fraction),
        Some((whole, fraction)) => some_digits(whole) && digits(fraction),
        None => some_digits(mantissa),
    };
    let exponent_fits = exponent
        .is_none_or(|exponent| some_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)));
    mantissa_fits && exponent_fits && text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`: minutes and seconds, to YAML 1.1.
fn is_base_60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !unsigned.contains(':') || !unsigned.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let (parts, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let loose = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let mut parts = parts.split(':');
    let first = parts.next().unwrap_or_default();
    let mut sixties =
        parts.map(|part| matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']));
    loose(first) && sixties.all(|fits| fits) && loose(fraction)
}

/// `2006-1-2`, alone or with a time of day behind `T`, `t` (and then a zone) or a blank (and none).
fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < 8 || bytes[4] != b'-' || !bytes[..4].iter().all(u8::is_ascii_digit) {
        return false;
    }
    let mut rest = &text[5..];
    let year = number(&text[..4]);
    let Some(month) = short(&mut rest).filter(|month| (1..=12).contains(month)) else {
        return false;
    };
    let Some(after) = rest.strip_prefix('-') else { return false };
    rest = after;
    if !short(&mut rest).is_some_and(|day| (1..=days_of(year, month)).contains(&day)) {
        return false;
    }
    match rest.as_bytes().first() {
        None => true,
        Some(b'T' | b't') => time_of_day(&rest[1..]).is_some_and(is_zone),
        Some(b' ') => time_of_day(&rest[1..]).is_some_and(str::is_empty),
        Some(_) => false,
    }
}

/// What follows hours, minutes, seconds and their parts.
fn time_of_day(text: &str) -> Option<&str> {
    let mut rest = text;
    for (at, limit) in [24, 60, 60].into_iter().enumerate() {
        if at > 0 {
            rest = rest.strip_prefix(':')?;
        }
        short(&mut rest).filter(|number| *number < limit)?;
    }
    if let Some(fraction) = rest.strip_prefix(['.', ',']) {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        rest = fraction.get(digits..).filter(|_| digits > 0)?;
    }
    Some(rest)
}

fn is_zone(text: &str) -> bool {
    match text.as_bytes() {
        b"Z" => true,
        [b'+' | b'-', a, b, b':', c, d] => {
            let digits = [*a, *b, *c, *d].iter().all(u8::is_ascii_digit);
            digits && number(&text[1..3]) <= 24 && number(&text[4..6]) <= 60
        }
        _ => false,
    }
}

/// Takes one or two digits.
fn short(rest: &mut &str) -> Option<i64> {
    let count = rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let (digits, after) = rest.split_at(count);
    *rest = after;
    digits.parse().ok()
}

fn number(digits: &str) -> i64 {
    digits.parse().unwrap_or(-1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_yaml_reads_as_something_else_is_no_text() {
        for text in [
            "",
            "~",
            "null",
            "Null",
            "NULL",
            "y",
            "Y",
            "yes",
            "No",
            "OFF",
            "on",
            "true",
            "False",
            ".nan",
            ".NaN",
            ".NAN",
            ".inf",
            "-.Inf",
            "+.INF",
            "0",
            "-1",
            "+1",
            "1_000",
            "0x1F",
            "0b11",
            "0o17",
            "0777",
            "18446744073709551615",
            "1.",
            ".5",
            "1e3",
            "-1.5E-3",
            "2001-1-1",
            "2001-12-14T21:59:43.1Z",
            "2001-12-14t21:59:43-05:00",
            "2001-12-14 21:59:43",
            "12:30",
            "12:30:45",
            "1:00.5",
            "-190:20:30",
        ] {
            assert!(!stays_text(text), "{text:?}");
        }
        for text in [
            "a",
            "nUll",
            "yEs",
            "nulls",
            ".Nan",
            "1a",
            "0x",
            "0xg",
            "1.2.3",
            "10.0.0.1",
            "1e",
            "e3",
            "+",
            "-",
            ".",
            "2001-13-01",
            "2001-02-30",
            "2001-1-1T25:00:00Z",
            "2001-12-14 21:59:43Z",
            "12:60",
            "1:2:",
            "12:",
            "1e400",
            "0b2",
            "<<",
            "=",
            "08:00x",
            "99999999999999999999x",
            "inf",
            "nan",
        ] {
            assert!(stays_text(text), "{text:?}");
        }
    }
}
