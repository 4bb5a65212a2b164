//! One test program, so one link. Most tests compare with the official client: `make reference` first.

mod access;
mod auth;
mod completion;
mod connection;
mod del;
mod endpoint;
mod formats;
mod get;
mod global;
mod lease;
mod maintenance;
mod misbehaviour;
mod pipes;
mod put;
mod readme;
mod repo;
mod restore;
mod shells;
mod snapshot;
mod support;
mod tls;
mod watch;
