//! One description of each answer, for the formats that name its fields: `json` writes it as Go does,
//! `jsonl` and `yaml` for whoever reads on.

mod written;

use bytes::Bytes;

use super::endpoint;
use crate::proto::{
    AlarmMember, DeleteRangeResponse, Event, Member, OneResponse, PutResponse, TxnResponse,
    WatchResponse,
};
use crate::reply::{Fact, Header, Pair, Reply, Tail, Value};

pub use written::{Official, Plain, Shown, Text, lease};

/// A value of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// What Go prints where a list is not there at all.
    Null,
    Bool(bool),
    Uint(u64),
    Int(i64),
    Text(String),
    Bytes(Bytes),
    /// A lease's id.
    Lease(i64),
    /// A cluster's or a member's id.
    Id(u64),
    Pair(Pair),
    List(Vec<Node>),
    Message(Message),
}

/// A message: its fields under their json names, in the order of their numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message(Vec<Field>);

#[derive(Clone, Debug, PartialEq)]
struct Field {
    name: &'static str,
    value: Node,
    /// `json` writes it even where it is zero: it is no protobuf message, but a struct of Go's client.
    always: bool,
}

impl Message {
    /// Adds a field, which `json` leaves out where it is zero.
    #[must_use]
    pub fn field(mut self, name: &'static str, value: impl Into<Node>) -> Self {
        self.0.push(Field { name, value: value.into(), always: false });
        self
    }

    /// Adds a field that `json` writes whatever it is.
    #[must_use]
    pub fn always(mut self, name: &'static str, value: impl Into<Node>) -> Self {
        self.0.push(Field { name, value: value.into(), always: true });
        self
    }

    /// Adds a field that a message may lack altogether.
    #[must_use]
    pub fn maybe(self, name: &'static str, value: Option<impl Into<Node>>) -> Self {
        match value {
            Some(value) => self.field(name, value),
            None => self,
        }
    }
}

fn item(facts: &[Fact]) -> Message {
    facts.iter().fold(Message::default(), |message, fact| match &fact.value {
        Value::Number(number) => message.always(fact.name, *number),
        Value::Text(value) => message.always(fact.name, text(value)),
    })
}

/// The whole of an answer.
pub fn reply(reply: &Reply) -> Node {
    let message = match reply {
        Reply::Put(answer) => put(&answer.message),
        Reply::Delete(answer) => delete(&answer.message),
        Reply::Txn(answer) => txn(&answer.message),
        Reply::File(facts) => item(facts),
        Reply::Done(done) => with_header(done.header.as_ref()),
        // Leases come as structs of Go's client, the header's fields among their own.
        Reply::LeaseGrant(answer) => header(&answer.message.header.unwrap_or_default())
            .always("ID", Node::Lease(answer.message.id))
            .always("TTL", answer.message.ttl)
            .always("Error", text(&answer.message.error)),
        Reply::LeaseTimeToLive { answer, .. } => {
            let lease = &answer.message;
            let keys = list(&lease.keys, |key| Node::Bytes(key.clone().into()));
            header(&lease.header.unwrap_or_default())
                .always("id", Node::Lease(lease.id))
                .always("ttl", lease.ttl)
                .always("granted-ttl", lease.granted_ttl)
                .always("keys", if lease.keys.is_empty() { Node::Null } else { keys })
        }
        Reply::LeaseKeepAlive(answer) => header(&answer.message.header.unwrap_or_default())
            .always("ID", Node::Lease(answer.message.id))
            .always("TTL", answer.message.ttl),
        Reply::Watch(response) => watch(response),
        Reply::Leases(answer) => {
            let lease = |id: i64| Message::default().always("id", Node::Lease(id)).into();
            header(&answer.message.header.unwrap_or_default())
                .always("leases", list(&answer.message.leases, |status| lease(status.id)))
        }
        Reply::Members(answer) => with_header(answer.message.header.as_ref())
            .field("members", list(&answer.message.members, member)),
        Reply::MemberChange(change) => with_header(change.header.as_ref())
            .maybe("member", change.member.as_ref().map(member))
            .field("members", list(&change.members, member)),
        Reply::MoveLeader { answer, .. } => {
            Message::default().maybe("header", answer.message.header.as_ref().map(header))
        }
        Reply::Alarms(answer) => {
            let alarm = |alarm: &AlarmMember| {
                let id = Node::Id(alarm.member_id);
                Message::default().field("memberID", id).field("alarm", i64::from(alarm.alarm))
            };
            Message::default()
                .maybe("header", answer.message.header.as_ref().map(header))
                .field("alarms", list(&answer.message.alarms, |one| alarm(one).into()))
        }
        Reply::Downgrade { answer, .. } => with_header(answer.message.header.as_ref())
            .field("version", text(&answer.message.version)),
        Reply::AuthStatus(answer) => with_header(answer.message.header.as_ref())
            .field("enabled", Node::Bool(answer.message.enabled))
            .field("authRevision", answer.message.auth_revision),
        Reply::Role { answer, .. } => {
            let permission = |kind: i32, key: &[u8], end: &[u8]| {
                Message::default()
                    .field("permType", i64::from(kind))
                    .field("key", bytes(key))
                    .field("range_end", bytes(end))
            };
            with_header(answer.message.header.as_ref()).field(
                "perm",
                list(&answer.message.perm, |one| {
                    permission(one.perm_type, &one.key, &one.range_end).into()
                }),
            )
        }
        Reply::Roles(answer) => {
            names(answer.message.header.as_ref(), "roles", &answer.message.roles)
        }
        Reply::User { answer, .. } => {
            names(answer.message.header.as_ref(), "roles", &answer.message.roles)
        }
        Reply::Users(answer) => {
            names(answer.message.header.as_ref(), "users", &answer.message.users)
        }
        Reply::Items(rows) => return list(rows, |facts| item(facts).into()),
        Reply::EndpointHealth(all) => return of_all(all, endpoint::health_node),
        Reply::EndpointStatus(all) => return of_all(all, endpoint::status_node),
        Reply::EndpointHash(all) => return of_all(all, endpoint::hash_node),
    };
    message.into()
}

