//! The members of the cluster that a restore begins: from the flags to names, URLs and ids.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::{IpAddr, ToSocketAddrs};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::go::json;
use crate::go::quote::quote;
use crate::go::url::{Url, host_and_port};
use crate::snapshot::log::{self, Value};

/// The official limits of looking up host names.
const PATIENCE: Duration = Duration::from_secs(30);
const RETRY: Duration = Duration::from_secs(1);

/// A member to be.
#[derive(Debug)]
pub struct Member {
    pub id: u64,
    pub name: String,
    pub peer_urls: Vec<String>,
}

impl Member {
    /// As the database and the log keep it: Go's JSON.
    pub fn json(&self) -> Vec<u8> {
        let mut out = format!("{{\"id\":{},\"peerURLs\":", self.id).into_bytes();
        let name = serde_json::Value::from(self.name.as_str());
        // Into memory, where nothing can fail.
        let _ = json::write(&self.peer_urls, &mut out);
        if !self.name.is_empty() {
            out.extend_from_slice(b",\"name\":");
            let _ = json::write(&name, &mut out);
        }
        out.push(b'}');
        out
    }
}

/// The members in the order of their ids, and which of them is restored here.
#[derive(Debug)]
pub struct Peers {
    pub members: Vec<Member>,
    pub cluster: u64,
    pub own: u64,
}

type Cluster = BTreeMap<String, Vec<Url>>;

impl Peers {
    /// What the flags say, checked as a server checks its own.
    ///
    /// # Errors
    /// The official sentences, in the official order.
    pub fn new(name: &str, initial_cluster: &str, token: &str, advertised: &str) -> Result<Self> {
        let split: Vec<&str> = advertised.split(',').collect();
        let advertised = urls(&split)?;
        let mut cluster = Cluster::new();
        for (name, urls_of_it) in named(initial_cluster) {
            cluster.insert(name.to_owned(), urls(&urls_of_it)?);
        }
        let Some(own) = cluster.get(name) else {
            let words = format!(
                "couldn't find local name {} in the initial cluster configuration",
                quote(name.as_bytes())
            );
            return Err(
                Error::failure(words).hint("--name must be one of the names in --initial-cluster")
            );
        };
        same_urls(name, &advertised, own)?;
        let mut seen = BTreeSet::new();
        if !cluster.values().flatten().all(|url| seen.insert(url.to_string())) {
            let words = format!("initial cluster {} has duplicate url", text_of(&cluster));
            return Err(Error::failure(words));
        }
        Self::identified(name, &cluster, token)
    }

    fn identified(own: &str, cluster: &Cluster, token: &str) -> Result<Self> {
        let mut members: Vec<Member> = Vec::new();
        for (name, urls) in cluster {
            let peer_urls: Vec<String> = urls.iter().map(ToString::to_string).collect();
            let id = id(&[peer_urls.concat().as_bytes(), token.as_bytes()].concat());
            if id == 0 {
                return Err(Error::failure("cannot use 0 as member id"));
            }
            if let Some(other) = members.iter().find(|other| other.id == id) {
                let words = format!("member exists with identical ID {id:x}");
                return Err(Error::failure(words).because(format!(
                    "{} and {name} have the same URLs, and a member's id is made of them",
                    other.name
                )));
            }
            members.push(Member { id, name: name.clone(), peer_urls });
        }
        members.sort_by_key(|member| member.id);
        let ids: Vec<u8> = members.iter().flat_map(|member| member.id.to_be_bytes()).collect();
        let own = members.iter().find(|member| member.name == own).map_or(0, |member| member.id);
        Ok(Self { cluster: id(&ids), own, members })
    }
}

/// A member's and a cluster's id: the beginning of a SHA-1.
fn id(bytes: &[u8]) -> u64 {
    let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    digest.as_ref().iter().take(8).fold(0, |id, byte| id << 8 | u64::from(*byte))
}

/// `name=url,…`: of one name there may be several.
fn named(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut map: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for item in text.split(',').filter(|item| !item.is_empty()) {
        let (name, url) = item.split_once('=').unwrap_or((item, ""));
        map.entry(name).or_default().push(url);
    }
    map
}

