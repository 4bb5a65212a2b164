//! What to reach and how, resolved and checked, before anything is connected.

use std::sync::Arc;
use std::time::Duration;

use super::conn::KeepAlive;
use super::endpoint::{Endpoint, Transport};
use super::tls::Tls;
use crate::secret::Secret;
use crate::terminal;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// Nobody, or whoever the client certificate names.
    None,
    /// A name and a password, changed for a token before the first request.
    Password { user: String, password: Secret },
    /// A token given by the user, never renewed.
    Token(Secret),
}

/// The most bytes of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub send: usize,
    pub receive: usize,
}

impl Limits {
    /// etcd's `defaultClientMaxCallSendMsgSize` and grpc's `MaxInt32` (`client/v3/options.go`).
    pub const OFFICIAL: Self = Self { send: 2 << 20, receive: i32::MAX as usize };
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// First contact with a server; `None` leaves it to the command's own time.
    pub dial: Option<Duration>,
    /// One unary call, connecting included; zero is over before it begins, as in the official client.
    pub command: Duration,
}

/// A cluster that can be connected to.
#[derive(Clone, Debug)]
pub struct Target {
    pub endpoints: Vec<Endpoint>,
    /// What TLS needs, where it is spoken at all.
    pub tls: Option<Arc<Tls>>,
    pub login: Login,
    pub patience: Patience,
    pub keep_alive: KeepAlive,
    pub limits: Limits,
    /// Calls and retries are told on stderr (`--debug`).
    pub debug: bool,
}

impl Target {
    /// Tells what happens, where that was asked for. Requests' contents and tokens are never told.
    pub fn tell(&self, what: std::fmt::Arguments<'_>) {
        if self.debug {
            terminal::tell(&format!("debug: {what}"));
        }
    }

    /// Tells whoever follows a stream that it was interrupted, or goes on.
    pub fn say(&self, what: std::fmt::Arguments<'_>) {
        terminal::tell(&what.to_string());
    }
}

/// Whether TLS is spoken: the first endpoint decides for all
/// (etcdctl 3.7.1, `clientv3.Client.dialWithBalancer`).
#[must_use]
pub fn speaks_tls(endpoints: &[Endpoint], asked_for: bool) -> bool {
    match endpoints.first().map(|first| first.transport) {
        Some(Transport::Tls) => true,
        Some(Transport::Plain) | None => false,
        Some(Transport::Either) => asked_for,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_endpoint_decides_for_all() {
        let speaks = |texts: &[&str], asked_for| {
            let endpoints: Vec<_> = texts.iter().map(|text| Endpoint::parse(text)).collect();
            speaks_tls(&endpoints, asked_for)
        };
        assert!(speaks(&["https://a:1", "b:1"], false));
        assert!(!speaks(&["b:1", "https://a:1"], false));
        assert!(speaks(&["b:1", "http://a:1"], true));
        assert!(!speaks(&["http://a:1", "https://a:1"], true));
        assert!(speaks(&["unixs:/run/e"], false));
        assert!(!speaks(&[], true));
    }
}
