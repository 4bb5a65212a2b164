//! A range answer decoded while it arrives: whole fields are taken off the front, and what is
//! incomplete waits. Memory is that of one piece, however long the answer.
//!
//! Source: protobuf's wire format; `RangeResponse`, `RangeStreamResponse` and `mvccpb.KeyValue` of etcd 3.7.1.
//! A server writes fields in their order, so that the header comes before the first pair.

use bytes::{Buf, Bytes, BytesMut};
use prost::Message;

use super::grpc::{self, Code, PREFIX, Status};
use crate::reply::{Header, Pair, Tail};

/// Far more than a pair has: requests have some megabytes at most.
const LARGEST: usize = 256 << 20;

/// Which message the frames hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `RangeResponse`, one.
    Whole,
    /// `RangeStreamResponse`, several, with a `RangeResponse` in each.
    Chunks,
}

/// The state between two pieces of one answer.
pub struct Decoder {
    shape: Shape,
    limit: usize,
    /// What has arrived and could not be used yet.
    buffer: BytesMut,
    /// How much of the present message is still to be used.
    left: usize,
    /// Inside the `RangeResponse` of a chunk, rather than before it.
    inside: bool,
    pub header: Option<Header>,
    pub tail: Tail,
}

/// Why decoding stops.
enum Stop {
    /// The bytes end inside a field: more must arrive.
    Incomplete,
    /// These are no such message.
    Malformed(&'static str),
    /// A message that we do not take.
    Refused(Status),
}

impl Decoder {
    /// `limit` is the most bytes of one message.
    #[must_use]
    pub fn new(shape: Shape, limit: usize) -> Self {
        Self {
            shape,
            limit,
            buffer: BytesMut::new(),
            left: 0,
            inside: false,
            header: None,
            tail: Tail::default(),
        }
    }

    /// Takes the next piece of the body, and adds the pairs that are now complete.
    pub fn feed(&mut self, data: &[u8], pairs: &mut Vec<Pair>) -> Result<(), Status> {
        self.buffer.extend_from_slice(data);
        loop {
            match self.step(pairs) {
                Ok(()) => {}
                Err(Stop::Incomplete) => return Ok(()),
                Err(Stop::Malformed(what)) => return Err(malformed(what)),
                Err(Stop::Refused(status)) => return Err(status),
            }
        }
    }

    /// Whether the answer may end here.
    #[must_use]
    pub fn is_between_messages(&self) -> bool {
        self.left == 0 && self.buffer.is_empty()
    }

    /// Uses one prefix or one field.
    fn step(&mut self, pairs: &mut Vec<Pair>) -> Result<(), Stop> {
        if self.left == 0 {
            let prefix = *self.buffer.first_chunk::<PREFIX>().ok_or(Stop::Incomplete)?;
            self.left = grpc::announced(prefix).map_err(Stop::Refused)?;
            if self.left > self.limit {
                return Err(Stop::Refused(grpc::too_large(self.left, self.limit)));
            }
            self.buffer.advance(PREFIX);
            self.inside = self.shape == Shape::Whole;
            return Ok(());
        }
        let here = self.buffer.get(..self.left.min(self.buffer.len())).unwrap_or_default();
        let field = match Field::read(here) {
            Err(Stop::Incomplete) if here.len() == self.left => {
                return Err(Stop::Malformed("a field is cut off"));
            }
            field => field?,
        };
        if self.left < field.size {
            return Err(Stop::Malformed("a field is longer than its message"));
        }
        if !self.inside && field.number == 1 && field.kind == LENGTH {
            // Not the field as a whole, only its head: what is inside comes field by field.
            let head = field.size - field.length;
            self.buffer.advance(head);
            self.left -= head;
            self.inside = true;
            return Ok(());
        }
        if here.len() < field.size {
            // What is incomplete is held: of that a server may not send as much as it likes.
            let limit = self.limit.min(LARGEST);
            return Err(if field.size > limit {
                Stop::Refused(grpc::too_large(field.size, limit))
            } else {
                Stop::Incomplete
            });
        }
        self.left -= field.size;
        let bytes = self.buffer.split_to(field.size).freeze();
        if self.inside {
            self.take(&field, &bytes, pairs)?;
        }
        Ok(())
    }

