//! `-w json`: the protobuf messages as Go's `encoding/json` writes them, on one line.
//!
//! Fields in their protobuf order, zero values left out, 64-bit integers as numbers, bytes as base64.

use std::fmt::Write as _;
use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::error::Result;
use crate::go::json;
use crate::reply::{Header, Pair, Reply, Tail};

pub fn reply(reply: &Reply, out: &mut dyn Write) -> Result<()> {
    match reply {
        Reply::Put(answer) => {
            let prev = answer.message.prev_kv.as_ref().map(Pair::from);
            object(out, answer.message.header.as_ref(), |out| {
                prev.map_or(Ok(()), |prev| field(out, "prev_kv", &Official(&prev)))
            })
        }
        Reply::Delete(answer) => {
            let message = &answer.message;
            object(out, message.header.as_ref(), |out| {
                if message.deleted != 0 {
                    field(out, "deleted", &message.deleted)?;
                }
                if !message.prev_kvs.is_empty() {
                    let prev: Vec<Pair> = message.prev_kvs.iter().map(Pair::from).collect();
                    field(out, "prev_kvs", &prev.iter().map(Official).collect::<Vec<_>>())?;
                }
                Ok(())
            })
        }
    }
}

/// A line with the header first, then what `rest` writes.
fn object(
    out: &mut dyn Write,
    header: Option<&Header>,
    rest: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Result<()> {
    write!(out, "{{\"header\":")?;
    json::write(&Official(&header.copied().unwrap_or_default()), out).map_err(from_json)?;
    rest(out)?;
    writeln!(out, "}}")?;
    Ok(())
}

fn field(out: &mut dyn Write, name: &str, value: &impl Serialize) -> Result<()> {
    write!(out, ",\"{name}\":")?;
    json::write(value, out).map_err(from_json)?;
    Ok(())
}

/// Only writing can fail: every value here has a form in JSON.
pub fn from_json(err: serde_json::Error) -> std::io::Error {
    err.into()
}

/// A range: the list is open while pairs come.
pub struct Range {
    begun: bool,
    /// A pair's text, in memory that the next one uses again.
    text: String,
}

impl Range {
    pub fn begin(header: &Header, out: &mut dyn Write) -> Result<Self> {
        write!(out, "{{\"header\":")?;
        json::write(&Official(header), out).map_err(from_json)?;
        Ok(Self { begun: false, text: String::new() })
    }

    pub fn pairs(&mut self, pairs: &[Pair], out: &mut dyn Write) -> Result<()> {
        for pair in pairs {
            self.text.clear();
            self.text.push_str(if self.begun { "," } else { ",\"kvs\":[" });
            self.begun = true;
            push_pair(pair, &mut self.text);
            out.write_all(self.text.as_bytes())?;
        }
        Ok(())
    }

    pub fn end(self, tail: Tail, out: &mut dyn Write) -> Result<()> {
        if self.begun {
            write!(out, "]")?;
        }
        if tail.more {
            write!(out, ",\"more\":true")?;
        }
        if tail.count != 0 {
            write!(out, ",\"count\":{}", tail.count)?;
        }
        writeln!(out, "}}")?;
        Ok(())
    }
}

/// What [`Official`] makes of a pair, in a third of the time: base64 has nothing to escape, and a
/// million pairs need no serializer between them and their text.
fn push_pair(pair: &Pair, text: &mut String) {
    text.push('{');
    push_bytes("key", &pair.key, text);
    push_number("create_revision", pair.create_revision, text);
    push_number("mod_revision", pair.mod_revision, text);
    push_number("version", pair.version, text);
    push_bytes("value", &pair.value, text);
    push_number("lease", pair.lease, text);
    text.push('}');
}

fn push_bytes(name: &str, bytes: &[u8], text: &mut String) {
    if !bytes.is_empty() {
        push_name(name, text);
        text.push('"');
        STANDARD.encode_string(bytes, text);
        text.push('"');
    }
}

fn push_number(name: &str, number: i64, text: &mut String) {
    if number != 0 {
        push_name(name, text);
        // A `String` takes whatever it is given.
        let _ = write!(text, "{number}");
    }
}

fn push_name(name: &str, text: &mut String) {
    text.push_str(if text.ends_with('{') { "\"" } else { ",\"" });
    text.push_str(name);
    text.push_str("\":");
}

/// A message in its official form.
pub struct Official<'a, T>(pub &'a T);

impl Serialize for Official<'_, Header> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let header = self.0;
        let mut map = serializer.serialize_map(None)?;
        if header.cluster_id != 0 {
            map.serialize_entry("cluster_id", &header.cluster_id)?;
        }
        if header.member_id != 0 {
            map.serialize_entry("member_id", &header.member_id)?;
        }
        if header.revision != 0 {
            map.serialize_entry("revision", &header.revision)?;
        }
        if header.raft_term != 0 {
            map.serialize_entry("raft_term", &header.raft_term)?;
        }
        map.end()
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_of_a_range_is_written_like_any_other() {
        let full = Pair {
            key: "a/<&>".into(),
            value: vec![0, 0xff, 7].into(),
            create_revision: 1,
            mod_revision: i64::MAX,
            version: -3,
            lease: i64::MIN,
        };
        let no_key = Pair { key: "".into(), ..full.clone() };
        for pair in [full, no_key, Pair::default()] {
            let (mut quick, mut official) = (String::new(), Vec::new());
            push_pair(&pair, &mut quick);
            json::write(&Official(&pair), &mut official).unwrap();
            assert_eq!(quick.as_bytes(), official);
        }
    }
}
