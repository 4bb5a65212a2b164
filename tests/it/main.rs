//! One test program, so one link. Most tests compare with the official client: `make reference` first.

mod auth;
mod connection;
mod del;
mod get;
mod global;
mod large;
mod misbehaviour;
mod pipes;
mod put;
mod repo;
mod support;
mod tls;
