//! The command line as a whole: from words to a command and the context it runs in.

mod old;
mod utility;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::LazyLock;

use clap::{CommandFactory, FromArgMatches, Parser};

use crate::cmd::complete::{self, Asker};
use crate::cmd::{self, Command, help};
use crate::context::{Context, Environment};
use crate::env;
use crate::error::{Error, Result};
use crate::global::Global;
use crate::grammar::{self, Line};

const PROGRAM: &str = "etcdctl";

/// What the program was started as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    Etcdctl,
    /// The official utility for files.
    Etcdutl,
}

impl Name {
    /// The name in the path that started the program; whatever else it is called, it is the client.
    #[must_use]
    pub fn of(program: &OsStr) -> Self {
        let name = Path::new(program).file_name().unwrap_or_default();
        if name == utility::NAME { Self::Etcdutl } else { Self::Etcdctl }
    }
}

/// The program's flags and commands.
#[derive(Debug, Parser)]
#[command(name = PROGRAM, args_override_self = true, disable_help_subcommand = true, disable_version_flag = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Does what a command line says.
pub async fn run(program: &OsStr, args: &[OsString], vars: &[(OsString, OsString)]) -> Result<()> {
    let name = Name::of(program);
    let root = command_of(name);
    // The official utility has no variables.
    let vars = if name == Name::Etcdutl { &[] } else { vars };
    if let Some((asker, words)) = Asker::of(args, vars) {
        return completion(root, names(name), asker, words, vars).await;
    }
    let line = grammar::read(root, names(name), args);
    let parsed = parse(root, &line, vars);
    if let Some(wrong) = line.wrong {
        // Of two faults the first on the line is told, as a parser that goes from left to right does.
        return match parsed {
            Err(fault) if fault.is_value => Err(fault.error),
            _ => Err(old::explain(wrong, args)),
        };
    }
    let group = grammar::command_at(root, &line.path);
    if line.help || group.has_subcommands() {
        let named = line.rest.first().filter(|word| !line.help && !word.is_empty());
        return match named {
            Some(word) if !line.path.is_empty() => Err(unknown_below(root, &line.path, word)),
            _ => help::print(root, &line.path),
        };
    }
    let (cli, environment) = parsed.map_err(|fault| fault.error)?;
    let mut cx = Context::new(root, cli.global, environment);
    cx.dash = line.dash;
    cmd::run(cli.command, &mut cx).await
}

/// Says what may come next on a line that is still being typed.
async fn completion(
    root: &'static clap::Command,
    names: grammar::Names,
    asker: Asker,
    words: &[OsString],
    vars: &[(OsString, OsString)],
) -> Result<()> {
    let Some((typed, before)) = words.split_last() else {
        return Err(Error::failure("requires at least 1 arg(s), only received 0"));
    };
    let line = grammar::read(root, names, before);
    let mut cx = global(root, &line, vars)
        .map(|(global, environment)| Context::new(root, global, environment));
    complete::run(asker, root, &line, typed, cx.as_mut()).await
}

/// The flags that every command takes, on a line that may lack what its command needs.
fn global(
    root: &clap::Command,
    line: &Line,
    vars: &[(OsString, OsString)],
) -> Option<(Global, Environment)> {
    let persistent = || root.get_arguments().filter_map(clap::Arg::get_long);
    let is_shared = |name: &str| persistent().any(|known| known == name);
    let typed: Vec<_> = line.flags.iter().filter(|(name, _)| is_shared(name)).cloned().collect();
    let given = |flag: &str| typed.iter().any(|(name, _)| name == flag);
    let set = env::flags(persistent().filter(|&flag| !given(flag)), vars);
    let global = Global::of(set.iter().chain(&typed).cloned().collect()).ok()?;
    let others = env::others(vars);
    Some((global, Environment { typed, set, others, ..Environment::default() }))
}

/// What clap found wrong.
struct Fault {
    error: Error,
    /// A flag's value, rather than what is missing from an unfinished line.
    is_value: bool,
}

/// Reads a line with the variables that add to it. A variable's fault is no fault of the line.
fn parse(
    root: &clap::Command,
    line: &Line,
    vars: &[(OsString, OsString)],
) -> Result<(Cli, Environment), Fault> {
    let handed_down = grammar::handed_down(root, &line.path);
    let persistent = || handed_down.iter().filter_map(|arg| arg.get_long());
    let given = |flag: &str| line.flags.iter().any(|(name, _)| name == flag);
    let set = env::flags(persistent().filter(|&flag| !given(flag)), vars);
    let watches = line.path.first().is_some_and(|command| command == "watch");
    let also_known: &[&str] = if watches { &env::WATCH } else { &[] };
    let warnings = env::warnings(persistent(), also_known, vars);
    let (others, hints_off) = (env::others(vars), env::hints_off(vars));
    let shared = |flags: &[(String, OsString)]| {
        let known = |name: &str| root.get_arguments().any(|arg| arg.get_long() == Some(name));
        flags.iter().filter(|(name, _)| known(name)).cloned().collect::<Vec<_>>()
    };
    let (typed, also_set) = (shared(&line.flags), shared(&set));
    let environment =
        |error| Environment { typed, set: also_set, others, error, warnings, hints_off };
    let mut named: Vec<String> = line.flags.iter().map(|(name, _)| name.clone()).collect();
    named.extend(set.iter().map(|(name, _)| name.clone()));
    let with_given = |mut cli: Cli| {
        cli.global.given = named;
        cli
    };
    if set.is_empty() {
        let cli = matches(root, line)?;
        return Ok((with_given(cli), environment(None)));
    }
    let with = line
        .with_variables(root, set)
        .and_then(|line| matches(root, &line).map_err(|fault| fault.error.message().to_owned()));
    match with {
        Ok(cli) => Ok((with_given(cli), environment(None))),
        Err(words) => {
            let cli = matches(root, line)?;
            let error = Some(Error::failure(in_a_variable(&words)));
            Ok((with_given(cli), environment(error)))
        }
    }
}

