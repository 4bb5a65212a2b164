//! A tree as YAML in kubectl's bytes: block style, two blanks a level, lists not indented under their key,
//! lines folded at 80, keys in the order that people expect.
//!
//! The rules are those of Go's yaml.v2, which kubectl writes with. Where kubectl itself fails or loses a
//! character (DEL, U+0085 and other control characters), the character is written as an escape.

mod order;
mod read;
mod resolve;
mod scalar;

use std::borrow::Cow;

use super::json::canonical;
use super::tree::Tree;
use scalar::{Place, fits_on_a_line, is_simple};

pub use read::read;
pub use scalar::is_printable;

/// Keys longer than so many bytes stand behind a question mark.
const LONGEST_KEY: usize = 128;

/// Appends a document, with a newline behind it.
pub fn write(tree: &Tree, out: &mut Vec<u8>) {
    let start = out.len();
    let mut writer = Writer { out, line: start, order: Vec::new() };
    // A text that is all of a document goes on as one inside of it does.
    let depth = if matches!(tree, Tree::Text(_)) { 2 } else { 0 };
    writer.node(tree, depth, true);
    writer.end_line();
}

/// Text under construction, and where its last line begins.
pub(super) struct Writer<'o> {
    out: &'o mut Vec<u8>,
    line: usize,
    /// In which order the members stand of every object that has begun, the innermost last.
    order: Vec<usize>,
}

impl Writer<'_> {
    fn put(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn newline(&mut self) {
        self.out.push(b'\n');
        self.line = self.out.len();
    }

    fn end_line(&mut self) {
        if self.out.len() > self.line {
            self.newline();
        }
    }

    fn indent(&mut self, depth: usize) {
        self.out.resize(self.out.len() + depth, b' ');
    }

    /// How many characters the line has.
    fn column(&self) -> usize {
        self.out[self.line..].iter().filter(|&&byte| byte & 0xc0 != 0x80).count()
    }

    /// A value at an indentation; `here`: its first line has begun already.
    fn node(&mut self, tree: &Tree, depth: usize, here: bool) {
        match tree {
            Tree::Map(members) if !members.is_empty() => self.map(members, depth, here),
            Tree::List(items) if !items.is_empty() => self.list(items, depth, here),
            scalar => self.leaf(scalar, depth),
        }
    }

    fn map(&mut self, members: &[(Cow<str>, Tree)], depth: usize, here: bool) {
        let first = self.order.len();
        self.order.extend(0..members.len());
        let in_order =
            |one: &usize, other: &usize| order::compare(&members[*one].0, &members[*other].0);
        // The keys of what managers own come in order.
        if !self.order[first..].is_sorted_by(|one, other| in_order(one, other).is_le()) {
            self.order[first..].sort_by(in_order);
        }
        let mut here = here;
        for at in first..first + members.len() {
            let (key, value) = &members[self.order[at]];
            self.begin(depth, here);
            here = false;
            let simple = is_simple(key);
            if key.len() > LONGEST_KEY || !simple && !fits_on_a_line(key) {
                self.put("? ");
                self.text(key, simple, depth + 2, Place::Value);
                self.end_line();
                self.indent(depth);
                self.put(": ");
                self.node(value, depth + 2, true);
                continue;
            }
            self.text(key, simple, depth, Place::Key);
            self.out.push(b':');
            match value {
                Tree::Map(inner) if !inner.is_empty() => self.node(value, depth + 2, false),
                // The items of a list stand no deeper than its key.
                Tree::List(inner) if !inner.is_empty() => self.node(value, depth, false),
                leaf => {
                    self.out.push(b' ');
                    self.leaf(leaf, depth + 2);
                }
            }
        }
        self.order.truncate(first);
    }

    fn list(&mut self, items: &[Tree], depth: usize, here: bool) {
        let mut here = here;
        for item in items {
            self.begin(depth, here);
            here = false;
            self.put("- ");
            self.node(item, depth + 2, true);
        }
    }

    fn begin(&mut self, depth: usize, here: bool) {
        if !here {
            self.end_line();
            self.indent(depth);
        }
    }

    fn leaf(&mut self, tree: &Tree, depth: usize) {
        match tree {
            Tree::Null => self.put("null"),
            Tree::Bool(true) => self.put("true"),
            Tree::Bool(false) => self.put("false"),
            Tree::Int(number) => self.put(&number.to_string()),
            Tree::Uint(number) => self.put(&number.to_string()),
            Tree::Number(text) => self.put(&number(text)),
            Tree::Text(text) => self.text(text, is_simple(text), depth, Place::Value),
            Tree::List(_) => self.put("[]"),
            Tree::Map(_) => self.put("{}"),
        }
    }
}

/// A number as Go's `%g` writes it; an integer that JSON writes as one, and that has 64 bits, as it is.
fn number(text: &str) -> Cow<'_, str> {
    let json = canonical(text);
    let integer = !json.contains(['.', 'e', 'E']);
    if integer && (json.parse::<i64>().is_ok() || json.parse::<u64>().is_ok()) {
        return json;
    }
    let Ok(value) = json.parse::<f64>() else { return json };
    if !value.is_finite() || integer && format!("{value:.0}") != json {
        return json; // kubectl would round it
    }
    let mut shortest = Vec::new();
    if crate::go::json::write(&value, &mut shortest).is_err() {
        return json;
    }
    let shortest = String::from_utf8(shortest).unwrap_or_default();
    Cow::Owned(percent_g(&shortest))
}

/// The digits of a number, with an exponent where it is below -4 or from 21 on as Go's shortest form has
/// it; yaml.v2 prints from 6 on.
fn percent_g(text: &str) -> String {
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |text| ("-", text));
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let digits = all.trim_start_matches('0');
    let leading = all.len() - digits.len();
    let point = i32::try_from(whole.len()).unwrap_or(0) - i32::try_from(leading).unwrap_or(0);
    let power = point + exponent - 1;
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        return format!("{sign}0");
    }
    if !(-4..6).contains(&power) {
        let (first, rest) = digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        let direction = if power < 0 { '-' } else { '+' };
        return format!("{sign}{first}{dot}{rest}e{direction}{:02}", power.abs());
    }
    let places = usize::try_from(power + 1).unwrap_or(0);
    if power < 0 {
        let zeros = "0".repeat(usize::try_from(-power - 1).unwrap_or(0));
        format!("{sign}0.{zeros}{digits}")
    } else if places >= digits.len() {
        format!("{sign}{digits}{}", "0".repeat(places - digits.len()))
    } else {
        let (whole, fraction) = digits.split_at(places);
        format!("{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests;
