//! The system's words for what it could not do.

use std::io;
use std::path::Path;

use crate::error::Error;

/// An error's text as Go writes it: lower case, without the number.
#[must_use]
pub fn words(err: &io::Error) -> String {
    let text = err.to_string();
    let text = text.split_once(" (os error").map_or(text.as_str(), |(words, _)| words);
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// Go's words for a call that failed: `open PATH: permission denied`.
#[must_use]
pub fn failed(call: &str, path: &Path, err: &io::Error) -> Error {
    Error::failure(format!("{call} {}: {}", path.display(), words(err)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_lower_case_and_bare() {
        let missing = std::fs::File::open("/no/such/file").unwrap_err();
        assert_eq!(words(&missing), "no such file or directory");
    }
}
