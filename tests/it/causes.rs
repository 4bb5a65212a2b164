//! The vocabulary of failures, each made to happen and told with its way out.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use crate::quorum::without_quorum;
use crate::support::certs::{Authority, ClientAuth, Folder, Pair, Says, fixture};
use crate::support::fake::Kv;
use crate::support::relay::Deaf;
use crate::support::{Etcd, Fake, Outcome, Run, project, skipped, words};
use crate::tls::server::{self, Front};

/// A test for each cause; one without is a failure of its own.
macro_rules! vocabulary {
    ($($cause:ident => $test:ident;)*) => {
        const TESTED: &[&str] = &[$(stringify!($cause)),*];
        mod each {
            $(#[test] fn $test() { super::$test(); })*
        }
    };
}

vocabulary! {
    // Before a server is reached.
    Address => an_endpoint_without_a_port;
    NameNotFound => a_name_that_nobody_knows;
    Refused => a_port_where_nobody_listens;
    NoRoute => an_address_without_a_way_to_it;
    Socket => a_socket_that_is_not_there;
    Unreached => a_firewall_that_drops_everything;
    Silent => a_listener_that_never_answers;
    Proxy => a_proxy_that_refuses;
    // What answers is something else.
    WantsTls => plain_text_to_a_tls_port;
    HungUp => a_listener_that_hangs_up;
    NotHttp2 => a_server_of_http1;
    PeerPort => the_port_for_peers;
    NotTls => tls_to_a_plain_port;
    NoHttp2 => a_tls_proxy_of_http1;
    Other => a_tls_server_that_fails_inside;
    // Certificates.
    UnknownCa => a_ca_that_is_not_trusted;
    Expired => an_expired_certificate;
    NotYetValid => a_certificate_of_the_future;
    WrongName => a_certificate_for_other_names;
    WrongPurpose => a_certificate_that_is_not_for_servers;
    ClientCertDemanded => no_client_certificate_where_one_is_demanded;
    ClientCertRejected => a_client_certificate_of_another_ca;
    UnsupportedKey => a_key_too_small_to_verify;
    // A server that answers, late or not to the end.
    Lost => a_connection_that_breaks;
    Slow => an_answer_that_comes_too_late;
    Server => a_server_that_is_unavailable;
    // A server that says no.
    Password => a_wrong_password;
    AuthenticationOff => a_user_where_there_are_none;
    NobodyAsks => no_user_where_one_is_wanted;
    Denied => keys_that_a_user_may_not_touch;
    NoLeader => a_cluster_without_quorum;
    NoSpace => a_full_database;
    Compacted => a_revision_that_is_gone;
    TooLarge => a_request_that_is_too_large;
    UnknownRpc => a_call_that_an_old_server_does_not_know;
}

/// `Tls` and `Answered` hold the causes of a list of their own.
const FOLDED: [&str; 2] = ["Tls", "Answered"];

#[test]
fn every_cause_of_the_vocabulary_has_a_test() {
    let mut causes = variants("src/cluster/cause.rs", "Cause");
    causes.extend(variants("src/cluster/cause.rs", "Refusal"));
    causes.extend(variants("src/cluster/tls/cause.rs", "TlsCause"));
    assert!(causes.len() > 30, "{causes:?}");
    let untested: Vec<_> = causes
        .iter()
        .filter(|cause| !TESTED.contains(&cause.as_str()) && !FOLDED.contains(&cause.as_str()))
        .collect();
    assert!(untested.is_empty(), "causes without a test: {untested:?}");
    let gone: Vec<_> =
        TESTED.iter().filter(|test| !causes.iter().any(|cause| cause == *test)).collect();
    assert!(gone.is_empty(), "tests of causes that are no more: {gone:?}");
}

/// The names of an enum's variants, from its source.
fn variants(file: &str, name: &str) -> Vec<String> {
    let text = fs::read_to_string(project().join(file)).expect("a source");
    let (_, body) = text.split_once(&format!("pub enum {name} {{\n")).expect("the enum");
    let (body, _) = body.split_once("\n}\n").expect("its end");
    let names = body
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(char::is_uppercase));
    names
        .map(|line| {
            line.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
        })
        .collect()
}

