//! The live cluster: where it is, how it is reached, what it answers.
//!
//! [`Cluster`] is the one place for deadlines, retries and the words of failures; [`link`] under it
//! keeps the connection. Nothing is connected before the first request.

pub mod blobs;
pub mod cause;
pub mod decode;
pub mod endpoint;
pub mod grpc;
pub mod kms;
pub mod metrics;
pub mod peek;
pub mod probe;
pub mod range;
pub mod srv;
pub mod target;
pub mod tls;
pub mod watch;

mod conn;
mod dial;
mod inquiry;
mod known;
mod lasting;
mod link;
mod proxy;
pub mod renew;
mod rpc;
pub mod session;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::HeaderValue;
use tokio::time::{Instant, sleep, timeout};
use zeroize::{Zeroize as _, Zeroizing};

use self::cause::{Cause, Causes, Refusal};
pub use self::conn::KeepAlive;
use self::grpc::{Code, Status};
use self::inquiry::Asked;
use self::link::{Ask, Failure, Link};
use self::rpc::{Method, Retry};
use self::target::{Login, Target};
use crate::error::{Error, Exit, Result};
use crate::go::errno::words as system_words;
use crate::proto::{AuthenticateRequest, AuthenticateResponse};
use crate::reply::Answer;
use crate::secret::Secret;

/// The official last line of everything that took too long.
const TOO_LATE: &str = "context deadline exceeded";

/// The official client's pause between attempts (`clientv3/options.go`, `defaultBackoffWaitBetween`).
const PAUSE: Duration = Duration::from_millis(25);

/// The dialer knows why it failed, a timer around it does not: it gets the last word.
const GRACE: Duration = Duration::from_millis(20);

/// A cluster, and the one connection to it: clones share it.
#[derive(Clone)]
pub struct Cluster {
    link: Arc<Link>,
    logged_in: Arc<AtomicBool>,
    /// The time for one call.
    patience: Duration,
}

impl Cluster {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// A token that cannot stand in a header.
    pub fn new(target: Target) -> Result<Self> {
        let token = match &target.login {
            Login::Token(token) => Some(header(token)?),
            _ => None,
        };
        let patience = target.patience.command;
        let link = Link::new(target);
        link.set_token(token);
        Ok(Self { link: Arc::new(link), logged_in: Arc::default(), patience })
    }

    /// The same cluster and connection, with another time for one call.
    #[must_use]
    pub fn patient(&self, patience: Duration) -> Self {
        Self { patience, ..self.clone() }
    }

    /// One question, one answer.
    async fn call<A, B>(&self, method: Method, ask: &A) -> Result<Answer<B>>
    where
        A: prost::Message,
        B: prost::Message + Default,
    {
        self.call_framed(method, self.framed(ask)?).await
    }

    /// The same with a question that is in its frame already.
    async fn call_framed<B>(&self, method: Method, message: bytes::Bytes) -> Result<Answer<B>>
    where
        B: prost::Message + Default,
    {
        let mut attempts = Attempts::new(self, method, self.patience()?);
        loop {
            let ask = attempts.ask(method.path, message.clone(), true);
            let deadline = attempts.deadline();
            let work = async {
                let mut incoming = self.link.open(&ask, deadline).await?;
                let limit = method.most(self.link.target.limits);
                let bytes = incoming.message(limit).await?;
                // The status comes last: only then is the answer whole.
                if bytes.is_some() && incoming.message(limit).await?.is_some() {
                    return Err(incoming.lost("a second message in a single answer"));
                }
                bytes.ok_or_else(|| incoming.lost("an answer without a message"))
            };
            match attempts.wait(work).await? {
                Ok(bytes) => {
                    let message = B::decode(bytes.clone())
                        .map_err(|err| Error::failure(undecodable(&err.to_string()).words()))?;
                    return Ok(Answer { message, bytes });
                }
                Err(failure) => attempts.weigh(failure).await?,
            }
        }
    }

    /// A message in its frame, within the limit.
    fn framed(&self, message: &impl prost::Message) -> Result<bytes::Bytes> {
        let (length, limit) = (message.encoded_len(), self.link.target.limits.send);
        if length > limit {
            let words = format!("trying to send message larger than max ({length} vs. {limit})");
            let status = Status::new(Code::RESOURCE_EXHAUSTED, words);
            let why = format!("the request has {length} bytes, and this client sends {limit}");
            return Err(Error::failure(status.words())
                .because(why)
                .hint("a larger limit: --max-request-bytes"));
        }
        Ok(grpc::frame(message))
    }

