//! Private etcd servers on loopback ports. No two tests share one, and none outlives its test.
//!
//! Every single server has the same identity: its ids come from a peer URL that nobody dials, not from the
//! port it listens on. So two fresh servers answer the same request with the same bytes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{on_path, project};

/// Longer than any start seen, also on a busy machine.
const START: Duration = Duration::from_secs(60);
/// Another process may take a port between our look and the server's.
const TRIES: usize = 5;
const POLL: Duration = Duration::from_millis(5);

/// A running server, or one that a test has stopped.
pub struct Etcd {
    binary: PathBuf,
    minor: String,
    extra: Vec<String>,
    peers: Option<Peers>,
    ports: Ports,
    folder: TempDir,
    child: Option<Child>,
}

/// A member's place among others.
struct Peers {
    name: String,
    initial: String,
}

#[derive(Clone, Copy)]
struct Ports {
    client: u16,
    peer: u16,
    /// Plain HTTP whatever the client port speaks.
    health: u16,
}

impl Ports {
    fn free() -> Self {
        // Held together, so that they differ.
        let held: [TcpListener; 3] = std::array::from_fn(|_| {
            TcpListener::bind(("127.0.0.1", 0)).expect("could not take a loopback port")
        });
        let [client, peer, health] = held
            .map(|listener| listener.local_addr().expect("a bound socket has an address").port());
        Self { client, peer, health }
    }
}

impl Etcd {
    /// A server of the default version: `ETCD`, else the newest that `make reference` built, else the
    /// one on `PATH`.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Likewise, with more arguments.
    pub fn with(extra: &[&str]) -> Self {
        let binary =
            default_binary().expect("no etcd: make test installs one, make reference builds it");
        Self::launched(binary, extra)
    }

    /// A server of one minor version, where there is one.
    pub fn version(minor: &str) -> Option<Self> {
        Self::version_with(minor, &[])
    }

    /// Likewise, with more arguments.
    pub fn version_with(minor: &str, extra: &[&str]) -> Option<Self> {
        Some(Self::launched(binary_of(minor)?, extra))
    }

    /// A server of one minor version that starts from a data directory that is made here, for a member called
    /// `default` of the peer URL [`Etcd::LONE`].
    pub fn prepared(minor: &str, prepare: impl Fn(&Path)) -> Option<Self> {
        let binary = binary_of(minor)?;
        let mut etcd = Self::idle(binary, &[], None, Ports::free());
        prepare(&etcd.data());
        for _ in 1..TRIES {
            if etcd.launch() && etcd.answers() {
                return Some(etcd);
            }
            etcd.kill();
            etcd.ports = Ports::free();
        }
        assert!(etcd.launch() && etcd.answers(), "{}", etcd.why());
        Some(etcd)
    }

    /// The peer URL of every single server. Nobody dials it: a lone member has no peers.
    pub const LONE: &str = "http://127.0.0.1:1";
    /// The token of every cluster.
    pub const TOKEN: &str = "tests";

    fn launched(binary: PathBuf, extra: &[&str]) -> Self {
        let mut etcd = Self::idle(binary, extra, None, Ports::free());
        for _ in 1..TRIES {
            if etcd.launch() && etcd.answers() {
                return etcd;
            }
            let folder = etcd.fresh_folder();
            etcd.ports = Ports::free();
            etcd.folder = folder;
        }
        assert!(etcd.launch() && etcd.answers(), "{}", etcd.why());
        etcd
    }

    fn idle(binary: PathBuf, extra: &[&str], peers: Option<Peers>, ports: Ports) -> Self {
        let minor = version_of(&binary);
        let extra = extra.iter().map(ToString::to_string).collect();
        let folder = TempDir::new().expect("could not make a folder for a server");
        Self { binary, minor, extra, peers, ports, folder, child: None }
    }

