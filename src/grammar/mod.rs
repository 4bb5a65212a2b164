//! pflag's and cobra's manners, over a command line that clap describes.
//!
//! The official client's parser takes flags anywhere, cuts command names short, lets the last of
//! several equal flags win, and words its errors its own way. Here its line is taken apart and put
//! in the one order that clap reads without a doubt: commands, `--flag=value`, `--`, the rest.
//!
//! Source: cobra 1.10.2 (`Command.Find`, `stripFlags`), pflag 1.0.10 (`FlagSet.parseArgs`).

mod command;
pub mod refusal;
mod token;

use std::any::TypeId;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, Command};

use self::command::find;
use self::token::{Found, Scope, Token, Value};
use crate::error::Error;
use crate::go::{number, quote};

/// A command line taken apart.
#[derive(Debug, Default)]
pub struct Line {
    /// The commands' full names, without the program's.
    pub path: Vec<String>,
    /// The flags in the order given, by their long names.
    pub flags: Vec<(String, OsString)>,
    /// What is no flag.
    pub rest: Vec<OsString>,
    /// How much of `rest` stood before `--`.
    pub dash: Option<usize>,
    pub help: bool,
    /// The flag whose value the line ends before, by its long name.
    pub pending: Option<String>,
    /// The first thing wrong, if any: what stands before it is in the fields above.
    pub wrong: Option<Error>,
}

/// The names that prefixes are matched with first, and the command there is for each.
pub type Names = fn(&[String]) -> &'static [&'static str];

/// Takes a line apart. `names` gives, for a path of commands, the reference's names below it.
#[must_use]
pub fn read(root: &Command, names: Names, args: &[OsString]) -> Line {
    let mut line = Line::default();
    let (command, used) = match find(root, names, args, &mut line.path) {
        Ok(found) => found,
        Err(err) => {
            line.wrong = Some(err);
            return line;
        }
    };
    let scope = Scope::of(root, command, &line.path);
    let mut tokens =
        args.iter().enumerate().filter(|(at, _)| !used.contains(at)).map(|(_, arg)| arg);
    while let Some(token) = tokens.next() {
        match scope.read(token.as_bytes()) {
            Token::End => {
                line.dash = Some(line.rest.len());
                line.rest.extend(tokens.cloned());
                break;
            }
            Token::Word => line.rest.push(token.clone()),
            Token::Flags(found, wrong) => {
                for flag in found {
                    if let Err(words) = line.add(flag, || tokens.next().cloned()) {
                        line.wrong = Some(Error::failure(words).usage(usage(root, &line.path)));
                        return line;
                    }
                }
                if let Some(words) = wrong {
                    line.wrong = Some(Error::failure(words).usage(usage(root, &line.path)));
                    return line;
                }
            }
        }
    }
    line
}

impl Line {
    /// The same line as clap is to read it.
    #[must_use]
    pub fn canonical(&self, root: &Command, program: &str) -> Vec<OsString> {
        let mut out = vec![OsString::from(program)];
        out.extend(self.path.iter().map(OsString::from));
        let scope = Scope::of(root, command_at(root, &self.path), &self.path);
        out.extend(self.words(&scope, |_| true));
        out.push("--".into());
        out.extend(self.rest.iter().cloned());
        out
    }

    /// Likewise, in two: the flags that every command takes, and the command with the rest.
    #[must_use]
    pub fn halves(&self, root: &Command) -> (Vec<OsString>, Vec<OsString>) {
        let scope = Scope::of(root, command_at(root, &self.path), &self.path);
        let everyones = |name: &str| {
            let known = scope.long(name.as_bytes());
            known.is_some_and(|arg| root.get_arguments().any(|other| std::ptr::eq(arg, other)))
        };
        let mut own: Vec<_> = self.path.iter().map(OsString::from).collect();
        own.extend(self.words(&scope, |name| !everyones(name)));
        own.push("--".into());
        own.extend(self.rest.iter().cloned());
        (self.words(&scope, everyones), own)
    }

