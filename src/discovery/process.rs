//! Servers among this machine's processes: what they were started with says where they listen and which
//! certificates they have.

use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::{Candidate, Ground};
use crate::go::url::{Url, host_and_port};
use crate::kube::Tree;
use crate::kube::yaml;

/// The process that a container begins with.
const FIRST: u32 = 1;

/// What a server's settings are called in its files (etcd 3.7.1, `server/embed/config.go`), below these names.
const TRANSPORT: &str = "client-transport-security";

/// The servers that may be used: process 1, then those with the default port of this machine, the lowest process id first.
pub fn candidates(ground: &Ground) -> impl Iterator<Item = Candidate> {
    let first = Process::read(ground, FIRST);
    let first = first.into_iter().filter_map(|process| process.candidate(&process.any_url()?));
    // Only looked through where process 1 is of no use.
    let others = std::iter::once_with(|| others(ground)).flatten();
    first.chain(others)
}

fn others(ground: &Ground) -> impl Iterator<Item = Candidate> {
    let entries = fs::read_dir(&ground.proc).into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut ids: Vec<u32> = ids.filter(|&id| id != FIRST).collect();
    ids.sort_unstable();
    ids.into_iter().filter_map(|id| {
        let process = Process::read(ground, id)?;
        process.candidate(&process.local_url(&ground.local)?)
    })
}

/// A running etcd.
struct Process {
    id: u32,
    /// Its folder below `/proc`.
    folder: PathBuf,
    /// What its paths are below: `/`, or its own root, where it lives in another mount namespace.
    root: PathBuf,
    settings: Settings,
}

impl Process {
    /// The process, where it is an etcd that this one's network reaches.
    fn read(ground: &Ground, id: u32) -> Option<Self> {
        let folder = ground.proc.join(id.to_string());
        let args = texts(&folder.join("cmdline"));
        let (program, args) = args.split_first()?;
        if Path::new(program).file_name()? != "etcd" {
            return None;
        }
        let differs = |namespace: &str| {
            let of = |id: &str| fs::read_link(ground.proc.join(id).join("ns").join(namespace)).ok();
            let (its, ours) = (of(&id.to_string()), of("self"));
            its.is_some() && ours.is_some() && its != ours
        };
        if differs("net") {
            return None;
        }
        let root = if differs("mnt") { folder.join("root") } else { PathBuf::from("/") };
        let mut process = Self { id, folder, root, settings: Settings::default() };
        let variables = texts(&process.folder.join("environ"));
        let given = Settings::of(args, &variables);
        // A server with a file heeds neither its flags nor its variables.
        process.settings = match given.get("config-file") {
            Some(file) => Settings::of_file(&fs::read(process.path(file)).ok()?)?,
            None => given,
        };
        Some(process)
    }

    /// A file of the process as we can open it.
    fn path(&self, path: &str) -> PathBuf {
        match path.strip_prefix('/') {
            Some(below) => self.root.join(below),
            None => self.folder.join("cwd").join(path),
        }
    }

    /// The URLs that clients may use, with an address of this machine for those that mean any.
    fn urls(&self) -> Vec<Url> {
        let urls = self.settings.get("listen-client-urls").unwrap_or("http://localhost:2379");
        let urls = urls.split(',').filter_map(|url| Url::parse(url.trim()).ok());
        let urls = urls.filter(|url| matches!(url.scheme.as_str(), "http" | "https"));
        urls.filter_map(|url| {
            let (host, port) = host_and_port(&url.host)?;
            match host.trim_matches(['[', ']']) {
                "" | "0.0.0.0" | "::" => {
                    Url::parse(&format!("{}://127.0.0.1:{port}", url.scheme)).ok()
                }
                _ => Some(url),
            }
        })
        .collect()
    }

    /// The URL with the default endpoint's port on this machine.
    fn local_url(&self, local: &str) -> Option<Url> {
        let (_, wanted) = host_and_port(local)?;
        self.urls().into_iter().find(|url| {
            is_loopback(url) && host_and_port(&url.host).is_some_and(|(_, port)| port == wanted)
        })
    }

