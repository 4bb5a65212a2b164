//! One HTTP/2 connection, and what was noticed on it: whether the server ever spoke, and how it broke.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::uri::{Authority, Scheme};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;

use super::cause::Cause;
use super::endpoint::Endpoint;
use super::grpc::Body;
use super::tls::{self, TlsCause, TlsFiles};

/// Stream and connection windows: a smaller one waits for the network on a long round trip,
/// a larger one gains nothing (measured with delays of 10 and 50 ms), and memory is not reserved.
const WINDOW: u32 = 32 << 20;

/// How a connection is kept alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// Pings while a stream is open; zero for none.
    pub every: Duration,
    /// How long an answer may take; zero for grpc-go's own 20 s.
    pub timeout: Duration,
}

impl KeepAlive {
    /// grpc-go's own floor: a server counts pings less than 5 s apart as abuse and hangs up.
    const FLOOR: Duration = Duration::from_secs(10);
    const OWN_TIMEOUT: Duration = Duration::from_secs(20);
}

/// What is known of a connection's TLS when it breaks.
#[derive(Clone)]
pub struct Shaken {
    pub notes: Arc<tls::Notes>,
    pub files: TlsFiles,
}

impl Shaken {
    pub fn cause(&self, why: TlsCause) -> Cause {
        Cause::Tls(why, Box::new(self.files.clone()))
    }
}

/// What the reading half has seen.
#[derive(Default)]
struct Notes {
    /// The first bytes that the server sent, at most sixteen.
    first: Vec<u8>,
    /// The TLS error that ended reading.
    tls: Option<rustls::Error>,
    /// How the connection ended.
    end: Option<String>,
}

/// A connection that the whole program shares.
pub struct Conn {
    send: http2::SendRequest<Body>,
    notes: Arc<Mutex<Notes>>,
    spoke: watch::Receiver<bool>,
    /// The position of its endpoint among those given.
    pub endpoint: usize,
    scheme: Scheme,
    authority: Authority,
    shaken: Option<Shaken>,
}

