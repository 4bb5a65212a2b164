//! One question to the name servers, asked as Go 1.26 asks it (`net/dnsclient_unix.go`).
//!
//! Messages are hickory's. Its resolver is not used: it asks through sockets that never hear that
//! nobody listens, so each try takes the whole timeout, and its errors name no server; the
//! official words do.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hickory_proto::op::{Edns, Message, MessageType, Query, ResponseCode};
use hickory_proto::rr::{Name, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout_at};

use crate::cluster::srv::NameServers;

/// Go's `maxDNSPacketSize`.
const PACKET: u16 = 1232;

/// Why a name was not found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The name, or a record of the kind, is known not to exist.
    NoName { name: String, server: Option<SocketAddr> },
    /// Anything else, in Go's words.
    Other { name: String, server: Option<SocketAddr>, words: String },
}

impl Failure {
    pub fn other(name: &str, server: Option<SocketAddr>, words: impl Into<String>) -> Self {
        Self::Other { name: name.to_owned(), server, words: words.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, server, words) = match self {
            Self::NoName { name, server } => (name, server, "no such host"),
            Self::Other { name, server, words } => (name, server, words.as_str()),
        };
        match server {
            Some(server) => write!(f, "lookup {name} on {server}: {words}"),
            None => write!(f, "lookup {name}: {words}"),
        }
    }
}

/// The records of a name, searched for as resolv.conf says. `domain` is the part that the user
/// wrote; `turn` counts the questions, for `options rotate`.
pub async fn lookup(
    name: &str,
    domain: &str,
    kind: RecordType,
    servers: &NameServers,
    turn: usize,
) -> Result<Vec<Record>, Failure> {
    if !is_domain_name(name) {
        return Err(Failure::NoName { name: name.to_owned(), server: None });
    }
    // Go reads an answer that it never asked for when there is no name to ask for (`.onion`).
    let mut failure = Failure::other(domain, None, "cannot unmarshal DNS message");
    for full in servers.names(name) {
        match ask_all(&full, name, kind, servers, turn).await {
            Ok(records) => return Ok(records),
            Err(other) => failure = other,
        }
    }
    Err(failure)
}

/// Asks one server after the other for a full name. `shown` is the name in errors.
async fn ask_all(
    full: &str,
    shown: &str,
    kind: RecordType,
    servers: &NameServers,
    turn: usize,
) -> Result<Vec<Record>, Failure> {
    let first = if servers.rotate { turn } else { 0 };
    let count = servers.servers.len();
    let mut failure = Failure::other(shown, None, "no name servers");
    let Ok(question) = Name::from_ascii(full).map(|name| Query::query(name, kind)) else {
        return Err(Failure::other(full, None, "cannot marshal DNS message"));
    };
    for at in 0..count * servers.attempts {
        let server = servers.servers[(first + at) % count];
        let words = match exchange(server, &question, servers).await {
            Ok(answer) => match judge(answer, kind) {
                Ok(Some(records)) => return Ok(records),
                // The name is known not to exist: nobody else will know better.
                Ok(None) => {
                    return Err(Failure::NoName { name: shown.to_owned(), server: Some(server) });
                }
                Err(words) => words.to_owned(),
            },
            Err(words) => words,
        };
        failure = Failure::other(shown, Some(server), words);
    }
    Err(failure)
}

/// What an answer says: records, that there are none, or Go's words for neither.
fn judge(answer: Message, kind: RecordType) -> Result<Option<Vec<Record>>, &'static str> {
    let about = &answer.metadata;
    match about.response_code {
        ResponseCode::NXDomain => return Ok(None),
        ResponseCode::NoError => {}
        _ => return Err("server misbehaving"),
    }
    let added = answer.edns.is_some() || !answer.additionals.is_empty();
    if !about.authoritative && !about.recursion_available && answer.answers.is_empty() && !added {
        return Err("lame referral");
    }
    let mut records = answer.answers;
    records.retain(|record| record.record_type() == kind);
    Ok((!records.is_empty()).then_some(records))
}

/// One question to one server: UDP, and TCP for an answer too long for it.
async fn exchange(
    server: SocketAddr,
    question: &Query,
    servers: &NameServers,
) -> Result<Message, String> {
    let mut message = Message::query();
    message.metadata.recursion_desired = true;
    message.metadata.authentic_data = servers.trust_ad;
    let mut edns = Edns::new();
    edns.set_max_payload(PACKET);
    message.add_query(question.clone()).set_edns(edns);
    let asked = message.to_vec().map_err(|_| "cannot marshal DNS message".to_owned())?;
    let id = message.metadata.id;
    if !servers.tcp {
        let answer = over_udp(server, id, question, &asked, servers).await?;
        if !answer.metadata.truncation {
            return Ok(answer);
        }
    }
    over_tcp(server, id, question, &asked, servers).await
}

