//! Protobuf to a tree, by the schema.
//!
//! The writer always writes scalars and messages that are no pointers, also where they are zero; what is
//! absent on the wire was unknown to the writer, and is left out.

mod special;
mod unknown;

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::damage::Damage;
use super::schema::{Element, Field, MessageId, Schema, Shape, Special};
use super::tree::{self, Members, Tree};
use super::wire::{self, Payload};
use super::{Options, go_float};

pub use unknown::Unknown;

/// How deep messages may stand in messages. Real ones stand less than 30 deep.
const DEEPEST: usize = 200;

/// A message's tree, and what the schema does not know of it.
pub struct Decoded<'a> {
    pub members: Members<'a>,
    pub unknown: Vec<Unknown<'a>>,
}

/// Decodes an object's own message.
///
/// # Errors
/// Damage of the wire form.
pub fn object<'a>(id: MessageId, raw: &'a [u8], options: &Options) -> Result<Decoded<'a>, Damage> {
    let mut walk = Walk::new(raw, options);
    let mut members = Vec::new();
    walk.message(id, raw, 0, &mut members)?;
    Ok(Decoded { members, unknown: walk.unknown })
}

/// An object of a kind that the schema does not have: its metadata, and the rest by number.
#[must_use]
pub fn stranger<'a>(raw: &'a [u8], options: &Options) -> Decoded<'a> {
    let mut members = Vec::new();
    let mut unknown = Vec::new();
    for (position, field) in wire::fields(raw).enumerate() {
        let Ok((number, payload)) = field else {
            unknown.push(Unknown::rest(raw));
            return Decoded { members: Vec::new(), unknown };
        };
        // The first field of every object is its metadata.
        if let (0, 1, Payload::Bytes(meta)) = (position, number, payload)
            && let Some(found) = metadata(meta, options)
        {
            members.push((Cow::Borrowed("metadata"), found));
            continue;
        }
        unknown.push(Unknown::new(String::new(), number, payload));
    }
    Decoded { members, unknown }
}

/// Metadata, where the bytes look like it: nothing unknown, and a name.
fn metadata<'a>(raw: &'a [u8], options: &Options) -> Option<Tree<'a>> {
    let mut walk = Walk::new(raw, options);
    let mut members = Vec::new();
    walk.message(Schema::get().object_meta()?, raw, 1, &mut members).ok()?;
    let found = Tree::Map(members);
    let named = found.get("name").or(found.get("generateName")).is_some();
    (named && walk.unknown.is_empty()).then_some(found)
}

/// One step of the way down to a message.
type Step = &'static str;

struct Walk<'a, 'o> {
    schema: &'static Schema,
    options: &'o Options,
    start: usize,
    path: Vec<Step>,
    unknown: Vec<Unknown<'a>>,
}

impl<'a, 'o> Walk<'a, 'o> {
    fn new(raw: &'a [u8], options: &'o Options) -> Self {
        Self {
            schema: Schema::get(),
            options,
            start: raw.as_ptr() as usize,
            path: Vec::new(),
            unknown: Vec::new(),
        }
    }

    /// Where in the object the bytes begin.
    fn offset(&self, bytes: &[u8]) -> usize {
        (bytes.as_ptr() as usize).wrapping_sub(self.start)
    }

