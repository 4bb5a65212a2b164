//! Why a server could not be reached or did not answer: a closed vocabulary, each with a sentence and a way out.

use std::fmt;
use std::io;

use super::system_words;
use super::tls::{TlsCause, TlsFiles};

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
            Self::Slow(_) => {
                "more time: --command-timeout; a member without a leader answers only --consistency=s"
            }
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
            Self::Slow(limit) => write!(f, "no answer within {limit}"),
        }
    }
}

/// The causes of one failure, an endpoint each, in the order the endpoints were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Causes(pub Vec<(String, Cause)>);

impl Causes {
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
