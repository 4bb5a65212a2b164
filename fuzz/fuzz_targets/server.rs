//! What a server may send, byte by byte: ranges as they are decoded off the wire, statuses, every answer in every
//! format.

#![no_main]

use bytes::Bytes;
use etcdctl::cluster::decode::{Decoder, Shape};
use etcdctl::cluster::grpc::{Status, announced};
use etcdctl::cluster::metrics;
use etcdctl::render::{self, Format, Look, View};
use etcdctl::reply::{Answer, Of, Pair, Reply, Tail};
use etcdctl_fuzz::{Taken, plant};
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use prost::Message;

const RANGE: u8 = 0;
const ANSWER: u8 = 1;
const HEADERS: u8 = 2;

fuzz_target!(init: plant("server", seeds), |data: &[u8]| {
    let mut taken = Taken(data);
    match taken.byte() % 4 {
        RANGE => range(&mut taken),
        ANSWER => answer(&mut taken),
        HEADERS => headers(&mut taken),
        _ => drop(metrics::number(taken.0, "process_resident_memory_bytes")),
    }
});

fn seeds() -> Vec<Vec<u8>> {
    let header: &[u8] = &[0x0a, 8, 0x08, 1, 0x10, 2, 0x18, 3, 0x20, 4];
    let pair: &[u8] = &[0x12, 14, 0x0a, 1, b'k', 0x10, 2, 0x18, 3, 0x20, 1, 0x2a, 1, b'v', 0x30, 9];
    let whole = [header, pair, pair, &[0x18, 1, 0x20, 7]].concat();
    let framed = |message: &[u8]| {
        [&[0, 0, 0, 0, u8::try_from(message.len()).unwrap_or(0)], message].concat()
    };
    let chunk =
        |inner: &[u8]| framed(&[&[0x0a, u8::try_from(inner.len()).unwrap_or(0)], inner].concat());
    let mut seeds = vec![
        [&[RANGE, 0, 3][..], &framed(&whole)].concat(),
        [&[RANGE, 1, 9][..], &chunk(pair), &chunk(&whole)].concat(),
        [&[HEADERS, 0, 1][..], b"7", b"permission%20denied"].concat(),
        b"\x03rss 1\nprocess_resident_memory_bytes 2.5e+07\n".to_vec(),
    ];
    for kind in 0..KINDS {
        seeds.push([&[ANSWER, kind][..], header, &[0x10, 1, 0x18, 1, 0x20, 1, 0x28, 1]].concat());
        seeds.push(
            [&[ANSWER, kind][..], header, &[0x12, 6, 0x0a, 1, b'a', 0x10, 1, 0x18], &[1]].concat(),
        );
    }
    seeds
}

/// An answer in pieces says what it says in one.
fn range(taken: &mut Taken<'_>) {
    let shape = if taken.byte() & 1 == 0 { Shape::Whole } else { Shape::Chunks };
    let step = usize::from(taken.byte()).max(1);
    let read = |step: usize| {
        let mut decoder = Decoder::new(shape, 1 << 20);
        let mut pairs: Vec<Pair> = Vec::new();
        let mut pieces = taken.0.chunks(step);
        let failed = pieces.find_map(|piece| decoder.feed(piece, &mut pairs).err());
        let held: usize = pairs.iter().map(|pair| pair.key.len() + pair.value.len()).sum();
        assert!(held <= taken.0.len(), "more than was sent");
        (pairs, failed, decoder.header, decoder.tail, decoder.is_between_messages())
    };
    let (one, other) = (read(step), read(taken.0.len().max(1)));
    assert_eq!(
        one.1.is_some(),
        other.1.is_some(),
        "it depends on the pieces: {:?}, {:?}",
        one.1,
        other.1
    );
    assert_eq!(one.0, other.0);
    assert!(one.1.is_some() || (one.2, one.3, one.4) == (other.2, other.3, other.4));
    let (pairs, _, header, tail, _) = one;
    for format in Format::ALL {
        let (look, mut out) = (Look { escape: true, ..Look::default() }, Vec::new());
        let Ok(mut range) =
            render::Range::begin(format, &look, View::Pairs, &header.unwrap_or_default(), &mut out)
        else {
            continue;
        };
        let _ = range.pairs(&pairs, &mut out);
        let _ = range.end(Tail { count: i64::MIN, ..tail }, &mut out);
    }
}

const KINDS: u8 = 16;

fn answer(taken: &mut Taken<'_>) {
    let kind = taken.byte() % KINDS;
    let bytes = Bytes::copy_from_slice(taken.0);
    let endpoint = "127.0.0.1:2379".to_owned();
    let reply = match kind {
        0 => read(bytes).map(Reply::Put),
        1 => read(bytes).map(Reply::Delete),
        2 => read(bytes).map(Reply::Txn),
        3 => read(bytes).map(Reply::LeaseGrant),
        4 => read(bytes).map(|answer| Reply::LeaseTimeToLive { answer, keys: true }),
        5 => read(bytes).map(Reply::LeaseKeepAlive),
        6 => read(bytes).map(Reply::Leases),
        7 => read(bytes).map(|answer| Reply::Watch(std::sync::Arc::new(answer.message))),
        8 => read(bytes).map(Reply::Members),
        9 => read(bytes).map(Reply::Alarms),
        10 => read(bytes).map(Reply::AuthStatus),
        11 => read(bytes).map(|answer| Reply::Role { name: "role".into(), answer }),
        12 => read(bytes).map(|answer| Reply::User { name: "user".into(), answer }),
        13 => read(bytes).map(|answer| Reply::EndpointStatus(vec![Of { endpoint, answer }])),
        14 => read(bytes).map(|answer| Reply::EndpointHash(vec![Of { endpoint, answer }])),
        _ => read(bytes).map(|answer| Reply::Downgrade { action: "validate", answer }),
    };
    let Some(reply) = reply else { return };
    for format in Format::WITHOUT_RAW {
        for hex in [false, true] {
            let look = Look { hex, escape: !hex, ..Look::default() };
            let _ = render::reply(&reply, format, &look, &mut Vec::new());
        }
    }
}

fn read<M: Message + Default>(bytes: Bytes) -> Option<Answer<M>> {
    Some(Answer { message: M::decode(bytes.clone()).ok()?, bytes })
}

fn headers(taken: &mut Taken<'_>) {
    let prefix = [taken.byte(), 0, 0, taken.byte(), taken.byte()];
    let _ = announced(prefix);
    let code = HeaderValue::from_bytes(taken.bytes(usize::from(prefix[4] % 8)));
    let message = HeaderValue::from_bytes(taken.0);
    let mut headers = HeaderMap::new();
    if let Ok(code) = code {
        headers.insert("grpc-status", code);
    }
    if let Ok(message) = message {
        headers.insert("grpc-message", message);
    }
    if let Some(Err(status)) = Status::read(&headers) {
        assert!(status.message.len() <= 3 * taken.0.len(), "longer than what was sent");
        let _ = (status.words(), status.full_words(), status.known());
    }
}
