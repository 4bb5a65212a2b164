//! The steps to a server: each failure is told at its step, in the words of any other command, and what follows is
//! left out because of it.

use super::{STEPS, Told, doctor, told};
use crate::causes::{Secure, answering, demanding};
use crate::support::certs::{Authority, ClientAuth, Folder, Says};
use crate::support::fake::Kv;
use crate::support::relay::Deaf;
use crate::support::{Etcd, Fake, Run, reference_client, skipped, words};
use crate::tls::server::{self, Front};

const BRIEFLY: &str = "--dial-timeout=300ms";

/// The step fails in the words that `get` has for it; those before it are well, those after it left out.
#[track_caller]
fn fails_at(step: &str, endpoint: &str, line: &str, words_of_it: &str) -> Told {
    let told = doctor(endpoint, line);
    assert_failed(&told, step, endpoint, line, words_of_it);
    told
}

#[track_caller]
fn assert_failed(told: &Told, step: &str, endpoint: &str, line: &str, words_of_it: &str) {
    let row = told.rows.iter().find(|row| row.step == step && row.target == endpoint);
    let row = row.unwrap_or_else(|| panic!("no {step}: {}", told.outcome));
    assert!(row.status == "fail" && row.detail.contains(words_of_it), "{step}: {}", told.outcome);
    let get = ["--endpoints", endpoint, "--dial-timeout=20s", "get", "key"];
    let get = Run::ours(get.into_iter().chain(words(line))).outcome();
    let hint = match row.remedy.as_str() {
        "" => String::new(),
        remedy => format!("hint: {remedy}\n"),
    };
    let wanted = format!("{endpoint}: {}\n{hint}Error: context deadline exceeded\n", row.detail);
    assert_eq!(get.said(), wanted, "{get}");
    // A certificate is judged beside the way.
    let statuses = told.statuses(endpoint);
    let statuses = statuses.iter().filter(|(step, _)| *step != "certificate");
    let position =
        STEPS.iter().filter(|known| **known != "certificate").position(|known| *known == step);
    for (at, (step, status)) in statuses.enumerate() {
        let wanted: &[&str] = match at.cmp(&position.expect("a step")) {
            std::cmp::Ordering::Less => &["ok", "skip"],
            std::cmp::Ordering::Equal => &["fail"],
            std::cmp::Ordering::Greater => &["skip"],
        };
        assert!(wanted.contains(status), "{step}: {}", told.outcome);
    }
    let because = format!("not looked at, because {step} failed");
    told.assert_row("lag", endpoint, "skip", &because, "");
    told.assert_row("versions", "cluster", "skip", "because no endpoint answers", "");
}

#[test]
fn names_and_addresses_that_are_none_fail_at_the_name() {
    fails_at("name", "127.0.0.1", "", "missing port in address");
    fails_at("name", "http://no-such-name.invalid:2379", "", "no address for the name");
}

#[test]
fn what_cannot_be_connected_to_fails_at_tcp() {
    fails_at("tcp", &Fake::refusing().endpoint(), BRIEFLY, "connection refused");
    fails_at("tcp", "224.0.0.1:2379", BRIEFLY, "network is unreachable");
    fails_at("tcp", "unix:missing.sock", BRIEFLY, "no such file or directory");
    match Deaf::new() {
        Some(deaf) => {
            let endpoint = deaf.address.to_string();
            fails_at("tcp", &endpoint, BRIEFLY, "no connection within the dial timeout");
        }
        None => skipped("an endpoint that drops SYNs: this kernel's queue cannot be filled"),
    }
}

#[test]
fn a_proxy_that_refuses_fails_at_tcp_and_leaves_the_name_to_itself() {
    let web = Fake::web();
    let line = super::asking("etcd.test:2379", "");
    let told = told(Run::ours(line).env("HTTPS_PROXY", web.endpoint()));
    told.assert_row("name", "etcd.test:2379", "ok", "left to the proxy", "");
    told.assert_row("tcp", "etcd.test:2379", "fail", "400", "");
    told.assert_row("http2", "etcd.test:2379", "skip", "because tcp failed", "");
}

#[test]
fn who_does_not_speak_http2_fails_there() {
    fails_at("http2", &Fake::silent().endpoint(), BRIEFLY, "the server says nothing");
    fails_at("http2", &Fake::closing().endpoint(), BRIEFLY, "hung up without a word");
    fails_at("http2", &Fake::web().endpoint(), "", "does not speak HTTP/2");
    let etcd = Etcd::start();
    if etcd.minor() == "3.7" {
        let peers = format!("127.0.0.1:{}", etcd.peer_port());
        let told = fails_at("http2", &peers, "", "members speak to each other there");
        told.assert_row("http2", &peers, "fail", "peer port", &etcd.endpoint());
    }
    etcd.freeze();
    fails_at("http2", &etcd.endpoint(), BRIEFLY, "the server says nothing");
    etcd.thaw();
}

