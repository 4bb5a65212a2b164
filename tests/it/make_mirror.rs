//! `make-mirror` beside the official client: what it leaves at the destination.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::certs::{Authority, Folder, Says};
use crate::support::live::Live;
use crate::support::{Etcd, Run, official, on_servers, ours, reference_is_there, words};

type Client = fn(Vec<String>) -> Run;

fn mirror(client: Client, from: &Etcd, to: &Etcd, flags: &str) -> Live {
    let (source, destination) = (from.endpoint(), to.endpoint());
    let line = format!("--endpoints {source} make-mirror {flags} {destination}");
    Live::start(client(words(&line).into_iter().map(str::to_owned).collect()))
}

/// Waits until a key is there.
fn wait_for(etcd: &Etcd, key: &str, value: &str) {
    let end = Instant::now() + Duration::from_secs(20);
    while ours(etcd, &["get", key, "--print-value-only"]).text().trim_end() != value {
        assert!(Instant::now() < end, "{key} never became {value}: {}", etcd.contents());
    }
}

/// Keys with a history: changed, deleted, several in one transaction.
fn fill(etcd: &Etcd) {
    for (key, value) in
        [("a/1", "one"), ("a/2", "two"), ("b", "other"), ("a/1", "uno"), ("a/3", "three")]
    {
        etcd.put(key.as_bytes(), value.as_bytes());
    }
    ours(etcd, &["del", "a/3"]);
}

/// Changes while the mirror runs; the last one tells that it is through.
fn go_on(etcd: &Etcd) {
    etcd.put(b"a/a/4", b"\xff\x00");
    ours(etcd, &["del", "a/2"]);
    let puts: Vec<_> = (0..7).map(|number| format!("put a/t{number} v")).collect();
    let script = format!("\n{}\ndel a/1\n\n\n", puts.join("\n"));
    let endpoint = etcd.endpoint();
    let txn = Run::ours(["--endpoints", &endpoint, "txn"]).stdin(script.as_bytes()).outcome();
    assert_eq!(txn.status, 0, "{txn}");
    etcd.put(b"a/last", b"done");
}

#[test]
fn a_mirror_leaves_what_the_official_one_leaves() {
    on_servers(&["3.4", "3.7"], |source| {
        let Some(destinations) = reference_is_there().then(|| [Etcd::start(), Etcd::start()])
        else {
            return;
        };
        fill(source);
        let cases = [
            ("", "a/last"),
            ("--prefix a/", "a/last"),
            ("--prefix a/ --dest-prefix z/", "z/last"),
            ("--prefix a/ --no-dest-prefix", "last"),
            ("--dest-prefix z/", "z/a/last"),
            ("--rev 1 --max-txn-ops 3", "a/last"),
            ("--rev 3 --max-txn-ops 3", "a/last"),
            ("--prefix a/ --dest-prefix y/ --rev 4", "y/last"),
        ];
        for (flags, last) in cases {
            let clients = [Run::ours as Client, Run::reference];
            ours(source, &["del", "a/last"]);
            let mut mirrors: Vec<_> = clients
                .into_iter()
                .zip(&destinations)
                .map(|(client, destination)| mirror(client, source, destination, flags))
                .collect();
            // What is there is copied one by one: only then does everything come in the same portions.
            std::thread::sleep(Duration::from_millis(500));
            go_on(source);
            for (mirror, destination) in mirrors.drain(..).zip(&destinations) {
                wait_for(destination, last, "done");
                let end = mirror.end_with(Signal::TERM);
                assert_eq!((end.status, end.stdout.as_str(), end.stderr.as_str()), (143, "", ""));
            }
            let [one, other] = &destinations;
            let pairs = |etcd: &Etcd| ours(etcd, &words("get '' --prefix -w fields")).text();
            let without_ids = |text: String| {
                text.lines()
                    .filter(|line| !line.contains("ID\"") && !line.contains("RaftTerm"))
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            };
            assert_eq!(without_ids(pairs(one)), without_ids(pairs(other)), "{flags}");
            for destination in &destinations {
                official(destination, &["del", "", "--prefix"]);
            }
        }
    });
}

