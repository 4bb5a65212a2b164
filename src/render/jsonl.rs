//! `-w jsonl`: an object a line, for `jq`, `duckdb` or a pipeline of logs.

use std::io::Write;

use super::{View, item};
use crate::error::Result;
use crate::reply::{Pair, Reply, Tail};

pub fn reply(reply: &Reply, out: &mut dyn Write) -> Result<()> {
    line(&item::reply(reply), out)
}

pub struct Range {
    pub view: View,
}

impl Range {
    pub fn pairs(&self, pairs: &[Pair], out: &mut dyn Write) -> Result<()> {
        pairs.iter().try_for_each(|pair| line(&item::pair(pair, self.view), out))
    }

    pub fn end(self, tail: Tail, out: &mut dyn Write) -> Result<()> {
        match self.view {
            View::CountOnly => line(&item::count(tail), out),
            _ => Ok(()),
        }
    }
}

fn line(value: &serde_json::Value, out: &mut dyn Write) -> Result<()> {
    serde_json::to_writer(&mut *out, value).map_err(std::io::Error::from)?;
    out.write_all(b"\n")?;
    Ok(())
}
