//! `man DIR`: writes the manual's pages, one for the program and one for each command.
//!
//! The pages bear no date and no version, so that they change only when what they say does.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command};
use clap_mangen::Man;

use crate::cmd::help;
use crate::context::Context;
use crate::env;
use crate::error::{Error, Result};

/// Write the manual's pages into a folder
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl man DIR")]
pub struct Args {
    /// Folder to write into
    folder: PathBuf,
}

const PROGRAM: &str = "etcdctl";

const DESCRIPTION: &str = "Reads and changes the keys of an etcd cluster, and looks after its members.\n\n\
    The flags below go with any command, before or after it. A long flag is also understood with one \
    dash where no short flag could be meant. A command's name may be cut short where it stays unique.";

/// Variables that stand for no flag.
const VARIABLES: [(&str, &str); 3] = [
    ("ETCDCTL_API", "Ignored: this client speaks version 3 of the API alone"),
    ("ETCDCTL_HINTS", "off: an error is told without its causes and the way out"),
    (
        "HTTPS_PROXY, NO_PROXY",
        "The proxy that servers are reached through, and those that need none",
    ),
];

const STATUSES: [(&str, &str); 10] = [
    ("0", "Success"),
    ("1", "A request failed, or the command line could not be understood"),
    (
        "2",
        "No connection could be made: a wrong password, no endpoints; or a lease could not be read",
    ),
    ("3", "Input that cannot be read: a transaction, an interactive watch"),
    ("4", "A format, an order or a consistency that does not exist"),
    ("5", "The server ended a stream"),
    ("6", "The answer could not be written"),
    ("128", "Arguments that contradict each other, or files of a flag that cannot be used"),
    ("141", "Nobody reads the answer any more"),
    ("other", "The status of a command that was run"),
];

pub fn run(args: &Args, cx: &Context) -> Result<()> {
    let root = cx.command_line;
    write(&args.folder, PROGRAM, |out| main_page(root, out))?;
    pages(root, PROGRAM, &args.folder)
}

fn pages(above: &Command, above_name: &str, folder: &Path) -> Result<()> {
    for command in visible(above) {
        let name = format!("{above_name}-{}", command.get_name());
        write(folder, &name, |out| page(command, &name, above_name, out))?;
        pages(command, &name, folder)?;
    }
    Ok(())
}

fn write(
    folder: &Path,
    name: &str,
    render: impl FnOnce(&mut Vec<u8>) -> io::Result<()>,
) -> Result<()> {
    let path = folder.join(format!("{name}.1"));
    let mut text = Vec::new();
    render(&mut text)
        .and_then(|()| std::fs::write(&path, text))
        .map_err(|err| Error::failure(format!("could not write {}: {err}", path.display())))
}

/// The program's own page: what all commands have in common.
fn main_page(root: &Command, out: &mut Vec<u8>) -> io::Result<()> {
    let flags: Vec<_> = root.get_arguments().filter(|arg| arg.get_id() != "help").collect();
    let help = Arg::new("help")
        .short('h')
        .long("help")
        .action(ArgAction::SetTrue)
        .help("Print what the command does");
    let shown = |arg: &&Arg| help::without_idle_default((*arg).clone()).hide(false).global(false);
    let command = Command::new(PROGRAM)
        .about("read and change an etcd cluster")
        .long_about(DESCRIPTION)
        .override_usage("etcdctl COMMAND [flags]")
        .disable_help_flag(true)
        .args(flags.iter().map(shown).chain([help]));
    begin(&command, PROGRAM, out)?;
    section(out, "COMMANDS")?;
    for below in visible(root) {
        let about = below.get_about().map(ToString::to_string).unwrap_or_default();
        item(out, &reference(&format!("{PROGRAM}-{}", below.get_name())), &about)?;
    }
    section(out, "ENVIRONMENT")?;
    writeln!(out, "{}", escaped("A flag on the command line wins over its variable."))?;
    for long in flags.iter().filter_map(|arg| arg.get_long()) {
        item(out, &bold(&env::variable(long)), &format!("The same as --{long}"))?;
    }
    for (name, meaning) in VARIABLES {
        item(out, &bold(name), meaning)?;
    }
    section(out, "EXIT STATUS")?;
    for (status, meaning) in STATUSES {
        item(out, &bold(status), meaning)?;
    }
    section(out, "SEE ALSO")?;
    writeln!(out, "{}", reference("etcd"))
}

/// The page of a command.
fn page(command: &Command, name: &str, above: &str, out: &mut Vec<u8>) -> io::Result<()> {
    let own = command
        .clone()
        .name(name.to_owned())
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .mut_args(help::without_idle_default);
    begin(&own, name, out)?;
    if visible(command).next().is_some() {
        section(out, "COMMANDS")?;
    }
    for below in visible(command) {
        let about = below.get_about().map(ToString::to_string).unwrap_or_default();
        item(out, &reference(&format!("{name}-{}", below.get_name())), &about)?;
    }
    section(out, "FLAGS OF EVERY COMMAND")?;
    let words = "They are described in %, with the environment and the exit statuses.";
    writeln!(out, "{}", escaped(words).replace('%', &reference(PROGRAM)))?;
    section(out, "SEE ALSO")?;
    let mut others = vec![reference(PROGRAM)];
    if above != PROGRAM {
        others.push(reference(above));
    }
    writeln!(out, "{}", others.join(", "))
}

/// What every page begins with.
fn begin(command: &Command, name: &str, out: &mut Vec<u8>) -> io::Result<()> {
    // The empty place is the date's.
    writeln!(out, ".TH {} 1 \"\" {PROGRAM}", escaped(&name.to_uppercase()))?;
    let man = Man::new(command.clone());
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    man.render_description_section(out)?;
    if command.get_arguments().any(|arg| !arg.is_hide_set()) {
        man.render_options_section(out)?;
    }
    Ok(())
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|below| !below.is_hide_set())
}

fn section(out: &mut dyn Write, title: &str) -> io::Result<()> {
    writeln!(out, ".SH \"{title}\"")
}

/// `head` is roff, `text` is not.
fn item(out: &mut dyn Write, head: &str, text: &str) -> io::Result<()> {
    writeln!(out, ".TP\n{head}\n{}", escaped(text))
}

fn bold(text: &str) -> String {
    format!("\\fB{}\\fR", escaped(text))
}

/// Another page.
fn reference(name: &str) -> String {
    format!("{}(1)", bold(name))
}

/// Text as roff takes it literally.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
    if text.starts_with('.') { format!("\\&{text}") } else { text }
}