#[test]
fn on_purpose_a_prefix_is_kept_when_only_what_is_new_is_copied() {
    let (source, destination) = (Etcd::start(), Etcd::start());
    fill(&source);
    let live = mirror(Run::ours, &source, &destination, "--prefix a/ --rev 2");
    wait_for(&destination, "a/1", "uno");
    drop(live);
}

#[test]
fn argument_errors_are_word_for_word() {
    let Some(etcd) = reference_is_there().then(Etcd::start) else { return };
    for line in [
        "make-mirror",
        "make-mirror a b",
        "make-mirror 127.0.0.1:1 --dest-prefix a --no-dest-prefix",
        "make-mirror 127.0.0.1:1 --rev x",
        "make-mirror 127.0.0.1:1 --max-txn-ops -1",
        "make-mirror 127.0.0.1:1 --dest-cert no-such-file",
        "make-mirror 127.0.0.1:1 --dest-cacert no-such-file",
    ] {
        crate::support::agree(&etcd, &words(line));
    }
}

#[test]
fn a_revision_that_is_forgotten_ends_it() {
    let Some(etcd) = reference_is_there().then(Etcd::start) else { return };
    fill(&etcd);
    ours(&etcd, &["compaction", "5"]);
    let line = format!("make-mirror --rev 2 {}", etcd.endpoint());
    let outcome = crate::support::agree(&etcd, &words(&line));
    outcome.assert_fails(1, "etcdserver: mvcc: required revision has been compacted");
}

#[test]
fn on_purpose_a_destination_that_is_not_there_ends_it() {
    let source = Etcd::start();
    fill(&source);
    let endpoint = source.endpoint();
    let line = ["--endpoints", &endpoint, "--dial-timeout", "200ms", "make-mirror", "127.0.0.1:1"];
    Run::ours(line).outcome().assert_fails(1, "context deadline exceeded");
}

#[test]
fn a_mirror_with_a_checkpoint_goes_on_where_it_was() {
    let (mut source, destination, folder) =
        (Etcd::start(), Etcd::start(), tempfile::tempdir().unwrap());
    let file = folder.path().join("checkpoint");
    let flags = format!("--prefix a/ --checkpoint {}", file.display());
    let revision = || {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        value["revision"].as_u64().unwrap_or(0)
    };
    fill(&source);
    let live = mirror(Run::ours, &source, &destination, &flags);
    wait_for(&destination, "a/1", "uno");
    source.put(b"a/5", b"five");
    wait_for(&destination, "a/5", "five");
    // A signal's last act is the checkpoint.
    assert_eq!(live.end_with(Signal::TERM).status, 143);
    assert_eq!(revision(), 8);
    // What the destination has lost meanwhile is not copied again; what happened at the source is.
    ours(&destination, &["del", "a/1"]);
    source.put(b"a/6", b"six");
    let mut live = mirror(Run::ours, &source, &destination, &flags);
    wait_for(&destination, "a/6", "six");
    assert_eq!(ours(&destination, &["get", "a/1"]).text(), "");
    // Its source may go away and come back.
    source.restart();
    source.put(b"a/7", b"seven");
    wait_for(&destination, "a/7", "seven");
    assert!(live.lives());
    let end = Instant::now() + Duration::from_secs(10);
    while revision() < 10 {
        assert!(Instant::now() < end, "the checkpoint stands still at {}", revision());
    }
    drop(live);
    // Another cluster's checkpoint is refused.
    source.put(b"a/8", b"eight");
    let outcome = {
        let other = Etcd::version_with("3.7", &["--initial-cluster-token", "another"]);
        other.map(|other| {
            for _ in 0..20 {
                other.put(b"a/9", b"nine");
            }
            mirror(Run::ours, &other, &destination, &flags).end()
        })
    };
    if let Some(end) = outcome {
        assert!(end.status == 128 && end.stderr.contains(" is of the cluster "), "{end:?}");
    }
}

