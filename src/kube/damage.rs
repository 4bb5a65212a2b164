//! What is wrong with a value.

use std::fmt;

/// Why a value cannot be read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    what: String,
    /// Where, in bytes from the beginning of the stored value, where that is known.
    offset: Option<usize>,
}

impl Damage {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), offset: None }
    }

    /// The same, found at this offset, unless a more exact one is known.
    #[must_use]
    pub(super) fn at(mut self, offset: usize) -> Self {
        self.offset.get_or_insert(offset);
        self
    }

    /// The same, when the bytes that were looked at begin this far behind the value's own beginning.
    #[must_use]
    pub(super) fn moved(mut self, by: usize) -> Self {
        self.offset = self.offset.map(|offset| offset.wrapping_add(by));
        self
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match self.offset {
            Some(offset) => write!(f, " at byte {offset}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Damage {}
