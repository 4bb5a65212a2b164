//! What an endpoint may look like, and what the server then hears.

use std::ffi::OsString;
use std::path::Path;

use crate::connection::{agree_in, timed, with_endpoints};
use crate::support::certs::{Authority, Folder, Says};
use crate::support::fake::Kv;
use crate::support::{Etcd, Fake, Run, on_the_newest_server, reference_is_there, relay, words};

/// Every way to write where a server is: sockets in the folder, addresses of both families.
fn forms(folder: &Path, server: std::net::SocketAddr) -> Vec<String> {
    let port = server.port();
    let named = format!("localhost:{port}");
    std::fs::create_dir(folder.join("sub")).expect("a folder in our own");
    for name in ["etcd.sock", "sub/etcd.sock", &named] {
        relay::at_path(&folder.join(name), server);
    }
    let absolute = folder.display();
    let mut forms = vec![
        format!("127.0.0.1:{port}"),
        format!("http://127.0.0.1:{port}"),
        format!("HTTP://127.0.0.1:{port}"),
        format!("Http://127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{port}/v3/kv?x=y#z"),
        format!("http://user:password@127.0.0.1:{port}"),
        format!("localhost:{port}"),
        format!("LocalHost:{port}"),
        format!("http://localhost:{port}"),
        format!(":{port}"),
        format!("http://:{port}"),
        format!("0.0.0.0:{port}"),
        format!("[127.0.0.1]:{port}"),
        format!(" 127.0.0.1:{port} "),
        format!("\t http://127.0.0.1:{port}"),
        format!("unix://{absolute}/etcd.sock"),
        format!("unix:{absolute}/etcd.sock"),
        format!("unix://{absolute}/sub/../etcd.sock"),
        "unix://etcd.sock".to_owned(),
        "unix:etcd.sock".to_owned(),
        "unix:sub/etcd.sock".to_owned(),
        "unix://sub/etcd.sock".to_owned(),
        format!("unix://{named}"),
        format!("unix:{named}"),
    ];
    if let Some(port) = relay::at_address("::1", server) {
        forms.extend([
            format!("[::1]:{port}"),
            format!("http://[::1]:{port}"),
            format!("http://[::1]:{port}/path"),
        ]);
    }
    forms
}

#[test]
fn every_form_of_an_endpoint_reaches_the_server() {
    on_the_newest_server(|etcd| {
        etcd.put(b"foo", b"bar");
        let folder = Folder::new();
        let here = folder.path("");
        let forms = forms(&here, etcd.address().parse().expect("host and port"));
        for form in &forms {
            let args = with_endpoints(form, &["get", "foo", "-w", "json"]);
            let outcome = agree_in(&here, &args);
            assert!(
                outcome.status == 0 && outcome.text().contains("\"Zm9v\""),
                "{form}: {outcome}"
            );
        }
        // Repeated, in one list, quoted, with blanks around.
        let list = |forms: &[String]| forms.join(",");
        let quoted = format!("\"{}\" , {}", forms[0], forms[1]);
        for args in [
            with_endpoints(&list(&forms[..3]), &["get", "foo"]),
            with_endpoints(&format!(" {} , {} ", forms[0], forms[1]), &["get", "foo"]),
            with_endpoints(&quoted, &["get", "foo", "--command-timeout=300ms"]),
            with_endpoints(&forms[0], &["get", "foo", "--endpoints", &forms[1]]),
            with_endpoints(&forms[0], &["get", "--endpoints", &list(&forms[14..20]), "foo"]),
        ] {
            agree_in(&here, &args);
        }
    });
}

