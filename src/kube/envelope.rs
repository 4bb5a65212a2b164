//! What a stored value begins with, and what that says of the rest.

use std::borrow::Cow;

use super::damage::Damage;
use super::tree;
use super::wire::{self, Payload};
use super::{cbor, json};

/// In front of protobuf; the fourth byte is the style of encoding, of which there is one.
pub const PROTOBUF: &[u8] = b"k8s\0";
/// In front of what is encrypted at rest.
pub const ENCRYPTED: &[u8] = b"k8s:enc:";

/// How an object is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Protobuf,
    Json,
    Cbor,
}

/// `runtime.Unknown`: a kind's name around its bytes.
#[derive(Debug, Default)]
pub struct Typed<'a> {
    pub api_version: Cow<'a, str>,
    pub kind: Cow<'a, str>,
    pub raw: &'a [u8],
    content_encoding: &'a [u8],
    content_type: &'a [u8],
}

/// What a value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    Stored(Encoding),
    Encrypted,
    Opaque,
}

#[must_use]
pub fn look(value: &[u8]) -> Look {
    if value.starts_with(ENCRYPTED) {
        Look::Encrypted
    } else if value.starts_with(b"k8s") && value.len() > 3 && value[3] < b' ' {
        Look::Stored(Encoding::Protobuf)
    } else if cbor::is_tagged(value) {
        Look::Stored(Encoding::Cbor)
    } else if value.trim_ascii_start().first() == Some(&b'{') {
        Look::Stored(Encoding::Json)
    } else {
        Look::Opaque
    }
}

/// Opens the protobuf envelope, and says where it is damaged. A newline that a pipe has added is passed over.
///
/// # Errors
/// Another style of encoding, or what no object is in.
pub fn open(value: &[u8]) -> Result<(Typed<'_>, Option<Damage>), Damage> {
    let Some(inside) = value.strip_prefix(PROTOBUF) else {
        let style = value.get(3).copied().unwrap_or_default();
        return Err(Damage::new(format!("its encoding style {style} is unknown")).at(3));
    };
    let (mut found, mut damage) = typed(inside);
    if damage.is_some()
        && let Some(shorter) = inside.strip_suffix(b"\n")
        && let (whole, None) = typed(shorter)
    {
        (found, damage) = (whole, None);
    }
    let typed = found;
    if !typed.content_encoding.is_empty() {
        let name = tree::text(typed.content_encoding);
        return Err(Damage::new(format!("its content encoding {name:?} is unknown")));
    }
    let known: [&[u8]; 3] = [b"", b"application/vnd.kubernetes.protobuf", b"application/json"];
    if !known.contains(&typed.content_type) {
        let name = tree::text(typed.content_type);
        return Err(Damage::new(format!("its content type {name:?} is unknown")));
    }
    Ok((typed, damage))
}

impl Typed<'_> {
    /// Whether the bytes inside are JSON after all.
    #[must_use]
    pub fn holds_json(&self) -> bool {
        self.content_type == b"application/json" && json::read(self.raw).is_ok()
    }
}

/// What is in an envelope, up to where it is damaged.
fn typed(message: &[u8]) -> (Typed<'_>, Option<Damage>) {
    let mut found = Typed::default();
    let mut damage = None;
    let mut fields = wire::fields(message);
    loop {
        let at = message.len() - fields.rest().len() + PROTOBUF.len();
        let next = match fields.next() {
            None => return (found, damage),
            Some(Ok(field)) => field,
            Some(Err(err)) => {
                damage.get_or_insert(err.at(at));
                match fields.cut() {
                    // An object that ends too early is one up to there.
                    Some(cut @ (1 | 2, _)) => cut,
                    _ => return (found, damage),
                }
            }
        };
        match next {
            (1, Payload::Bytes(meta)) => {
                for part in wire::fields(meta) {
                    match part {
                        Ok((1, Payload::Bytes(text))) => found.api_version = tree::text(text),
                        Ok((2, Payload::Bytes(text))) => found.kind = tree::text(text),
                        Ok(_) => {}
                        Err(err) => {
                            damage.get_or_insert(err.at(at));
                        }
                    }
                }
            }
            (2, Payload::Bytes(raw)) => found.raw = raw,
            (3, Payload::Bytes(text)) => found.content_encoding = text,
            (4, Payload::Bytes(text)) => found.content_type = text,
            _ => {}
        }
    }
}