/// For causes that waiting might cure: what never comes need not be waited for long.
const BRIEFLY: &str = "--dial-timeout=300ms";

/// Asks an endpoint; flags come as one line.
fn ask(endpoint: &str, line: &str) -> Outcome {
    run(endpoint, line).outcome()
}

fn run(endpoint: &str, line: &str) -> Run {
    let mut all = vec!["--endpoints", endpoint, "--dial-timeout=20s", "--command-timeout=20s"];
    all.extend(words(line));
    Run::ours(all)
}

/// The cause, the way out and the official line, and nothing else.
#[track_caller]
fn assert_told(outcome: &Outcome, endpoint: &str, cause: &str, hint: &str, last: &str) {
    let said = outcome.said();
    let lines: Vec<&str> = said.lines().collect();
    let wanted = format!("{endpoint}: {cause}");
    assert!(outcome.status != 0, "{outcome}");
    assert!(
        lines.first().is_some_and(|line| line.starts_with(&wanted)),
        "wanted {wanted:?}\n{outcome}"
    );
    let end = lines.last().copied().unwrap_or_default();
    assert!(end == format!("Error: {last}"), "{outcome}");
    let hints: Vec<_> = lines.iter().filter_map(|line| line.strip_prefix("hint: ")).collect();
    match hint {
        "" => assert!(hints.is_empty() && lines.len() == 2, "{outcome}"),
        hint => assert!(
            matches!(hints.as_slice(), [one] if one.contains(hint)) && lines.len() == 3,
            "{hint}: {outcome}"
        ),
    }
}

const LATE: &str = "context deadline exceeded";

#[track_caller]
fn unreached(endpoint: &str, line: &str, cause: &str, hint: &str) {
    assert_told(&ask(endpoint, &format!("get key {line}")), endpoint, cause, hint, LATE);
}

fn an_endpoint_without_a_port() {
    unreached("127.0.0.1", "", "address 127.0.0.1: missing port in address", "HOST:PORT or a URL");
}

fn a_name_that_nobody_knows() {
    let endpoint = "http://no-such-name.invalid:2379";
    unreached(endpoint, "", "no address for the name \"no-such-name.invalid\"", "check the name");
}

fn a_port_where_nobody_listens() {
    unreached(&Fake::refusing().endpoint(), BRIEFLY, "connection refused", "is etcd running");
}

fn an_address_without_a_way_to_it() {
    // Nothing of TCP goes to many at once.
    unreached("224.0.0.1:2379", BRIEFLY, "could not connect (network is unreachable)", "");
}

fn a_socket_that_is_not_there() {
    unreached(
        "unix:missing.sock",
        BRIEFLY,
        "could not open the socket (no such file or directory)",
        "is this its socket?",
    );
}

fn a_firewall_that_drops_everything() {
    let Some(deaf) = Deaf::new() else {
        return skipped("an endpoint that drops SYNs: this kernel's queue cannot be filled");
    };
    unreached(
        &deaf.address.to_string(),
        BRIEFLY,
        "no connection within the dial timeout",
        "--dial-timeout",
    );
}

fn a_listener_that_never_answers() {
    unreached(
        &Fake::silent().endpoint(),
        BRIEFLY,
        "connected, but the server says nothing",
        "--dial-timeout",
    );
}

fn a_proxy_that_refuses() {
    let web = Fake::web();
    let outcome = run("etcd.test:2379", "get key").env("HTTPS_PROXY", web.endpoint()).outcome();
    assert!(outcome.said().contains("400"), "{outcome}");
    assert_told(&outcome, "etcd.test:2379", "", "", LATE);
}

/// A server with a certificate, and the flag that trusts it.
pub struct Secure {
    pub etcd: Etcd,
    pub folder: Folder,
    pub trusting: String,
}