    /// Appends a message's members.
    fn message(
        &mut self,
        id: MessageId,
        raw: &'a [u8],
        depth: usize,
        members: &mut Members<'a>,
    ) -> Result<(), Damage> {
        if depth > DEEPEST {
            return Err(Damage::new("messages stand too deep in each other").at(self.offset(raw)));
        }
        let message = self.schema.message(id).ok_or_else(|| Damage::new("the schema has a gap"))?;
        let mut found: Vec<(usize, Tree<'a>)> = Vec::with_capacity(message.fields.len().min(24));
        let mut fields = wire::fields(raw);
        loop {
            let before = fields.rest();
            let Some(next) = fields.next() else { break };
            let (number, payload) = next.map_err(|err| err.at(self.offset(before)))?;
            match message.field(number) {
                Some((at, field)) if self.wanted(field, depth) => {
                    if !self.field(at, field, payload, depth, &mut found)? {
                        self.note(number, payload);
                    }
                }
                Some(_) => {}
                None => self.note(number, payload),
            }
        }
        for (at, value) in &mut found {
            let shape = message.fields.get(*at).map(|field| field.shape);
            if let (Some(Shape::Map | Shape::MapOfWrappedLists), Tree::Map(entries)) =
                (shape, value)
            {
                settle(entries);
            }
        }
        self.declare(&message.fields, depth, found, members);
        Ok(())
    }

    fn note(&mut self, number: u32, payload: Payload<'a>) {
        self.unknown.push(Unknown::new(self.path.join("."), number, payload));
    }

    /// Whether a field is printed. The object's own managed fields are long, and rarely wanted.
    fn wanted(&self, field: &Field, depth: usize) -> bool {
        let own = depth == 1 && self.path == ["metadata"];
        let long = own && field.name == "managedFields";
        !field.hidden() && (self.options.managed_fields || !long)
    }

    /// Puts members in the order of declaration, with nulls where Go prints them.
    fn declare(
        &self,
        fields: &'static [Field],
        depth: usize,
        mut found: Vec<(usize, Tree<'a>)>,
        members: &mut Members<'a>,
    ) {
        // What is written in the order of numbers is nearly in that of declaration.
        found.sort_by_key(|(at, _)| *at);
        members.reserve(found.len() + 1);
        let own_meta = depth == 1 && self.path == ["metadata"];
        let mut found = found.into_iter().peekable();
        for (at, field) in fields.iter().enumerate() {
            let value = found.next_if(|(next, _)| *next == at).map(|(_, value)| value);
            if own_meta
                && field.name == "resourceVersion"
                && let Some(revision) = self.options.mod_revision
            {
                members.push((field.name.into(), Tree::text(revision.to_string())));
                continue;
            }
            match value {
                Some(Tree::Map(inner)) if field.inline() => members.extend(inner),
                Some(value) if omitted(field, &value) => {}
                Some(value) => members.push((field.name.into(), value)),
                None if field.omit_empty() || field.hidden() || field.inline() => {}
                None if field.pointer() || nilable(field) => {
                    members.push((field.name.into(), Tree::Null));
                }
                None => {}
            }
        }
    }

    /// Adds one occurrence of a field; false where its wire type is another than the schema's.
    fn field(
        &mut self,
        at: usize,
        field: &'static Field,
        payload: Payload<'a>,
        depth: usize,
        found: &mut Vec<(usize, Tree<'a>)>,
    ) -> Result<bool, Damage> {
        // Occurrences of one field follow each other.
        let slot = found.iter().rposition(|(known, _)| *known == at);
        let inline = field.inline();
        if !inline {
            self.path.push(field.name);
        }
        let value = match field.shape {
            Shape::One => self.one(field.element, payload, depth)?,
            Shape::List => self.items(field.element, payload, depth)?,
            Shape::WrappedList => self.wrapped_list(field.element, payload, depth)?,
            Shape::Map | Shape::MapOfWrappedLists => self.entry(field, payload, depth)?,
            Shape::WrappedMap => self.wrapped_map(field, payload, depth)?,
        };
        if !inline {
            self.path.pop();
        }
        let Some(value) = value else { return Ok(false) };
        match slot.and_then(|slot| found.get_mut(slot)) {
            None => found.push((at, value)),
            Some((_, Tree::List(items))) if field.shape == Shape::List => {
                if let Tree::List(more) = value {
                    items.extend(more);
                }
            }
            Some((_, Tree::Map(entries)))
                if matches!(field.shape, Shape::Map | Shape::MapOfWrappedLists) =>
            {
                if let Tree::Map(more) = value {
                    entries.extend(more);
                }
            }
            Some((_, known)) if matches!(field.element, Element::Message(_)) => known.merge(value),
            Some((_, known)) => *known = value,
        }
        Ok(true)
    }

    fn one(
        &mut self,
        element: Element,
        payload: Payload<'a>,
        depth: usize,
    ) -> Result<Option<Tree<'a>>, Damage> {
        Ok(Some(match (element, payload) {
            (Element::Text, Payload::Bytes(bytes)) => Tree::Text(tree::text(bytes)),
            (Element::Bytes, Payload::Bytes(bytes)) => Tree::text(STANDARD.encode(bytes)),
            (Element::Message(id), Payload::Bytes(bytes)) => self.below(id, bytes, depth)?,
            (Element::Double, Payload::Fixed64(bytes)) => go_float(f64::from_le_bytes(bytes)),
            (Element::Float, Payload::Fixed32(bytes)) => {
                super::go_single(f32::from_le_bytes(bytes))
            }
            (_, Payload::Varint(number)) => match scalar(element, number) {
                Some(value) => value,
                None => return Ok(None),
            },
            _ => return Ok(None),
        }))
    }

    fn below(&mut self, id: MessageId, raw: &'a [u8], depth: usize) -> Result<Tree<'a>, Damage> {
        let special = self.schema.message(id).map_or(Special::None, |message| message.special);
        if special != Special::None {
            return self.special(special, id, raw, depth + 1);
        }
        let mut members = Vec::new();
        self.message(id, raw, depth + 1, &mut members)?;
        Ok(Tree::Map(members))
    }

    /// One item of a list, or several numbers packed into one field.
    fn items(
        &mut self,
        element: Element,
        payload: Payload<'a>,
        depth: usize,
    ) -> Result<Option<Tree<'a>>, Damage> {
        let packable = scalar(element, 0).is_some();
        if let (true, Payload::Bytes(packed)) = (packable, payload) {
            let mut items = Vec::new();
            let mut rest = wire::fields(packed);
            while !rest.rest().is_empty() {
                let number = rest.varint().map_err(|err| err.at(self.offset(packed)))?;
                items.extend(scalar(element, number));
            }
            return Ok(Some(Tree::List(items)));
        }
        Ok(self.one(element, payload, depth)?.map(|item| Tree::List(vec![item])))
    }

    fn wrapped_list(
        &mut self,
        element: Element,
        payload: Payload<'a>,
        depth: usize,
    ) -> Result<Option<Tree<'a>>, Damage> {
        let Payload::Bytes(raw) = payload else { return Ok(None) };
        let mut items = Vec::new();
        for field in wire::fields(raw) {
            let (number, payload) = field.map_err(|err| err.at(self.offset(raw)))?;
            let item = if number == 1 { self.one(element, payload, depth + 1)? } else { None };
            match item {
                Some(item) => items.push(item),
                None => self.note(number, payload),
            }
        }
        Ok(Some(Tree::List(items)))
    }

    fn wrapped_map(
        &mut self,
        field: &'static Field,
        payload: Payload<'a>,
        depth: usize,
    ) -> Result<Option<Tree<'a>>, Damage> {
        let Payload::Bytes(raw) = payload else { return Ok(None) };
        let mut entries = Vec::new();
        for inner in wire::fields(raw) {
            let (number, payload) = inner.map_err(|err| err.at(self.offset(raw)))?;
            let entry = if number == 1 { self.entry(field, payload, depth + 1)? } else { None };
            match entry {
                Some(Tree::Map(more)) => entries.extend(more),
                _ => self.note(number, payload),
            }
        }
        settle(&mut entries);
        Ok(Some(Tree::Map(entries)))
    }