/// `invalid argument "x" for "--hex" flag: …`, said of the variable.
fn in_a_variable(words: &str) -> String {
    let (value, rest) = words.split_once(" for \"").unwrap_or((words, ""));
    let (name, why) = rest.split_once("\" flag: ").unwrap_or((rest, ""));
    let flag = name.rsplit("--").next().unwrap_or(name);
    let value = value.trim_start_matches("invalid argument ");
    format!("invalid value {value} in the variable {}: {why}", env::variable(flag))
}

fn matches(root: &clap::Command, line: &Line) -> Result<Cli, Fault> {
    // Of several faults the first on the line is told, so that the order is kept where there is one.
    quick(root, line).or_else(|_| slow(root, line)).map_err(|err| fault(root, line, &err))
}

fn slow(root: &clap::Command, line: &Line) -> clap::error::Result<Cli> {
    let matches = root.clone().try_get_matches_from(line.canonical(root, PROGRAM))?;
    Cli::from_arg_matches(&matches)
}

fn quick(root: &clap::Command, line: &Line) -> clap::error::Result<Cli> {
    let (persistent, own) = line.halves(root);
    let words = [&[PROGRAM.into()], persistent.as_slice(), own.as_slice()].concat();
    let matches = branch(root, &line.path).try_get_matches_from(words)?;
    Cli::from_arg_matches(&matches)
}

/// The program as if it had one command alone, the persistent flags before it: clap copies, checks
/// and hands down all that it is given, which for every command is most of a short run's time.
fn branch(root: &clap::Command, path: &[String]) -> clap::Command {
    let program = clap::Command::new(PROGRAM)
        .args_override_self(true)
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .args(root.get_arguments().map(|arg| arg.clone().global(false)));
    let command = path.first().and_then(|name| root.find_subcommand(name));
    program.subcommands(command.cloned())
}

/// pflag's words for what clap refuses.
fn fault(root: &clap::Command, line: &Line, err: &clap::Error) -> Fault {
    let (words, is_value) = grammar::refusal::words(root, err);
    let error = Error::failure(words);
    let error = if is_value { error.usage(grammar::usage(root, &line.path)) } else { error };
    Fault { error, is_value }
}

fn unknown_below(root: &clap::Command, path: &[String], word: &OsStr) -> Error {
    let group = format!("{} {}", root.get_name(), path.join(" "));
    let words = format!("unknown command {:?} for {group:?}", word.to_string_lossy());
    Error::failure(words).usage(grammar::usage(root, path))
}

/// The command line as it is described. Made once, and never taken apart: that takes as long as to make it.
#[must_use]
pub fn command() -> &'static clap::Command {
    static ROOT: LazyLock<clap::Command> = LazyLock::new(Cli::command);
    &ROOT
}

/// Likewise, for each name.
#[must_use]
pub fn command_of(name: Name) -> &'static clap::Command {
    static UTILITY: LazyLock<clap::Command> = LazyLock::new(|| utility::of(command()));
    match name {
        Name::Etcdctl => command(),
        Name::Etcdutl => &UTILITY,
    }
}

/// The official commands' names.
fn names(name: Name) -> grammar::Names {
    match name {
        Name::Etcdctl => cmd::reference,
        Name::Etcdutl => utility::reference,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_utility_is_a_command_line_of_its_own() {
        assert_eq!(Name::of(OsStr::new("/usr/bin/etcdutl")), Name::Etcdutl);
        for other in ["", "etcdctl", "etcdutl/x", "/opt/my-etcdutl"] {
            assert_eq!(Name::of(OsStr::new(other)), Name::Etcdctl, "{other}");
        }
        command_of(Name::Etcdutl).clone().debug_assert();
    }

    #[test]
    fn a_line_means_the_same_to_one_command_as_to_all() {
        for text in [
            "get a",
            "--hex get a b --endpoints=x:1,y:2 --limit=3 --write-out=json --limit=4 --hex=false",
            "put --prev-kv -- -a --hex",
            "get a --dial-timeout=1s -d example.com --insecure-transport=false --user=u:p",
            "completion bash",
            "help get",
            "get --limit=x",
            "get --dial-timeout=x",
            "help",
            "",
        ] {
            let args: Vec<OsString> = text.split_whitespace().map(Into::into).collect();
            let line = grammar::read(command(), cmd::reference, &args);
            let said = |read: clap::error::Result<Cli>| {
                read.map(|cli| format!("{cli:?}")).map_err(|err| err.kind())
            };
            let (quick, slow) = (quick(command(), &line), slow(command(), &line));
            match (said(quick), said(slow)) {
                (Err(_), Err(_)) => {}
                (quick, slow) => assert_eq!(quick, slow, "{text}"),
            }
        }
    }
}
