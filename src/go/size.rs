//! Sizes for people.

/// Where a unit begins, what it divides by, its name; the largest first.
///
/// go-humanize finds the unit by a logarithm, whose rounding lets the two largest begin early.
const UNITS: [(u64, f64, &str); 7] = [
    (999_999_999_999_995_072, 1e18, "EB"),
    (999_999_999_999_996, 1e15, "PB"),
    (1_000_000_000_000, 1e12, "TB"),
    (1_000_000_000, 1e9, "GB"),
    (1_000_000, 1e6, "MB"),
    (1_000, 1e3, "kB"),
    (10, 1.0, "B"),
];

/// A size in decimal units, like `20 kB`: go-humanize 1.0.1’s `Bytes`.
#[must_use]
pub fn bytes(size: u64) -> String {
    let Some((_, unit, name)) = UNITS.iter().find(|(from, ..)| size >= *from) else {
        return format!("{size} B");
    };
    #[expect(clippy::cast_precision_loss, reason = "the original computes in floating point")]
    let value = (size as f64 / unit * 10.0 + 0.5).floor() / 10.0;
    if value < 10.0 { format!("{value:.1} {name}") } else { format!("{value:.0} {name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_printed_as_go_humanize_prints_them() {
        for (size, expected) in [
            (0, "0 B"),
            (1, "1 B"),
            (9, "9 B"),
            (10, "10 B"),
            (99, "99 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (1049, "1.0 kB"),
            (1050, "1.1 kB"),
            (1149, "1.1 kB"),
            (1150, "1.2 kB"),
            (1250, "1.3 kB"),
            (9949, "9.9 kB"),
            (9950, "10 kB"),
            (10500, "10 kB"),
            (11500, "12 kB"),
            (12500, "12 kB"),
            (20480, "20 kB"),
            (82_854_982, "83 MB"),
            (999_499, "1000 kB"),
            (999_999, "1000 kB"),
            (1_000_000, "1.0 MB"),
            (2_147_483_648, "2.1 GB"),
            (999_999_999, "1000 MB"),
            (1_000_000_000, "1.0 GB"),
            (999_949_999_999, "1000 GB"),
            (1_000_000_000_000, "1.0 TB"),
            (999_999_999_999_995, "1000 TB"),
            (999_999_999_999_996, "1.0 PB"),
            (999_999_999_999_995_071, "1000 PB"),
            (999_999_999_999_995_072, "1.0 EB"),
            (u64::MAX, "18 EB"),
        ] {
            assert_eq!(bytes(size), expected, "{size}");
        }
    }
}
