//! A whole connection to a server that says what the fuzzer likes: frames of HTTP/2 in any order, and anything else.
//! Every question ends in bounded time.

#![no_main]

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use etcdctl::cluster::Cluster;
use etcdctl::cluster::KeepAlive;
use etcdctl::cluster::endpoint::Endpoint;
use etcdctl::cluster::srv::{self, NameServers};
use etcdctl::cluster::target::{Limits, Login, Patience, Target};
use etcdctl::request::{Put, Range, RangeEnd, SortTarget, Watch};
use etcdctl::secret::Secret;
use etcdctl_fuzz::{Taken, plant, scratch, survive_closed_connections};
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UdpSocket, UnixListener, UnixStream};
use tokio::time::timeout;

/// The time for one call.
const PATIENCE: Duration = Duration::from_millis(60);
/// Far more than a call, another look at its failure, and a busy machine take.
const TOO_LONG: Duration = Duration::from_secs(8);

fuzz_target!(init: {
    survive_closed_connections();
    plant("connection", seeds)
}, |data: &[u8]| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("could not begin").block_on(talk(data));
});

mod say {
    pub const HEAD: u8 = 0;
    pub const MESSAGE: u8 = 1;
    pub const DATA: u8 = 2;
    pub const STATUS: u8 = 3;
    pub const FRAME: u8 = 4;
    pub const REFUSAL: u8 = 5;
    pub const INTERIM: u8 = 6;
    pub const NEXT: u8 = 7;
    pub const BYTES: u8 = 8;
    pub const KINDS: u8 = 9;
}

