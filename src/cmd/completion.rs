//! `completion SHELL`: prints a script that lets a shell complete our command lines.

use crate::context::Context;
use crate::error::{Error, Result};
use crate::output;

/// Print a completion script
///
/// Load it in the present shell, for example: source <(etcdctl completion bash)
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl completion bash|zsh|fish|powershell")]
pub struct Args {
    /// bash, zsh, fish or powershell
    shell: Vec<String>,
}

/// The shells, and what each loads. The scripts ask the program itself, by `__complete`.
pub const SCRIPTS: [(&str, &str); 4] = [
    ("bash", include_str!("completion/etcdctl.bash")),
    ("zsh", include_str!("completion/_etcdctl")),
    ("fish", include_str!("completion/etcdctl.fish")),
    ("powershell", include_str!("completion/etcdctl.ps1")),
];

pub fn run(args: &Args, cx: &Context) -> Result<()> {
    let program = cx.command_line.get_name();
    let usage = format!("\nUsage: {program} completion bash|zsh|fish|powershell");
    let [shell] = args.shell.as_slice() else {
        let words = format!("accepts 1 arg(s), received {}", args.shell.len());
        return Err(Error::failure(words).usage(usage));
    };
    let Some((_, script)) = SCRIPTS.iter().find(|(name, _)| name == shell) else {
        let words = format!("invalid argument {shell:?} for \"{program} completion\"");
        return Err(Error::failure(words).usage(usage));
    };
    // Each name has functions of its own, so that both scripts may be loaded.
    output::print_text(&script.replace("etcdctl", program))
}
