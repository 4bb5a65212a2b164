//! Ours and the official client in turn, on the same private server: time, processor, memory, first
//! output. README.md beside this folder says what the figures mean.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it prints its table")]

mod cases;
#[path = "../../tests/it/support/etcd.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod etcd;
mod files;
mod fill;
mod machine;
mod measure;
mod programs;
mod table;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Whatever goes wrong here ends the benchmark with its words.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match words[..] {
        ["fill", endpoint, keys, size] => fill::fill(endpoint, keys, size),
        ["objects", endpoint, copies] => fill::put_objects(endpoint, copies),
        ["grant", endpoint, leases] => fill::grant(endpoint, leases),
        _ => cases::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("bench: {err}");
            ExitCode::FAILURE
        }
    }
}

/// A number from the environment.
fn setting(name: &str, default: usize) -> Result<usize> {
    match std::env::var(name) {
        Ok(text) => text.parse().map_err(|err| format!("{name}={text}: {err}").into()),
        Err(_) => Ok(default),
    }
}

/// The folder of the project.
fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn on_path(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}
