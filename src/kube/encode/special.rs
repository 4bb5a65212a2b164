//! Messages whose form in JSON is their own.

use super::super::json::{self, Style};
use super::super::schema::{Element, Message, Special};
use super::super::time;
use super::super::tree::Tree;
use super::super::wire::{put_bytes, put_number};
use super::Unfit;
use super::message::{self, wanted};
use crate::go::duration::GoDuration;

pub fn special(message: &Message, tree: &Tree) -> Result<Vec<u8>, Unfit> {
    let mut out = Vec::new();
    match message.special {
        Special::None => {}
        Special::Time | Special::MicroTime => {
            if *tree == Tree::Null {
                return Ok(out);
            }
            let time = tree.as_text().and_then(time::parse);
            let (seconds, nanos) =
                time.ok_or_else(|| Unfit::new("a time as 2006-01-02T15:04:05Z is wanted here"))?;
            // A Time has whole seconds, a MicroTime whole microseconds.
            let kept = if message.special == Special::Time { 0 } else { nanos / 1000 * 1000 };
            put_number(1, seconds.cast_unsigned(), &mut out);
            put_number(2, i64::from(kept).cast_unsigned(), &mut out);
        }
        Special::Duration => {
            let duration = match tree {
                Tree::Null => GoDuration::default(),
                Tree::Text(text) => {
                    GoDuration::parse(text).map_err(|err| Unfit::new(err.to_string()))?
                }
                other => return Err(wanted("a duration as 1h30m", other)),
            };
            put_number(1, duration.as_nanos().cast_unsigned(), &mut out);
        }
        Special::Quantity => {
            let text = match tree {
                Tree::Null => "0".to_owned(),
                Tree::Text(text) | Tree::Number(text) => text.to_string(),
                Tree::Int(number) => number.to_string(),
                Tree::Uint(number) => number.to_string(),
                other => return Err(wanted("a quantity", other)),
            };
            put_bytes(1, text.as_bytes(), &mut out);
        }
        Special::IntOrString => {
            let (kind, number, text) = match tree {
                Tree::Null => (0, 0, ""),
                Tree::Int(number) if i32::try_from(*number).is_ok() => (0, *number, ""),
                Tree::Text(text) => (1, 0, text.as_ref()),
                other => return Err(wanted("a number of 32 bits or a text", other)),
            };
            put_number(1, kind, &mut out);
            put_number(2, number.cast_unsigned(), &mut out);
            put_bytes(3, text.as_bytes(), &mut out);
        }
        Special::Raw => {
            if *tree != Tree::Null {
                let mut text = Vec::new();
                json::write(tree, Style::Server, &mut text);
                put_bytes(1, &text, &mut out);
            }
        }
        Special::SchemaOrBool => match tree {
            Tree::Map(_) => {
                put_number(1, 1, &mut out);
                put_bytes(2, &schema_below(message, 2, tree)?, &mut out);
            }
            Tree::Null => put_number(1, 0, &mut out),
            Tree::Bool(allows) => put_number(1, u64::from(*allows), &mut out),
            other => return Err(wanted("a schema, true or false", other)),
        },
        Special::SchemaOrList | Special::SchemaOrTexts => match tree {
            Tree::Null => {}
            Tree::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    match (message.special, item) {
                        (Special::SchemaOrTexts, Tree::Text(text)) => {
                            put_bytes(2, text.as_bytes(), &mut out);
                        }
                        (Special::SchemaOrTexts, other) => {
                            return Err(wanted("a text", other).in_item(at));
                        }
                        _ => {
                            let below = schema_below(message, 2, item);
                            put_bytes(2, &below.map_err(|err| err.in_item(at))?, &mut out);
                        }
                    }
                }
            }
            other => put_bytes(1, &schema_below(message, 1, other)?, &mut out),
        },
        Special::Fields => owned(tree, &mut out)?,
    }
    Ok(out)
}

fn schema_below(message: &Message, number: u32, tree: &Tree) -> Result<Vec<u8>, Unfit> {
    match message.field(number).map(|(_, field)| field.element) {
        Some(Element::Message(below)) => message::message(below, tree, true),
        _ => Err(Unfit::new("the schema has a gap")),
    }
}

/// What managers own, in its first form: a map of itself.
fn owned(tree: &Tree, out: &mut Vec<u8>) -> Result<(), Unfit> {
    let members = match tree {
        Tree::Null => return Ok(()),
        Tree::Map(members) => members,
        other => return Err(wanted("an object", other)),
    };
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (name, value) in sorted {
        let mut inner = Vec::new();
        owned(value, &mut inner).map_err(|err| err.below(name))?;
        let mut entry = Vec::new();
        put_bytes(1, name.as_bytes(), &mut entry);
        put_bytes(2, &inner, &mut entry);
        put_bytes(1, &entry, out);
    }
    Ok(())
}