fn urls(texts: &[&str]) -> Result<Vec<Url>> {
    let mut urls = Vec::new();
    for text in texts {
        let text = text.trim();
        let url = Url::parse(text).map_err(Error::failure)?;
        match url.scheme.as_str() {
            "http" | "https" => {
                let words = if host_and_port(&url.host).is_none() {
                    "URL address does not have the form \"host:port\""
                } else if url.path.is_empty() {
                    ""
                } else {
                    "URL must not contain a path"
                };
                if !words.is_empty() {
                    return Err(Error::failure(format!("{words}: {text}")));
                }
            }
            "unix" | "unixs" => {}
            _ => {
                let words = format!("URL scheme must be http, https, unix, or unixs: {text}");
                return Err(Error::failure(words));
            }
        }
        urls.push(url);
    }
    urls.sort();
    Ok(urls)
}

/// `a=url,b=url`, sorted.
fn text_of(cluster: &Cluster) -> String {
    let pair = |name: &String, url: &Url| format!("{name}={url}");
    let mut pairs: Vec<String> = cluster
        .iter()
        .flat_map(|(name, urls)| urls.iter().map(move |url| pair(name, url)))
        .collect();
    pairs.sort();
    pairs.join(",")
}

/// A member must advertise the URLs that the cluster knows it by, be it under other names of a host.
fn same_urls(name: &str, advertised: &[Url], initial: &[Url]) -> Result<()> {
    let Err(why) = equal(advertised, initial) else { return Ok(()) };
    let texts = |urls: &[Url]| urls.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (have, want) = (texts(advertised), texts(initial));
    let missing = |from: &[String], among: &[String]| {
        let missing: BTreeSet<_> = from.iter().filter(|url| !among.contains(url)).collect();
        missing.into_iter().cloned().collect::<Vec<String>>()
    };
    let advertised = have.join(",");
    let own = have.iter().map(|url| format!("{name}={url}")).collect::<Vec<_>>().join(",");
    let not_advertised = missing(&want, &have);
    let words = if !not_advertised.is_empty() {
        let lacking: Vec<_> = not_advertised.iter().map(|url| format!("{name}={url}")).collect();
        let lacking = lacking.join(",");
        format!(
            "--initial-cluster has {lacking} but missing from --initial-advertise-peer-urls={advertised} ({why})"
        )
    } else if missing(&have, &want).is_empty() {
        format!("failed to resolve {advertised} to match --initial-cluster={own} ({why})")
    } else {
        let surplus = missing(&have, &want).join(",");
        format!(
            "--initial-advertise-peer-urls has {surplus} but missing from --initial-cluster={own}"
        )
    };
    Err(Error::failure(words)
        .hint("give --initial-advertise-peer-urls the URLs that --initial-cluster has for --name"))
}

fn equal(a: &[Url], b: &[Url]) -> Result<(), String> {
    if a.len() != b.len() {
        return Err(format!("len({}) != len({})", list(a), list(b)));
    }
    if a.iter().zip(b).all(|(a, b)| same_place(a, b)) {
        return Ok(());
    }
    let until = Instant::now() + PATIENCE;
    let resolved = |urls: &[Url]| {
        let mut urls = urls
            .iter()
            .map(|url| {
                resolve(url, until)
                    .map_err(|why| format!("failed to resolve {} ({why})", quoted(url)))
            })
            .collect::<Result<Vec<Url>, String>>()?;
        urls.sort();
        Ok::<_, String>(urls)
    };
    let (a, b) = (resolved(a)?, resolved(b)?);
    match a.iter().zip(&b).find(|(a, b)| !same_place(a, b)) {
        Some((a, b)) => Err(format!("resolved urls: {} != {}", quoted(a), quoted(b))),
        None => Ok(()),
    }
}

fn quoted(url: &Url) -> String {
    quote(url.to_string().as_bytes())
}

/// As Go prints a list of texts: `["a" "b"]`.
fn list(urls: &[Url]) -> String {
    format!("[{}]", urls.iter().map(quoted).collect::<Vec<_>>().join(" "))
}

fn same_place(a: &Url, b: &Url) -> bool {
    a.scheme == b.scheme && normalized(&a.host) == normalized(&b.host) && a.path == b.path
}

