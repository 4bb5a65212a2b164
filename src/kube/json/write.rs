//! A tree as JSON.

use std::borrow::Cow;

use super::super::tree::Tree;
use crate::go::json::write_string;

/// In whose manner JSON is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// As the API server sends it: one line, members as declared, numbers as stored.
    Server,
    /// As kubectl prints it: 4 blanks a level, members sorted, numbers as Go reads and writes them.
    Kubectl,
    /// As Kubernetes' own fixtures are written: 2 blanks a level, members as declared.
    Fixture,
}

impl Style {
    fn indent(self) -> Option<usize> {
        match self {
            Self::Server => None,
            Self::Kubectl => Some(4),
            Self::Fixture => Some(2),
        }
    }
}

/// Appends a value, without a newline behind it.
pub fn write(tree: &Tree, style: Style, out: &mut Vec<u8>) {
    Writer { style, out }.value(tree, 0);
}

/// A number's text as kubectl writes it: it reads integers past 64 bits as floats, and rounds them. We
/// do not.
#[must_use]
pub fn canonical(text: &str) -> Cow<'_, str> {
    let integer = !text.contains(['.', 'e', 'E']);
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && !(integer && format!("{value:.0}") != text) => {
            let mut out = Vec::new();
            match crate::go::json::write(&value, &mut out) {
                Ok(()) => Cow::Owned(String::from_utf8(out).unwrap_or_default()),
                Err(_) => Cow::Borrowed(text),
            }
        }
        _ => Cow::Borrowed(text),
    }
}

struct Writer<'o> {
    style: Style,
    out: &'o mut Vec<u8>,
}

impl Writer<'_> {
    fn value(&mut self, tree: &Tree, depth: usize) {
        match tree {
            Tree::Null => self.out.extend_from_slice(b"null"),
            Tree::Bool(true) => self.out.extend_from_slice(b"true"),
            Tree::Bool(false) => self.out.extend_from_slice(b"false"),
            Tree::Int(number) => self.out.extend_from_slice(number.to_string().as_bytes()),
            Tree::Uint(number) => self.out.extend_from_slice(number.to_string().as_bytes()),
            Tree::Number(text) if self.style == Style::Kubectl => {
                self.out.extend_from_slice(canonical(text).as_bytes());
            }
            Tree::Number(text) => self.out.extend_from_slice(text.as_bytes()),
            Tree::Text(text) => self.text(text),
            Tree::List(items) if items.is_empty() => self.out.extend_from_slice(b"[]"),
            Tree::Map(members) if members.is_empty() => self.out.extend_from_slice(b"{}"),
            Tree::List(items) => {
                self.out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    self.next(at, depth + 1);
                    self.value(item, depth + 1);
                }
                self.line(depth);
                self.out.push(b']');
            }
            Tree::Map(members) => {
                self.out.push(b'{');
                if self.style == Style::Kubectl {
                    let mut sorted: Vec<_> = members.iter().collect();
                    sorted.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
                    self.members(sorted.into_iter(), depth);
                } else {
                    self.members(members.iter(), depth);
                }
                self.line(depth);
                self.out.push(b'}');
            }
        }
    }

    fn members<'t>(
        &mut self,
        members: impl Iterator<Item = &'t (Cow<'t, str>, Tree<'t>)>,
        depth: usize,
    ) {
        for (at, (key, value)) in members.enumerate() {
            self.next(at, depth + 1);
            self.text(key);
            self.out.push(b':');
            if self.style.indent().is_some() {
                self.out.push(b' ');
            }
            self.value(value, depth + 1);
        }
    }

    fn text(&mut self, text: &str) {
        // Writing to memory does not fail.
        let _ = write_string(text, self.out);
    }

    fn next(&mut self, at: usize, depth: usize) {
        if at > 0 {
            self.out.push(b',');
        }
        self.line(depth);
    }

    fn line(&mut self, depth: usize) {
        if let Some(indent) = self.style.indent() {
            self.out.push(b'\n');
            self.out.resize(self.out.len() + indent * depth, b' ');
        }
    }
}
