//! `-w protobuf`: the server's message. A range's comes in parts, and its fields are written one
//! after another: together they are the message that one answer would have been.

use std::io::Write;

use bytes::BufMut;
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};

use crate::error::Result;
use crate::proto::WatchResponse;
use crate::reply::{Header, Pair, Reply, Tail};

pub fn reply(reply: &Reply, out: &mut dyn Write) -> Result<()> {
    let bytes = match reply {
        Reply::Put(answer) => &answer.bytes,
        Reply::Delete(answer) => &answer.bytes,
        Reply::Txn(answer) => &answer.bytes,
        Reply::Done(done) => &done.bytes,
        // Of a lease the official client writes the header's fields, and no more.
        Reply::LeaseGrant(answer) => return header_alone(answer.message.header.as_ref(), out),
        Reply::LeaseTimeToLive { answer, .. } => {
            return header_alone(answer.message.header.as_ref(), out);
        }
        Reply::Leases(answer) => return header_alone(answer.message.header.as_ref(), out),
        Reply::LeaseKeepAlive(answer) => {
            return header_alone(answer.message.header.as_ref(), out);
        }
        // Of files and of what only ours tells there are no messages, which was told before.
        Reply::File(_) | Reply::Items(_) => return Ok(()),
        Reply::Watch(response) => return watch(response, out),
        Reply::Members(answer) => &answer.bytes,
        Reply::MemberChange(change) => &change.bytes,
        Reply::MoveLeader { answer, .. } => &answer.bytes,
        Reply::Alarms(answer) => &answer.bytes,
        Reply::Downgrade { answer, .. } => &answer.bytes,
        Reply::AuthStatus(answer) => &answer.bytes,
        Reply::Role { answer, .. } => &answer.bytes,
        Reply::Roles(answer) => &answer.bytes,
        Reply::User { answer, .. } => &answer.bytes,
        Reply::Users(answer) => &answer.bytes,
        Reply::EndpointStatus(all) => {
            all.iter().try_for_each(|one| out.write_all(&one.answer.bytes))?;
            return Ok(());
        }
        Reply::EndpointHash(all) => {
            all.iter().try_for_each(|one| out.write_all(&one.answer.bytes))?;
            return Ok(());
        }
        Reply::EndpointHealth(all) => {
            all.iter().try_for_each(|one| out.write_all(&one.bytes))?;
            return Ok(());
        }
    };
    out.write_all(bytes)?;
    Ok(())
}

/// The fields that the official client copies from what it has heard.
fn watch(response: &WatchResponse, out: &mut dyn Write) -> Result<()> {
    let copied = WatchResponse {
        watch_id: 0,
        cancel_reason: String::new(),
        fragment: false,
        ..response.clone()
    };
    out.write_all(&copied.encode_to_vec())?;
    Ok(())
}

fn header_alone(header: Option<&Header>, out: &mut dyn Write) -> Result<()> {
    out.write_all(&header.copied().unwrap_or_default().encode_to_vec())?;
    Ok(())
}

/// `RangeResponse.header`.
pub fn range_header(header: &Header, out: &mut dyn Write) -> Result<()> {
    let mut buffer = Vec::new();
    prost::encoding::message::encode(1, header, &mut buffer);
    out.write_all(&buffer)?;
    Ok(())
}

/// `RangeResponse.kvs`, each a `mvccpb.KeyValue`.
pub fn range_pairs(pairs: &[Pair], out: &mut dyn Write) -> Result<()> {
    let mut head = Vec::new();
    for pair in pairs {
        head.clear();
        let numbers = [(2, pair.create_revision), (3, pair.mod_revision), (4, pair.version)];
        let length = bytes_len(1, &pair.key)
            + numbers.iter().map(|&(tag, number)| number_len(tag, number)).sum::<usize>()
            + bytes_len(5, &pair.value)
            + number_len(6, pair.lease);
        encode_key(2, WireType::LengthDelimited, &mut head);
        encode_varint(length as u64, &mut head);
        bytes(1, &pair.key, &mut head);
        for (tag, value) in numbers {
            number(tag, value, &mut head);
        }
        bytes(5, &pair.value, &mut head);
        number(6, pair.lease, &mut head);
        out.write_all(&head)?;
    }
    Ok(())
}

/// `RangeResponse.more` and `count`.
pub fn range_tail(tail: Tail, out: &mut dyn Write) -> Result<()> {
    let mut buffer = Vec::new();
    number(3, i64::from(tail.more), &mut buffer);
    number(4, tail.count, &mut buffer);
    out.write_all(&buffer)?;
    Ok(())
}

// Proto3 leaves zero values out.

fn number(tag: u32, value: i64, buffer: &mut impl BufMut) {
    if value != 0 {
        encode_key(tag, WireType::Varint, buffer);
        encode_varint(value.cast_unsigned(), buffer);
    }
}

fn number_len(tag: u32, value: i64) -> usize {
    if value == 0 { 0 } else { key_len(tag) + encoded_len_varint(value.cast_unsigned()) }
}

fn bytes(tag: u32, value: &[u8], buffer: &mut impl BufMut) {
    if !value.is_empty() {
        encode_key(tag, WireType::LengthDelimited, buffer);
        encode_varint(value.len() as u64, buffer);
        buffer.put_slice(value);
    }
}

fn bytes_len(tag: u32, value: &[u8]) -> usize {
    if value.is_empty() {
        0
    } else {
        key_len(tag) + encoded_len_varint(value.len() as u64) + value.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{KeyValue, RangeResponse};

    #[test]
    fn the_parts_of_a_range_are_the_message_it_would_have_been() {
        let kv = |key: &str, lease| KeyValue {
            key: key.into(),
            create_revision: 1,
            mod_revision: i64::MAX,
            version: 3,
            value: vec![0xff; 300],
            lease,
        };
        let whole = RangeResponse {
            header: Some(Header { cluster_id: u64::MAX, revision: 9, ..Header::default() }),
            kvs: vec![kv("a", 0), kv("", -2), KeyValue::default()],
            more: true,
            count: 1000,
        };
        let mut out = Vec::new();
        range_header(whole.header.as_ref().unwrap(), &mut out).unwrap();
        for kv in &whole.kvs {
            range_pairs(&[kv.into()], &mut out).unwrap();
        }
        range_tail(Tail { more: true, count: 1000 }, &mut out).unwrap();
        assert_eq!(out, whole.encode_to_vec());
    }
}
