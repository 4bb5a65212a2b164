//! Discovery against a name server of our own.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::SRV;
use hickory_proto::rr::{Name, RData, Record};

use super::*;

/// Answers every question as told, for as long as the tests run.
fn server(answer: impl Fn(&mut Message, &str) + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut packet = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut packet) {
            let mut message = Message::from_vec(&packet[..length]).unwrap();
            message.metadata.message_type = MessageType::Response;
            message.metadata.recursion_available = true;
            let name = message.queries[0].name().to_ascii();
            answer(&mut message, &name);
            socket.send_to(&message.to_vec().unwrap(), from).unwrap();
        }
    });
    address
}

fn add(message: &mut Message, priority: u16, weight: u16, port: u16, host: &str) {
    let name = message.queries[0].name().clone();
    let target = Name::from_ascii(host).unwrap();
    let data = RData::SRV(SRV::new(priority, weight, port, target));
    message.add_answer(Record::from_rdata(name, 60, data));
}

fn ask(domain: &str, name: &str, insecure: bool, servers: &NameServers) -> Result<Discovery> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    runtime.block_on(discover(domain, name, insecure, servers))
}

fn only(server: SocketAddr) -> NameServers {
    NameServers::only(vec![server])
}

fn cluster(message: &mut Message, name: &str) {
    match name {
        "_etcd-client-ssl._tcp.a.test." => {
            add(message, 20, 0, 3, "c.a.test.");
            add(message, 10, 0, 1, "A.a.test.");
            add(message, 10, 0, 2, "b.a.test.");
        }
        "_etcd-client._tcp.a.test." | "_etcd-client-x._tcp.b.test." => {
            add(message, 0, 0, 3779, "localhost.");
        }
        "_etcd-client._tcp.empty.test." => {}
        _ => message.metadata.response_code = ResponseCode::NXDomain,
    }
}

#[test]
fn members_in_tls_come_first_and_names_keep_their_dot() {
    let servers = only(server(cluster));
    let found = ask("a.test", "", true, &servers).unwrap();
    assert_eq!(
        found.endpoints,
        [
            "https://A.a.test.:1",
            "https://b.a.test.:2",
            "https://c.a.test.:3",
            "http://localhost.:3779"
        ]
    );
    assert!(found.ignored.is_empty());
    let found = ask("b.test", "x", true, &servers).unwrap();
    assert_eq!(found.endpoints, ["http://localhost.:3779"]);
}

#[test]
fn insecure_members_are_left_out_with_a_line_each() {
    let found = ask("b.test", "x", false, &only(server(cluster))).unwrap();
    assert!(found.endpoints.is_empty());
    assert_eq!(found.ignored, ["ignoring discovered insecure endpoint \"http://localhost.:3779\""]);
}

#[test]
fn a_domain_without_records_gets_the_official_words() {
    let address = server(cluster);
    let words = |domain: &str| ask(domain, "", true, &only(address)).unwrap_err();
    for domain in ["nope.test", "empty.test", "127.0.0.1"] {
        let error = words(domain);
        assert_eq!(
            error.to_string(),
            format!(
                "dns lookup errors: lookup _etcd-client-ssl._tcp.{domain} on {address}: no such host and lookup _etcd-client._tcp.{domain} on {address}: no such host"
            )
        );
        assert_eq!((error.exit.code(), error.causes().len()), (1, 1));
    }
    for domain in ["a..b", "a b", "."] {
        assert_eq!(
            words(domain).to_string(),
            format!(
                "dns lookup errors: lookup _etcd-client-ssl._tcp.{domain}: no such host and lookup _etcd-client._tcp.{domain}: no such host"
            )
        );
    }
    assert_eq!(
        words("a.onion").to_string(),
        "dns lookup errors: lookup a.onion: cannot unmarshal DNS message and lookup a.onion: cannot unmarshal DNS message"
    );
}

