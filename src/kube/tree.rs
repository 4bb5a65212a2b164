//! A decoded value: what JSON can say, in the order in which it was declared or written.

use std::borrow::Cow;
use std::collections::HashMap;

use zeroize::Zeroize;

/// The members of an object, each key once.
pub type Members<'a> = Vec<(Cow<'a, str>, Tree<'a>)>;

#[derive(Clone, Debug, PartialEq)]
pub enum Tree<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    /// Any other number, as JSON writes it: a fraction, an exponent, an integer past 64 bits.
    Number(Cow<'a, str>),
    Text(Cow<'a, str>),
    List(Vec<Tree<'a>>),
    Map(Members<'a>),
}

impl<'a> Tree<'a> {
    #[must_use]
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    /// The member of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Tree<'a>> {
        match self {
            Self::Map(members) => {
                members.iter().find(|(key, _)| key == name).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is false, zero or empty: what `omitempty` leaves out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Null | Self::Bool(false) | Self::Int(0) | Self::Uint(0) => true,
            Self::Number(number) => matches!(number.as_ref(), "0" | "-0"),
            Self::Text(text) => text.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Map(members) => members.is_empty(),
            Self::Bool(true) | Self::Int(_) | Self::Uint(_) => false,
        }
    }

    /// Overwrites every text that is its own: it may have been a key.
    pub(super) fn wipe(&mut self) {
        match self {
            Self::Text(Cow::Owned(text)) => text.zeroize(),
            Self::List(items) => items.iter_mut().for_each(Tree::wipe),
            Self::Map(members) => members.iter_mut().for_each(|(_, value)| value.wipe()),
            _ => {}
        }
    }

    /// What protobuf makes of a message that comes twice: scalars are replaced, the rest adds up.
    pub(super) fn merge(&mut self, other: Tree<'a>) {
        match (self, other) {
            (_, Self::Null) => {}
            (Self::List(items), Self::List(more)) => items.extend(more),
            (Self::Map(members), Self::Map(more)) => {
                // Looked up by their hash where there are many: a map may hold as many as a value has bytes.
                let hashed = more.len() > 8;
                let keys = members.iter().map(|(key, _)| key.clone()).zip(0..);
                let mut known: HashMap<_, _> = keys.take_while(|_| hashed).collect();
                for (key, value) in more {
                    let at = if hashed {
                        *known.entry(key.clone()).or_insert(members.len())
                    } else {
                        members.iter().position(|(known, _)| *known == key).unwrap_or(usize::MAX)
                    };
                    match members.get_mut(at) {
                        Some((_, known)) => known.merge(value),
                        None => members.push((key, value)),
                    }
                }
            }
            (old, new) => *old = new,
        }
    }
}

/// Text of bytes. Where they are no UTF-8, a U+FFFD each, as Go reads them.
#[must_use]
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Cow::Owned(text)
}
