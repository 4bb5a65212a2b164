//! `-w fields`: a line `"Name" : value` for each field.

use std::io::Write;

use super::{Look, endpoint, event, node, words};
use crate::error::Result;
use crate::go::quote;
use crate::proto::{
    DeleteRangeResponse, LeaseTimeToLiveResponse, Member, OneResponse, PutResponse, TxnResponse,
};
use crate::reply::{Fact, Header, Pair, Reply, Tail, Value};

pub fn reply(reply: &Reply, look: &Look, out: &mut dyn Write) -> Result<()> {
    match reply {
        Reply::Put(answer) => put(&answer.message, look, out)?,
        Reply::Delete(answer) => delete(&answer.message, look, out)?,
        Reply::Txn(answer) => txn(&answer.message, look, out)?,
        Reply::Done(done) => header(done.header.as_ref(), look, out)?,
        Reply::LeaseGrant(answer) => {
            header(answer.message.header.as_ref(), look, out)?;
            writeln!(out, "\"ID\" : {}", lease(answer.message.id, look))?;
            writeln!(out, "\"TTL\" : {}", answer.message.ttl)?;
        }
        Reply::File(facts) => self::facts(facts, out)?,
        Reply::Items(items) => items.iter().try_for_each(|facts| self::facts(facts, out))?,
        Reply::LeaseTimeToLive { answer, .. } => time_to_live(&answer.message, look, out)?,
        Reply::LeaseKeepAlive(answer) => {
            header(answer.message.header.as_ref(), look, out)?;
            writeln!(out, "\"ID\" : {}", lease(answer.message.id, look))?;
            writeln!(out, "\"TTL\" : {}", answer.message.ttl)?;
        }
        Reply::Watch(response) => {
            header(response.header.as_ref(), look, out)?;
            for event in event::events(response) {
                writeln!(out, "\"Type\" : {}", event.name)?;
                if let Some(prev) = &event.prev {
                    pair("Prev", prev, look, out)?;
                }
                pair("", &event.pair, look, out)?;
            }
        }
        Reply::Leases(answer) => {
            header(answer.message.header.as_ref(), look, out)?;
            for status in &answer.message.leases {
                writeln!(out, "\"ID\" : {}", lease(status.id, look))?;
            }
        }
        Reply::Members(answer) => {
            header(answer.message.header.as_ref(), look, out)?;
            answer.message.members.iter().try_for_each(|one| member(one, look, out))?;
        }
        Reply::Alarms(answer) => {
            header(answer.message.header.as_ref(), look, out)?;
            for alarm in &answer.message.alarms {
                writeln!(out, "\"MemberID\" : {}", id(alarm.member_id, look))?;
                writeln!(out, "\"AlarmType\" : {}\n", words::alarm(alarm.alarm))?;
            }
        }
        Reply::Role { answer, .. } => {
            header(answer.message.header.as_ref(), look, out)?;
            for one in &answer.message.perm {
                // Two blanks, as in the official client.
                writeln!(out, "\"PermType\" :  {}", words::permission(one.perm_type))?;
                writeln!(out, "\"Key\" : {}", quote::quote(&one.key))?;
                writeln!(out, "\"RangeEnd\" : {}", quote::quote(&one.range_end))?;
            }
        }
        Reply::Roles(answer) => {
            header(answer.message.header.as_ref(), look, out)?;
            let roles = answer.message.roles.iter();
            let roles = roles.fold(String::new(), |text, role| {
                format!("{text} {}", quote::quote(role.as_bytes()))
            });
            writeln!(out, "\"Roles\" :{roles}")?;
        }
        Reply::EndpointHealth(all) => {
            all.iter().try_for_each(|one| endpoint::health_fields(one, out))?;
        }
        Reply::EndpointStatus(all) => {
            all.iter().try_for_each(|one| endpoint::status_fields(one, look, out))?;
        }
        Reply::EndpointHash(all) => {
            all.iter().try_for_each(|one| endpoint::hash_fields(one, look, out))?;
        }
        // The official client has no such fields: the names are those of json.
        Reply::MemberChange(_)
        | Reply::MoveLeader { .. }
        | Reply::Downgrade { .. }
        | Reply::AuthStatus(_)
        | Reply::User { .. }
        | Reply::Users(_) => {
            for (name, value) in node::reply(reply).leaves("") {
                writeln!(out, "\"{name}\" : {}", json(value)?)?;
            }
        }
    }
    Ok(())
}

