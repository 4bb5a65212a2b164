//! `-w raw`: the values' bytes, nothing between.

use std::io::Write;

use super::View;
use crate::error::Result;
use crate::reply::{Pair, Tail};

pub struct Range {
    pub view: View,
}

pub fn pairs(pairs: &[Pair], out: &mut dyn Write) -> Result<()> {
    pairs.iter().try_for_each(|pair| out.write_all(&pair.value))?;
    Ok(())
}

impl Range {
    pub fn end(self, tail: Tail, out: &mut dyn Write) -> Result<()> {
        if self.view == View::CountOnly {
            write!(out, "{}", tail.count)?;
        }
        Ok(())
    }
}
