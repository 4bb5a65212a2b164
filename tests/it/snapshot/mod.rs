//! Snapshot files: saved from a server, read without one.

mod offline;
mod save;
mod status;
