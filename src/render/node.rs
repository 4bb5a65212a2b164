//! One description of each answer, for the formats that name its fields: `json` writes it as Go does,
//! `jsonl` and `yaml` for whoever reads on.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use crate::reply::{Header, Pair, Reply, Tail};

/// A value of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Uint(u64),
    Int(i64),
    /// A cluster's or a member's id.
    Id(u64),
    Pair(Pair),
    List(Vec<Node>),
    Message(Message),
}

/// A message: its fields under their json names, in the order of their numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message(Vec<(&'static str, Node)>);

impl Message {
    /// Adds a field, which `json` leaves out where it is zero.
    #[must_use]
    pub fn field(mut self, name: &'static str, value: impl Into<Node>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    /// Adds a field that a message may lack altogether.
    #[must_use]
    pub fn maybe(self, name: &'static str, value: Option<impl Into<Node>>) -> Self {
        match value {
            Some(value) => self.field(name, value),
            None => self,
        }
    }
}

/// The whole of an answer.
pub fn reply(reply: &Reply) -> Node {
    let message = match reply {
        Reply::Put(answer) => with_header(answer.message.header.as_ref())
            .maybe("prev_kv", answer.message.prev_kv.as_ref().map(Pair::from)),
        Reply::Delete(answer) => with_header(answer.message.header.as_ref())
            .field("deleted", answer.message.deleted)
            .field("prev_kvs", list(&answer.message.prev_kvs)),
    };
    message.into()
}

/// The answer to a count.
pub fn count(tail: Tail) -> Node {
    Message::default().field("count", tail.count).into()
}

fn with_header(of: Option<&Header>) -> Message {
    Message::default().field("header", header(&of.copied().unwrap_or_default()))
}

fn header(header: &Header) -> Message {
    Message::default()
        .field("cluster_id", Node::Id(header.cluster_id))
        .field("member_id", Node::Id(header.member_id))
        .field("revision", header.revision)
        .field("raft_term", header.raft_term)
}

fn list<'a, T>(values: &'a [T]) -> Node
where
    Pair: From<&'a T>,
{
    Node::List(values.iter().map(|value| Node::Pair(value.into())).collect())
}

impl From<u64> for Node {
    fn from(number: u64) -> Self {
        Self::Uint(number)
    }
}

impl From<i64> for Node {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<Pair> for Node {
    fn from(pair: Pair) -> Self {
        Self::Pair(pair)
    }
}

impl From<Message> for Node {
    fn from(message: Message) -> Self {
        Self::Message(message)
    }
}

/// As Go's `encoding/json` writes a protobuf message: no zero values, bytes as base64, ids as numbers.
pub struct Official<'a, T>(pub &'a T);

/// As our own formats write it: every field, bytes as text where they are text, ids as the
/// hexadecimal texts that commands take.
pub struct Plain<'a, T>(pub &'a T);

impl Serialize for Official<'_, Node> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Node::Uint(number) | Node::Id(number) => serializer.serialize_u64(*number),
            Node::Int(number) => serializer.serialize_i64(*number),
            Node::Pair(pair) => Official(pair).serialize(serializer),
            Node::List(nodes) => serializer.collect_seq(nodes.iter().map(Official)),
            Node::Message(Message(fields)) => {
                let shown = fields.iter().filter(|(_, value)| !value.is_zero());
                serializer.collect_map(shown.map(|(name, value)| (name, Official(value))))
            }
        }
    }
}

impl Node {
    fn is_zero(&self) -> bool {
        match self {
            Self::Uint(number) | Self::Id(number) => *number == 0,
            Self::Int(number) => *number == 0,
            Self::List(nodes) => nodes.is_empty(),
            Self::Pair(_) | Self::Message(_) => false,
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
            Node::Uint(number) => serializer.serialize_u64(*number),
            Node::Int(number) => serializer.serialize_i64(*number),
            Node::Id(id) => serializer.collect_str(&format_args!("{id:x}")),
            Node::Pair(pair) => Plain(pair).serialize(serializer),
            Node::List(nodes) => {
                let mut list = serializer.serialize_seq(Some(nodes.len()))?;
                nodes.iter().try_for_each(|node| list.serialize_element(&Plain(node)))?;
                list.end()
            }
            Node::Message(Message(fields)) => {
                serializer.collect_map(fields.iter().map(|(name, value)| (name, Plain(value))))
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
        let pair = self.pair;
        let mut map = serializer.serialize_map(None)?;
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
        map.end()
    }
}

/// A lease's id as `lease list` prints it.
pub fn lease(id: i64) -> String {
    format!("{id:016x}")
}

/// Bytes as text, or marked as base64 where they are none.
struct Text<'a>(&'a [u8]);

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => serializer.collect_map([("base64", STANDARD.encode(self.0))]),
        }
    }
}
