//! The shared connection: made when first needed, made again when it breaks, with the headers of every request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Request, header};
use http_body::Body as _;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep, timeout_at};

use super::cause::{Cause, Causes};
use super::conn::{Conn, chain};
use super::dial;
use super::grpc::{self, Body, PREFIX, Status};
use super::target::Target;

/// What the official client calls itself, and the API it speaks: a server may refuse others.
const USER_AGENT: HeaderValue = HeaderValue::from_static("grpc-go/1.82.1");
const API_VERSION: HeaderValue = HeaderValue::from_static("3.7");

/// Pause before a connection that failed without a word is made again.
const PAUSE: Duration = Duration::from_millis(100);

/// Why a request got no answer.
#[derive(Debug)]
pub enum Failure {
    /// No server could be reached: nothing was sent.
    Unreached(Causes),
    /// It was sent to this endpoint, and the connection broke.
    Lost(String, Cause),
    /// This endpoint answered with an error.
    Status(String, Status),
}

/// A request, ready to be sent more than once.
pub struct Ask {
    pub path: &'static str,
    pub message: Bytes,
    /// Sent as `grpc-timeout`, so that the server stops working when we stop waiting.
    pub timeout: Option<Duration>,
    /// Neither a token nor a login goes with it: it is the login.
    pub anonymous: bool,
    /// A member without a leader is to refuse it, rather than wait.
    pub needs_leader: bool,
}

/// What is sent on a stream after its first message.
pub type Outgoing = UnboundedSender<Bytes>;

/// The connection that one cluster's requests share.
pub struct Link {
    pub target: Arc<Target>,
    conn: Mutex<Shared>,
    dialling: tokio::sync::Mutex<()>,
    token: Mutex<Option<HeaderValue>>,
}

struct Shared {
    conn: Option<Arc<Conn>>,
    /// The endpoint to try first: any at the start, so that many short runs spread over all.
    first: usize,
}

impl Link {
    /// Connects to nothing yet.
    #[must_use]
    pub fn new(target: Target) -> Self {
        let first = fastrand::usize(..target.endpoints.len().max(1));
        Self {
            target: Arc::new(target),
            conn: Mutex::new(Shared { conn: None, first }),
            dialling: tokio::sync::Mutex::default(),
            token: Mutex::default(),
        }
    }

    /// The token that goes with every request from now on.
    pub fn set_token(&self, token: Option<HeaderValue>) {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = token;
    }

