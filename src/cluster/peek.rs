//! The first keys of a range, for a person who is typing one: late is no better than nothing.

use bytes::Bytes;

use super::decode::{Decoder, Shape};
use super::grpc::Code;
use super::link::Failure;
use super::rpc::Method;
use super::{Attempts, Cluster};
use crate::error::{Error, Result};
use crate::proto::RangeRequest;
use crate::reply::Pair;

/// How a server is asked for the first keys of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// By a stream that is broken off: it costs what it gives.
    Stream,
    /// By a limit: the server counts all keys of the range, 0.1 µs to 1 µs each.
    Range,
}

/// Keys in their order, without values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peek {
    pub keys: Vec<Bytes>,
    /// The range has further ones.
    pub more: bool,
}

impl Cluster {
    /// The first keys from `key` to `end`, as the member asked knows them; `None` where it has no
    /// streams.
    pub async fn peek(
        &self,
        key: Vec<u8>,
        end: Vec<u8>,
        limit: usize,
        asked: Asked,
    ) -> Result<Option<Peek>> {
        let (method, shape, most) = match asked {
            // A stream with a limit ends with a count.
            Asked::Stream => (Method::RANGE_STREAM, Shape::Chunks, 0),
            Asked::Range => (Method::RANGE, Shape::Whole, i64::try_from(limit).unwrap_or(i64::MAX)),
        };
        let ask = RangeRequest {
            key,
            range_end: end,
            limit: most,
            serializable: true,
            keys_only: true,
            ..RangeRequest::default()
        };
        let mut attempts = Attempts::new(self, method, self.patience()?);
        let ask = attempts.ask(method.path, self.framed(&ask)?, true);
        let deadline = attempts.deadline();
        let mut incoming = match attempts.wait(self.link.open(&ask, deadline)).await? {
            Ok(incoming) => incoming,
            Err(failure) => return without_streams(&attempts, failure).await,
        };
        let mut decoder = Decoder::new(shape, self.link.target.limits.receive);
        let mut pairs: Vec<Pair> = Vec::new();
        while pairs.len() <= limit {
            match attempts.wait(incoming.data()).await? {
                Ok(Some(data)) => decoder
                    .feed(&data, &mut pairs)
                    .map_err(|status| Error::failure(status.words()))?,
                Ok(None) => break,
                Err(failure) => return without_streams(&attempts, failure).await,
            }
        }
        let more = decoder.tail.more || pairs.len() > limit;
        pairs.truncate(limit);
        Ok(Some(Peek { keys: pairs.into_iter().map(|pair| pair.key).collect(), more }))
    }
}

async fn without_streams(attempts: &Attempts<'_>, failure: Failure) -> Result<Option<Peek>> {
    match failure {
        Failure::Status(_, status) if status.code == Code::UNIMPLEMENTED => Ok(None),
        failure => Err(attempts.explained(failure).await),
    }
}
