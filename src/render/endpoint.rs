//! What endpoints answered about themselves: health, status, hash. `simple` and `table` share rows.

use std::io::Write;

use super::node::{self, Message, Node};
use super::{Look, fields};
use crate::error::Result;
use crate::go::{quote, size};
use crate::proto::{HashKvResponse, StatusResponse};
use crate::reply::{Health, Of};

pub const HEALTH: [&str; 4] = ["ENDPOINT", "HEALTH", "TOOK", "ERROR"];
pub const HASH: [&str; 3] = ["ENDPOINT", "HASH", "HASH REVISION"];
pub const STATUS: [&str; 16] = [
    "ENDPOINT",
    "ID",
    "VERSION",
    "STORAGE VERSION",
    "DB SIZE",
    "IN USE",
    "PERCENTAGE NOT IN USE",
    "QUOTA",
    "IS LEADER",
    "IS LEARNER",
    "RAFT TERM",
    "RAFT INDEX",
    "RAFT APPLIED INDEX",
    "ERRORS",
    "DOWNGRADE TARGET VERSION",
    "DOWNGRADE ENABLED",
];

pub fn health_row(health: &Health) -> Vec<String> {
    let error = health.error.clone().unwrap_or_default();
    vec![health.endpoint.clone(), health.is_healthy().to_string(), took(health), error]
}

/// Nothing where no client came to be.
fn took(health: &Health) -> String {
    health.took.map_or_else(String::new, |took| took.to_string())
}

pub fn hash_row(of: &Of<HashKvResponse>) -> Vec<String> {
    let hash = &of.answer.message;
    vec![of.endpoint.clone(), hash.hash.to_string(), hash.hash_revision.to_string()]
}

pub fn status_row(of: &Of<StatusResponse>) -> Vec<String> {
    let status = &of.answer.message;
    let member = status.header.unwrap_or_default().member_id;
    let downgrade = status.downgrade_info.clone().unwrap_or_default();
    let bytes = |size: i64| size::bytes(size.cast_unsigned());
    vec![
        of.endpoint.clone(),
        format!("{member:x}"),
        status.version.clone(),
        status.storage_version.clone(),
        bytes(status.db_size),
        bytes(status.db_size_in_use),
        format!("{}%", percent_not_in_use(status)),
        bytes(status.db_size_quota),
        (status.leader == member).to_string(),
        status.is_learner.to_string(),
        status.raft_term.to_string(),
        status.raft_index.to_string(),
        status.raft_applied_index.to_string(),
        status.errors.join(", "),
        downgrade.target_version,
        downgrade.enabled.to_string(),
    ]
}

/// In whole percent, as the official client cuts it. It divides by a size of zero.
fn percent_not_in_use(status: &StatusResponse) -> i128 {
    let (size, used) = (i128::from(status.db_size), i128::from(status.db_size_in_use));
    (used * 100).checked_div(size).map_or(0, |used| 100 - used)
}

pub fn health_fields(health: &Health, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "\"Endpoint\" : {}", quote::quote(health.endpoint.as_bytes()))?;
    writeln!(out, "\"Health\" : {}", health.is_healthy())?;
    writeln!(out, "\"Took\" : {}", took(health))?;
    writeln!(out, "\"Error\" : {}\n", health.error.as_deref().unwrap_or_default())?;
    Ok(())
}

