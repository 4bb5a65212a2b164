//! `watch --interactive`: a line of standard input is another watch, or a question about progress.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::sync::{Arc, Mutex, PoisonError};

use clap::{Args as _, Command, FromArgMatches as _};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::JoinSet;

use super::{Variables, Wanted, for_each_event, print, unwrap};
use crate::cluster::kms::Plugins;
use crate::cluster::watch::{Heard, Watches};
use crate::context::Context;
use crate::error::{Error, Exit, Result};
use crate::go::tokens::tokens;
use crate::grammar;
use crate::input::{self, Lines};
use crate::kube::encryption::Keys;
use crate::output::{Decode, Format, Output, say};

/// Answers that may wait while a watch's command runs; no more are read for any watch until then.
const WAITING: usize = 1000;

/// What a line asks for.
#[derive(Debug)]
enum Line {
    Watch(Wanted),
    Progress,
    Nothing,
    /// It cannot be meant: what to say of it.
    Invalid(&'static str),
}

pub async fn run(variables: &Variables, decode: Decode, cx: &mut Context) -> Result<()> {
    let mut out = cx.output(&Format::WITHOUT_RAW)?;
    let keys = decode.keys.clone();
    out.decode_values(decode)?;
    let cluster = cx.cluster().await?;
    cluster.login().await?;
    let mut lines = lines()?;
    let mut session = Session {
        watches: cluster.watches(),
        printers: Vec::new(),
        tasks: JoinSet::new(),
        out: Arc::new(Mutex::new(out)),
        keys,
    };
    loop {
        tokio::select! {
            line = lines.recv() => {
                let text = line.unwrap_or_else(|| Err("EOF".to_owned())).map_err(|why| {
                    let words = format!("error reading watch request line: {why}");
                    Error::new(Exit::InvalidInput, words)
                })?;
                match read(&text, variables)? {
                    Line::Watch(wanted) => session.add(wanted),
                    Line::Progress => session.watches.progress(),
                    Line::Nothing => {
                        let text = String::from_utf8_lossy(&text);
                        say(&format!("Invalid command: {text} (watch and progress supported)"));
                    }
                    Line::Invalid(why) => {
                        let text = String::from_utf8_lossy(&text);
                        say(&format!("Invalid command {text} ({why})"));
                    }
                }
            }
            heard = session.heard() => session.hand_on(heard?).await,
        }
    }
}

/// The watches so far. Each prints and runs its command at its own pace.
struct Session<'a> {
    watches: Watches<'a>,
    printers: Vec<mpsc::Sender<Heard>>,
    tasks: JoinSet<Result<()>>,
    out: Arc<Mutex<Output>>,
    keys: Keys,
}

impl Session<'_> {
    fn add(&mut self, wanted: Wanted) {
        let Wanted { watch, command } = wanted;
        self.watches.add(watch);
        let (sender, mut heard) = mpsc::channel::<Heard>(WAITING);
        self.printers.push(sender);
        let (out, keys) = (Arc::clone(&self.out), self.keys.clone());
        self.tasks.spawn(async move {
            let mut plugins = Plugins::default();
            while let Some(heard) = heard.recv().await {
                unwrap(&heard, &keys, &mut plugins).await;
                let response =
                    print(heard, &mut out.lock().unwrap_or_else(PoisonError::into_inner))?;
                for_each_event(&command, &response).await?;
            }
            Ok(())
        });
    }

    /// What is heard next, however long there is nothing to watch. A printer that ends has failed.
    async fn heard(&mut self) -> Result<Heard> {
        let watches = async {
            match self.watches.next().await {
                Ok(None) => std::future::pending().await,
                Ok(Some(heard)) => Ok(heard),
                Err(err) => Err(err),
            }
        };
        let printers = async {
            while let Some(ended) = self.tasks.join_next().await {
                ended.unwrap_or(Ok(()))?;
            }
            std::future::pending::<Result<()>>().await
        };
        tokio::select! {
            heard = watches => heard,
            failed = printers => failed.and_then(|()| Err(Error::failure("no watch is left"))),
        }
    }

    async fn hand_on(&self, heard: Heard) {
        if let Some(printer) = self.printers.get(heard.watch) {
            // One that has failed is among the tasks that have ended.
            let _ = printer.send(heard).await;
        }
    }
}

