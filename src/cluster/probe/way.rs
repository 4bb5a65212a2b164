//! The way to one endpoint: its name, a connection, TLS, the first word in HTTP/2. One attempt each, as the dialer
//! makes them, and where it ended.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::Instant;
use tokio_rustls::rustls::ClientConnection;

use crate::cluster::cause::Cause;
use crate::cluster::conn::Conn;
use crate::cluster::dial::{by, race, resolve, shake};
use crate::cluster::endpoint::{Endpoint, Place};
use crate::cluster::inquiry::closer;
use crate::cluster::proxy::Proxy;
use crate::cluster::target::Target;
use crate::cluster::tls::{Tls, TlsCause, Validity};

/// The stages of the way, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    Name,
    Tcp,
    Tls,
    Http2,
}

/// What the way showed, as far as it led.
#[derive(Clone, Debug, Default)]
pub struct Way {
    pub named: Option<Named>,
    pub connected: Option<Connected>,
    pub secured: Option<Secured>,
    /// How long the server took for its first word.
    pub heard: Option<Duration>,
    /// The server's certificate, where it was refused.
    pub refused: Option<Validity>,
    /// Where the way ended before its end, and why.
    pub end: Option<(Stage, Cause)>,
    /// Where it is to end.
    last: Option<Stage>,
}

/// What the endpoint's name came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// It was an address already.
    Address(IpAddr),
    Addresses(Vec<IpAddr>),
    /// A socket in the file system.
    Socket,
    /// The proxy asks for it.
    ByProxy,
}

/// What was connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    pub to: String,
    pub took: Duration,
}

/// What the handshake showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secured {
    /// As in `TLS 1.3`.
    pub version: &'static str,
    /// Whether the certificate was checked.
    pub verified: bool,
    /// The certificates that the server presented, and the given CA behind them.
    pub chain: Vec<Validity>,
    pub took: Duration,
}

impl Way {
    /// Goes it, until `deadline`.
    pub async fn go(
        target: &Arc<Target>,
        endpoint: &Endpoint,
        deadline: Instant,
        last: Stage,
    ) -> Self {
        let way = Self { last: Some(last), ..Self::default() };
        let mut way = way.lead(target, endpoint, deadline).await;
        if let Some((stage, cause)) = &mut way.end
            && let Some(better) = closer(target, endpoint, cause).await
        {
            *cause = better;
            *stage = Stage::Http2;
        }
        way
    }

    async fn lead(self, target: &Arc<Target>, endpoint: &Endpoint, deadline: Instant) -> Self {
        let way = self;
        let begun = Instant::now();
        let late = (Some(deadline), Cause::Unreached);
        match &endpoint.place {
            Place::Nowhere(why) => way.ends(Stage::Name, Cause::Address(why.clone())),
            Place::Unix(path) => {
                let connecting = async {
                    UnixStream::connect(path).await.map_err(|err| Cause::of_connect(&err))
                };
                let way = Self { named: Some(Named::Socket), ..way };
                match by(late.0, late.1, connecting).await {
                    Ok(stream) => {
                        let way = way.connects(path.display().to_string(), begun);
                        way.onward(stream, target, endpoint, deadline).await
                    }
                    Err(cause) => way.ends(Stage::Tcp, cause),
                }
            }
            Place::Tcp { host, port } => {
                if let Some(proxy) = Proxy::for_host(host, *port) {
                    let way = Self { named: Some(Named::ByProxy), ..way };
                    return match by(late.0, late.1, proxy.tunnel(host, *port)).await {
                        Ok(stream) => {
                            let way =
                                way.connects(format!("{host}:{port} through the proxy"), begun);
                            way.onward(stream, target, endpoint, deadline).await
                        }
                        Err(cause) => way.ends(Stage::Tcp, cause),
                    };
                }
                match by(late.0, late.1, resolve(host, *port)).await {
                    Ok(addresses) => {
                        let named = match addresses.as_slice() {
                            [one] if host.parse() == Ok(one.ip()) => Named::Address(one.ip()),
                            all => Named::Addresses(all.iter().map(SocketAddr::ip).collect()),
                        };
                        let way = Self { named: Some(named), ..way };
                        way.by_any(addresses, target, endpoint, deadline).await
                    }
                    Err(cause) => way.ends(Stage::Name, cause),
                }
            }
        }
    }

