//! A lease kept alive: renewed at a third of its time, over as many streams as it takes.
//!
//! Source: etcd 3.7.1, `client/v3/lease.go` (`recvKeepAliveLoop`, `deadlineLoop`).

use std::time::Duration;

use prost::Message as _;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::grpc;
use super::lasting::Lasting;
use super::link::{Ask, Failure, Incoming, Outgoing};
use super::rpc::Method;
use super::{Attempts, Cluster};
use crate::error::{Error, Result};
use crate::proto::{LeaseKeepAliveRequest, LeaseKeepAliveResponse};
use crate::reply::Answer;

/// A lease's renewals, one after another.
pub struct Renewals<'a> {
    cluster: &'a Cluster,
    id: i64,
    stream: Option<(Incoming, Outgoing)>,
    /// A request is on its way.
    asked: bool,
    /// When to ask next.
    due: Instant,
    /// When the lease ends if nobody answers; nothing is known before the first answer.
    end: Option<Instant>,
    lasting: Lasting,
}

impl Cluster {
    /// Keeps a lease alive for as long as the answers are waited for.
    #[must_use]
    pub fn renewals(&self, id: i64) -> Renewals<'_> {
        Renewals {
            cluster: self,
            id,
            stream: None,
            asked: false,
            due: Instant::now(),
            end: None,
            lasting: Lasting::default(),
        }
    }

    /// Renews a lease once.
    pub async fn lease_renew(&self, id: i64) -> Result<Answer<LeaseKeepAliveResponse>> {
        let message = self.framed(&LeaseKeepAliveRequest { id })?;
        let mut attempts = Attempts::new(self, Method::LEASE_KEEP_ALIVE, self.patience()?);
        loop {
            let ask = attempts.ask(Method::LEASE_KEEP_ALIVE.path, message.clone(), true);
            let work = async {
                let (mut incoming, _outgoing) = self.link.converse(&ask).await?;
                let bytes = incoming.message(self.link.target.limits.receive).await?;
                answer(&incoming, bytes)
            };
            match attempts.wait(work).await? {
                Ok(renewed) if renewed.message.ttl > 0 => return Ok(renewed),
                Ok(_) => return Err(Error::failure("etcdserver: requested lease not found")),
                Err(failure) => attempts.weigh(failure).await?,
            }
        }
    }
}

impl Renewals<'_> {
    /// The next renewal; `None` when the lease is gone, or may be. Who stops waiting loses nothing.
    ///
    /// # Errors
    /// No server was reached in time for the first one, or none that lets us log in.
    pub async fn next(&mut self) -> Result<Option<Answer<LeaseKeepAliveResponse>>> {
        loop {
            if !self.lasting.begun {
                self.cluster.login().await?;
            }
            let work =
                Self::step(self.cluster, self.id, &mut self.stream, &mut self.asked, self.due);
            let outcome = match self.end {
                Some(end) => match timeout_at(end, work).await {
                    Ok(outcome) => outcome,
                    Err(_) => return Ok(None),
                },
                None => work.await,
            };
            match outcome {
                Ok(renewed) => return Ok(self.renewed(renewed)),
                Err(failure) => {
                    self.stream = None;
                    self.asked = false;
                    if self.lasting.weigh(self.cluster, failure).await?.is_some() {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Asks when it is time, and waits for the answer.
    async fn step(
        cluster: &Cluster,
        id: i64,
        stream: &mut Option<(Incoming, Outgoing)>,
        asked: &mut bool,
        due: Instant,
    ) -> Result<Answer<LeaseKeepAliveResponse>, Failure> {
        let message = grpc::frame(&LeaseKeepAliveRequest { id });
        let (incoming, outgoing) = if let Some(open) = stream {
            open
        } else {
            cluster.authenticate().await?;
            let path = Method::LEASE_KEEP_ALIVE.path;
            let message = message.clone();
            let ask = Ask { path, message, timeout: None, anonymous: false, needs_leader: false };
            let opened = cluster.link.converse(&ask).await?;
            *asked = true;
            stream.insert(opened)
        };
        if !*asked {
            sleep_until(due).await;
            // A stream that is gone is noticed by reading it.
            let _ = outgoing.send(message);
            *asked = true;
        }
        let bytes = incoming.message(cluster.link.target.limits.receive).await?;
        *asked = false;
        answer(incoming, bytes)
    }

    fn renewed(
        &mut self,
        renewed: Answer<LeaseKeepAliveResponse>,
    ) -> Option<Answer<LeaseKeepAliveResponse>> {
        if let Some((incoming, _)) = &self.stream {
            self.lasting.heard(self.cluster, incoming);
        }
        let ttl = u64::try_from(renewed.message.ttl).ok().filter(|&ttl| ttl > 0)?;
        let now = Instant::now();
        // What no clock can hold is never due.
        let in_secs = |secs: u64| now.checked_add(Duration::from_secs(secs));
        self.due = now.checked_add(Duration::from_secs(ttl) / 3).unwrap_or(self.due);
        self.end = in_secs(ttl).or(self.end);
        Some(renewed)
    }
}

fn answer(
    incoming: &Incoming,
    bytes: Option<bytes::Bytes>,
) -> Result<Answer<LeaseKeepAliveResponse>, Failure> {
    let bytes = bytes.ok_or_else(|| incoming.lost("the server ended the stream"))?;
    let message = LeaseKeepAliveResponse::decode(bytes.clone())
        .map_err(|err| incoming.refused(super::undecodable(&err.to_string())))?;
    Ok(Answer { message, bytes })
}
