//! A lease that is kept alive while something goes on, and keys that stand in a queue under it:
//! what `lock` and `elect` are made of, in the official client's order and keys, so that holders of
//! both clients wait for each other.
//!
//! Source: etcd 3.7.1, `client/v3/concurrency` (`session.go`, `key.go`, `mutex.go`, `election.go`).

use std::collections::VecDeque;
use std::time::Duration;

use super::Cluster;
use super::renew::Renewals;
use super::watch::{Heard, Watches};
use crate::error::{Error, Result};
use crate::proto::{Event, ResponseHeader, WatchResponse, is_deletion};
use crate::reply::Pair;
use crate::request::{
    Compare, Operand, Operation, Operator, Put, Range, RangeEnd, SortOrder, SortTarget, Txn, Watch,
};

/// How long the way out may take: whoever ends us waits for it.
const FAREWELL: Duration = Duration::from_millis(900);

/// A lease, for as long as it is held.
pub struct Session<'a> {
    cluster: &'a Cluster,
    renewals: Renewals<'a>,
    pub lease: i64,
}

/// A key in a queue: the oldest has the turn.
#[derive(Clone, Debug)]
pub struct Place {
    /// What all keys of the queue begin with.
    queue: Vec<u8>,
    pub key: Vec<u8>,
    /// That of the answer which made it; its revision is the key's place.
    pub header: ResponseHeader,
}

impl Cluster {
    /// A lease of so many seconds, and the right to renew it.
    ///
    /// # Errors
    /// Those of a grant.
    pub async fn session(&self, ttl: i64) -> Result<Session<'_>> {
        let lease = self.lease_grant(ttl).await?.message.id;
        Ok(Session { cluster: self, renewals: self.renewals(lease), lease })
    }
}

impl Session<'_> {
    /// Does `work` while the lease is renewed; `None` when the lease is gone before it is done.
    pub async fn during<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let lapse = async {
            // A failure to reach anyone is told by `work`, or outlived by the lease.
            while let Ok(Some(_)) = self.renewals.next().await {}
        };
        tokio::select! {
            biased;
            done = work => Some(done),
            () = lapse => None,
        }
    }

    /// Does `work` while the lease is renewed, and goes on without it.
    pub async fn beside<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        match self.during(&mut work).await {
            Some(done) => done,
            None => work.await,
        }
    }

    /// Ends the lease, and with it its keys, unless no server can be told in a second.
    ///
    /// # Errors
    /// It is not known to be ended: it will be, when its time is over.
    pub async fn end(self) -> Result<()> {
        let patient = self.cluster.patient(FAREWELL);
        let revoked = tokio::time::timeout(FAREWELL, patient.lease_revoke(self.lease)).await;
        match revoked {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(err)) if err.message() == "etcdserver: requested lease not found" => Ok(()),
            Ok(Err(err)) => Err(err),
            Err(_) => Err(Error::failure("context deadline exceeded")),
        }
    }
}

impl Cluster {
    /// Joins the queue of that name with a value, at its end.
    pub async fn join(&self, name: &[u8], lease: i64, value: Vec<u8>) -> Result<Place> {
        let queue = [name, b"/"].concat();
        let key = [&queue[..], format!("{lease:x}").as_bytes()].concat();
        let new = Compare {
            key: key.clone(),
            operator: Operator::Equal,
            operand: Operand::CreateRevision(0),
        };
        let put = Put { key: key.clone(), value, lease, ..Put::default() };
        let success = vec![Operation::Put(put)];
        let answer = self.txn(Txn { compares: vec![new], success, failure: Vec::new() }).await?;
        if !answer.message.succeeded {
            let key = String::from_utf8_lossy(&key);
            return Err(Error::failure(format!("{key} is there already, though its lease is new")));
        }
        Ok(Place { queue, key, header: answer.message.header.unwrap_or_default() })
    }