/// Standard input's whole lines, without their ends, waited for beside the watches.
fn lines() -> Result<UnboundedReceiver<Result<Vec<u8>, String>>> {
    let mut lines = Lines::new(input::raw()?);
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        loop {
            let line = match lines.next_line() {
                Ok(Some(mut line)) if line.ends_with(b"\n") => {
                    line.pop();
                    Ok(line)
                }
                // A line without an end is none, in the official client too.
                Ok(_) => return,
                Err(err) => Err(err.to_string()),
            };
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

/// Reads a line. The flags of the command line do not count for it.
fn read(text: &[u8], variables: &Variables) -> Result<Line> {
    let words = tokens(text).map_err(|err| Error::new(Exit::InvalidInput, err.to_string()))?;
    let words: Vec<OsString> = words.into_iter().map(OsString::from_vec).collect();
    let Some((verb, rest)) = words.split_first() else {
        return Ok(Line::Nothing);
    };
    match verb.to_str() {
        Some("progress") => return Ok(Line::Progress),
        Some("watch") => {}
        _ => return Ok(Line::Invalid("only support watch")),
    }
    if rest.is_empty() && variables.key.is_none() {
        return Ok(Line::Invalid("command type or key is not provided"));
    }
    let command = super::Args::augment_args(
        Command::new("watch").args_override_self(true).disable_help_flag(true),
    );
    let line = grammar::read(&command, |_| &[], rest);
    if line.help {
        return Err(Error::bad_args("pflag: help requested"));
    }
    if let Some(wrong) = line.wrong {
        return Err(Error::bad_args(wrong.message()));
    }
    let args = command
        .clone()
        .try_get_matches_from(line.canonical(&command, "watch"))
        .and_then(|matches| super::Args::from_arg_matches(&matches))
        .map_err(|err| Error::bad_args(grammar::refusal::words(&command, &err).0))?;
    match args.flags.wanted(args.words, line.dash, variables.clone()) {
        Err(err) if err.message() == super::PREFIX_AND_END => {
            Ok(Line::Invalid(super::PREFIX_AND_END))
        }
        wanted => wanted.map(Line::Watch),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{RangeEnd, Watch};

    fn line(text: &str) -> Result<Line> {
        read(text.as_bytes(), &Variables::default())
    }

    #[test]
    fn a_line_has_flags_keys_and_a_command_of_its_own() {
        let Ok(Line::Watch(wanted)) = line("watch --rev 3 'a b' --prev-kv -- echo '-n' x") else {
            panic!("it is a watch");
        };
        let watch = Watch { key: b"a b".into(), revision: 3, prev_kv: true, ..Watch::default() };
        assert_eq!(wanted, Wanted { watch, command: ["echo", "-n", "x"].map(Into::into).into() });
        let Ok(Line::Watch(wanted)) = line("watch --prefix=true \"\"") else {
            panic!("it is a watch");
        };
        assert_eq!(wanted.watch.end, RangeEnd::Prefix);
        assert!(matches!(line("progress now"), Ok(Line::Progress)));
        assert!(matches!(line(" \t"), Ok(Line::Nothing)));
    }

    #[test]
    fn what_is_no_watch_is_told_and_passed_over() {
        for (text, why) in [
            ("put a b", "only support watch"),
            ("watch", "command type or key is not provided"),
            ("watch a b --prefix", "`range_end` and `--prefix` are mutually exclusive"),
        ] {
            assert!(matches!(line(text), Ok(Line::Invalid(told)) if told == why), "{text}");
        }
    }

    #[test]
    fn a_flag_that_cannot_be_read_ends_it() {
        for (text, words) in [
            ("watch a --bogus", "unknown flag: --bogus"),
            ("watch a --help", "pflag: help requested"),
            ("watch a --", "bad number of arguments (found separator --, but no commands)"),
            ("watch --prefix", "bad number of arguments"),
            (
                "watch a --rev x",
                "invalid argument \"x\" for \"--rev\" flag: strconv.ParseInt: parsing \"x\": invalid syntax",
            ),
        ] {
            let error = line(text).unwrap_err();
            assert_eq!((error.message(), error.exit), (words, Exit::BadArgs), "{text}");
        }
    }
}