    /// A URL on this machine, else the first.
    fn any_url(&self) -> Option<Url> {
        let mut urls = self.urls();
        let local = urls.iter().position(is_loopback).unwrap_or(0);
        (local < urls.len()).then(|| urls.swap_remove(local))
    }

    /// The certificate of `--auto-tls`, which the server makes where it is given none, in its data directory
    /// (etcd 3.7.1, `server/embed/config.go`, `ClientSelfCert`). It answers for itself, and no client must have one.
    fn own_certificate(&self) -> Option<PathBuf> {
        let given =
            ["cert-file", "key-file", "trusted-ca-file", "client-cert-file", "client-key-file"];
        let auto = self.settings.get("auto-tls").is_some_and(is_true);
        if !auto || given.iter().any(|name| self.settings.get(name).is_some()) {
            return None;
        }
        let name = self.settings.get("name").unwrap_or("default");
        let data =
            self.settings.get("data-dir").map_or_else(|| format!("{name}.etcd"), str::to_owned);
        Some(self.path(&data).join("fixtures/client/cert.pem"))
    }

    fn candidate(&self, url: &Url) -> Option<Candidate> {
        let endpoint = format!("{}://{}", url.scheme, url.host);
        let running = format!("the etcd running as process {}", self.id);
        if url.scheme == "http" {
            let whose = format!("of {running}");
            return Some(Candidate { endpoint, whose, cacerts: Vec::new(), pairs: None });
        }
        let file = |name: &str| self.settings.get(name).map(|path| self.path(path));
        if let Some(own) = self.own_certificate() {
            let whose = format!("with the certificate that {running} made for itself");
            return Some(Candidate { endpoint, whose, cacerts: vec![own], pairs: None });
        }
        let pair = |cert: &str, key: &str| Some((file(cert)?, file(key)?));
        let (server, trusted) = (pair("cert-file", "key-file"), file("trusted-ca-file"));
        // The CA of clients is the server's own as a rule; where none is named, the server's
        // certificate answers for itself.
        let cacert = trusted.clone().or_else(|| server.clone().map(|(cert, _)| cert))?;
        let demands =
            trusted.is_some() || self.settings.get("client-cert-auth").is_some_and(is_true);
        // kubeadm keeps a client's certificate for its probes beside the server's.
        let probes = server.as_ref().map(|(cert, _)| {
            let beside = |name: &str| cert.with_file_name(name);
            (beside("healthcheck-client.crt"), beside("healthcheck-client.key"))
        });
        // The server is its own client too, so that its certificate serves where no other does.
        let pairs = [pair("client-cert-file", "client-key-file"), probes, server];
        Some(Candidate {
            endpoint,
            whose: format!("with the certificates of {running}"),
            cacerts: vec![cacert],
            pairs: demands.then(|| pairs.into_iter().flatten().collect()),
        })
    }
}

/// A switch that is on, in any of Go's words for it.
fn is_true(word: &str) -> bool {
    matches!(word, "1" | "t" | "T" | "true" | "TRUE" | "True")
}

