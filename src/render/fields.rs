//! `-w fields`: a line `"Name" : value` for each field.

use std::io::Write;

use super::Look;
use crate::error::Result;
use crate::go::quote;
use crate::reply::{Header, Pair, Reply, Tail};

pub fn reply(reply: &Reply, look: &Look, out: &mut dyn Write) -> Result<()> {
    match reply {
        Reply::Put(answer) => {
            header(answer.message.header.as_ref(), look, out)?;
            if let Some(kv) = &answer.message.prev_kv {
                pair("Prev", &kv.into(), look, out)?;
            }
        }
        Reply::Delete(answer) => {
            header(answer.message.header.as_ref(), look, out)?;
            writeln!(out, "\"Deleted\" : {}", answer.message.deleted)?;
            for kv in &answer.message.prev_kvs {
                pair("Prev", &kv.into(), look, out)?;
            }
        }
    }
    Ok(())
}

pub struct Range<'a> {
    look: &'a Look,
}

impl<'a> Range<'a> {
    pub fn begin(look: &'a Look, head: &Header, out: &mut dyn Write) -> Result<Self> {
        header(Some(head), look, out)?;
        Ok(Self { look })
    }

    pub fn pairs(&self, pairs: &[Pair], out: &mut dyn Write) -> Result<()> {
        pairs.iter().try_for_each(|one| pair("", one, self.look, out))
    }
}

pub fn range_end(tail: Tail, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "\"More\" : {}", tail.more)?;
    writeln!(out, "\"Count\" : {}", tail.count)?;
    Ok(())
}

/// The revision is left out where there is none: member changes have no place in history.
fn header(header: Option<&Header>, look: &Look, out: &mut dyn Write) -> Result<()> {
    let header = header.copied().unwrap_or_default();
    writeln!(out, "\"ClusterID\" : {}", id(header.cluster_id, look))?;
    writeln!(out, "\"MemberID\" : {}", id(header.member_id, look))?;
    if header.revision != 0 {
        writeln!(out, "\"Revision\" : {}", header.revision)?;
    }
    writeln!(out, "\"RaftTerm\" : {}", header.raft_term)?;
    Ok(())
}

fn id(id: u64, look: &Look) -> String {
    if look.hex { format!("{id:x}") } else { id.to_string() }
}

fn pair(prefix: &str, pair: &Pair, look: &Look, out: &mut dyn Write) -> Result<()> {
    write!(out, "\"{prefix}Key\" : ")?;
    quote::write_quoted(&pair.key, out)?;
    let (create, modify, version) = (pair.create_revision, pair.mod_revision, pair.version);
    write!(out, "\n\"{prefix}CreateRevision\" : {create}\n\"{prefix}ModRevision\" : {modify}\n")?;
    write!(out, "\"{prefix}Version\" : {version}\n\"{prefix}Value\" : ")?;
    quote::write_quoted(&pair.value, out)?;
    if look.hex {
        writeln!(out, "\n\"{prefix}Lease\" : {:016x}", pair.lease)?;
    } else {
        writeln!(out, "\n\"{prefix}Lease\" : {}", pair.lease)?;
    }
    Ok(())
}
