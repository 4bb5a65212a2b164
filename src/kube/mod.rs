//! Kubernetes objects as they are stored, printed as kubectl would. Bytes in, a tree or text out; nothing
//! here reads a file or asks a server.
//!
//! A value says itself what it is (`envelope`). Protobuf is walked by the schema of all releases (`decode`,
//! `schema`), JSON and CBOR as they are; all become a [`tree::Tree`], which `json` and `yaml` write in
//! kubectl's bytes. What is printed is what is stored: the server's defaults and conversions are its own.

mod cbor;
mod damage;
mod decode;
pub mod encode;
pub mod encryption;
mod envelope;
pub mod json;
mod object;
pub mod resources;
mod schema;
mod time;
mod tree;
mod wire;
pub mod yaml;

pub use damage::Damage;
pub use decode::Unknown;
pub use envelope::Encoding;
pub use object::{Object, Value, read};
pub use time::age;
pub use tree::Tree;

/// How an object is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Shows `metadata.managedFields`, which kubectl leaves out by default.
    pub managed_fields: bool,
    /// What the server tells as `metadata.resourceVersion`; it is not stored in the object.
    pub mod_revision: Option<i64>,
}

/// A float as Go's JSON has it.
fn go_float(value: f64) -> Tree<'static> {
    float(value.is_finite(), &value)
}

fn go_single(value: f32) -> Tree<'static> {
    float(value.is_finite(), &value)
}

fn float(finite: bool, value: &impl serde::Serialize) -> Tree<'static> {
    let mut text = Vec::new();
    let written = finite && crate::go::json::write(value, &mut text).is_ok();
    let text = String::from_utf8(text).unwrap_or_default();
    match json::number(&text) {
        _ if !written => Tree::Null,
        Tree::Number(_) => Tree::Number(text.into()),
        // JSON has a negative zero, integers have not.
        _ if text == "-0" => Tree::Number(text.into()),
        Tree::Int(number) => Tree::Int(number),
        Tree::Uint(number) => Tree::Uint(number),
        _ => Tree::Null,
    }
}
