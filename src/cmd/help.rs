//! `help`: what a command does and takes.

use std::fmt::Write as _;
use std::io::Write as _;

use clap::Command;

use crate::context::Context;
use crate::error::Result;
use crate::{grammar, output};

/// Print what a command does
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl help [COMMAND]")]
pub struct Args {
    /// Command, with the commands above it
    topic: Vec<String>,
}

pub fn run(args: &Args, cx: &Context) -> Result<()> {
    let Some(path) = topic(cx.command_line, &args.topic) else {
        // The official client says so on stderr, and counts it a success.
        let topic = args.topic.join(" ");
        let words =
            format!("Unknown help topic [`{topic}`]\nRun 'etcdctl --help' for the commands.");
        let _ = writeln!(std::io::stderr(), "{words}");
        return Ok(());
    };
    print(cx.command_line, &path)
}

/// The full names that a topic's words stand for.
fn topic(root: &Command, words: &[String]) -> Option<Vec<String>> {
    let args: Vec<_> = words.iter().map(std::ffi::OsString::from).collect();
    let line = grammar::read(root, super::reference, &args);
    (line.wrong.is_none() && line.rest.is_empty()).then_some(line.path)
}

/// Prints the help of the command at a path; that of the program itself where the path is empty.
pub fn print(root: &Command, path: &[String]) -> Result<()> {
    output::print_text(&text(root, path))
}

fn text(root: &Command, path: &[String]) -> String {
    if path.is_empty() {
        return overview(root);
    }
    let command = grammar::command_at(root, path);
    let about = command.get_long_about().or_else(|| command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    let mut command = command
        .clone()
        .bin_name(
            path.iter().fold(root.get_name().to_owned(), |name, word| format!("{name} {word}")),
        )
        .help_template("{usage-heading} {usage}\n\n{all-args}")
        .mut_args(without_idle_default);
    let text = command.render_help().to_string();
    let after = match root.find_subcommand("options") {
        Some(_) => "Flags that go with any command: etcdctl options\n",
        None => UTILITYS_FLAGS,
    };
    // The texts are written for the client's name.
    let text = text.trim_end().replace("etcdctl", root.get_name());
    format!("{about}\n\n{text}\n\n{after}")
}

/// A default that changes nothing is not worth a reader's time.
#[must_use]
pub fn without_idle_default(arg: clap::Arg) -> clap::Arg {
    let idle = matches!(arg.get_default_values(), [only] if only.is_empty() || only == "0");
    arg.hide_default_value(idle)
}

/// What commands are about, the official client's first.
const GROUPS: [(&str, &[&str]); 7] = [
    ("Keys and values", &["get", "put", "del", "txn", "watch", "compaction", "lease"]),
    (
        "The cluster",
        &[
            "alarm",
            "defrag",
            "doctor",
            "downgrade",
            "endpoint",
            "member",
            "move-leader",
            "snapshot",
        ],
    ),
    ("Concurrency", &["elect", "lock"]),
    ("Authentication", &["auth", "role", "user"]),
    ("Kubernetes", &["kube"]),
    ("Files", &["hashkv", "migrate"]),
    (
        "The program",
        &["check", "completion", "context", "help", "make-mirror", "options", "version"],
    ),
];

/// What the utility for files takes with any command, of what matters there.
const UTILITYS_FLAGS: &str = "Flags that go with any command:
      --timeout <DURATION>  Longest wait for a server that still has a database; 0 waits for ever [default: 10s]
  -w, --write-out <FORMAT>  Format of the answer: simple, json, fields or table [default: simple]
";

fn overview_of_utility(root: &Command) -> String {
    let mut text = String::from(
        "Works on the files of an etcd that does not run.\n\nUsage: etcdutl COMMAND [flags]\n\nCommands:\n",
    );
    for command in root.get_subcommands() {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(text, "  {:<12} {about}", command.get_name());
    }
    let _ = write!(text, "\n{UTILITYS_FLAGS}\nMore: etcdutl COMMAND --help\n");
    text
}

fn overview(root: &Command) -> String {
    if root.find_subcommand("options").is_none() {
        return overview_of_utility(root);
    }
    let mut text =
        String::from("Reads and changes an etcd cluster.\n\nUsage: etcdctl COMMAND [flags]\n");
    for (heading, names) in GROUPS {
        let commands: Vec<_> = names.iter().filter_map(|name| root.find_subcommand(name)).collect();
        if commands.is_empty() {
            continue;
        }
        let _ = write!(text, "\n{heading}:\n");
        for command in commands {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(text, "  {:<12} {about}", command.get_name());
        }
    }
    text.push_str(
        "\nA command's name may be cut short where it stays unique.\n\
         More: etcdctl COMMAND --help, etcdctl options\n",
    );
    text
}