impl Conn {
    /// Starts HTTP/2 on a stream. Returns before the server has said anything.
    pub async fn start<S>(
        stream: S,
        endpoint: (usize, &Endpoint),
        shaken: Option<Shaken>,
        alive: KeepAlive,
    ) -> Result<Self, Cause>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let notes = Arc::new(Mutex::new(Notes::default()));
        let (speaks, spoke) = watch::channel(false);
        let watched = Watched { stream, notes: Arc::clone(&notes), speaks };
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW);
        if !alive.every.is_zero() {
            let timeout =
                if alive.timeout.is_zero() { KeepAlive::OWN_TIMEOUT } else { alive.timeout };
            builder
                .keep_alive_interval(alive.every.max(KeepAlive::FLOOR))
                .keep_alive_timeout(timeout)
                .keep_alive_while_idle(false);
        }
        let (send, driver) = builder
            .handshake(TokioIo::new(watched))
            .await
            .map_err(|err| Cause::Lost(chain(&err)))?;
        let end = Arc::clone(&notes);
        tokio::spawn(async move {
            let text = match driver.await {
                Ok(()) => "closed".to_owned(),
                Err(err) => chain(&err),
            };
            lock(&end).end = Some(text);
        });
        let (index, endpoint) = endpoint;
        // A socket's file name need not be an authority; any will do there.
        let authority = endpoint.authority.parse();
        let authority = authority.unwrap_or_else(|_| Authority::from_static("localhost"));
        let scheme = if shaken.is_some() { Scheme::HTTPS } else { Scheme::HTTP };
        Ok(Self { send, notes, spoke, endpoint: index, scheme, authority, shaken })
    }

    /// Resolves once the server has said its first byte, or the connection has ended.
    pub async fn first_word(&self) -> Result<(), Cause> {
        let mut spoke = self.spoke.clone();
        let heard = spoke.wait_for(|spoke| *spoke).await.is_ok();
        if heard { self.verdict().map_or(Ok(()), Err) } else { Err(self.broken("closed")) }
    }

    /// Whether it can take another request.
    #[must_use]
    pub fn is_live(&self) -> bool {
        !self.send.is_closed()
    }

    /// Sends a request. `Err(Some(request))`: it was never sent, and may be sent elsewhere.
    pub async fn send(
        &self,
        mut request: Request<Body>,
    ) -> Result<Response<Incoming>, (Option<Request<Body>>, Cause)> {
        let mut parts = std::mem::take(request.uri_mut()).into_parts();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
        let mut send = self.send.clone();
        if let Err(err) = send.ready().await {
            return Err((Some(request), self.broken(&chain(&err))));
        }
        match send.try_send_request(request).await {
            Ok(response) => Ok(response),
            Err(mut err) => {
                let request = err.take_message();
                let why = chain(&err.into_error());
                Err((request, self.broken(&why)))
            }
        }
    }

    /// Why this connection failed: what was noticed on it first, else `why`.
    #[must_use]
    pub fn broken(&self, why: &str) -> Cause {
        if let Some(cause) = self.verdict() {
            return cause;
        }
        let notes = lock(&self.notes);
        if notes.first.is_empty() {
            return match &self.shaken {
                Some(shaken) if shaken.notes.client_certificate_missing() => {
                    shaken.cause(TlsCause::ClientCertDemanded)
                }
                Some(_) => Cause::Lost("closed right after the TLS handshake".to_owned()),
                None => Cause::HungUp,
            };
        }
        Cause::Lost(notes.end.clone().unwrap_or_else(|| why.to_owned()))
    }

    /// Whether the server has said anything yet.
    #[must_use]
    pub fn has_spoken(&self) -> bool {
        *self.spoke.borrow()
    }

    /// A cause that the first bytes or a TLS alert make certain.
    fn verdict(&self) -> Option<Cause> {
        const TLS_ALERT: u8 = 0x15;
        let notes = lock(&self.notes);
        if let (Some(err), Some(shaken)) = (&notes.tls, &self.shaken) {
            return Some(shaken.cause(TlsCause::explain(err, &shaken.notes)));
        }
        match notes.first.as_slice() {
            [TLS_ALERT, ..] => Some(Cause::WantsTls),
            first if first.starts_with(b"HTTP/") => {
                let words = String::from_utf8_lossy(first);
                Some(Cause::NotHttp2(format!("it answers {:?}", words.lines().next()?)))
            }
            _ => None,
        }
    }
}

/// An error with the errors below it: hyper's own text is only its kind.
pub fn chain(err: &dyn std::error::Error) -> String {
    let mut text = err.to_string();
    let mut below = err.source();
    while let Some(err) = below {
        text = format!("{text}: {err}");
        below = err.source();
    }
    text
}

fn lock(notes: &Mutex<Notes>) -> MutexGuard<'_, Notes> {
    notes.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A stream that takes notes as it is read: HTTP/2 would reduce them to a text.
struct Watched<S> {
    stream: S,
    notes: Arc<Mutex<Notes>>,
    speaks: watch::Sender<bool>,
}

impl<S: AsyncRead + Unpin> Watched<S> {
    /// A server that refuses us says why and hangs up, and our next write may break before that was
    /// read: a failed write waits until the reading half has had its say.
    fn listen_first<T>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if matches!(polled, Poll::Ready(Err(_))) && !*self.speaks.borrow() {
            let mut rest = [0; 64];
            // What is said, or how it ended, is in the notes; the write has failed all the same.
            let _ = std::task::ready!(self.as_mut().poll_read(cx, &mut ReadBuf::new(&mut rest)));
        }
        polled
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        match &polled {
            Poll::Ready(Ok(())) if !*self.speaks.borrow() => {
                let heard = buf.filled().get(before..).unwrap_or_default();
                if !heard.is_empty() {
                    lock(&self.notes).first.extend(heard.iter().take(16));
                    self.speaks.send_replace(true);
                }
            }
            Poll::Ready(Err(err)) => {
                let tls = err.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
                if let Some(tls) = tls {
                    lock(&self.notes).tls = Some(tls.clone());
                }
            }
            _ => {}
        }
        polled
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.listen_first(cx, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.listen_first(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(cx);
        self.listen_first(cx, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
