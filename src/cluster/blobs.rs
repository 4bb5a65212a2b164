//! A member's database as it streams (`Maintenance.Snapshot`): first its pages, then their SHA-256.

use std::time::Duration;

use prost::Message as _;
use tokio::time::Instant;

use super::link::{Failure, Incoming};
use super::rpc::Method;
use super::{Attempts, Cluster, TOO_LATE, causes, undecodable};
use crate::error::{Error, Result};
use crate::proto::{SnapshotRequest, SnapshotResponse};

/// The stream, once its first piece is there.
pub struct Blobs<'a> {
    attempts: Attempts<'a>,
    incoming: Incoming,
    first: Option<SnapshotResponse>,
    /// Bytes in all, as the server announced them; the SHA-256 is not counted.
    pub announced: u64,
    /// The version of the database's layout, which servers from 3.6 on tell.
    pub version: String,
    /// Bytes that may still come.
    left: u64,
}

/// Bytes of the SHA-256 at the end.
const HASH: u64 = 32;

impl Cluster {
    /// Asks for the database of the member that answers. `limit`: time for the whole stream.
    pub async fn snapshot(&self, limit: Option<Duration>) -> Result<Blobs<'_>> {
        let patience = self.link.target.patience;
        if limit.is_some_and(|limit| limit.is_zero()) {
            self.patience()?;
            let why = "--command-timeout leaves no time to ask in";
            return Err(Error::failure(TOO_LATE).because(why));
        }
        let message = self.framed(&SnapshotRequest {})?;
        let mut attempts = Attempts::new(self, Method::SNAPSHOT, limit.unwrap_or(Duration::MAX));
        let begun = Instant::now();
        // The official client asks an unavailable server for ever.
        let contact = patience.dial.unwrap_or(patience.command);
        let most = Method::SNAPSHOT.most(self.link.target.limits);
        loop {
            let ask = attempts.ask(Method::SNAPSHOT.path, message.clone(), limit.is_some());
            let deadline = limit.map_or(contact, |limit| limit.min(contact));
            let deadline = Instant::now().checked_add(deadline);
            let work = async {
                let mut incoming = self.link.open(&ask, deadline).await?;
                let first = incoming.message(most).await?;
                Ok((incoming, first))
            };
            match attempts.wait(work).await? {
                Ok((incoming, first)) => {
                    let first = first.map(|bytes| decoded(&bytes)).transpose()?;
                    let (announced, version) = first.as_ref().map_or_else(Default::default, |it| {
                        (
                            it.remaining_bytes.saturating_add(it.blob.len() as u64),
                            it.version.clone(),
                        )
                    });
                    let left = announced.saturating_add(HASH);
                    return Ok(Blobs { attempts, incoming, first, announced, version, left });
                }
                Err(failure) => {
                    if matches!(&failure, Failure::Status(_, status) if status.is_passing())
                        && begun.elapsed() >= contact
                    {
                        return Err(attempts.cluster.too_late(causes(failure)).await);
                    }
                    let words = Words::of(&failure);
                    attempts.weigh(failure).await.map_err(|err| words.said_of(err))?;
                }
            }
        }
    }
}

impl Blobs<'_> {
    /// The next bytes; `None` at an end that is well.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        if let Some(first) = self.first.take() {
            return self.counted(first.blob).map(Some);
        }
        let most = Method::SNAPSHOT.most(self.attempts.cluster.link.target.limits);
        match self.attempts.wait(self.incoming.message(most)).await? {
            Ok(Some(bytes)) => self.counted(decoded(&bytes)?.blob).map(Some),
            Ok(None) => Ok(None),
            Err(failure) => {
                let words = Words::of(&failure);
                Err(words.said_of(self.attempts.explained(failure).await))
            }
        }
    }

    /// A stream that says how long it is has an end.
    fn counted(&mut self, blob: Vec<u8>) -> Result<Vec<u8>> {
        let left = self.left.checked_sub(blob.len() as u64);
        self.left = left.ok_or_else(|| {
            let announced = self.announced;
            Error::failure(format!("the server sends more than the {announced} bytes it announced"))
        })?;
        Ok(blob)
    }
}

fn decoded(bytes: &bytes::Bytes) -> Result<SnapshotResponse> {
    SnapshotResponse::decode(&bytes[..])
        .map_err(|err| Error::failure(undecodable(&err.to_string()).words()))
}

/// A server's error as other calls word it, and as this stream does: always with its code.
struct Words(Option<(String, String)>);

impl Words {
    fn of(failure: &Failure) -> Self {
        match failure {
            Failure::Status(_, status) => Self(Some((status.words(), status.full_words()))),
            _ => Self(None),
        }
    }

    fn said_of(self, err: Error) -> Error {
        match self.0 {
            Some((bare, full)) if err.message() == bare => err.reworded(|_| full),
            _ => err,
        }
    }
}
