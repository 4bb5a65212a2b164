//! `-w jsonl`: an object a line, for `jq`, `duckdb` or a pipeline of logs.

use std::io::Write;

use serde::Serialize;

use super::node::{self, Plain, Shown};
use super::{View, event};
use crate::error::Result;
use crate::reply::{Pair, Reply, Tail};

pub fn reply(reply: &Reply, out: &mut dyn Write) -> Result<()> {
    if let Reply::Watch(response) = reply {
        if let Some(revision) = event::progress(response) {
            line(&event::Progress(revision), out)?;
        }
        return event::events(response).try_for_each(|event| line(&event, out));
    }
    node::reply(reply).items(reply).iter().try_for_each(|item| line(&Plain(item), out))
}

pub struct Range {
    pub view: View,
}

impl Range {
    pub fn pairs(&self, pairs: &[Pair], out: &mut dyn Write) -> Result<()> {
        let value = self.view != View::KeysOnly;
        pairs.iter().try_for_each(|pair| line(&Shown { pair, value }, out))
    }

    pub fn end(self, tail: Tail, out: &mut dyn Write) -> Result<()> {
        match self.view {
            View::CountOnly => line(&Plain(&node::count(tail)), out),
            _ => Ok(()),
        }
    }
}

fn line(value: &impl Serialize, out: &mut dyn Write) -> Result<()> {
    serde_json::to_writer(&mut *out, value).map_err(std::io::Error::from)?;
    out.write_all(b"\n")?;
    Ok(())
}
