//! Durations as Go parses and prints them.

use std::fmt;
use std::fmt::Write as _;
use std::time::Duration;

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// 2⁶³: the size of the most negative duration, and Go’s limit while it adds up.
const LIMIT: u64 = i64::MIN.unsigned_abs();

/// A signed number of nanoseconds: `time.Duration` of Go 1.26.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoDuration(i64);

impl GoDuration {
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Capped at the longest duration Go knows, some 292 years.
    #[must_use]
    pub fn from_std(duration: Duration) -> Self {
        Self(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
    }

    #[must_use]
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// The same span of time, or `None` if it is zero or negative.
    #[must_use]
    pub fn as_std(self) -> Option<Duration> {
        u64::try_from(self.0).ok().filter(|&nanos| nanos > 0).map(Duration::from_nanos)
    }

    /// A duration like `1h15m30.918s`: `time.ParseDuration` of Go 1.26.
    pub fn parse(text: &str) -> Result<Self, DurationError> {
        let invalid = || DurationError::new("invalid duration", text);
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        if unsigned == "0" {
            return Ok(Self(0));
        }
        if unsigned.is_empty() {
            return Err(invalid());
        }
        let mut total = 0u64;
        let mut rest = unsigned;
        while !rest.is_empty() {
            let (nanos, tail) = part(rest, text)?;
            // Two parts of 2⁶³ each wrap to zero in Go, which then accepts them.
            total = total.wrapping_add(nanos);
            if total > LIMIT {
                return Err(invalid());
            }
            rest = tail;
        }
        if negative {
            return Ok(Self(0i64.wrapping_sub_unsigned(total)));
        }
        i64::try_from(total).map(Self).map_err(|_| invalid())
    }
}

/// Reads one number with its unit; `text` is the whole duration, for the error.
fn part<'a>(rest: &'a str, text: &str) -> Result<(u64, &'a str), DurationError> {
    let invalid = || DurationError::new("invalid duration", text);
    let (whole, rest) = leading_digits(rest);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => leading_digits(rest),
        None => ("", rest),
    };
    let whole = match whole {
        "" if fraction.is_empty() => return Err(invalid()),
        "" => 0,
        digits => digits.parse().map_err(|_| invalid())?,
    };
    if whole > LIMIT {
        return Err(invalid());
    }
    let (name, rest) = rest.split_at(rest.find(starts_number).unwrap_or(rest.len()));
    let unit = match name {
        "" => return Err(DurationError::new("missing unit in duration", text)),
        "ns" => 1,
        "us" | "µs" | "μs" => MICROSECOND, // U+00B5 and U+03BC
        "ms" => MILLISECOND,
        "s" => SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        _ => {
            let message = format!("unknown unit {} in duration", quote(name));
            return Err(DurationError::new(&message, text));
        }
    };
    let nanos = whole
        .checked_mul(unit)
        .and_then(|nanos| nanos.checked_add(fraction_of(fraction, unit)))
        .filter(|&nanos| nanos <= LIMIT)
        .ok_or_else(invalid)?;
    Ok((nanos, rest))
}

fn starts_number(c: char) -> bool {
    c == '.' || c.is_ascii_digit()
}

fn leading_digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// The nanoseconds in the decimals of a unit. Decimals beyond 2⁶³ are read over, as in Go.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "Go computes in floating point; less than an hour comes out, and never a negative"
)]
fn fraction_of(decimals: &str, unit: u64) -> u64 {
    let (mut number, mut scale) = (0u64, 1.0);
    for digit in decimals.bytes().map(|byte| u64::from(byte.wrapping_sub(b'0'))) {
        let longer = number.checked_mul(10).and_then(|number| number.checked_add(digit));
        let Some(longer) = longer.filter(|&longer| longer <= LIMIT) else { break };
        number = longer;
        scale *= 10.0;
    }
    (number as f64 * (unit as f64 / scale)) as u64
}

/// `time.Duration.String` of Go 1.26.
impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 0 {
            f.write_char('-')?;
        }
        let nanos = self.0.unsigned_abs();
        let (unit, name) = match nanos {
            0 => return f.write_str("0s"),
            1..MICROSECOND => (1, "ns"),
            MICROSECOND..MILLISECOND => (MICROSECOND, "µs"),
            MILLISECOND..SECOND => (MILLISECOND, "ms"),
            _ => (SECOND, "s"),
        };
        let mut whole = nanos / unit;
        if unit == SECOND {
            let (hours, minutes) = (whole / 3600, whole / 60);
            if hours > 0 {
                write!(f, "{hours}h")?;
            }
            if minutes > 0 {
                write!(f, "{}m", minutes % 60)?;
            }
            whole %= 60;
        }
        write!(f, "{whole}")?;
        write_decimals(f, nanos % unit, unit)?;
        f.write_str(name)
    }
}

/// `.25` for 250 of 1000; nothing for zero.
fn write_decimals(f: &mut fmt::Formatter<'_>, part: u64, unit: u64) -> fmt::Result {
    if part > 0 {
        f.write_char('.')?;
    }
    let (mut rest, mut place) = (part, unit / 10);
    while rest > 0 && place > 0 {
        write!(f, "{}", rest / place)?;
        rest %= place;
        place /= 10;
    }
    Ok(())
}

/// Why Go refuses a duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DurationError {
    text: String,
}

impl DurationError {
    fn new(message: &str, value: &str) -> Self {
        Self { text: format!("time: {message} {}", quote(value)) }
    }
}

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for DurationError {}

