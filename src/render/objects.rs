//! `kube get`: objects as kubectl lists them, each written as it comes.

use std::io::Write;

use super::object::Found;
use super::table::Drawing;
use super::{Format, Look, escape};
use crate::error::Result;
use crate::go::size;
use crate::kube::age;
use crate::kube::json::Style;
use crate::reply::Pair;

/// What is known of the objects before they come.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layout {
    /// One object, without a list around it.
    pub one: bool,
    /// How many bytes of a key stand before the namespace or the name.
    pub start: usize,
    pub namespaced: bool,
    /// A table names the namespace of each.
    pub show_namespace: bool,
    /// What ages are counted to, in seconds of Unix.
    pub now: i64,
}

/// What came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub objects: usize,
    /// Of those, how many could not be shown.
    pub closed: usize,
    /// And how many not whole.
    pub damaged: usize,
}

/// Objects on their way to the reader.
pub struct Objects<'l> {
    format: Format,
    look: &'l Look,
    layout: Layout,
    seen: Seen,
    /// How many are in the list.
    listed: usize,
    rows: Rows,
    text: Vec<u8>,
}

impl<'l> Objects<'l> {
    /// Rows that are laid out together: memory is that of so many.
    const BLOCK: usize = 1000;

    #[must_use]
    pub fn new(format: Format, look: &'l Look, layout: Layout) -> Self {
        const COLUMNS: [&str; 4] = ["NAMESPACE", "NAME", "AGE", "SIZE"];
        let columns = COLUMNS.get(usize::from(!layout.show_namespace)..).unwrap_or_default();
        let kind = match format {
            Format::Table => Kind::Boxed(Drawing::new(columns)),
            _ => Kind::Plain { columns: columns.to_vec(), widths: Vec::new() },
        };
        let rows = Rows { waiting: Vec::new(), kind };
        let (seen, text) = (Seen::default(), Vec::new());
        Self { format, look, layout, seen, listed: 0, rows, text }
    }

    /// Writes one; gives why, in words, where it cannot be shown for want of a key.
    pub fn object(&mut self, pair: &Pair, out: &mut dyn Write) -> Result<Option<String>> {
        self.seen.objects += 1;
        if matches!(self.format, Format::Simple | Format::Table) {
            let row = self.row(pair);
            self.seen.damaged += self.look.decode.failed.borrow().len();
            self.rows.waiting.push(row);
            if self.rows.waiting.len() == Self::BLOCK {
                self.rows.write(out)?;
            }
            return Ok(None);
        }
        self.text.clear();
        let (format, one, text) = (self.format, self.layout.one, &mut self.text);
        let closed = self.look.decode.value(pair, |found| match found {
            Found::Object(object) => {
                match format {
                    Format::Yaml if one => object.yaml(text),
                    Format::Yaml => object.yaml_item(text),
                    Format::Json => object.json(Style::Kubectl, text),
                    _ => object.json(Style::Server, text),
                }
                None
            }
            Found::Closed(why) | Found::Damaged(why) => Some(why),
            Found::Other => Some("no Kubernetes object".to_owned()),
        });
        // What is damaged or has a wrong key is named by who asks for the failures.
        let failed = !self.look.decode.failed.borrow().is_empty();
        if let Some(why) = closed {
            self.seen.closed += 1;
            let words = format!("{} is {why}", escape::cell(&pair.key, self.look));
            return Ok(Some(words).filter(|_| !failed));
        }
        self.seen.damaged += usize::from(failed);
        match self.format {
            Format::Json if !one => {
                let opening = if self.listed == 0 { JSON_OPENING } else { "," };
                out.write_all(opening.as_bytes())?;
                for line in self.text.split(|byte| *byte == b'\n') {
                    out.write_all(b"\n        ")?;
                    out.write_all(line)?;
                }
            }
            Format::Yaml => {
                if self.listed == 0 && !one {
                    out.write_all(b"apiVersion: v1\nitems:\n")?;
                }
                out.write_all(&self.text)?;
            }
            _ => {
                out.write_all(&self.text)?;
                out.write_all(b"\n")?;
            }
        }
        self.listed += 1;
        Ok(None)
    }

