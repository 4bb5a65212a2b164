//! Why a server could not be reached or did not answer: a closed vocabulary, each with a sentence and a way out.

use std::fmt;
use std::io;

use super::system_words;
use super::tls::{TlsCause, TlsFiles};
use crate::go::size::bytes;

/// One reason, for one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The endpoint's text is no address.
    Address(String),
    /// No address for the host's name.
    NameNotFound { host: String, why: String },
    /// Nothing listens there.
    Refused,
    /// The network has no way there.
    NoRoute(String),
    /// The socket's file is not there or may not be used.
    Socket(String),
    /// No connection within the time given.
    Unreached,
    /// The connection stands, but nothing was said on it.
    Silent,
    /// The proxy of `HTTPS_PROXY` did not let us through.
    Proxy(String),
    /// The TLS handshake failed.
    Tls(TlsCause, Box<TlsFiles>),
    /// Plain text was spoken to a port that wants TLS.
    WantsTls,
    /// Plain text was spoken, and the other side hung up: most often it wants TLS.
    HungUp,
    /// Something answers, but not in HTTP/2: a proxy, a web server.
    NotHttp2(String),
    /// The connection broke after it had worked.
    Lost(String),
    /// The connection stands, but the answer took longer than `--command-timeout`.
    Slow(String),
    /// The server's own words, for what it could not do in time.
    Server(String),
    /// Members speak to each other there.
    PeerPort { clients: Vec<String> },
    /// The server was reached, and says no.
    Answered(Refusal),
}

/// Why a server that answers says no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No such user, or another password.
    Password { user: Option<String> },
    /// It knows no users.
    AuthenticationOff,
    /// It wants to know who asks.
    NobodyAsks,
    /// The user lacks a permission; what for, to follow "may not".
    Denied { user: Option<String>, what: Option<String> },
    /// Most members are not there.
    NoLeader,
    /// The database has reached its quota: sizes in bytes, 0 where they are not told.
    NoSpace { size: u64, in_use: u64, quota: u64, revision: i64 },
    /// The revision is gone; the oldest that is there.
    Compacted { oldest: Option<i64> },
    /// The request is longer than the server takes, in bytes.
    TooLarge { size: usize },
    /// The server has no such call; its version.
    UnknownRpc { name: String, version: Option<String> },
}

impl Refusal {
    fn hint(&self) -> String {
        let hint = match self {
            Self::Password { .. } => {
                "check --user and --password; `etcdctl user list` names the users to who may ask"
            }
            Self::AuthenticationOff => {
                "leave --user and --password out, or turn it on with `etcdctl auth enable`"
            }
            Self::NobodyAsks => {
                "name a user with --user NAME, and the password with --password-file FILE"
            }
            Self::Denied { what: None, .. } => "ask as a user with the role root: --user",
            Self::Denied { .. } => {
                "`etcdctl role grant-permission ROLE read|write|readwrite KEY [END]` permits it"
            }
            Self::NoLeader => {
                "most of the members must run and reach each other: `etcdctl endpoint status --cluster`; without them get answers only with --consistency=s"
            }
            Self::NoSpace { revision, .. } => {
                let revision = match revision {
                    0 => "latest".to_owned(),
                    revision => revision.to_string(),
                };
                return format!(
                    "make room with `etcdctl compaction {revision}`, `etcdctl defrag --cluster`, `etcdctl alarm disarm`"
                );
            }
            Self::Compacted { oldest: Some(oldest) } => {
                return format!("ask for revision {oldest} or a later one");
            }
            Self::Compacted { oldest: None } => "ask for a later revision",
            Self::TooLarge { .. } => {
                "write less at once; the limit is the server's --max-request-bytes (1.5 MiB unless set)"
            }
            Self::UnknownRpc { .. } => "it needs a newer etcd",
        };
        hint.to_owned()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = |user: &Option<String>| match user {
            Some(user) => format!("the user {user:?}"),
            None => "this user".to_owned(),
        };
        match self {
            Self::Password { user: Some(user) } => {
                write!(f, "there is no user {user:?}, or the password is another")
            }
            Self::Password { user: None } => {
                f.write_str("there is no such user, or the password is another")
            }
            Self::AuthenticationOff => {
                f.write_str("the server knows no users: authentication is off")
            }
            Self::NobodyAsks => {
                f.write_str("the server wants to know who asks: authentication is on")
            }
            Self::Denied { user, what: Some(what) } => write!(f, "{} may not {what}", who(user)),
            Self::Denied { user, what: None } => {
                write!(f, "{} may not do this, which takes the role root", who(user))
            }
            Self::NoLeader => {
                f.write_str("the cluster has no leader: most of its members are not there")
            }
            Self::NoSpace { size, in_use, quota, .. } => {
                let used = format!("{} of it in use", bytes(*in_use));
                match quota {
                    _ if *size == 0 => f.write_str("the database has reached its quota"),
                    0 => write!(
                        f,
                        "the database has reached its quota: it has {}, {used}",
                        bytes(*size)
                    ),
                    quota => write!(
                        f,
                        "the database has reached its quota: it has {} ({size} bytes) of {} ({quota} bytes), {used}",
                        bytes(*size),
                        bytes(*quota)
                    ),
                }
            }
            Self::Compacted { oldest: Some(oldest) } => {
                write!(f, "that revision has been compacted; the oldest there is {oldest}")
            }
            Self::Compacted { oldest: None } => f.write_str("that revision has been compacted"),
            Self::TooLarge { size } => {
                write!(f, "the request has {size} bytes, more than the server takes")
            }
            Self::UnknownRpc { name, version: Some(version) } => {
                write!(f, "the server, etcd {version}, does not know the call {name}")
            }
            Self::UnknownRpc { name, version: None } => {
                write!(f, "the server does not know the call {name}")
            }
        }
    }
}

