//! `context`: named sets of flags, kept in a file.

use crate::child;
use crate::context::Context;
use crate::contexts::{Contexts, PASSWORD_COMMAND};
use crate::error::{Error, Result};
use crate::output::{self, Format};

/// Keep flags that say where a cluster is under a name
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl context COMMAND")]
pub struct Args {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List the contexts; a star marks the current one
    #[command(override_usage = "etcdctl context list")]
    List,
    /// Print a context without its secrets
    #[command(override_usage = "etcdctl context show [NAME]")]
    Show {
        /// Context to print; the current one unless given
        name: Option<String>,
    },
    /// Use a context from now on, where --context names no other
    #[command(override_usage = "etcdctl context use NAME")]
    Use {
        /// Context to use
        name: String,
    },
    /// Keep the flags of this line in a context
    ///
    /// Flags that it has already and that are not on the line stay as they are. `etcdctl options` lists the flags.
    #[command(override_usage = "etcdctl context set NAME [flags]")]
    Set {
        /// Context to change, or to make
        name: String,
        /// Program that prints the password of --user in its first line, with arguments; no shell runs it
        #[arg(long, value_name = "COMMAND")]
        password_command: Option<String>,
    },
    /// Remove a context
    #[command(override_usage = "etcdctl context remove NAME")]
    Remove {
        /// Context to remove
        name: String,
    },
}

pub fn run(args: Args, cx: &mut Context) -> Result<()> {
    cx.offline_in(&[Format::Simple])?;
    let contexts = Contexts::read(|name| cx.variable(name))?;
    let mut contexts = contexts.ok_or_else(|| {
        Error::bad_args("there is no place for contexts")
            .because("neither XDG_CONFIG_HOME nor HOME names a folder")
    })?;
    match args.command {
        Verb::List => {
            let star = |name: &str| if contexts.current() == Some(name) { '*' } else { ' ' };
            let lines = contexts.names().map(|name| format!("{} {name}", star(name)));
            print(&lines.collect::<Vec<_>>())
        }
        Verb::Show { name } => {
            let name = name.or_else(|| contexts.current().map(str::to_owned));
            let name = name.ok_or_else(|| {
                Error::bad_args("no context is the current one")
                    .hint("name one; `etcdctl context use NAME` makes it the current one")
            })?;
            print(&contexts.shown(&name)?)
        }
        Verb::Use { name } => {
            contexts.choose(&name)?;
            contexts.save()
        }
        Verb::Set { name, password_command } => {
            let mut flags = cx.typed();
            if let Some(command) = password_command {
                child::words(&command)?;
                flags.push((PASSWORD_COMMAND.to_owned(), command.into()));
            }
            if flags.is_empty() {
                return Err(Error::bad_args("there is nothing to keep")
                    .hint("name flags, like --endpoints and --cacert"));
            }
            contexts.set(&name, &flags)?;
            contexts.save()
        }
        Verb::Remove { name } => {
            contexts.remove(&name)?;
            contexts.save()
        }
    }
}

fn print(lines: &[String]) -> Result<()> {
    let text = lines.iter().fold(String::new(), |text, line| text + line + "\n");
    output::print_text(&text)
}
