//! The name servers of this machine: resolv.conf, read by Go's rules.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// Whom to ask, and how (resolv.conf(5)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameServers {
    pub servers: Vec<SocketAddr>,
    /// Domains to try a short name in.
    pub search: Vec<String>,
    /// Dots from which on a name is tried as it is first.
    pub dots: usize,
    /// For one server, once.
    pub timeout: Duration,
    /// Rounds over the servers.
    pub attempts: usize,
    pub rotate: bool,
    pub tcp: bool,
    pub trust_ad: bool,
}

impl NameServers {
    /// Those of `/etc/resolv.conf`; without it, a server on this machine.
    #[must_use]
    pub fn of_the_system() -> Self {
        let text = fs::read("/etc/resolv.conf").unwrap_or_default();
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Self::parse(&String::from_utf8_lossy(&text), host.trim())
    }

    /// Only these, nothing searched.
    #[must_use]
    pub fn only(servers: Vec<SocketAddr>) -> Self {
        Self {
            servers,
            search: Vec::new(),
            dots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
            rotate: false,
            tcp: false,
            trust_ad: false,
        }
    }

    /// Reads resolv.conf as Go 1.26 does (`net/dnsconfig_unix.go`): what it does not know it
    /// skips. The host's name gives the search domain where none is given.
    #[must_use]
    pub fn parse(text: &str, host: &str) -> Self {
        let mut conf = Self::only(Vec::new());
        for line in text.lines().filter(|line| !line.starts_with([';', '#'])) {
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                // Three, the usual limit.
                Some("nameserver") if conf.servers.len() < 3 => {
                    let server = words.next().and_then(|word| word.parse::<IpAddr>().ok());
                    conf.servers.extend(server.map(|server| SocketAddr::new(server, 53)));
                }
                Some("domain") => {
                    if let Some(domain) = words.next() {
                        conf.search = vec![rooted(domain)];
                    }
                }
                Some("search") => {
                    conf.search = words.map(rooted).filter(|domain| domain != ".").collect();
                }
                Some("options") => words.for_each(|word| conf.option(word)),
                _ => {}
            }
        }
        if conf.servers.is_empty() {
            conf.servers = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
                .map(|server: IpAddr| SocketAddr::new(server, 53))
                .to_vec();
        }
        if conf.search.is_empty()
            && let Some((_, domain)) = host.split_once('.')
            && !domain.is_empty()
        {
            conf.search = vec![rooted(domain)];
        }
        conf
    }

    fn option(&mut self, word: &str) {
        // What is no number is zero, as there.
        let number = |text: &str| {
            let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
            text[..end].parse::<u16>().unwrap_or(if end == 0 { 0 } else { u16::MAX })
        };
        match word.split_once(':') {
            Some(("ndots", text)) => self.dots = usize::from(number(text).min(15)),
            Some(("timeout", text)) => {
                self.timeout = Duration::from_secs(number(text).max(1).into());
            }
            Some(("attempts", text)) => self.attempts = usize::from(number(text).max(1)),
            Some(_) => {}
            None => match word {
                "rotate" => self.rotate = true,
                "use-vc" | "usevc" | "tcp" => self.tcp = true,
                "trust-ad" => self.trust_ad = true,
                _ => {}
            },
        }
    }

    /// The full names to try for a name, in order.
    pub(super) fn names(&self, name: &str) -> Vec<String> {
        let asked =
            |name: &String| name.len() <= 254 && !name.to_ascii_lowercase().ends_with(".onion.");
        if name.ends_with('.') {
            return Some(name.to_owned()).filter(asked).into_iter().collect();
        }
        let alone = format!("{name}.");
        let mut names: Vec<String> =
            self.search.iter().map(|domain| format!("{alone}{domain}")).collect();
        let first = name.matches('.').count() >= self.dots;
        names.insert(if first { 0 } else { names.len() }, alone);
        names.retain(asked);
        names
    }
}

fn rooted(domain: &str) -> String {
    if domain.ends_with('.') { domain.to_owned() } else { format!("{domain}.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolv_conf_is_read_as_go_reads_it() {
        let text = "# comment\n; other\nnameserver 10.0.0.1 x\nnameserver name\nnameserver ::1\n\
            nameserver 10.0.0.3\nnameserver 10.0.0.4\nsearch a.test b.test. .\n\
            options ndots:20 timeout:0 attempts:3x rotate use-vc trust-ad edns0 odd:1\nodd\n";
        let conf = NameServers::parse(text, "host.c.test");
        let servers: Vec<String> = conf.servers.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["10.0.0.1:53", "[::1]:53", "10.0.0.3:53"]);
        assert_eq!(conf.search, ["a.test.", "b.test."]);
        assert_eq!((conf.dots, conf.timeout.as_secs(), conf.attempts), (15, 1, 3));
        assert!(conf.rotate && conf.tcp && conf.trust_ad);
        let conf = NameServers::parse("", "host.c.test");
        assert_eq!(conf.search, ["c.test."]);
        assert_eq!(conf.servers.len(), 2);
    }

    #[test]
    fn short_names_are_searched_for_first() {
        let conf = NameServers::parse("search a.test\noptions ndots:3", "");
        assert_eq!(conf.names("_x._tcp.b"), ["_x._tcp.b.a.test.", "_x._tcp.b."]);
        assert_eq!(conf.names("_x._tcp.b.c"), ["_x._tcp.b.c.", "_x._tcp.b.c.a.test."]);
        assert_eq!(conf.names("_x._tcp.b."), ["_x._tcp.b."]);
        assert_eq!(conf.names("b.ONION"), ["b.ONION.a.test."]);
    }
}