/// One address may be written in several ways.
fn normalized(host: &str) -> String {
    let (bare, port) = host_and_port(host).unwrap_or((host, ""));
    let Ok(address) = bare.trim_matches(['[', ']']).parse::<IpAddr>() else {
        return host.to_owned();
    };
    let mut text = match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    if !port.is_empty() {
        let _ = write!(text, ":{port}");
    }
    text
}

/// The URL with its host's address. `localhost` keeps its name, as the official program has it.
fn resolve(url: &Url, until: Instant) -> Result<Url, String> {
    let is_socket = ["unix", "unixs"].contains(&url.scheme.as_str());
    if is_socket || host_and_port(&url.host).is_some_and(|(host, _)| host == "localhost") {
        return Ok(url.clone());
    }
    let text = url.to_string();
    loop {
        let found = url.host.to_socket_addrs().map(|mut all| all.next());
        let why = match found {
            Ok(Some(address)) => {
                let address = address.to_string();
                log::info(
                    "resolved URL Host",
                    &[
                        ("url", Value::Text(&text)),
                        ("host", Value::Text(&url.host)),
                        ("resolved-addr", Value::Text(&address)),
                    ],
                );
                return Url::parse(&text.replacen(&url.host, &address, 1));
            }
            Ok(None) => "no address".to_owned(),
            Err(err) => err.to_string(),
        };
        log::warn(
            "failed to resolve URL Host",
            &[
                ("url", Value::Text(&text)),
                ("host", Value::Text(&url.host)),
                ("retry-interval", Value::Text("1s")),
                ("error", Value::Text(&why)),
            ],
        );
        if Instant::now() + RETRY > until {
            return Err(why);
        }
        sleep(RETRY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_etcd() {
        let peers = Peers::new(
            "m1",
            "m1=http://127.0.0.1:23797,m2=http://127.0.0.1:23799",
            "tok9",
            "http://127.0.0.1:23797",
        )
        .unwrap();
        assert_eq!(peers.own, 0xf92c_7013_4403_50f7);
        let ids: Vec<u64> = peers.members.iter().map(|member| member.id).collect();
        assert_eq!(ids, [0x905d_9809_8703_c2aa, 0xf92c_7013_4403_50f7]);
        assert_eq!(peers.cluster, 0xa046_fd09_bb53_f1ca);
    }

    #[test]
    fn a_member_is_kept_as_gos_json() {
        let member = Member {
            id: 7,
            name: "<a>".into(),
            peer_urls: vec!["http://h:1".into(), "http://i:1".into()],
        };
        assert_eq!(
            String::from_utf8(member.json()).unwrap(),
            r#"{"id":7,"peerURLs":["http://h:1","http://i:1"],"name":"\u003ca\u003e"}"#
        );
    }

    #[test]
    fn one_address_may_be_written_in_several_ways() {
        for (a, b) in
            [("[::1]:80", "[0:0::1]:80"), ("[::ffff:1.2.3.4]:1", "1.2.3.4:1"), ("h:1", "h:1")]
        {
            assert_eq!(normalized(a), normalized(b));
        }
        assert_ne!(normalized("127.0.0.1:1"), normalized("localhost:1"));
    }

    #[test]
    fn wrong_flags_are_told_in_official_words() {
        let local = "http://localhost:2380";
        for (name, cluster, advertised, words) in [
            (
                "default",
                "default=http://localhost:2380",
                "127.0.0.1:2380",
                r#"parse "127.0.0.1:2380": first path segment in URL cannot contain colon"#,
            ),
            (
                "a",
                "b=http://localhost:2380",
                local,
                r#"couldn't find local name "a" in the initial cluster configuration"#,
            ),
            ("a", "a", local, "URL scheme must be http, https, unix, or unixs: "),
            (
                "a",
                "a=http://localhost",
                local,
                r#"URL address does not have the form "host:port": http://localhost"#,
            ),
            (
                "a",
                "a=http://localhost:1/x",
                local,
                "URL must not contain a path: http://localhost:1/x",
            ),
            (
                "a",
                "a=http://localhost:2380,b=http://localhost:2380",
                local,
                "initial cluster a=http://localhost:2380,b=http://localhost:2380 has duplicate url",
            ),
        ] {
            assert_eq!(Peers::new(name, cluster, "t", advertised).unwrap_err().message(), words);
        }
    }
}