#[test]
fn a_tls_proxy_of_http1_fails_at_http2() {
    let Some(program) = reference_client() else { return skipped("no reference") };
    let authority = Authority::new("etcd-ca");
    let pair = authority.issue(&Says::default());
    let plain = server::Etcd::start(&program.with_file_name("etcd"), &[]);
    let port = Front { alpn: b"http/1.1", ..Front::new(&pair) }.before(&plain);
    let folder = Folder::new();
    let trusting = format!("--cacert {}", folder.write("ca.crt", &authority.cert).display());
    fails_at("http2", &format!("https://127.0.0.1:{port}"), &trusting, "but not HTTP/2");
}

#[test]
fn plain_text_to_tls_and_tls_to_plain_text_are_told_apart() {
    let secure = Secure::saying(&Says::default());
    let endpoint = secure.etcd.endpoint();
    let told = doctor(&endpoint, BRIEFLY);
    // What the server's end of the connection does first is left to chance.
    let rows: Vec<_> = told.rows.iter().filter(|row| row.status == "fail").collect();
    assert!(
        matches!(rows.as_slice(), [row] if ["tls", "http2"].contains(&&*row.step)
            && row.remedy.contains("use https://")),
        "{}",
        told.outcome
    );
    let alert = answering(b"\x15\x03\x01\0\x02\x02\x16");
    fails_at("tls", &alert, "", "the server speaks TLS");
    let etcd = Etcd::start();
    fails_at("tls", &format!("https://{}", etcd.address()), "", "does not speak TLS");
    let alert = format!("https://{}", answering(b"\x15\x03\x03\0\x02\x02\x50"));
    fails_at("tls", &alert, "", "TLS failed");
}

#[test]
fn certificates_that_are_refused_fail_at_tls() {
    let secure = Secure::saying(&Says::default());
    fails_at("tls", &secure.endpoint(), "", "signed by \"etcd-ca\", which is not trusted here");
    let other = secure.folder.write("other.crt", Authority::new("other").cert);
    let trusting = format!("--cacert {}", other.display());
    fails_at("tls", &secure.endpoint(), &trusting, "which is not in ");
    for (says, words_of_it) in [
        (Says { names: &["etcd.test"], ..Says::default() }, "is for other names: etcd.test"),
        (Says { purposes: &[ClientAuth], ..Says::default() }, "may not be used by a server"),
    ] {
        let secure = Secure::saying(&says);
        let told = fails_at("tls", &secure.endpoint(), &secure.trusting, words_of_it);
        // Its days are told all the same.
        told.assert_row("certificate", &secure.endpoint(), "ok", "expires on 2099-12-31", "");
    }
}

#[test]
fn client_certificates_that_are_missing_or_refused_fail_at_tls() {
    let secure = demanding();
    fails_at("tls", &secure.endpoint(), &secure.trusting, "demands a client certificate");
    let foreign = Authority::new("other").issue(&Says::default());
    let (cert, key) = secure.folder.pair("client", &foreign);
    let flags = format!("{} --cert {} --key {}", secure.trusting, cert.display(), key.display());
    fails_at("tls", &secure.endpoint(), &flags, "rejects the client certificate");
}

#[test]
fn a_dead_endpoint_keeps_nobody_from_looking_at_the_others() {
    let (dead, silent, etcd) = (Fake::refusing(), Fake::silent(), Etcd::start());
    let endpoints = [dead.endpoint(), silent.endpoint(), etcd.endpoint()];
    let told = doctor(&endpoints.join(","), BRIEFLY);
    assert_eq!(told.ended("fail"), [("tcp", &*endpoints[0]), ("http2", &*endpoints[1])]);
    told.assert_row("health", &etcd.endpoint(), "ok", "a read that takes a quorum took ", "");
    told.assert_row("members", "cluster", "ok", "1 member answers", "");
}

#[test]
fn a_server_that_never_answers_a_question_is_given_up() {
    let etcd = Etcd::start();
    // The first word, and no answer after it.
    let fake = Fake::stalling(etcd.address().parse().expect("an address"), 20);
    let told = doctor(&fake.endpoint(), "--command-timeout=700ms");
    let endpoint = fake.endpoint();
    let (late, more) =
        ("no answer within 700ms (--command-timeout)", "more time: --command-timeout");
    told.assert_row("authentication", &endpoint, "fail", late, more);
    told.assert_row("health", &endpoint, "skip", "because authentication failed", "");
    told.assert_row("clock", &endpoint, "skip", "the server does not tell its time", "");
    told.assert_row("space", &endpoint, "fail", late, more);
    told.assert_row("members", "cluster", "fail", late, more);
}

#[test]
fn a_server_that_lacks_the_calls_is_told_so() {
    let fake = Fake::kv(Kv::default());
    let told = doctor(&fake.endpoint(), "");
    let endpoint = fake.endpoint();
    let unknown = "the server does not know the call Maintenance/Status";
    told.assert_row("space", &endpoint, "fail", unknown, "it needs a newer etcd");
    told.assert_row("lag", &endpoint, "skip", "does not tell its status", "");
    told.assert_row(
        "members",
        "cluster",
        "fail",
        "does not know the call Cluster/MemberList",
        "newer",
    );
    told.assert_row("alarms", "cluster", "skip", "because no member tells its status", "");
    told.assert_row("versions", "cluster", "skip", "because no member tells its version", "");
}