pub fn status_fields(of: &Of<StatusResponse>, look: &Look, out: &mut dyn Write) -> Result<()> {
    let status = &of.answer.message;
    let downgrade = status.downgrade_info.clone().unwrap_or_default();
    let quoted = |text: &str| quote::quote(text.as_bytes());
    fields::header(status.header.as_ref(), look, out)?;
    writeln!(out, "\"Version\" : {}", quoted(&status.version))?;
    writeln!(out, "\"StorageVersion\" : {}", quoted(&status.storage_version))?;
    writeln!(out, "\"DBSize\" : {}", status.db_size)?;
    writeln!(out, "\"DBSizeInUse\" : {}", status.db_size_in_use)?;
    writeln!(out, "\"DBSizeQuota\" : {}", status.db_size_quota)?;
    writeln!(out, "\"Leader\" : {}", status.leader)?;
    writeln!(out, "\"IsLearner\" : {}", status.is_learner)?;
    writeln!(out, "\"RaftIndex\" : {}", status.raft_index)?;
    writeln!(out, "\"RaftTerm\" : {}", status.raft_term)?;
    writeln!(out, "\"RaftAppliedIndex\" : {}", status.raft_applied_index)?;
    writeln!(out, "\"Errors\" : [{}]", status.errors.join(" "))?;
    writeln!(out, "\"Endpoint\" : {}", quoted(&of.endpoint))?;
    writeln!(out, "\"DowngradeTargetVersion\" : {}", quoted(&downgrade.target_version))?;
    writeln!(out, "\"DowngradeEnabled\" : {}\n", downgrade.enabled)?;
    Ok(())
}

pub fn hash_fields(of: &Of<HashKvResponse>, look: &Look, out: &mut dyn Write) -> Result<()> {
    let hash = &of.answer.message;
    fields::header(hash.header.as_ref(), look, out)?;
    writeln!(out, "\"Endpoint\" : {}", quote::quote(of.endpoint.as_bytes()))?;
    writeln!(out, "\"Hash\" : {}", hash.hash)?;
    writeln!(out, "\"HashRevision\" : {}\n", hash.hash_revision)?;
    Ok(())
}

/// Structs of the official client, not messages: their fields are always there.
pub fn health_node(health: &Health) -> Node {
    Message::default()
        .always("endpoint", text(&health.endpoint))
        .always("health", Node::Bool(health.is_healthy()))
        .always("took", Node::Text(took(health)))
        .maybe("error", health.error.as_deref().map(text))
        .into()
}

pub fn status_node(of: &Of<StatusResponse>) -> Node {
    let status = &of.answer.message;
    let downgrade = status.downgrade_info.as_ref().map(|downgrade| {
        Message::default()
            .field("enabled", Node::Bool(downgrade.enabled))
            .field("targetVersion", text(&downgrade.target_version))
    });
    let message = node::with_header(status.header.as_ref())
        .field("version", text(&status.version))
        .field("dbSize", status.db_size)
        .field("leader", Node::Id(status.leader))
        .field("raftIndex", status.raft_index)
        .field("raftTerm", status.raft_term)
        .field("raftAppliedIndex", status.raft_applied_index)
        .field("errors", Node::List(status.errors.iter().map(|error| text(error)).collect()))
        .field("dbSizeInUse", status.db_size_in_use)
        .field("isLearner", Node::Bool(status.is_learner))
        .field("storageVersion", text(&status.storage_version))
        .field("dbSizeQuota", status.db_size_quota)
        .maybe("downgradeInfo", downgrade);
    Message::default().always("Endpoint", text(&of.endpoint)).always("Status", message).into()
}

pub fn hash_node(of: &Of<HashKvResponse>) -> Node {
    let hash = &of.answer.message;
    let message = node::with_header(hash.header.as_ref())
        .field("hash", u64::from(hash.hash))
        .field("compact_revision", hash.compact_revision)
        .field("hash_revision", hash.hash_revision);
    Message::default().always("Endpoint", text(&of.endpoint)).always("HashKV", message).into()
}

fn text(text: &str) -> Node {
    Node::Text(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_cut_as_go_cuts_it_and_an_empty_file_has_none() {
        for (db_size, db_size_in_use, percent) in [
            (20480, 16384, 20),
            (3, 1, 67),
            (3, 2, 34),
            (0, 0, 0),
            (0, 5, 0),
            (1, i64::MAX, -922_337_203_685_477_580_600),
        ] {
            let status = StatusResponse { db_size, db_size_in_use, ..StatusResponse::default() };
            assert_eq!(percent_not_in_use(&status), percent, "{db_size} {db_size_in_use}");
        }
    }
}
