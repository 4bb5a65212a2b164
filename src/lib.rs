//! A drop-in `etcdctl`. The binary only calls [`run`]; the library exists so that tests can see inside.

pub mod arg;
pub mod child;
pub mod cli;
pub mod cluster;
pub mod cmd;
pub mod context;
pub mod contexts;
pub mod discovery;
pub mod env;
pub mod error;
pub mod folder;
pub mod global;
pub mod go;
pub mod grammar;
pub mod input;
pub mod kube;
pub mod login;
pub mod output;
pub mod progress;
pub mod proto;
pub mod render;
pub mod reply;
pub mod request;
pub mod secret;
pub mod snapshot;
pub mod source;
pub mod terminal;

use std::ffi::{OsStr, OsString};

use crate::error::{Error, Exit};

/// Does what a command line says, under the name that the program was started by; reports what goes wrong; gives the exit status.
#[must_use]
pub fn run(program: &OsStr, args: &[OsString], vars: &[(OsString, OsString)]) -> u8 {
    // One thread: half the start-up time of several, and nothing here computes for long.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => {
            let outcome = runtime.block_on(cli::run(program, args, vars));
            // A name that is still being looked up must not keep the program from ending.
            runtime.shutdown_background();
            outcome
        }
        Err(err) => Err(Error::new(Exit::Failure, format!("could not start: {err}"))),
    };
    match outcome {
        Ok(()) => 0,
        Err(error) => {
            let mut report = Vec::new();
            // Into memory, where nothing can fail.
            let _ = error.report(!env::hints_off(vars), &mut report);
            if let Some(text) = String::from_utf8_lossy(&report).strip_suffix('\n') {
                terminal::tell(text);
            }
            error.exit.code()
        }
    }
}
