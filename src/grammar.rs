//! pflag's and cobra's manners, over a command line that clap describes.
//!
//! The official client's parser takes flags anywhere, cuts command names short, lets the last of
//! several equal flags win, and words its errors its own way. Here its line is taken apart and put
//! in the one order that clap reads without a doubt: commands, `--flag=value`, `--`, the rest.
//!
//! Source: cobra 1.10.2 (`Command.Find`, `stripFlags`), pflag 1.0.10 (`FlagSet.parseArgs`).

use std::any::TypeId;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, Command};

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
                        line.wrong = Some(Error::failure(words).usage(usage(&line.path)));
                        return line;
                    }
                }
                if let Some(words) = wrong {
                    line.wrong = Some(Error::failure(words).usage(usage(&line.path)));
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
            Value::Next => next().ok_or_else(|| format!("flag needs an argument: {asked}"))?,
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
pub fn usage(path: &[String]) -> String {
    format!("\nRun '{} --help' for usage.", program(path))
}

/// The program's name with the commands below it.
fn program(path: &[String]) -> String {
    path.iter().fold("etcdctl".to_owned(), |line, name| format!("{line} {name}"))
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

/// Finds the command that a line names; gives it with the positions of its names.
fn find<'c>(
    root: &'c Command,
    names: Names,
    args: &[OsString],
    path: &mut Vec<String>,
) -> Result<(&'c Command, Vec<usize>), Error> {
    let (mut command, mut used) = (root, Vec::new());
    let mut at = 0;
    while at < args.len() && command.has_subcommands() {
        let token = args[at].as_bytes();
        // Most flags before a command go with any; only for another are all commands looked through.
        let read = match Scope::of(root, command, path).read(token) {
            Token::Flags(_, Some(_)) => Scope::below(root, command, path).read(token),
            read => read,
        };
        match read {
            Token::End => break,
            Token::Word if token.is_empty() => break,
            Token::Word => {
                let name = String::from_utf8_lossy(token);
                let Some(full) = complete(command, names(path), &name) else {
                    return Err(unknown(command, names(path), &name, path));
                };
                command = full;
                path.push(full.get_name().to_owned());
                used.push(at);
            }
            Token::Flags(found, wrong) => {
                let takes_next = found.last().is_some_and(|flag| matches!(flag.value, Value::Next));
                // What no command knows is taken to have a value, as cobra does.
                let bare_unknown = wrong.is_some() && !token.contains(&b'=');
                let long_or_single = token.starts_with(b"--") || token.len() == 2;
                if takes_next || (bare_unknown && long_or_single) {
                    at += 1;
                }
            }
        }
        at += 1;
    }
    Ok((command, used))
}

/// The command that a name or a unique beginning of one means: the reference's come first.
fn complete<'c>(command: &'c Command, reference: &[&str], typed: &str) -> Option<&'c Command> {
    if let Some(exact) = command.find_subcommand(typed) {
        return Some(exact);
    }
    let unique = |mut fitting: Vec<&str>| {
        fitting.dedup();
        match fitting.as_slice() {
            [one] => Some((*one).to_owned()),
            _ => None,
        }
    };
    let fitting: Vec<_> =
        reference.iter().copied().filter(|name| name.starts_with(typed)).collect();
    if !fitting.is_empty() {
        return unique(fitting).and_then(|name| command.find_subcommand(name));
    }
    let ours = command.get_subcommands().filter(|sub| !sub.is_hide_set()).map(Command::get_name);
    unique(ours.filter(|name| name.starts_with(typed)).collect())
        .and_then(|name| command.find_subcommand(name))
}

fn unknown(command: &Command, reference: &[&str], typed: &str, path: &[String]) -> Error {
    let program = program(path);
    let ours = command.get_subcommands().filter(|sub| !sub.is_hide_set()).map(Command::get_name);
    let built = |name: &&str| command.find_subcommand(name).is_some();
    let own = ours.filter(|name| !reference.contains(name));
    let known = reference.iter().copied().filter(built).chain(own);
    let near = crate::go::words::suggestions(typed, known);
    let mut after = String::new();
    if !near.is_empty() {
        let _ = writeln!(after, "\nDid you mean this?\n\t{}\n", near.join("\n\t"));
    }
    let _ = write!(after, "Run '{program} --help' for usage.");
    Error::failure(format!("unknown command {} for {program:?}", quote::quote(typed.as_bytes())))
        .usage(after)
}

/// What a token is.
enum Token<'c> {
    /// `--`: what follows is no flag.
    End,
    Word,
    /// One flag, or several short ones in one word, and what is wrong with the next.
    Flags(Vec<Found<'c>>, Option<String>),
}

