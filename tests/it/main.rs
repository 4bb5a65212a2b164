//! One test program, so one link. Most tests compare with the official client: `make reference` first.

mod completion;
mod del;
mod formats;
mod get;
mod global;
mod misbehaviour;
mod pipes;
mod put;
mod readme;
mod repo;
mod shells;
mod support;
mod tls;
