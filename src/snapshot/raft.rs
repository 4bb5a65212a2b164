//! The messages of raft and of the write-ahead log, as far as files hold them.
//!
//! Source: raft 3.7.0 (`raftpb/raft.proto`), etcd 3.7.1 (`walpb/record.proto`, `snappb/snap.proto`,
//! `etcdserverpb/etcdserver.proto`). They are proto2: what is set is written, zero too.

use prost::Message;

/// A frame of the write-ahead log.
#[derive(Clone, PartialEq, Message)]
pub struct Record {
    #[prost(int64, optional, tag = "1")]
    pub kind: Option<i64>,
    #[prost(uint32, optional, tag = "2")]
    pub crc: Option<u32>,
    #[prost(bytes = "vec", optional, tag = "3")]
    pub data: Option<Vec<u8>>,
}

/// Whose log it is.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Metadata {
    #[prost(uint64, optional, tag = "1")]
    pub node: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    pub cluster: Option<u64>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct Entry {
    #[prost(enumeration = "EntryKind", optional, tag = "1")]
    pub kind: Option<i32>,
    #[prost(uint64, optional, tag = "2")]
    pub term: Option<u64>,
    #[prost(uint64, optional, tag = "3")]
    pub index: Option<u64>,
    #[prost(bytes = "vec", optional, tag = "4")]
    pub data: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum EntryKind {
    Normal = 0,
    ConfChange = 1,
    ConfChangeV2 = 2,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct HardState {
    #[prost(uint64, optional, tag = "1")]
    pub term: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    pub vote: Option<u64>,
    #[prost(uint64, optional, tag = "3")]
    pub commit: Option<u64>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct ConfState {
    #[prost(uint64, repeated, packed = "false", tag = "1")]
    pub voters: Vec<u64>,
    #[prost(uint64, repeated, packed = "false", tag = "2")]
    pub learners: Vec<u64>,
}

/// A change of membership: here always a node that is added.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ConfChange {
    #[prost(int32, optional, tag = "2")]
    pub kind: Option<i32>,
    #[prost(uint64, optional, tag = "3")]
    pub node: Option<u64>,
    #[prost(bytes = "vec", optional, tag = "4")]
    pub context: Option<Vec<u8>>,
}

/// `ConfChangeAddNode`.
pub const ADD_NODE: i32 = 0;

/// The log's mark that a snapshot of the state was taken.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct SnapshotMark {
    #[prost(uint64, optional, tag = "1")]
    pub index: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    pub term: Option<u64>,
    #[prost(message, optional, tag = "3")]
    pub conf_state: Option<ConfState>,
}

/// What a `.snap` file holds within its checksum.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Snapshot {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub data: Option<Vec<u8>>,
    #[prost(message, optional, tag = "2")]
    pub metadata: Option<SnapshotMetadata>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct SnapshotMetadata {
    #[prost(message, optional, tag = "1")]
    pub conf_state: Option<ConfState>,
    #[prost(uint64, optional, tag = "2")]
    pub index: Option<u64>,
    #[prost(uint64, optional, tag = "3")]
    pub term: Option<u64>,
}

/// A `.snap` file.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Checked {
    #[prost(uint32, optional, tag = "1")]
    pub crc: Option<u32>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub data: Option<Vec<u8>>,
}
