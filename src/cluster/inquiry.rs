//! A failure in words: what it says of itself, and what a server that still answers says of it.

use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::cause::{Cause, Causes, Refusal};
use super::endpoint::Endpoint;
use super::grpc::{self, Code, PREFIX, Status};
use super::link::{Ask, Failure, Link};
use super::metrics;
use super::rpc::Method;
use super::target::{Login, Patience, Target};
use super::tls::TlsCause;
use super::{Cluster, TOO_LATE, lost};
use crate::error::Error;
use crate::proto::{
    DeleteRangeRequest, OneRequest, PutRequest, RangeRequest, StatusRequest, StatusResponse,
    TxnRequest, WatchAsk, WatchCreateRequest, WatchRequest, WatchResponse,
};

/// The longest that a failure may take longer for a better word of it.
const MOMENT: Duration = Duration::from_millis(500);

/// The request that failed: its name on the wire and its frame.
#[derive(Clone)]
pub struct Asked {
    pub path: &'static str,
    pub message: Bytes,
}

impl Cluster {
    /// A failure as an error: the official last line, with the causes above it.
    pub(super) async fn explained(&self, failure: Failure, asked: Option<&Asked>) -> Error {
        match failure {
            Failure::Unreached(causes) => self.too_late(causes).await,
            // The server's own clock ran out with ours.
            Failure::Status(name, status) if status.code == Code::DEADLINE_EXCEEDED => {
                self.too_late(Causes(vec![(name, Cause::Server(status.message))])).await
            }
            Failure::Status(name, status) => {
                let error = Error::failure(status.words());
                match self.refusal(&status, asked).await {
                    Some(why) => Causes(vec![(name, Cause::Answered(why))]).explain(error),
                    None => error,
                }
            }
            Failure::Lost(name, cause) => lost(name, cause),
        }
    }

    /// What took too long, with a closer look at causes behind which another may stand.
    pub(super) async fn too_late(&self, mut causes: Causes) -> Error {
        let target = &self.link.target;
        let mut looks = JoinSet::new();
        for (position, (name, cause)) in causes.0.iter().enumerate() {
            let endpoint = target.endpoints.iter().find(|endpoint| endpoint.to_string() == *name);
            let Some(endpoint) = endpoint.cloned() else { continue };
            let (cause, target) = (cause.clone(), Target::clone(target));
            looks.spawn(async move { (position, closer(&target, &endpoint, &cause).await) });
        }
        let late = Instant::now() + MOMENT;
        while let Ok(Some(look)) = tokio::time::timeout_at(late, looks.join_next()).await {
            if let Ok((position, Some(better))) = look
                && let Some((_, cause)) = causes.0.get_mut(position)
            {
                *cause = better;
            }
        }
        causes.explain(Error::failure(TOO_LATE))
    }

    /// Why the server refuses, where it is one of the reasons that people meet.
    pub(super) async fn refusal(&self, status: &Status, asked: Option<&Asked>) -> Option<Refusal> {
        let user = || match &self.link.target.login {
            // A colon in a name may be a password's that is none.
            Login::Password { user, .. } => Some(user.clone()).filter(|user| !user.contains(':')),
            Login::Token(_) | Login::None => None,
        };
        let size = || asked.map_or(0, |asked| asked.message.len().saturating_sub(PREFIX));
        Some(match status.known() {
            Some("authentication failed, invalid user ID or password") => {
                Refusal::Password { user: user() }
            }
            Some("authentication is not enabled") => Refusal::AuthenticationOff,
            Some("user name is empty") => Refusal::NobodyAsks,
            Some("permission denied") => {
                Refusal::Denied { user: user(), what: asked.and_then(wanted) }
            }
            Some("no leader") => Refusal::NoLeader,
            Some("mvcc: database space exceeded") => {
                let status = self.status_at_hand().await.unwrap_or_default();
                Refusal::NoSpace {
                    size: positive(status.db_size),
                    in_use: positive(status.db_size_in_use),
                    quota: positive(status.db_size_quota),
                    revision: status.header.map_or(0, |header| header.revision),
                }
            }
            Some("mvcc: required revision has been compacted") => {
                Refusal::Compacted { oldest: self.oldest(asked).await }
            }
            Some("request is too large") => Refusal::TooLarge { size: size() },
            None if status.code == Code::UNIMPLEMENTED => Refusal::UnknownRpc {
                name: asked.map_or("this", |asked| asked.path).replace("/etcdserverpb.", ""),
                version: self.status_at_hand().await.map(|status| status.version),
            },
            None if status.code == Code::RESOURCE_EXHAUSTED
                && status.message.contains(&format!("larger than max ({} ", size())) =>
            {
                Refusal::TooLarge { size: size() }
            }
            _ => return None,
        })
    }

    /// How the member is that answered last.
    async fn status_at_hand(&self) -> Option<StatusResponse> {
        timeout(MOMENT, status(&self.link)).await.ok().flatten()
    }

    /// The oldest revision that can be read: a watch from before it is told.
    async fn oldest(&self, asked: Option<&Asked>) -> Option<i64> {
        let key = asked.and_then(|asked| decoded::<RangeRequest>(asked, Method::RANGE.path));
        let key = key.map_or_else(|| vec![0], |range| range.key);
        let create = WatchCreateRequest { key, start_revision: 1, ..WatchCreateRequest::default() };
        let ask = request(Method::WATCH, &WatchRequest { ask: Some(WatchAsk::Create(create)) });
        let listen = async {
            let (mut incoming, _asking) = self.link.converse(&ask).await.ok()?;
            loop {
                let bytes = incoming.message(MOST).await.ok()??;
                let response = WatchResponse::decode(bytes).ok()?;
                if response.canceled {
                    return Some(response.compact_revision).filter(|&oldest| oldest > 0);
                }
            }
        };
        timeout(MOMENT, listen).await.ok().flatten()
    }
}

