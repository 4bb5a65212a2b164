//! Snapshot files and stopped members' databases, without a server.

pub mod edit;
pub mod log;
pub mod meta;
pub mod node;
pub mod raft;
pub mod restore;
pub mod save;
pub mod trailer;
pub mod wal;
