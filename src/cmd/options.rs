//! `options`: the flags that every command takes.

use crate::cmd::help;
use crate::context::Context;
use crate::error::Result;
use crate::output;

/// List the flags that every command takes
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl options")]
pub struct Args {
    /// What the official client takes, and passes over
    #[arg(hide = true)]
    surplus: Vec<std::ffi::OsString>,
}

pub fn run(cx: &Context) -> Result<()> {
    let shown = |arg: clap::Arg| {
        let known = arg.get_id() != "help";
        help::without_idle_default(arg).hide(!known).global(false)
    };
    let mut listing = clap::Command::new("etcdctl")
        .disable_help_flag(true)
        .help_template("These flags go with any command, before or after it:\n\n{options}\n")
        .args(cx.command_line.get_arguments().cloned().map(shown));
    output::print_text(&listing.render_help().to_string())
}