    /// What failed in the old folder must not meet the next try.
    fn fresh_folder(&mut self) -> TempDir {
        self.kill();
        TempDir::new().expect("could not make a folder for a server")
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.ports.client)
    }

    pub fn port(&self) -> u16 {
        self.ports.client
    }

    pub fn peer_port(&self) -> u16 {
        self.ports.peer
    }

    /// As in `3.7`.
    pub fn minor(&self) -> &str {
        &self.minor
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Ends the server as an operator would, and waits for it.
    pub fn stop(&mut self) {
        if let Some(child) = &self.child {
            // A server that is gone already is what was wanted.
            let _ = kill_process(Pid::from_child(child), Signal::TERM);
        }
        self.wait();
    }

    /// Ends the server at once: what it did not sync is what a crash leaves.
    pub fn kill(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
        }
        self.wait();
    }

    fn wait(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.wait();
        }
    }

    /// Starts the server again, on the same ports and data.
    pub fn restart(&mut self) {
        self.kill();
        assert!(self.launch() && self.answers(), "{}", self.why());
    }

    /// Likewise, with other arguments of the test's.
    pub fn restart_with(&mut self, extra: &[&str]) {
        self.stop();
        self.extra = extra.iter().map(ToString::to_string).collect();
        self.restart();
    }

    /// Stops the server's world without closing its connections.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets a frozen server go on.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("the server is stopped");
        kill_process(Pid::from_child(child), signal).expect("could not signal the server");
    }

    /// Starts the process. Says whether it could.
    fn launch(&mut self) -> bool {
        let Ports { client, peer, health } = self.ports;
        let lone = Self::LONE.to_owned();
        let (name, peer_url, initial) = match &self.peers {
            None => ("default".to_owned(), lone.clone(), format!("default={lone}")),
            Some(peers) => {
                (peers.name.clone(), format!("http://127.0.0.1:{peer}"), peers.initial.clone())
            }
        };
        let tls = |arg: &String| arg.starts_with("--cert-file") || arg == "--auto-tls";
        let scheme = if self.extra.iter().any(tls) { "https" } else { "http" };
        let log = File::create(self.folder.path().join("log")).expect("could not make a log file");
        let mut command = Command::new(&self.binary);
        command
            .env_clear()
            .args(["--name", &name, "--initial-cluster-token", Self::TOKEN, "--logger", "zap"])
            .arg("--data-dir")
            .arg(self.data())
            .args(["--listen-client-urls", &format!("{scheme}://127.0.0.1:{client}")])
            .args(["--advertise-client-urls", &format!("{scheme}://127.0.0.1:{client}")])
            .args(["--listen-peer-urls", &format!("http://127.0.0.1:{peer}")])
            .args(["--initial-advertise-peer-urls", &peer_url])
            .args(["--initial-cluster", &initial])
            .args(["--listen-metrics-urls", &format!("http://127.0.0.1:{health}")])
            .args(&self.extra)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("could not share a log file"))
            .stderr(log);
        if self.minor != "3.4" {
            // Nothing here survives a power cut anyway.
            command.arg("--unsafe-no-fsync");
        }
        self.child = command.spawn().ok();
        self.child.is_some()
    }

    /// Waits until the server may be used. False when it ended, or never answered.
    fn answers(&mut self) -> bool {
        let end = Instant::now() + START;
        while Instant::now() < end {
            if !self.is_alive() {
                return false;
            }
            let healthy = http(self.ports.health, "GET", "/health", "")
                .is_some_and(|answer| answer.contains("\"true\""));
            if healthy && TcpStream::connect(("127.0.0.1", self.ports.client)).is_ok() {
                return true;
            }
            sleep(POLL);
        }
        false
    }

    fn is_alive(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    fn why(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let tail = log.lines().rev().take(5).collect::<Vec<_>>().join("\n");
        format!(
            "{} did not start; the end of its log, last line first:\n{tail}",
            self.binary.display()
        )
    }

    /// Everything a client can read, as text: the header, every key with its numbers. By the server's
    /// own JSON gateway, so that no client has to be right for it.
    pub fn contents(&self) -> String {
        self.ask("/v3/kv/range", r#"{"key":"AA==","range_end":"AA=="}"#)
    }

    /// Stores a key without any client.
    pub fn put(&self, key: &[u8], value: &[u8]) {
        let (key, value) = (BASE64_STANDARD.encode(key), BASE64_STANDARD.encode(value));
        self.ask("/v3/kv/put", &format!(r#"{{"key":"{key}","value":"{value}"}}"#));
    }

    /// Grants a lease under an id of the test's choice, which no official client can.
    pub fn grant(&self, id: i64, ttl: u32) {
        self.ask("/v3/lease/grant", &format!(r#"{{"ID":"{id}","TTL":"{ttl}"}}"#));
    }

    /// One question to the JSON gateway. Not where TLS is on.
    #[track_caller]
    pub fn ask(&self, path: &str, question: &str) -> String {
        self.asked(path, question).unwrap_or_else(|why| panic!("{path} {question}: {why}"))
    }

    /// Likewise, where a refusal is an answer: a cluster without a leader, for one.
    pub fn asked(&self, path: &str, question: &str) -> Result<String, String> {
        let answer = http(self.ports.client, "POST", path, question)
            .ok_or_else(|| format!("{} does not answer", self.address()))?;
        match answer.split_once("\r\n\r\n") {
            Some((head, body)) if head.contains(" 200 ") => Ok(body.to_owned()),
            _ => Err(answer),
        }
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a member's data directory must be made for.
pub struct Place<'a> {
    pub name: String,
    pub peer_url: String,
    pub initial: &'a str,
    pub data: PathBuf,
}

/// Three members, one leader, on one machine.
pub struct Cluster {
    pub members: Vec<Etcd>,
}

impl Cluster {
    /// Starts `n` members of the default version.
    pub fn start(n: usize) -> Self {
        let binary =
            default_binary().expect("no etcd: make test installs one, make reference builds it");
        Self::of(&vec![binary; n], &|_| {})
    }

    /// One member of each of these minor versions, where they are all here.
    pub fn mixed(minors: &[&str]) -> Option<Self> {
        let binaries: Option<Vec<_>> = minors.iter().map(|minor| binary_of(minor)).collect();
        Some(Self::of(&binaries?, &|_| {}))
    }

    /// Members of one minor version that start from data directories that are made here.
    pub fn prepared(minor: &str, n: usize, prepare: impl Fn(&Place<'_>)) -> Option<Self> {
        Some(Self::of(&vec![binary_of(minor)?; n], &prepare))
    }

    fn of(binaries: &[PathBuf], prepare: &dyn Fn(&Place<'_>)) -> Self {
        for _ in 0..TRIES {
            if let Some(cluster) = Self::launched(binaries, prepare) {
                return cluster;
            }
        }
        panic!("{binaries:?} did not start as a cluster");
    }

    fn launched(binaries: &[PathBuf], prepare: &dyn Fn(&Place<'_>)) -> Option<Self> {
        let ports: Vec<Ports> = binaries.iter().map(|_| Ports::free()).collect();
        let initial = ports
            .iter()
            .enumerate()
            .map(|(i, ports)| format!("m{i}=http://127.0.0.1:{}", ports.peer))
            .collect::<Vec<_>>()
            .join(",");
        let mut members: Vec<Etcd> = ports
            .into_iter()
            .zip(binaries)
            .enumerate()
            .map(|(i, (ports, binary))| {
                let peers = Peers { name: format!("m{i}"), initial: initial.clone() };
                Etcd::idle(binary.clone(), &[], Some(peers), ports)
            })
            .collect();
        for (i, member) in members.iter().enumerate() {
            prepare(&Place {
                name: format!("m{i}"),
                peer_url: format!("http://127.0.0.1:{}", member.ports.peer),
                initial: &initial,
                data: member.data(),
            });
        }
        // All first: none is healthy before most are there.
        let launched = members.iter_mut().all(Etcd::launch);
        (launched && members.iter_mut().all(Etcd::answers)).then_some(Self { members })
    }

    /// Another member: `add` is told its peer URL, and gives what a client printed when it was added, from
    /// which it starts.
    pub fn join(&mut self, add: impl FnOnce(&str) -> String) {
        let first = &self.members[0];
        let ports = Ports::free();
        let printed = add(&format!("http://127.0.0.1:{}", ports.peer));
        let variable = |name: &str| {
            let line = printed.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.unwrap_or_else(|| panic!("no {name} in {printed}")).trim_matches('"').to_owned()
        };
        let state = ["--initial-cluster-state".to_owned(), variable("ETCD_INITIAL_CLUSTER_STATE")];
        let peers =
            Peers { name: variable("ETCD_NAME"), initial: variable("ETCD_INITIAL_CLUSTER") };
        let mut member = Etcd::idle(
            first.binary.clone(),
            &state.each_ref().map(String::as_str),
            Some(peers),
            ports,
        );
        assert!(member.launch(), "{}", member.why());
        let end = Instant::now() + START;
        // A learner is not healthy: it only reads.
        while http(member.ports.client, "GET", "/version", "").is_none() {
            assert!(member.is_alive() && Instant::now() < end, "{}", member.why());
            sleep(POLL);
        }
        self.members.push(member);
    }

    /// Every member, comma-separated.
    pub fn endpoints(&self) -> String {
        self.members.iter().map(Etcd::endpoint).collect::<Vec<_>>().join(",")
    }

    /// Kills a member. The others go on.
    pub fn kill(&mut self, member: usize) {
        self.members[member].kill();
    }
}

fn default_binary() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("ETCD") {
        return Some(named.into());
    }
    binary_of("3.7").or_else(|| on_path("etcd"))
}

/// The server of a minor version: built by `make reference`, or on `PATH`.
fn binary_of(minor: &str) -> Option<PathBuf> {
    let built = std::fs::read_dir(project().join("reference"))
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&format!("{minor}.")))
        .map(|entry| entry.path().join("etcd"))
        .find(|binary| binary.is_file());
    built.or_else(|| on_path("etcd").filter(|binary| version_of(binary) == minor))
}

/// As in `3.7`. Asked once for each binary.
fn version_of(binary: &Path) -> String {
    static KNOWN: LazyLock<Mutex<BTreeMap<PathBuf, String>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().expect("another test failed while it held the lock");
    known.entry(binary.to_path_buf()).or_insert_with(|| asked_version(binary)).clone()
}

fn asked_version(binary: &Path) -> String {
    let answer = Command::new(binary)
        .env_clear()
        .arg("--version")
        .output()
        .unwrap_or_else(|err| panic!("could not run {}: {err}", binary.display()));
    let text = String::from_utf8_lossy(&answer.stdout);
    let version = text.lines().find_map(|line| line.strip_prefix("etcd Version: ")).unwrap_or("?");
    version.split('.').take(2).collect::<Vec<_>>().join(".")
}

/// One HTTP/1.0 exchange; the whole answer. None when nobody answers.
fn http(port: u16, method: &str, path: &str, body: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

#[test]
fn a_server_keeps_ports_and_data_over_a_restart_and_leaves_nothing_behind() {
    let mut etcd = Etcd::start();
    etcd.put(b"key", b"value");
    let (port, folder) = (etcd.port(), etcd.folder.path().to_path_buf());
    etcd.stop();
    etcd.restart();
    assert_eq!(etcd.port(), port);
    assert!(etcd.contents().contains("\"dmFsdWU=\""), "{}", etcd.contents());
    drop(etcd);
    assert!(!folder.exists());
}

#[test]
fn fresh_servers_are_twins() {
    let (one, other) = (Etcd::start(), Etcd::start());
    one.put(b"key", b"value");
    other.put(b"key", b"value");
    assert_eq!(one.contents(), other.contents());
}

#[test]
fn a_cluster_of_three_survives_the_loss_of_a_member() {
    let mut cluster = Cluster::start(3);
    cluster.kill(0);
    // The others may have to choose a leader first.
    let put = |member: &Etcd| member.asked("/v3/kv/put", r#"{"key":"a2V5","value":"dmFsdWU="}"#);
    let tries: Vec<_> = (0..5).map_while(|_| put(&cluster.members[1]).err()).collect();
    assert!(tries.len() < 5, "no leader: {tries:?}");
    let both = [&cluster.members[1], &cluster.members[2]].map(Etcd::contents);
    assert!(both.iter().all(|contents| contents.contains("\"dmFsdWU=\"")), "{both:?}");
}