fn seeds() -> Vec<Vec<u8>> {
    let header: &[u8] = &[0x0a, 8, 0x08, 1, 0x10, 2, 0x18, 3, 0x20, 4];
    let pair: &[u8] = &[0x12, 14, 0x0a, 1, b'k', 0x10, 2, 0x18, 3, 0x20, 1, 0x2a, 1, b'v', 0x30, 9];
    let message = |parts: &[&[u8]]| {
        let message = parts.concat();
        [&[say::MESSAGE][..], &u16::try_from(message.len()).unwrap_or(0).to_le_bytes(), &message]
            .concat()
    };
    let well = [say::STATUS, 0, 0];
    let head = [say::HEAD];
    let mut seeds = Vec::new();
    for command in 0..COMMANDS {
        for body in [
            message(&[header, pair, pair, &[0x20, 2]]),
            message(&[header, pair, &[0x18, 1, 0x20, 9]]),
            message(&[&[0x0a, 16], &pair[..16]]),
            message(&[header, &[0x12, 3], b"abc"]),
            message(&[header, &[0x18, 1]]),
            message(&[header, &[0x18, 1, 0x58, 1]]),
            [
                message(&[header, &[0x10, 64, 0x1a, 3], b"abc"]),
                message(&[&[0x10, 0, 0x1a, 3], b"def"]),
            ]
            .concat(),
        ] {
            seeds.push([&[command][..], &head, &body, &well].concat());
            seeds.push([&[command][..], &head, &body, &body].concat());
        }
        seeds.push([&[command][..], &[say::REFUSAL, 7, 0]].concat());
        seeds.push(
            [&[command, say::INTERIM][..], &head, &[say::NEXT], &head, &message(&[header]), &well]
                .concat(),
        );
        seeds.push([&[command, say::BYTES, 60, 0][..], b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nrss 1process_resident_memory_bytes 1\n"].concat());
        seeds.push(
            [&[command, say::FRAME, 6, 0, 8, 0][..], &[0; 8], &head, &[say::FRAME, 4, 0, 0, 0]]
                .concat(),
        );
    }
    seeds
}

const COMMANDS: u8 = 12;

async fn talk(data: &[u8]) {
    let mut taken = Taken(data);
    let command = taken.byte() % COMMANDS;
    let script = taken.0.to_vec();
    if command == COMMANDS - 1 {
        return in_time(names(script)).await;
    }
    let path = scratch().join("socket");
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).expect("could not listen");
    let raw = command == 10;
    let server = tokio::spawn(async move {
        let mut first = true;
        while let Ok((mut stream, _)) = listener.accept().await {
            let script = script.clone();
            let told = std::mem::replace(&mut first, false);
            tokio::spawn(async move {
                if raw {
                    let _ = stream.write_all(&script).await;
                } else if told {
                    let _ = follow(&mut stream, &mut Taken(&script)).await;
                } else {
                    // Whoever comes again is refused for good.
                    let _ = follow(&mut stream, &mut Taken(&[say::REFUSAL, 3, 0])).await;
                    tokio::time::sleep(PATIENCE).await;
                }
            });
        }
    });
    in_time(ask(command, &path.display().to_string())).await;
    server.abort();
}

async fn in_time(work: impl Future<Output = ()>) {
    assert!(timeout(TOO_LONG, work).await.is_ok(), "it does not come to an end");
}

async fn ask(command: u8, path: &str) {
    let login = match command {
        9 => Login::Password { user: "root".into(), password: Secret::new("secret") },
        _ => Login::None,
    };
    let target = Target {
        endpoints: vec![Endpoint::parse(&format!("unix:{path}"))],
        tls: None,
        login,
        patience: Patience { dial: Some(PATIENCE), command: PATIENCE },
        keep_alive: KeepAlive { every: Duration::ZERO, timeout: Duration::ZERO },
        limits: Limits { send: 1 << 20, receive: 1 << 20 },
        debug: false,
    };
    let limited = matches!(command, 1);
    let target = if limited { target } else { Target { limits: Limits::OFFICIAL, ..target } };
    let Ok(cluster) = Cluster::new(target) else { return };
    let all = Range { end: RangeEnd::Prefix, ..Range::default() };
    match command {
        0 | 1 | 9 => range(&cluster, all).await,
        2 => range(&cluster, Range { stream: true, ..all }).await,
        3 => range(&cluster, Range { target: SortTarget::Modify, limit: 5, ..all }).await,
        4 => drop(cluster.put(Put::default()).await),
        5 => drop(cluster.status().await),
        6 => {
            let Ok(mut blobs) = cluster.snapshot(Some(PATIENCE)).await else { return };
            while let Ok(Some(_)) = blobs.next().await {}
        }
        7 => {
            let mut watches = cluster.watches();
            watches.add(Watch::default());
            watches.add(Watch { revision: 5, ..Watch::default() });
            watches.progress();
            let heard = async { while let Ok(Some(_)) = watches.next().await {} };
            let _ = timeout(PATIENCE, heard).await;
        }
        8 => {
            let mut renewals = cluster.renewals(1);
            let heard = async { while let Ok(Some(_)) = renewals.next().await {} };
            let _ = timeout(PATIENCE, heard).await;
        }
        _ => drop(cluster.metric("process_resident_memory_bytes").await),
    }
}

async fn range(cluster: &Cluster, range: Range) {
    let Ok(mut pages) = cluster.range(range).await else { return };
    let mut pairs = Vec::new();
    while let Ok(true) = pages.next(&mut pairs).await {}
}

/// Says what the script says, once a request is there.
async fn follow(stream: &mut UnixStream, script: &mut Taken<'_>) -> std::io::Result<()> {
    let mut request = 0;
    frame(stream, 4, 0, 0, &[]).await?;
    next_request(stream, &mut request).await?;
    while !script.is_empty() {
        match script.byte() % say::KINDS {
            say::HEAD => {
                let head = [&[0x88][..], &literal(b"content-type", b"application/grpc")].concat();
                frame(stream, 1, 4, request, &head).await?;
            }
            say::MESSAGE => {
                let length = script.short();
                let body = script.bytes(length.into());
                let prefix =
                    [&[0][..], &u32::try_from(body.len()).unwrap_or(0).to_be_bytes()].concat();
                frame(stream, 0, 0, request, &[&prefix, body].concat()).await?;
            }
            say::DATA => {
                let length = script.short();
                frame(stream, 0, 0, request, script.bytes(length.into())).await?;
            }
            kind @ (say::STATUS | say::REFUSAL) => {
                let code = script.byte().to_string();
                let length = script.byte();
                let status = literal(b"grpc-status", code.as_bytes());
                let message = literal(b"grpc-message", script.bytes(length.into()));
                let head = [&[0x88][..], &literal(b"content-type", b"application/grpc")].concat();
                let head = if kind == say::REFUSAL { head } else { Vec::new() };
                frame(stream, 1, 5, request, &[head, status, message].concat()).await?;
            }
            say::FRAME => {
                let (kind, flags, length) = (script.byte(), script.byte(), script.short());
                let own = if script.byte() & 1 == 0 { request } else { 0 };
                frame(stream, kind, flags, own, script.bytes(length.into())).await?;
            }
            say::INTERIM => frame(stream, 1, 4, request, &literal(b":status", b"103")).await?,
            say::NEXT => next_request(stream, &mut request).await?,
            _ => {
                let length = script.short();
                stream.write_all(script.bytes(length.into())).await?;
            }
        }
    }
    Ok(())
}

async fn frame(
    stream: &mut UnixStream,
    kind: u8,
    flags: u8,
    of: u32,
    payload: &[u8],
) -> std::io::Result<()> {
    let length = u32::try_from(payload.len()).unwrap_or(0).to_be_bytes();
    let head = [&length[1..], &[kind, flags], &of.to_be_bytes()].concat();
    stream.write_all(&[&head, payload].concat()).await
}

/// A header by its text alone, without a table (RFC 7541, 6.2.2).
fn literal(name: &[u8], value: &[u8]) -> Vec<u8> {
    let text = |text: &[u8]| {
        let mut out = Vec::new();
        match u8::try_from(text.len()) {
            Ok(length @ ..127) => out.push(length),
            _ => {
                let mut rest = text.len() - 127;
                out.push(127);
                while rest >= 128 {
                    out.push(u8::try_from(rest % 128).unwrap_or(0) | 128);
                    rest /= 128;
                }
                out.push(u8::try_from(rest).unwrap_or(0));
            }
        }
        out.extend(text);
        out
    };
    [vec![0], text(name), text(value)].concat()
}

/// Waits until a request begins that is not answered yet.
async fn next_request(stream: &mut UnixStream, request: &mut u32) -> std::io::Result<()> {
    let waiting = async {
        if *request == 0 {
            stream.read_exact(&mut [0; 24]).await?; // the preface
        }
        loop {
            let mut head = [0; 9];
            stream.read_exact(&mut head).await?;
            let [a, b, c, kind, _, of @ ..] = head;
            let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
            stream.read_exact(&mut payload).await?;
            if kind == 1 {
                return std::io::Result::Ok(u32::from_be_bytes(of));
            }
        }
    };
    *request = timeout(PATIENCE, waiting).await.unwrap_or(Ok(*request))?;
    Ok(())
}

/// A name server whose answers are about the question, and say what the fuzzer likes.
async fn names(script: Vec<u8>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("could not listen");
    let address: SocketAddr = socket.local_addr().expect("a bound socket has an address");
    let server = tokio::spawn(async move {
        let mut packet = vec![0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut packet).await {
            let question = packet.get(12..length).unwrap_or_default();
            // Up to the end of the name, its type and class.
            let end = question.iter().position(|&byte| byte == 0).map_or(0, |zero| zero + 5);
            let mut taken = Taken(&script);
            let counts = [0, taken.byte() % 8, 0, taken.byte() % 2, 0, taken.byte() % 2];
            let flags = [0x80 | taken.byte() & 5, taken.byte() & 0x8f];
            let question = question.get(..end).unwrap_or_default();
            let answer = [&packet[..2], &flags, &[0, 1], &counts, question, taken.0].concat();
            let _ = socket.send_to(&answer, from).await;
        }
    });
    let servers = NameServers {
        timeout: Duration::from_millis(20),
        attempts: 1,
        ..NameServers::only(vec![address])
    };
    if let Ok(found) = srv::discover("a.test", "", true, &servers).await {
        for endpoint in &found.endpoints {
            let _ = Endpoint::parse(endpoint);
        }
    }
    server.abort();
}
