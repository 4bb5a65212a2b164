//! What objects of Kubernetes and of `OpenShift` are made of: a table of messages, fields and kinds.
//!
//! `union.txt` is for people; `table.bin` says the same in 76 KiB and is read at its first use. Both are
//! written by `tools/kube-schema`. The table, numbers little-endian:
//!
//! ```text
//! names     u16 count, each: u8 length, bytes
//! messages  u16 count, each: u8 special, u8 fields, each: u8 number, u8 element | shape << 4, u8 flags,
//!                                                          u16 name, u16 message (0xffff: none)
//! kinds     u16 count, sorted, each: u16 apiVersion, u16 kind (both names), u16 message
//! ```

use std::sync::OnceLock;

static TABLE: &[u8] = include_bytes!("table.bin");

/// A message of the table.
pub type MessageId = u16;

/// What a field holds, or each of its items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    Text,
    Bool,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Float,
    Double,
    Bytes,
    Message(MessageId),
}

/// How many of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    One,
    List,
    /// Keys are text.
    Map,
    /// A list that is a message of its own, `{1: items}`, so that empty and absent differ.
    WrappedList,
    MapOfWrappedLists,
    /// A map that is a message of its own.
    WrappedMap,
}

/// A message whose form in JSON is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    None,
    Time,
    MicroTime,
    Duration,
    Quantity,
    IntOrString,
    /// Bytes that are JSON or CBOR: `RawExtension`, `FieldsV1`, `JSON`.
    Raw,
    SchemaOrBool,
    SchemaOrList,
    SchemaOrTexts,
    /// The first form of what managers own (1.14, 1.15): a map of itself.
    Fields,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    pub number: u32,
    /// In JSON; empty where it has none.
    pub name: &'static str,
    pub element: Element,
    pub shape: Shape,
    flags: u8,
}

impl Field {
    /// Left out where it is false, zero or empty.
    #[must_use]
    pub fn omit_empty(&self) -> bool {
        self.flags & 1 != 0 || self.removed()
    }

    /// Left out where it is the zero of its type, a time included.
    #[must_use]
    pub fn omit_zero(&self) -> bool {
        self.flags & 2 != 0
    }

    /// Absent is null, not zero.
    #[must_use]
    pub fn pointer(&self) -> bool {
        self.flags & 4 != 0
    }

    /// Its members stand among its parent's.
    #[must_use]
    pub fn inline(&self) -> bool {
        self.flags & 8 != 0
    }

    /// No newest release has it.
    #[must_use]
    pub fn removed(&self) -> bool {
        self.flags & 16 != 0
    }

    /// Never printed.
    #[must_use]
    pub fn hidden(&self) -> bool {
        self.flags & 32 != 0
    }

    /// Whether Go prints it as null where it is absent: pointers, lists, maps and bytes that no tag leaves out.
    fn null_if_absent(&self) -> bool {
        let shown = !self.omit_empty() && !self.hidden() && !self.inline();
        shown && (self.pointer() || self.shape != Shape::One || self.element == Element::Bytes)
    }
}

#[derive(Debug)]
pub struct Message {
    pub special: Special,
    /// In the order of declaration.
    pub fields: Vec<Field>,
    /// Numbers to positions in `fields`, plus one; numbers of these types are small.
    positions: Vec<u8>,
    /// Positions of the fields that are null where they are absent.
    pub nulls: Vec<usize>,
}

impl Message {
    /// The field of that number, and its position.
    #[must_use]
    pub fn field(&self, number: u32) -> Option<(usize, &Field)> {
        let position = self.positions.get(usize::try_from(number).ok()?)?.checked_sub(1)?;
        let position = usize::from(position);
        self.fields.get(position).map(|field| (position, field))
    }
}

#[derive(Debug)]
struct Kind {
    api_version: &'static str,
    name: &'static str,
    message: MessageId,
}

/// The whole table.
#[derive(Debug, Default)]
pub struct Schema {
    messages: Vec<Message>,
    kinds: Vec<Kind>,
}

