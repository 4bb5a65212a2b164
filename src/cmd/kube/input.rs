//! In which form a stored value was handed over.

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Error, Result};
use crate::kube::{Options, Tree, Value, json, read};
use crate::reply::Pair;

/// A form of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Raw,
    Hex,
    Base64,
    /// The answer of `get -w json`.
    Json,
}

impl FromStr for Form {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "raw" => Ok(Self::Raw),
            "hex" => Ok(Self::Hex),
            "base64" => Ok(Self::Base64),
            "json" => Ok(Self::Json),
            _ => Err("it is none of raw, hex, base64, json".to_owned()),
        }
    }
}

/// The values of an input, with their keys where it has them.
///
/// # Errors
/// An input that is not of the form that it was said to be.
pub fn pairs(bytes: Vec<u8>, form: Option<Form>) -> Result<Vec<Pair>> {
    let wrong = |what: &str| Error::failure(format!("the input is no {what}"));
    match form {
        Some(Form::Raw) => Ok(vec![raw(bytes)]),
        Some(Form::Hex) => hex_lines(&bytes)
            .or_else(|| hex(&bytes).map(|found| vec![value(found)]))
            .ok_or_else(|| wrong("hexadecimal")),
        Some(Form::Base64) => Ok(vec![value(base64(&bytes).ok_or_else(|| wrong("base64"))?)]),
        Some(Form::Json) => answer(&bytes).ok_or_else(|| wrong("answer of get -w json")),
        None => {
            let told = answer(&bytes)
                .or_else(|| {
                    hex(&bytes).filter(|found| is_stored(found)).map(|found| vec![value(found)])
                })
                .or_else(|| hex_lines(&bytes))
                .or_else(|| {
                    base64(&bytes).filter(|found| is_stored(found)).map(|found| vec![value(found)])
                });
            Ok(told.unwrap_or_else(|| vec![raw(bytes)]))
        }
    }
}

fn value(value: Vec<u8>) -> Pair {
    Pair { value: value.into(), ..Pair::default() }
}

/// A value as it is stored; or what `get` prints: a key, a value, a newline behind each.
fn raw(bytes: Vec<u8>) -> Pair {
    let without_end = |bytes: &[u8]| match bytes.strip_suffix(b"\n") {
        // JSON ends with a newline of its own, and protobuf has bytes behind it that may be one.
        Some(shorter) if !is_whole(bytes) && is_whole(shorter) => shorter.to_vec(),
        _ => bytes.to_vec(),
    };
    if is_stored(&bytes) {
        return value(without_end(&bytes));
    }
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return value(bytes) };
    let rest = &bytes[end + 1..];
    if !is_stored(rest) {
        return value(bytes);
    }
    let key = bytes[..end].to_vec().into();
    // An encrypted value has no end of its own: what `get` adds is known to be there.
    let rest = rest.strip_suffix(b"\n").unwrap_or(rest);
    Pair { key, value: rest.to_vec().into(), ..Pair::default() }
}

/// Whether the bytes are marked as an object or as encrypted.
fn is_stored(bytes: &[u8]) -> bool {
    !matches!(read(bytes, &Options::default()), Ok(Value::Opaque))
}

fn is_whole(bytes: &[u8]) -> bool {
    matches!(read(bytes, &Options::default()), Ok(Value::Object(_)))
}

/// Hexadecimal digits, with or without blanks and `\x` or `0x` in front, as `get --hex` prints bytes.
fn hex(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let digits =
        text.replace("\\x", "").replace("0x", "").replace(|c: char| c.is_ascii_whitespace(), "");
    if digits.is_empty()
        || digits.len() % 2 != 0
        || !digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    {
        return None;
    }
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.as_bytes().chunks(2).map(byte).collect()
}

/// Keys and values in turn, a line each, as `get --hex` prints them.
fn hex_lines(bytes: &[u8]) -> Option<Vec<Pair>> {
    let lines: Vec<Vec<u8>> =
        bytes.trim_ascii().split(|byte| *byte == b'\n').map(hex).collect::<Option<_>>()?;
    let (pairs, []) = lines.as_chunks() else { return None };
    let pair = |[key, value]: &[Vec<u8>; 2]| {
        is_stored(value).then(|| Pair {
            key: key.clone().into(),
            value: value.clone().into(),
            ..Pair::default()
        })
    };
    pairs.iter().map(pair).collect()
}

fn base64(bytes: &[u8]) -> Option<Vec<u8>> {
    let text: Vec<u8> = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(text).ok().filter(|found| !found.is_empty())
}

/// The pairs of the official JSON: keys and values in base64.
fn answer(bytes: &[u8]) -> Option<Vec<Pair>> {
    let answer = json::read(bytes).ok()?;
    answer.get("header")?;
    let Tree::List(kvs) = answer.get("kvs")? else { return None };
    let pair = |kv: &Tree| {
        let bytes = |name: &str| match kv.get(name) {
            None => Some(Vec::new()),
            Some(text) => STANDARD.decode(text.as_text()?).ok(),
        };
        let number = |name: &str| match kv.get(name) {
            Some(Tree::Int(number)) => *number,
            _ => 0,
        };
        Some(Pair {
            key: bytes("key")?.into(),
            value: bytes("value")?.into(),
            create_revision: number("create_revision"),
            mod_revision: number("mod_revision"),
            version: number("version"),
            lease: number("lease"),
        })
    };
    kvs.iter().map(pair).collect()
}
