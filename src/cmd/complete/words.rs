//! What the command line itself knows: commands, flags, values, and where an argument comes from.

use clap::{Arg, Command, ValueHint};

use super::{Directive, Offer};
use crate::cmd::completion;
use crate::grammar::{self, Line};
use crate::output::Format;

/// Where the candidates for an argument come from.
pub enum Source {
    /// The commands below a path.
    Commands(Vec<String>),
    /// These words.
    Words(Vec<&'static str>),
    /// Folders, which the shell knows.
    Folders,
    /// The keys of the cluster.
    Keys,
    Nothing,
}

/// The source of the argument that comes next. Commands to come have their line here.
pub fn source(root: &Command, line: &Line) -> Source {
    let command = grammar::command_at(root, &line.path);
    let given = |flag: &str| line.flags.iter().any(|(name, value)| name == flag && value == "true");
    let path: Vec<&str> = line.path.iter().map(String::as_str).collect();
    match (path.as_slice(), line.rest.len()) {
        (_, 0) if command.has_subcommands() && line.dash.is_none() => {
            Source::Commands(line.path.clone())
        }
        (["get" | "del" | "put"], 0) => Source::Keys,
        (["get" | "del"], 1) if !given("prefix") && !given("from-key") => Source::Keys,
        (["completion"], 0) => {
            Source::Words(completion::SCRIPTS.iter().map(|(shell, _)| *shell).collect())
        }
        (["help"], _) => topics(root, line),
        (["man"], 0) => Source::Folders,
        _ => Source::Nothing,
    }
}

/// `help` takes the names of commands: those below the ones that are there already.
fn topics(root: &Command, line: &Line) -> Source {
    let topic = grammar::read(root, crate::cmd::reference, &line.rest);
    if topic.wrong.is_some() || !topic.rest.is_empty() {
        return Source::Nothing;
    }
    Source::Commands(topic.path)
}

/// The commands below a path.
pub fn commands(root: &Command, path: &[String], typed: &str) -> Offer {
    let below = grammar::command_at(root, path).get_subcommands();
    let fitting = below
        .filter(|command| !command.is_hide_set() && command.get_name().starts_with(typed))
        .map(|command| (command.get_name().to_owned(), first_line(command.get_about())));
    let mut candidates: Vec<_> = fitting.collect();
    candidates.sort();
    Offer::of(candidates)
}

/// The names of flags that are not on the line yet, or may stand there again.
pub fn flags(known: &[&Arg], line: &Line, typed: &str) -> Offer {
    let mut candidates = Vec::new();
    for arg in known {
        let Some(long) = arg.get_long() else { continue };
        if line.flags.iter().any(|(name, _)| name == long) && long != "endpoints" {
            continue;
        }
        let mut names = vec![format!("--{long}")];
        names.extend(arg.get_short().map(|short| format!("-{short}")));
        // Printed that way in many a text, and accepted.
        names.extend((!typed.starts_with("--") && typed.len() > 1).then(|| format!("-{long}")));
        let help = first_line(arg.get_help());
        let fitting = names.into_iter().filter(|name| name.starts_with(typed));
        candidates.extend(fitting.map(|name| (name, help.clone())));
    }
    let help = ["--help", "-h"].into_iter().filter(|name| name.starts_with(typed));
    candidates.extend(help.map(|name| (name.to_owned(), "Print what the command does".to_owned())));
    // A command's own flags come before those that all share.
    Offer::of(candidates).in_this_order()
}

/// The values of a flag. A value's name that lists words, `l|s`, is what there is to choose from.
pub fn values(flag: &Arg, path: &[String], typed: &str) -> Offer {
    if matches!(flag.get_value_hint(), ValueHint::AnyPath | ValueHint::FilePath) {
        return Offer::left_to_the_shell(Directive::FILES);
    }
    let listed = flag.get_value_names().and_then(|names| names.first());
    let words: Vec<&str> = match listed {
        _ if flag.get_long() == Some("write-out") => formats(path),
        _ if grammar::is_bool(flag) => vec!["true", "false"],
        Some(listed) if listed.contains('|') => listed.split('|').collect(),
        _ => Vec::new(),
    };
    let fitting = words.into_iter().filter(|word| word.starts_with(typed));
    Offer::plain(fitting).in_this_order()
}

/// The formats of a command's answer.
fn formats(path: &[String]) -> Vec<&'static str> {
    let formats: &[Format] = match path {
        // Any command may still follow.
        [] => &Format::ALL,
        [name] if name == "get" => &Format::ALL,
        _ => &Format::WITHOUT_RAW,
    };
    formats.iter().map(|format| format.name()).collect()
}

fn first_line(text: Option<&clap::builder::StyledStr>) -> String {
    let text = text.map(ToString::to_string).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}
