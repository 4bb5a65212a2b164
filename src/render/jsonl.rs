//! `-w jsonl`: an object a line, for `jq`, `duckdb` or a pipeline of logs.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::event::Event;
use super::node::{self, Plain, Shown, Text};
use super::object::{Decode, Found};
use super::{View, event};
use crate::error::Result;
use crate::kube::Tree;
use crate::kube::json::{self, Style};
use crate::reply::{Pair, Reply, Tail};

pub fn reply(reply: &Reply, decode: &Decode, out: &mut dyn Write) -> Result<()> {
    if let Reply::Watch(response) = reply {
        if let Some(revision) = event::progress(response) {
            line(&event::Progress(revision), out)?;
        }
        return event::events(response).try_for_each(|event| {
            if decode.everywhere { decoded_event(event, decode, out) } else { line(&event, out) }
        });
    }
    node::reply(reply).items(reply).iter().try_for_each(|item| line(&Plain(item), out))
}

pub struct Range<'a> {
    pub decode: &'a Decode,
    pub view: View,
}

impl Range<'_> {
    pub fn pairs(&self, pairs: &[Pair], out: &mut dyn Write) -> Result<()> {
        let value = self.view != View::KeysOnly;
        for pair in pairs {
            if value && self.decode.everywhere {
                decoded(pair, self.decode, out)?;
                out.write_all(b"\n")?;
            } else {
                line(&Shown { pair, value }, out)?;
            }
        }
        Ok(())
    }

    pub fn end(self, tail: Tail, out: &mut dyn Write) -> Result<()> {
        match self.view {
            View::CountOnly => line(&Plain(&node::count(tail)), out),
            _ => Ok(()),
        }
    }
}

/// An event's line, its values decoded: what happened first, what was there before last.
fn decoded_event(event: Event, decode: &Decode, out: &mut dyn Write) -> Result<()> {
    let Event { name, pair, prev, value } = event;
    let now = value.then(|| object(&pair, decode));
    open(&Event { name, pair, prev: None, value: false }, out)?;
    if let Some(now) = now {
        out.write_all(b",\"value\":")?;
        out.write_all(&now)?;
    }
    if let Some(prev) = prev {
        out.write_all(b",\"prev\":")?;
        decoded(&prev, decode, out)?;
    }
    out.write_all(b"}\n")?;
    Ok(())
}

/// A pair whose value is an object, where it is one of Kubernetes or of JSON.
fn decoded(pair: &Pair, decode: &Decode, out: &mut dyn Write) -> Result<()> {
    open(&Shown { pair, value: false }, out)?;
    out.write_all(b",\"value\":")?;
    out.write_all(&object(pair, decode))?;
    out.write_all(b"}")?;
    Ok(())
}

/// A map without the brace behind its last member.
fn open(map: &impl Serialize, out: &mut dyn Write) -> Result<()> {
    let mut text = serde_json::to_vec(map).map_err(std::io::Error::from)?;
    text.pop();
    out.write_all(&text)?;
    Ok(())
}

/// A value in JSON.
fn object(pair: &Pair, decode: &Decode) -> Vec<u8> {
    let mut value = Vec::new();
    decode.value(pair, |found| match found {
        Found::Object(object) => object.json(Style::Server, &mut value),
        Found::Closed(why) | Found::Damaged(why) => {
            let base64 = Tree::text(STANDARD.encode(&pair.value));
            let members = vec![("base64".into(), base64), ("why".into(), Tree::text(why))];
            json::write(&Tree::Map(members), Style::Server, &mut value);
        }
        Found::Other => {
            if let Ok(tree) = json::read(&pair.value) {
                json::write(&tree, Style::Server, &mut value);
            }
        }
    });
    if value.is_empty() {
        // Neither can it fail: it is a text.
        value = serde_json::to_vec(&Text(&pair.value)).unwrap_or_default();
    }
    value
}

fn line(value: &impl Serialize, out: &mut dyn Write) -> Result<()> {
    serde_json::to_writer(&mut *out, value).map_err(std::io::Error::from)?;
    out.write_all(b"\n")?;
    Ok(())
}