/// Every destination wants a client certificate and a password; the source wants nothing.
#[test]
fn a_destination_may_want_certificates_and_a_password() {
    if !reference_is_there() {
        return;
    }
    let folder = Folder::new();
    let authority = Authority::new("mirror-ca");
    let (cert, key) = folder.pair("server", &authority.issue(&Says::default()));
    let ca = folder.write("ca.crt", &authority.cert);
    let (cert, key, ca) = (cert.display(), key.display(), ca.display());
    let secured = [
        format!("--cert-file={cert}"),
        format!("--key-file={key}"),
        format!("--trusted-ca-file={ca}"),
        "--client-cert-auth".to_owned(),
        "--bcrypt-cost=4".to_owned(),
    ];
    let source = Etcd::start();
    fill(&source);
    let destinations = [Run::ours as Client, Run::reference].map(|client| {
        let etcd = Etcd::with(&secured.each_ref().map(String::as_str));
        (client, etcd)
    });
    let asked = |etcd: &Etcd, line: &str| {
        let endpoint = format!("https://{}", etcd.address());
        let files = format!("--endpoints {endpoint} --cacert {ca} --cert {cert} --key {key}");
        Run::reference(words(&format!("{files} {line}"))).outcome()
    };
    for (_, etcd) in &destinations {
        for line in [
            "user add root:the-root-secret",
            "user grant-role root root",
            "user add mirror:the-secret",
            "role add all",
            "role grant-permission all readwrite m --prefix",
            "user grant-role mirror all",
            "auth enable",
        ] {
            let outcome = asked(etcd, line);
            assert_eq!(outcome.status, 0, "{outcome}");
        }
    }
    let line = |etcd: &Etcd, flags: &str| -> Vec<String> {
        let (from, to) = (source.endpoint(), etcd.address());
        let line = format!("--endpoints {from} make-mirror --prefix a/ {flags} {to}");
        words(&line).into_iter().map(str::to_owned).collect()
    };
    let files = format!("--dest-cacert {ca} --dest-cert {cert} --dest-key {key}");
    for (round, login) in
        ["--dest-user mirror:the-secret", "--dest-user mirror --dest-password the-secret"]
            .into_iter()
            .enumerate()
    {
        let flags = format!("{files} {login} --dest-prefix m{round}/");
        for (client, etcd) in &destinations {
            let mirror = Live::start(client(line(etcd, &flags)));
            let end = Instant::now() + Duration::from_secs(30);
            let read = format!("--user root:the-root-secret get m{round}/ --prefix");
            let wanted = format!("m{round}/1\nuno\nm{round}/2\ntwo\n");
            loop {
                let there = asked(etcd, &read);
                if there.text() == wanted {
                    break;
                }
                assert!(Instant::now() < end, "{there}\n{}", mirror.stderr());
            }
            let end = mirror.end_with(Signal::TERM);
            assert_eq!((end.status, end.stdout.as_str()), (143, ""));
            assert!(!end.stderr.contains("the-secret"), "{end:?}");
        }
    }
    for flags in [
        format!("{files} --dest-user mirror:wrong --dest-prefix m/"),
        format!("{files} --dest-prefix m/"),
        format!("{files} --dest-user mirror:the-secret --dest-prefix other/"),
        format!("--dest-cacert {ca} --dest-user mirror:the-secret --dest-prefix m/"),
        format!("--dest-cert {cert} --dest-key {key} --dest-user mirror:the-secret"),
        "--dest-user mirror:the-secret --dest-prefix m/".to_owned(),
    ] {
        let [ours, theirs] = destinations.each_ref().map(|(client, etcd)| {
            client(line(etcd, &format!("--dial-timeout 1s {flags}"))).outcome()
        });
        ours.assert_same_answer(&theirs, &flags);
        assert!(ours.status != 0, "{ours}");
    }
}
