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
        if is_excepted(host, port, &except) {
            return None;
        }
        let matcher = Matcher::builder().https(proxy).build();
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
        ask.push_str("User-Agent: grpc-go/1.82.1\r\n");
        if let Some(Ok(login)) = self.0.basic_auth().map(http::HeaderValue::to_str) {
            ask = format!("{ask}Proxy-Authorization: {login}\r\n");
        }
        ask.push_str("\r\n");
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
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MOST {
            return Err(std::io::Error::other("its answer has no end"));
        }
        head.push(stream.read_u8().await?);
    }
    Ok(head)
}

fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether `NO_PROXY` excepts a host, by the rules of Go's `golang.org/x/net/http/httpproxy`, which are
/// narrower than those of others: `.name` excepts what is below the name, and not the name itself.
fn is_excepted(host: &str, port: u16, except: &str) -> bool {
    let host = host.trim().to_ascii_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    except.split(',').map(|entry| entry.trim().to_ascii_lowercase()).any(|entry| {
        if entry == "*" {
            return true;
        }
        if let Some((network, bits)) = entry.split_once('/') {
            let network = network.parse().ok().zip(bits.parse().ok());
            return network
                .zip(address)
                .is_some_and(|((network, bits), address)| is_within(address, network, bits));
        }
        let (name, wanted) = match entry.rsplit_once(':') {
            Some((name, wanted)) if !name.contains(':') || name.ends_with(']') => {
                (name.trim_matches(['[', ']']), Some(wanted))
            }
            _ => (&*entry, None),
        };
        let named = match name.parse::<IpAddr>() {
            Ok(named) => address == Some(named),
            Err(_) => is_below(&host, name),
        };
        named && wanted.is_none_or(|wanted| wanted == port.to_string())
    })
}

/// `name` stands for itself and all below it, `.name` and `*.name` only for what is below.
fn is_below(host: &str, name: &str) -> bool {
    let name = name.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(name);
    match name.strip_prefix('.') {
        Some(_) => host.ends_with(name),
        None if name.is_empty() => false,
        None => host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
    }
}

/// Whether the first `bits` of both are the same.
fn is_within(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    let differ = match (address, network) {
        (IpAddr::V4(one), IpAddr::V4(other)) if bits <= 32 => {
            u128::from(one.to_bits() ^ other.to_bits()) << 96
        }
        (IpAddr::V6(one), IpAddr::V6(other)) if bits <= 128 => one.to_bits() ^ other.to_bits(),
        _ => return false,
    };
    differ.leading_zeros() >= bits
}

fn authority(host: &str, port: u16) -> String {
    if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_are_those_of_go() {
        for (except, host, excepted) in [
            ("", "etcd.test", false),
            ("*", "etcd.test", true),
            ("a, * ,b", "10.0.0.1", true),
            ("etcd.test", "etcd.test", true),
            ("ETCD.test", "etcd.TEST", true),
            ("etcd.test", "a.etcd.test", true),
            ("etcd.test", "betcd.test", false),
            (".etcd.test", "etcd.test", false),
            (".etcd.test", "a.etcd.test", true),
            ("*.etcd.test", "etcd.test", false),
            ("*.etcd.test", "a.etcd.test", true),
            ("test", "etcd.test", true),
            ("etcd.test:2379", "etcd.test", true),
            ("etcd.test:2380", "etcd.test", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1:2379", "10.0.0.1", true),
            ("10.0.0.1:80", "10.0.0.1", false),
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "11.1.2.3", false),
            ("10.0.0.0/0", "11.1.2.3", true),
            ("10.0.0.0/33", "10.0.0.0", false),
            ("10.0.0.0/8", "etcd.test", false),
            ("fd00::1", "fd00::1", true),
            ("[fd00::1]:2379", "fd00::1", true),
            ("[fd00::1]:80", "fd00::1", false),
            ("fd00::/16", "fd00:1::1", true),
            (" , ,", "etcd.test", false),
        ] {
            assert_eq!(is_excepted(host, 2379, except), excepted, "{except:?}, {host}");
        }
    }
}