impl Secure {
    pub fn with(authority: &Authority, pair: &Pair, extra: &[&str]) -> Self {
        let folder = Folder::new();
        let (cert, key) = folder.pair("server", pair);
        let ca = folder.write("ca.crt", &authority.cert);
        let flags =
            [format!("--cert-file={}", cert.display()), format!("--key-file={}", key.display())];
        let trusted = format!("--trusted-ca-file={}", ca.display());
        let extra: Vec<String> =
            extra.iter().map(|flag| flag.replace("--trusted-ca-file", &trusted)).collect();
        let all: Vec<&str> = flags.iter().chain(&extra).map(String::as_str).collect();
        let etcd = Etcd::with(&all);
        Self { etcd, folder, trusting: format!("--cacert {}", ca.display()) }
    }

    pub fn saying(says: &Says<'_>) -> Self {
        let authority = Authority::new("etcd-ca");
        let pair = authority.issue(says);
        Self::with(&authority, &pair, &[])
    }

    pub fn endpoint(&self) -> String {
        format!("https://{}", self.etcd.address())
    }
}

fn plain_text_to_a_tls_port() {
    let secure = Secure::saying(&Says::default());
    let endpoint = secure.etcd.endpoint();
    let outcome = ask(&endpoint, &format!("get key {BRIEFLY}"));
    let said = outcome.said();
    assert!(
        said.contains("was spoken to in plain text") || said.contains("hung up without a word"),
        "{outcome}"
    );
    assert_told(
        &outcome,
        &endpoint,
        "the server ",
        "use https:// and --cacert, --cert, --key",
        LATE,
    );
    // A TLS server that says so.
    let alert = answering(b"\x15\x03\x01\0\x02\x02\x16");
    unreached(&alert, "", "the server speaks TLS, and was spoken to in plain text", "use https://");
}

/// Somebody who hears a few bytes, answers these, and hangs up: forever, on a port of its own.
pub fn answering(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it has one").to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(bytes);
        }
    });
    address
}

fn a_listener_that_hangs_up() {
    unreached(
        &Fake::closing().endpoint(),
        BRIEFLY,
        "the server hung up without a word",
        "the port probably wants TLS",
    );
}

fn a_server_of_http1() {
    unreached(
        &Fake::web().endpoint(),
        "",
        "the server does not speak HTTP/2",
        "no HTTP/1 proxy between",
    );
}

fn the_port_for_peers() {
    for minor in ["3.6", "3.7"] {
        let Some(etcd) = Etcd::version(minor) else {
            skipped("no etcd (make reference builds it)");
            continue;
        };
        let peers = format!("127.0.0.1:{}", etcd.peer_port());
        if ask(&peers, "get key").status == 0 {
            // Up to 3.5 a member answers clients there, too.
            assert_eq!(minor, "3.6");
            continue;
        }
        let hint = format!("clients are answered at {}", etcd.endpoint());
        unreached(&peers, "", "members speak to each other there: it is a peer port", &hint);
    }
}

fn tls_to_a_plain_port() {
    let etcd = Etcd::start();
    unreached(
        &format!("https://{}", etcd.address()),
        "",
        "what answers there does not speak TLS",
        "write http://",
    );
}

fn a_tls_proxy_of_http1() {
    let authority = Authority::new("etcd-ca");
    let pair = authority.issue(&Says::default());
    let Some(program) = crate::support::reference_client() else { return skipped("no reference") };
    let plain = server::Etcd::start(&program.with_file_name("etcd"), &[]);
    let port = Front { alpn: b"http/1.1", ..Front::new(&pair) }.before(&plain);
    let folder = Folder::new();
    let ca = folder.write("ca.crt", &authority.cert);
    let trusting = format!("--cacert {}", ca.display());
    unreached(
        &format!("https://127.0.0.1:{port}"),
        &trusting,
        "what answers there speaks TLS, but not HTTP/2",
        "is that etcd's client port?",
    );
}

