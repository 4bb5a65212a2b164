//! `watch`: what happens to keys, as it happens.

mod interactive;

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::sync::Arc;

use crate::arg;
use crate::child;
use crate::cluster::kms::Plugins;
use crate::cluster::watch::Heard;
use crate::cmd::kube::Objects;
use crate::context::Context;
use crate::error::{Error, Exit, Result};
use crate::go::quote::quote;
use crate::kube::encryption::Keys;
use crate::output::{Format, Output};
use crate::proto::{WatchResponse, is_deletion};
use crate::reply::{Pair, Reply};
use crate::request::{RangeEnd, Watch};

/// Print what happens to keys, as it happens
///
/// Watches KEY, or every key from it up to a second one, which is not included. What stands behind `--`
/// is run for each event, with ETCD_WATCH_REVISION, ETCD_WATCH_EVENT_TYPE, ETCD_WATCH_KEY and
/// ETCD_WATCH_VALUE in its environment; the last three are quoted. Without a key on the line, that of
/// ETCDCTL_WATCH_KEY is watched, up to ETCDCTL_WATCH_RANGE_END. A watch goes on when the connection
/// was lost, and misses nothing.
#[expect(clippy::doc_markdown, reason = "it is what people read in a terminal")]
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl watch [flags] [KEY [RANGE_END]] [-- COMMAND [ARG...]]")]
pub struct Args {
    /// Key, or first key of the range; first key past it
    words: Vec<OsString>,
    #[command(flatten)]
    flags: Flags,
    /// Show Kubernetes objects as kubectl does (simple, jsonl; -w yaml always does)
    #[arg(long)]
    decode: bool,
    #[command(flatten)]
    objects: Objects,
    /// Read what to watch from standard input, a line each: watch ..., or progress
    #[arg(long, short)]
    interactive: bool,
}

#[derive(Debug, clap::Args)]
struct Flags {
    /// Every key that begins with KEY
    #[arg(long)]
    prefix: bool,
    /// Print what was there before, too
    #[arg(long)]
    prev_kv: bool,
    /// Print now and then how far the server is, when nothing happens
    #[arg(long)]
    progress_notify: bool,
    /// Begin with the events of this revision; 0 for those to come
    #[arg(long, value_name = "REVISION", default_value = "0", value_parser = arg::int)]
    rev: i64,
}

const PREFIX_AND_END: &str = "`range_end` and `--prefix` are mutually exclusive";

/// A watch, and the command to run for each of its events, if any.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    watch: Watch,
    command: Vec<OsString>,
}

/// The keys that the environment names (`ETCDCTL_WATCH_KEY`, `ETCDCTL_WATCH_RANGE_END`).
#[derive(Clone, Debug, Default)]
pub struct Variables {
    pub key: Option<OsString>,
    pub range_end: Option<OsString>,
}

pub async fn run(args: Args, cx: &mut Context) -> Result<()> {
    let variables = Variables {
        key: cx.variable("ETCDCTL_WATCH_KEY"),
        range_end: cx.variable("ETCDCTL_WATCH_RANGE_END"),
    };
    if let (None, Some(end)) = (&variables.key, &variables.range_end) {
        let end = quote(end.as_encoded_bytes());
        let words = format!("ETCDCTL_WATCH_KEY is empty but got ETCDCTL_WATCH_RANGE_END={end}");
        return Err(Error::bad_args(words));
    }
    let decode = args.objects.decode(args.decode)?;
    if args.interactive {
        return interactive::run(&variables, decode, cx).await;
    }
    let wanted = args.flags.wanted(args.words, cx.dash, variables)?;
    let mut out = cx.output(&Format::WITHOUT_RAW)?;
    let (keys, mut plugins) = (decode.keys.clone(), Plugins::default());
    out.decode_values(decode)?;
    let mut watches = cx.cluster().await?.watches();
    watches.add(wanted.watch);
    let mut over = Error::new(Exit::Interrupted, "watch is canceled by the server");
    while let Some(heard) = watches.next().await? {
        unwrap(&heard, &keys, &mut plugins).await;
        if let Some(end) = &heard.end {
            over = end.causes.explain(over);
        }
        let response = print(heard, &mut out)?;
        for_each_event(&wanted.command, &response).await?;
    }
    Err(over)
}

/// Has the keys of sealed values unwrapped by their KMS plugins, before they are printed.
async fn unwrap(heard: &Heard, keys: &Keys, plugins: &mut Plugins) {
    for event in &heard.response.events {
        for kv in [&event.kv, &event.prev_kv].into_iter().flatten() {
            for failure in plugins.unwrap(keys, &[Pair::from(kv)]).await {
                crate::output::say(&failure);
            }
        }
    }
}

/// Prints what was heard and gives it back; before it, why there is no more.
fn print(heard: Heard, out: &mut Output) -> Result<Arc<WatchResponse>> {
    if let Some(end) = heard.end {
        crate::output::say(&format!("watch was canceled ({})", end.reason));
    }
    let response = Arc::new(heard.response);
    out.print(&Reply::Watch(Arc::clone(&response)))?;
    Ok(response)
}

