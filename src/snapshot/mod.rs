//! Snapshot files and stopped members' databases, without a server.

pub mod defrag;
pub mod edit;
pub mod log;
pub mod member;
pub mod meta;
pub mod migrate;
pub mod node;
pub mod raft;
pub mod restore;
pub mod save;
pub mod trailer;
pub mod tree;
pub mod wal;
pub mod writer;
