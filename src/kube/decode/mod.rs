//! Protobuf to a tree, by the schema.
//!
//! The writer always writes scalars and messages that are no pointers, also where they are zero; what is
//! absent on the wire was unknown to the writer, and is left out.
//!
//! Damage ends the message that it is in, and no other: messages say their lengths, so what holds it is read on.

mod several;
mod special;
mod unknown;

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::damage::Damage;
use super::schema::{Element, Field, Message, MessageId, Schema, Shape, Special};
use super::tree::{self, Members, Tree};
use super::wire::{self, Payload};
use super::{Options, go_float};

use several::settle;
pub use unknown::Unknown;

/// How deep messages may stand in messages. Real ones stand less than 30 deep.
const DEEPEST: usize = 200;

/// A message's tree, what the schema does not know of it, and the first that is wrong with it.
pub struct Decoded<'a> {
    pub members: Members<'a>,
    pub unknown: Vec<Unknown<'a>>,
    pub damage: Option<Damage>,
}

/// Decodes an object's own message.
#[must_use]
pub fn object<'a>(id: MessageId, raw: &'a [u8], options: &Options) -> Decoded<'a> {
    let mut walk = Walk::new(raw, options);
    let mut members = Vec::new();
    walk.message(id, raw, 0, &mut members);
    Decoded { members, unknown: walk.unknown, damage: walk.damage }
}

/// An object of a kind that the schema does not have: its metadata, and the rest by number.
#[must_use]
pub fn stranger<'a>(raw: &'a [u8], options: &Options) -> Decoded<'a> {
    let mut members = Vec::new();
    let mut unknown = Vec::new();
    let mut damage = None;
    let mut fields = wire::fields(raw);
    for position in 0.. {
        let at = raw.len() - fields.rest().len();
        let Some(field) = fields.next() else { break };
        let (number, payload) = match field {
            Ok(field) => field,
            Err(err) => {
                damage = Some(err.at(at));
                match fields.cut() {
                    Some(cut) => cut,
                    None => break,
                }
            }
        };
        // The first field of every object is its metadata.
        if let (0, 1, Payload::Bytes(meta), None) = (position, number, payload, &damage)
            && let Some(found) = metadata(meta, options)
        {
            members.push((Cow::Borrowed("metadata"), found));
            continue;
        }
        unknown.push(Unknown::new(String::new(), number, payload));
    }
    Decoded { members, unknown, damage }
}

/// Metadata, where the bytes look like it: nothing unknown, and a name.
fn metadata<'a>(raw: &'a [u8], options: &Options) -> Option<Tree<'a>> {
    let mut walk = Walk::new(raw, options);
    walk.path.push("metadata");
    let mut members = Vec::new();
    walk.message(Schema::get().object_meta()?, raw, 1, &mut members);
    let found = Tree::Map(members);
    let named = found.get("name").or(found.get("generateName")).is_some();
    (named && walk.unknown.is_empty() && walk.damage.is_none()).then_some(found)
}

/// One step of the way down to a message.
type Step = &'static str;

struct Walk<'a, 'o> {
    schema: &'static Schema,
    options: &'o Options,
    start: usize,
    path: Vec<Step>,
    /// The fields that were found of every message that has begun, the innermost last: their positions and values.
    found: Vec<(usize, Tree<'a>)>,
    unknown: Vec<Unknown<'a>>,
    damage: Option<Damage>,
}

impl<'a, 'o> Walk<'a, 'o> {
    fn new(raw: &'a [u8], options: &'o Options) -> Self {
        Self {
            schema: Schema::get(),
            options,
            start: raw.as_ptr() as usize,
            path: Vec::new(),
            found: Vec::new(),
            unknown: Vec::new(),
            damage: None,
        }
    }

    /// Where in the object the bytes begin.
    fn offset(&self, bytes: &[u8]) -> usize {
        (bytes.as_ptr() as usize).wrapping_sub(self.start)
    }

    /// Takes note of damage to a message at this place; the first is told.
    fn damaged(&mut self, damage: Damage, at: &[u8]) {
        let offset = self.offset(at);
        self.damage.get_or_insert_with(|| damage.at(offset));
    }

    /// The fields of a message up to where it is damaged; a field that is cut short, as far as it goes.
    fn each(&mut self, raw: &'a [u8], mut then: impl FnMut(&mut Self, u32, Payload<'a>)) {
        let mut fields = wire::fields(raw);
        loop {
            let before = fields.rest();
            match fields.next() {
                Some(Ok((number, payload))) => then(self, number, payload),
                Some(Err(err)) => {
                    self.damaged(err, before);
                    if let Some((number, payload)) = fields.cut() {
                        then(self, number, payload);
                    }
                    return;
                }
                None => return,
            }
        }
    }

