//! The command line under the name `etcdutl`: the commands that work on files, as the official utility has them.

use clap::{Arg, Command};

use crate::arg;

/// The name, and the commands that it has; below them, where not all are its.
pub const NAME: &str = "etcdutl";
const COMMANDS: [&str; 7] =
    ["completion", "defrag", "hashkv", "help", "migrate", "snapshot", "version"];
const OF_SNAPSHOT: [&str; 2] = ["restore", "status"];
/// Ours, beside those.
const OWN_OF_SNAPSHOT: [&str; 1] = ["verify"];

/// The official utility's names below a path of commands.
pub fn reference(path: &[String]) -> &'static [&'static str] {
    match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => &COMMANDS,
        ["snapshot"] => &OF_SNAPSHOT,
        _ => &[],
    }
}

/// The part of a command line that is the utility's. What tells where a server is, is taken and not needed.
pub fn of(whole: &Command) -> Command {
    let timeout = Arg::new("timeout")
        .long("timeout")
        .global(true)
        .hide(true)
        .value_name("DURATION")
        .default_value("10s")
        .value_parser(arg::duration)
        .help("Longest wait for a server that still has a database; 0 waits for ever");
    let commands = COMMANDS.iter().filter_map(|name| whole.find_subcommand(name));
    let commands = commands.map(|command| match command.get_name() {
        "snapshot" => {
            let below = OF_SNAPSHOT.iter().chain(&OWN_OF_SNAPSHOT);
            let below = below.filter_map(|name| command.find_subcommand(name));
            bare("snapshot", command).subcommands(below.cloned())
        }
        "defrag" => command.clone().mut_arg("cluster", |cluster| cluster.hide(true)),
        _ => command.clone(),
    });
    bare(NAME, whole).arg(timeout).subcommands(commands)
}

/// A command without those below it.
fn bare(name: &'static str, like: &Command) -> Command {
    let usage = format!("{NAME} {name} COMMAND");
    let mut bare = Command::new(name)
        .args_override_self(true)
        .disable_help_subcommand(true)
        .disable_version_flag(true)
        .override_usage(usage)
        .args(like.get_arguments().cloned());
    if let Some(about) = like.get_about() {
        bare = bare.about(about.clone());
    }
    bare
}