impl Cause {
    /// Sorts a failed `connect`.
    #[must_use]
    pub fn of_connect(err: &io::Error) -> Self {
        match err.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::TimedOut => Self::Unreached,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                Self::NoRoute(system_words(err))
            }
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => {
                Self::Socket(system_words(err))
            }
            _ => Self::NoRoute(system_words(err)),
        }
    }

    /// Whether the same attempt, made again, would fail again.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::Address(_)
            | Self::NameNotFound { .. }
            | Self::Tls(..)
            | Self::WantsTls
            | Self::NotHttp2(_)
            | Self::PeerPort { .. }
            | Self::Answered(_)
            | Self::Proxy(_) => true,
            Self::Refused
            | Self::NoRoute(_)
            | Self::Socket(_)
            | Self::Unreached
            | Self::Silent
            | Self::HungUp
            | Self::Lost(_)
            | Self::Slow(_)
            | Self::Server(_) => false,
        }
    }

    /// The more telling of two attempts' causes: the last one, unless it only ran out of time.
    #[must_use]
    pub fn after(self, earlier: Option<Self>) -> Self {
        match (self, earlier) {
            (Self::Silent | Self::Unreached, Some(earlier)) => earlier,
            (last, _) => last,
        }
    }

    /// What to do about it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Address(_) => "an endpoint is HOST:PORT or a URL; clients' port is usually 2379",
            Self::Refused => {
                "is etcd running, and is this its client URL? name another with --endpoints"
            }
            Self::NameNotFound { .. } => "check the name, or give an IP address with --endpoints",
            Self::Socket(_) => "is etcd running, and is this its socket?",
            Self::Tls(cause, files) => return cause.hint(files),
            Self::WantsTls | Self::HungUp => {
                "the port probably wants TLS: use https:// and --cacert, --cert, --key"
            }
            Self::NotHttp2(_) => {
                "an etcd client needs the server's client port, with no HTTP/1 proxy between"
            }
            Self::Unreached | Self::Silent => {
                "is that etcd's client port? more time: --dial-timeout"
            }
            Self::Slow(_) => "more time: --command-timeout",
            Self::PeerPort { clients } if !clients.is_empty() => {
                return Some(format!("clients are answered at {}", clients.join(", ")));
            }
            Self::PeerPort { .. } => {
                "a client needs the server's client port, which is usually 2379"
            }
            Self::Answered(why) => return Some(why.hint()),
            Self::NoRoute(_) | Self::Proxy(_) | Self::Lost(_) | Self::Server(_) => return None,
        };
        Some(hint.to_owned())
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(why) | Self::Proxy(why) | Self::Server(why) => f.write_str(why),
            Self::NameNotFound { host, why } => {
                write!(f, "no address for the name {host:?} ({why})")
            }
            Self::Refused => f.write_str("connection refused"),
            Self::NoRoute(why) => write!(f, "could not connect ({why})"),
            Self::Socket(why) => write!(f, "could not open the socket ({why})"),
            Self::Unreached => f.write_str("no connection within the dial timeout"),
            Self::Silent => f.write_str("connected, but the server says nothing"),
            Self::Tls(cause, files) => f.write_str(&cause.sentence(files)),
            Self::WantsTls => f.write_str("the server speaks TLS, and was spoken to in plain text"),
            Self::HungUp => f.write_str("the server hung up without a word"),
            Self::NotHttp2(what) => write!(f, "the server does not speak HTTP/2 ({what})"),
            Self::Lost(why) => write!(f, "the connection was lost ({why})"),
            Self::PeerPort { .. } => {
                f.write_str("members speak to each other there: it is a peer port")
            }
            Self::Answered(why) => why.fmt(f),
            Self::Slow(limit) => write!(f, "no answer within {limit}"),
        }
    }
}

/// The causes of one failure, an endpoint each, in the order the endpoints were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Causes(pub Vec<(String, Cause)>);

impl Causes {
    /// The more telling of two attempts' causes, for each endpoint.
    #[must_use]
    pub fn after(self, earlier: &Self) -> Self {
        let named = |name: &str| earlier.0.iter().find(|(other, _)| other == name);
        let told = |(name, cause): (String, Cause)| {
            let before = named(&name).map(|(_, cause)| cause.clone());
            (name, cause.after(before))
        };
        Self(self.0.into_iter().map(told).collect())
    }

    /// Puts them above an error's last line, with the first way out that one of them knows.
    #[must_use]
    pub fn explain(&self, mut error: crate::error::Error) -> crate::error::Error {
        for (endpoint, cause) in &self.0 {
            error = error.because(format_args!("{endpoint}: {cause}"));
        }
        match self.0.iter().find_map(|(_, cause)| cause.hint()) {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}