/// No answer that is asked for here is longer.
const MOST: usize = 1 << 20;

fn request(method: Method, message: &impl Message) -> Ask {
    Ask {
        path: method.path,
        message: grpc::frame(message),
        timeout: Some(MOMENT),
        anonymous: false,
        needs_leader: false,
    }
}

/// The cause that may stand behind another one, where an endpoint is looked at more closely.
pub async fn closer(target: &Target, endpoint: &Endpoint, cause: &Cause) -> Option<Cause> {
    let alone = Target {
        endpoints: vec![endpoint.clone()],
        login: Login::None,
        patience: Patience { dial: Some(MOMENT), command: MOMENT },
        ..target.clone()
    };
    match cause {
        Cause::NotHttp2(_) | Cause::Tls(TlsCause::NoHttp2, _) => peer_port(&alone, endpoint).await,
        Cause::Slow(_) | Cause::Server(_) => no_leader(alone).await,
        _ => None,
    }
}

async fn status(link: &Link) -> Option<StatusResponse> {
    let ask = request(Method::STATUS, &StatusRequest {});
    let mut incoming = link.open(&ask, Some(Instant::now() + MOMENT)).await.ok()?;
    StatusResponse::decode(incoming.message(MOST).await.ok()??).ok()
}

/// A member that has no leader waits for one, and says nothing meanwhile: asked for its status, it does.
async fn no_leader(alone: Target) -> Option<Cause> {
    let status = status(&Link::new(alone)).await?;
    (status.leader == 0).then_some(Cause::Answered(Refusal::NoLeader))
}

/// A member's peers are told the members over HTTP/1, with the URLs that are for clients.
async fn peer_port(alone: &Target, endpoint: &Endpoint) -> Option<Cause> {
    let late = Instant::now() + MOMENT;
    let page = metrics::page(endpoint, alone.tls.as_deref(), late, "/members").await.ok()?;
    let members: serde_json::Value = serde_json::from_slice(&page.text).ok()?;
    let urls = members.as_array()?.iter().filter_map(|member| member["clientURLs"].as_array());
    let urls = urls.flatten().filter_map(|url| Some(url.as_str()?.to_owned()));
    // A few are enough to go on with.
    Some(Cause::PeerPort { clients: urls.take(8).collect() })
}

/// What a request was about, to follow "may not": the keys that it reads or writes.
fn wanted(asked: &Asked) -> Option<String> {
    let mut keys = Vec::new();
    let mut verb = "read";
    if let Some(range) = decoded::<RangeRequest>(asked, Method::RANGE.path)
        .or_else(|| decoded::<RangeRequest>(asked, Method::RANGE_STREAM.path))
    {
        keys.push((range.key, range.range_end));
    } else if let Some(put) = decoded::<PutRequest>(asked, Method::PUT.path) {
        // With the previous value it reads, too.
        verb = if put.prev_kv { "read and write" } else { "write" };
        keys.push((put.key, Vec::new()));
    } else if let Some(delete) = decoded::<DeleteRangeRequest>(asked, Method::DELETE.path) {
        verb = if delete.prev_kv { "read and delete" } else { "delete" };
        keys.push((delete.key, delete.range_end));
    } else if let Some(watch) = decoded::<WatchRequest>(asked, Method::WATCH.path) {
        let WatchAsk::Create(create) = watch.ask? else { return None };
        verb = "watch";
        keys.push((create.key, create.range_end));
    } else {
        let txn = decoded::<TxnRequest>(asked, Method::TXN.path)?;
        verb = "read or write";
        keys.extend(txn.compare.into_iter().map(|compare| (compare.key, compare.range_end)));
        for one in txn.success.into_iter().chain(txn.failure) {
            keys.push(match one.request? {
                OneRequest::RequestRange(range) => (range.key, range.range_end),
                OneRequest::RequestPut(put) => (put.key, Vec::new()),
                OneRequest::RequestDeleteRange(delete) => (delete.key, delete.range_end),
                OneRequest::RequestTxn(_) => continue,
            });
        }
    }
    keys.dedup();
    let names: Vec<String> = keys.iter().map(|(key, end)| range(key, end)).collect();
    let any_of = if names.len() > 1 { "one of " } else { "" };
    Some(format!("{verb} {any_of}{}", names.join(", ")))
}

fn range(key: &[u8], end: &[u8]) -> String {
    let text = |bytes: &[u8]| format!("\"{}\"", bytes.escape_ascii());
    match end {
        [] => format!("the key {}", text(key)),
        [0] if key == [0] => "all keys".to_owned(),
        [0] => format!("the keys from {} on", text(key)),
        end => format!("the keys from {} to {}", text(key), text(end)),
    }
}

/// The message of a request, where it is of this method.
fn decoded<M: Message + Default>(asked: &Asked, path: &str) -> Option<M> {
    (asked.path == path).then(|| M::decode(asked.message.get(PREFIX..)?).ok())?
}

fn positive(size: i64) -> u64 {
    u64::try_from(size).unwrap_or(0)
}