fn a_tls_server_that_fails_inside() {
    let endpoint = format!("https://{}", answering(b"\x15\x03\x03\0\x02\x02\x50"));
    unreached(&endpoint, "", "TLS failed: the server refused the connection (InternalError)", "");
}

fn a_ca_that_is_not_trusted() {
    let secure = Secure::saying(&Says::default());
    let endpoint = secure.endpoint();
    unreached(
        &endpoint,
        "",
        "the server's certificate is signed by \"etcd-ca\", which is not trusted here",
        "pass that CA with --cacert",
    );
    let other = secure.folder.write("other.crt", Authority::new("other").cert);
    unreached(
        &endpoint,
        &format!("--cacert {}", other.display()),
        "the server's certificate is signed by \"etcd-ca\", which is not in ",
        "the CA of this cluster?",
    );
}

fn an_expired_certificate() {
    let secure = Secure::saying(&Says { years: (2000, 2001), ..Says::default() });
    unreached(
        &secure.endpoint(),
        &secure.trusting,
        "the server's certificate expired on ",
        "kubeadm certs renew",
    );
}

fn a_certificate_of_the_future() {
    let secure = Secure::saying(&Says { years: (2090, 2099), ..Says::default() });
    unreached(
        &secure.endpoint(),
        &secure.trusting,
        "the server's certificate is not valid before ",
        "check the clock",
    );
}

fn a_certificate_for_other_names() {
    let secure = Secure::saying(&Says { names: &["etcd.test", "10.1.2.3"], ..Says::default() });
    unreached(
        &secure.endpoint(),
        &secure.trusting,
        "the server's certificate is for other names: etcd.test, 10.1.2.3",
        "use one of these names",
    );
}

fn a_certificate_that_is_not_for_servers() {
    let secure = Secure::saying(&Says { purposes: &[ClientAuth], ..Says::default() });
    unreached(
        &secure.endpoint(),
        &secure.trusting,
        "the server's certificate may not be used by a server",
        "serverAuth",
    );
}

pub fn demanding() -> Secure {
    let authority = Authority::new("etcd-ca");
    let pair = authority.issue(&Says::default());
    Secure::with(&authority, &pair, &["--trusted-ca-file", "--client-cert-auth"])
}

fn no_client_certificate_where_one_is_demanded() {
    let secure = demanding();
    unreached(
        &secure.endpoint(),
        &secure.trusting,
        "the server demands a client certificate, and none was given",
        "pass one with --cert and --key",
    );
}

fn a_client_certificate_of_another_ca() {
    let secure = demanding();
    let (cert, key) =
        secure.folder.pair("client", &Authority::new("other").issue(&Says::default()));
    let flags = format!("{} --cert {} --key {}", secure.trusting, cert.display(), key.display());
    let cause = format!("the server rejects the client certificate {}", cert.display());
    unreached(&secure.endpoint(), &flags, &cause, "the server's --trusted-ca-file");
}

fn a_key_too_small_to_verify() {
    let file = |name: &str| fixture(name).display().to_string();
    let flags = [
        format!("--cert-file={}", file("rsa1024.pem")),
        format!("--key-file={}", file("rsa1024.key.pem")),
    ];
    let etcd = Etcd::with(&flags.each_ref().map(String::as_str));
    let trusting = format!("--cacert {}", file("ca.pem"));
    unreached(
        &format!("https://{}", etcd.address()),
        &trusting,
        "the server's key is 1024-bit RSA",
        "--insecure-skip-tls-verify",
    );
}

fn a_connection_that_breaks() {
    let etcd = Etcd::start();
    etcd.put(b"key", &b"x".repeat(100_000));
    let fake = Fake::cutting(etcd.address().parse().expect("an address"), 20_000);
    let outcome = ask(&fake.endpoint(), "put key value --prev-kv");
    let said = outcome.said();
    let told = format!("{}: the connection was lost (", fake.endpoint());
    assert!(said.starts_with(&told), "{outcome}");
    assert!(
        said.contains("Error: rpc error: code = Unavailable desc = error reading from"),
        "{outcome}"
    );
}

