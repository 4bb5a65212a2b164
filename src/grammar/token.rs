//! One word of a line: a flag, several short ones, or none.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use clap::{Arg, Command};

use super::is_bool;

/// What a token is.
pub enum Token<'c> {
    /// `--`: what follows is no flag.
    End,
    Word,
    /// One flag, or several short ones in one word, and what is wrong with the next.
    Flags(Vec<Found<'c>>, Option<String>),
}

/// A flag in a token; none is `--help`.
pub struct Found<'c> {
    pub arg: Option<&'c Arg>,
    pub value: Value,
    /// How pflag names it when its value is missing.
    pub asked: String,
}

pub enum Value {
    Given(OsString),
    /// It stands in the next word.
    Next,
}

/// The flags that a place knows.
pub struct Scope<'c> {
    args: Vec<&'c Arg>,
}

impl<'c> Scope<'c> {
    /// A command's own flags, and those that its parents hand down.
    pub fn of(root: &'c Command, command: &'c Command, path: &[String]) -> Self {
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
    pub fn below(root: &'c Command, command: &'c Command, path: &[String]) -> Self {
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

    /// Whether some command below has a switch of that name.
    pub fn has_switch(command: &Command, token: &[u8]) -> bool {
        let Some(name) = token.strip_prefix(b"--") else { return false };
        let named = |arg: &Arg| arg.get_long().is_some_and(|long| long.as_bytes() == name);
        let own = flags(command).any(|arg| named(arg) && is_bool(arg));
        own || command.get_subcommands().any(|below| Self::has_switch(below, token))
    }

    /// Its flags: a command's own come first.
    pub fn args(self) -> Vec<&'c Arg> {
        self.args
    }

    pub fn long(&self, name: &[u8]) -> Option<&'c Arg> {
        self.args.iter().copied().find(|arg| arg.get_long().is_some_and(|l| l.as_bytes() == name))
    }

    fn short(&self, letter: u8) -> Option<&'c Arg> {
        let letter = char::from(letter);
        self.args.iter().copied().find(|arg| arg.get_short() == Some(letter))
    }

    /// Reads one word.
    pub fn read(&self, token: &[u8]) -> Token<'c> {
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