    /// The time for one call; none at all is over before it begins.
    fn patience(&self) -> Result<Duration> {
        if self.link.target.endpoints.is_empty() {
            return Err(no_endpoints());
        }
        if self.patience.is_zero() {
            return Err(
                Error::failure(TOO_LATE).because("--command-timeout leaves no time to ask in")
            );
        }
        Ok(self.patience)
    }

    /// Changes name and password for a token, once: every question does so first. A server without
    /// authentication needs none.
    ///
    /// # Errors
    /// Those of the official client while it is made, with their own status.
    pub async fn login(&self) -> Result<()> {
        match self.authenticate().await {
            Ok(()) => Ok(()),
            Err(failure) => Err(self.explained(failure, None).await.exit(Exit::BadConnection)),
        }
    }

    async fn authenticate(&self) -> Result<(), Failure> {
        let Login::Password { user, password } = &self.link.target.login else { return Ok(()) };
        if self.logged_in.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut ask =
            AuthenticateRequest { name: user.clone(), password: password.reveal().to_owned() };
        let message = grpc::frame(&ask);
        ask.password.zeroize();
        let patience = self.link.target.patience;
        let patience = patience.dial.unwrap_or(patience.command);
        let ask = Ask {
            path: Method::AUTHENTICATE.path,
            message,
            timeout: Some(patience),
            anonymous: true,
            needs_leader: false,
        };
        let deadline = Instant::now() + patience;
        let work = async {
            let mut incoming = self.link.open(&ask, Some(deadline)).await?;
            let limit = Method::AUTHENTICATE.most(self.link.target.limits);
            let bytes = incoming.message(limit).await?;
            let bytes = bytes.ok_or_else(|| incoming.lost("an answer without a message"))?;
            let answer = <AuthenticateResponse as prost::Message>::decode(bytes.clone())
                .map_err(|err| incoming.refused(undecodable(&err.to_string())))?;
            let _ = bytes.try_into_mut().map(|mut bytes| bytes.zeroize());
            header(&Secret::new(answer.token)).map_err(|err| incoming.lost(err.message()))
        };
        let outcome = match timeout(patience + GRACE, work).await {
            Ok(outcome) => outcome,
            Err(_) => Err(slow(&self.link.target, patience, "--dial-timeout")),
        };
        let token = match outcome {
            Ok(token) => Some(token),
            Err(Failure::Status(name, status))
                if status.known() == Some("authentication is not enabled") =>
            {
                // No failure there either: everybody may do everything.
                self.link.target.tell(format_args!("{name}: {}", Refusal::AuthenticationOff));
                None
            }
            Err(failure) => return Err(failure),
        };
        self.link.set_token(token);
        self.logged_in.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Whether a server gave a token for the name and the password.
    #[must_use]
    pub fn has_token(&self) -> bool {
        self.link.has_token()
    }

    /// Forgets the token, so that the next request asks for another; `false` where none can be had.
    fn log_out(&self) -> bool {
        let knows = matches!(self.link.target.login, Login::Password { .. });
        if knows {
            self.logged_in.store(false, Ordering::Relaxed);
            self.link.set_token(None);
        }
        knows
    }
}

/// The attempts at one request: how much time is left, what went wrong so far, whether to go on.
///
/// Time counts only while we wait for the server: our own reader may take as long as it likes.
struct Attempts<'a> {
    cluster: &'a Cluster,
    method: Method,
    patience: Duration,
    left: Duration,
    logged_in_again: bool,
    last: Option<Causes>,
    /// The last request, for the words of its failure.
    asked: Option<Asked>,
}

impl<'a> Attempts<'a> {
    fn new(cluster: &'a Cluster, method: Method, patience: Duration) -> Self {
        Self {
            cluster,
            method,
            patience,
            left: patience,
            logged_in_again: false,
            last: None,
            asked: None,
        }
    }

    /// The request as it is now to be sent. `timed`: the server is told when we stop waiting.
    fn ask(&mut self, path: &'static str, message: bytes::Bytes, timed: bool) -> Ask {
        self.asked = Some(Asked { path, message: message.clone() });
        let timeout = timed.then_some(self.left);
        Ask { path, message, timeout, anonymous: false, needs_leader: false }
    }

    fn deadline(&self) -> Option<Instant> {
        Instant::now().checked_add(self.left)
    }

