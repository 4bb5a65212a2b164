//! `-w simple`: the answer alone, for people and for shell pipes.

use std::fmt::Write as _;
use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::object::Found;
use super::{Look, View, endpoint, escape, event, words};
use crate::error::Result;
use crate::go::quote::quote;
use crate::proto::{
    AuthRoleGetResponse, DeleteRangeResponse, LeaseGrantResponse, LeaseKeepAliveResponse,
    LeaseTimeToLiveResponse, OneResponse, PutResponse, TxnResponse,
};
use crate::reply::{Fact, Health, MemberChange, Membership, Pair, Reply, Tail};
use crate::request::after_prefix;

pub fn reply(reply: &Reply, look: &Look, out: &mut dyn Write) -> Result<()> {
    match reply {
        Reply::Put(answer) => put(&answer.message, look, out)?,
        Reply::Delete(answer) => delete(&answer.message, look, out)?,
        Reply::Txn(answer) => txn(&answer.message, look, out)?,
        Reply::Done(done) => writeln!(out, "{}", done.text)?,
        Reply::LeaseGrant(answer) => {
            let LeaseGrantResponse { id, ttl, .. } = &answer.message;
            writeln!(out, "lease {id:016x} granted with TTL({ttl}s)")?;
        }
        Reply::LeaseTimeToLive { answer, keys } => time_to_live(&answer.message, *keys, out)?,
        Reply::LeaseKeepAlive(answer) => {
            let LeaseKeepAliveResponse { id, ttl, .. } = &answer.message;
            writeln!(out, "lease {id:016x} keepalived with TTL({ttl})")?;
        }
        Reply::Watch(response) => {
            for event in event::events(response) {
                writeln!(out, "{}", event.name)?;
                if let Some(prev) = &event.prev {
                    pair(prev, look, out)?;
                }
                pair(&event.pair, look, out)?;
            }
        }
        Reply::Leases(answer) => {
            writeln!(out, "found {} leases", answer.message.leases.len())?;
            for lease in &answer.message.leases {
                writeln!(out, "{:016x}", lease.id)?;
            }
        }
        Reply::Members(answer) => {
            for member in &answer.message.members {
                writeln!(out, "{}", words::member(member).join(", "))?;
            }
        }
        Reply::MemberChange(change) => member_change(change, out)?,
        Reply::MoveLeader { from, to, .. } => {
            writeln!(out, "Leadership transferred from {from:x} to {to:x}")?;
        }
        Reply::Alarms(answer) => {
            for alarm in &answer.message.alarms {
                let name = words::alarm(alarm.alarm);
                writeln!(out, "memberID:{} alarm:{name}", alarm.member_id)?;
            }
        }
        Reply::Downgrade { action, answer } => {
            let version = &answer.message.version;
            writeln!(out, "Downgrade {action} success, cluster version {version}")?;
        }
        Reply::AuthStatus(answer) => {
            writeln!(out, "Authentication Status: {}", answer.message.enabled)?;
            writeln!(out, "AuthRevision: {}", answer.message.auth_revision)?;
        }
        Reply::Role { name, answer } => role(name, &answer.message, out)?,
        Reply::Roles(answer) => lines(&answer.message.roles, out)?,
        Reply::User { name, answer } => {
            writeln!(out, "User: {name}")?;
            let roles = answer.message.roles.iter().map(|role| format!(" {role}"));
            writeln!(out, "Roles:{}", roles.collect::<String>())?;
        }
        Reply::Users(answer) => lines(&answer.message.users, out)?,
        // What is wrong with the others is no answer: it goes where errors go.
        Reply::EndpointHealth(all) => {
            for Health { endpoint, took, .. } in all.iter().filter(|one| one.is_healthy()) {
                let took = took.unwrap_or_default();
                writeln!(
                    out,
                    "{endpoint} is healthy: successfully committed proposal: took = {took}"
                )?;
            }
        }
        Reply::EndpointStatus(all) => rows(all.iter().map(endpoint::status_row), out)?,
        Reply::File(facts) => {
            let shown: Vec<_> = facts.iter().map(|fact| fact.shown.as_str()).collect();
            writeln!(out, "{}", shown.join(", "))?;
        }
        Reply::Items(items) => self::items(items, out)?,
        Reply::EndpointHash(all) => rows(all.iter().map(endpoint::hash_row), out)?,
    }
    Ok(())
}