    /// One field of `RangeResponse`.
    fn take(&mut self, field: &Field, bytes: &Bytes, pairs: &mut Vec<Pair>) -> Result<(), Stop> {
        let body = bytes.slice(field.size - field.length..);
        match (field.number, field.kind) {
            (1, LENGTH) => {
                let header = Header::decode(body);
                self.header = Some(header.map_err(|_| Stop::Malformed("a broken header"))?);
            }
            (2, LENGTH) => pairs.push(pair(&body)?),
            (3, VARINT) => self.tail.more = field.value != 0,
            (4, VARINT) => self.tail.count = field.value.cast_signed(),
            _ => {}
        }
        Ok(())
    }
}

/// One `mvccpb.KeyValue`, its key and value slices of what arrived.
fn pair(bytes: &Bytes) -> Result<Pair, Stop> {
    let mut pair = Pair::default();
    let mut at = 0;
    while at < bytes.len() {
        let field = match Field::read(&bytes[at..]) {
            Ok(field) if field.size <= bytes.len() - at => field,
            Ok(_) | Err(Stop::Incomplete) => return Err(Stop::Malformed("a pair is cut off")),
            Err(stop) => return Err(stop),
        };
        let end = at + field.size;
        let number = field.value.cast_signed();
        match (field.number, field.kind) {
            (1, LENGTH) => pair.key = bytes.slice(end - field.length..end),
            (2, VARINT) => pair.create_revision = number,
            (3, VARINT) => pair.mod_revision = number,
            (4, VARINT) => pair.version = number,
            (5, LENGTH) => pair.value = bytes.slice(end - field.length..end),
            (6, VARINT) => pair.lease = number,
            _ => {}
        }
        at = end;
    }
    Ok(pair)
}

const VARINT: u8 = 0;
const FIXED64: u8 = 1;
const LENGTH: u8 = 2;
const FIXED32: u8 = 5;

/// A field's head; its body may not have arrived yet.
struct Field {
    number: u64,
    kind: u8,
    /// A varint's value.
    value: u64,
    /// How many bytes the body takes.
    length: usize,
    /// How many bytes the field takes, head and body.
    size: usize,
}

impl Field {
    fn read(bytes: &[u8]) -> Result<Self, Stop> {
        let (tag, tag_size) = varint(bytes)?;
        let rest = &bytes[tag_size..];
        let kind = u8::try_from(tag & 7).unwrap_or_default();
        let (value, head, length) = match kind {
            VARINT => {
                let (value, size) = varint(rest)?;
                (value, tag_size, size)
            }
            FIXED64 => (0, tag_size, 8),
            FIXED32 => (0, tag_size, 4),
            LENGTH => {
                let (length, size) = varint(rest)?;
                let length = u32::try_from(length).ok().and_then(|length| length.try_into().ok());
                (0, tag_size + size, length.ok_or(Stop::Malformed("a field of absurd length"))?)
            }
            _ => return Err(Stop::Malformed("a field of unknown kind")),
        };
        Ok(Self { number: tag >> 3, kind, value, length, size: head + length })
    }
}

/// A base-128 number and how many bytes it takes.
fn varint(bytes: &[u8]) -> Result<(u64, usize), Stop> {
    const MOST: usize = 10;
    let mut value = 0;
    for (i, &byte) in bytes.iter().take(MOST).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte < 0x80 {
            return Ok((value, i + 1));
        }
    }
    if bytes.len() < MOST {
        Err(Stop::Incomplete)
    } else {
        Err(Stop::Malformed("an endless number"))
    }
}

