//! Names, discovery by DNS, proxies: in a network of the test's own, with its own name server.
//!
//! A test that needs one starts this program again inside new user, network and mount namespaces. Where the
//! system does not allow that, it says so and does nothing.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::sync::{Arc, Mutex};

use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, SRV};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use crate::support::certs::{Authority, Folder, Says};
use crate::support::{Etcd, Outcome, Run, reference_is_there, relay, run, skipped, words};

/// Says that we are inside.
const INSIDE: &str = "IN_A_NETWORK_OF_ITS_OWN";
/// This machine there, by an address that is not loopback.
const HERE: Ipv4Addr = Ipv4Addr::new(10, 9, 9, 9);

/// Runs a test of this file inside a network of its own.
#[track_caller]
fn inside(test: &str) {
    let folder = Folder::new();
    let conf = folder.write("resolv.conf", format!("nameserver {HERE}\noptions timeout:1\n"));
    let own_network = |script: &str| {
        let script = format!("ip link set lo up && ip addr add {HERE}/32 dev lo && {script}");
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--net", "--mount", "sh", "-c", &script]);
        command
    };
    let mount = "mount --bind \"$0\" /etc/resolv.conf";
    let possible = own_network(mount).arg(&conf).output();
    if !possible.is_ok_and(|output| output.status.success()) {
        skipped("a network of its own: unshare, ip or mount is missing or not allowed here");
        return;
    }
    let output = own_network(&format!("{mount} && exec \"$@\""))
        .arg(&conf)
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", "--ignored", "--nocapture"])
        .arg(format!("connection::network::{test}"))
        .env(INSIDE, "1")
        .output()
        .expect("unshare was there");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some() && reference_is_there()
}

/// Answers for the test's names at an address, as long as the program runs. `hosts` have addresses, `records` are
/// SRV: a name, a port, a host.
pub fn name_server(at: Ipv4Addr, hosts: &[(&str, Ipv4Addr)], records: &[(&str, u16, &str)]) {
    let own = |name: &str| Name::from_ascii(format!("{name}.")).expect("a name");
    let hosts: Vec<_> = hosts.iter().map(|(name, address)| (own(name), *address)).collect();
    let records: Vec<_> =
        records.iter().map(|(name, port, host)| (own(name), *port, own(host))).collect();
    let socket = UdpSocket::bind((at, 53)).expect("the port is ours");
    std::thread::spawn(move || {
        let mut packet = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut packet) {
            let Ok(mut message) = Message::from_vec(&packet[..length]) else { continue };
            message.metadata.message_type = MessageType::Response;
            message.metadata.recursion_available = true;
            let Some(query) = message.queries.first().cloned() else { continue };
            let name = query.name().clone();
            let data: Vec<RData> = match query.query_type() {
                RecordType::A => {
                    let found = hosts.iter().filter(|(host, _)| *host == name);
                    found.map(|(_, address)| RData::A(A(*address))).collect()
                }
                RecordType::SRV => {
                    let found = records.iter().filter(|(service, ..)| *service == name);
                    found
                        .map(|(_, port, host)| RData::SRV(SRV::new(0, 0, *port, host.clone())))
                        .collect()
                }
                _ => vec![],
            };
            let known = hosts.iter().any(|(host, _)| *host == name) || !data.is_empty();
            if name.to_ascii().contains("broken") {
                message.metadata.response_code = ResponseCode::ServFail;
            } else if !known {
                message.metadata.response_code = ResponseCode::NXDomain;
            }
            for data in data {
                message.add_answer(Record::from_rdata(name.clone(), 60, data));
            }
            let answer = message.to_vec().expect("a small message");
            // Who asked may be gone.
            let _ = socket.send_to(&answer, from);
        }
    });
}

#[track_caller]
fn agree(line: &str, with: impl Fn(Run) -> Run + Sync) -> Outcome {
    let line: Vec<&str> = words(line).into_iter().chain(["--command-timeout=2s"]).collect();
    let (ours, theirs) =
        run::both(|| with(Run::ours(&line)).outcome(), || with(Run::reference(&line)).outcome());
    ours.assert_same_answer(&theirs, "a network of its own");
    ours
}

#[test]
fn a_cluster_is_discovered_by_dns() {
    inside("discovery");
}