/// Runs the command once an event, one after another.
async fn for_each_event(command: &[OsString], response: &WatchResponse) -> Result<()> {
    if command.is_empty() {
        return Ok(());
    }
    let revision = response.header.map_or(0, |header| header.revision);
    for event in &response.events {
        let kv = event.kv.as_ref();
        let bytes = |bytes: Option<&Vec<u8>>| quote(bytes.map_or(&[][..], Vec::as_slice));
        let kind = if is_deletion(event) { "DELETE" } else { "PUT" };
        let vars = [
            ("ETCD_WATCH_REVISION", revision.to_string()),
            ("ETCD_WATCH_EVENT_TYPE", quote(kind.as_bytes())),
            ("ETCD_WATCH_KEY", bytes(kv.map(|kv| &kv.key))),
            ("ETCD_WATCH_VALUE", bytes(kv.map(|kv| &kv.value))),
        ];
        let vars = vars.map(|(name, value)| (name.into(), value.into())).to_vec();
        if let Err(failed) = child::run(command, vars).await {
            let words: Vec<_> = command.iter().map(|word| quote(word.as_encoded_bytes())).collect();
            let words = format!("command [{}] error ({})", words.join(" "), failed.words);
            // The official client ends here without an `Error: ` line.
            return Err(Error::new(Exit::Failure, "").because(words));
        }
    }
    Ok(())
}

impl Flags {
    /// What the words of a line and its flags ask for. `dash`: how many words stood before `--`.
    fn wanted(
        self,
        mut words: Vec<OsString>,
        dash: Option<usize>,
        variables: Variables,
    ) -> Result<Wanted> {
        let command = words.split_off(dash.unwrap_or(words.len()).min(words.len()));
        if dash.is_some() && command.is_empty() {
            let words = "bad number of arguments (found separator --, but no commands)";
            return Err(Error::bad_args(words));
        }
        if variables.key.is_some() && !words.is_empty() {
            let words = "bad number of arguments (found conflicting environment key)";
            return Err(Error::bad_args(words));
        }
        words.extend(variables.key);
        words.extend(variables.range_end);
        if words.is_empty() {
            return Err(Error::bad_args("bad number of arguments"));
        }
        if let Some(name) = command.first() {
            // The official client looks for the command's name from the end of the line, and what
            // stands before that are keys: so `watch a -- echo echo` watches a range up to `echo`.
            let again = command.iter().rposition(|word| word == name).unwrap_or(0);
            words.extend(command.iter().take(again).cloned());
        }
        let mut keys = words.into_iter().map(OsString::into_vec);
        let key = keys.next().unwrap_or_default();
        let end = match (keys.next(), keys.next(), self.prefix) {
            (Some(_), None, true) => {
                return Err(Error::bad_args(PREFIX_AND_END));
            }
            (Some(end), None, false) => RangeEnd::Below(end),
            // More than two, and only the first is heeded.
            (_, _, true) => RangeEnd::Prefix,
            (_, _, false) => RangeEnd::Key,
        };
        let Self { prev_kv, progress_notify, rev, .. } = self;
        let watch = Watch { key, end, revision: rev, prev_kv, progress_notify };
        Ok(Wanted { watch, command })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(
        line: &str,
        key: Option<&str>,
        end: Option<&str>,
    ) -> Result<(String, RangeEnd, String)> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let dash = words.iter().position(|&word| word == "--");
        let prefix = words.contains(&"-p");
        let words = words.iter().filter(|&&word| word != "--" && word != "-p");
        let flags = Flags { prefix, prev_kv: false, progress_notify: false, rev: 0 };
        let variables = Variables { key: key.map(Into::into), range_end: end.map(Into::into) };
        let wanted = flags.wanted(words.map(OsString::from).collect(), dash, variables)?;
        let command: Vec<_> = wanted.command.iter().map(|word| word.to_string_lossy()).collect();
        let key = String::from_utf8(wanted.watch.key).unwrap();
        Ok((key, wanted.watch.end, command.join(" ")))
    }

    #[test]
    fn keys_stand_before_the_dashes_and_a_command_behind() {
        let below = |end: &str| RangeEnd::Below(end.into());
        for (line, key, end, expected) in [
            ("a", None, None, ("a", RangeEnd::Key, "")),
            ("a b", None, None, ("a", below("b"), "")),
            ("a b c", None, None, ("a", RangeEnd::Key, "")),
            ("-p a", None, None, ("a", RangeEnd::Prefix, "")),
            ("a -- echo hi", None, None, ("a", RangeEnd::Key, "echo hi")),
            ("a b -- echo hi", None, None, ("a", below("b"), "echo hi")),
            ("a -- echo echo", None, None, ("a", below("echo"), "echo echo")),
            ("", Some("k"), None, ("k", RangeEnd::Key, "")),
            ("", Some("k"), Some("m"), ("k", below("m"), "")),
            ("-- echo", Some("k"), Some("m"), ("k", below("m"), "echo")),
        ] {
            let (key, end, command) = wanted(line, key, end).unwrap();
            assert_eq!((key.as_str(), end, command.as_str()), expected, "{line}");
        }
    }

    #[test]
    fn what_cannot_be_watched_is_told_in_the_official_words() {
        for (line, key, words) in [
            ("", None, "bad number of arguments"),
            ("a --", None, "bad number of arguments (found separator --, but no commands)"),
            ("a", Some("k"), "bad number of arguments (found conflicting environment key)"),
            ("a -- x", Some("k"), "bad number of arguments (found conflicting environment key)"),
            ("-p a b", None, "`range_end` and `--prefix` are mutually exclusive"),
        ] {
            let error = wanted(line, key, None).unwrap_err();
            assert_eq!((error.message(), error.exit), (words, Exit::BadArgs), "{line}");
        }
    }
}
