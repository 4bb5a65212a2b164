//! Snapshot files: saved from a server, read without one.

mod save;