    /// Of several addresses the one whose server speaks first, else the one that leads furthest.
    async fn by_any(
        self,
        addresses: Vec<SocketAddr>,
        target: &Arc<Target>,
        endpoint: &Endpoint,
        deadline: Instant,
    ) -> Self {
        let ways = race(addresses.len(), |position, failed| {
            let (way, address) = (self.clone(), addresses.get(position).copied());
            let (target, endpoint) = (Arc::clone(target), endpoint.clone());
            async move {
                let way = way.by_one(address, &target, &endpoint, deadline).await;
                failed.notify_one();
                if way.end.is_none() { Ok(way) } else { Err(way) }
            }
        });
        let stage = |way: &Self| way.end.as_ref().map(|(stage, _)| *stage);
        match ways.await {
            Ok(way) => way,
            Err(ways) => {
                let furthest = ways.into_iter().map(|(_, way)| way).max_by_key(stage);
                furthest.unwrap_or_else(|| self.ends(Stage::Tcp, Cause::Unreached))
            }
        }
    }

    async fn by_one(
        self,
        address: Option<SocketAddr>,
        target: &Target,
        endpoint: &Endpoint,
        deadline: Instant,
    ) -> Self {
        let Some(address) = address else { return self.ends(Stage::Tcp, Cause::Unreached) };
        let begun = Instant::now();
        let connecting =
            async { TcpStream::connect(address).await.map_err(|err| Cause::of_connect(&err)) };
        match by(Some(deadline), Cause::Unreached, connecting).await {
            Ok(stream) => {
                let way = self.connects(address.to_string(), begun);
                way.onward(stream, target, endpoint, deadline).await
            }
            Err(cause) => self.ends(Stage::Tcp, cause),
        }
    }

    /// From a stream to the first word of HTTP/2.
    async fn onward<S>(
        mut self,
        stream: S,
        target: &Target,
        endpoint: &Endpoint,
        deadline: Instant,
    ) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        if self.last == Some(Stage::Tcp) {
            return self;
        }
        let at = (0, endpoint);
        let started = if let Some(tls) = &target.tls {
            let begun = Instant::now();
            let (config, notes) = tls.connection();
            let shaken = shake(stream, (config, Arc::clone(&notes)), tls, endpoint);
            match by(Some(deadline), Cause::Silent, shaken).await {
                Ok((stream, shaken)) => {
                    let session = stream.get_ref().1;
                    self.secured = Some(secured(session, tls, begun));
                    if session.alpn_protocol() != Some(b"h2") {
                        return self.ends(Stage::Http2, shaken.cause(TlsCause::NoHttp2));
                    }
                    Conn::start(stream, at, Some(shaken), target.keep_alive).await
                }
                Err(cause) => {
                    self.refused = notes.refused_validity();
                    return self.ends(Stage::Tls, cause);
                }
            }
        } else {
            Conn::start(stream, at, None, target.keep_alive).await
        };
        let begun = Instant::now();
        let heard = async { started?.first_word().await };
        match by(Some(deadline), Cause::Silent, heard).await {
            Ok(()) => Self { heard: Some(begun.elapsed()), ..self },
            Err(cause) => self.ends(Stage::Http2, cause),
        }
    }

    fn connects(self, to: String, begun: Instant) -> Self {
        Self { connected: Some(Connected { to, took: begun.elapsed() }), ..self }
    }

    /// What a cause is about counts, rather than when it came to light: a client certificate is refused after the
    /// handshake.
    fn ends(self, stage: Stage, cause: Cause) -> Self {
        let stage = match &cause {
            Cause::Tls(TlsCause::NoHttp2, _) => Stage::Http2,
            Cause::Tls(..) | Cause::WantsTls => Stage::Tls,
            _ => stage,
        };
        Self { end: Some((stage, cause)), ..self }
    }
}

fn secured(session: &ClientConnection, tls: &Tls, begun: Instant) -> Secured {
    let version = match session.protocol_version() {
        Some(tokio_rustls::rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
        _ => "TLS 1.2",
    };
    let chain = tls.chain(session.peer_certificates().unwrap_or_default());
    Secured { version, verified: tls.verifies(), chain, took: begun.elapsed() }
}