/// Package `time` quotes simpler than `strconv`: bytes that are no ASCII text become `\xNN`.
fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            b' '..=0x7f => quoted.push(char::from(byte)),
            _ => drop(write!(quoted, "\\x{byte:02x}")), // a String takes everything
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        let table: &[(&str, Result<i64, &str>)] = &[
            ("0", Ok(0)),
            ("-0", Ok(0)),
            ("+0", Ok(0)),
            ("5s", Ok(5_000_000_000)),
            ("-5s", Ok(-5_000_000_000)),
            ("+5s", Ok(5_000_000_000)),
            ("1h15m30.918s", Ok(4_530_918_000_000)),
            ("2m3.5s", Ok(123_500_000_000)),
            ("1.5h", Ok(5_400_000_000_000)),
            (".5s", Ok(500_000_000)),
            ("5.s", Ok(5_000_000_000)),
            ("-.5ms", Ok(-500_000)),
            ("100us", Ok(100_000)),
            ("100µs", Ok(100_000)),
            ("100μs", Ok(100_000)),
            ("3ns", Ok(3)),
            ("1.000000001s", Ok(1_000_000_001)),
            ("0.3333333333333333333h", Ok(1_200_000_000_000)),
            ("0.9223372036854775807h", Ok(3_320_413_933_267)),
            ("0.99999999999999999999s", Ok(1_000_000_000)),
            ("1s1s", Ok(2_000_000_000)),
            ("9223372036854775807ns", Ok(i64::MAX)),
            ("9223372036854775808ns", Err(r#"time: invalid duration "9223372036854775808ns""#)),
            ("-9223372036854775808ns", Ok(i64::MIN)),
            ("-9223372036854775809ns", Err(r#"time: invalid duration "-9223372036854775809ns""#)),
            ("9223372036854775808ns9223372036854775808ns", Ok(0)),
            ("2562047h47m16.854775807s", Ok(i64::MAX)),
            ("2562048h", Err(r#"time: invalid duration "2562048h""#)),
            ("3000000h", Err(r#"time: invalid duration "3000000h""#)),
            ("", Err(r#"time: invalid duration """#)),
            ("-", Err(r#"time: invalid duration "-""#)),
            ("+", Err(r#"time: invalid duration "+""#)),
            (".", Err(r#"time: invalid duration ".""#)),
            (".s", Err(r#"time: invalid duration ".s""#)),
            ("-.s", Err(r#"time: invalid duration "-.s""#)),
            ("5", Err(r#"time: missing unit in duration "5""#)),
            ("5.", Err(r#"time: missing unit in duration "5.""#)),
            ("1s2", Err(r#"time: missing unit in duration "1s2""#)),
            ("x", Err(r#"time: invalid duration "x""#)),
            ("5x", Err(r#"time: unknown unit "x" in duration "5x""#)),
            ("5 s", Err(r#"time: unknown unit " s" in duration "5 s""#)),
            ("5S", Err(r#"time: unknown unit "S" in duration "5S""#)),
            ("1d", Err(r#"time: unknown unit "d" in duration "1d""#)),
            ("5é", Err(r#"time: unknown unit "\xc3\xa9" in duration "5\xc3\xa9""#)),
            (r#""5""#, Err(r#"time: invalid duration "\"5\"""#)),
            ("5\n", Err(r#"time: unknown unit "\x0a" in duration "5\x0a""#)),
            ("\u{7f}", Err("time: invalid duration \"\u{7f}\"")),
            ("5s-3s", Err(r#"time: unknown unit "s-" in duration "5s-3s""#)),
            ("99999999999999999999s", Err(r#"time: invalid duration "99999999999999999999s""#)),
        ];
        for &(text, expected) in table {
            let read = GoDuration::parse(text).map(GoDuration::as_nanos);
            assert_eq!(read.map_err(|e| e.to_string()), expected.map_err(str::to_owned), "{text}");
        }
    }

    #[test]
    fn durations_are_printed_as_go_prints_them() {
        for (nanos, expected) in [
            (0, "0s"),
            (1, "1ns"),
            (-1, "-1ns"),
            (999, "999ns"),
            (1000, "1µs"),
            (1100, "1.1µs"),
            (1_000_000, "1ms"),
            (9_478_692, "9.478692ms"),
            (999_999_999, "999.999999ms"),
            (1_000_000_000, "1s"),
            (1_000_000_001, "1.000000001s"),
            (1_500_000_000, "1.5s"),
            (60_000_000_000, "1m0s"),
            (61_010_000_000, "1m1.01s"),
            (3_600_000_000_000, "1h0m0s"),
            (3_661_000_000_000, "1h1m1s"),
            (-5_400_000_000_000, "-1h30m0s"),
            (i64::MAX, "2562047h47m16.854775807s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ] {
            assert_eq!(GoDuration::from_nanos(nanos).to_string(), expected);
        }
    }

    #[test]
    fn only_a_positive_duration_can_be_waited_for() {
        for nanos in [0, -1, i64::MIN] {
            assert_eq!(GoDuration::from_nanos(nanos).as_std(), None);
        }
        assert_eq!(GoDuration::from_nanos(1500).as_std(), Some(Duration::from_nanos(1500)));
    }

    #[test]
    fn a_duration_longer_than_go_knows_is_capped() {
        assert_eq!(GoDuration::from_std(Duration::from_millis(2)).to_string(), "2ms");
        assert_eq!(GoDuration::from_std(Duration::MAX), GoDuration::from_nanos(i64::MAX));
    }
}
