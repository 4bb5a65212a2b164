//! A map's members to a message's fields.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::schema::{Element, Field, Message, MessageId, Schema, Shape, Special};
use super::super::tree::Tree;
use super::super::wire::{put_bytes, put_number, put_varint};
use super::{Unfit, special, zero};

/// A message of these members; of null, the zero message. `strict` refuses members that it does not have.
pub fn message(id: MessageId, tree: &Tree, strict: bool) -> Result<Vec<u8>, Unfit> {
    let schema = Schema::get();
    let message = schema.message(id).ok_or_else(|| Unfit::new("the schema has a gap"))?;
    if message.special != Special::None {
        return special::special(message, tree);
    }
    match tree {
        Tree::Map(members) if strict => {
            if let Some((name, _)) = members.iter().find(|(name, _)| !has(message, name)) {
                return Err(Unfit::new("there is no such member here").below(name));
            }
        }
        Tree::Map(_) | Tree::Null => {}
        _ => return Err(wanted("an object", tree)),
    }
    let mut ascending: Vec<&Field> = message.fields.iter().collect();
    ascending.sort_by_key(|field| field.number);
    let mut out = Vec::new();
    for one in ascending {
        if one.inline() {
            if let Element::Message(below) = one.element {
                let inner = self::message(below, tree, false)?;
                if !(inner.is_empty() && one.removed()) {
                    put_bytes(one.number, &inner, &mut out);
                }
            }
            continue;
        }
        let value = tree.get(one.name).filter(|value| !one.hidden() && **value != Tree::Null);
        match value {
            Some(value) => field(one, value, &mut out).map_err(|err| err.below(one.name))?,
            None => absent(one, &mut out)?,
        }
    }
    Ok(out)
}

/// Whether a message, or one whose members stand among its own, has a member of that name.
fn has(message: &Message, name: &str) -> bool {
    message.fields.iter().any(|field| match field.element {
        Element::Message(below) if field.inline() => {
            Schema::get().message(below).is_some_and(|below| has(below, name))
        }
        _ => !field.hidden() && field.name == name,
    }) || matches!(name, "kind" | "apiVersion") && message.fields.first().is_some_and(is_metadata)
}

/// Objects say their type, also inside of others, where no protobuf has a place for it.
fn is_metadata(field: &Field) -> bool {
    field.name == "metadata"
}

/// What is written of a field that has no value: scalars and messages that are no pointers always are.
fn absent(field: &Field, out: &mut Vec<u8>) -> Result<(), Unfit> {
    if field.removed() || field.pointer() || field.shape != Shape::One {
        return Ok(());
    }
    match field.element {
        Element::Text => put_bytes(field.number, b"", out),
        Element::Bytes => {}
        Element::Message(id) => put_bytes(field.number, &zero(id)?, out),
        Element::Float => fixed(field.number, 5, &[0; 4], out),
        Element::Double => fixed(field.number, 1, &[0; 8], out),
        _ => put_number(field.number, 0, out),
    }
    Ok(())
}

fn field(field: &Field, value: &Tree, out: &mut Vec<u8>) -> Result<(), Unfit> {
    let Field { number, element, .. } = *field;
    match field.shape {
        Shape::One => one(number, element, value, out),
        Shape::List => list(number, element, value, out),
        Shape::WrappedList => {
            let mut items = Vec::new();
            list(1, element, value, &mut items)?;
            put_bytes(number, &items, out);
            Ok(())
        }
        Shape::Map | Shape::MapOfWrappedLists => map(number, field, value, out),
        Shape::WrappedMap => {
            let mut entries = Vec::new();
            map(1, field, value, &mut entries)?;
            put_bytes(number, &entries, out);
            Ok(())
        }
    }
}

fn list(number: u32, element: Element, value: &Tree, out: &mut Vec<u8>) -> Result<(), Unfit> {
    let Tree::List(items) = value else { return Err(wanted("a list", value)) };
    for (at, item) in items.iter().enumerate() {
        one(number, element, item, out).map_err(|err| err.in_item(at))?;
    }
    Ok(())
}