async fn over_udp(
    server: SocketAddr,
    id: u16,
    question: &Query,
    asked: &[u8],
    servers: &NameServers,
) -> Result<Message, String> {
    let deadline = Instant::now() + servers.timeout;
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let dial = |err| format!("dial udp {server}: connect: {}", words(&err));
    let socket = UdpSocket::bind((any, 0)).await.map_err(dial)?;
    // Connected: then only this server is heard, and that nobody listens there.
    socket.connect(server).await.map_err(dial)?;
    let between = Between::new("udp", socket.local_addr(), server);
    between.within(deadline, "write", socket.send(asked)).await?;
    let mut packet = vec![0; usize::from(PACKET)];
    loop {
        let length = between.within(deadline, "read", socket.recv(&mut packet)).await?;
        // What does not belong to the question may be forged: wait on.
        if let Some(answer) = belonging(&packet[..length], id, question) {
            return answer;
        }
    }
}

async fn over_tcp(
    server: SocketAddr,
    id: u16,
    question: &Query,
    asked: &[u8],
    servers: &NameServers,
) -> Result<Message, String> {
    let deadline = Instant::now() + servers.timeout;
    let mut stream = match timeout_at(deadline, TcpStream::connect(server)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(err)) => return Err(format!("dial tcp {server}: connect: {}", words(&err))),
        Err(_) => return Err(format!("dial tcp {server}: i/o timeout")),
    };
    let between = Between::new("tcp", stream.local_addr(), server);
    let length = u16::try_from(asked.len()).map_err(|_| "cannot marshal DNS message")?;
    let framed = [&length.to_be_bytes(), asked].concat();
    between.within(deadline, "write", stream.write_all(&framed)).await?;
    let length = between.within(deadline, "read", stream.read_u16()).await?;
    let mut packet = vec![0; usize::from(length)];
    between.within(deadline, "read", stream.read_exact(&mut packet)).await?;
    belonging(&packet, id, question).unwrap_or_else(|| Err("invalid DNS response".to_owned()))
}

/// An answer to this question, or `None` for anything else.
fn belonging(packet: &[u8], id: u16, question: &Query) -> Option<Result<Message, String>> {
    if packet.first_chunk::<2>() != Some(&id.to_be_bytes()) {
        return None;
    }
    let Ok(answer) = Message::from_vec(packet) else {
        return Some(Err("cannot unmarshal DNS message".to_owned()));
    };
    let belongs = answer.metadata.message_type == MessageType::Response
        && answer.queries.first().is_some_and(|asked| {
            asked.query_type() == question.query_type()
                && asked.query_class() == question.query_class()
                && asked.name() == question.name()
        });
    belongs.then_some(Ok(answer))
}

/// Two ends, for Go's words: `read udp 127.0.0.1:40000->127.0.0.1:53: i/o timeout`.
struct Between {
    network: &'static str,
    local: Option<SocketAddr>,
    server: SocketAddr,
}

impl Between {
    fn new(network: &'static str, local: io::Result<SocketAddr>, server: SocketAddr) -> Self {
        Self { network, local: local.ok(), server }
    }

    async fn within<T>(
        &self,
        deadline: Instant,
        what: &str,
        work: impl Future<Output = io::Result<T>>,
    ) -> Result<T, String> {
        let words = match timeout_at(deadline, work).await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(err)) if err.kind() == io::ErrorKind::UnexpectedEof => {
                return Err("EOF".to_owned());
            }
            Ok(Err(err)) => format!("{what}: {}", words(&err)),
            Err(_) => "i/o timeout".to_owned(),
        };
        let (network, server) = (self.network, self.server);
        Err(match self.local {
            Some(local) => format!("{what} {network} {local}->{server}: {words}"),
            None => format!("{what} {network} {server}: {words}"),
        })
    }
}

fn words(err: &io::Error) -> String {
    crate::cluster::system_words(err)
}

/// Go's `isDomainName`: letters, digits, hyphens, underscores; labels of 63, names of 253.
pub fn is_domain_name(name: &str) -> bool {
    if name == "." {
        return true;
    }
    let bare = name.strip_suffix('.').unwrap_or(name);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    bare.len() <= 253
        && bare.split('.').all(label)
        && bare.bytes().any(|byte| byte.is_ascii_alphabetic() || b"-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged_as_by_go() {
        let long = "x".repeat(63);
        for (name, wanted) in [
            ("a.test", true),
            ("a.test.", true),
            (".", true),
            ("_etcd-client._tcp.a.test", true),
            ("127.0.0.1", false),
            ("_x.127.0.0.1", true),
            ("", false),
            ("a..test", false),
            ("a b", false),
            ("über.test", false),
            ("-a.test", false),
            ("a-.test", false),
            (&long, true),
            (&format!("{long}x"), false),
            (&[long.as_str(); 4].join("."), false),
        ] {
            assert_eq!(is_domain_name(name), wanted, "{name}");
        }
    }
}
