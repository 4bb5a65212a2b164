//! Snapshot files and stopped members' databases, without a server.

pub mod batch;
pub mod behind;
pub mod db;
pub mod defrag;
pub mod edit;
pub mod keys;
pub mod log;
pub mod member;
pub mod meta;
pub mod migrate;
pub mod newest;
pub mod node;
pub mod open;
pub mod page;
pub mod raft;
pub mod range;
pub mod restore;
pub mod revision;
pub mod save;
pub mod status;
pub mod store;
pub mod trailer;
pub mod wal;
pub mod walk;
pub mod writer;
