//! `-w json`: the protobuf messages as Go's `encoding/json` writes them, on one line.
//!
//! Fields in their protobuf order, zero values left out, 64-bit integers as numbers, bytes as base64.

use std::io::Write;

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
}

impl Range {
    pub fn begin(header: &Header, out: &mut dyn Write) -> Result<Self> {
        write!(out, "{{\"header\":")?;
        write_json(&Official(header), out)?;
        Ok(Self { begun: false })
    }

    pub fn pairs(&mut self, pairs: &[Pair], out: &mut dyn Write) -> Result<()> {
        for pair in pairs {
            let before: &[u8] = if self.begun { b"," } else { b",\"kvs\":[" };
            self.begun = true;
            out.write_all(before)?;
            write_json(&Official(pair), out)?;
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
