//! The proxy of `HTTPS_PROXY`, as Go's client uses it: a `CONNECT` tunnel to every endpoint that
//! `NO_PROXY` does not except; never to this machine (Go's `http.ProxyFromEnvironment`).

use std::net::IpAddr;

use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::cause::Cause;

/// A proxy between us and an endpoint.
pub struct Proxy(Intercept);

impl Proxy {
    /// The proxy for a host, if the environment names one. `HTTP_PROXY` does not count.
    #[must_use]
    pub fn for_host(host: &str, port: u16) -> Option<Self> {
        let variable = |upper: &str, lower: &str| {
            let set = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
            set(upper).or_else(|| set(lower))
        };
        let proxy = variable("HTTPS_PROXY", "https_proxy")?;
        if is_this_machine(host) {
            return None;
        }
        let except = variable("NO_PROXY", "no_proxy").unwrap_or_default();
        let matcher = Matcher::builder().https(proxy).no(except).build();
        let uri: Uri = format!("https://{}", authority(host, port)).parse().ok()?;
        matcher.intercept(&uri).map(Self)
    }

    /// Opens a tunnel through the proxy.
    pub async fn tunnel(&self, host: &str, port: u16) -> Result<TcpStream, Cause> {
        let uri = self.0.uri();
        let name = uri.host().unwrap_or_default();
        let proxy = authority(name, uri.port_u16().unwrap_or(80));
        let failed = |why: &str| Cause::Proxy(format!("through the proxy {proxy}: {why}"));
        let mut stream =
            TcpStream::connect(&proxy).await.map_err(|err| failed(&err.to_string()))?;
        let place = authority(host, port);
        let mut ask = format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n");
        if let Some(Ok(login)) = self.0.basic_auth().map(http::HeaderValue::to_str) {
            ask = format!("{ask}Proxy-Authorization: {login}\r\n");
        }
        ask.push_str("User-Agent: grpc-go/1.82.1\r\n\r\n");
        stream.write_all(ask.as_bytes()).await.map_err(|err| failed(&err.to_string()))?;
        let head = head(&mut stream).await.map_err(|err| failed(&err.to_string()))?;
        let status = String::from_utf8_lossy(head.split(|&b| b == b'\r').next().unwrap_or(&[]));
        match status.split(' ').nth(1) {
            Some(code) if code.starts_with('2') => Ok(stream),
            _ => Err(failed(&format!("it answers {status:?}"))),
        }
    }
}

/// Reads to the empty line, byte by byte: what follows belongs to the tunnel.
async fn head(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    const MOST: usize = 16 << 10;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < MOST {
        head.push(stream.read_u8().await?);
    }
    Ok(head)
}

fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn authority(host: &str, port: u16) -> String {
    if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}
