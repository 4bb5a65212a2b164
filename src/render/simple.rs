//! `-w simple`: the answer alone, for people and for shell pipes.

use std::io::Write;

use super::{Look, View, escape};
use crate::error::Result;
use crate::reply::{Pair, Reply, Tail};

pub fn reply(reply: &Reply, look: &Look, out: &mut dyn Write) -> Result<()> {
    match reply {
        Reply::Put(answer) => {
            writeln!(out, "OK")?;
            if let Some(kv) = &answer.message.prev_kv {
                pair(&kv.into(), look, out)?;
            }
        }
        Reply::Delete(answer) => {
            writeln!(out, "{}", answer.message.deleted)?;
            for kv in &answer.message.prev_kvs {
                pair(&kv.into(), look, out)?;
            }
        }
    }
    Ok(())
}

pub struct Range<'a> {
    pub look: &'a Look,
    pub view: View,
}

impl Range<'_> {
    pub fn pairs(&self, pairs: &[Pair], out: &mut dyn Write) -> Result<()> {
        for one in pairs {
            match self.view {
                View::ValuesOnly => line(&one.value, self.look, out)?,
                View::Pairs | View::KeysOnly | View::CountOnly => pair(one, self.look, out)?,
            }
        }
        Ok(())
    }

    pub fn end(self, tail: Tail, out: &mut dyn Write) -> Result<()> {
        if self.view == View::CountOnly {
            writeln!(out, "{}", tail.count)?;
        }
        Ok(())
    }
}

/// A key and its value, a line each; the value's stays empty where there is none.
fn pair(pair: &Pair, look: &Look, out: &mut dyn Write) -> Result<()> {
    line(&pair.key, look, out)?;
    line(&pair.value, look, out)
}

fn line(bytes: &[u8], look: &Look, out: &mut dyn Write) -> Result<()> {
    escape::write(bytes, look, out)?;
    out.write_all(b"\n")?;
    Ok(())
}