#[test]
#[ignore = "runs in a network of its own, which another test makes"]
fn discovery() {
    if !is_inside() {
        return;
    }
    let folder = Folder::new();
    let ca = Authority::new("ca");
    folder.write("ca.pem", &ca.cert);
    let names = &["one.test", "127.0.0.1"][..];
    let (cert, key) = folder.pair("server", &ca.issue(&Says { names, ..Says::default() }));
    let plain = Etcd::start();
    let flags =
        [format!("--cert-file={}", cert.display()), format!("--key-file={}", key.display())];
    let tls = Etcd::with(&flags.each_ref().map(String::as_str));
    plain.put(b"which", b"plain");
    // It has no plain gateway: the official client sets the scene.
    let ca_file = folder.path("ca.pem").display().to_string();
    let args = ["--endpoints", &format!("https://{}", tls.address()), "--cacert", &ca_file];
    let put = Run::reference(args.into_iter().chain(["put", "which", "tls"])).outcome();
    assert!(put.status == 0, "{put}");
    let (plain_port, tls_port) = (plain.port(), tls.port());
    name_server(
        HERE,
        &[("one.test", Ipv4Addr::LOCALHOST), ("two.test", Ipv4Addr::LOCALHOST)],
        &[
            ("_etcd-client._tcp.plain.test", plain_port, "one.test"),
            ("_etcd-client._tcp.two.test", 1, "two.test"),
            ("_etcd-client._tcp.two.test", plain_port, "two.test"),
            ("_etcd-client-ssl._tcp.tls.test", tls_port, "one.test"),
            ("_etcd-client-ssl._tcp.other.test", tls_port, "two.test"),
            ("_etcd-client-ssl._tcp.both.test", tls_port, "one.test"),
            ("_etcd-client._tcp.both.test", plain_port, "one.test"),
            ("_etcd-client-blue._tcp.plain.test", plain_port, "two.test"),
            ("_etcd-client-ssl-blue._tcp.tls.test", tls_port, "one.test"),
        ],
    );
    let here = folder.path("");
    let alone = |line: &str| agree(line, |run| run.inside(&here));
    for (line, value) in [
        ("-d plain.test get which", Some("plain")),
        ("--discovery-srv plain.test get which", Some("plain")),
        ("-d two.test get which", Some("plain")),
        ("-d plain.test --discovery-srv-name blue get which", Some("plain")),
        ("-d tls.test --cacert ca.pem get which", Some("tls")),
        ("-d tls.test --cacert ca.pem --discovery-srv-name blue get which", Some("tls")),
        ("-d tls.test --insecure-skip-tls-verify get which", Some("tls")),
        ("-d tls.test --insecure-discovery=false --cacert ca.pem get which", Some("tls")),
        // What --endpoints says does not count.
        ("-d plain.test --endpoints 127.0.0.1:1 get which", Some("plain")),
        // Certificates that are not of the host's name, or not trusted.
        ("-d other.test --cacert ca.pem get which", None),
        ("-d tls.test get which", None),
        // No such records at all, a name server that cannot tell.
        ("-d none.test get which", None),
        ("-d plain.test --discovery-srv-name red get which", None),
        ("-d broken.test get which", None),
        // Only insecure ones: back to --endpoints, but in TLS.
        (
            &format!(
                "-d plain.test --insecure-discovery=false --endpoints 127.0.0.1:{plain_port} get which"
            ),
            None,
        ),
    ] {
        let outcome = alone(line);
        match value {
            Some(value) => outcome.assert_prints(&format!("which\n{value}\n")),
            None => assert!(outcome.status == 1, "{outcome}"),
        }
    }
    let ignored = alone(&format!(
        "-d both.test --insecure-discovery=false --cacert ca.pem --endpoints 127.0.0.1:{plain_port} get which"
    ));
    assert!(ignored.said().contains("ignoring discovered insecure endpoint"), "{ignored}");
    let none = alone("-d none.test get which");
    assert_eq!(
        none.last_error().map(String::from_utf8_lossy).as_deref(),
        Some(
            "Error: dns lookup errors: lookup _etcd-client-ssl._tcp.none.test on 10.9.9.9:53: no such host \
             and lookup _etcd-client._tcp.none.test on 10.9.9.9:53: no such host"
        )
    );
    agree("get which", |run| {
        run.env("ETCDCTL_DISCOVERY_SRV", "blue.test").env("ETCDCTL_DISCOVERY_SRV_NAME", "x")
    });
    agree("get which", |run| run.env("ETCDCTL_DISCOVERY_SRV", "plain.test"))
        .assert_prints("which\nplain\n");
    // The name is told as it was discovered, its final dot included.
    let refused = Run::ours(words("-d two.test --dial-timeout 100ms get which -w json --debug"));
    let said = refused.outcome().said();
    assert!(said.contains("http://two.test.:"), "{said}");
}

/// A proxy that knows `CONNECT`, and keeps what it was asked. Refuses tunnels to a port 9.
fn proxy() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    let heads = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&heads);
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let noted = Arc::clone(&noted);
            std::thread::spawn(move || tunnel(client, &noted));
        }
    });
    (address, heads)
}

fn tunnel(mut client: TcpStream, noted: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    noted.lock().expect("nobody fails here").push(head.clone());
    let place = head.split(' ').nth(1).unwrap_or_default();
    let (host, port) = place.rsplit_once(':').unwrap_or_default();
    if port == "9" {
        return client.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    }
    let host = if host.contains("etcd.test") { HERE.to_string() } else { host.to_owned() };
    let server = TcpStream::connect((host, port.parse().unwrap_or(0)))?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    relay::joined(client, server)
}

#[test]
fn a_proxy_is_used_as_by_the_official_client() {
    inside("proxies");
}

