//! From a target to the first server that answers: names, sockets, proxies, TLS, and the race between endpoints.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;

use super::cause::{Cause, Causes};
use super::conn::{Conn, Shaken};
use super::endpoint::{Endpoint, Place};
use super::proxy::Proxy;
use super::target::Target;
use super::tls::{self, Tls, TlsCause};

/// The next endpoint starts this long after the one before it. Long enough that a live first one is
/// the only connection made, short enough that two silent ones are not noticed.
const STAGGER: Duration = Duration::from_millis(10);

/// Pauses between attempts at an endpoint that may yet come up.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Connects to whichever endpoint answers first, starting at position `first`, until `deadline`.
///
/// With one address alone the connection is handed out before the server has spoken, so that the
/// request travels with HTTP/2's opening and the answer takes one round trip; the caller then waits
/// for the first word.
pub async fn reach(
    target: &Arc<Target>,
    first: usize,
    deadline: Option<Instant>,
) -> Result<Conn, Causes> {
    let count = target.endpoints.len();
    let order: Vec<usize> = (0..count).map(|i| (first + i) % count).collect();
    let alone = count == 1;
    let won = race(count, |position, failed| {
        let (target, index) = (Arc::clone(target), order[position]);
        async move { persist(&target, index, alone, deadline, &failed).await }
    })
    .await;
    won.map_err(|mut causes| {
        for (position, _) in &mut causes {
            *position = order[*position];
        }
        causes.sort_by_key(|&(index, _)| index);
        let named = |(index, cause): (usize, Cause)| (target.endpoints[index].to_string(), cause);
        Causes(causes.into_iter().map(named).collect())
    })
}

/// Tries one endpoint again and again, until waiting cannot help or the time is over.
async fn persist(
    target: &Arc<Target>,
    index: usize,
    alone: bool,
    deadline: Option<Instant>,
    failed: &Notify,
) -> Result<Conn, Cause> {
    let mut pause = FIRST_PAUSE;
    let mut earlier = None;
    loop {
        let cause = match attempt(target, index, alone, deadline).await {
            Ok(conn) => return Ok(conn),
            Err(cause) => cause.after(earlier.take()),
        };
        target.tell(format_args!("{}: {cause}", target.endpoints[index]));
        failed.notify_one();
        // However long the pause has grown, the last attempt comes just before the time is over.
        let last = deadline.and_then(|deadline| deadline.checked_sub(FIRST_PAUSE));
        let now = Instant::now();
        if cause.is_final() || last.is_some_and(|last| now >= last) {
            return Err(cause);
        }
        let next = now + pause;
        earlier = Some(cause);
        sleep_until(last.map_or(next, |last| next.min(last))).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// One attempt at one endpoint.
async fn attempt(
    target: &Arc<Target>,
    index: usize,
    alone: bool,
    deadline: Option<Instant>,
) -> Result<Conn, Cause> {
    let endpoint = &target.endpoints[index];
    match &endpoint.place {
        Place::Nowhere(why) => Err(Cause::Address(why.clone())),
        Place::Unix(path) => {
            let stream = UnixStream::connect(path).await.map_err(|err| Cause::of_connect(&err))?;
            open(stream, target, index, alone, deadline).await
        }
        Place::Tcp { host, port } => {
            if let Some(proxy) = Proxy::for_host(host, *port) {
                let tunnel = by(deadline, Cause::Unreached, proxy.tunnel(host, *port)).await?;
                return open(tunnel, target, index, alone, deadline).await;
            }
            let addresses = by(deadline, Cause::Unreached, resolve(host, *port)).await?;
            let alone = alone && addresses.len() == 1;
            let won = race(addresses.len(), |position, _| {
                let (target, address) = (Arc::clone(target), addresses[position]);
                async move {
                    let connecting = async {
                        TcpStream::connect(address).await.map_err(|err| Cause::of_connect(&err))
                    };
                    let stream = by(deadline, Cause::Unreached, connecting).await?;
                    // A request is one small write; waiting to fill a packet would delay it.
                    let _ = stream.set_nodelay(true);
                    open(stream, &target, index, alone, deadline).await
                }
            });
            // Of several addresses the one that got furthest tells the most.
            won.await.map_err(|causes| {
                let last = causes.into_iter().map(|(_, cause)| cause).max_by_key(distance);
                last.unwrap_or(Cause::Unreached)
            })
        }
    }
}

/// How far an attempt got before it failed.
fn distance(cause: &Cause) -> u8 {
    match cause {
        Cause::Tls(..) | Cause::WantsTls | Cause::NotHttp2(_) => 3,
        Cause::Silent | Cause::HungUp | Cause::Lost(_) => 2,
        Cause::Refused => 1,
        _ => 0,
    }
}

/// From a stream to a connection: TLS where it is spoken, then HTTP/2.
async fn open<S>(
    stream: S,
    target: &Target,
    index: usize,
    alone: bool,
    deadline: Option<Instant>,
) -> Result<Conn, Cause>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let endpoint = &target.endpoints[index];
    let alive = target.keep_alive;
    let conn = if let Some(tls) = &target.tls {
        let (stream, shaken) =
            by(deadline, Cause::Silent, handshake(stream, tls, endpoint)).await?;
        Conn::start(stream, (index, endpoint), Some(shaken), alive).await?
    } else {
        Conn::start(stream, (index, endpoint), None, alive).await?
    };
    if !alone {
        by(deadline, Cause::Silent, conn.first_word()).await?;
    }
    Ok(conn)
}

async fn handshake<S>(
    stream: S,
    tls: &Tls,
    endpoint: &Endpoint,
) -> Result<(TlsStream<S>, Shaken), Cause>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (stream, shaken) = shake(stream, tls.connection(), tls, endpoint).await?;
    match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => Ok((stream, shaken)),
        _ => Err(shaken.cause(TlsCause::NoHttp2)),
    }
}

