//! Watches that outlive their connection: each goes on after the last event that was heard, at
//! whatever member answers, so that no event is lost and none is heard twice.
//!
//! All watches of one [`Watches`] share a stream, as those of the official client do
//! (etcd 3.7.1, `client/v3/watch.go`), which decides what is a pause and what is an end.

use std::collections::VecDeque;

use prost::Message as _;

use super::Cluster;
use super::cause::{Cause, Causes, Refusal};
use super::grpc::{self, Code, Status};
use super::inquiry::Asked;
use super::lasting::Lasting;
use super::link::{Ask, Failure, Incoming, Outgoing};
use super::rpc::Method;
use crate::error::Result;
use crate::proto::{
    WatchAsk, WatchCreateRequest, WatchProgressRequest, WatchRequest, WatchResponse,
};
use crate::request::Watch;

/// What a server calls a watch that it has refused, and whoever asks for all (`clientv3.InvalidWatchID`).
const NO_WATCH: i64 = -1;

/// Something heard of one watch.
#[derive(Debug)]
pub struct Heard {
    /// The position of the watch among those that were asked for.
    pub watch: usize,
    pub response: WatchResponse,
    /// Why the watch is over, where it is and the server said so.
    pub end: Option<End>,
}

/// How a watch ended: the server's words, and what they mean.
#[derive(Debug)]
pub struct End {
    pub reason: String,
    pub causes: Causes,
}

/// Watches on one stream.
pub struct Watches<'a> {
    cluster: &'a Cluster,
    stream: Option<(Incoming, Outgoing)>,
    all: Vec<One>,
    /// Those that the server was asked for and has not answered: it answers in that order.
    asked: VecDeque<usize>,
    heard: VecDeque<Heard>,
    progress_wanted: bool,
    lasting: Lasting,
    /// The endpoint that was heard last.
    name: String,
}

struct One {
    ask: WatchCreateRequest,
    /// The server's name for it, on this stream.
    id: Option<i64>,
    /// The parts so far of a response that comes in fragments, and how many bytes they took.
    part: Option<(WatchResponse, usize)>,
    over: bool,
}

impl Cluster {
    /// No watch yet, and no connection.
    #[must_use]
    pub fn watches(&self) -> Watches<'_> {
        Watches {
            cluster: self,
            stream: None,
            all: Vec::new(),
            asked: VecDeque::new(),
            heard: VecDeque::new(),
            progress_wanted: false,
            lasting: Lasting::default(),
            name: String::new(),
        }
    }
}