#[test]
#[ignore = "runs in a network of its own, which another test makes"]
fn proxies() {
    if !is_inside() {
        return;
    }
    let etcd = Etcd::start();
    etcd.put(b"key", b"value");
    name_server(HERE, &[("etcd.test", HERE), ("www.etcd.test", HERE)], &[]);
    let server = etcd.address().parse().expect("host and port");
    let port = relay::at_address(&HERE.to_string(), server).expect("our address");
    let (proxy, heads) = proxy();
    let open = format!("http://{proxy}");
    let bare = proxy.to_string();
    let known = format!("http://user:pass%20word@{proxy}");
    let local = etcd.port();
    let dead = "http://127.0.0.1:1";
    let by_name = format!("etcd.test:{port}");
    let by_url = format!("http://etcd.test:{port}/path");
    let by_address = format!("{HERE}:{port}");
    let mut wrong = Vec::new();
    for (endpoint, variables) in [
        (&by_name, vec![("HTTPS_PROXY", &*open)]),
        (&by_url, vec![("HTTPS_PROXY", &*open)]),
        (&by_address, vec![("HTTPS_PROXY", &*open)]),
        (&by_name, vec![("https_proxy", &*open)]),
        (&by_name, vec![("https_proxy", dead), ("HTTPS_PROXY", &*open)]),
        (&by_name, vec![("HTTPS_PROXY", ""), ("https_proxy", &*open)]),
        (&by_name, vec![("HTTPS_PROXY", &*bare)]),
        (&by_name, vec![("HTTPS_PROXY", &*known)]),
        // Only HTTPS_PROXY counts.
        (&by_name, vec![("HTTP_PROXY", dead), ("http_proxy", dead), ("ALL_PROXY", dead)]),
        // Exceptions.
        (&by_name, vec![("HTTPS_PROXY", dead), ("NO_PROXY", "etcd.test")]),
        (&by_name, vec![("HTTPS_PROXY", dead), ("no_proxy", "etcd.test")]),
        (&by_name, vec![("HTTPS_PROXY", dead), ("NO_PROXY", "other, .TEST ,x")]),
        (&by_name, vec![("HTTPS_PROXY", dead), ("NO_PROXY", "test")]),
        (&by_name, vec![("HTTPS_PROXY", dead), ("NO_PROXY", "*")]),
        (&by_address, vec![("HTTPS_PROXY", dead), ("NO_PROXY", "10.9.0.0/16")]),
        (&by_address, vec![("HTTPS_PROXY", dead), ("NO_PROXY", "10.9.9.9")]),
        (&by_name, vec![("HTTPS_PROXY", &*open), ("NO_PROXY", ".etcd.test")]),
        (&by_name, vec![("HTTPS_PROXY", &*open), ("NO_PROXY", "cd.test,10.9.0.0/16")]),
        (&by_name, vec![("HTTPS_PROXY", &*open), ("NO_PROXY", "")]),
        (&by_name, vec![("HTTPS_PROXY", &*open), ("NO_PROXY", "*.etcd.test,etcd.test:1")]),
        (&format!("www.etcd.test:{port}"), vec![("HTTPS_PROXY", dead), ("NO_PROXY", ".etcd.test")]),
        (&by_name, vec![("HTTPS_PROXY", dead), ("NO_PROXY", &*by_name)]),
        (&by_address, vec![("HTTPS_PROXY", dead), ("NO_PROXY", &*by_address)]),
        // This machine is never asked through a proxy.
        (&format!("127.0.0.1:{local}"), vec![("HTTPS_PROXY", dead)]),
        (&format!("localhost:{local}"), vec![("HTTPS_PROXY", dead)]),
        (&format!("http://localhost:{local}"), vec![("HTTPS_PROXY", dead)]),
        // A proxy that is not there, refuses, or is no proxy.
        (&by_name, vec![("HTTPS_PROXY", dead)]),
        (&"etcd.test:9".to_owned(), vec![("HTTPS_PROXY", &*open)]),
    ] {
        let asked = |run: Run| {
            let run = variables.iter().fold(run, |run, (name, value)| run.env(*name, *value));
            let outcome = run.outcome();
            let mut heads = std::mem::take(&mut *heads.lock().expect("nobody fails"));
            // A refusal may be tried again.
            heads.dedup();
            (outcome, heads)
        };
        let line = ["--endpoints", endpoint, "get", "key", "--command-timeout=1s"];
        let (ours, our_heads) = asked(Run::ours(line));
        let (theirs, their_heads) = asked(Run::reference(line));
        let same = ours.status == theirs.status
            && ours.stdout == theirs.stdout
            && ours.last_error() == theirs.last_error();
        if !same || our_heads != their_heads {
            wrong.push(format!(
                "{endpoint}, {variables:?}:\n  ours   {} {our_heads:?}\n  theirs {} {their_heads:?}\n{}",
                ours.status, theirs.status, ours.said()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let run = Run::ours(["--endpoints", "etcd.test:9", "get", "key"]);
    let refused = run.env("HTTPS_PROXY", &known).outcome();
    let said = refused.said();
    assert!(said.contains("403") && said.contains(&bare), "{refused}");
    assert!(!said.contains("pass"), "a secret\n{refused}");
}
