//! Times as Kubernetes stores and prints them: RFC 3339 in UTC.

const SECONDS_OF_A_DAY: i64 = 86_400;
/// The zero of Go's `time.Time`, 0001-01-01T00:00:00Z, in seconds of Unix.
const ZERO: i64 = -62_135_596_800;
/// The year 0 and the year 10000: the range that RFC 3339 can write.
const FIRST: i64 = -62_167_219_200;
const PAST: i64 = 253_402_300_800;

/// A time that JSON prints; `None` is null.
#[must_use]
pub fn print(seconds: i64) -> Option<String> {
    (seconds != ZERO && (FIRST..PAST).contains(&seconds)).then(|| format!("{}Z", civil(seconds)))
}

/// Likewise with six digits of a second's parts, cut off and not rounded.
#[must_use]
pub fn print_micros(seconds: i64, nanos: i32) -> Option<String> {
    let micros = i64::from(nanos / 1000);
    if seconds == ZERO && micros == 0 {
        return None;
    }
    let seconds = seconds.checked_add(micros.div_euclid(1_000_000))?;
    let micros = micros.rem_euclid(1_000_000);
    (FIRST..PAST).contains(&seconds).then(|| format!("{}.{micros:06}Z", civil(seconds)))
}

fn civil(seconds: i64) -> String {
    let days = seconds.div_euclid(SECONDS_OF_A_DAY);
    let rest = seconds.rem_euclid(SECONDS_OF_A_DAY);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

/// The Gregorian date so many days after 1970-01-01, counted in years that begin in March.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// Days from 1970-01-01 to a date.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * shifted + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// How many days a month has.
#[must_use]
pub fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Seconds of Unix and nanoseconds of an RFC 3339 time with any offset.
#[must_use]
pub fn parse(text: &str) -> Option<(i64, i32)> {
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let at = |place: usize| text.as_bytes().get(place).copied();
    if [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')]
        .iter()
        .any(|&(p, c)| at(p) != Some(c))
    {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month) || day < 1 || day > days_of(year, month) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut rest = text.get(19..)?;
    let mut nanos = 0;
    if let Some(fraction) = rest.strip_prefix('.') {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        let kept = fraction.get(..digits.min(9)).filter(|kept| !kept.is_empty())?;
        nanos = format!("{kept:0<9}").parse().ok()?;
        rest = fraction.get(digits..)?;
    }
    let offset = match rest.as_bytes() {
        b"Z" => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let start = text.len() - 5;
            let minutes = number(start, start + 2)? * 60 + number(start + 3, start + 5)?;
            if *sign == b'+' { minutes * 60 } else { -minutes * 60 }
        }
        _ => return None,
    };
    let seconds = days(year, month, day) * SECONDS_OF_A_DAY + hour * 3600 + minute * 60 + second;
    Some((seconds - offset, nanos))
}

/// How long something lasts already, as kubectl prints it: `HumanDuration` of `k8s.io/apimachinery`, of seconds.
#[must_use]
pub fn age(seconds: i64) -> String {
    let with = |whole: i64, unit: &str, part: i64, smaller: &str| match part {
        0 => format!("{whole}{unit}"),
        part => format!("{whole}{unit}{part}{smaller}"),
    };
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        _ if minutes < 10 => with(minutes, "m", seconds % 60, "s"),
        _ if minutes < 180 => format!("{minutes}m"),
        _ if hours < 8 => with(hours, "h", minutes % 60, "m"),
        _ if hours < 48 => format!("{hours}h"),
        _ if hours < 24 * 8 => with(hours / 24, "d", hours % 24, "h"),
        _ if hours < 24 * 365 * 2 => format!("{}d", hours / 24),
        _ if hours < 24 * 365 * 8 => with(hours / 24 / 365, "y", hours / 24 % 365, "d"),
        _ => format!("{}y", hours / 24 / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_printed_and_read_again() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (1_763_935_200, "2025-11-23T22:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
            (-62_135_596_799, "0001-01-01T00:00:01Z"),
        ] {
            assert_eq!(print(seconds).as_deref(), Some(text));
            assert_eq!(parse(text), Some((seconds, 0)));
        }
        assert_eq!(
            parse("2025-11-23T23:30:00.1234567891+01:30"),
            Some((1_763_935_200, 123_456_789))
        );
        assert_eq!(print_micros(0, 1_999).as_deref(), Some("1970-01-01T00:00:00.000001Z"));
    }

    #[test]
    fn ages_are_printed_as_kubectl_prints_them() {
        const HOUR: i64 = 3600;
        const DAY: i64 = 24 * HOUR;
        for (seconds, text) in [
            (-2, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (599, "9m59s"),
            (600, "10m"),
            (3 * HOUR - 1, "179m"),
            (3 * HOUR, "3h"),
            (8 * HOUR - 1, "7h59m"),
            (8 * HOUR + 60, "8h"),
            (2 * DAY - 1, "47h"),
            (2 * DAY, "2d"),
            (8 * DAY - 1, "7d23h"),
            (2 * 365 * DAY - 1, "729d"),
            (2 * 365 * DAY, "2y"),
            (8 * 365 * DAY - 1, "7y364d"),
            (9 * 365 * DAY, "9y"),
        ] {
            assert_eq!(age(seconds), text, "{seconds}");
        }
    }

    #[test]
    fn the_zero_and_what_has_no_form_are_null() {
        assert_eq!((print(ZERO), print_micros(ZERO, 999)), (None, None));
        assert_eq!((print(i64::MAX), print_micros(i64::MAX, i32::MAX)), (None, None));
        for text in [
            "",
            "2025-02-30T00:00:00Z",
            "2025-01-01T00:00:00",
            "2025-01-01 00:00:00Z",
            "ä025-01-01T00:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