impl Schema {
    /// The table of this program.
    pub fn get() -> &'static Self {
        static SCHEMA: OnceLock<Schema> = OnceLock::new();
        // A test reads the whole table; a damaged one would know nothing.
        SCHEMA.get_or_init(|| Self::read(TABLE).unwrap_or_default())
    }

    /// The message that a kind's objects are. What every group has stands in its own, too.
    #[must_use]
    pub fn kind(&self, api_version: &str, kind: &str) -> Option<MessageId> {
        let anywhere = || ["*", "meta.k8s.io/v1"].iter().find_map(|one| self.exact(one, kind));
        self.exact(api_version, kind).or_else(anywhere)
    }

    fn exact(&self, api_version: &str, kind: &str) -> Option<MessageId> {
        let order = |one: &Kind| (one.api_version, one.name).cmp(&(api_version, kind));
        let found = self.kinds.binary_search_by(order).ok()?;
        self.kinds.get(found).map(|kind| kind.message)
    }

    #[must_use]
    pub fn message(&self, id: MessageId) -> Option<&Message> {
        self.messages.get(usize::from(id))
    }

    /// The metadata that every object has, whatever its kind.
    #[must_use]
    pub fn object_meta(&self) -> Option<MessageId> {
        let pod = self.message(self.kind("v1", "Pod")?)?;
        match pod.field(1)?.1.element {
            Element::Message(id) => Some(id),
            _ => None,
        }
    }

    fn read(table: &'static [u8]) -> Option<Self> {
        let mut table = Reader(table);
        let names = table.list(|table| {
            let length = usize::from(table.u8()?);
            std::str::from_utf8(table.take(length)?).ok()
        })?;
        let name = |at: u16| names.get(usize::from(at)).copied();
        let messages = table.list(|table| {
            let special = special(table.u8()?)?;
            let count = table.u8()?;
            let fields = (0..count).map(|_| field(table, &name)).collect::<Option<Vec<_>>>()?;
            let mut positions = Vec::new();
            for (position, field) in fields.iter().enumerate() {
                let number = usize::try_from(field.number).ok()?;
                if positions.len() <= number {
                    positions.resize(number + 1, 0);
                }
                positions[number] = u8::try_from(position + 1).ok()?;
            }
            let is_null = |(at, field): (usize, &Field)| field.null_if_absent().then_some(at);
            let nulls = fields.iter().enumerate().filter_map(is_null).collect();
            Some(Message { special, fields, positions, nulls })
        })?;
        let mut kinds = table.list(|table| {
            let (api_version, kind) = (name(table.u16()?)?, name(table.u16()?)?);
            Some(Kind { api_version, name: kind, message: table.u16()? })
        })?;
        kinds.sort_by_key(|kind| (kind.api_version, kind.name));
        Some(Self { messages, kinds })
    }
}

fn field(table: &mut Reader, name: &impl Fn(u16) -> Option<&'static str>) -> Option<Field> {
    let number = u32::from(table.u8()?);
    let kind = table.u8()?;
    let flags = table.u8()?;
    let name = name(table.u16()?)?;
    let message = table.u16()?;
    let element = match kind & 15 {
        0 => Element::Text,
        1 => Element::Bool,
        2 => Element::Int32,
        3 => Element::Int64,
        4 => Element::Uint32,
        5 => Element::Uint64,
        6 => Element::Float,
        7 => Element::Double,
        8 => Element::Bytes,
        9 => Element::Message(message),
        _ => return None,
    };
    let shape = match kind >> 4 {
        0 => Shape::One,
        1 => Shape::List,
        2 => Shape::Map,
        3 => Shape::WrappedList,
        4 => Shape::MapOfWrappedLists,
        5 => Shape::WrappedMap,
        _ => return None,
    };
    Some(Field { number, name, element, shape, flags })
}

fn special(code: u8) -> Option<Special> {
    Some(match code {
        0 => Special::None,
        1 => Special::Time,
        2 => Special::MicroTime,
        3 => Special::Duration,
        4 => Special::Quantity,
        5 => Special::IntOrString,
        6..=8 => Special::Raw,
        9 => Special::SchemaOrBool,
        10 => Special::SchemaOrList,
        11 => Special::SchemaOrTexts,
        12 => Special::Fields,
        _ => return None,
    })
}

struct Reader(&'static [u8]);

impl Reader {
    fn take(&mut self, length: usize) -> Option<&'static [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        (0..self.u16()?).map(|_| one(self)).collect()
    }
}

#[cfg(test)]
mod tests;