#[test]
fn targets_that_are_no_names_spoil_their_service() {
    let address = server(|message, name| {
        cluster(message, name);
        if name.starts_with("_etcd-client._tcp") {
            let odd = Name::from_labels([&b"b d"[..]]).unwrap();
            let name = message.queries[0].name().clone();
            let data = RData::SRV(SRV::new(0, 0, 1, odd));
            message.add_answer(Record::from_rdata(name, 60, data));
        }
    });
    assert_eq!(ask("a.test", "", true, &only(address)).unwrap().endpoints.len(), 3);
    let error = ask("empty.test", "", true, &only(address)).unwrap_err().to_string();
    let words = "and lookup empty.test: DNS response contained records which contain invalid names";
    assert!(error.ends_with(words), "{error}");
}

#[test]
fn a_server_that_misbehaves_is_passed_over() {
    let bad = server(|message, _| message.metadata.response_code = ResponseCode::ServFail);
    let error = ask("a.test", "", true, &only(bad)).unwrap_err().to_string();
    assert!(error.contains(&format!("._tcp.a.test on {bad}: server misbehaving and")), "{error}");
    let both = NameServers::only(vec![bad, server(cluster)]);
    assert_eq!(ask("a.test", "", true, &both).unwrap().endpoints.len(), 4);
}

#[test]
fn a_server_that_is_not_there_is_noticed_at_once() {
    let free = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let before = Instant::now();
    let error = ask("a.test", "", true, &only(free)).unwrap_err().to_string();
    assert!(before.elapsed() < Duration::from_secs(2), "{error}");
    assert!(error.contains(&format!("->{free}: read: connection refused and lookup")), "{error}");
}

#[test]
fn a_silent_server_is_waited_for_once_a_round() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let servers = NameServers { timeout: Duration::from_millis(50), ..only(address) };
    let error = ask("a.test", "", true, &servers).unwrap_err().to_string();
    assert!(error.contains(&format!("->{address}: i/o timeout and lookup")), "{error}");
}

#[test]
fn forged_answers_are_not_heard() {
    let address = server(|message, name| {
        // Another question's answer.
        let other = Name::from_ascii("other.test.").unwrap();
        message.queries[0].set_name(other);
        cluster(message, name);
    });
    let servers = NameServers { timeout: Duration::from_millis(50), ..only(address) };
    let error = ask("a.test", "", true, &servers).unwrap_err().to_string();
    assert!(error.contains("i/o timeout"), "{error}");
}

#[test]
fn an_answer_too_long_for_udp_comes_over_tcp() {
    let address = server(|message, _| message.metadata.truncation = true);
    let listener = TcpListener::bind(address).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut length = [0; 2];
            stream.read_exact(&mut length).unwrap();
            let mut packet = vec![0; u16::from_be_bytes(length).into()];
            stream.read_exact(&mut packet).unwrap();
            let mut message = Message::from_vec(&packet).unwrap();
            message.metadata.message_type = MessageType::Response;
            for port in 1..=200 {
                add(&mut message, port, 0, port, "member.of.a.large.cluster.test.");
            }
            let answer = message.to_vec().unwrap();
            stream.write_all(&u16::try_from(answer.len()).unwrap().to_be_bytes()).unwrap();
            stream.write_all(&answer).unwrap();
        }
    });
    assert_eq!(ask("a.test", "", true, &only(address)).unwrap().endpoints.len(), 400);
}

#[test]
fn a_search_domain_completes_a_short_one() {
    let servers = NameServers { search: vec!["test.".into()], dots: 5, ..only(server(cluster)) };
    assert_eq!(ask("a", "", true, &servers).unwrap().endpoints.len(), 4);
    let error = ask("nope", "", true, &servers).unwrap_err().to_string();
    assert!(error.contains("lookup _etcd-client._tcp.nope on"), "{error}");
}

#[test]
fn equals_are_drawn_by_weight() {
    let target = |weight| Target { priority: 1, weight, port: weight, host: String::new() };
    let order = |drawn: &[usize]| {
        let mut targets = [target(3), target(1), target(0), target(6)];
        let mut drawn = drawn.iter().copied();
        sort(&mut targets, |_| drawn.next().unwrap());
        targets.map(|target| target.weight)
    };
    // Sorted by weight first: 0 1 3 6; a draw below 1 takes the 1, from 4 on the 6.
    assert_eq!(order(&[0, 0, 0]), [1, 3, 6, 0]);
    assert_eq!(order(&[9, 3, 0]), [6, 3, 1, 0]);
}
