//! The command that a line names, by whole names or unique beginnings of them.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;

use clap::Command;

use super::token::{Scope, Token, Value};
use super::{Names, program};
use crate::error::Error;
use crate::go::quote;

/// Finds the command that a line names; gives it with the positions of its names.
pub fn find<'c>(
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
                    return Err(unknown(&program(root, path), command, names(path), &name));
                };
                command = full;
                path.push(full.get_name().to_owned());
                used.push(at);
            }
            Token::Flags(found, wrong) => {
                let takes_next = found.last().is_some_and(|flag| matches!(flag.value, Value::Next));
                // What no command knows is taken to have a value, as cobra does.
                let bare_unknown = wrong.is_some() && !token.contains(&b'=');
                // Some command's switch may be another's flag with a value: where the next word is a
                // command, it is the switch.
                let next = args.get(at + 1).and_then(|next| next.to_str());
                let before_command =
                    next.is_some_and(|next| complete(command, names(path), next).is_some());
                let bare_unknown =
                    bare_unknown && !(before_command && Scope::has_switch(command, token));
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

fn unknown(program: &str, command: &Command, reference: &[&str], typed: &str) -> Error {
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
