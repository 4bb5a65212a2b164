//! One test program, so one link. Most tests compare with the official client: `make reference` first.

mod access;
mod auth;
mod check;
mod completion;
mod connection;
mod data_directory;
mod del;
mod endpoint;
mod formats;
mod get;
mod global;
mod lease;
mod lock;
mod maintenance;
mod misbehaviour;
mod pipes;
mod put;
mod readme;
mod repo;
mod restore;
mod shells;
mod support;
mod tls;
mod txn;
mod utility;
mod watch;
