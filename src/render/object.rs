//! Values that are Kubernetes objects: read, opened where their key is at hand, or named for what they are.

use crate::kube::encryption::{Keys, sealed};
use crate::kube::{Object, Options, Value, read};
use crate::reply::Pair;

/// How values are decoded.
#[derive(Debug, Default)]
pub struct Decode {
    /// In `simple` and `jsonl` too; `yaml` always does.
    pub everywhere: bool,
    /// Shows who manages which field.
    pub managed_fields: bool,
    /// What opens values that are encrypted at rest.
    pub keys: Keys,
}

/// What a value turned out to be.
pub enum Found<'a> {
    Object(Object<'a>),
    /// Encrypted at rest, or damaged; in words.
    Closed(String),
    /// No Kubernetes object.
    Other,
}

impl Decode {
    /// Reads a pair's value; what was opened is wiped once it was used.
    pub fn value<T>(&self, pair: &Pair, then: impl FnOnce(Found) -> T) -> T {
        let mod_revision = Some(pair.mod_revision).filter(|revision| *revision > 0);
        let options = Options { managed_fields: self.managed_fields, mod_revision };
        let opened = match sealed(&pair.value) {
            None => None,
            Some(sealed) => match self.keys.open(&pair.key, &pair.value) {
                Some(plain) => Some(plain),
                None => return then(Found::Closed(sealed.to_string())),
            },
        };
        let value = opened.as_ref().map_or(&pair.value[..], |plain| &plain[..]);
        then(match read(value, &options) {
            Ok(Value::Object(object)) => Found::Object(object),
            Ok(Value::Encrypted | Value::Opaque) => Found::Other,
            Err(damage) => Found::Closed(format!("damaged Kubernetes object: {damage}")),
        })
    }
}