    /// Gives the whole time again: the server has shown that it is at work.
    fn refresh(&mut self) {
        self.left = self.patience;
    }

    /// Logs in if need be, then waits for `work` in what is left of the time.
    async fn wait<T>(
        &mut self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<Result<T, Failure>> {
        self.cluster.login().await?;
        let begun = Instant::now();
        let outcome = timeout(self.left.saturating_add(GRACE), work).await;
        self.left = self.left.saturating_sub(begun.elapsed());
        match outcome {
            // The server's clock ran out with ours, and it broke the answer off first.
            Ok(Err(Failure::Lost(..))) if self.left.is_zero() => {}
            Ok(outcome) => return Ok(outcome),
            Err(_) => {}
        }
        let causes = match self.last.take() {
            Some(causes) => causes,
            None => match slow(&self.cluster.link.target, self.patience, "--command-timeout") {
                Failure::Unreached(causes) => causes,
                _ => Causes::default(),
            },
        };
        Err(self.cluster.too_late(causes).await)
    }

    /// A failure as an error, with the request that it is about.
    async fn explained(&self, failure: Failure) -> Error {
        self.cluster.explained(failure, self.asked.as_ref()).await
    }

    /// Whether a failure may be cured by another attempt: `Ok` says so, after a pause.
    async fn weigh(&mut self, failure: Failure) -> Result<()> {
        let several = self.cluster.link.target.endpoints.len() > 1;
        let again = match &failure {
            Failure::Unreached(_) => false,
            Failure::Lost(..) => self.method.retry == Retry::WhenUnavailable,
            Failure::Status(_, status)
                if status.wants_login() && !self.logged_in_again && self.cluster.log_out() =>
            {
                self.logged_in_again = true;
                return Ok(());
            }
            Failure::Status(_, status) => {
                (status.is_passing() && self.method.retry == Retry::WhenUnavailable)
                    || (several && status.is_learners())
            }
        };
        if !again {
            let failure = match (failure, self.last.take()) {
                (Failure::Unreached(causes), Some(last)) => Failure::Unreached(causes.after(&last)),
                (failure, _) => failure,
            };
            return Err(self.explained(failure).await);
        }
        let causes = causes(failure);
        if self.left.is_zero() {
            return Err(self.cluster.too_late(causes).await);
        }
        for (name, cause) in &causes.0 {
            self.cluster.link.target.tell(format_args!("{name}: {cause}; asking again"));
        }
        self.last = Some(causes);
        self.cluster.link.move_on();
        sleep(PAUSE).await;
        self.left = self.left.saturating_sub(PAUSE);
        Ok(())
    }
}

/// There is nobody to ask.
#[must_use]
pub fn no_endpoints() -> Error {
    Error::new(Exit::BadConnection, "etcdclient: no available endpoints")
        .hint("name one with --endpoints")
}

/// A connection that broke under a request.
fn lost(name: String, cause: Cause) -> Error {
    // Go tells an end between two frames from one within.
    let within = matches!(&cause, Cause::Lost(why) if why.contains("bytes remaining on stream"));
    let end = if within { "unexpected EOF" } else { "EOF" };
    let status = Status::new(Code::UNAVAILABLE, format!("error reading from server: {end}"));
    Causes(vec![(name, cause)]).explain(Error::failure(status.words()))
}

fn causes(failure: Failure) -> Causes {
    match failure {
        Failure::Unreached(causes) => causes,
        Failure::Lost(name, cause) => Causes(vec![(name, cause)]),
        Failure::Status(name, status) => Causes(vec![(name, Cause::Server(status.message))]),
    }
}

/// Nobody answered in time.
fn slow(target: &Target, patience: Duration, flag: &str) -> Failure {
    let cause = Cause::Slow(format!("{patience:?} ({flag})"));
    let named = target.endpoints.iter().map(|endpoint| (endpoint.to_string(), cause.clone()));
    Failure::Unreached(Causes(named.collect()))
}

fn undecodable(why: &str) -> Status {
    Status::new(Code::INTERNAL, format!("grpc: failed to unmarshal the received message: {why}"))
}

fn header(token: &Secret) -> Result<HeaderValue> {
    let text = bytes::Bytes::from_owner(Zeroizing::new(token.reveal().as_bytes().to_vec()));
    let mut value = HeaderValue::from_maybe_shared(text)
        .map_err(|_| Error::bad_args("the token has characters that no token can have"))?;
    value.set_sensitive(true);
    Ok(value)
}