fn map(number: u32, field: &Field, value: &Tree, out: &mut Vec<u8>) -> Result<(), Unfit> {
    let Tree::Map(members) = value else { return Err(wanted("an object", value)) };
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (key, value) in sorted {
        let mut entry = Vec::new();
        put_bytes(1, key.as_bytes(), &mut entry);
        if field.shape == Shape::MapOfWrappedLists {
            let mut items = Vec::new();
            if *value != Tree::Null {
                list(1, field.element, value, &mut items).map_err(|err| err.below(key))?;
            }
            put_bytes(2, &items, &mut entry);
        } else {
            one(2, field.element, value, &mut entry).map_err(|err| err.below(key))?;
        }
        put_bytes(number, &entry, out);
    }
    Ok(())
}

/// One value. Of an item that is null the zero is stored.
fn one(number: u32, element: Element, value: &Tree, out: &mut Vec<u8>) -> Result<(), Unfit> {
    match (element, value) {
        (Element::Message(id), _) => put_bytes(number, &message(id, value, true)?, out),
        (Element::Text | Element::Bytes, Tree::Null) => put_bytes(number, b"", out),
        (Element::Text, Tree::Text(text)) => put_bytes(number, text.as_bytes(), out),
        (Element::Text, _) => return Err(wanted("a text", value)),
        (Element::Bytes, Tree::Text(text)) => match STANDARD.decode(text.as_bytes()) {
            Ok(bytes) => put_bytes(number, &bytes, out),
            Err(_) => return Err(Unfit::new("bytes are wanted here, in base64")),
        },
        (Element::Bytes, _) => return Err(wanted("bytes in base64", value)),
        (Element::Bool, Tree::Bool(value)) => put_number(number, u64::from(*value), out),
        (Element::Bool, Tree::Null) => put_number(number, 0, out),
        (Element::Bool, _) => return Err(wanted("true or false", value)),
        (Element::Double, _) => fixed(number, 1, &float(value)?.to_le_bytes(), out),
        #[expect(clippy::cast_possible_truncation, reason = "the field has 32 bits")]
        (Element::Float, _) => fixed(number, 5, &(float(value)? as f32).to_le_bytes(), out),
        (Element::Int32, _) => {
            let limits = i128::from(i32::MIN)..=i128::from(i32::MAX);
            put_number(number, integer(value, limits)?, out);
        }
        (Element::Int64, _) => {
            let limits = i128::from(i64::MIN)..=i128::from(i64::MAX);
            put_number(number, integer(value, limits)?, out);
        }
        (Element::Uint32, _) => put_number(number, integer(value, 0..=i128::from(u32::MAX))?, out),
        (Element::Uint64, _) => put_number(number, integer(value, 0..=i128::from(u64::MAX))?, out),
    }
    Ok(())
}

fn fixed(number: u32, wire: u64, bytes: &[u8], out: &mut Vec<u8>) {
    put_varint(u64::from(number) << 3 | wire, out);
    out.extend_from_slice(bytes);
}

/// A whole number in its 64 bits on the wire.
fn integer(value: &Tree, limits: std::ops::RangeInclusive<i128>) -> Result<u64, Unfit> {
    let number = match value {
        Tree::Null => 0,
        Tree::Int(number) => i128::from(*number),
        Tree::Uint(number) => i128::from(*number),
        _ => return Err(wanted("a whole number", value)),
    };
    if !limits.contains(&number) {
        let (low, high) = limits.into_inner();
        return Err(Unfit::new(format!("{number} is not between {low} and {high}")));
    }
    i64::try_from(number).map(i64::cast_unsigned).or_else(|_| {
        u64::try_from(number).map_err(|_| Unfit::new(format!("{number} is too large")))
    })
}

fn float(value: &Tree) -> Result<f64, Unfit> {
    let text = match value {
        Tree::Null => return Ok(0.0),
        Tree::Int(number) => number.to_string(),
        Tree::Uint(number) => number.to_string(),
        Tree::Number(text) => text.to_string(),
        _ => return Err(wanted("a number", value)),
    };
    text.parse().map_err(|_| wanted("a number", value))
}

pub fn wanted(what: &str, value: &Tree) -> Unfit {
    let found = match value {
        Tree::Null => "null",
        Tree::Bool(_) => "true or false",
        Tree::Int(_) | Tree::Uint(_) | Tree::Number(_) => "a number",
        Tree::Text(_) => "a text",
        Tree::List(_) => "a list",
        Tree::Map(_) => "an object",
    };
    Unfit::new(format!("{what} is wanted here, not {found}"))
}
