//! Runs the library on this process's arguments and environment.

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let vars: Vec<_> = std::env::vars_os().collect();
    ExitCode::from(etcdctl::run(&args, &vars))
}
