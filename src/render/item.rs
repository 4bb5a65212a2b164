//! An answer as one object of our own formats, `jsonl` and `yaml`: json names, ids as hexadecimal
//! texts, keys and values as text where they are text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::View;
use crate::reply::{Header, Pair, Reply, Tail};

/// A pair, its value left out where the view does so.
pub fn pair(pair: &Pair, view: View) -> Value {
    let mut item = Map::new();
    item.insert("key".to_owned(), text(&pair.key));
    item.insert("create_revision".to_owned(), pair.create_revision.into());
    item.insert("mod_revision".to_owned(), pair.mod_revision.into());
    item.insert("version".to_owned(), pair.version.into());
    if pair.lease != 0 {
        item.insert("lease".to_owned(), lease(pair.lease).into());
    }
    if view != View::KeysOnly {
        item.insert("value".to_owned(), text(&pair.value));
    }
    item.into()
}

/// The answer to a count.
pub fn count(tail: Tail) -> Value {
    json!({ "count": tail.count })
}

pub fn reply(reply: &Reply) -> Value {
    let mut item = Map::new();
    match reply {
        Reply::Put(answer) => {
            item.insert("header".to_owned(), header(answer.message.header.as_ref()));
            if let Some(kv) = &answer.message.prev_kv {
                item.insert("prev_kv".to_owned(), pair(&kv.into(), View::Pairs));
            }
        }
        Reply::Delete(answer) => {
            item.insert("header".to_owned(), header(answer.message.header.as_ref()));
            item.insert("deleted".to_owned(), answer.message.deleted.into());
            if !answer.message.prev_kvs.is_empty() {
                let prev = answer.message.prev_kvs.iter().map(|kv| pair(&kv.into(), View::Pairs));
                item.insert("prev_kvs".to_owned(), prev.collect());
            }
        }
    }
    item.into()
}

fn header(header: Option<&Header>) -> Value {
    let header = header.copied().unwrap_or_default();
    json!({
        "cluster_id": format!("{:x}", header.cluster_id),
        "member_id": format!("{:x}", header.member_id),
        "revision": header.revision,
        "raft_term": header.raft_term,
    })
}

/// A lease's id as `lease list` prints it.
pub fn lease(id: i64) -> String {
    format!("{id:016x}")
}

/// Bytes as text, or marked as base64 where they are none.
fn text(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => json!({ "base64": STANDARD.encode(bytes) }),
    }
}
