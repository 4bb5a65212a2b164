//! A request of a transaction: a line that reads like a command line, by the same rules.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::sync::LazyLock;

use clap::{Command, FromArgMatches, Subcommand};

use crate::cmd::{del, get, put};
use crate::error::{Error, Exit, Result};
use crate::go::tokens::tokens;
use crate::grammar;

/// What a line can ask.
#[derive(Debug, Subcommand)]
enum Request {
    Get(get::Args),
    Put(put::Args),
    Del(del::Args),
}

/// What a line asks, or what it asks about.
pub enum Line {
    Get(get::Args),
    Put(put::Args),
    Del(del::Args),
    /// A command to explain, and what to end with: a transaction cannot go on from there.
    Help(Vec<String>, Error),
}

const NAMES: [&str; 3] = ["get", "put", "del"];

/// The flags of these commands alone: those of every command have no meaning here.
static COMMANDS: LazyLock<Command> = LazyLock::new(|| {
    let root = Command::new("etcdctl")
        .args_override_self(true)
        .disable_help_flag(true)
        .disable_help_subcommand(true);
    Request::augment_subcommands(root)
});

/// Reads a line. What the commands themselves complain of is not told yet.
pub fn parse(text: &[u8]) -> Result<Line> {
    let shown = String::from_utf8_lossy(text);
    let invalid = |words: String| Error::new(Exit::InvalidInput, words);
    let words = tokens(text).map_err(|err| {
        invalid(err.to_string()).because(format!("{shown}: a word in double quotes is no literal"))
    })?;
    if words.len() < 2 {
        return Err(invalid(format!("invalid txn compare request: {shown}")).hint(
            "a request is get, put or del with its arguments; an empty line ends a section",
        ));
    }
    let words: Vec<OsString> = words.into_iter().map(OsString::from_vec).collect();
    let refused = || invalid(format!("invalid txn request: {shown}"));
    if let Some(topic) = topic(&words) {
        return Ok(Line::Help(topic, refused()));
    }
    let line = grammar::read(&COMMANDS, |_| &NAMES, &words);
    let usage = || match line.path.as_slice() {
        [] => refused().hint("the requests of a transaction are get, put and del"),
        path => refused().usage(grammar::usage(&COMMANDS, path)),
    };
    if let Some(wrong) = &line.wrong {
        return Err(usage().because(wrong));
    }
    if line.help || line.path.is_empty() {
        return Ok(Line::Help(path_or_own(line.path), refused()));
    }
    let matches = COMMANDS
        .clone()
        .try_get_matches_from(line.canonical(&COMMANDS, "etcdctl"))
        .and_then(|matches| Request::from_arg_matches(&matches))
        .map_err(|err| usage().because(grammar::refusal::words(&COMMANDS, &err).0))?;
    Ok(match matches {
        Request::Get(args) => Line::Get(args),
        Request::Put(args) => Line::Put(args),
        Request::Del(args) => Line::Del(args),
    })
}

/// What `help COMMAND` asks about.
fn topic(words: &[OsString]) -> Option<Vec<String>> {
    let (first, rest) = words.split_first()?;
    let is_help = first.to_str().is_some_and(|word| !word.is_empty() && "help".starts_with(word));
    is_help.then(|| path_or_own(grammar::read(&COMMANDS, |_| &NAMES, rest).path))
}

/// The command at a path; where there is none, `txn`.
fn path_or_own(path: Vec<String>) -> Vec<String> {
    if path.is_empty() { vec!["txn".to_owned()] } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Delete, Operation, Put, Range, RangeEnd};

    fn operation(text: &str) -> Operation {
        match parse(text.as_bytes()) {
            Ok(Line::Get(get)) => Operation::Range(get.request().unwrap()),
            Ok(Line::Put(put)) => Operation::Put(put.request(&mut &b"beyond"[..]).unwrap()),
            Ok(Line::Del(del)) => Operation::Delete(del.request().unwrap()),
            Ok(Line::Help(topic, _)) => panic!("{text}: help about {topic:?}"),
            Err(err) => panic!("{text}: {err}"),
        }
    }

    #[test]
    fn a_line_asks_what_the_command_asks() {
        let range =
            Range { key: b"a b".to_vec(), limit: 3, end: RangeEnd::Prefix, ..Range::default() };
        for text in [
            r#"get "a b" --prefix --limit 3"#,
            "ge 'a b' --limit=3 --prefix",
            "g --prefix 'a b' --limit 1 --limit 3",
            "--prefix get --limit=3 -- 'a b'",
        ] {
            assert_eq!(operation(text), Operation::Range(range.clone()), "{text}");
        }
        let put = Put { key: b"k".to_vec(), value: b"-v#".to_vec(), ..Put::default() };
        assert_eq!(operation(r#"put k -- "-v\x23""#), Operation::Put(put.clone()));
        assert_eq!(operation("p k"), Operation::Put(Put { value: b"beyond".to_vec(), ..put }));
        let delete = Delete { key: Vec::new(), end: RangeEnd::Open, prev_kv: true };
        assert_eq!(operation("del '' --from-key --prev-kv"), Operation::Delete(delete));
    }

    #[test]
    fn what_is_no_request_is_refused_with_the_official_words() {
        for (text, words, cause) in [
            ("get", "invalid txn compare request: get", ""),
            (
                "bogus k v",
                "invalid txn request: bogus k v",
                "unknown command \"bogus\" for \"etcdctl\"",
            ),
            ("put k v --bogus", "invalid txn request: put k v --bogus", "unknown flag: --bogus"),
            (
                "get k --limit x",
                "invalid txn request: get k --limit x",
                "invalid argument \"x\" for \"--limit\" flag: strconv.ParseInt: parsing \"x\": invalid syntax",
            ),
            (
                "get k -w json",
                "invalid txn request: get k -w json",
                "unknown shorthand flag: 'w' in -w",
            ),
            (r#"get "\q""#, "invalid syntax", r#"get "\q": a word in double quotes is no literal"#),
        ] {
            let Err(error) = parse(text.as_bytes()) else { panic!("{text}") };
            assert_eq!((error.message(), error.exit), (words, Exit::InvalidInput), "{text}");
            assert_eq!(error.causes().join("\n"), cause, "{text}");
        }
    }

    #[test]
    fn help_is_given_and_ends_the_reading() {
        for (text, about) in [
            ("put --help", "put"),
            ("get k -h", "get"),
            ("help del", "del"),
            ("h p", "put"),
            ("help me", "txn"),
            ("-h --help", "txn"),
            ("'' ''", "txn"),
        ] {
            let Ok(Line::Help(topic, error)) = parse(text.as_bytes()) else { panic!("{text}") };
            assert_eq!((topic, error.exit), (vec![about.to_owned()], Exit::InvalidInput), "{text}");
        }
    }
}