fn malformed(what: &str) -> Status {
    let words = format!("grpc: failed to unmarshal the received message: {what}");
    Status::new(Code::INTERNAL, words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{KeyValue, RangeResponse};

    fn answer() -> RangeResponse {
        let kv = |key: &str, value: Vec<u8>, lease| KeyValue {
            key: key.into(),
            value,
            create_revision: 3,
            mod_revision: 300,
            version: 2,
            lease,
        };
        RangeResponse {
            header: Some(Header { cluster_id: 7, revision: 300, ..Header::default() }),
            kvs: vec![kv("a", b"1".to_vec(), 0), kv("b", vec![9; 5000], -1), kv("", vec![], 5)],
            more: true,
            count: 9,
        }
    }

    fn framed(message: &[u8]) -> Vec<u8> {
        let mut out = vec![0];
        out.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
        out.extend(message);
        out
    }

    fn check(shape: Shape, bytes: &[u8], step: usize) {
        let mut decoder = Decoder::new(shape, usize::MAX);
        let mut pairs = Vec::new();
        for piece in bytes.chunks(step) {
            decoder.feed(piece, &mut pairs).unwrap();
        }
        assert!(decoder.is_between_messages());
        assert_eq!(decoder.header, answer().header);
        assert_eq!(decoder.tail, Tail { more: true, count: 9 });
        assert_eq!(pairs, answer().kvs.iter().map(Pair::from).collect::<Vec<_>>());
    }

    #[test]
    fn pieces_of_any_size_give_the_same_pairs() {
        let whole = framed(&answer().encode_to_vec());
        let mut chunks = Vec::new();
        for kv in answer().kvs {
            let part = RangeResponse { kvs: vec![kv], ..RangeResponse::default() };
            chunks.extend(framed(&nested(&part)));
        }
        chunks.extend(framed(&[]));
        chunks.extend(framed(&nested(&RangeResponse { kvs: vec![], ..answer() })));
        for step in [1, 2, 3, 7, 100, 4096, 1 << 20] {
            check(Shape::Whole, &whole, step);
            check(Shape::Chunks, &chunks, step);
        }
    }

    fn nested(part: &RangeResponse) -> Vec<u8> {
        let inner = part.encode_to_vec();
        let mut out = vec![0x0a];
        prost::encoding::encode_varint(inner.len() as u64, &mut out);
        out.extend(inner);
        out
    }

    #[test]
    fn unknown_fields_are_passed_over() {
        let mut message = answer().encode_to_vec();
        message.extend([0x79, 1, 2, 3, 4, 5, 6, 7, 8, 0x7d, 1, 2, 3, 4, 0x82, 1, 1, 9, 0x88, 1, 5]);
        check(Shape::Whole, &framed(&message), 3);
    }

    #[test]
    fn what_no_server_may_send_is_an_error() {
        let long = [&[0x12][..], &[0xff; 9], &[1]].concat();
        for (bytes, why) in [
            (framed(&[0x12, 5, 1]), "a field is longer than its message"),
            (framed(&[0x18]), "a field is cut off"),
            (framed(&[0x17]), "a field of unknown kind"),
            (framed(&[0xff; 11]), "an endless number"),
            (framed(&long), "a field of absurd length"),
            (framed(&[0x12, 2, 0x0a, 9]), "a pair is cut off"),
            (framed(&[0x0a, 1, 0xff]), "a broken header"),
            (vec![1, 0, 0, 0, 0], "compressed flag set"),
        ] {
            let status = Decoder::new(Shape::Whole, usize::MAX).feed(&bytes, &mut vec![]);
            let message = status.unwrap_err().message;
            assert!(message.contains(why), "{message:?} should name {why:?}");
        }
    }

    #[test]
    fn a_message_beyond_the_limit_is_refused_before_it_is_read() {
        let status = Decoder::new(Shape::Whole, 1000).feed(&[0, 0, 0, 4, 0], &mut vec![]);
        let words = "grpc: received message larger than max (1024 vs. 1000)";
        assert_eq!(status.unwrap_err(), Status::new(Code::RESOURCE_EXHAUSTED, words));
    }
}
