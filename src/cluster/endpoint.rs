//! One endpoint: what was typed, and what it means for the dialer. No I/O.

use std::fmt;
use std::path::PathBuf;

/// Where to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A host, without brackets, and its port.
    Tcp { host: String, port: u16 },
    /// A socket in the file system.
    Unix(PathBuf),
    /// Nowhere: the reason, as the official client's dialer words it.
    Nowhere(String),
}

/// What a scheme demands of the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// `http`: never TLS, whatever else was said.
    Plain,
    /// `https`, `unixs`: always TLS.
    Tls,
    /// No scheme, or `unix`: TLS when another flag asks for it.
    Either,
}

/// One endpoint of `--endpoints`, in any of the official client's forms
/// (etcdctl 3.7.1, `client/v3/internal/endpoint`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    text: String,
    pub place: Place,
    pub transport: Transport,
    /// The HTTP/2 `:authority`.
    pub authority: String,
    /// The name that the server's certificate must bear.
    pub server_name: String,
}

impl Endpoint {
    /// Never fails: what cannot be dialled is [`Place::Nowhere`], and is said when it is dialled.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let (scheme, rest) = split_scheme(text);
        match scheme.as_str() {
            "unix" => Self::unix(text, rest, Transport::Either),
            "unixs" => Self::unix(text, rest, Transport::Tls),
            "http" => Self::tcp(text, host_of_url(rest), Transport::Plain),
            "https" => Self::tcp(text, host_of_url(rest), Transport::Tls),
            "" => Self::tcp(text, rest, Transport::Either),
            _ => Self {
                place: Place::Nowhere(format!("address {text}: too many colons in address")),
                ..Self::tcp(text, text, Transport::Either)
            },
        }
    }

    fn tcp(text: &str, authority: &str, transport: Transport) -> Self {
        let place = match host_and_port(authority) {
            Ok((host, port)) => Place::Tcp { host: host.to_owned(), port },
            Err(why) => Place::Nowhere(format!("address {authority}: {why}")),
        };
        let server_name = match &place {
            Place::Tcp { host, .. } => host.clone(),
            _ => String::new(),
        };
        Self {
            text: text.to_owned(),
            place,
            transport,
            authority: authority.to_owned(),
            server_name,
        }
    }

    fn unix(text: &str, rest: &str, transport: Transport) -> Self {
        let path = rest.strip_prefix("//").unwrap_or(rest);
        let base = path.rsplit('/').next().unwrap_or_default();
        Self {
            text: text.to_owned(),
            place: Place::Unix(PathBuf::from(path)),
            transport,
            authority: base.to_owned(),
            server_name: base.split(':').next().unwrap_or_default().to_owned(),
        }
    }
}

/// As it was typed.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.text.is_empty() { "(an empty endpoint)" } else { &self.text })
    }
}

/// Host and port of a URL: neither its user nor its path.
fn host_of_url(rest: &str) -> &str {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

/// The scheme in lower case and what follows its `://`. `unix:PATH` needs no slashes, and then only
/// lower case is a scheme.
fn split_scheme(text: &str) -> (String, &str) {
    if let Some((scheme, rest)) = text.split_once("://") {
        let scheme = scheme.to_ascii_lowercase();
        // The slashes stay with a socket's path: `unix:///abs` and `unix:/abs` are the same file.
        return (scheme, rest);
    }
    for scheme in ["unix", "unixs"] {
        let Some((head, rest)) = text.split_once(':') else { break };
        if head == scheme {
            return (scheme.to_owned(), rest);
        }
    }
    (String::new(), text)
}

/// Splits as Go's `net.SplitHostPort` does; its reasons, word for word.
fn host_and_port(text: &str) -> Result<(&str, u16), String> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, tail) = rest.split_once(']').ok_or("missing ']' in address")?;
        (host, tail.strip_prefix(':').ok_or("missing port in address")?)
    } else {
        let (host, port) = text.rsplit_once(':').ok_or("missing port in address")?;
        if host.contains(':') {
            return Err("too many colons in address".to_owned());
        }
        (host, port)
    };
    // `:2379` is this machine, as for Go.
    let host = if host.is_empty() { "localhost" } else { host };
    port.parse().map(|port| (host, port)).map_err(|_| format!("invalid port {port:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_official_form_names_the_same_place() {
        use Transport::{Either, Plain, Tls};
        let tcp = |host: &str| Place::Tcp { host: host.to_owned(), port: 2379 };
        let unix = |path: &str| Place::Unix(PathBuf::from(path));
        for (text, place, transport, authority, name) in [
            ("127.0.0.1:2379", tcp("127.0.0.1"), Either, "127.0.0.1:2379", "127.0.0.1"),
            (":2379", tcp("localhost"), Either, ":2379", "localhost"),
            ("http://h:2379", tcp("h"), Plain, "h:2379", "h"),
            ("http://user:pw@h:2379", tcp("h"), Plain, "h:2379", "h"),
            ("HTTP://h:2379/v3?x", tcp("h"), Plain, "h:2379", "h"),
            ("https://h:2379", tcp("h"), Tls, "h:2379", "h"),
            ("[::1]:2379", tcp("::1"), Either, "[::1]:2379", "::1"),
            ("https://[::1]:2379/", tcp("::1"), Tls, "[::1]:2379", "::1"),
            ("unix:///run/etcd.sock", unix("/run/etcd.sock"), Either, "etcd.sock", "etcd.sock"),
            ("unix:/run/etcd.sock", unix("/run/etcd.sock"), Either, "etcd.sock", "etcd.sock"),
            ("unix://localhost:7", unix("localhost:7"), Either, "localhost:7", "localhost"),
            ("unix:a/b", unix("a/b"), Either, "b", "b"),
            ("unixs:///run/e:1", unix("/run/e:1"), Tls, "e:1", "e"),
        ] {
            let endpoint = Endpoint::parse(text);
            assert_eq!(endpoint.place, place, "{text}");
            assert_eq!(endpoint.transport, transport, "{text}");
            assert_eq!(endpoint.authority, authority, "{text}");
            assert_eq!(endpoint.server_name, name, "{text}");
            assert_eq!(endpoint.to_string(), text);
        }
    }

    #[test]
    fn what_cannot_be_dialled_says_why() {
        for (text, why) in [
            ("127.0.0.1", "address 127.0.0.1: missing port in address"),
            ("http://127.0.0.1", "address 127.0.0.1: missing port in address"),
            ("a:b:1", "address a:b:1: too many colons in address"),
            ("[::1", "address [::1: missing ']' in address"),
            ("h:http", "address h:http: invalid port \"http\""),
            ("h:2379/v3", "address h:2379/v3: invalid port \"2379/v3\""),
            ("UNIX:a", "address UNIX:a: invalid port \"a\""),
            ("", "address : missing port in address"),
            ("ftp://h:1", "address ftp://h:1: too many colons in address"),
        ] {
            assert_eq!(Endpoint::parse(text).place, Place::Nowhere(why.to_owned()), "{text}");
        }
    }
}