fn an_answer_that_comes_too_late() {
    let fake = Fake::kv(Kv { delay: Duration::from_secs(30), keys: 1, ..Kv::default() });
    unreached(
        &fake.endpoint(),
        "--prefix --command-timeout=700ms",
        "no answer within 700ms (--command-timeout)",
        "more time",
    );
}

fn a_server_that_is_unavailable() {
    let fake = Fake::kv(Kv { unavailable: usize::MAX, keys: 1, ..Kv::default() });
    let outcome = ask(&fake.endpoint(), "get key --command-timeout=2s");
    let said = outcome.said();
    assert!(
        said.starts_with(&format!("{}: ", fake.endpoint())) && !said.contains("nothing"),
        "{outcome}"
    );
    assert_told(&outcome, &fake.endpoint(), "", "", LATE);
}

/// Authentication is on: `reader` reads from `a` to before `c`.
pub fn guarded() -> Etcd {
    let etcd = Etcd::with(&["--bcrypt-cost=4"]);
    for line in [
        "user add root:root-secret",
        "user grant-role root root",
        "role add part",
        "role grant-permission part read a c",
        "user add reader:reader-secret",
        "user grant-role reader part",
        "auth enable",
    ] {
        let outcome = ask(&etcd.endpoint(), line);
        assert_eq!(outcome.status, 0, "{outcome}");
    }
    etcd
}

fn a_wrong_password() {
    let etcd = guarded();
    let last = "etcdserver: authentication failed, invalid user ID or password";
    for user in ["reader", "nobody"] {
        let outcome = ask(&etcd.endpoint(), &format!("get a --user {user}:wrong-secret"));
        let cause = format!("there is no user {user:?}, or the password is another");
        assert_told(&outcome, &etcd.endpoint(), &cause, "check --user and --password", last);
        assert!(!outcome.said().contains("wrong-secret"), "{outcome}");
    }
}

fn a_user_where_there_are_none() {
    // No failure: everybody may do everything there. Who wants to know is told.
    let etcd = Etcd::start();
    etcd.put(b"a", b"value");
    ask(&etcd.endpoint(), "get a --user root:any").assert_prints("a\nvalue\n");
    let outcome = ask(&etcd.endpoint(), "get a --user root:any --debug");
    let told =
        format!("debug: {}: the server knows no users: authentication is off\n", etcd.endpoint());
    assert!(outcome.status == 0 && outcome.said().contains(&told), "{outcome}");
}

fn no_user_where_one_is_wanted() {
    let etcd = guarded();
    let outcome = ask(&etcd.endpoint(), "get a");
    let cause = "the server wants to know who asks: authentication is on";
    assert_told(
        &outcome,
        &etcd.endpoint(),
        cause,
        "name a user with --user",
        "etcdserver: user name is empty",
    );
}

fn keys_that_a_user_may_not_touch() {
    let etcd = guarded();
    let who = "the user \"reader\" may not";
    for (line, what) in [
        ("get d", "read the key \"d\""),
        ("get a z", "read the keys from \"a\" to \"z\""),
        ("get --from-key b", "read the keys from \"b\" on"),
        ("get --prefix ''", "read all keys"),
        ("put a 1", "write the key \"a\""),
        ("put d 1 --prev-kv", "read and write the key \"d\""),
        ("del d", "delete the key \"d\""),
        ("user list", "do this, which takes the role root"),
    ] {
        let outcome = ask(&etcd.endpoint(), &format!("{line} --user reader:reader-secret"));
        let hint =
            if what.starts_with("do") { "a user with the role root" } else { "grant-permission" };
        assert_told(
            &outcome,
            &etcd.endpoint(),
            &format!("{who} {what}"),
            hint,
            "etcdserver: permission denied",
        );
    }
    let txn = run(&etcd.endpoint(), "txn --user reader:reader-secret")
        .stdin(b"ver(\"a\") > \"0\"\n\nget a\n\nput x 1\n\n")
        .outcome();
    let cause = format!("{who} read or write one of the key \"a\", the key \"x\"");
    assert_told(
        &txn,
        &etcd.endpoint(),
        &cause,
        "grant-permission",
        "etcdserver: permission denied",
    );
    // What is heard of a watch comes first, and what it means behind it.
    for (line, what) in
        [("watch d", "watch the key \"d\""), ("watch c d", "watch the keys from \"c\" to \"d\"")]
    {
        let outcome = ask(&etcd.endpoint(), &format!("{line} --user reader:reader-secret"));
        assert_watch_told(&outcome, &etcd.endpoint(), &format!("{who} {what}"), "grant-permission");
    }
}

