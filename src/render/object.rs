//! Values that are Kubernetes objects: read, opened where their key is at hand, or named for what they are.

use std::cell::RefCell;

use bytes::Bytes;

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
    /// Keys whose values could not be read whole since this was last asked, and why.
    pub failed: RefCell<Vec<(Bytes, String)>>,
}

/// What a value turned out to be.
pub enum Found<'a> {
    Object(Object<'a>),
    /// Encrypted at rest, in words.
    Closed(String),
    /// So that nothing can be read of it, in words.
    Damaged(String),
    /// No Kubernetes object.
    Other,
}

impl Decode {
    /// Reads a pair's value; what was opened is wiped once it was used. What is damaged, or not opened by
    /// the keys that were given, is taken note of.
    pub fn value<T>(&self, pair: &Pair, then: impl FnOnce(Found) -> T) -> T {
        let mod_revision = Some(pair.mod_revision).filter(|revision| *revision > 0);
        let options = Options { managed_fields: self.managed_fields, mod_revision };
        let sealed = sealed(&pair.value);
        let opened = sealed.as_ref().and_then(|_| self.keys.open(&pair.key, &pair.value));
        if let (Some(sealed), None) = (sealed, &opened) {
            if !self.keys.is_empty() {
                self.fail(pair, format!("{sealed}, which no key at hand opens"));
            }
            return then(Found::Closed(sealed.to_string()));
        }
        let value = opened.as_ref().map_or(&pair.value[..], |plain| &plain[..]);
        then(match read(value, &options) {
            Ok(Value::Object(object)) => {
                if let Some(damage) = &object.damage {
                    self.fail(pair, format!("a damaged Kubernetes object: {damage}"));
                }
                Found::Object(object)
            }
            Ok(Value::Encrypted | Value::Opaque) => Found::Other,
            Err(damage) => {
                self.fail(pair, format!("a damaged Kubernetes object: {damage}"));
                Found::Damaged(format!("damaged Kubernetes object: {damage}"))
            }
        })
    }

    fn fail(&self, pair: &Pair, why: String) {
        self.failed.borrow_mut().push((pair.key.clone(), why));
    }
}
