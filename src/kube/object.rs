//! A stored value read: an object, or why it is none.

use std::borrow::Cow;
use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

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
    /// Why there is not all of it.
    pub damage: Option<Damage>,
    stored: &'a [u8],
}

/// Reads a stored value. Of a damaged object there is what can be read.
///
/// # Errors
/// Where it is marked as an object and nothing of one can be read.
pub fn read<'a>(value: &'a [u8], options: &Options) -> Result<Value<'a>, Damage> {
    let object = match envelope::look(value) {
        Look::Encrypted => return Ok(Value::Encrypted),
        Look::Opaque => return Ok(Value::Opaque),
        Look::Stored(Encoding::Protobuf) => protobuf(value, options)?,
        Look::Stored(Encoding::Cbor) => {
            plain(value, cbor::read_partly(value), Encoding::Cbor, options)
        }
        // Any text may begin with a brace.
        Look::Stored(Encoding::Json) => match json::read_partly(value) {
            (tree, damage) if is_object(&tree, damage.is_some()) => {
                plain(value, (tree, damage), Encoding::Json, options)
            }
            _ => return Ok(Value::Opaque),
        },
    };
    match object {
        Object { damage: Some(damage), tree, unknown, .. }
            if tree.is_empty() && unknown.is_empty() =>
        {
            Err(damage)
        }
        object => Ok(Value::Object(object)),
    }
}

/// Whether it says its kind; of what is cut short the first that the API server writes is enough.
fn is_object(tree: &Tree, damaged: bool) -> bool {
    let says = |name| tree.get(name).and_then(Tree::as_text).is_some();
    says("apiVersion") && (damaged || says("kind"))
}

fn protobuf<'a>(value: &'a [u8], options: &Options) -> Result<Object<'a>, Damage> {
    let (typed, damage) = envelope::open(value)?;
    if typed.holds_json() {
        return Ok(plain(value, (json::read(typed.raw)?, damage), Encoding::Json, options));
    }
    // Nothing is found in an object of no bytes, wherever it begins.
    let start = (typed.raw.as_ptr() as usize).wrapping_sub(value.as_ptr() as usize);
    let decoded = match Schema::get().kind(&typed.api_version, &typed.kind) {
        Some(id) => decode::object(id, typed.raw, options),
        None => decode::stranger(typed.raw, options),
    };
    let damage = damage.or(decoded.damage.map(|damage| damage.moved(start)));
    let mut members: Members = Vec::with_capacity(decoded.members.len() + 2);
    for (name, text) in [("kind", typed.kind), ("apiVersion", typed.api_version)] {
        if !text.is_empty() {
            members.push((name.into(), Tree::Text(text)));
        }
    }
    members.extend(decoded.members);
    let (tree, encoding) = (Tree::Map(members), Encoding::Protobuf);
    Ok(Object { tree, encoding, unknown: decoded.unknown, damage, stored: value })
}

/// JSON or CBOR, with what the server adds and kubectl leaves out.
fn plain<'a>(
    stored: &'a [u8],
    (mut tree, damage): (Tree<'a>, Option<Damage>),
    encoding: Encoding,
    options: &Options,
) -> Object<'a> {
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
    Object { tree, encoding, unknown: Vec::new(), damage, stored }
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
    /// `@unknown`, by its place; what is wrong with it in `@damaged`, with the bytes that are stored.
    pub fn json(&self, style: Style, out: &mut Vec<u8>) {
        if self.unknown.is_empty() && self.damage.is_none() {
            return json::write(&self.tree, style, out);
        }
        let mut whole = self.tree.clone();
        if let Tree::Map(members) = &mut whole {
            if !self.unknown.is_empty() {
                members.push((Cow::Borrowed("@unknown"), self.strange()));
            }
            if let Some(damage) = &self.damage {
                let base64 = STANDARD.encode(self.stored);
                let about = [("why", damage.to_string()), ("base64", base64)];
                let about = about.map(|(name, text)| (Cow::Borrowed(name), Tree::text(text)));
                members.push((Cow::Borrowed("@damaged"), Tree::Map(about.into())));
            }
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
        self.damage_line(out);
        yaml::write(&Tree::List(vec![self.tree]), out);
        lines_below(&self.unknown, self.damage.as_ref().map(|_| self.stored), out);
    }

    /// Appends the object as a YAML document. What is unknown follows as comments, and where it is damaged the
    /// bytes that are stored; why stands above it.
    pub fn yaml(&self, out: &mut Vec<u8>) {
        self.damage_line(out);
        yaml::write(&self.tree, out);
        lines_below(&self.unknown, self.damage.as_ref().map(|_| self.stored), out);
    }

    fn damage_line(&self, out: &mut Vec<u8>) {
        if let Some(damage) = &self.damage {
            let line = format!("# damaged Kubernetes object: {damage}; what can be read of it:\n");
            out.extend_from_slice(line.as_bytes());
        }
    }
}

fn lines_below(unknown: &[Unknown], stored: Option<&[u8]>, out: &mut Vec<u8>) {
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
    if let Some(stored) = stored {
        let line = format!("# as it is stored, in base64: {}\n", STANDARD.encode(stored));
        out.extend_from_slice(line.as_bytes());
    }
}
