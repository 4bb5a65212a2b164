//! A description as text: by Go's rules for `json`, by our own for everything else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use super::{Message, Node, header};
use crate::reply::{Header, Pair};

/// As Go's `encoding/json` writes a protobuf message: no zero values, bytes as base64, ids as numbers.
pub struct Official<'a, T>(pub &'a T);

/// As our own formats write it: every field, bytes as text where they are text, ids as the
/// hexadecimal texts that commands take.
pub struct Plain<'a, T>(pub &'a T);

impl Serialize for Official<'_, Node> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Node::Null => serializer.serialize_unit(),
            Node::Bool(bool) => serializer.serialize_bool(*bool),
            Node::Uint(number) | Node::Id(number) => serializer.serialize_u64(*number),
            Node::Int(number) | Node::Lease(number) => serializer.serialize_i64(*number),
            Node::Text(text) => serializer.serialize_str(text),
            Node::Bytes(bytes) => serializer.serialize_str(&STANDARD.encode(bytes)),
            Node::Pair(pair) => Official(pair).serialize(serializer),
            Node::List(nodes) => serializer.collect_seq(nodes.iter().map(Official)),
            Node::Message(Message(fields)) => {
                let shown = fields.iter().filter(|field| field.always || !field.value.is_zero());
                serializer.collect_map(shown.map(|field| (field.name, Official(&field.value))))
            }
        }
    }
}

impl Serialize for Official<'_, Header> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Official(&Node::from(header(self.0))).serialize(serializer)
    }
}

/// Written without a [`Message`]: a range has millions of them.
impl Serialize for Official<'_, Pair> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pair = self.0;
        let mut map = serializer.serialize_map(None)?;
        if !pair.key.is_empty() {
            map.serialize_entry("key", &STANDARD.encode(&pair.key))?;
        }
        for (name, number) in [
            ("create_revision", pair.create_revision),
            ("mod_revision", pair.mod_revision),
            ("version", pair.version),
        ] {
            if number != 0 {
                map.serialize_entry(name, &number)?;
            }
        }
        if !pair.value.is_empty() {
            map.serialize_entry("value", &STANDARD.encode(&pair.value))?;
        }
        if pair.lease != 0 {
            map.serialize_entry("lease", &pair.lease)?;
        }
        map.end()
    }
}

impl Serialize for Plain<'_, Node> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Node::Null => serializer.serialize_unit(),
            Node::Bool(bool) => serializer.serialize_bool(*bool),
            Node::Uint(number) => serializer.serialize_u64(*number),
            Node::Int(number) => serializer.serialize_i64(*number),
            Node::Text(text) => serializer.serialize_str(text),
            Node::Bytes(bytes) => Text(bytes).serialize(serializer),
            Node::Id(id) => serializer.collect_str(&format_args!("{id:x}")),
            Node::Lease(id) => serializer.serialize_str(&lease(*id)),
            Node::Pair(pair) => Plain(pair).serialize(serializer),
            Node::List(nodes) => {
                let mut list = serializer.serialize_seq(Some(nodes.len()))?;
                nodes.iter().try_for_each(|node| list.serialize_element(&Plain(node)))?;
                list.end()
            }
            Node::Message(Message(fields)) => {
                serializer.collect_map(fields.iter().map(|field| (field.name, Plain(&field.value))))
            }
        }
    }
}

impl Serialize for Plain<'_, Pair> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Shown { pair: self.0, value: true }.serialize(serializer)
    }
}

/// A pair, with or without its value.
pub struct Shown<'a> {
    pub pair: &'a Pair,
    pub value: bool,
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.entries(&mut map)?;
        map.end()
    }
}

impl Shown<'_> {
    /// Its entries, for a map that has others too.
    pub fn entries<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let pair = self.pair;
        map.serialize_entry("key", &Text(&pair.key))?;
        map.serialize_entry("create_revision", &pair.create_revision)?;
        map.serialize_entry("mod_revision", &pair.mod_revision)?;
        map.serialize_entry("version", &pair.version)?;
        if pair.lease != 0 {
            map.serialize_entry("lease", &lease(pair.lease))?;
        }
        if self.value {
            map.serialize_entry("value", &Text(&pair.value))?;
        }
        Ok(())
    }
}

/// A lease's id as `lease list` prints it.
pub fn lease(id: i64) -> String {
    format!("{id:016x}")
}

/// Bytes as text, or marked as base64 where they are none.
pub struct Text<'a>(pub &'a [u8]);

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => serializer.collect_map([("base64", STANDARD.encode(self.0))]),
        }
    }
}
