//! `get`: reads a key or a range of keys.

use std::path::PathBuf;

use crate::arg::{self, Bytes};
use crate::cmd::kube::Objects;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::{Format, View};
use crate::request::{Range, RangeEnd, SortOrder, SortTarget};

/// Read a key or a range of keys
///
/// Prints KEY and its value, or every key from it up to a second one, which is not included. A range of
/// any size is read at one revision and printed as it arrives.
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl get [flags] KEY [RANGE_END]")]
pub struct Args {
    /// Key, or first key of the range
    key: Option<Bytes>,
    /// First key past the range
    range_end: Option<Bytes>,
    /// What the official client takes, and passes over
    #[arg(hide = true)]
    surplus: Vec<Bytes>,
    /// l: agreed by a quorum; s: as the member asked knows it
    #[arg(long, value_name = "l|s", default_value = "l")]
    consistency: String,
    /// Print how many keys there are, and nothing else
    #[arg(long)]
    count_only: bool,
    /// Every key from KEY on, in byte order
    #[arg(long)]
    from_key: bool,
    /// Leave the values out
    #[arg(long)]
    keys_only: bool,
    /// Show Kubernetes objects as kubectl does (simple, jsonl; -w yaml always does)
    #[arg(long)]
    decode: bool,
    #[command(flatten)]
    objects: Objects,
    /// At most so many pairs; 0 for all
    #[arg(long, value_name = "N", default_value = "0", value_parser = arg::int)]
    limit: i64,
    /// Leave out keys created after this revision
    #[arg(long, value_name = "REVISION", default_value = "0", value_parser = arg::int)]
    max_create_rev: i64,
    /// Leave out keys changed after this revision
    #[arg(long, value_name = "REVISION", default_value = "0", value_parser = arg::int)]
    max_mod_rev: i64,
    /// Leave out keys created before this revision
    #[arg(long, value_name = "REVISION", default_value = "0", value_parser = arg::int)]
    min_create_rev: i64,
    /// Leave out keys changed before this revision
    #[arg(long, value_name = "REVISION", default_value = "0", value_parser = arg::int)]
    min_mod_rev: i64,
    /// Order of the answer
    #[arg(long, value_name = "ASCEND|DESCEND", default_value = "")]
    order: String,
    /// Every key that begins with KEY
    #[arg(long)]
    prefix: bool,
    /// Print the values alone
    #[arg(long)]
    print_value_only: bool,
    /// Read at this revision; 0 for the newest
    #[arg(long, value_name = "REVISION", default_value = "0", value_parser = arg::int)]
    rev: i64,
    /// Read from this snapshot, or from a stopped member's data directory, instead of a server
    #[arg(long, value_name = "PATH", value_parser = arg::path())]
    snapshot: Option<PathBuf>,
    /// What the order is by
    #[arg(long, value_name = "CREATE|KEY|MODIFY|VALUE|VERSION", default_value = "")]
    sort_by: String,
    /// Let the server send the range in chunks (etcd 3.7)
    #[arg(long)]
    stream: bool,
}

pub async fn run(args: Args, cx: &mut Context) -> Result<()> {
    let view = args.view();
    let file = args.snapshot.clone();
    let decode = args.objects.decode(args.decode)?;
    let mut range = args.request()?;
    let mut out = cx.output(&Format::ALL)?;
    if view == View::ValuesOnly && out.format != Format::Simple {
        let words = "print-value-only is only for `--write-out=simple`";
        return Err(Error::bad_args(words).hint("-w raw prints the values' bytes alone"));
    }
    out.decode_values(decode)?;
    range.names_only = view == View::KeysOnly && out.format == Format::Simple;
    let source = cx.source(file.as_deref()).await?;
    let pages = source.range(range).await?;
    out.print_range(pages, view).await
}

impl Args {
    /// What of the answer is shown.
    fn view(&self) -> View {
        match (self.count_only, self.keys_only, self.print_value_only) {
            (true, ..) => View::CountOnly,
            (false, _, true) => View::ValuesOnly,
            (false, true, false) => View::KeysOnly,
            (false, false, false) => View::Pairs,
        }
    }

