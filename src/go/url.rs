//! URLs as Go's `net/url` reads them, as far as addresses of servers need it.

use std::fmt;

use super::quote::quote;

/// A URL's parts, and its text as Go would print it again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Url {
    text: String,
    /// In lower case; empty where there is none.
    pub scheme: String,
    /// With the port, without a user.
    pub host: String,
    pub path: String,
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Url {
    /// `url.Parse` of Go 1.26.
    ///
    /// # Errors
    /// Go's sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (before, _) = text.split_once('#').unwrap_or((text, ""));
        parts(before, text).map_err(|why| format!("parse {}: {why}", quote(before.as_bytes())))
    }
}

fn parts(text: &str, whole: &str) -> Result<Url, String> {
    if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    let (scheme, rest) = split_scheme(text)?;
    let tail = whole.get(scheme.len()..).unwrap_or_default();
    let scheme = scheme.to_ascii_lowercase();
    let mut url =
        Url { text: format!("{scheme}{tail}"), scheme, host: String::new(), path: String::new() };
    let rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
    if !rest.starts_with('/') {
        if !url.scheme.is_empty() {
            return Ok(url);
        }
        if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
    }
    let has_authority =
        rest.starts_with("//") && (!url.scheme.is_empty() || !rest.starts_with("///"));
    let path = if has_authority {
        let authority = rest.get(2..).unwrap_or_default();
        let end = authority.find('/').unwrap_or(authority.len());
        let (authority, path) = authority.split_at(end);
        let host = match authority.rsplit_once('@') {
            Some((user, _)) if !user.chars().all(is_of_a_user) => {
                return Err("net/url: invalid userinfo".to_owned());
            }
            Some((_, host)) => host,
            None => authority,
        };
        check_host(&url.scheme, host)?;
        host.clone_into(&mut url.host);
        path
    } else {
        rest
    };
    check_escapes(path)?;
    path.clone_into(&mut url.path);
    Ok(url)
}

/// The scheme, and what follows its colon.
fn split_scheme(text: &str) -> Result<(&str, &str), String> {
    for (at, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            ':' => return Ok(text.split_once(':').unwrap_or(("", text))),
            _ => break,
        }
    }
    Ok(("", text))
}

fn is_of_a_user(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c)
}

fn check_host(scheme: &str, host: &str) -> Result<(), String> {
    let port = match host.rfind('[') {
        Some(0) => {
            let end = host.rfind(']').ok_or("missing ']' in host")?;
            let address = host.get(1..end).unwrap_or_default();
            let address = address.split("%25").next().unwrap_or_default();
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                let address = quote(address.as_bytes());
                return Err(format!("invalid host: ParseAddr({address}): unable to parse IP"));
            }
            host.get(end + 1..)
        }
        Some(_) => return Err("invalid IP-literal".to_owned()),
        // Several colons are only borne where a list of hosts may stand.
        None if ["http", "https"].contains(&scheme) => host.find(':').and_then(|at| host.get(at..)),
        None => host.rfind(':').and_then(|at| host.get(at..)),
    };
    let port = port.unwrap_or_default();
    let digits = port.strip_prefix(':').unwrap_or_default();
    if !(port.is_empty() || port.starts_with(':') && digits.bytes().all(|b| b.is_ascii_digit())) {
        return Err(format!("invalid port {} after host", quote(port.as_bytes())));
    }
    check_escapes(host)?;
    let fine = |c: char| {
        !c.is_ascii() || c.is_ascii_alphanumeric() || "-_.~!$&'()*+,;=:[]<>\"%".contains(c)
    };
    match host.chars().find(|&c| !fine(c)) {
        Some(c) => {
            let c = quote(c.to_string().as_bytes());
            Err(format!("invalid character {c} in host name"))
        }
        None => Ok(()),
    }
}

fn check_escapes(text: &str) -> Result<(), String> {
    for (at, _) in text.match_indices('%') {
        let escape = text.as_bytes().get(at..).unwrap_or_default();
        let escape = escape.get(..3).unwrap_or(escape);
        if escape.len() < 3 || !escape.iter().skip(1).all(u8::is_ascii_hexdigit) {
            return Err(format!("invalid URL escape {}", quote(escape)));
        }
    }
    Ok(())
}

/// Splits an address as Go's `net.SplitHostPort` does; `None` where that refuses it.
#[must_use]
pub fn host_and_port(address: &str) -> Option<(&str, &str)> {
    if let Some(rest) = address.strip_prefix('[') {
        let (host, tail) = rest.split_once(']')?;
        return Some((host, tail.strip_prefix(':').filter(|port| !port.contains(':'))?));
    }
    let (host, port) = address.rsplit_once(':')?;
    (!host.contains([':', '[', ']']) && !port.contains(['[', ']'])).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart_as_go_takes_them() {
        for (text, scheme, host, path) in [
            ("http://localhost:2380", "http", "localhost:2380", ""),
            ("HTTPS://u:p@h:1/p?q=/x#f", "https", "h:1", "/p"),
            ("http://[::1]:2380", "http", "[::1]:2380", ""),
            ("http:opaque", "http", "", ""),
            ("unix:///run/x", "unix", "", "/run/x"),
            ("unix://localhost:7", "unix", "localhost:7", ""),
            ("a/b", "", "", "a/b"),
            ("", "", "", ""),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!((&*url.scheme, &*url.host, &*url.path), (scheme, host, path), "{text}");
        }
        assert_eq!(Url::parse("HTTP://H:1").unwrap().to_string(), "http://H:1");
    }

    #[test]
    fn what_is_no_url_is_told_in_gos_words() {
        for (text, why) in [
            (
                "127.0.0.1:2380",
                r#"parse "127.0.0.1:2380": first path segment in URL cannot contain colon"#,
            ),
            (":1", r#"parse ":1": missing protocol scheme"#),
            ("http://h:x", r#"parse "http://h:x": invalid port ":x" after host"#),
            ("http://[::1", r#"parse "http://[::1": missing ']' in host"#),
            ("http://a b:1", r#"parse "http://a b:1": invalid character " " in host name"#),
            ("http://h:1/%zz", r#"parse "http://h:1/%zz": invalid URL escape "%zz""#),
            ("http://h\n:1", r#"parse "http://h\n:1": net/url: invalid control character in URL"#),
            ("http://a b@h:1", r#"parse "http://a b@h:1": net/url: invalid userinfo"#),
        ] {
            assert_eq!(Url::parse(text).unwrap_err(), why);
        }
    }
}
