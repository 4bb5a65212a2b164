//! Words that several formats share.

use crate::proto::Member;

/// A member's columns in `simple` and `table`: id, state, name, peer URLs, client URLs, learner.
pub fn member(member: &Member) -> [String; 6] {
    // A member has no name until it has been started.
    let state = if member.name.is_empty() { "unstarted" } else { "started" };
    [
        format!("{:x}", member.id),
        state.to_owned(),
        member.name.clone(),
        member.peer_ur_ls.join(","),
        member.client_ur_ls.join(","),
        member.is_learner.to_string(),
    ]
}

/// An alarm's name (`AlarmType`); the number of one that a later server has.
pub fn alarm(kind: i32) -> String {
    match kind {
        0 => "NONE".to_owned(),
        1 => "NOSPACE".to_owned(),
        2 => "CORRUPT".to_owned(),
        other => other.to_string(),
    }
}

/// An event's name (`mvccpb.Event.EventType`); the number of one that a later server has.
pub fn event(kind: i32) -> String {
    match kind {
        0 => "PUT".to_owned(),
        1 => "DELETE".to_owned(),
        other => other.to_string(),
    }
}

/// A permission's name (`Permission.Type`).
pub fn permission(kind: i32) -> String {
    match kind {
        0 => "READ".to_owned(),
        1 => "WRITE".to_owned(),
        2 => "READWRITE".to_owned(),
        other => other.to_string(),
    }
}
