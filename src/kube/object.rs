//! A stored value read: an object, or why it is none.

use std::borrow::Cow;
use std::collections::HashMap;

use super::decode::{self, Unknown};
use super::envelope::{self, Encoding, Look};
use super::json::{self, Style};
use super::schema::Schema;
use super::tree::{Members, Tree};
use super::{Damage, Options, cbor, yaml};

/// A stored value.
#[derive(Debug)]
pub enum Value<'a> {
    Object(Object<'a>),
    /// Encrypted at rest.
    Encrypted,
    /// No Kubernetes object; it may be anything.
    Opaque,
}

/// An object, decoded.
#[derive(Debug)]
pub struct Object<'a> {
    /// All of it, `kind` and `apiVersion` included, in the order of declaration.
    pub tree: Tree<'a>,
    pub encoding: Encoding,
    /// Fields that no release has; all of them where none has the kind.
    pub unknown: Vec<Unknown<'a>>,
}

/// Reads a stored value.
///
/// # Errors
/// Where it is marked as an object and cannot be read as one.
pub fn read<'a>(value: &'a [u8], options: &Options) -> Result<Value<'a>, Damage> {
    let object = match envelope::look(value) {
        Look::Encrypted => return Ok(Value::Encrypted),
        Look::Opaque => return Ok(Value::Opaque),
        Look::Stored(Encoding::Protobuf) => protobuf(value, options)?,
        Look::Stored(Encoding::Cbor) => plain(cbor::read(value)?, Encoding::Cbor, options),
        // Any text may begin with a brace.
        Look::Stored(Encoding::Json) => match json::read(value) {
            Ok(tree) if is_object(&tree) => plain(tree, Encoding::Json, options),
            _ => return Ok(Value::Opaque),
        },
    };
    Ok(Value::Object(object))
}

fn is_object(tree: &Tree) -> bool {
    ["apiVersion", "kind"].iter().all(|name| tree.get(name).and_then(Tree::as_text).is_some())
}

fn protobuf<'a>(value: &'a [u8], options: &Options) -> Result<Object<'a>, Damage> {
    let typed = envelope::open(value)?;
    if typed.holds_json() {
        return Ok(plain(json::read(typed.raw)?, Encoding::Json, options));
    }
    // Nothing is found in an object of no bytes, wherever it begins.
    let start = (typed.raw.as_ptr() as usize).wrapping_sub(value.as_ptr() as usize);
    let decoded = match Schema::get().kind(&typed.api_version, &typed.kind) {
        Some(id) => decode::object(id, typed.raw, options).map_err(|err| err.moved(start))?,
        None => decode::stranger(typed.raw, options),
    };
    let mut members: Members = Vec::with_capacity(decoded.members.len() + 2);
    for (name, text) in [("kind", typed.kind), ("apiVersion", typed.api_version)] {
        if !text.is_empty() {
            members.push((name.into(), Tree::Text(text)));
        }
    }
    members.extend(decoded.members);
    let tree = Tree::Map(members);
    Ok(Object { tree, encoding: Encoding::Protobuf, unknown: decoded.unknown })
}

/// JSON or CBOR, with what the server adds and kubectl leaves out.
fn plain<'a>(mut tree: Tree<'a>, encoding: Encoding, options: &Options) -> Object<'a> {
    if let Tree::Map(members) = &mut tree {
        let meta = members.iter_mut().find(|(name, _)| name == "metadata");
        if let Some((_, Tree::Map(meta))) = meta {
            if !options.managed_fields {
                meta.retain(|(name, _)| name != "managedFields");
            }
            if let Some(revision) = options.mod_revision {
                version(meta, revision);
            }
        }
    }
    Object { tree, encoding, unknown: Vec::new() }
}

/// Puts the resource version where it was declared, or where it is sorted to.
fn version(meta: &mut Members<'_>, revision: i64) {
    const NAME: &str = "resourceVersion";
    const BEFORE: [&str; 5] = ["name", "generateName", "namespace", "selfLink", "uid"];
    meta.retain(|(name, _)| name != NAME);
    let at = if meta.is_sorted_by(|(one, _), (other, _)| one <= other) {
        meta.partition_point(|(name, _)| name.as_ref() < NAME)
    } else {
        meta.iter().rposition(|(name, _)| BEFORE.contains(&name.as_ref())).map_or(0, |at| at + 1)
    };
    meta.insert(at, (NAME.into(), Tree::text(revision.to_string())));
}

impl Object<'_> {
    #[must_use]
    pub fn kind(&self) -> &str {
        self.tree.get("kind").and_then(Tree::as_text).unwrap_or_default()
    }

    #[must_use]
    pub fn api_version(&self) -> &str {
        self.tree.get("apiVersion").and_then(Tree::as_text).unwrap_or_default()
    }

    /// Appends the object as JSON, without a newline behind it. What is unknown stands in a member
    /// `@unknown`, by its place.
    pub fn json(&self, style: Style, out: &mut Vec<u8>) {
        if self.unknown.is_empty() {
            return json::write(&self.tree, style, out);
        }
        let mut whole = self.tree.clone();
        if let Tree::Map(members) = &mut whole {
            members.push((Cow::Borrowed("@unknown"), self.strange()));
        }
        json::write(&whole, style, out);
    }

    fn strange(&self) -> Tree<'_> {
        let mut members: Members = Vec::new();
        let mut known = HashMap::new();
        for one in &self.unknown {
            let place = one.place();
            let at = *known.entry(place.clone()).or_insert(members.len());
            match members.get_mut(at) {
                Some((_, Tree::List(items))) => items.push(one.value()),
                _ => members.push((place.into(), Tree::List(vec![one.value()]))),
            }
        }
        Tree::Map(members)
    }

    /// When it was created, in seconds of Unix.
    #[must_use]
    pub fn created(&self) -> Option<i64> {
        let time = self.tree.get("metadata")?.get("creationTimestamp")?.as_text()?;
        super::time::parse(time).map(|(seconds, _)| seconds)
    }

    /// Appends the object as an item of a list in YAML, at the left margin.
    pub fn yaml_item(self, out: &mut Vec<u8>) {
        yaml::write(&Tree::List(vec![self.tree]), out);
        strange_lines(&self.unknown, out);
    }

    /// Appends the object as a YAML document. What is unknown follows as comments.
    pub fn yaml(&self, out: &mut Vec<u8>) {
        yaml::write(&self.tree, out);
        strange_lines(&self.unknown, out);
    }
}

fn strange_lines(unknown: &[Unknown], out: &mut Vec<u8>) {
    let mut value = Vec::new();
    for one in unknown {
        value.clear();
        json::write(&one.value(), Style::Server, &mut value);
        let line = format!("# unknown field {}: {}", one.place(), String::from_utf8_lossy(&value));
        for c in line.chars() {
            // What ends a line ends a comment, and what is no text may stand in none.
            if yaml::is_printable(c) || c > '\u{ffff}' {
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes());
            }
        }
        out.push(b'\n');
    }
}
