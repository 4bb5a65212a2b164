//! Clients' certificates: demanded, judged, renewed.

use std::path::{Path, PathBuf};

use etcdctl::cluster::tls::{TlsCause, TlsFiles, server_name};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::support::certs::{Authority, ClientAuth, Folder, Says, ServerAuth, fixture};
use crate::tls::server::{Etcd, Front, OLD_TLS};
use crate::tls::{files, ours, reference, succeeds_after_all, successes, trusting, wait_for};

#[test]
fn client_certificates_are_demanded_and_judged_by_servers_of_every_kind() {
    let (Some(new), Some(old)) = (reference("3.7.1", "etcd"), reference("3.4", "etcd")) else {
        return;
    };
    let folder = Folder::new();
    let ca = Authority::new("ca");
    let ca_file = folder.write("ca.pem", &ca.cert);
    let server = ca.issue(&Says::default());
    let (cert, key) = folder.pair("server", &server);
    let flags = [
        ("--cert-file", &*cert),
        ("--key-file", &*key),
        ("--trusted-ca-file", &*ca_file),
        ("--client-cert-auth", Path::new("true")),
    ];
    let (new, old) = (Etcd::start(&new, &flags), Etcd::start(&old, &flags));
    let plain = Etcd::start(&reference("3.7.1", "etcd").expect("it was there"), &[]);
    let front = Front { client_ca: Some(&ca.cert), ..Front::new(&server) };
    let front12 = Front { client_ca: Some(&ca.cert), versions: &OLD_TLS, ..Front::new(&server) };
    let ports = [
        ("etcd 3.7.1", new.port),
        ("etcd 3.4", old.port),
        ("rustls", front.before(&plain)),
        ("rustls with TLS 1.2", front12.before(&plain)),
    ];

    let pair = |name: &str, says: Says<'_>| folder.pair(name, &ca.issue(&says));
    let good = pair("good", Says { purposes: &[ClientAuth], ..Says::default() });
    let strange = folder.pair("strange", &Authority::new("strange").issue(&Says::default()));
    let expired = pair("expired", Says { years: (2000, 2001), ..Says::default() });
    let server_only = pair("server-only", Says { purposes: &[ServerAuth], ..Says::default() });
    let with = |pair: &(PathBuf, PathBuf)| files(Some(ca_file.clone()), Some(pair.clone()));
    let skipping = |files: TlsFiles| TlsFiles { cacert: None, skip_verify: true, ..files };
    let mut wrong = Vec::new();
    let Some(etcdctl) = reference("3.7.1", "etcdctl") else { return };
    let cases = [
        ("good", with(&good), true),
        ("good, skipping", skipping(with(&good)), true),
        ("none", trusting(&ca_file), false),
        ("strange", with(&strange), false),
        ("expired", with(&expired), false),
        ("server only", with(&server_only), false),
    ];
    let all = || ports.iter().flat_map(|at| cases.iter().map(move |case| (at, case)));
    let asked: Vec<_> = all().map(|(at, case)| ("localhost", at.1, &case.1)).collect();
    let theirs = successes(&etcdctl, &asked);
    for (((whose, port), (what, files, wanted)), theirs) in all().zip(theirs) {
        let got = ours("localhost", *port, files);
        let as_wanted = match (*what, &got) {
            (_, Ok(())) => *wanted,
            ("none", Err(cause)) => *cause == TlsCause::ClientCertDemanded,
            (_, Err(cause)) => !wanted && matches!(cause, TlsCause::ClientCertRejected(_)),
        };
        let theirs =
            theirs || got.is_ok() && succeeds_after_all(&etcdctl, "localhost", *port, files);
        if !as_wanted || theirs != got.is_ok() {
            wrong.push(format!("{whose}, {what}: theirs {theirs}, ours {got:?}"));
        }
    }
    // Every kind of key that both can use.
    for kind in ["rsa2048", "p256", "p384", "ed25519"] {
        let flags = [flags[0], flags[1], ("--trusted-ca-file", &*fixture("ca.pem")), flags[3]];
        let etcd = Etcd::start(&reference("3.7.1", "etcd").expect("it was there"), &flags);
        let client = (fixture(&format!("{kind}.pem")), fixture(&format!("{kind}.key.pem")));
        let got = ours("localhost", etcd.port, &with(&client));
        if got != Ok(()) {
            wrong.push(format!("{kind}: {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_renewed_client_certificate_is_used_by_the_next_connection() {
    let Some(program) = reference("3.7.1", "etcd") else { return };
    let folder = Folder::new();
    let ca = Authority::new("ca");
    let ca_file = folder.write("ca.pem", &ca.cert);
    let (cert, key) = folder.pair("server", &ca.issue(&Says::default()));
    let client_auth = ("--client-cert-auth", Path::new("true"));
    let trusted = ("--trusted-ca-file", &*ca_file);
    let flags = [("--cert-file", &*cert), ("--key-file", &*key), trusted, client_auth];
    let etcd = Etcd::start(&program, &flags);
    let client = folder.pair("client", &ca.issue(&Says { years: (2000, 2001), ..Says::default() }));
    let tls = files(Some(ca_file.clone()), Some(client)).config().expect("good files");
    let connect = || {
        wait_for(async {
            let (config, _) = tls.connection();
            let tcp = TcpStream::connect(("127.0.0.1", etcd.port)).await?;
            let mut stream =
                TlsConnector::from(config).connect(server_name("127.0.0.1"), tcp).await?;
            stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await?;
            stream.read_u8().await
        })
    };
    connect().expect_err("expired");
    folder.pair("client", &ca.issue(&Says::default()));
    connect().expect("renewed");
    folder.write("client.key", "half written");
    // What serves is what was read first; it has expired.
    connect().expect_err("back to the first");
}
