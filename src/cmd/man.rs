//! `man DIR`: writes the manual's pages, one for the program and one for each command.

use std::path::{Path, PathBuf};

use crate::context::Context;
use crate::error::{Error, Result};

/// Write the manual's pages into a folder
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder to write into
    folder: PathBuf,
}

pub fn run(args: &Args, cx: &Context) -> Result<()> {
    // The flags of every command are told once, on the program's own page.
    let root = cx.command_line.clone().mut_args(|arg| {
        let help = arg.get_id() == "help";
        arg.hide(help).global(false)
    });
    page(&root, "etcdctl", &args.folder)?;
    pages(cx.command_line, "etcdctl", &args.folder)
}

fn pages(above: &clap::Command, name: &str, folder: &Path) -> Result<()> {
    for command in above.get_subcommands().filter(|command| !command.is_hide_set()) {
        let name = format!("{name}-{}", command.get_name());
        page(command, &name, folder)?;
        pages(command, &name, folder)?;
    }
    Ok(())
}

fn page(command: &clap::Command, name: &str, folder: &Path) -> Result<()> {
    let path = folder.join(format!("{name}.1"));
    let failed =
        |err: std::io::Error| Error::failure(format!("could not write {}: {err}", path.display()));
    let command = command.clone().name(name.to_owned()).disable_help_subcommand(true);
    let man = clap_mangen::Man::new(command).title(name.to_uppercase()).source("etcdctl");
    let mut text = Vec::new();
    man.render(&mut text).map_err(failed)?;
    std::fs::write(&path, text).map_err(failed)
}
