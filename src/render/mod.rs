//! The formats side by side: from answers to bytes. A format's file is the twin of the official
//! client's `printer_FORMAT.go`; nothing here asks a server or knows where the bytes go.

mod endpoint;
mod escape;
mod event;
mod fields;
mod json;
mod jsonl;
mod node;
mod object;
mod objects;
mod protobuf;
mod raw;
mod simple;
mod table;
mod words;
mod yaml;

use std::cell::Cell;
use std::io::Write;

use crate::error::{Error, Result};
use crate::reply::{Header, Pair, Reply, Tail};

/// A value of `-w`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Simple,
    Json,
    Fields,
    Table,
    Protobuf,
    Yaml,
    Jsonl,
    Raw,
}

impl Format {
    /// All of them: what a range of keys can be printed as.
    pub const ALL: [Self; 8] = [
        Self::Simple,
        Self::Json,
        Self::Fields,
        Self::Table,
        Self::Protobuf,
        Self::Yaml,
        Self::Jsonl,
        Self::Raw,
    ];

    /// What an answer without values can be printed as: all but `raw`.
    pub const WITHOUT_RAW: [Self; 7] = [
        Self::Simple,
        Self::Json,
        Self::Fields,
        Self::Table,
        Self::Protobuf,
        Self::Yaml,
        Self::Jsonl,
    ];

    /// What is known of a file, and what only ours tells, can be printed as these: there are no messages for it.
    pub const OF_FILES: [Self; 6] =
        [Self::Simple, Self::Json, Self::Fields, Self::Table, Self::Yaml, Self::Jsonl];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Json => "json",
            Self::Fields => "fields",
            Self::Table => "table",
            Self::Protobuf => "protobuf",
            Self::Yaml => "yaml",
            Self::Jsonl => "jsonl",
            Self::Raw => "raw",
        }
    }

    /// The format of that name, in lower case alone.
    ///
    /// # Errors
    /// The official words and status.
    pub fn named(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::bad_feature("unsupported output format")
                .hint(format!("-w takes one of {names}; {name:?} is none of them"))
        })
    }
}

pub use object::Decode;
pub use objects::{Layout, Objects, Seen};

/// How keys and values are shown in the formats for people.
#[derive(Debug, Default)]
pub struct Look {
    /// Every byte as `\x..`, and ids in hexadecimal.
    pub hex: bool,
    /// Bytes that a terminal would obey as `\x..`.
    pub escape: bool,
    /// Whether that has happened.
    pub escaped: Cell<bool>,
    /// How Kubernetes objects are.
    pub decode: Decode,
}

impl Look {
    /// What could not be read whole since this was last asked, in words.
    pub fn failures(&self) -> Vec<String> {
        let failed = self.decode.failed.take().into_iter();
        failed.map(|(key, why)| format!("{} is {why}", escape::cell(&key, self))).collect()
    }
}

/// What of a range is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    #[default]
    Pairs,
    /// The server left the values out.
    KeysOnly,
    ValuesOnly,
    /// The server left everything out but the count.
    CountOnly,
}

/// Writes an answer that is there as a whole.
pub fn reply(reply: &Reply, format: Format, look: &Look, out: &mut dyn Write) -> Result<()> {
    if let Reply::Watch(response) = reply
        && let Some(revision) = event::progress(response)
        && !matches!(format, Format::Yaml | Format::Jsonl)
    {
        // The official client prints it whatever the format is.
        writeln!(out, "progress notify: {revision}")?;
    }
    match format {
        Format::Simple => simple::reply(reply, look, out),
        Format::Json => json::reply(reply, look, out),
        Format::Fields => fields::reply(reply, look, out),
        Format::Table => table::reply(reply, look, out),
        Format::Protobuf => protobuf::reply(reply, out),
        Format::Yaml => yaml::reply(reply, &look.decode, out),
        Format::Jsonl => jsonl::reply(reply, &look.decode, out),
        Format::Raw => unreachable_raw(),
    }
}

/// Commands refuse `raw` before they ask anything.
fn unreachable_raw() -> Result<()> {
    Err(Error::bad_feature("raw not supported as output format"))
}

/// A range answer, written as it arrives: begin, pairs any number of times, end.
pub enum Range<'a> {
    Simple(simple::Range<'a>),
    Json(json::Range),
    Fields(fields::Range<'a>),
    Table(table::Range<'a>),
    Protobuf,
    Yaml(yaml::Range<'a>),
    Jsonl(jsonl::Range<'a>),
    Raw(raw::Range),
}

impl<'a> Range<'a> {
    /// Writes what comes before the first pair.
    pub fn begin(
        format: Format,
        look: &'a Look,
        view: View,
        header: &Header,
        out: &mut dyn Write,
    ) -> Result<Self> {
        Ok(match format {
            Format::Simple => Self::Simple(simple::Range { look, view }),
            Format::Json => Self::Json(json::Range::begin(header, out)?),
            Format::Fields => Self::Fields(fields::Range::begin(look, header, out)?),
            Format::Table => Self::Table(table::Range::new(look, view)),
            Format::Protobuf => {
                protobuf::range_header(header, out)?;
                Self::Protobuf
            }
            Format::Yaml => Self::Yaml(yaml::Range { decode: &look.decode, view }),
            Format::Jsonl => Self::Jsonl(jsonl::Range { decode: &look.decode, view }),
            Format::Raw => Self::Raw(raw::Range { view }),
        })
    }

    pub fn pairs(&mut self, pairs: &[Pair], out: &mut dyn Write) -> Result<()> {
        match self {
            Self::Simple(range) => range.pairs(pairs, out),
            Self::Json(range) => range.pairs(pairs, out),
            Self::Fields(range) => range.pairs(pairs, out),
            Self::Table(range) => range.pairs(pairs, out),
            Self::Protobuf => protobuf::range_pairs(pairs, out),
            Self::Yaml(range) => range.pairs(pairs, out),
            Self::Jsonl(range) => range.pairs(pairs, out),
            Self::Raw(_) => raw::pairs(pairs, out),
        }
    }

    /// Writes what comes after the last pair.
    pub fn end(self, tail: Tail, out: &mut dyn Write) -> Result<()> {
        match self {
            Self::Simple(range) => range.end(tail, out),
            Self::Json(range) => range.end(tail, out),
            Self::Fields(_) => fields::range_end(tail, out),
            Self::Table(range) => range.end(tail, out),
            Self::Protobuf => protobuf::range_tail(tail, out),
            Self::Yaml(range) => range.end(tail, out),
            Self::Jsonl(range) => range.end(tail, out),
            Self::Raw(range) => range.end(tail, out),
        }
    }

    /// The answer broke off: rows that wait for their column's width are written, no end is.
    pub fn cut(self, out: &mut dyn Write) -> Result<()> {
        match self {
            Self::Table(range) => range.cut(out),
            _ => Ok(()),
        }
    }
}