fn rows(mut rows: impl Iterator<Item = Vec<String>>, out: &mut dyn Write) -> Result<()> {
    rows.try_for_each(|row| writeln!(out, "{}", row.join(", ")))?;
    Ok(())
}

/// Columns for people; what is too long for one stands on a line below, where the last column begins.
fn items(items: &[Vec<Fact>], out: &mut dyn Write) -> Result<()> {
    let plain = Look::default();
    let cell = |fact: &Fact| escape::cell(fact.shown.as_bytes(), &plain);
    let columns = |facts: &[Fact], cell: &dyn Fn(&Fact) -> String| -> Vec<String> {
        facts.iter().filter(|fact| fact.below.is_none()).map(cell).collect()
    };
    let mut lines: Vec<_> = items.iter().map(|facts| columns(facts, &cell)).collect();
    if let Some(facts) = items.first() {
        lines.insert(0, columns(facts, &|fact| fact.column.to_owned()));
    }
    let mut widths: Vec<usize> = Vec::new();
    for line in &lines {
        widths.resize(line.len(), 0);
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    // The last column is as wide as it likes.
    widths.pop();
    let indent = widths.iter().map(|width| width + GAP).sum::<usize>();
    let below = std::iter::once(&[][..]).chain(items.iter().map(Vec::as_slice));
    for (line, facts) in lines.iter().zip(below) {
        let mut text = String::new();
        for (at, cell) in line.iter().enumerate() {
            let width = widths.get(at).map_or(0, |width| width + GAP);
            // A `String` takes whatever it is given.
            let _ = write!(text, "{cell:width$}");
        }
        writeln!(out, "{}", text.trim_end())?;
        for fact in facts {
            if let Some(word) = fact.below.filter(|_| !fact.shown.is_empty()) {
                writeln!(out, "{:indent$}{word}{}", "", cell(fact))?;
            }
        }
    }
    Ok(())
}

/// Blanks between columns.
const GAP: usize = 2;

fn put(put: &PutResponse, look: &Look, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "OK")?;
    put.prev_kv.iter().try_for_each(|kv| pair(&kv.into(), look, out))
}

fn delete(delete: &DeleteRangeResponse, look: &Look, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "{}", delete.deleted)?;
    delete.prev_kvs.iter().try_for_each(|kv| pair(&kv.into(), look, out))
}

