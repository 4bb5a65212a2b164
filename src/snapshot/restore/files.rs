//! What a restored member's folders hold beside the database: a log that begins a new cluster, and raft's
//! snapshot of its members.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use prost::Message;
use serde_json::{Map, Value, json};

use super::peers::{Member, Peers};
use crate::go::json;
use crate::snapshot::raft::{
    ADD_NODE, Checked, ConfChange, ConfState, Entry, EntryKind, HardState, Metadata, Snapshot,
    SnapshotMark, SnapshotMetadata,
};
use crate::snapshot::wal;

/// The term in which the members join.
pub const TERM: u64 = 1;
/// Events that etcd's old store remembers.
const HISTORY: usize = 1000;

/// Writes the log: each member is added, and all of that is committed.
pub fn log(folder: &Path, peers: &Peers) -> io::Result<()> {
    let metadata = Metadata { node: Some(peers.own), cluster: Some(peers.cluster) };
    let mut segment = wal::Segment::create(&folder.join(wal::FIRST), &metadata)?;
    for (member, index) in peers.members.iter().zip(1..) {
        let change = ConfChange {
            kind: Some(ADD_NODE),
            node: Some(member.id),
            context: Some(member.json()),
        };
        segment.entry(&Entry {
            kind: Some(EntryKind::ConfChange.into()),
            term: Some(TERM),
            index: Some(index),
            data: Some(change.encode_to_vec()),
        })?;
    }
    let commit = peers.members.len() as u64;
    let vote = peers.members.first().map(|member| member.id);
    segment.state(&HardState { term: Some(TERM), vote, commit: Some(commit) })?;
    let conf_state = Some(voters(peers));
    segment.snapshot(&SnapshotMark { index: Some(commit), term: Some(TERM), conf_state })?;
    segment.finish()
}

/// Writes raft's snapshot: the members in the form of etcd's second API, which servers up to 3.5 read.
pub fn snapshot(folder: &Path, peers: &Peers) -> io::Result<()> {
    let index = peers.members.len() as u64;
    let mut data = Vec::new();
    json::write(&old_store(&peers.members), &mut data).map_err(io::Error::other)?;
    let snapshot = Snapshot {
        data: Some(data),
        metadata: Some(SnapshotMetadata {
            conf_state: Some(voters(peers)),
            index: Some(index),
            term: Some(TERM),
        }),
    };
    let data = snapshot.encode_to_vec();
    let checked = Checked { crc: Some(crc32c::crc32c(&data)), data: Some(data) };
    let path = folder.join(format!("{TERM:016x}-{index:016x}.snap"));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(&checked.encode_to_vec())?;
    file.sync_all()
}

fn voters(peers: &Peers) -> ConfState {
    ConfState { voters: peers.members.iter().map(|member| member.id).collect(), learners: vec![] }
}

/// etcd's old store after the members were created in it, one after the other.
fn old_store(members: &[Member]) -> Value {
    let mut folders = Map::new();
    let mut events = Vec::new();
    for (member, index) in members.iter().zip(1u64..) {
        let path = format!("/0/members/{:x}", member.id);
        let key = format!("{path}/raftAttributes");
        let mut value = Vec::new();
        // Into memory, where nothing can fail.
        let _ = json::write(&json!({ "peerURLs": member.peer_urls }), &mut value);
        let value = String::from_utf8_lossy(&value).into_owned();
        let attributes = node(&key, index, &value, &Value::Null);
        let children = json!({ "raftAttributes": attributes });
        folders.insert(format!("{:x}", member.id), node(&path, index, "", &children));
        events.push(json!({
            "action": "create",
            "node": { "key": key, "value": value, "modifiedIndex": index, "createdIndex": index },
        }));
    }
    folders.sort_keys();
    let count = members.len();
    events.resize(HISTORY.max(count), Value::Null);
    let members = node("/0/members", 1, "", &folders.into());
    let root = json!({
        "0": node("/0", 0, "", &json!({ "members": members })),
        "1": node("/1", 0, "", &json!({})),
    });
    json!({
        "Root": node("/", 0, "", &root),
        "WatcherHub": { "EventHistory": {
            "Queue": {
                "Events": events, "Size": count, "Front": 0, "Back": count, "Capacity": HISTORY,
            },
            "StartIndex": 1,
            "LastIndex": count,
        } },
        "CurrentIndex": count,
        "Stats": {
            "getsSuccess": 0, "getsFail": 1, "setsSuccess": 0, "setsFail": 0,
            "deleteSuccess": 0, "deleteFail": 0, "updateSuccess": 0, "updateFail": 0,
            "createSuccess": count, "createFail": 0,
            "compareAndSwapSuccess": 0, "compareAndSwapFail": 0,
            "compareAndDeleteSuccess": 0, "compareAndDeleteFail": 0,
            "expireCount": 0, "watchers": 0,
        },
        "CurrentVersion": 2,
    })
}

/// A key or a folder of the old store.
fn node(path: &str, index: u64, value: &str, children: &Value) -> Value {
    json!({
        "Path": path,
        "CreatedIndex": index,
        "ModifiedIndex": index,
        "ExpireTime": "0001-01-01T00:00:00Z",
        "Value": value,
        "Children": children,
    })
}
