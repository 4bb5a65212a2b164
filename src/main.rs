//! Runs the library on this process's arguments and environment.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os();
    let program = args.next().unwrap_or_default();
    let args: Vec<_> = args.collect();
    let vars: Vec<_> = std::env::vars_os().collect();
    ExitCode::from(etcdctl::run(&program, &args, &vars))
}