    #[must_use]
    pub fn has_token(&self) -> bool {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Gives up the present connection: the next request tries another endpoint first.
    pub fn move_on(&self) {
        let mut shared = self.shared();
        if let Some(conn) = shared.conn.take() {
            shared.first = (conn.endpoint + 1) % self.target.endpoints.len().max(1);
        }
    }

    /// Sends a request and returns once the answer's head is there. A server that was never heard is
    /// waited for until the dial timeout, or `deadline` if that comes first.
    pub async fn open(&self, ask: &Ask, deadline: Option<Instant>) -> Result<Incoming, Failure> {
        self.send(ask, deadline, || Body::One(Some(ask.message.clone()))).await
    }

    /// The same for a stream of both sides, whose first message is that of `ask`.
    pub async fn converse(&self, ask: &Ask) -> Result<(Incoming, Outgoing), Failure> {
        let (mut outgoing, _) = unbounded_channel();
        let incoming = self.send(ask, None, || {
            let (sender, messages) = unbounded_channel();
            // The other half stands just above.
            let _ = sender.send(ask.message.clone());
            outgoing = sender;
            Body::Many(messages)
        });
        let incoming = incoming.await?;
        Ok((incoming, outgoing))
    }

    /// `body` is made anew for each attempt.
    async fn send(
        &self,
        ask: &Ask,
        deadline: Option<Instant>,
        mut body: impl FnMut() -> Body,
    ) -> Result<Incoming, Failure> {
        let dial = self.target.patience.dial.map(|dial| Instant::now() + dial);
        let contact = match (dial, deadline) {
            (Some(dial), Some(deadline)) => Some(dial.min(deadline)),
            (dial, deadline) => dial.or(deadline),
        };
        let mut earlier = None;
        loop {
            let conn = self.conn(contact).await.map_err(Failure::Unreached)?;
            let name = self.target.endpoints[conn.endpoint].to_string();
            let begun = Instant::now();
            self.target.tell(format_args!("{name}: {} of {} bytes", ask.path, ask.message.len()));
            let sent = match heard(&conn, contact, conn.send(self.request(ask, body()))).await {
                Ok(sent) => sent,
                Err(silent) => Err((None, silent)),
            };
            let (unsent, cause) = match sent {
                Ok(response) => {
                    let (head, body) = response.into_parts();
                    self.target.tell(format_args!("{name}: answers after {:?}", begun.elapsed()));
                    let incoming = Incoming { body, conn, name, rest: BytesMut::new() };
                    return incoming.begin(&head);
                }
                Err((request, cause)) => (request.is_some(), cause),
            };
            self.target.tell(format_args!("{name}: {cause}"));
            let spoke = conn.has_spoken();
            self.forget(&conn);
            let late = contact.is_some_and(|contact| Instant::now() + PAUSE >= contact);
            if unsent && spoke && !late {
                continue; // an idle connection that had died: another is made at once
            }
            let hopeless = cause.is_final() || late;
            if spoke && !cause.is_final() {
                return Err(Failure::Lost(name, cause));
            }
            let cause = cause.after(earlier.take());
            if hopeless {
                return Err(Failure::Unreached(Causes(vec![(name, cause)])));
            }
            earlier = Some(cause);
            sleep(PAUSE).await;
        }
    }

    /// The live connection, or a new one.
    async fn conn(&self, deadline: Option<Instant>) -> Result<Arc<Conn>, Causes> {
        if let Some(conn) = self.live() {
            return Ok(conn);
        }
        let _one_at_a_time = self.dialling.lock().await;
        if let Some(conn) = self.live() {
            return Ok(conn);
        }
        let first = self.shared().first;
        let conn = Box::pin(dial::reach(&self.target, first, deadline)).await.map(Arc::new)?;
        self.shared().conn = Some(Arc::clone(&conn));
        Ok(conn)
    }

    fn live(&self) -> Option<Arc<Conn>> {
        self.shared().conn.as_ref().filter(|conn| conn.is_live()).cloned()
    }

    fn forget(&self, dead: &Arc<Conn>) {
        let mut shared = self.shared();
        if shared.conn.as_ref().is_some_and(|conn| Arc::ptr_eq(conn, dead)) {
            shared.conn = None;
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.conn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The request on the wire, but for scheme and authority, which the connection knows.
    fn request(&self, ask: &Ask, body: Body) -> Request<Body> {
        let mut request = Request::new(body);
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = http::Uri::from_static(ask.path);
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        headers.insert(header::USER_AGENT, USER_AGENT);
        headers.insert("client-api-version", API_VERSION);
        let timeout = ask.timeout.and_then(|left| grpc::timeout(left).try_into().ok());
        if let Some(timeout) = timeout {
            headers.insert("grpc-timeout", timeout);
        }
        if ask.needs_leader {
            headers.insert("hasleader", HeaderValue::from_static("true"));
        }
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(token) = token.filter(|_| !ask.anonymous) {
            headers.insert("token", token);
        }
        request
    }
}

/// Does `work`, unless the server says nothing at all until `deadline`.
async fn heard<T>(
    conn: &Conn,
    deadline: Option<Instant>,
    work: impl Future<Output = T>,
) -> Result<T, Cause> {
    let Some(deadline) = deadline.filter(|_| !conn.has_spoken()) else {
        return Ok(work.await);
    };
    let silent = async {
        match timeout_at(deadline, conn.first_word()).await {
            Ok(_) => std::future::pending().await,
            Err(_) => Cause::Silent,
        }
    };
    tokio::select! {
        biased;
        done = work => Ok(done),
        silent = silent => Err(silent),
    }
}

/// An answer as it arrives: message frames, then the status.
pub struct Incoming {
    body: hyper::body::Incoming,
    conn: Arc<Conn>,
    name: String,
    /// What has arrived and was not asked for yet.
    rest: BytesMut,
}

impl Incoming {
    /// Looks at the head: an error may stand there, and nothing else follow.
    fn begin(self, head: &http::response::Parts) -> Result<Self, Failure> {
        if let Some(Err(status)) = Status::read(&head.headers) {
            return Err(Failure::Status(self.name, status));
        }
        let grpc = head
            .headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
        if head.status == http::StatusCode::OK && grpc {
            return Ok(self);
        }
        let cause = Cause::NotHttp2(format!("it answers HTTP status {}", head.status));
        Err(Failure::Unreached(Causes(vec![(self.name, cause)])))
    }

    /// The endpoint that answers.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The next bytes, as they come off the network; `None` at an end that is well.
    pub async fn data(&mut self) -> Result<Option<Bytes>, Failure> {
        if !self.rest.is_empty() {
            return Ok(Some(self.rest.split().freeze()));
        }
        self.frame().await
    }

    async fn frame(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            let frame =
                std::future::poll_fn(|cx| std::pin::Pin::new(&mut self.body).poll_frame(cx));
            match frame.await {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if data.is_empty() => {}
                    Ok(data) => return Ok(Some(data)),
                    Err(frame) => match frame.trailers_ref().and_then(Status::read) {
                        Some(Ok(())) => return Ok(None),
                        Some(Err(status)) => {
                            return Err(Failure::Status(self.name.clone(), status));
                        }
                        None => {}
                    },
                },
                Some(Err(err)) => return Err(self.lost(&chain(&err))),
                None => return Err(self.lost("the answer ended without a status")),
            }
        }
    }

    /// The next whole message; `None` at an end that is well. Who stops waiting loses nothing.
    pub async fn message(&mut self, limit: usize) -> Result<Option<Bytes>, Failure> {
        loop {
            if let Some(prefix) = self.rest.first_chunk::<PREFIX>() {
                let whole = PREFIX + self.checked(*prefix, limit)?;
                if self.rest.len() >= whole {
                    return Ok(Some(self.rest.split_to(whole).freeze().split_off(PREFIX)));
                }
            }
            match self.frame().await? {
                // The usual answer is one piece: taken as it is, without a copy.
                Some(data) if self.rest.is_empty() => {
                    self.rest =
                        data.try_into_mut().unwrap_or_else(|data| BytesMut::from(&data[..]));
                }
                Some(data) => self.rest.extend_from_slice(&data),
                None if self.rest.is_empty() => return Ok(None),
                None => return Err(self.lost("the answer is cut off")),
            }
        }
    }

    /// The answer that means nothing.
    #[must_use]
    pub fn refused(&self, status: Status) -> Failure {
        Failure::Status(self.name.clone(), status)
    }

    /// The length that a prefix announces, within the limit.
    pub fn checked(&self, prefix: [u8; PREFIX], limit: usize) -> Result<usize, Failure> {
        let length = grpc::announced(prefix).map_err(|status| self.refused(status))?;
        if length > limit {
            return Err(self.refused(grpc::too_large(length, limit)));
        }
        Ok(length)
    }

    /// The answer that cannot be, or was broken off.
    #[must_use]
    pub fn lost(&self, why: &str) -> Failure {
        Failure::Lost(self.name.clone(), self.conn.broken(why))
    }
}