    /// Waits until every older key of the queue is gone.
    pub async fn turn(&self, place: &Place) -> Result<()> {
        loop {
            let older = Range {
                key: place.queue.clone(),
                end: RangeEnd::Prefix,
                limit: 1,
                target: SortTarget::Create,
                order: SortOrder::Descend,
                max_create_revision: place.header.revision.saturating_sub(1),
                ..Range::default()
            };
            let answer = self.read(older).await?.message;
            let Some(last) = answer.kvs.into_iter().next() else { return Ok(()) };
            let mut watches = self.watches();
            let revision = answer.header.unwrap_or_default().revision;
            watches.add(Watch { key: last.key, revision, ..Watch::default() });
            while events(&mut watches).await?.iter().all(|event| !is_deletion(event)) {}
        }
    }

    /// The key of a queue that has the turn, and the answer's header.
    pub async fn first_in_turn(&self, name: &[u8]) -> Result<(ResponseHeader, Option<Pair>)> {
        let oldest = Range {
            key: [name, b"/"].concat(),
            end: RangeEnd::Prefix,
            limit: 1,
            target: SortTarget::Create,
            order: SortOrder::Ascend,
            ..Range::default()
        };
        let answer = self.read(oldest).await?.message;
        Ok((answer.header.unwrap_or_default(), answer.kvs.first().map(Pair::from)))
    }
}

/// Who has the turn, whoever it is and whatever its value becomes.
pub struct Leaders<'a> {
    cluster: &'a Cluster,
    name: Vec<u8>,
    /// The watch of the present leader's key, and what it has brought.
    present: Option<Watches<'a>>,
    heard: VecDeque<(ResponseHeader, Pair)>,
}

impl Cluster {
    /// Asks nothing yet.
    #[must_use]
    pub fn leaders(&self, name: &[u8]) -> Leaders<'_> {
        Leaders { cluster: self, name: name.to_owned(), present: None, heard: VecDeque::new() }
    }
}

impl Leaders<'_> {
    /// The next leader, or the present one with another value.
    pub async fn next(&mut self) -> Result<(ResponseHeader, Pair)> {
        loop {
            if let Some(leader) = self.heard.pop_front() {
                return Ok(leader);
            }
            match &mut self.present {
                None => {
                    let (header, leader) = self.first().await?;
                    let mut watches = self.cluster.watches();
                    let (key, revision) = (leader.key.to_vec(), header.revision.saturating_add(1));
                    watches.add(Watch { key, revision, ..Watch::default() });
                    self.present = Some(watches);
                    return Ok((header, leader));
                }
                Some(watches) => {
                    let response = observed(watches).await?;
                    let header = response.header.unwrap_or_default();
                    for event in response.events {
                        if is_deletion(&event) {
                            self.present = None;
                            break;
                        }
                        let pair = event.kv.as_ref().map(Pair::from).unwrap_or_default();
                        self.heard.push_back((header, pair));
                    }
                }
            }
        }
    }

    /// The leader there is, or the first to come.
    async fn first(&self) -> Result<(ResponseHeader, Pair)> {
        let (header, leader) = self.cluster.first_in_turn(&self.name).await?;
        if let Some(leader) = leader {
            return Ok((header, leader));
        }
        let mut watches = self.cluster.watches();
        watches.add(Watch {
            key: [&self.name[..], b"/"].concat(),
            end: RangeEnd::Prefix,
            revision: header.revision,
            ..Watch::default()
        });
        loop {
            let response = observed(&mut watches).await?;
            let mut puts = response.events.iter().filter(|event| !is_deletion(event));
            if let Some(kv) = puts.next().and_then(|event| event.kv.as_ref()) {
                let header = response.header.unwrap_or_default();
                return Ok((ResponseHeader { revision: kv.mod_revision, ..header }, kv.into()));
            }
        }
    }
}

/// What happens next to a key.
async fn events(watches: &mut Watches<'_>) -> Result<Vec<Event>> {
    match watches.next().await? {
        Some(Heard { end: Some(end), .. }) => Err(end.causes.explain(Error::failure(end.reason))),
        Some(heard) => Ok(heard.response.events),
        None => Err(Error::failure("lost watcher waiting for delete")),
    }
}

/// What happens next around the leader.
async fn observed(watches: &mut Watches<'_>) -> Result<WatchResponse> {
    let lost = || Error::failure("elect: observer lost");
    match watches.next().await? {
        Some(Heard { end: Some(end), .. }) => Err(end.causes.explain(lost().because(end.reason))),
        Some(heard) => Ok(heard.response),
        None => Err(lost()),
    }
}
