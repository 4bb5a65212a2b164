//! The live cluster: where it is, how it is reached, what it answers.

use std::io;

pub mod srv;
pub mod tls;

/// The system's words for an error, as Go writes them: lower case, without the number.
fn system_words(err: &io::Error) -> String {
    let text = err.to_string();
    let text = text.split_once(" (os error").map_or(text.as_str(), |(words, _)| words);
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