/// What several endpoints answered; Go prints an empty list of structs as none at all.
fn of_all<T>(all: &[T], node: impl Fn(&T) -> Node) -> Node {
    if all.is_empty() { Node::Null } else { list(all, node) }
}

/// A struct of Go's client too, under its own names.
fn watch(response: &WatchResponse) -> Message {
    let event = |event: &Event| {
        Message::default()
            .field("type", i64::from(event.r#type))
            .maybe("kv", event.kv.as_ref().map(Pair::from))
            .maybe("prev_kv", event.prev_kv.as_ref().map(Pair::from))
            .into()
    };
    let none = response.events.is_empty();
    let events = if none { Node::Null } else { list(&response.events, event) };
    Message::default()
        .always("Header", header(&response.header.unwrap_or_default()))
        .always("Events", events)
        .always("CompactRevision", response.compact_revision)
        .always("Canceled", Node::Bool(response.canceled))
        .always("Created", Node::Bool(response.created))
        .always("CancelReason", text(&response.cancel_reason))
}

fn put(put: &PutResponse) -> Message {
    with_header(put.header.as_ref()).maybe("prev_kv", put.prev_kv.as_ref().map(Pair::from))
}

fn delete(delete: &DeleteRangeResponse) -> Message {
    with_header(delete.header.as_ref())
        .field("deleted", delete.deleted)
        .field("prev_kvs", list(&delete.prev_kvs, |kv| Node::Pair(kv.into())))
}

fn txn(txn: &TxnResponse) -> Message {
    with_header(txn.header.as_ref())
        .field("succeeded", Node::Bool(txn.succeeded))
        .field("responses", list(&txn.responses, |one| response(one.response.as_ref())))
}

/// One of a transaction's answers, in the wrapper that Go's `encoding/json` shows of a `oneof`.
fn response(response: Option<&OneResponse>) -> Node {
    let message = match response {
        None => return Message::default().always("Response", Node::Null).into(),
        Some(OneResponse::ResponseRange(range)) => {
            let pairs = list(&range.kvs, |kv| Node::Pair(kv.into()));
            let range = with_header(range.header.as_ref())
                .field("kvs", pairs)
                .field("more", Node::Bool(range.more))
                .field("count", range.count);
            Message::default().field("response_range", range)
        }
        Some(OneResponse::ResponsePut(answer)) => {
            Message::default().field("response_put", put(answer))
        }
        Some(OneResponse::ResponseDeleteRange(answer)) => {
            Message::default().field("response_delete_range", delete(answer))
        }
        Some(OneResponse::ResponseTxn(answer)) => {
            Message::default().field("response_txn", txn(answer))
        }
    };
    Message::default().field("Response", message).into()
}

fn member(member: &Member) -> Node {
    Message::default()
        .field("ID", Node::Id(member.id))
        .field("name", text(&member.name))
        .field("peerURLs", list(&member.peer_ur_ls, |url| text(url)))
        .field("clientURLs", list(&member.client_ur_ls, |url| text(url)))
        .field("isLearner", Node::Bool(member.is_learner))
        .into()
}

fn names(header: Option<&Header>, field: &'static str, names: &[String]) -> Message {
    with_header(header).field(field, list(names, |name| text(name)))
}

fn text(text: &str) -> Node {
    Node::Text(text.to_owned())
}

fn bytes(bytes: &[u8]) -> Node {
    Node::Bytes(Bytes::copy_from_slice(bytes))
}

/// The answer to a count.
pub fn count(tail: Tail) -> Node {
    Message::default().field("count", tail.count).into()
}

pub fn with_header(of: Option<&Header>) -> Message {
    Message::default().field("header", header(&of.copied().unwrap_or_default()))
}

fn header(header: &Header) -> Message {
    Message::default()
        .field("cluster_id", Node::Id(header.cluster_id))
        .field("member_id", Node::Id(header.member_id))
        .field("revision", header.revision)
        .field("raft_term", header.raft_term)
}

fn list<T>(values: &[T], node: impl Fn(&T) -> Node) -> Node {
    Node::List(values.iter().map(node).collect())
}

impl From<u64> for Node {
    fn from(number: u64) -> Self {
        Self::Uint(number)
    }
}

impl From<i64> for Node {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<Pair> for Node {
    fn from(pair: Pair) -> Self {
        Self::Pair(pair)
    }
}

impl From<Message> for Node {
    fn from(message: Message) -> Self {
        Self::Message(message)
    }
}

impl Node {
    /// The items of an answer: those of its list, where a list is what was asked for, else itself.
    pub fn items(self, reply: &Reply) -> Vec<Self> {
        let list = match reply {
            Reply::Leases(_) => "leases",
            Reply::Members(_) => "members",
            Reply::Alarms(_) => "alarms",
            Reply::Role { .. } => "perm",
            Reply::Roles(_) => "roles",
            Reply::Users(_) => "users",
            Reply::Items(_)
            | Reply::EndpointHealth(_)
            | Reply::EndpointStatus(_)
            | Reply::EndpointHash(_) => {
                return if let Self::List(items) = self { items } else { Vec::new() };
            }
            _ => return vec![self],
        };
        let Self::Message(Message(fields)) = self else { return Vec::new() };
        let value = fields.into_iter().find(|field| field.name == list).map(|field| field.value);
        match value {
            Some(Self::List(items)) => items,
            _ => Vec::new(),
        }
    }

    /// The same with ids as hexadecimal texts.
    pub fn with_hex_ids(self) -> Self {
        match self {
            Self::Id(0) => Self::Null,
            Self::Id(id) => Self::Text(format!("{id:x}")),
            Self::List(nodes) => Self::List(nodes.into_iter().map(Self::with_hex_ids).collect()),
            Self::Message(Message(mut fields)) => {
                for field in &mut fields {
                    let value = std::mem::replace(&mut field.value, Self::Null);
                    field.value = value.with_hex_ids();
                }
                Self::Message(Message(fields))
            }
            other => other,
        }
    }

    /// The leaves of a message, under their own names.
    pub fn leaves(&self, name: &'static str) -> Vec<(&'static str, &Self)> {
        match self {
            Self::Message(Message(fields)) => {
                fields.iter().flat_map(|field| field.value.leaves(field.name)).collect()
            }
            leaf => vec![(name, leaf)],
        }
    }
}

impl Node {
    fn is_zero(&self) -> bool {
        match self {
            Self::Uint(number) | Self::Id(number) => *number == 0,
            Self::Null => true,
            Self::Bool(bool) => !bool,
            Self::Int(number) | Self::Lease(number) => *number == 0,
            Self::Text(text) => text.is_empty(),
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::List(nodes) => nodes.is_empty(),
            Self::Pair(_) | Self::Message(_) => false,
        }
    }
}
