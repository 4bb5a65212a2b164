//! A tree to the bytes that the API server would store.

mod message;
mod special;

use std::borrow::Cow;
use std::fmt;

use super::Options;
use super::decode;
use super::envelope::PROTOBUF;
use super::json::{self, Style};
use super::schema::{MessageId, Schema};
use super::tree::Tree;
use super::wire::put_bytes;

/// Groups whose objects are stored as JSON, though they have protobuf.
const AS_JSON: [&str; 2] = ["apiextensions.k8s.io/", "apiregistration.k8s.io/"];

/// Why an object cannot be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    path: String,
    what: String,
}

impl Unfit {
    fn new(what: impl Into<String>) -> Self {
        Self { path: String::new(), what: what.into() }
    }

    /// The same, seen from the member that holds it.
    fn below(mut self, name: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{name}{dot}{}", self.path);
        self
    }

    fn in_item(self, at: usize) -> Self {
        self.below(&format!("[{at}]"))
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.what),
            path => write!(f, "{path}: {}", self.what),
        }
    }
}

impl std::error::Error for Unfit {}

/// The bytes that the API server stores of an object: protobuf for the kinds of Kubernetes and `OpenShift`,
/// JSON for custom resources and the definitions of APIs. What the server clears, is cleared.
///
/// # Errors
/// A member that the kind does not have, or a value that is not of its type, by its path.
pub fn stored(object: &Tree) -> Result<Vec<u8>, Unfit> {
    let (api_version, kind) = type_of(object)?;
    let mut object = object.clone();
    if let Tree::Map(members) = &mut object
        && let Some((_, Tree::Map(meta))) = members.iter_mut().find(|(name, _)| name == "metadata")
    {
        meta.retain(|(name, _)| name != "resourceVersion" && name != "selfLink");
    }
    let known = Schema::get().kind(&api_version, &kind);
    let Some(id) = known else { return Ok(json_line(&sorted(&object))) };
    if !AS_JSON.iter().any(|group| api_version.starts_with(group)) {
        return protobuf(&object);
    }
    // Written and read again, the members stand in the order of declaration.
    let raw = message::message(id, &untyped(&object), true)?;
    let everything = Options { managed_fields: true, mod_revision: None };
    let decoded = decode::object(id, &raw, &everything);
    if let Some(damage) = decoded.damage {
        return Err(Unfit::new(damage.to_string()));
    }
    let mut members =
        vec![("kind".into(), Tree::text(kind)), ("apiVersion".into(), Tree::text(api_version))];
    members.extend(decoded.members);
    Ok(json_line(&Tree::Map(members)))
}

/// The protobuf form of an object of a kind that has one, with every member that it holds.
///
/// # Errors
/// As [`stored`], and a kind that has none.
pub fn protobuf(object: &Tree) -> Result<Vec<u8>, Unfit> {
    let (api_version, kind) = type_of(object)?;
    let Some(id) = Schema::get().kind(&api_version, &kind) else {
        return Err(Unfit::new(format!("{api_version} {kind} is no kind with a protobuf form")));
    };
    Ok(enveloped(&api_version, &kind, &message::message(id, &untyped(object), true)?))
}

/// The object without its type, which the envelope says.
fn untyped<'a>(object: &Tree<'a>) -> Tree<'a> {
    let mut object = object.clone();
    if let Tree::Map(members) = &mut object {
        members.retain(|(name, _)| name != "kind" && name != "apiVersion");
    }
    object
}

fn enveloped(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
    let mut meta = Vec::new();
    put_bytes(1, api_version.as_bytes(), &mut meta);
    put_bytes(2, kind.as_bytes(), &mut meta);
    let mut out = PROTOBUF.to_vec();
    put_bytes(1, &meta, &mut out);
    put_bytes(2, raw, &mut out);
    // The server always writes both, empty.
    put_bytes(3, b"", &mut out);
    put_bytes(4, b"", &mut out);
    out
}

fn type_of(object: &Tree) -> Result<(String, String), Unfit> {
    let text = |name: &str| match object.get(name).and_then(Tree::as_text) {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(Unfit::new(format!("the object has no {name}"))),
    };
    Ok((text("apiVersion")?, text("kind")?))
}

/// A schema's message of nothing: for what is always written.
fn zero(id: MessageId) -> Result<Vec<u8>, Unfit> {
    message::message(id, &Tree::Null, false)
}

fn json_line(object: &Tree) -> Vec<u8> {
    let mut out = Vec::new();
    json::write(object, Style::Server, &mut out);
    out.push(b'\n');
    out
}

/// Custom resources are stored with their members sorted.
fn sorted<'a>(tree: &Tree<'a>) -> Tree<'a> {
    match tree {
        Tree::Map(members) => {
            let mut members: Vec<(Cow<'a, str>, Tree<'a>)> =
                members.iter().map(|(name, value)| (name.clone(), sorted(value))).collect();
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            Tree::Map(members)
        }
        Tree::List(items) => Tree::List(items.iter().map(sorted).collect()),
        scalar => scalar.clone(),
    }
}