    /// The wanted flags, each in one word.
    fn words(&self, scope: &Scope<'_>, wanted: impl Fn(&str) -> bool) -> Vec<OsString> {
        let mut out = Vec::new();
        let wanted = self.flags.iter().enumerate().filter(|(_, (name, _))| wanted(name));
        for (position, (name, value)) in wanted {
            let mut text = OsString::from(format!("--{name}"));
            let is_switch = scope.long(name.as_bytes()).is_some_and(is_switch);
            if is_switch {
                let later = self.flags.iter().skip(position + 1).any(|(other, _)| other == name);
                if later || value != "true" {
                    continue;
                }
            } else {
                text.push("=");
                text.push(value);
            }
            out.push(text);
        }
        out
    }

    /// The same line with flags that the environment sets, before those that were typed.
    ///
    /// # Errors
    /// A switch whose value is no bool: pflag's words.
    pub fn with_variables(
        &self,
        root: &Command,
        set: Vec<(String, OsString)>,
    ) -> Result<Self, String> {
        let scope = Scope::of(root, command_at(root, &self.path), &self.path);
        let mut line = Self {
            path: self.path.clone(),
            rest: self.rest.clone(),
            dash: self.dash,
            ..Self::default()
        };
        for (name, value) in set {
            let found =
                Found { arg: scope.long(name.as_bytes()), value: Value::Given(value), asked: name };
            line.add(found, || None)?;
        }
        line.flags.extend(self.flags.iter().cloned());
        Ok(line)
    }

    fn add(
        &mut self,
        found: Found<'_>,
        next: impl FnOnce() -> Option<OsString>,
    ) -> Result<(), String> {
        let Found { arg, value, asked } = found;
        let value = match value {
            Value::Given(value) => value,
            Value::Next => next().ok_or_else(|| {
                self.pending = arg.and_then(Arg::get_long).map(str::to_owned);
                format!("flag needs an argument: {asked}")
            })?,
        };
        let Some(arg) = arg else {
            self.help = switch("-h, --help", &value)?;
            return Ok(());
        };
        let value = if is_bool(arg) {
            if switch(&flag_name(arg), &value)? { "true".into() } else { "false".into() }
        } else {
            value
        };
        self.flags.push((arg.get_long().unwrap_or_default().to_owned(), value));
        Ok(())
    }
}

/// What follows a complaint about a command's flags.
#[must_use]
pub fn usage(root: &Command, path: &[String]) -> String {
    format!("\nRun '{} --help' for usage.", program(root, path))
}

/// The program's name with the commands below it.
fn program(root: &Command, path: &[String]) -> String {
    path.iter().fold(root.get_name().to_owned(), |line, name| format!("{line} {name}"))
}

/// The name by which pflag speaks of a flag.
#[must_use]
pub fn flag_name(arg: &Arg) -> String {
    let long = arg.get_long().unwrap_or_default();
    match arg.get_short() {
        Some(short) => format!("-{short}, --{long}"),
        None => format!("--{long}"),
    }
}

/// pflag's complaint about a value.
#[must_use]
pub fn invalid(name: &str, value: &OsStr, why: &str) -> String {
    format!("invalid argument {} for {name:?} flag: {why}", quote::quote(value.as_bytes()))
}

/// Reads a bool as pflag does.
fn switch(name: &str, value: &OsStr) -> Result<bool, String> {
    let text = value.to_string_lossy();
    number::parse_bool(&text).map_err(|err| invalid(name, value, &err.to_string()))
}

/// A bool that clap knows as present or absent.
fn is_switch(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue)
}

/// Any bool: one that is true unless told otherwise takes a value in clap's eyes.
#[must_use]
pub fn is_bool(arg: &Arg) -> bool {
    let parsed = ValueParser::type_id(arg.get_value_parser());
    is_switch(arg) || parsed == TypeId::of::<bool>()
}

/// The subcommand at a path of full names.
#[must_use]
pub fn command_at<'c>(root: &'c Command, path: &[String]) -> &'c Command {
    path.iter().fold(root, |command, name| command.find_subcommand(name).unwrap_or(command))
}