/// TLS on a stream, whatever is spoken inside.
pub async fn shake<S>(
    stream: S,
    (config, notes): (Arc<ClientConfig>, Arc<tls::Notes>),
    tls: &Tls,
    endpoint: &Endpoint,
) -> Result<(TlsStream<S>, Shaken), Cause>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let shaken = Shaken { notes, files: tls.files().clone() };
    let name = tls::server_name(&endpoint.server_name);
    let stream = TlsConnector::from(config).connect(name, stream).await.map_err(|err| {
        let why = TlsCause::in_handshake(&err, &shaken.notes);
        shaken.cause(why.unwrap_or_else(|| TlsCause::Other(err.to_string())))
    })?;
    Ok((stream, shaken))
}

/// The addresses of a host. `localhost` needs no resolver: there may be none in a container.
pub async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, Cause> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    if host.trim_end_matches('.').eq_ignore_ascii_case("localhost") {
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        return Ok(loopback.map(|address| SocketAddr::new(address, port)).to_vec());
    }
    let unknown = |why: String| Cause::NameNotFound { host: host.to_owned(), why };
    let found = tokio::net::lookup_host((host, port)).await.map_err(|err| {
        let text = err.to_string();
        unknown(text.rsplit(": ").next().unwrap_or(&text).to_lowercase())
    })?;
    let mut addresses = Vec::new();
    for address in found {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() { Err(unknown("it has none".to_owned())) } else { Ok(addresses) }
}

/// Waits until the deadline, then fails with `late`.
pub async fn by<T>(
    deadline: Option<Instant>,
    late: Cause,
    work: impl Future<Output = Result<T, Cause>>,
) -> Result<T, Cause> {
    match deadline {
        None => work.await,
        Some(deadline) => timeout_at(deadline, work).await.unwrap_or(Err(late)),
    }
}

/// Runs attempts side by side: each begins [`STAGGER`] after the one before it, or as soon as one
/// has failed. The first success wins and ends the others; else each position's failure.
pub async fn race<T, E, F>(
    count: usize,
    attempt: impl Fn(usize, Arc<Notify>) -> F,
) -> Result<T, Vec<(usize, E)>>
where
    T: Send + 'static,
    E: Send + 'static,
    F: Future<Output = Result<T, E>> + Send + 'static,
{
    let failed = Arc::new(Notify::new());
    if count == 1 {
        return attempt(0, failed).await.map_err(|cause| vec![(0, cause)]);
    }
    let mut running = JoinSet::new();
    let mut causes = Vec::new();
    let mut next = 0;
    loop {
        if next < count {
            let (position, work) = (next, attempt(next, Arc::clone(&failed)));
            running.spawn(async move { work.await.map_err(|cause| (position, cause)) });
            next += 1;
        }
        tokio::select! {
            done = running.join_next() => match done {
                Some(Ok(Ok(won))) => return Ok(won),
                Some(Ok(Err(cause))) => causes.push(cause),
                None if next >= count => return Err(causes),
                // Aborted, or none runs yet.
                Some(Err(_)) | None => {}
            },
            () = failed.notified(), if next < count => {}
            () = sleep(STAGGER), if next < count => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<T>(work: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.unwrap().block_on(work)
    }

    #[test]
    fn a_failure_starts_the_next_attempt_at_once_and_the_first_success_wins() {
        let begun = Instant::now();
        let won = run(race(3, |position, failed| async move {
            if position == 2 {
                return Ok(position);
            }
            failed.notify_one();
            sleep(Duration::from_secs(5)).await;
            Err(Cause::Refused)
        }));
        assert_eq!(won, Ok(2));
        assert!(begun.elapsed() < Duration::from_secs(1));
    }

    #[test]
    fn every_failure_is_reported_with_its_position() {
        let lost: Result<(), _> = run(race(2, |position, _| async move {
            Err(if position == 0 { Cause::Refused } else { Cause::Silent })
        }));
        let mut causes = lost.unwrap_err();
        causes.sort_by_key(|&(position, _)| position);
        assert_eq!(causes, [(0, Cause::Refused), (1, Cause::Silent)]);
    }
}