    /// One entry of a map, as a map.
    fn entry(
        &mut self,
        field: &'static Field,
        payload: Payload<'a>,
        depth: usize,
    ) -> Result<Option<Tree<'a>>, Damage> {
        let Payload::Bytes(raw) = payload else { return Ok(None) };
        let mut key = Cow::Borrowed("");
        let mut value = None;
        for inner in wire::fields(raw) {
            let (number, payload) = inner.map_err(|err| err.at(self.offset(raw)))?;
            match (number, payload) {
                (1, Payload::Bytes(bytes)) => key = tree::text(bytes),
                (2, _) => {
                    value = if field.shape == Shape::MapOfWrappedLists {
                        self.wrapped_list(field.element, payload, depth + 1)?
                    } else {
                        self.one(field.element, payload, depth + 1)?
                    };
                    if value.is_none() {
                        self.note(number, payload);
                    }
                }
                _ => self.note(number, payload),
            }
        }
        let value = match value {
            Some(value) => value,
            None if field.shape == Shape::MapOfWrappedLists => Tree::Null,
            None => self.zero(field.element, depth)?,
        };
        Ok(Some(Tree::Map(vec![(key, value)])))
    }

    /// What an entry without a value holds.
    fn zero(&mut self, element: Element, depth: usize) -> Result<Tree<'a>, Damage> {
        Ok(match element {
            Element::Text | Element::Bytes => Tree::text(""),
            Element::Message(id) => self.below(id, &[], depth + 1)?,
            Element::Float | Element::Double => Tree::Int(0),
            _ => scalar(element, 0).unwrap_or(Tree::Null),
        })
    }
}

/// Sorts a map's entries, as maps are printed; the last one of a key wins. Writers sort them already.
fn settle(entries: &mut Members<'_>) {
    if !entries.is_sorted_by(|(one, _), (next, _)| one < next) {
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        entries.reverse();
        entries.dedup_by(|(one, _), (kept, _)| one == kept);
        entries.reverse();
    }
}

fn scalar<'a>(element: Element, number: u64) -> Option<Tree<'a>> {
    Some(match element {
        Element::Bool => Tree::Bool(number != 0),
        // What does not fit is cut off, as the libraries do.
        #[expect(clippy::cast_possible_truncation, reason = "the wire form is that of 64 bits")]
        Element::Int32 => Tree::Int(i64::from(number as i32)),
        Element::Int64 => Tree::Int(number.cast_signed()),
        Element::Uint32 => Tree::Uint(number & u64::from(u32::MAX)),
        Element::Uint64 => Tree::Uint(number),
        _ => return None,
    })
}

/// Whether absent is null: lists, maps and bytes.
fn nilable(field: &Field) -> bool {
    field.shape != Shape::One || field.element == Element::Bytes
}

/// Whether Go's tags leave this value out.
fn omitted(field: &Field, value: &Tree) -> bool {
    let message = matches!(field.element, Element::Message(_)) && field.shape == Shape::One;
    if field.omit_zero() && !field.pointer() && *value == Tree::Null {
        return true;
    }
    if message {
        return field.removed() && value.is_empty();
    }
    field.omit_empty() && (!field.pointer() || field.removed()) && value.is_empty()
}