fn time_to_live(message: &LeaseTimeToLiveResponse, look: &Look, out: &mut dyn Write) -> Result<()> {
    header(message.header.as_ref(), look, out)?;
    writeln!(out, "\"ID\" : {}", lease(message.id, look))?;
    writeln!(out, "\"TTL\" : {}", message.ttl)?;
    writeln!(out, "\"GrantedTTL\" : {}", message.granted_ttl)?;
    for key in &message.keys {
        writeln!(out, "\"Key\" : {}", quote::quote(key))?;
    }
    Ok(())
}

fn facts(facts: &[Fact], out: &mut dyn Write) -> Result<()> {
    for fact in facts {
        match &fact.value {
            Value::Number(number) => writeln!(out, "\"{}\" : {number}", fact.field)?,
            Value::Text(text) => writeln!(out, "\"{}\" : {text}", fact.field)?,
        }
    }
    Ok(())
}

fn put(put: &PutResponse, look: &Look, out: &mut dyn Write) -> Result<()> {
    header(put.header.as_ref(), look, out)?;
    put.prev_kv.iter().try_for_each(|kv| pair("Prev", &kv.into(), look, out))
}

fn delete(delete: &DeleteRangeResponse, look: &Look, out: &mut dyn Write) -> Result<()> {
    header(delete.header.as_ref(), look, out)?;
    writeln!(out, "\"Deleted\" : {}", delete.deleted)?;
    delete.prev_kvs.iter().try_for_each(|kv| pair("Prev", &kv.into(), look, out))
}

/// Each answer follows with a header of its own, which knows nothing but the revision.
fn txn(txn: &TxnResponse, look: &Look, out: &mut dyn Write) -> Result<()> {
    header(txn.header.as_ref(), look, out)?;
    writeln!(out, "\"Succeeded\" : {}", txn.succeeded)?;
    for response in &txn.responses {
        match &response.response {
            Some(OneResponse::ResponseRange(range)) => {
                header(range.header.as_ref(), look, out)?;
                range.kvs.iter().try_for_each(|kv| pair("", &kv.into(), look, out))?;
                range_end(Tail { more: range.more, count: range.count }, out)?;
            }
            Some(OneResponse::ResponsePut(answer)) => put(answer, look, out)?,
            Some(OneResponse::ResponseDeleteRange(answer)) => delete(answer, look, out)?,
            // Nobody asks for a transaction within one.
            Some(OneResponse::ResponseTxn(inner)) => self::txn(inner, look, out)?,
            None => {}
        }
    }
    Ok(())
}

/// A value as our own formats write it.
fn json(node: &node::Node) -> Result<String> {
    Ok(serde_json::to_string(&node::Plain(node)).map_err(std::io::Error::from)?)
}

fn member(member: &Member, look: &Look, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "\"ID\" : {}", id(member.id, look))?;
    writeln!(out, "\"Name\" : {}", quote::quote(member.name.as_bytes()))?;
    for url in &member.peer_ur_ls {
        writeln!(out, "\"PeerURL\" : {}", quote::quote(url.as_bytes()))?;
    }
    for url in &member.client_ur_ls {
        writeln!(out, "\"ClientURL\" : {}", quote::quote(url.as_bytes()))?;
    }
    writeln!(out, "\"IsLearner\" : {}\n", member.is_learner)?;
    Ok(())
}

fn lease(id: i64, look: &Look) -> String {
    if look.hex { node::lease(id) } else { id.to_string() }
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
pub fn header(header: Option<&Header>, look: &Look, out: &mut dyn Write) -> Result<()> {
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
    writeln!(out, "\n\"{prefix}Lease\" : {}", lease(pair.lease, look))?;
    Ok(())
}