    /// The question these arguments ask. Its complaints come in the official client's order.
    pub fn request(self) -> Result<Range> {
        let Some(key) = self.key else {
            let words =
                "get command needs one argument as key and an optional argument as range_end";
            return Err(Error::bad_args(words));
        };
        if self.prefix && self.from_key {
            return Err(Error::bad_args(PREFIX_OR_FROM_KEY));
        }
        if self.keys_only && self.count_only {
            let words =
                "`--keys-only` and `--count-only` cannot be set at the same time, choose one";
            return Err(Error::bad_args(words));
        }
        let serializable = match self.consistency.as_str() {
            "l" => false,
            "s" => true,
            other => {
                return Err(Error::bad_feature(format!("unknown consistency flag {other:?}")));
            }
        };
        let surplus = self.range_end.is_some() || !self.surplus.is_empty();
        if surplus && (self.prefix || self.from_key) {
            let words = "too many arguments, only accept one argument when `--prefix` or `--from-key` is set";
            return Err(Error::bad_args(words));
        }
        let end = match (self.prefix, self.from_key, self.range_end) {
            (true, ..) => RangeEnd::Prefix,
            (_, true, _) => RangeEnd::Open,
            (false, false, Some(end)) if !end.0.is_empty() => RangeEnd::Below(end.0),
            (false, false, _) => RangeEnd::Key,
        };
        let order = match self.order.to_uppercase().as_str() {
            "" => SortOrder::None,
            "ASCEND" => SortOrder::Ascend,
            "DESCEND" => SortOrder::Descend,
            _ => return Err(Error::bad_feature(format!("bad sort order {}", self.order))),
        };
        let target = match self.sort_by.to_uppercase().as_str() {
            "" | "KEY" => SortTarget::Key,
            "CREATE" => SortTarget::Create,
            "MODIFY" => SortTarget::Modify,
            "VALUE" => SortTarget::Value,
            "VERSION" => SortTarget::Version,
            _ => return Err(Error::bad_feature(format!("bad sort target {}", self.sort_by))),
        };
        for (name, min, max) in [
            ("Create", self.min_create_rev, self.max_create_rev),
            ("Mod", self.min_mod_rev, self.max_mod_rev),
        ] {
            if max > 0 && min > max {
                let words = format!("getMin{name}Rev(={min}) > getMax{name}Rev(={max})");
                return Err(Error::bad_feature(words));
            }
        }
        Ok(Range {
            key: key.0,
            end,
            limit: self.limit,
            revision: self.rev,
            target,
            order,
            serializable,
            keys_only: self.keys_only,
            names_only: false,
            count_only: self.count_only,
            min_mod_revision: self.min_mod_rev,
            max_mod_revision: self.max_mod_rev,
            min_create_revision: self.min_create_rev,
            max_create_revision: self.max_create_rev,
            stream: self.stream,
        })
    }
}

/// `get` and `del` say it alike.
pub const PREFIX_OR_FROM_KEY: &str =
    "`--prefix` and `--from-key` cannot be set at the same time, choose one";

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn request(line: &str) -> Result<Range> {
        Line::parse_from(line.split(' ')).args.request()
    }

    #[test]
    fn range_end_is_taken_as_given() {
        let range = request("get a z").unwrap();
        assert_eq!((range.key, range.end), (b"a".to_vec(), RangeEnd::Below(b"z".to_vec())));
    }

    #[test]
    fn sort_and_order_are_named_in_any_case() {
        let range = request("get a --sort-by=modify --order=Descend").unwrap();
        assert_eq!((range.target, range.order), (SortTarget::Modify, SortOrder::Descend));
    }

    #[test]
    fn contradictions_have_the_official_words_and_status() {
        for (line, words, status) in [
            (
                "get",
                "get command needs one argument as key and an optional argument as range_end",
                128,
            ),
            ("get a --prefix --from-key", PREFIX_OR_FROM_KEY, 128),
            ("get a --consistency=L", "unknown consistency flag \"L\"", 4),
            ("get a --order=up", "bad sort order up", 4),
            ("get a --sort-by=name", "bad sort target name", 4),
            ("get a --min-mod-rev=5 --max-mod-rev=3", "getMinModRev(=5) > getMaxModRev(=3)", 4),
        ] {
            let error = request(line).unwrap_err();
            assert_eq!((error.message(), error.exit.code()), (words, status), "{line}");
        }
    }
}
