//! `txn`: comparisons, and the requests that they decide between, in one transaction.

pub mod compare;
pub mod line;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::arg;
use crate::cmd::{del, help};
use crate::context::Context;
use crate::error::{Error, Exit, Result};
use crate::go::scan::trim;
use crate::input::{self, Lines};
use crate::output::{self, Format};
use crate::reply::Reply;
use crate::request::{Operation, Txn};

use self::line::Line;

/// Do several requests at once or not at all
///
/// Reads three sections: comparisons; the requests that are done where all of them hold; the requests
/// that are done where one does not. An empty line ends a section, and so does the end of the input.
///
/// A comparison is FIELD("KEY") OP "VALUE". FIELD is value, version, create, mod or lease; OP is =, !=, < or >.
/// A request is get, put or del with its own arguments and flags.
///
///   mod("config") > "0"
///
///   put config "a new value"
///
///   get config
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl txn [flags]", verbatim_doc_comment)]
pub struct Args {
    /// Nothing
    #[arg(hide = true)]
    none: Vec<OsString>,
    /// Read the sections from a file; - for standard input
    #[arg(short = 'f', long, value_name = "FILE", value_parser = arg::path())]
    file: Option<PathBuf>,
    /// Print which section is read
    #[arg(short = 'i', long)]
    interactive: bool,
}

pub async fn run(args: Args, cx: &mut Context) -> Result<()> {
    if !args.none.is_empty() {
        return Err(Error::bad_args("txn command does not accept argument")
            .hint("the sections are read from standard input, or with -f from a file"));
    }
    let mut script = Script::open(args.file.as_deref(), args.interactive)?;
    let mut out = cx.output(&Format::WITHOUT_RAW)?;
    let commands = cx.command_line;
    let cluster = cx.cluster().await?;
    // The official client has logged in before it reads a line.
    cluster.login().await?;
    let mut txn = Txn::default();
    script.begin("compares:")?;
    while let Some(line) = script.next_line()? {
        txn.compares.push(compare::parse(&line).map_err(|err| script.at(err))?);
    }
    script.begin("success requests (get, put, del):")?;
    txn.success = script.operations(commands).await?;
    script.begin("failure requests (get, put, del):")?;
    txn.failure = script.operations(commands).await?;
    if script.lines.number == 0 {
        let error = Error::new(Exit::InvalidInput, "EOF");
        return Err(error.because(format!("{} is empty", script.name)));
    }
    let answer = cluster.txn(txn).await?;
    out.print(&Reply::Txn(answer))
}

/// Where the sections are read from.
struct Script {
    name: String,
    lines: Lines<File>,
    /// Where `put` finds a value that its line does not hold.
    stdin: File,
    prompts: bool,
}

impl Script {
    fn open(file: Option<&Path>, prompts: bool) -> Result<Self> {
        let stdin = || input::raw().map_err(|err| unreadable("standard input", &err));
        let (name, source) = match file {
            None => ("standard input".to_owned(), stdin()?),
            Some(path) if path == Path::new("-") => ("standard input".to_owned(), stdin()?),
            Some(path) => {
                let name = path.display().to_string();
                let file =
                    File::open(path).map_err(|err| unreadable(&name, &err).exit(Exit::BadArgs))?;
                (name, file)
            }
        };
        Ok(Self { name, lines: Lines::new(source), stdin: stdin()?, prompts })
    }

    fn begin(&self, prompt: &str) -> Result<()> {
        if self.prompts { output::print_text(&format!("{prompt}\n")) } else { Ok(()) }
    }

    /// The next line of a section, without the blanks around it.
    fn next_line(&mut self) -> Result<Option<Vec<u8>>> {
        let line = self.lines.next_line().map_err(|err| unreadable(&self.name, &err))?;
        let line = line.map(|line| trim(&line).to_vec());
        Ok(line.filter(|line| !line.is_empty()))
    }

    /// The requests of a section.
    async fn operations(&mut self, commands: &clap::Command) -> Result<Vec<Operation>> {
        let mut operations = Vec::new();
        while let Some(text) = self.next_line()? {
            let wrong = |err: Error| self.at(err);
            operations.push(match line::parse(&text).map_err(wrong)? {
                Line::Get(get) => {
                    let mut range = get.request().map_err(wrong)?;
                    // There is no stream within a transaction.
                    range.stream = false;
                    Operation::Range(range)
                }
                Line::Put(put) => {
                    let input: &mut dyn Read = &mut &self.stdin;
                    Operation::Put(put.request(input).map_err(wrong)?)
                }
                Line::Del(del) => {
                    let warning = del.warning();
                    let delete = del.request().map_err(wrong)?;
                    if let Some(warning) = warning {
                        del::pause(&warning).await;
                    }
                    Operation::Delete(delete)
                }
                Line::Help(topic, refusal) => {
                    help::print(commands, &topic)?;
                    return Err(self.at(refusal));
                }
            });
        }
        Ok(operations)
    }

    /// Says which line is wrong to whoever does not see what was typed.
    fn at(&self, err: Error) -> Error {
        if self.prompts {
            return err;
        }
        err.at(format_args!("{}, line {}", self.name, self.lines.number))
    }
}

fn unreadable(name: &str, err: &io::Error) -> Error {
    Error::new(Exit::InvalidInput, format!("could not read {name}: {err}"))
}
