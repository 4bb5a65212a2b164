//! The order of keys: letters behind everything else, digits as the numbers they write.

use std::cmp::Ordering;

/// Compares two keys as yaml.v2 does.
///
/// For rare mixes of letters and digits its relation is not transitive, and what it prints then depends
/// on chance there.
pub fn compare(one: &str, other: &str) -> Ordering {
    let common = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    match (one.as_bytes().get(common), other.as_bytes().get(common)) {
        (Some(&a), Some(&b)) if is_simple(a) && is_simple(b) => {
            (a.is_ascii_alphabetic(), a).cmp(&(b.is_ascii_alphabetic(), b))
        }
        (Some(_), Some(_)) => slow(one, other),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// Whether it is a character of its own, and none that is a part of a number.
fn is_simple(byte: u8) -> bool {
    byte.is_ascii() && !byte.is_ascii_digit()
}

fn slow(one: &str, other: &str) -> Ordering {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let Some(at) = one.iter().zip(&other).position(|(a, b)| a != b) else {
        return one.len().cmp(&other.len());
    };
    let (a, b) = (one[at], other[at]);
    if is_letter(a) || is_letter(b) {
        return (is_letter(a), a).cmp(&(is_letter(b), b));
    }
    // A digit that is not zero before the difference makes zeros count as places.
    let inside = (a == '0' || b == '0')
        && one[..at].iter().rev().take_while(|c| is_digit(**c)).any(|c| *c != '0');
    let (first, first_length) = digits(&one[at..], inside);
    let (second, second_length) = digits(&other[at..], inside);
    first.cmp(&second).then(first_length.cmp(&second_length)).then(a.cmp(&b))
}

/// The number that begins here, as Go's wrapping int64, and how many digits it has.
fn digits(text: &[char], inside: bool) -> (i64, usize) {
    let run = text.iter().take_while(|c| is_digit(**c));
    run.fold((i64::from(inside), 0), |(number, length), &digit| {
        let digit = i64::from(u32::from(digit)) - i64::from(u32::from('0'));
        (number.wrapping_mul(10).wrapping_add(digit), length + 1)
    })
}

fn is_letter(c: char) -> bool {
    // Alphabetic is wider than Go's letters: it has numbers and marks too.
    c.is_ascii_alphabetic() || !c.is_ascii() && c.is_alphabetic() && !c.is_numeric()
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_as_people_expect_them() {
        for (sorted, why) in [
            (&["_x", "1", "A", "a"][..], "letters last, upper case first"),
            (&["file9", "file10", "file11"], "digits are numbers"),
            (&["a", "a.b", "ab"], "a dot is no letter"),
            (&["a1", "a01"], "of equal numbers the shorter"),
            (&["name", "namespace"], "the shorter of what begins alike"),
            (&["a-1", "a-é"], "letters beyond ASCII"),
        ] {
            for pair in sorted.windows(2) {
                assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}: {why}");
                assert_eq!(compare(pair[1], pair[0]), Ordering::Greater, "{pair:?}: {why}");
            }
        }
        assert_eq!(compare("same", "same"), Ordering::Equal);
    }
}