/// The flags that the command at a path takes: its own first.
#[must_use]
pub fn flags_at<'c>(root: &'c Command, path: &[String]) -> Vec<&'c Arg> {
    Scope::of(root, command_at(root, path), path).args()
}

/// The flags that the commands at and above a path hand down: a variable may set each.
#[must_use]
pub fn handed_down<'c>(root: &'c Command, path: &[String]) -> Vec<&'c Arg> {
    let mut args: Vec<&Arg> = root.get_arguments().collect();
    for depth in 1..=path.len() {
        let command = command_at(root, path.get(..depth).unwrap_or(path));
        args.extend(command.get_arguments().filter(|arg| arg.is_global_set()));
    }
    args
}

/// The flag in a word that holds its value too, and that value: `--limit=5`, `-w=json`.
#[must_use]
pub fn flag_with_value<'c>(
    root: &'c Command,
    path: &[String],
    word: &OsStr,
) -> Option<(&'c Arg, OsString)> {
    let at = word.as_bytes().iter().position(|&byte| byte == b'=')?;
    let (name, value) = word.as_bytes().split_at(at);
    let scope = Scope::of(root, command_at(root, path), path);
    let Token::Flags(found, None) = scope.read(name) else { return None };
    let arg = found.last()?.arg?;
    Some((arg, OsString::from_vec(value.get(1..)?.to_vec())))
}

#[cfg(test)]
mod tests {
    use clap::ArgAction;

    use super::*;

    /// `get` and `put`, `lease grant` and `lease revoke`; `-w` and `--on` go with all.
    fn root() -> Command {
        let on = Arg::new("on").long("on").global(true).action(ArgAction::Set);
        let on = on.value_parser(clap::value_parser!(bool)).num_args(0..=1).require_equals(true);
        let limit = Arg::new("limit").long("limit").action(ArgAction::Set);
        let words = Arg::new("words").action(ArgAction::Append).num_args(0..);
        let switch = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
        let leaf = |name: &'static str| Command::new(name).arg(words.clone());
        Command::new("etcdctl")
            .args_override_self(true)
            .arg(Arg::new("format").short('w').long("write-out").global(true))
            .arg(on)
            .subcommand(leaf("get").args([switch("prefix"), switch("keys-only"), limit]))
            .subcommand(leaf("put").args([switch("prev-kv"), switch("prefix")]))
            .subcommand(Command::new("lease").subcommands([leaf("grant"), leaf("revoke")]))
            .subcommand(leaf("watch").arg(switch("interactive").short('i')))
            .subcommand(leaf("own"))
    }