#[test]
fn what_is_no_endpoint_fails_at_once_with_the_reason() {
    if !reference_is_there() {
        return;
    }
    let folder = Folder::new();
    let here = folder.path("");
    let mut asked: Vec<(&str, &str)> = vec![
        ("127.0.0.1", "missing port in address"),
        ("http://127.0.0.1", "missing port in address"),
        ("https://localhost/path", "missing port in address"),
        ("localhost", "missing port in address"),
        ("[::1]", "missing port in address"),
        ("[::1:2379", "missing ']' in address"),
        ("::1:2379", "too many colons in address"),
        ("ftp://127.0.0.1:2379", "too many colons in address"),
        ("tcp://127.0.0.1:2379", "too many colons in address"),
        ("127.0.0.1:2379/path", "invalid port"),
        ("127.0.0.1:99999", "invalid port"),
        ("127.0.0.1:x", "invalid port"),
        ("no-such-name.invalid:2379", "no address for the name"),
        (",", "missing port in address"),
        (" ", "missing port in address"),
    ];
    // Sockets may yet appear: the dial timeout decides.
    let waits = [
        ("unix:///nonexistent/etcd.sock", "no such file or directory"),
        ("unix:missing.sock", "no such file or directory"),
        ("unixs://missing.sock", "no such file or directory"),
        ("unix:.", "connection refused"),
        ("unix:", "could not"),
    ];
    asked.extend(waits);
    let args = |endpoint| -> Vec<OsString> {
        with_endpoints(endpoint, &["get", "foo", "--dial-timeout=300ms", "--command-timeout=900ms"])
    };
    let theirs = std::thread::scope(|scope| {
        let running: Vec<_> = asked
            .iter()
            .map(|(endpoint, _)| {
                let run = Run::reference(args(endpoint)).inside(&here);
                scope.spawn(|| run.outcome())
            })
            .collect();
        running.into_iter().map(|one| one.join().expect("an outcome")).collect::<Vec<_>>()
    });
    for ((endpoint, why), theirs) in asked.iter().zip(theirs) {
        let (ours, took) = timed(Run::ours(args(endpoint)).inside(&here));
        ours.assert_same_answer(&theirs, endpoint);
        ours.assert_fails(1, "context deadline exceeded");
        assert!(ours.said().contains(why), "{endpoint}: {why:?} is not said\n{ours}");
        assert!(took.as_millis() < 900, "{endpoint}: {took:?}");
    }
    agree_in(&here, &with_endpoints("", &["get", "foo"]))
        .assert_fails(2, "etcdclient: no available endpoints");
    agree_in(&here, &with_endpoints("", &["put", "foo", "bar"]))
        .assert_fails(2, "etcdclient: no available endpoints");
}

#[test]
fn a_server_hears_the_official_authority_and_headers() {
    if !reference_is_there() {
        return;
    }
    let fake = Fake::kv(Kv { keys: 1, value: b"value".into(), ..Kv::default() });
    let folder = Folder::new();
    let here = folder.path("");
    let mut wrong = Vec::new();
    for form in forms(&here, fake.address()) {
        let args = with_endpoints(&form, &["get", "key0"]);
        let mut heads = [Run::ours(&args), Run::reference(&args)].map(|run| {
            run.inside(&here).outcome().assert_prints("key0\nvalue\n");
            let mut heads = fake.heads();
            assert_eq!(heads.len(), 1, "{form}");
            heads.remove(0)
        });
        for (_, headers) in &mut heads {
            // The time that is left, never the same.
            assert!(headers.remove("grpc-timeout").is_some(), "{form}");
        }
        if heads[0] != heads[1] {
            wrong.push(format!("{form}:\n  ours   {:?}\n  theirs {:?}", heads[0], heads[1]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unixs_speaks_tls_and_checks_the_sockets_name() {
    if !reference_is_there() {
        return;
    }
    let folder = Folder::new();
    let ca = Authority::new("ca");
    let ca_file = folder.write("ca.pem", &ca.cert);
    let names = &["localhost", "etcd.sock"][..];
    let (cert, key) = folder.pair("server", &ca.issue(&Says { names, ..Says::default() }));
    let flags =
        [format!("--cert-file={}", cert.display()), format!("--key-file={}", key.display())];
    let etcd = Etcd::with(&flags.each_ref().map(String::as_str));
    let server = etcd.address().parse().expect("host and port");
    let here = folder.path("");
    for name in ["etcd.sock", "other.sock", "localhost:1"] {
        relay::at_path(&folder.path(name), server);
    }
    let ca_file = ca_file.display().to_string();
    for (endpoint, flags, status) in [
        ("unixs://etcd.sock", "--cacert CA", 0),
        ("unixs:etcd.sock", "--cacert CA", 0),
        ("UNIXS:etcd.sock", "--cacert CA", 1),
        ("unixs://localhost:1", "--cacert CA", 0),
        ("unix:etcd.sock", "--cacert CA", 0),
        ("unixs://other.sock", "--insecure-skip-tls-verify", 0),
        ("unixs://other.sock", "--cacert CA", 1),
        ("unixs://etcd.sock", "", 1),
    ] {
        let more = format!("get foo --command-timeout=1s --dial-timeout=800ms {flags}");
        let more = more.replace("CA", &ca_file);
        let outcome = agree_in(&here, &with_endpoints(endpoint, &words(&more)));
        assert!(outcome.status == status, "{endpoint} {flags}: {outcome}");
        if endpoint.contains("other") && status == 1 {
            let said = outcome.said();
            assert!(said.contains("for other names: localhost, etcd.sock"), "{outcome}");
        }
    }
}
