//! `-w yaml`: a document a key, or an answer's object as a document.

use std::fmt::Write as _;
use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::node::{self, Node, Plain};
use super::object::{Decode, Found};
use super::{View, event};
use crate::error::Result;
use crate::proto::WatchResponse;
use crate::reply::{Pair, Reply, Tail};

pub fn reply(reply: &Reply, decode: &Decode, out: &mut dyn Write) -> Result<()> {
    if let Reply::Watch(response) = reply {
        return events(response, decode, out);
    }
    node::reply(reply).items(reply).iter().try_for_each(|item| document(item, out))
}

pub struct Range<'a> {
    pub decode: &'a Decode,
    pub view: View,
}

impl Range<'_> {
    pub fn pairs(&self, pairs: &[Pair], out: &mut dyn Write) -> Result<()> {
        for pair in pairs {
            writeln!(out, "---\n{}", heading(pair))?;
            if self.view != View::KeysOnly {
                value(pair, self.decode, out)?;
            }
        }
        Ok(())
    }

    pub fn end(self, tail: Tail, out: &mut dyn Write) -> Result<()> {
        match self.view {
            View::CountOnly => document(&node::count(tail), out),
            _ => Ok(()),
        }
    }
}

/// A document an event: as of a key, its heading ends with what happened.
fn events(response: &WatchResponse, decode: &Decode, out: &mut dyn Write) -> Result<()> {
    if let Some(revision) = event::progress(response) {
        writeln!(out, "---\n# PROGRESS revision={revision}")?;
    }
    for event in event::events(response) {
        writeln!(out, "---\n{} type={}", heading(&event.pair), event.name)?;
        if event.value {
            value(&event.pair, decode, out)?;
        }
        if let Some(prev) = &event.prev {
            writeln!(out, "---\n{} type=PREV", heading(prev))?;
            value(prev, decode, out)?;
        }
    }
    Ok(())
}

/// A value as the object that it is, else as text.
fn value(pair: &Pair, decode: &Decode, out: &mut dyn Write) -> Result<()> {
    let mut text = Vec::new();
    let shown = decode.value(pair, |found| match found {
        Found::Object(object) => {
            object.yaml(&mut text);
            true
        }
        Found::Closed(why) | Found::Damaged(why) => {
            text.extend_from_slice(format!("# {why}\n").as_bytes());
            false
        }
        Found::Other => false,
    });
    out.write_all(&text)?;
    if shown {
        return Ok(());
    }
    match std::str::from_utf8(&pair.value) {
        Ok(text) => writeln!(out, "value: {}", scalar(text))?,
        Err(_) => writeln!(out, "base64: {}", STANDARD.encode(&pair.value))?,
    }
    Ok(())
}

/// The comment that names a document: the key percent-encoded, where it has blanks or is no text.
fn heading(pair: &Pair) -> String {
    let mut line = String::from("# ");
    for chunk in pair.key.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character <= ' ' || matches!(character, '\x7f' | '%') {
                let _ = write!(line, "%{:02X}", u32::from(character));
            } else {
                line.push(character);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(line, "%{byte:02X}");
        }
    }
    let Pair { create_revision, mod_revision, version, lease, .. } = pair;
    let _ = write!(
        line,
        " create_revision={create_revision} mod_revision={mod_revision} version={version}"
    );
    if *lease != 0 {
        let _ = write!(line, " lease={}", node::lease(*lease));
    }
    line
}

/// An answer as a document.
fn document(node: &Node, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "---")?;
    let mut text = String::new();
    let value = serde_json::to_value(Plain(node)).map_err(std::io::Error::from)?;
    block(&value, 0, &mut text);
    out.write_all(text.as_bytes())?;
    Ok(())
}

/// A mapping or a list, a line each; whatever else, on its line.
fn block(value: &Value, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let _ = write!(text, "{indent}{}:", scalar(name));
                below(value, depth + usize::from(value.is_object()), text);
            }
        }
        Value::Array(list) => {
            for value in list {
                let mut item = String::new();
                block(value, depth + 1, &mut item);
                // The first line of an item begins behind its dash.
                let _ = write!(text, "{indent}- {}", item.trim_start());
            }
        }
        Value::String(string) => {
            let _ = writeln!(text, "{}", scalar(string));
        }
        other => {
            let _ = writeln!(text, "{other}");
        }
    }
}

fn below(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Object(map) if map.is_empty() => text.push_str(" {}\n"),
        Value::Array(list) if list.is_empty() => text.push_str(" []\n"),
        Value::Object(_) | Value::Array(_) => {
            text.push('\n');
            block(value, depth, text);
        }
        _ => {
            text.push(' ');
            block(value, 0, text);
        }
    }
}

/// A text on one line: bare where no reader could take it for anything else, else quoted as in JSON,
/// of which YAML is a superset but for the characters that it does not print.
fn scalar(text: &str) -> String {
    if is_bare(text) {
        return text.to_owned();
    }
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ if character.is_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}

/// Letters first, then what has no meaning in YAML; never a word that it reads as something else.
fn is_bare(text: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let mut characters = text.chars();
    characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '/' || first == '_')
        && characters.all(|next| next.is_ascii_alphanumeric() || "/._-".contains(next))
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(key: &[u8], value: &[u8], lease: i64) -> Pair {
        let (key, value) = (key.to_vec().into(), value.to_vec().into());
        Pair { key, value, create_revision: 1, mod_revision: 2, version: 3, lease }
    }

    fn text(pair: &Pair, view: View) -> String {
        let mut out = Vec::new();
        Range { decode: &Decode::default(), view }
            .pairs(std::slice::from_ref(pair), &mut out)
            .unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_key_is_a_document_under_its_heading() {
        assert_eq!(
            text(&pair("a b%é".as_bytes(), b"two\nlines", 0x2a), View::Pairs),
            "---\n# a%20b%25é create_revision=1 mod_revision=2 version=3 lease=000000000000002a\n\
             value: \"two\\nlines\"\n"
        );
        assert_eq!(
            text(&pair(b"\xff\x7f", b"\xff", 0), View::Pairs),
            "---\n# %FF%7F create_revision=1 mod_revision=2 version=3\nbase64: /w==\n"
        );
        assert_eq!(
            text(&pair(b"k", b"", 0), View::KeysOnly),
            "---\n# k create_revision=1 mod_revision=2 version=3\n"
        );
    }

    #[test]
    fn a_text_that_yaml_would_misread_is_quoted() {
        for (plain, quoted) in [
            ("abc", "abc"),
            ("/registry/pods", "/registry/pods"),
            ("", "\"\""),
            ("yes", "\"yes\""),
            ("Null", "\"Null\""),
            ("1e3", "\"1e3\""),
            ("- a", "\"- a\""),
            ("a: b", "\"a: b\""),
            ("a#b", "\"a#b\""),
            ("\u{85}\u{2028}\u{0}", "\"\\x85\\u2028\\x00\""),
        ] {
            assert_eq!(scalar(plain), quoted);
        }
    }

    #[test]
    fn an_object_is_a_block() {
        let value =
            serde_json::json!({"a": {"b": 1}, "c": [{"d": "x", "e": {"f": true}}], "g": []});
        let mut text = String::new();
        block(&value, 0, &mut text);
        assert_eq!(text, "a:\n  b: 1\nc:\n- d: x\n  e:\n    f: true\ng: []\n");
    }
}