    /// Appends a message's members.
    fn message(&mut self, id: MessageId, raw: &'a [u8], depth: usize, members: &mut Members<'a>) {
        if depth > DEEPEST {
            return self.damaged(Damage::new("messages stand too deep in each other"), raw);
        }
        let Some(message) = self.schema.message(id) else {
            return self.damaged(Damage::new("the schema has a gap"), raw);
        };
        let first = self.found.len();
        self.each(raw, |walk, number, payload| match message.field(number) {
            Some((at, field)) if walk.wanted(field, depth) => {
                if !walk.field(at, field, payload, depth, first) {
                    walk.note(number, payload);
                }
            }
            Some(_) => {}
            None => walk.note(number, payload),
        });
        for (at, value) in &mut self.found[first..] {
            let shape = message.fields.get(*at).map(|field| field.shape);
            if let (Some(Shape::Map | Shape::MapOfWrappedLists), Tree::Map(entries)) =
                (shape, value)
            {
                settle(entries);
            }
        }
        self.declare(message, depth, first, members);
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

    /// Puts what was found from this one on into the order of declaration, with nulls where Go prints them.
    fn declare(
        &mut self,
        message: &Message,
        depth: usize,
        first: usize,
        members: &mut Members<'a>,
    ) {
        if let Some(revision) = self.options.mod_revision
            && depth == 1
            && self.path == ["metadata"]
            && let Some(at) = message.fields.iter().position(|one| one.name == "resourceVersion")
        {
            let known = self.found[first..].iter().position(|(known, _)| *known == at);
            known.map(|known| self.found.swap_remove(first + known));
            self.found.push((at, Tree::text(revision.to_string())));
        }
        // What is written in the order of numbers is nearly in that of declaration.
        self.found[first..].sort_by_key(|(at, _)| *at);
        members.reserve(self.found.len() - first + message.nulls.len());
        let mut nulls = message.nulls.iter().copied().peekable();
        let null = |at: usize| message.fields.get(at).map(|one| (one.name.into(), Tree::Null));
        for (at, value) in self.found.drain(first..) {
            while let Some(before) = nulls.next_if(|one| *one < at) {
                members.extend(null(before));
            }
            nulls.next_if_eq(&at);
            let Some(field) = message.fields.get(at) else { continue };
            match value {
                Tree::Map(inner) if field.inline() => members.extend(inner),
                value if omitted(field, &value) => {}
                value => members.push((field.name.into(), value)),
            }
        }
        members.extend(nulls.filter_map(null));
    }

    /// Adds one occurrence of a field; false where its wire type is another than the schema's.
    fn field(
        &mut self,
        at: usize,
        field: &'static Field,
        payload: Payload<'a>,
        depth: usize,
        first: usize,
    ) -> bool {
        // Occurrences of one field follow each other.
        let slot = self.found[first..].iter().rposition(|(known, _)| *known == at);
        let inline = field.inline();
        if !inline {
            self.path.push(field.name);
        }
        let value = match field.shape {
            Shape::One => self.one(field.element, payload, depth),
            Shape::List => self.items(field.element, payload, depth),
            Shape::WrappedList => self.wrapped_list(field.element, payload, depth),
            Shape::Map | Shape::MapOfWrappedLists => {
                self.entry(field, payload, depth).map(|entry| Tree::Map(vec![entry]))
            }
            Shape::WrappedMap => self.wrapped_map(field, payload, depth),
        };
        if !inline {
            self.path.pop();
        }
        let Some(value) = value else { return false };
        match slot.and_then(|slot| self.found.get_mut(first + slot)) {
            None => self.found.push((at, value)),
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
        true
    }

    /// A value; `None` where its wire type is another than the schema's.
    fn one(&mut self, element: Element, payload: Payload<'a>, depth: usize) -> Option<Tree<'a>> {
        Some(match (element, payload) {
            (Element::Text, Payload::Bytes(bytes)) => Tree::Text(tree::text(bytes)),
            (Element::Bytes, Payload::Bytes(bytes)) => Tree::text(STANDARD.encode(bytes)),
            (Element::Message(id), Payload::Bytes(bytes)) => self.below(id, bytes, depth),
            (Element::Double, Payload::Fixed64(bytes)) => go_float(f64::from_le_bytes(bytes)),
            (Element::Float, Payload::Fixed32(bytes)) => {
                super::go_single(f32::from_le_bytes(bytes))
            }
            (_, Payload::Varint(number)) => return scalar(element, number),
            _ => return None,
        })
    }

    fn below(&mut self, id: MessageId, raw: &'a [u8], depth: usize) -> Tree<'a> {
        let special = self.schema.message(id).map_or(Special::None, |message| message.special);
        if special != Special::None {
            return self.special(special, id, raw, depth + 1);
        }
        let mut members = Vec::new();
        self.message(id, raw, depth + 1, &mut members);
        Tree::Map(members)
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