/// What was decided, then each answer behind an empty line.
fn txn(txn: &TxnResponse, look: &Look, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "{}", if txn.succeeded { "SUCCESS" } else { "FAILURE" })?;
    for response in &txn.responses {
        out.write_all(b"\n")?;
        match &response.response {
            Some(OneResponse::ResponseRange(range)) => {
                range.kvs.iter().try_for_each(|kv| pair(&kv.into(), look, out))?;
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

fn lines(names: &[String], out: &mut dyn Write) -> Result<()> {
    names.iter().try_for_each(|name| writeln!(out, "{name}"))?;
    Ok(())
}

fn time_to_live(
    lease: &LeaseTimeToLiveResponse,
    with_keys: bool,
    out: &mut dyn Write,
) -> Result<()> {
    let LeaseTimeToLiveResponse { id, ttl, granted_ttl, keys, .. } = lease;
    // The server knows no such lease, or not any more.
    if *granted_ttl == 0 && *ttl == -1 {
        writeln!(out, "lease {id:016x} already expired")?;
        return Ok(());
    }
    write!(out, "lease {id:016x} granted with TTL({granted_ttl}s), remaining({ttl}s)")?;
    if with_keys {
        write!(out, ", attached keys([")?;
        out.write_all(&keys.join(&b' '))?;
        write!(out, "])")?;
    }
    out.write_all(b"\n")?;
    Ok(())
}

fn member_change(change: &MemberChange, out: &mut dyn Write) -> Result<()> {
    let cluster = change.header.unwrap_or_default().cluster_id;
    let id = change.id;
    match &change.how {
        Membership::Removed => writeln!(out, "Member {id:16x} removed from cluster {cluster:16x}")?,
        Membership::Updated => writeln!(out, "Member {id:16x} updated in cluster {cluster:16x}")?,
        Membership::Promoted => writeln!(out, "Member {id:16x} promoted in cluster {cluster:16x}")?,
        Membership::Added { name } => {
            let learner = change.member.as_ref().is_some_and(|member| member.is_learner);
            let as_what = if learner { "as learner " } else { "" };
            writeln!(out, "Member {id:16x} added {as_what}to cluster {cluster:16x}")?;
            environment(change, name, out)?;
        }
    }
    Ok(())
}

/// What the new member's own environment must say, so that it joins this cluster.
fn environment(change: &MemberChange, name: &str, out: &mut dyn Write) -> Result<()> {
    let mut cluster = Vec::new();
    let mut own = Vec::new();
    for member in &change.members {
        let called = if member.id == change.id { name } else { &member.name };
        for url in &member.peer_ur_ls {
            cluster.push(format!("{called}={url}"));
            if member.id == change.id {
                own.push(url.clone());
            }
        }
    }
    writeln!(out, "\nETCD_NAME={}", quote(name.as_bytes()))?;
    writeln!(out, "ETCD_INITIAL_CLUSTER=\"{}\"", cluster.join(","))?;
    writeln!(out, "ETCD_INITIAL_ADVERTISE_PEER_URLS=\"{}\"", own.join(","))?;
    writeln!(out, "ETCD_INITIAL_CLUSTER_STATE=\"existing\"")?;
    Ok(())
}

fn role(name: &str, role: &AuthRoleGetResponse, out: &mut dyn Write) -> Result<()> {
    const READ: i32 = 0;
    const WRITE: i32 = 1;
    writeln!(out, "Role {name}")?;
    for (heading, other) in [("KV Read:", WRITE), ("KV Write:", READ)] {
        writeln!(out, "{heading}")?;
        if name == "root" && role.perm.is_empty() {
            // Servers before 3.6 do not send what root may do, which is everything.
            writeln!(out, "\t[, <open ended>")?;
        }
        // What reads and writes stands in both lists.
        for one in role.perm.iter().filter(|one| one.perm_type != other) {
            permission(&one.key, &one.range_end, out)?;
        }
    }
    Ok(())
}

fn permission(key: &[u8], end: &[u8], out: &mut dyn Write) -> Result<()> {
    if end.is_empty() {
        out.write_all(&[b"\t", key, b"\n"].concat())?;
        return Ok(());
    }
    let end = if end == b"\0" { b"<open ended>" } else { end };
    out.write_all(&[b"\t[", key, b", ", end].concat())?;
    if end != b"<open ended>" {
        out.write_all(b")")?;
        if !key.is_empty() && after_prefix(key) == end {
            out.write_all(&[b" (prefix ", key, b")"].concat())?;
        }
    }
    out.write_all(b"\n")?;
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
                View::ValuesOnly => value(one, self.look, out)?,
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
    value(pair, look, out)
}

/// A value as a line, or as the document that it is where that is asked for.
fn value(pair: &Pair, look: &Look, out: &mut dyn Write) -> Result<()> {
    if !look.decode.everywhere {
        return line(&pair.value, look, out);
    }
    let mut text = Vec::new();
    look.decode.value(pair, |found| match found {
        Found::Object(object) => object.yaml(&mut text),
        Found::Closed(why) => text.extend_from_slice(format!("# {why}\n").as_bytes()),
        Found::Damaged(why) => {
            let base64 = STANDARD.encode(&pair.value);
            let lines = format!("# {why}\n# as it is stored, in base64: {base64}\n");
            text.extend_from_slice(lines.as_bytes());
        }
        Found::Other => {}
    });
    if text.is_empty() {
        return line(&pair.value, look, out);
    }
    out.write_all(&text)?;
    Ok(())
}

fn line(bytes: &[u8], look: &Look, out: &mut dyn Write) -> Result<()> {
    escape::write(bytes, look, out)?;
    out.write_all(b"\n")?;
    Ok(())
}
