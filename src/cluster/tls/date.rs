//! Moments in certificates and answers: read from DER's two forms and from HTTP's, written for people.

/// `YYMMDDhhmm[ss]Z`; years from 50 on are of the last century.
pub fn utc_time(text: &[u8]) -> Option<i64> {
    let (year, rest) = digits(text, 2)?;
    let century = if year < 50 { 2000 } else { 1900 };
    if rest.len() == 9 {
        let mut full = rest[..8].to_vec();
        full.extend_from_slice(b"00Z");
        return moment(century + year, &full);
    }
    moment(century + year, rest)
}

/// `YYYYMMDDhhmmssZ`.
pub fn generalized_time(text: &[u8]) -> Option<i64> {
    let (year, rest) = digits(text, 4)?;
    moment(year, rest)
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`: the form that servers write (RFC 9110, section 5.6.7).
#[must_use]
pub fn http_date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, date) = text.strip_suffix(" GMT")?.split_once(", ")?;
    let mut words = date.split(' ');
    let (day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    generalized_time(format!("{year}{month:02}{day}{}Z", time.replace(':', "")).as_bytes())
}

fn moment(year: i64, rest: &[u8]) -> Option<i64> {
    let (month, rest) = digits(rest, 2)?;
    let (day, rest) = digits(rest, 2)?;
    let (hour, rest) = digits(rest, 2)?;
    let (minute, rest) = digits(rest, 2)?;
    let (second, rest) = digits(rest, 2)?;
    let fits = (1..=12).contains(&month) && hour < 24 && minute < 60 && second < 60 && day >= 1;
    let days = days_before(year, month) + day - 1;
    (fits && rest == b"Z" && days < days_before(year, month + 1))
        .then_some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

fn digits(text: &[u8], count: usize) -> Option<(i64, &[u8])> {
    let (digits, rest) = text.split_at_checked(count)?;
    let number = digits.iter().try_fold(0, |sum, byte| {
        byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0'))
    })?;
    Some((number, rest))
}

/// Days from 1970-01-01 to the first of a month; the thirteenth month is next January.
fn days_before(year: i64, month: i64) -> i64 {
    // Years begin in March here, so that a leap day is a year's last.
    let march = year * 12 + month - 3;
    let (year, month) = (march.div_euclid(12), march.rem_euclid(12));
    365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        - 719_468
}

/// A moment for people: `2024-02-29 23:59:59 UTC`.
#[must_use]
pub fn date(seconds: i64) -> String {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // The month is found by counting down from a guess that is never too early.
    let mut year = 1970 + days / 365 + 1;
    while days_before(year, 1) > days {
        year -= 1;
    }
    let month = (1..=12).rfind(|&month| days_before(year, month) <= days).unwrap_or(1);
    let day = days - days_before(year, month) + 1;
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{:02} UTC", second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written() {
        for (text, wanted) in [
            ("700101000000Z", "1970-01-01 00:00:00 UTC"),
            ("240229235959Z", "2024-02-29 23:59:59 UTC"),
            ("2402292359Z", "2024-02-29 23:59:00 UTC"),
            ("491231235959Z", "2049-12-31 23:59:59 UTC"),
            ("500101000000Z", "1950-01-01 00:00:00 UTC"),
        ] {
            assert_eq!(date(utc_time(text.as_bytes()).unwrap()), wanted, "{text}");
        }
        for (text, wanted) in [
            ("20500101000000Z", "2050-01-01 00:00:00 UTC"),
            ("00010101000000Z", "0001-01-01 00:00:00 UTC"),
            ("99991231235959Z", "9999-12-31 23:59:59 UTC"),
        ] {
            assert_eq!(date(generalized_time(text.as_bytes()).unwrap()), wanted, "{text}");
        }
        assert_eq!(generalized_time(b"20000101000000Z"), Some(946_684_800));
    }

    #[test]
    fn the_date_of_an_answer_is_read() {
        let text = "Thu, 29 Feb 2024 23:59:59 GMT";
        assert_eq!(http_date(text).map(date).as_deref(), Some("2024-02-29 23:59:59 UTC"));
        for wrong in
            ["", " GMT", ", GMT", "Thu, 30 Feb 2024 23:59:59 GMT", "Thu, 1 Mar 24 1:2:3 GMT"]
        {
            assert_eq!(http_date(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn times_that_are_none_are_refused() {
        for text in
            ["", "230229000000Z", "231301000000Z", "23010100000Z", "230101240000Z", "2301010000000"]
        {
            assert_eq!(utc_time(text.as_bytes()), None, "{text}");
        }
    }
}
