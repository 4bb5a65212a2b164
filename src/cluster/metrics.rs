//! What a server counts about itself and other pages, over the HTTP/1.1 that stands on the same port as gRPC.

use std::time::SystemTime;

use bytes::BytesMut;
use http::{Request, StatusCode, header};
use http_body::Body as _;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, timeout_at};

use super::Cluster;
use super::cause::Cause;
use super::conn::chain;
use super::dial::{by, resolve, shake};
use super::endpoint::{Endpoint, Place};
use super::proxy::Proxy;
use super::tls::{Tls, http_date};

/// More than any server has to tell.
const MOST: usize = 16 << 20;

/// A connection of either kind.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl Cluster {
    /// A number that the first endpoint publishes under this name.
    ///
    /// # Errors
    /// The official client's words for what went wrong (etcdctl 3.7.1, `endpointMemoryMetrics`).
    pub async fn metric(&self, name: &str) -> Result<f64, String> {
        let target = &self.link.target;
        let Some(endpoint) = target.endpoints.first() else {
            return Err("fetch error: no endpoint".to_owned());
        };
        let deadline = Instant::now() + self.patience;
        let contact =
            target.patience.dial.map_or(deadline, |dial| deadline.min(Instant::now() + dial));
        let page = async {
            let stream = connect(endpoint, target.tls.as_deref(), contact).await?;
            let fetching = fetch(stream, endpoint, "/metrics");
            timeout_at(deadline, fetching).await.unwrap_or(Err(Cause::Silent))
        };
        let page =
            page.await.map_err(|cause| format!("fetch error: {endpoint}/metrics: {cause}"))?;
        number(&page.text, name)
    }
}

/// A page, and when it was made.
pub struct Page {
    pub text: Vec<u8>,
    /// By the server's clock, in seconds since 1970 (the header `Date`).
    pub date: Option<i64>,
    /// By ours: it was made between the two.
    pub asked: SystemTime,
    pub answered: SystemTime,
}

/// A page of an endpoint, until `deadline`.
pub async fn page(
    endpoint: &Endpoint,
    tls: Option<&Tls>,
    deadline: Instant,
    path: &'static str,
) -> Result<Page, Cause> {
    let stream = connect(endpoint, tls, deadline).await?;
    timeout_at(deadline, fetch(stream, endpoint, path)).await.unwrap_or(Err(Cause::Silent))
}

/// A number on a page in Prometheus' text format.
pub fn number(page: &[u8], name: &str) -> Result<f64, String> {
    let page = String::from_utf8_lossy(page);
    let value = page.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let value =
        value.filter(|value| !value.is_empty()).ok_or_else(|| format!("could not find: {name}"))?;
    value.parse().map_err(|_| format!("parse error: {value:?} is no number"))
}

async fn connect(
    endpoint: &Endpoint,
    tls: Option<&Tls>,
    deadline: Instant,
) -> Result<Box<dyn Stream>, Cause> {
    let stream: Box<dyn Stream> = match &endpoint.place {
        Place::Nowhere(why) => return Err(Cause::Address(why.clone())),
        Place::Unix(path) => {
            Box::new(UnixStream::connect(path).await.map_err(|err| Cause::of_connect(&err))?)
        }
        Place::Tcp { host, port } => {
            let connecting = async {
                if let Some(proxy) = Proxy::for_host(host, *port) {
                    return proxy.tunnel(host, *port).await;
                }
                let addresses = resolve(host, *port).await?;
                let connected = TcpStream::connect(addresses.as_slice()).await;
                connected.map_err(|err| Cause::of_connect(&err))
            };
            Box::new(by(Some(deadline), Cause::Unreached, connecting).await?)
        }
    };
    let Some(tls) = tls else { return Ok(stream) };
    let shaken = shake(stream, tls.http1(), tls, endpoint);
    let (stream, _) = by(Some(deadline), Cause::Silent, shaken).await?;
    Ok(Box::new(stream))
}

async fn fetch(
    stream: Box<dyn Stream>,
    endpoint: &Endpoint,
    path: &'static str,
) -> Result<Page, Cause> {
    let lost = |err: &dyn std::error::Error| Cause::Lost(chain(err));
    let (mut send, driver) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|err| lost(&err))?;
    tokio::spawn(driver);
    let request = Request::get(path)
        .header(header::HOST, &endpoint.authority)
        .body(String::new())
        .map_err(|err| lost(&err))?;
    let asked = SystemTime::now();
    let response = send.send_request(request).await.map_err(|err| lost(&err))?;
    let answered = SystemTime::now();
    let date = response.headers().get(header::DATE).and_then(|date| http_date(date.to_str().ok()?));
    if response.status() != StatusCode::OK {
        return Err(Cause::Server(format!("HTTP status {}", response.status())));
    }
    let mut body = response.into_body();
    let mut text = BytesMut::new();
    loop {
        let frame = std::future::poll_fn(|cx| std::pin::Pin::new(&mut body).poll_frame(cx)).await;
        let Some(frame) = frame else { break };
        if let Ok(data) = frame.map_err(|err| lost(&err))?.into_data() {
            text.extend_from_slice(&data);
        }
        if text.len() > MOST {
            return Err(Cause::Server(format!("a page of more than {MOST} bytes")));
        }
    }
    Ok(Page { text: text.to_vec(), date, asked, answered })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_on_a_page_or_said_to_be_missing() {
        let page = b"# HELP rss bytes\n# TYPE rss gauge\nrss 2.5014272e+07\nempty \nbad x\n";
        assert_eq!(number(page, "rss"), Ok(25_014_272.0));
        assert_eq!(number(page, "none"), Err("could not find: none".to_owned()));
        assert_eq!(number(page, "empty"), Err("could not find: empty".to_owned()));
        assert_eq!(number(page, "bad"), Err("parse error: \"x\" is no number".to_owned()));
    }

    #[test]
    fn a_page_without_end_is_none() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = Endpoint::parse(&format!("http://{}", listener.local_addr().unwrap()));
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut said = std::io::Write::write_all(&mut stream, b"HTTP/1.1 200 OK\r\n\r\n");
            while said.is_ok() {
                said = std::io::Write::write_all(&mut stream, &[b'x'; 1 << 13]);
            }
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let deadline = Instant::now() + std::time::Duration::from_secs(60);
        let found = runtime.block_on(page(&endpoint, None, deadline, "/metrics"));
        let wanted = Cause::Server("a page of more than 16777216 bytes".to_owned());
        assert_eq!(found.err(), Some(wanted));
    }
}
