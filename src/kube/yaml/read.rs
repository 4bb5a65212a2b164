//! YAML to a tree, as Kubernetes reads it: the words of YAML 1.1, and of several documents the first.

use std::borrow::Cow;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::super::damage::Damage;
use super::super::json;
use super::super::tree::{Members, Tree};
use super::resolve::stays_text;
use crate::go::number::{parse_int, parse_uint};

/// How deep lists and maps may stand in each other.
const DEEPEST: usize = 500;

/// A list or a map that has begun, with the key that waits for its value.
enum Open {
    List(Vec<Tree<'static>>),
    Map(Members<'static>, Option<Cow<'static, str>>),
}

/// Reads the first document; JSON is YAML too.
///
/// # Errors
/// What is no YAML, and aliases, which could stand for more than there is memory.
pub fn read(bytes: &[u8]) -> Result<Tree<'static>, Damage> {
    let text = std::str::from_utf8(bytes).map_err(|_| Damage::new("it is no UTF-8"))?;
    // What YAML does not allow in its text (1.1, section 5.1); the parser takes it.
    let stray = |one: &char| one.is_control() && !matches!(one, '\t' | '\n' | '\r' | '\u{85}');
    if let Some(stray) = text.chars().find(stray) {
        let words = format!("the control character {stray:?} must be written as an escape");
        return Err(Damage::new(words));
    }
    let mut open: Vec<Open> = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|err| Damage::new(err.to_string()))?;
        let wrong = |what: &str| Damage::new(format!("line {}: {what}", span.start.line()));
        let value = match event {
            Event::Scalar(text, style, _, tag) => {
                if let Some(Open::Map(members, key @ None)) = open.last_mut() {
                    if members.iter().any(|(known, _)| *known == text) {
                        return Err(wrong(&format!("the key {text:?} stands there twice")));
                    }
                    *key = Some(Cow::Owned(text.into_owned()));
                    continue;
                }
                let text_by_tag = tag.is_some_and(|tag| tag.suffix == "str");
                scalar(&text, style == ScalarStyle::Plain && !text_by_tag)
            }
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                if matches!(open.last(), Some(Open::Map(_, None))) {
                    return Err(wrong("a key is no text"));
                }
                if open.len() >= DEEPEST {
                    return Err(wrong("it stands too deep in itself"));
                }
                let list = matches!(event, Event::SequenceStart(..));
                open.push(if list { Open::List(Vec::new()) } else { Open::Map(Vec::new(), None) });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open::List(items)) => Tree::List(items),
                Some(Open::Map(members, _)) => Tree::Map(members),
                None => continue,
            },
            Event::Alias(_) => return Err(wrong("aliases are not read")),
            _ => continue,
        };
        match open.last_mut() {
            None => return Ok(value),
            Some(Open::List(items)) => items.push(value),
            Some(Open::Map(members, key)) => {
                members.extend(key.take().map(|key| (key, value)));
            }
        }
    }
    Err(Damage::new("there is nothing in it"))
}

/// What a scalar stands for. Times stay text, as they do in JSON.
fn scalar(text: &str, plain: bool) -> Tree<'static> {
    let as_text = || Tree::text(text.to_owned());
    if !plain {
        return as_text();
    }
    if text.is_empty() {
        return Tree::Null;
    }
    if stays_text(text) {
        return as_text();
    }
    match text.to_ascii_lowercase().as_str() {
        "~" | "null" => return Tree::Null,
        "y" | "yes" | "true" | "on" => return Tree::Bool(true),
        "n" | "no" | "false" | "off" => return Tree::Bool(false),
        _ => {}
    }
    let digits = text.replace('_', "");
    if let Ok(number) = parse_int(&digits, 0, 64) {
        return Tree::Int(number);
    }
    if let Ok(number) = parse_uint(&digits, 0, 64) {
        return Tree::Uint(number);
    }
    // A number of JSON keeps its digits; Go reads the rest as a float too.
    match json::read(digits.as_bytes()) {
        Ok(Tree::Int(number)) => Tree::Int(number),
        Ok(Tree::Uint(number)) => Tree::Uint(number),
        Ok(Tree::Number(number)) => Tree::Number(number.into_owned().into()),
        _ => match digits.parse::<f64>() {
            Ok(number) if number.is_finite() => super::super::go_float(number),
            _ => as_text(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::json::{Style, write};
    use super::*;

    fn json(yaml: &str) -> String {
        let mut out = Vec::new();
        write(&read(yaml.as_bytes()).unwrap(), Style::Server, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn yaml_is_read_as_kubernetes_reads_it() {
        for (yaml, text) in [
            ("a: yes\nb: 'yes'\nc: !!str yes", r#"{"a":true,"b":"yes","c":"yes"}"#),
            ("- 0x10\n- 010\n- 1_000\n- 1.50\n- .5\n- 12:30", r#"[16,8,1000,1.50,0.5,"12:30"]"#),
            ("k:\n- a\n- {b: ~, c: }\n", r#"{"k":["a",{"b":null,"c":null}]}"#),
            ("t: 2001-12-14\nl: |\n  x\n  y\n", r#"{"t":"2001-12-14","l":"x\ny\n"}"#),
            ("{\"json\": [1, \"\\u00e9\"]}", "{\"json\":[1,\"é\"]}"),
            ("# c\n---\na: 1\n---\nb: 2\n", r#"{"a":1}"#),
        ] {
            assert_eq!(json(yaml), text);
        }
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for yaml in ["", "a: [", "a: &x 1\nb: *x", "{a: 1, a: 2}", "? [a]\n: b", "\u{1}"] {
            assert!(read(yaml.as_bytes()).is_err(), "{yaml:?}");
        }
        assert!(read("[".repeat(100_000).as_bytes()).is_err());
        assert!(read(b"\xff").is_err());
    }
}
