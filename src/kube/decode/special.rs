//! Messages whose form in JSON is their own.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::schema::{Element, MessageId, Special};
use super::super::tree::{self, Tree};
use super::super::wire::Payload;
use super::super::{cbor, json, time};
use super::{Damage, Walk, scalar, settle};
use crate::go::duration::GoDuration;

impl<'a> Walk<'a, '_> {
    pub(super) fn special(
        &mut self,
        special: Special,
        id: MessageId,
        raw: &'a [u8],
        depth: usize,
    ) -> Tree<'a> {
        let parts = self.parts(raw);
        let number = |wanted| parts.iter().rev().find_map(|part| number(*part, wanted));
        let bytes = |wanted| parts.iter().rev().find_map(|part| bytes(*part, wanted));
        let nanos = || narrow(number(2).unwrap_or(0));
        match special {
            Special::Time | Special::MicroTime if parts.is_empty() => Tree::Null,
            Special::Time => {
                let seconds = number(1).unwrap_or(0).cast_signed();
                time::print(seconds).map_or(Tree::Null, Tree::text)
            }
            Special::MicroTime => {
                let seconds = number(1).unwrap_or(0).cast_signed();
                time::print_micros(seconds, nanos()).map_or(Tree::Null, Tree::text)
            }
            Special::Duration => {
                let nanos = number(1).unwrap_or(0).cast_signed();
                Tree::text(GoDuration::from_nanos(nanos).to_string())
            }
            Special::Quantity => match bytes(1) {
                Some(quantity) if !quantity.is_empty() => Tree::Text(tree::text(quantity)),
                _ => Tree::text("0"),
            },
            Special::IntOrString => match number(1).unwrap_or(0) {
                1 => Tree::Text(tree::text(bytes(3).unwrap_or_default())),
                _ => Tree::Int(i64::from(narrow(number(2).unwrap_or(0)))),
            },
            Special::Raw => raw_value(bytes(1).unwrap_or_default()),
            Special::SchemaOrBool => match bytes(2) {
                Some(schema) => self.schema_below(id, 2, schema, depth),
                None => Tree::Bool(number(1).unwrap_or(0) != 0),
            },
            Special::SchemaOrList | Special::SchemaOrTexts => {
                let mut items = Vec::new();
                for item in parts.iter().filter_map(|part| self::bytes(*part, 2)) {
                    items.push(if special == Special::SchemaOrTexts {
                        Tree::Text(tree::text(item))
                    } else {
                        self.schema_below(id, 2, item, depth)
                    });
                }
                match bytes(1) {
                    _ if !items.is_empty() => Tree::List(items),
                    Some(schema) => self.schema_below(id, 1, schema, depth),
                    None => Tree::Null,
                }
            }
            Special::Fields => self.owned(&parts, depth),
            Special::None => Tree::Null,
        }
    }

    fn parts(&mut self, raw: &'a [u8]) -> Vec<(u32, Payload<'a>)> {
        let mut parts = Vec::new();
        self.each(raw, |_, number, payload| parts.push((number, payload)));
        parts
    }

    /// The schema that a message of two forms holds in one of its fields.
    fn schema_below(
        &mut self,
        id: MessageId,
        number: u32,
        raw: &'a [u8],
        depth: usize,
    ) -> Tree<'a> {
        let field = self.schema.message(id).and_then(|message| message.field(number));
        match field.map(|(_, field)| field.element) {
            Some(Element::Message(below)) => self.below(below, raw, depth),
            _ => Tree::Null,
        }
    }

    /// What managers own, in its first form: names of fields, each with names below it; null where there are none.
    fn owned(&mut self, parts: &[(u32, Payload<'a>)], depth: usize) -> Tree<'a> {
        if depth > super::DEEPEST {
            self.damage.get_or_insert(Damage::new("messages stand too deep in each other"));
            return Tree::Null;
        }
        let mut members = Vec::new();
        for entry in parts.iter().filter_map(|part| bytes(*part, 1)) {
            let entry = self.parts(entry);
            let last = |wanted| entry.iter().rev().find_map(|part| bytes(*part, wanted));
            let inner = self.parts(last(2).unwrap_or_default());
            let value = self.owned(&inner, depth + 1);
            members.push((tree::text(last(1).unwrap_or_default()), value));
        }
        settle(&mut members);
        if members.is_empty() { Tree::Null } else { Tree::Map(members) }
    }
}

/// Bytes that hold a value of their own: JSON, CBOR, or what nobody should have stored there.
fn raw_value(raw: &[u8]) -> Tree<'_> {
    if raw.is_empty() {
        return Tree::Null;
    }
    let known = if cbor::is_tagged(raw) || matches!(raw.first(), Some(0xa0..=0xbf)) {
        cbor::read(raw)
    } else {
        json::read(raw)
    };
    known.unwrap_or_else(|_| {
        Tree::Map(vec![(Cow::Borrowed("base64"), Tree::text(STANDARD.encode(raw)))])
    })
}

fn number((number, payload): (u32, Payload), wanted: u32) -> Option<u64> {
    match payload {
        Payload::Varint(value) if number == wanted => Some(value),
        _ => None,
    }
}

fn bytes((number, payload): (u32, Payload<'_>), wanted: u32) -> Option<&[u8]> {
    match payload {
        Payload::Bytes(value) if number == wanted => Some(value),
        _ => None,
    }
}

fn narrow(number: u64) -> i32 {
    match scalar(Element::Int32, number) {
        Some(Tree::Int(value)) => i32::try_from(value).unwrap_or_default(),
        _ => 0,
    }
}