/// What the server said of a watch, then cause and way out, then the official line.
#[track_caller]
fn assert_watch_told(outcome: &Outcome, endpoint: &str, cause: &str, hint: &str) {
    let said = outcome.said();
    let lines: Vec<&str> = said.lines().collect();
    let [reason, told, way_out, last] = lines.as_slice() else { panic!("{outcome}") };
    assert!(outcome.status == 5 && reason.starts_with("watch was canceled ("), "{outcome}");
    assert_eq!(*told, format!("{endpoint}: {cause}"), "{outcome}");
    assert!(way_out.starts_with("hint: ") && way_out.contains(hint), "{outcome}");
    assert_eq!(*last, "Error: watch is canceled by the server", "{outcome}");
}

fn a_cluster_without_quorum() {
    let (_cluster, endpoint) = without_quorum();
    for line in ["put key value", "get key", "member list"] {
        let outcome = ask(&endpoint, &format!("{line} --command-timeout=1s"));
        let cause = "the cluster has no leader: most of its members are not there";
        assert_told(&outcome, &endpoint, cause, "--consistency=s", LATE);
    }
}

fn a_full_database() {
    const QUOTA: u64 = 400_000;
    for minor in ["3.4", "3.7"] {
        let Some(etcd) = Etcd::version_with(minor, &[&format!("--quota-backend-bytes={QUOTA}")])
        else {
            skipped("no etcd (make reference builds it)");
            continue;
        };
        let value = "x".repeat(100_000);
        let write = || run(&etcd.endpoint(), "put key").stdin(value.as_bytes()).outcome();
        let full = (0..20)
            .map(|_| write())
            .find(|outcome| outcome.status != 0)
            .expect("no quota holds that");
        let revision = ask(&etcd.endpoint(), "get key -w json --keys-only").text();
        let revision = revision
            .split_once("\"revision\":")
            .and_then(|(_, rest)| rest.split(',').next())
            .expect("a revision")
            .to_owned();
        let hint = format!(
            "`etcdctl compaction {revision}`, `etcdctl defrag --cluster`, `etcdctl alarm disarm`"
        );
        let last = "etcdserver: mvcc: database space exceeded";
        assert_told(
            &full,
            &etcd.endpoint(),
            "the database has reached its quota: it has ",
            &hint,
            last,
        );
        if minor == "3.7" {
            assert!(full.said().contains("(400000 bytes)"), "{full}");
        }
        // The way out is one.
        for line in [
            format!("compaction {revision}"),
            "defrag --cluster".to_owned(),
            "alarm disarm".to_owned(),
        ] {
            assert_eq!(ask(&etcd.endpoint(), &line).status, 0, "{line}");
        }
        ask(&etcd.endpoint(), "put key small").assert_prints("OK\n");
    }
}

