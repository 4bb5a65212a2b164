//! A watch's events as our own formats show them: what happened first, what was there before last.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::node::Shown;
use super::words;
use crate::proto::{self, WatchResponse};
use crate::reply::Pair;

/// An event, with its pairs as the other formats have them.
pub struct Event {
    pub name: String,
    /// What is there after it; a deletion leaves the key and its revision.
    pub pair: Pair,
    pub prev: Option<Pair>,
    /// Whether there is a value.
    pub value: bool,
}

/// The events of one answer.
pub fn events(response: &WatchResponse) -> impl Iterator<Item = Event> {
    let pair = |kv: &Option<proto::KeyValue>| kv.as_ref().map(Pair::from);
    response.events.iter().map(move |event| Event {
        name: words::event(event.r#type),
        pair: pair(&event.kv).unwrap_or_default(),
        prev: pair(&event.prev_kv),
        value: !proto::is_deletion(event),
    })
}

/// How far the server is, where an answer says only that.
pub fn progress(response: &WatchResponse) -> Option<i64> {
    let revision = response.header.map_or(0, |header| header.revision);
    let alone = response.events.is_empty()
        && !response.canceled
        && !response.created
        && response.compact_revision == 0;
    (alone && revision != 0).then_some(revision)
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &self.name)?;
        Shown { pair: &self.pair, value: self.value }.entries(&mut map)?;
        if let Some(prev) = &self.prev {
            map.serialize_entry("prev", &Shown { pair: prev, value: true })?;
        }
        map.end()
    }
}

/// The line of a server that has nothing else to tell.
#[derive(Clone, Copy)]
pub struct Progress(pub i64);

impl Serialize for Progress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", "PROGRESS")?;
        map.serialize_entry("revision", &self.0)?;
        map.end()
    }
}
