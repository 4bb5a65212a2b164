//! What the user may have meant: cobra’s suggestions for an unknown command.

/// cobra’s `SuggestionsMinimumDistance`, which despite its name is the largest one.
const FARTHEST: usize = 2;

/// The names like `typed`, in the order given: cobra 1.10.2’s `Command.SuggestionsFor`.
///
/// A name is alike if at most two edits away, or if it begins with `typed`; case does not count.
pub fn suggestions<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let typed = lower(typed);
    names
        .filter(|name| {
            let name = lower(name);
            name.starts_with(&typed) || distance_of(&typed, &name) <= FARTHEST
        })
        .collect()
}

/// The edits between two words, in bytes and whatever their case: cobra 1.10.2’s `ld`.
#[must_use]
pub fn distance(left: &str, right: &str) -> usize {
    distance_of(&lower(left), &lower(right))
}

/// Levenshtein’s distance, one row of its table at a time.
fn distance_of(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (1..=right.len()).collect();
    for (removed, a) in left.bytes().enumerate() {
        let (mut corner, mut beside) = (removed, removed + 1);
        for (cell, b) in row.iter_mut().zip(right.bytes()) {
            let edits = if a == b { corner } else { corner.min(beside).min(*cell) + 1 };
            corner = std::mem::replace(cell, edits);
            beside = edits;
        }
    }
    row.last().copied().unwrap_or(left.len())
}

/// Go’s `strings.ToLower` replaces each character by one, whatever stands around it; Rust’s may
/// give two, or choose by the context.
fn lower(text: &str) -> String {
    text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMANDS: &str = "alarm auth check compaction completion defrag del downgrade elect \
        endpoint get help lease lock make-mirror member move-leader put role snapshot txn user \
        version watch";

    #[test]
    fn suggestions_are_those_of_cobra() {
        for (typed, expected) in [
            ("gett", "get"),
            ("GET", "del get put"),
            ("pt", "get put"),
            ("comp", "compaction completion"),
            ("snapshto", "snapshot"),
            ("watching", ""),
            ("E", "del elect endpoint get"),
            ("lck", "lock"),
            ("nonsense", ""),
            ("ge é", ""),
            ("İ", ""),
            ("", COMMANDS),
        ] {
            let found = suggestions(typed, COMMANDS.split(' '));
            assert_eq!(found.join(" "), expected, "{typed}");
        }
    }

    #[test]
    fn distances_are_those_of_cobra() {
        for (left, right, expected) in [
            ("", "", 0),
            ("", "get", 3),
            ("get", "", 3),
            ("GET", "get", 0),
            ("kitten", "sitting", 3),
            ("é", "e", 2), // counted in bytes
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
        }
    }
}