fn a_revision_that_is_gone() {
    let etcd = Etcd::start();
    for value in ["1", "2", "3", "4"] {
        etcd.put(b"key", value.as_bytes());
    }
    assert_eq!(ask(&etcd.endpoint(), "compaction 4").status, 0);
    let last = "etcdserver: mvcc: required revision has been compacted";
    for line in ["get key --rev 2", "get --prefix k --rev 3", "compaction 2"] {
        let outcome = ask(&etcd.endpoint(), line);
        let cause = "that revision has been compacted; the oldest there is 4";
        assert_told(&outcome, &etcd.endpoint(), cause, "ask for revision 4 or a later one", last);
    }
    ask(&etcd.endpoint(), "get key --rev 4 --print-value-only").assert_prints("3\n");
    for line in ["watch key --rev 2", "watch k --prefix --rev 3"] {
        let outcome = ask(&etcd.endpoint(), line);
        let cause = "that revision has been compacted; the oldest there is 4";
        assert_watch_told(&outcome, &etcd.endpoint(), cause, "ask for revision 4 or a later one");
    }
    let bare = run(&etcd.endpoint(), "watch key --rev 2").env("ETCDCTL_HINTS", "off").outcome();
    assert_eq!(bare.said().lines().count(), 2, "{bare}");
}

fn a_request_that_is_too_large() {
    let etcd = Etcd::start();
    let value = vec![b'x'; 1_800_000];
    let outcome = run(&etcd.endpoint(), "put key").stdin(&value).outcome();
    assert_told(
        &outcome,
        &etcd.endpoint(),
        "the request has 18000",
        "the server's --max-request-bytes",
        "etcdserver: request is too large",
    );
    // Past the limit of the server's connection, which is somewhat larger.
    let value = vec![b'x'; 3_000_000];
    let outcome =
        run(&etcd.endpoint(), "put key --max-request-bytes 4000000").stdin(&value).outcome();
    assert!(
        outcome.said().starts_with(&format!("{}: the request has 30000", etcd.endpoint())),
        "{outcome}"
    );
    // Past our own, which no server hears of.
    let outcome = run(&etcd.endpoint(), "put key").stdin(&value).outcome();
    let said = outcome.said();
    assert!(
        said.starts_with("the request has 30000")
            && said.contains("hint: a larger limit: --max-request-bytes"),
        "{outcome}"
    );
}

fn a_call_that_an_old_server_does_not_know() {
    let Some(etcd) = Etcd::version("3.4") else { return skipped("no etcd 3.4") };
    let outcome = ask(&etcd.endpoint(), "auth status");
    let cause = "the server, etcd 3.4.";
    let last = "rpc error: code = Unimplemented desc = unknown method AuthStatus for service etcdserverpb.Auth";
    assert_told(&outcome, &etcd.endpoint(), cause, "a newer etcd", last);
    assert!(outcome.said().contains("does not know the call Auth/AuthStatus"), "{outcome}");
}

#[test]
fn every_endpoint_that_failed_is_told_in_the_order_given() {
    let (refused, silent, web) = (Fake::refusing(), Fake::silent(), Fake::web());
    let etcd = Etcd::start();
    let told = [
        (silent.endpoint(), "connected, but the server says nothing"),
        (
            format!("127.0.0.1:{}", etcd.peer_port()),
            "members speak to each other there: it is a peer port",
        ),
        (refused.endpoint(), "connection refused"),
        (web.endpoint(), "the server does not speak HTTP/2"),
    ];
    for first in 0..told.len() {
        let mut order = told.clone();
        order.rotate_left(first);
        let endpoints: Vec<&str> = order.iter().map(|(endpoint, _)| &**endpoint).collect();
        let outcome = ask(&endpoints.join(","), &format!("get key {BRIEFLY}"));
        outcome.assert_fails(1, LATE);
        let said = outcome.said();
        for (line, (endpoint, cause)) in said.lines().zip(&order) {
            assert!(line.starts_with(&format!("{endpoint}: {cause}")), "{cause}: {outcome}");
        }
    }
}

#[test]
fn cause_and_hint_can_be_left_out() {
    let etcd = guarded();
    for (endpoint, last) in
        [(Fake::refusing().endpoint(), LATE), (etcd.endpoint(), "etcdserver: user name is empty")]
    {
        let outcome =
            run(&endpoint, &format!("get a {BRIEFLY}")).env("ETCDCTL_HINTS", "off").outcome();
        assert_eq!(outcome.said(), format!("Error: {last}\n"), "{outcome}");
    }
}
