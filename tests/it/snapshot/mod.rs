//! Snapshot files: saved from a server, read without one.

mod memory;
mod offline;
mod save;
mod status;
