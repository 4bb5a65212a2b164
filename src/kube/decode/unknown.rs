//! What the schema does not know: never dropped, shown by number.

use std::borrow::Cow;
use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::tree::Tree;
use super::super::wire::{self, Payload};

/// How deep unknown bytes are taken for messages.
const DEEPEST: usize = 16;

/// A field that the schema does not know.
#[derive(Clone, Debug, PartialEq)]
pub struct Unknown<'a> {
    /// The message that holds it, as `spec.template`; empty for the object itself.
    path: String,
    number: u32,
    payload: Payload<'a>,
}

impl<'a> Unknown<'a> {
    pub(super) fn new(path: String, number: u32, payload: Payload<'a>) -> Self {
        Self { path, number, payload }
    }

    /// Where it stands: `spec.template[57]`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}[{}]", self.path, self.number)
    }

    /// What it holds, as far as can be told from the wire form: a number, text, members by number, or
    /// else bytes as `{"base64": …}`.
    #[must_use]
    pub fn value(&self) -> Tree<'a> {
        value(self.payload, DEEPEST)
    }
}

fn value(payload: Payload<'_>, depth: usize) -> Tree<'_> {
    match payload {
        Payload::Varint(number) => Tree::Uint(number),
        Payload::Fixed64(bytes) => Tree::Uint(u64::from_le_bytes(bytes)),
        Payload::Fixed32(bytes) => Tree::Uint(u64::from(u32::from_le_bytes(bytes))),
        Payload::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) if !text.chars().any(|one| one.is_control() && one != '\n' && one != '\t') => {
                Tree::Text(Cow::Borrowed(text))
            }
            _ => message(bytes, depth).unwrap_or_else(|| {
                Tree::Map(vec![("base64".into(), Tree::text(STANDARD.encode(bytes)))])
            }),
        },
    }
}

/// The members of a message by number; a number that comes twice is a list.
fn message(bytes: &[u8], depth: usize) -> Option<Tree<'_>> {
    let depth = depth.checked_sub(1)?;
    let mut members: Vec<(Cow<str>, Tree)> = Vec::new();
    // Where each stands among the members: there may be as many as bytes.
    let mut known = HashMap::new();
    for field in wire::fields(bytes) {
        let (number, payload) = field.ok()?;
        let value = value(payload, depth);
        let at = *known.entry(number).or_insert(members.len());
        match members.get_mut(at) {
            None => members.push((number.to_string().into(), value)),
            // No value is a list of its own.
            Some((_, Tree::List(items))) => items.push(value),
            Some((_, known)) => {
                let first = std::mem::replace(known, Tree::Null);
                *known = Tree::List(vec![first, value]);
            }
        }
    }
    (!members.is_empty()).then_some(Tree::Map(members))
}