    /// Writes what is left, and the end of the list.
    pub fn end(mut self, out: &mut dyn Write) -> Result<Seen> {
        let empty = self.listed == 0;
        match self.format {
            _ if self.layout.one && self.seen.objects == 0 => {}
            Format::Json if !self.layout.one => {
                let items = if empty { JSON_NONE } else { "\n    ]" };
                out.write_all(items.as_bytes())?;
                out.write_all(JSON_END.as_bytes())?;
            }
            Format::Yaml if !self.layout.one => {
                if empty {
                    out.write_all(b"apiVersion: v1\nitems: []\n")?;
                }
                out.write_all(b"kind: List\nmetadata:\n  resourceVersion: \"\"\n")?;
            }
            Format::Simple | Format::Table if self.seen.objects > 0 => {
                self.rows.write(out)?;
                if let Kind::Boxed(drawing) = self.rows.kind {
                    drawing.end(out)?;
                }
            }
            _ => {}
        }
        Ok(self.seen)
    }

    fn row(&self, pair: &Pair) -> Vec<String> {
        let place = pair.key.get(self.layout.start..).unwrap_or_default();
        let slash = place.iter().position(|byte| *byte == b'/').filter(|_| self.layout.namespaced);
        let (namespace, name) = match slash {
            Some(at) => {
                (place.get(..at).unwrap_or_default(), place.get(at + 1..).unwrap_or_default())
            }
            None => (&b""[..], place),
        };
        let created = self.look.decode.value(pair, |found| match found {
            Found::Object(object) => object.created(),
            Found::Closed(_) | Found::Damaged(_) | Found::Other => None,
        });
        let age = created.map_or_else(
            || "<unknown>".to_owned(),
            |created| age(self.layout.now.saturating_sub(created)),
        );
        let bytes = u64::try_from(pair.value.len()).unwrap_or(u64::MAX);
        let mut row = Vec::with_capacity(4);
        if self.layout.show_namespace {
            row.push(escape::cell(namespace, self.look));
        }
        row.extend([escape::cell(name, self.look), age, size::bytes(bytes)]);
        row
    }
}

const JSON_OPENING: &str = "{\n    \"apiVersion\": \"v1\",\n    \"items\": [";
const JSON_NONE: &str = "{\n    \"apiVersion\": \"v1\",\n    \"items\": []";
const JSON_END: &str = ",\n    \"kind\": \"List\",\n    \"metadata\": {\n        \"resourceVersion\": \"\"\n    }\n}\n";

/// Rows of a table that wait for a block to be full. A block is never narrower than the one before it.
struct Rows {
    waiting: Vec<Vec<String>>,
    kind: Kind,
}

enum Kind {
    /// Columns apart by three blanks, as kubectl sets them.
    Plain {
        columns: Vec<&'static str>,
        widths: Vec<usize>,
    },
    Boxed(Drawing),
}

impl Rows {
    fn write(&mut self, out: &mut dyn Write) -> Result<()> {
        let mut rows = std::mem::take(&mut self.waiting);
        let (columns, widths) = match &mut self.kind {
            Kind::Boxed(drawing) => return drawing.block(rows, out),
            Kind::Plain { columns, widths } => (columns, widths),
        };
        if widths.is_empty() {
            rows.insert(0, columns.iter().map(|&name| name.to_owned()).collect());
        }
        widths.resize(columns.len(), 0);
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in &rows {
            let mut line = String::new();
            for (cell, &width) in row.iter().zip(widths.iter()) {
                line.push_str(cell);
                let blanks = (width + 3).saturating_sub(cell.chars().count());
                line.extend(std::iter::repeat_n(' ', blanks));
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