    fn names(path: &[String]) -> &'static [&'static str] {
        if path.is_empty() {
            &["get", "put", "lease", "lock", "watch"]
        } else {
            &["grant", "revoke"]
        }
    }

    fn line(text: &str) -> Line {
        let args: Vec<OsString> = text.split_whitespace().map(OsString::from).collect();
        read(&root(), names, &args)
    }

    /// What clap is given.
    fn canonical(text: &str) -> String {
        let line = line(text);
        assert!(line.wrong.is_none(), "{text}: {:?}", line.wrong);
        let words = line.canonical(&root(), "etcdctl");
        let words: Vec<_> = words.iter().skip(1).map(|word| word.to_string_lossy()).collect();
        words.join(" ")
    }

    fn wrong(text: &str) -> String {
        line(text).wrong.map(|err| err.message().to_owned()).unwrap_or_default()
    }

    #[test]
    fn flags_stand_anywhere_glued_or_apart() {
        for text in [
            "get --prefix -w json a b",
            "-w json get a --prefix b",
            "get a b --prefix -wjson",
            "get a -w=json b --prefix=true",
            "--write-out json get --prefix=T a b",
            "get --prefix=false a -w simple b -w json --prefix",
        ] {
            let canonical = canonical(text);
            let words: std::collections::BTreeSet<_> = canonical.split(' ').collect();
            for word in ["get", "--write-out=json", "--prefix", "a", "b"] {
                assert!(words.contains(word), "{text}: {canonical}");
            }
            assert!(canonical.ends_with("-- a b"), "{text}: {canonical}");
        }
    }

    #[test]
    fn a_flag_takes_the_next_word_whatever_it_is() {
        assert_eq!(canonical("get --limit --prefix a"), "get --limit=--prefix -- a");
        assert_eq!(canonical("get --limit -5 a"), "get --limit=-5 -- a");
    }

    #[test]
    fn a_switch_never_takes_the_next_word() {
        assert_eq!(canonical("get --prefix false a"), "get --prefix -- false a");
        assert_eq!(canonical("get --on=false a"), "get --on=false -- a");
        assert_eq!(canonical("get --on a"), "get --on=true -- a");
    }

    #[test]
    fn after_two_dashes_nothing_is_a_flag() {
        let line = line("put k -- -v --prefix");
        assert_eq!((line.rest.len(), line.dash), (3, Some(1)));
        assert_eq!(canonical("put k -- -v"), "put -- k -v");
        assert_eq!(canonical("put k -"), "put -- k -");
    }

    #[test]
    fn a_unique_beginning_of_the_references_names_is_enough() {
        assert_eq!(canonical("g a"), "get -- a");
        assert_eq!(canonical("le g 5"), "lease grant -- 5");
        assert_eq!(canonical("o a"), "own -- a");
        // `lock` is not built here, but `l` could mean it.
        assert_eq!(wrong("l grant"), "unknown command \"l\" for \"etcdctl\"");
        assert_eq!(wrong("loc x"), "unknown command \"loc\" for \"etcdctl\"");
    }

    #[test]
    fn a_long_flag_may_have_one_dash_where_no_short_one_is_meant() {
        assert_eq!(canonical("get / --prefix -keys-only"), "get --prefix --keys-only -- /");
        assert_eq!(canonical("get / -limit 3"), "get --limit=3 -- /");
        assert_eq!(canonical("-keys-only get /"), "get --keys-only -- /");
        // `-w` is a flag: its value is what follows.
        assert_eq!(canonical("get / -write-out"), "get --write-out=rite-out -- /");
    }

    #[test]
    fn a_commands_flag_may_stand_before_it_unless_it_is_ambiguous() {
        assert_eq!(canonical("--prefix get a"), "get --prefix -- a");
        assert_eq!(canonical("--limit 3 get a"), "get --limit=3 -- a");
        // What nobody knows is taken to have a value, and the word after it to be the command.
        assert_eq!(wrong("--nothing get a"), "unknown command \"a\" for \"etcdctl\"");
    }

    #[test]
    fn faults_have_pflags_words() {
        for (text, words) in [
            ("get --foo", "unknown flag: --foo"),
            ("get -x", "unknown shorthand flag: 'x' in -x"),
            ("watch -ix", "unknown shorthand flag: 'x' in -x"),
            ("get -w", "flag needs an argument: 'w' in -w"),
            ("get --limit", "flag needs an argument: --limit"),
            ("get --=x", "bad flag syntax: --=x"),
            ("get ---x", "bad flag syntax: ---x"),
            (
                "get --prefix=maybe",
                "invalid argument \"maybe\" for \"--prefix\" flag: \
                 strconv.ParseBool: parsing \"maybe\": invalid syntax",
            ),
            ("gett", "unknown command \"gett\" for \"etcdctl\""),
        ] {
            assert_eq!(wrong(text), words, "{text}");
        }
    }

    #[test]
    fn what_stands_before_a_fault_is_kept() {
        let line = line("get --limit x --foo");
        assert_eq!(line.flags, [("limit".to_owned(), "x".into())]);
    }

    #[test]
    fn help_is_asked_for_anywhere() {
        assert!(line("get a -h").help && line("--help").help && line("lease --help=true").help);
        assert!(!line("get a --help=false").help);
    }

    #[test]
    fn an_empty_word_names_no_command() {
        let line = read(&root(), names, &[OsString::new()]);
        assert!(line.path.is_empty() && line.wrong.is_none());
    }
}