fn is_loopback(url: &Url) -> bool {
    let host = host_and_port(&url.host).map_or("", |(host, _)| host).trim_matches(['[', ']']);
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// The texts that a file of `/proc` holds, each with a zero behind it. None where it may not be read.
fn texts(path: &Path) -> Vec<String> {
    let bytes = fs::read(path).unwrap_or_default();
    let texts = bytes.split(|&byte| byte == 0).map(|text| {
        // What is no text names no file that could be told; it then does not exist.
        std::ffi::OsString::from_vec(text.to_vec()).to_string_lossy().into_owned()
    });
    texts.collect()
}

/// A server's settings by their flags' names.
#[derive(Default)]
struct Settings(Vec<(String, String)>);

impl Settings {
    const NAMES: [&str; 11] = [
        "listen-client-urls",
        "cert-file",
        "key-file",
        "trusted-ca-file",
        "client-cert-file",
        "client-key-file",
        "client-cert-auth",
        "auto-tls",
        "name",
        "data-dir",
        "config-file",
    ];
    /// Go's switches have no value of their own word.
    const SWITCHES: [&str; 2] = ["client-cert-auth", "auto-tls"];

    /// From arguments, then from variables `ETCD_…`. The last of several equal flags counts.
    fn of(args: &[String], variables: &[String]) -> Self {
        let mut settings = Vec::new();
        let mut rest = args.iter().peekable();
        while let Some(arg) = rest.next() {
            let Some(flag) = arg.strip_prefix("--").or_else(|| arg.strip_prefix('-')) else {
                continue;
            };
            let (name, value) = match flag.split_once('=') {
                Some((name, value)) => (name, value.to_owned()),
                None if Self::SWITCHES.contains(&flag) => (flag, "true".to_owned()),
                None => {
                    (flag, rest.next_if(|next| !next.starts_with('-')).cloned().unwrap_or_default())
                }
            };
            settings.insert(0, (name.to_owned(), value));
        }
        for name in Self::NAMES {
            let variable = format!("ETCD_{}=", name.to_uppercase().replace('-', "_"));
            let value = variables.iter().find_map(|text| text.strip_prefix(&variable));
            settings.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        }
        Self(settings)
    }

    /// From a file in YAML.
    fn of_file(text: &[u8]) -> Option<Self> {
        let file = yaml::read(text).ok()?;
        let transport = file.get(TRANSPORT);
        let settings = Self::NAMES.iter().filter_map(|&name| {
            let value = transport.and_then(|below| below.get(name)).or_else(|| file.get(name))?;
            let text = match value {
                Tree::Text(text) => text.to_string(),
                Tree::Bool(bool) => bool.to_string(),
                _ => return None,
            };
            (name != "config-file").then(|| (name.to_owned(), text))
        });
        Some(Self(settings.collect()))
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(words: &[&str]) -> Vec<String> {
        words.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn settings_are_read_from_every_form_of_a_flag_and_flags_go_before_variables() {
        let args = owned(&[
            "--cert-file=/a.crt",
            "-key-file",
            "/a.key",
            "--client-cert-auth",
            "--trusted-ca-file",
            "/one",
            "word",
            "--trusted-ca-file=/two",
        ]);
        let variables = owned(&["ETCD_CERT_FILE=/b.crt", "ETCD_LISTEN_CLIENT_URLS=https://x:1"]);
        let settings = Settings::of(&args, &variables);
        for (name, value) in [
            ("cert-file", Some("/a.crt")),
            ("key-file", Some("/a.key")),
            ("client-cert-auth", Some("true")),
            ("trusted-ca-file", Some("/two")),
            ("listen-client-urls", Some("https://x:1")),
            ("config-file", None),
        ] {
            assert_eq!(settings.get(name), value, "{name}");
        }
    }

    #[test]
    fn settings_are_read_from_a_file() {
        let file = b"listen-client-urls: https://127.0.0.1:2379,https://10.0.0.1:2379\n\
            client-transport-security:\n  cert-file: /c\n  client-cert-auth: true\n";
        let settings = Settings::of_file(file).unwrap();
        assert_eq!(settings.get("cert-file"), Some("/c"));
        assert_eq!(settings.get("client-cert-auth"), Some("true"));
        assert!(Settings::of_file(b"{").is_none());
    }

    #[test]
    fn an_address_of_this_machine_goes_before_others() {
        let url = |urls: &str| {
            let settings = Settings(vec![("listen-client-urls".into(), urls.into())]);
            let process = Process { id: 1, folder: "/proc/1".into(), root: "/".into(), settings };
            (
                process.any_url().map(|url| url.to_string()),
                process.local_url("127.0.0.1:2379").map(|url| url.to_string()),
            )
        };
        let any = Some("https://127.0.0.1:2379".to_owned());
        assert_eq!(url("https://10.0.0.1:2379,https://127.0.0.1:2379"), (any.clone(), any.clone()));
        assert_eq!(url("https://0.0.0.0:2379"), (any.clone(), any.clone()));
        assert_eq!(url("https://[::]:2379"), (any.clone(), any));
        let other = Some("https://10.0.0.1:2379".to_owned());
        assert_eq!(url("https://10.0.0.1:2379,unixs://x:0"), (other, None));
        let other = Some("https://127.0.0.1:4001".to_owned());
        assert_eq!(url("https://0.0.0.0:4001"), (other, None));
        assert_eq!(url("unix://x"), (None, None));
    }
}
