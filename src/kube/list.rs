//! Objects one after the other as kubectl lists them: a `List` in YAML or JSON, a line each, or a table.

use std::fmt::Write as _;

use super::json::{self, Style};
use super::tree::{Members, Tree};
use super::{Object, age, time, yaml};

const KIND: [(&str, &str); 1] = [("kind", "List")];
const VERSION: [(&str, &str); 1] = [("apiVersion", "v1")];

/// How objects are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Yaml,
    Json,
    Jsonl,
}

/// A list under construction; what it appends is whole after [`List::end`].
#[derive(Debug)]
pub struct List {
    form: Form,
    any: bool,
}

impl List {
    #[must_use]
    pub fn new(form: Form) -> Self {
        Self { form, any: false }
    }

    /// Appends the next object, and before the first what a list begins with.
    pub fn item(&mut self, object: Object, out: &mut Vec<u8>) {
        let first = !std::mem::replace(&mut self.any, true);
        match self.form {
            Form::Jsonl => {
                object.json(Style::Server, out);
                if out.last() != Some(&b'\n') {
                    out.push(b'\n');
                }
            }
            Form::Yaml => {
                if first {
                    yaml::write(&map(&VERSION), out);
                    out.extend_from_slice(b"items:\n");
                }
                let whole = alone(object.tree);
                let start = out.len();
                yaml::write(&whole, out);
                out.drain(start..out.len().min(start + b"items:\n".len()));
                super::object::remarks(&object.unknown, b"  ", out);
            }
            Form::Json => {
                out.extend_from_slice(if first {
                    b"{\n    \"apiVersion\": \"v1\",\n    \"items\": [\n"
                } else {
                    b",\n"
                });
                let mut text = Vec::new();
                json::write(&alone(object.whole()), Style::Kubectl, &mut text);
                let inside = text.strip_prefix(b"{\n    \"items\": [\n").unwrap_or(&text);
                let inside = inside.trim_ascii_end();
                out.extend_from_slice(inside.strip_suffix(b"\n    ]\n}").unwrap_or(inside));
            }
        }
    }

    /// Appends what a list ends with.
    pub fn end(self, out: &mut Vec<u8>) {
        let mut end = map(&KIND);
        let version = ("resourceVersion".into(), Tree::text(""));
        if let Tree::Map(members) = &mut end {
            members.push(("metadata".into(), Tree::Map(vec![version])));
        }
        match self.form {
            Form::Jsonl => {}
            Form::Yaml => {
                if !self.any {
                    yaml::write(&map(&VERSION), out);
                    out.extend_from_slice(b"items: []\n");
                }
                yaml::write(&end, out);
            }
            Form::Json => {
                out.extend_from_slice(if self.any {
                    b"\n    ],\n"
                } else {
                    b"{\n    \"apiVersion\": \"v1\",\n    \"items\": [],\n"
                });
                let mut text = Vec::new();
                json::write(&end, Style::Kubectl, &mut text);
                out.extend_from_slice(text.strip_prefix(b"{\n").unwrap_or(&text).trim_ascii_end());
                out.push(b'\n');
            }
        }
    }
}

fn map<'a>(pairs: &[(&'a str, &'a str)]) -> Tree<'a> {
    Tree::Map(pairs.iter().map(|(name, text)| ((*name).into(), Tree::text(*text))).collect())
}

/// The list of one, in which an object is written as deep as it stands.
fn alone(tree: Tree<'_>) -> Tree<'_> {
    let members: Members = vec![("items".into(), Tree::List(vec![tree]))];
    Tree::Map(members)
}

/// When an object was made, in seconds of Unix.
#[must_use]
pub fn created(object: &Object) -> Option<i64> {
    let text = object.tree.get("metadata")?.get("creationTimestamp")?.as_text()?;
    time::parse(text).map(|(seconds, _)| seconds)
}

/// Rows held back to find out how wide columns are: as many as kubectl asks for at once.
const BLOCK: usize = 500;

/// A table of objects. Its columns grow, never shrink, and it holds few rows at a time.
#[derive(Debug)]
pub struct Table {
    namespaces: bool,
    now: i64,
    widths: [usize; 4],
    rows: Vec<[String; 4]>,
    any: bool,
}

impl Table {
    /// A table as of a moment, in seconds of Unix.
    #[must_use]
    pub fn new(namespaces: bool, now: i64) -> Self {
        Self { namespaces, now, widths: [0; 4], rows: Vec::new(), any: false }
    }

    /// Adds an object by its key; `created` where that is known, and the size of the stored value.
    pub fn row(
        &mut self,
        (namespace, name): (&str, &str),
        created: Option<i64>,
        size: usize,
        out: &mut Vec<u8>,
    ) {
        if !std::mem::replace(&mut self.any, true) {
            self.rows.push(["NAMESPACE", "NAME", "AGE", "SIZE"].map(str::to_owned));
        }
        let age = created.map_or("<unknown>".to_owned(), |then| age(self.now.saturating_sub(then)));
        self.rows.push([shown(namespace), shown(name), age, size.to_string()]);
        if self.rows.len() >= BLOCK {
            self.block(out);
        }
    }

    /// Appends what was held back; whether there was any row.
    pub fn end(mut self, out: &mut Vec<u8>) -> bool {
        self.block(out);
        self.any
    }

    fn block(&mut self, out: &mut Vec<u8>) {
        for row in &self.rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in self.rows.drain(..) {
            let from = usize::from(!self.namespaces);
            let mut line = String::new();
            for (width, cell) in self.widths.iter().zip(&row).skip(from) {
                // Writing to a text cannot fail.
                let _ = write!(line, "{cell:<width$}   ");
            }
            out.extend_from_slice(line.trim_end().as_bytes());
            out.push(b'\n');
        }
    }
}

/// A name without what a terminal would obey.
fn shown(name: &str) -> String {
    name.chars()
        .map(|one| if one.is_control() { one.escape_default().to_string() } else { one.into() })
        .collect()
}