impl Watches<'_> {
    /// Begins another watch; gives its position.
    pub fn add(&mut self, watch: Watch) -> usize {
        let (key, range_end) = watch.end.bounds(watch.key);
        let ask = WatchCreateRequest {
            key,
            range_end,
            start_revision: watch.revision,
            progress_notify: watch.progress_notify,
            prev_kv: watch.prev_kv,
        };
        let position = self.all.len();
        self.all.push(One { ask, id: None, part: None, over: false });
        if self.stream.is_some() {
            self.create(position);
        }
        position
    }

    /// Asks how far the server is; each watch hears it.
    pub fn progress(&mut self) {
        match &self.stream {
            Some(_) => self.send(WatchAsk::Progress(WatchProgressRequest {})),
            None => self.progress_wanted = true,
        }
    }

    /// The next thing heard of any watch; `None` once all are over. Who stops waiting loses nothing.
    ///
    /// # Errors
    /// No server was reached within the dial timeout, or none that lets us log in.
    pub async fn next(&mut self) -> Result<Option<Heard>> {
        loop {
            if let Some(first) = self.heard.front() {
                // It stays where it is while it is explained.
                let causes = self.meaning(first).await;
                let heard = self.heard.pop_front();
                return Ok(heard.map(|heard| Heard {
                    end: heard.end.map(|end| End { causes, ..end }),
                    ..heard
                }));
            }
            if self.all.iter().all(|watch| watch.over) && !self.progress_wanted {
                return Ok(None);
            }
            let limit = self.cluster.link.target.limits.receive;
            if !self.lasting.begun {
                // Who cannot log in is told so; later that is one of the ways to be interrupted.
                self.cluster.login().await?;
            }
            let outcome = match &mut self.stream {
                None => self.open().await,
                Some((incoming, _)) => match incoming.message(limit).await {
                    Ok(Some(bytes)) => match WatchResponse::decode(bytes.clone()) {
                        Ok(response) => self.hear(response, bytes.len()),
                        Err(err) => Err(incoming.refused(super::undecodable(&err.to_string()))),
                    },
                    Ok(None) => Err(incoming.lost("the server ended the stream")),
                    Err(failure) => Err(failure),
                },
            };
            if let Err(failure) = outcome {
                self.recover(failure).await?;
            }
        }
    }

    /// Asks for a stream with every watch that is not over.
    async fn open(&mut self) -> Result<(), Failure> {
        self.cluster.authenticate().await?;
        let living: Vec<usize> = (0..self.all.len()).filter(|&at| !self.all[at].over).collect();
        let first = match living.first() {
            Some(&first) => WatchAsk::Create(self.all[first].ask.clone()),
            None => WatchAsk::Progress(WatchProgressRequest {}),
        };
        let ask = Ask {
            path: Method::WATCH.path,
            message: grpc::frame(&WatchRequest { ask: Some(first) }),
            timeout: None,
            anonymous: false,
            needs_leader: true,
        };
        let stream = self.cluster.link.converse(&ask).await?;
        stream.0.name().clone_into(&mut self.name);
        self.stream = Some(stream);
        self.asked = living.iter().copied().take(1).collect();
        living.into_iter().skip(1).for_each(|at| self.create(at));
        if std::mem::take(&mut self.progress_wanted) {
            self.progress();
        }
        Ok(())
    }

    fn create(&mut self, position: usize) {
        self.asked.push_back(position);
        self.send(WatchAsk::Create(self.all[position].ask.clone()));
    }

    fn send(&self, ask: WatchAsk) {
        if let Some((_, outgoing)) = &self.stream {
            // A stream that is gone is noticed by who reads it.
            let _ = outgoing.send(grpc::frame(&WatchRequest { ask: Some(ask) }));
        }
    }

    /// A response of so many bytes.
    fn hear(&mut self, response: WatchResponse, size: usize) -> Result<(), Failure> {
        if let Some((incoming, _)) = &self.stream {
            self.lasting.heard(self.cluster, incoming);
        }
        if response.created {
            self.created(response);
            return Ok(());
        }
        if response.watch_id == NO_WATCH && response.events.is_empty() {
            // The answer to a question about progress is for all.
            for position in 0..self.all.len() {
                if self.all[position].id.is_some() {
                    self.deliver(position, response.clone(), size)?;
                }
            }
            return Ok(());
        }
        let id = Some(response.watch_id);
        match self.all.iter().position(|watch| watch.id == id) {
            Some(position) => self.deliver(position, response, size),
            None => Ok(()),
        }
    }

    fn created(&mut self, response: WatchResponse) {
        let Some(position) = self.asked.pop_front() else { return };
        let watch = &mut self.all[position];
        if response.canceled || response.watch_id == NO_WATCH {
            watch.over = true;
            let reason = response.cancel_reason;
            return self.refuse(position, reason);
        }
        watch.id = Some(response.watch_id);
        if watch.ask.start_revision == 0 {
            // From here on it is known what is new, also after the connection was lost.
            let now = response.header.map_or(0, |header| header.revision);
            watch.ask.start_revision = now.saturating_add(1);
        }
    }

    /// Puts fragments together, and keeps in mind how far this watch is.
    ///
    /// # Errors
    /// Fragments that make more than one message may have.
    fn deliver(
        &mut self,
        position: usize,
        mut response: WatchResponse,
        mut size: usize,
    ) -> Result<(), Failure> {
        let limit = self.cluster.link.target.limits.receive;
        let watch = &mut self.all[position];
        if let Some((mut part, before)) = watch.part.take() {
            part.events.append(&mut response.events);
            response = WatchResponse { events: part.events, ..response };
            size = size.saturating_add(before);
        }
        if response.fragment && size > limit {
            return Err(Failure::Status(self.name.clone(), grpc::too_large(size, limit)));
        }
        if response.fragment {
            watch.part = Some((response, size));
            return Ok(());
        }
        if response.canceled {
            watch.over = true;
            watch.id = None;
            if response.compact_revision == 0 {
                // The official client says no more of it.
                return Ok(());
            }
            let reason = "etcdserver: mvcc: required revision has been compacted".to_owned();
            let end = Some(End { reason, causes: Causes::default() });
            self.heard.push_back(Heard { watch: position, response, end });
            return Ok(());
        }
        let last = response.events.last().and_then(|event| event.kv.as_ref());
        let reached = match last {
            Some(kv) => kv.mod_revision,
            None => response.header.map_or(0, |header| header.revision),
        };
        // Who waits for a revision to come is told of others meanwhile.
        watch.ask.start_revision = watch.ask.start_revision.max(reached.saturating_add(1));
        self.heard.push_back(Heard { watch: position, response, end: None });
        Ok(())
    }

    /// A watch ends with the reason alone: there is no answer to go with it.
    fn refuse(&mut self, position: usize, reason: String) {
        let response = WatchResponse {
            header: Some(crate::proto::ResponseHeader::default()),
            canceled: true,
            ..WatchResponse::default()
        };
        let end = Some(End { reason, causes: Causes::default() });
        self.heard.push_back(Heard { watch: position, response, end });
    }

    /// What the server's words for an end mean for this watch.
    async fn meaning(&self, heard: &Heard) -> Causes {
        let Some(end) = &heard.end else { return Causes::default() };
        // Streams tell an error with its code.
        let text = end.reason.split_once(" desc = ").map_or(&*end.reason, |(_, text)| text);
        let status = Status::new(Code::UNKNOWN, text);
        let create = WatchAsk::Create(self.all[heard.watch].ask.clone());
        let asked = Asked {
            path: Method::WATCH.path,
            message: grpc::frame(&WatchRequest { ask: Some(create) }),
        };
        let why = match heard.response.compact_revision {
            oldest @ 1.. => Some(Refusal::Compacted { oldest: Some(oldest) }),
            _ => self.cluster.refusal(&status, Some(&asked)).await,
        };
        Causes(why.map(|why| (self.name.clone(), Cause::Answered(why))).into_iter().collect())
    }

    /// The stream is gone: another is asked for, unless that would end alike.
    async fn recover(&mut self, failure: Failure) -> Result<()> {
        self.stream = None;
        self.asked.clear();
        for watch in &mut self.all {
            watch.id = None;
            watch.part = None;
        }
        if let Failure::Status(name, _) = &failure {
            name.clone_into(&mut self.name);
        }
        let Some(status) = self.lasting.weigh(self.cluster, failure).await? else { return Ok(()) };
        for position in 0..self.all.len() {
            if !std::mem::replace(&mut self.all[position].over, true) {
                self.refuse(position, status.words());
            }
        }
        Ok(())
    }
}