/// A flag in a token; none is `--help`.
struct Found<'c> {
    arg: Option<&'c Arg>,
    value: Value,
    /// How pflag names it when its value is missing.
    asked: String,
}

enum Value {
    Given(OsString),
    /// It stands in the next word.
    Next,
}

/// The flags that a place knows.
struct Scope<'c> {
    args: Vec<&'c Arg>,
}

impl<'c> Scope<'c> {
    /// A command's own flags, and those that its parents hand down.
    fn of(root: &'c Command, command: &'c Command, path: &[String]) -> Self {
        let mut args: Vec<&Arg> = flags(command).collect();
        let mut above = root;
        for name in path {
            args.extend(flags(above).filter(|arg| arg.is_global_set()));
            above = above.find_subcommand(name).unwrap_or(above);
        }
        Self { args }
    }

    /// The same while the command is still sought: also the flags of all commands below, unless two
    /// of one name differ in whether they take a value.
    fn below(root: &'c Command, command: &'c Command, path: &[String]) -> Self {
        let mut scope = Self::of(root, command, path);
        let mut found: Vec<&Arg> = Vec::new();
        let mut open: Vec<&Command> = command.get_subcommands().collect();
        while let Some(next) = open.pop() {
            found.extend(flags(next));
            open.extend(next.get_subcommands());
        }
        let agree = |arg: &&Arg| {
            let same = found.iter().filter(|other| other.get_long() == arg.get_long());
            same.into_iter().all(|other| is_bool(other) == is_bool(arg))
        };
        let unknown: Vec<&Arg> = found
            .iter()
            .copied()
            .filter(agree)
            .filter(|arg| scope.args.iter().all(|known| known.get_long() != arg.get_long()))
            .collect();
        scope.args.extend(unknown);
        scope
    }

    fn long(&self, name: &[u8]) -> Option<&'c Arg> {
        self.args.iter().copied().find(|arg| arg.get_long().is_some_and(|l| l.as_bytes() == name))
    }

    fn short(&self, letter: u8) -> Option<&'c Arg> {
        let letter = char::from(letter);
        self.args.iter().copied().find(|arg| arg.get_short() == Some(letter))
    }

    fn read(&self, token: &[u8]) -> Token<'c> {
        match token {
            b"--" => Token::End,
            [b'-', b'-', text @ ..] => self.read_long(text, "--"),
            [b'-', first, rest @ ..] => {
                let whole = &token[1..];
                let name = whole.split(|&byte| byte == b'=').next().unwrap_or_default();
                let could_be_short = self.short(*first).is_some() || *first == b'h';
                if !rest.is_empty() && !could_be_short && self.long(name).is_some() {
                    return self.read_long(whole, "-");
                }
                self.read_short(whole)
            }
            _ => Token::Word,
        }
    }

    fn read_long(&self, text: &[u8], dashes: &str) -> Token<'c> {
        let wrong = |words: String| Token::Flags(Vec::new(), Some(words));
        let (name, value) = match text.iter().position(|&byte| byte == b'=') {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        let shown = String::from_utf8_lossy(name);
        if name.is_empty() || name.starts_with(b"-") {
            return wrong(format!("bad flag syntax: --{}", String::from_utf8_lossy(text)));
        }
        let arg = self.long(name);
        if arg.is_none() && name != b"help" {
            return wrong(format!("unknown flag: {dashes}{shown}"));
        }
        let value = match value {
            Some(value) => Value::Given(OsString::from_vec(value.to_vec())),
            None if arg.is_none_or(is_bool) => Value::Given("true".into()),
            None => Value::Next,
        };
        Token::Flags(vec![Found { arg, value, asked: format!("--{shown}") }], None)
    }

    fn read_short(&self, letters: &[u8]) -> Token<'c> {
        let mut found = Vec::new();
        let mut left = letters;
        while let Some((&letter, rest)) = left.split_first() {
            let shown = String::from_utf8_lossy(left);
            let asked = format!("'{}' in -{shown}", char::from(letter));
            let arg = self.short(letter);
            if arg.is_none() && letter != b'h' {
                return Token::Flags(found, Some(format!("unknown shorthand flag: {asked}")));
            }
            let given = |bytes: &[u8]| Value::Given(OsString::from_vec(bytes.to_vec()));
            let (value, ends) = match rest {
                [b'=', value @ ..] if !value.is_empty() => (given(value), true),
                _ if arg.is_none_or(is_bool) => (Value::Given("true".into()), false),
                [] => (Value::Next, true),
                value => (given(value), true),
            };
            found.push(Found { arg, value, asked });
            if ends {
                break;
            }
            left = rest;
        }
        Token::Flags(found, None)
    }
}

fn flags(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| arg.get_long().is_some())
}
