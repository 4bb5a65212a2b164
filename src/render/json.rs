//! `-w json`: the protobuf messages as Go's `encoding/json` writes them, on one line.
//!
//! Fields in their protobuf order, zero values left out, 64-bit integers as numbers, bytes as base64.

use std::fmt::Write as _;
use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::Look;
use super::node::{self, Official};
use crate::error::Result;
use crate::go::json;
use crate::reply::{Header, Pair, Reply, Tail};

pub fn reply(reply: &Reply, look: &Look, out: &mut dyn Write) -> Result<()> {
    let mut node = node::reply(reply);
    // `--hex` means ids here, and only where members are answered.
    if look.hex && matches!(reply, Reply::Members(_) | Reply::MemberChange(_)) {
        node = node.with_hex_ids();
    }
    write_json(&Official(&node), out)?;
    out.write_all(b"\n")?;
    Ok(())
}

/// Only writing can fail: every answer has a form in JSON.
fn write_json(value: &impl Serialize, out: &mut dyn Write) -> std::io::Result<()> {
    Ok(json::write(value, out)?)
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
        write_json(&Official(header), out)?;
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
