//! TLS beside the official client: the same files refused in the same words, the same servers
//! accepted and refused.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener as Listener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use etcdctl::cluster::tls::{TlsCause, TlsFiles, server_name};
use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::support::certs::{Authority, ClientAuth, Folder, Pair, Says, ServerAuth, fixture};

/// A program of a release, where it is installed.
#[expect(clippy::print_stderr, reason = "a test that was skipped should say so")]
fn reference(release: &str, program: &str) -> Option<PathBuf> {
    let path = match release {
        "3.4" => Path::new("/usr/bin").join(program),
        _ => Path::new(env!("CARGO_MANIFEST_DIR")).join("reference").join(release).join(program),
    };
    if !path.exists() {
        eprintln!("skipped: there is no {program} {release}");
        return None;
    }
    Some(path)
}

/// The last line and the status of the official client asking an endpoint.
fn official(etcdctl: &Path, endpoint: &str, files: &TlsFiles, patience: &str) -> (String, i32) {
    let mut command = Command::new(etcdctl);
    command.env_clear().env("ETCDCTL_API", "3");
    command.args(["--endpoints", endpoint, "--command-timeout", patience, "get", "x"]);
    let flags = [("--cacert", &files.cacert), ("--cert", &files.cert), ("--key", &files.key)];
    for (flag, path) in flags {
        if let Some(path) = path {
            command.arg(flag).arg(path);
        }
    }
    if files.skip_verify {
        command.arg("--insecure-skip-tls-verify");
    }
    let output = command.output().expect("the official client runs");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let last = errors.lines().rfind(|line| line.starts_with("Error: ")).unwrap_or_default();
    (last.to_owned(), output.status.code().expect("a status"))
}

fn files(cacert: Option<PathBuf>, pair: Option<(PathBuf, PathBuf)>) -> TlsFiles {
    let (cert, key) = pair.unzip();
    TlsFiles { cacert, cert, key, skip_verify: false }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn files_are_refused_with_the_official_words() {
    let Some(etcdctl) = reference("3.7.1", "etcdctl") else { return };
    let folder = Folder::new();
    let ca = Authority::new("ca");
    let good = ca.issue(&Says::default());
    let (cert, key) = folder.pair("good", &good);
    let other_key = folder.pair("other", &ca.issue(&Says::default())).1;
    let empty = folder.write("empty", "");
    let garbage = folder.write("garbage", "no PEM at all\n");
    let truncated = folder.write("truncated", &good.cert[..good.cert.len() / 2]);
    let bad_base64 = folder.write("base64", good.cert.replace('M', "!"));
    let cut = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    let cut = folder.write("cut", cut);
    let hollow = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
    let hollow = folder.write("hollow", hollow);
    let both = folder.write("both", format!("{}{}", good.cert, good.key));
    let key_first = folder.write("key-first", format!("{}{}", good.key, good.cert));
    let crlf = folder.write("crlf", good.cert.replace('\n', "\r\n"));
    let blanks = folder.write("blanks", good.cert.replace('\n', " \t\n"));
    let bare = folder.write("bare", good.cert.trim_end());
    let comments = folder.write("comments", format!("# mine\n{}# end", good.cert));
    let x509 = folder.write("x509", good.cert.replace("CERTIFICATE", "X509 CERTIFICATE"));
    let trusted = folder.write("trusted", good.cert.replace("CERTIFICATE", "TRUSTED CERTIFICATE"));
    let odd_key = folder.write("odd-key", good.key.replace("PRIVATE", "MY PRIVATE"));
    let glued = folder.write("glued", good.key.replace("PRIVATE", "MYPRIVATE"));
    let binary = folder.write("binary", [0xff, 0, 0xfe, b'\n']);
    let directory = folder.path("");
    let missing = folder.path("none.crt");
    let below = folder.path("none/none.crt");
    let under_file = folder.path("empty/none.crt");
    let looped = folder.path("loop");
    std::os::unix::fs::symlink(&looped, &looped).expect("a link");
    let both_pairs = [
        ("rsa2048.pem", "rsa2048.key.pem"),
        ("rsa2048.pem", "rsa2048.pkcs1.pem"),
        ("rsa2048.pem", "rsa2048.encrypted.pem"),
        ("rsa2048.pem", "rsa2048.old-encrypted.pem"),
        ("rsa2048.pem", "rsa2048.public.pem"),
        ("rsa2048.pem", "rsa2048.pem"),
        ("rsa2048.pem", "rsa1024.key.pem"),
        ("rsa2048.pem", "p256.key.pem"),
        ("rsa2048.pem", "dsa.key.pem"),
        ("rsa2048.pem", "ed448.key.pem"),
        ("rsa2048.pem", "x25519.key.pem"),
        ("rsa2048.pem", "parameters.pem"),
        ("rsa2048.key.pem", "rsa2048.pem"),
        ("rsa2048.key.pem", "rsa2048.key.pem"),
        ("p256.pem", "p256.key.pem"),
        ("p256.pem", "p256.sec1.pem"),
        ("p256.pem", "p256.no-public.pem"),
        ("p256.pem", "p256.parameters.pem"),
        ("p256.pem", "p384.key.pem"),
        ("p256.pem", "k256.key.pem"),
        ("p256.pem", "self-p256.key.pem"),
        ("p384.pem", "p384.key.pem"),
        ("ed25519.pem", "ed25519.key.pem"),
        ("ed25519.pem", "p256.key.pem"),
        ("ed25519.pem", "x25519.key.pem"),
        ("ed448.pem", "ed448.key.pem"),
        ("ed448.pem", "p256.key.pem"),
        ("dsa.pem", "dsa.key.pem"),
        ("dsa.pem", "p256.key.pem"),
        ("k256.pem", "k256.key.pem"),
        ("request.pem", "rsa2048.key.pem"),
        ("crl.pem", "rsa2048.key.pem"),
        ("parameters.pem", "p256.key.pem"),
        ("rsa1024.pem", "rsa2048.key.pem"),
        ("p521.pem", "self-p521.key.pem"),
        ("v1.pem", "rsa2048.key.pem"),
    ];
    let mut cases: Vec<TlsFiles> = both_pairs
        .iter()
        .map(|(cert, key)| files(None, Some((fixture(cert), fixture(key)))))
        .collect();
    let certs = [
        &cert,
        &empty,
        &garbage,
        &truncated,
        &bad_base64,
        &cut,
        &hollow,
        &both,
        &key_first,
        &crlf,
        &blanks,
        &bare,
        &comments,
        &x509,
        &trusted,
        &binary,
        &directory,
        &missing,
        &below,
        &under_file,
        &looped,
        &key,
    ];
    for file in certs {
        cases.push(files(Some(file.clone()), None));
        cases.push(files(None, Some((file.clone(), key.clone()))));
    }
    for file in [&both, &other_key, &odd_key, &glued, &empty, &garbage, &missing, &directory] {
        cases.push(files(None, Some((cert.clone(), file.clone()))));
    }
    for name in fs::read_dir(fixture("")).expect("fixtures").flatten() {
        cases.push(files(Some(name.path()), None));
    }
    // The pair before the CA; half a pair before everything.
    cases.push(files(Some(missing.clone()), Some((cert.clone(), other_key))));
    cases.push(files(Some(missing.clone()), Some((below, missing.clone()))));
    for (cert, key) in
        [(Some(cert.clone()), None), (None, Some(key)), (Some(missing.clone()), None)]
    {
        cases.push(TlsFiles { cacert: Some(missing.clone()), cert, key, skip_verify: false });
    }
    // Skipping verification does not skip the file.
    cases.push(TlsFiles { cacert: Some(missing), skip_verify: true, ..TlsFiles::default() });

    let wrong: Vec<String> = thread::scope(|scope| {
        let ask = |case| official(&etcdctl, "127.0.0.1:1", case, "1s");
        let asked: Vec<_> = cases.iter().map(|case| scope.spawn(move || ask(case))).collect();
        cases
            .iter()
            .zip(asked)
            .filter_map(|(case, asked)| {
                let theirs = asked.join().expect("an answer");
                let ours = match case.config() {
                    // Files in order: what follows is the port where nobody listens.
                    Ok(_) => ("Error: context deadline exceeded".to_owned(), 1),
                    Err(error) => {
                        assert!(!error.causes().is_empty(), "{error}");
                        (format!("Error: {error}"), i32::from(error.exit.code()))
                    }
                };
                (ours != theirs)
                    .then(|| format!("{case:?}\n  theirs {theirs:?}\n  ours   {ours:?}"))
            })
            .collect()
    });
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn keys_that_ring_cannot_use_are_named() {
    for (cert, wanted) in [("p521", "P-521"), ("p224", "P-224"), ("rsa1024", "1024-bit RSA")] {
        let pair = (fixture(&format!("{cert}.pem")), fixture(&format!("{cert}.key.pem")));
        let error = files(None, Some(pair)).config().expect_err("not supported");
        assert_eq!(error.to_string(), format!("tls: {wanted} client keys are not supported"));
        assert_eq!(error.exit.code(), 128);
    }
}

#[test]
fn no_secret_is_in_what_is_printed_for_debugging() {
    let pair = (fixture("p256.pem"), fixture("p256.key.pem"));
    let tls = files(Some(fixture("ca.pem")), Some(pair)).config().expect("good files");
    let text = format!("{tls:?}");
    assert!(text.starts_with("Tls { files: TlsFiles {") && text.len() < 1000, "{text}");
    assert!(!format!("{:?}", tls.connection()).contains("scalar"));
}

/// Runs a future on a runtime of its own, as the program does.
fn wait_for<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().expect("a runtime").block_on(future)
}

/// Connects, asks for nothing, and waits for the first frame: only then has a server that wants a
/// client certificate accepted it.
fn ours(host: &str, port: u16, files: &TlsFiles) -> Result<(), TlsCause> {
    wait_for(async {
        let tls = files.config().expect("good files");
        let (config, notes) = tls.connection();
        let tcp = TcpStream::connect(("127.0.0.1", port)).await.expect("somebody listens");
        let mut stream = TlsConnector::from(config)
            .connect(server_name(host), tcp)
            .await
            .map_err(|err| TlsCause::in_handshake(&err, &notes).expect("a cause"))?;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let talk = async {
            stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await?;
            stream.flush().await?;
            let mut frame = [0; 9];
            stream.read_exact(&mut frame).await.map(|_| frame)
        };
        match talk.await {
            Ok(frame) => {
                assert_eq!(frame[3], 4, "SETTINGS come first");
                Ok(())
            }
            Err(err) => Err(TlsCause::in_io(&err, &notes).expect("a cause")),
        }
    })
}

/// A member of its own on loopback, stopped when dropped.
struct Etcd {
    child: Child,
    port: u16,
    _data: Folder,
}

impl Etcd {
    /// Starts one; `extra` are its flags for TLS, which make it speak it.
    fn start(program: &Path, extra: &[(&str, &Path)]) -> Self {
        let data = Folder::new();
        let free = || Listener::bind("127.0.0.1:0").expect("a port").local_addr().expect("it");
        let (client, peer) = (free(), free());
        let scheme = if extra.is_empty() { "http" } else { "https" };
        let (client, peer) = (format!("{scheme}://{client}"), format!("http://{peer}"));
        let mut command = Command::new(program);
        command.env_clear().arg("--data-dir").arg(data.path("data"));
        command.args(["--name", "m", "--listen-client-urls", &client, "--log-level", "error"]);
        command.args(["--advertise-client-urls", &client, "--listen-peer-urls", &peer]);
        command.args(["--initial-advertise-peer-urls", &peer, "--unsafe-no-fsync"]);
        command.args(["--initial-cluster", &format!("m={peer}")]);
        for (flag, path) in extra {
            command.arg(format!("{flag}={}", path.display()));
        }
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let port = client.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let (child, port) = (command.spawn().expect("etcd starts"), port.expect("a port"));
        let until = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "etcd does not listen");
            thread::sleep(Duration::from_millis(20));
        }
        Self { child, port, _data: data }
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        let _ = (self.child.kill(), self.child.wait());
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

static OLD_TLS: [&rustls::SupportedProtocolVersion; 1] = [&rustls::version::TLS12];

/// A server's certificate and manners.
struct Front<'a> {
    pair: &'a Pair,
    alpn: &'a [u8],
    client_ca: Option<&'a str>,
    versions: &'static [&'static rustls::SupportedProtocolVersion],
}

impl<'a> Front<'a> {
    fn new(pair: &'a Pair) -> Self {
        Self { pair, alpn: b"h2", client_ca: None, versions: rustls::ALL_VERSIONS }
    }

    fn config(&self) -> Arc<ServerConfig> {
        let certs = |pem: &str| -> Vec<_> {
            rustls_pemfile::certs(&mut pem.as_bytes()).map(|cert| cert.expect("PEM")).collect()
        };
        let key = rustls_pemfile::private_key(&mut self.pair.key.as_bytes()).expect("PEM");
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(self.versions)
            .expect("versions");
        let builder = match self.client_ca {
            None => builder.with_no_client_auth(),
            Some(pem) => {
                let mut roots = rustls::RootCertStore::empty();
                roots.add_parsable_certificates(certs(pem));
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(roots.into(), provider());
                builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
            }
        };
        let chain = certs(&self.pair.cert);
        let mut config = builder.with_single_cert(chain, key.expect("a key")).expect("a pair");
        config.alpn_protocols = vec![self.alpn.to_vec()];
        Arc::new(config)
    }

    /// Speaks TLS before a plain etcd; ends with the test program.
    fn before(&self, etcd: &Etcd) -> u16 {
        let (config, to) = (self.config(), SocketAddr::from(([127, 0, 0, 1], etcd.port)));
        let listener = Listener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("it").port();
        listener.set_nonblocking(true).expect("not blocking");
        let serve = async move {
            let listener = TcpListener::from_std(listener).expect("a listener");
            while let Ok((tcp, _)) = listener.accept().await {
                let acceptor = TlsAcceptor::from(config.clone());
                tokio::spawn(async move {
                    let mut inside = acceptor.accept(tcp).await?;
                    let mut outside = TcpStream::connect(to).await?;
                    copy_bidirectional(&mut inside, &mut outside).await.map(drop)
                });
            }
            io::Result::Ok(())
        };
        thread::spawn(move || wait_for(serve));
        port
    }
}

/// One server and one set of files, and what must come of it.
struct Meeting {
    what: &'static str,
    host: &'static str,
    port: u16,
    files: TlsFiles,
    wanted: Result<(), TlsCause>,
}

/// Whether the official client succeeds, everywhere at once: a failure takes it a second.
fn successes(etcdctl: &Path, asked: &[(&str, u16, &TlsFiles)]) -> Vec<bool> {
    thread::scope(|scope| {
        let running: Vec<_> = asked
            .iter()
            .map(|(host, port, files)| {
                let endpoint = format!("https://{host}:{port}");
                scope.spawn(move || official(etcdctl, &endpoint, files, "1s").1 == 0)
            })
            .collect();
        running.into_iter().map(|one| one.join().expect("an answer")).collect()
    })
}

/// Does it succeed when nothing else runs? Many at once may have been too many for this machine.
fn succeeds_after_all(etcdctl: &Path, host: &str, port: u16, files: &TlsFiles) -> bool {
    official(etcdctl, &format!("https://{host}:{port}"), files, "5s").1 == 0
}

/// Both clients at every meeting: success in the same places, and our causes as wanted.
fn meet(meetings: &[Meeting]) {
    let Some(etcdctl) = reference("3.7.1", "etcdctl") else { return };
    let asked: Vec<_> = meetings.iter().map(|one| (one.host, one.port, &one.files)).collect();
    let theirs = successes(&etcdctl, &asked);
    let mut wrong = Vec::new();
    for (one, theirs) in meetings.iter().zip(theirs) {
        let got = ours(one.host, one.port, &one.files);
        if got != one.wanted {
            wrong.push(format!("{}: {got:?}, wanted {:?}", one.what, one.wanted));
        }
        // Known to differ: what ring cannot do.
        let beyond = matches!(got, Err(TlsCause::UnsupportedKey(_)));
        let theirs =
            theirs || got.is_ok() && succeeds_after_all(&etcdctl, one.host, one.port, &one.files);
        if got.is_ok() != theirs && !beyond {
            wrong.push(format!("{}: theirs {theirs}, ours {got:?}", one.what));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn trusting(cacert: &Path) -> TlsFiles {
    TlsFiles { cacert: Some(cacert.to_owned()), ..TlsFiles::default() }
}

const SKIPPING: TlsFiles = TlsFiles { cacert: None, cert: None, key: None, skip_verify: true };

fn unknown_ca(issuer: &str) -> Result<(), TlsCause> {
    Err(TlsCause::UnknownCa { issuer: Some(issuer.to_owned()), self_signed: false })
}

const NEW_YEARS_EVE_2001: i64 = 1_009_756_800;
const NEW_YEAR_2090: i64 = 3_786_912_000;

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn servers_are_accepted_and_refused_as_by_the_official_client() {
    let Some(program) = reference("3.7.1", "etcd") else { return };
    let etcd = Etcd::start(&program, &[]);
    let folder = Folder::new();
    let ca = Authority::new("ca");
    let middle = ca.below("middle");
    let old = Authority::valid("old-ca", (2000, 2001));
    let good_ca = folder.write("ca.pem", &ca.cert);
    let other_ca = folder.write("other.pem", Authority::new("other").cert);
    let both_cas = folder.write("both.pem", format!("{}\n{}", Authority::new("ca").cert, ca.cert));
    let labelled =
        folder.write("labelled.pem", ca.cert.replace("CERTIFICATE", "TRUSTED CERTIFICATE"));
    let middle_ca = folder.write("middle.pem", &middle.cert);
    let old_ca = folder.write("old.pem", &old.cert);
    let nobody = folder.write("nobody.pem", "nothing\n");
    let front = |pair: &Pair| Front::new(pair).before(&etcd);
    let issue = |says: Says<'_>| ca.issue(&says);
    let good_pair = issue(Says::default());
    let good = front(&good_pair);
    let mut meetings = Vec::new();
    let mut add = |what, host, port, files: TlsFiles, wanted| {
        meetings.push(Meeting { what, host, port, files, wanted });
    };

    add("good", "localhost", good, trusting(&good_ca), Ok(()));
    add("good by address", "127.0.0.1", good, trusting(&good_ca), Ok(()));
    add("the right one of two CAs", "localhost", good, trusting(&both_cas), Ok(()));
    add("another label", "localhost", good, trusting(&labelled), Ok(()));
    add("another CA", "localhost", good, trusting(&other_ca), unknown_ca("ca"));
    add("no CA", "localhost", good, TlsFiles::default(), unknown_ca("ca"));
    add("an empty CA file", "localhost", good, trusting(&nobody), unknown_ca("ca"));
    let leaf = folder.write("leaf.pem", &good_pair.cert);
    add("the server's own certificate as CA", "localhost", good, trusting(&leaf), Ok(()));
    let chained = middle.issue(&Says::default());
    let port = front(&chained);
    add("through a middle CA", "localhost", port, trusting(&good_ca), Ok(()));
    add("the middle CA alone", "localhost", port, trusting(&middle_ca), Ok(()));
    let first = chained.cert.split_inclusive("-----END CERTIFICATE-----\n").next();
    let cert = first.expect("a certificate").to_owned();
    let port = front(&Pair { cert, key: chained.key });
    let wanted = unknown_ca("middle");
    add("the middle CA missing", "localhost", port, trusting(&good_ca), wanted);

    let port = front(&issue(Says { purposes: &[], ..Says::default() }));
    add("no purpose", "localhost", port, trusting(&good_ca), Ok(()));
    let port = front(&issue(Says { purposes: &[ClientAuth], ..Says::default() }));
    let wanted = Err(TlsCause::WrongPurpose);
    add("not for servers", "localhost", port, trusting(&good_ca), wanted.clone());
    let wrong_name = |names: &[&str], common_name: &str| {
        let names = names.iter().map(ToString::to_string).collect();
        Err(TlsCause::WrongName { names, common_name: Some(common_name.to_owned()) })
    };
    let port =
        front(&issue(Says { names: &["a.test", "*.b.test", "10.1.2.3"], ..Says::default() }));
    let names = wrong_name(&["a.test", "*.b.test", "10.1.2.3"], "leaf");
    add("other names", "localhost", port, trusting(&good_ca), names);
    add("other names, skipping", "localhost", port, SKIPPING, Ok(()));
    let port = front(&issue(Says { names: &["localhost"], ..Says::default() }));
    let names = wrong_name(&["localhost"], "leaf");
    add("a name, asked by address", "127.0.0.1", port, trusting(&good_ca), names);
    let port = front(&issue(Says { names: &[], common_name: "localhost", ..Says::default() }));
    let names = wrong_name(&[], "localhost");
    add("a common name only", "localhost", port, trusting(&good_ca), names);

    let expired = Err(TlsCause::Expired { ca: None, at: Some(NEW_YEARS_EVE_2001) });
    let early = Err(TlsCause::NotYetValid { at: Some(NEW_YEAR_2090) });
    let port = front(&issue(Says { years: (2000, 2001), ..Says::default() }));
    add("expired", "localhost", port, trusting(&good_ca), expired.clone());
    add("expired, skipping", "localhost", port, SKIPPING, Ok(()));
    let port = front(&issue(Says { years: (2090, 2099), ..Says::default() }));
    add("not valid yet", "localhost", port, trusting(&good_ca), early.clone());
    let port = front(&old.issue(&Says::default()));
    let ended = TlsCause::Expired { ca: Some("old-ca".into()), at: Some(NEW_YEARS_EVE_2001) };
    add("an expired CA", "localhost", port, trusting(&old_ca), Err(ended));

    // What `openssl req -x509` makes, itself given as the CA.
    let itself = [
        ("itself a CA", "localhost", Says { ca: true, ..Says::default() }, Ok(())),
        ("itself no CA", "localhost", Says::default(), Ok(())),
        (
            "itself, for another name",
            "localhost",
            Says { ca: true, names: &["a.test"], ..Says::default() },
            wrong_name(&["a.test"], "leaf"),
        ),
        (
            "itself, expired",
            "localhost",
            Says { ca: true, years: (2000, 2001), ..Says::default() },
            expired,
        ),
        (
            "itself, not valid yet",
            "localhost",
            Says { ca: true, years: (2090, 2099), ..Says::default() },
            early,
        ),
        (
            "itself, not for servers",
            "localhost",
            Says { ca: true, purposes: &[ClientAuth], ..Says::default() },
            wanted,
        ),
    ];
    for (what, host, says, wanted) in itself {
        let pair = says.alone();
        let given = folder.write(what, &pair.cert);
        add(what, host, front(&pair), trusting(&given), wanted);
    }
    let port = front(&issue(Says { ca: true, ..Says::default() }));
    add("from the CA, with its flag", "localhost", port, trusting(&good_ca), Ok(()));
    add("from another CA, with its flag", "localhost", port, trusting(&other_ca), unknown_ca("ca"));
    let namesake = folder.write("namesake.pem", Authority::new("ca").cert);
    let wanted = unknown_ca("ca");
    add("from a namesake, with its flag", "localhost", port, trusting(&namesake), wanted);
    let port = front(&issue(Says { ca: true, years: (2000, 2001), ..Says::default() }));
    let expired = Err(TlsCause::Expired { ca: None, at: Some(NEW_YEARS_EVE_2001) });
    add("from the CA, with its flag, expired", "localhost", port, trusting(&good_ca), expired);
    let alone = front(&Says { ca: true, ..Says::default() }.alone());
    let stranger = TlsCause::UnknownCa { issuer: Some("leaf".into()), self_signed: true };
    add("signed by itself, not given", "localhost", alone, trusting(&good_ca), Err(stranger));
    let good12 = Front { versions: &OLD_TLS, ..Front::new(&good_pair) };
    add("TLS 1.2 only", "localhost", good12.before(&etcd), trusting(&good_ca), Ok(()));
    let http1 = Front { alpn: b"http/1.1", ..Front::new(&good_pair) };
    let port = http1.before(&etcd);
    add("no HTTP/2", "localhost", port, trusting(&good_ca), Err(TlsCause::NoHttp2));
    let plain = Err(TlsCause::NotTls);
    add("plain text", "localhost", etcd.port, trusting(&good_ca), plain);
    meet(&meetings);
    // Ours alone: whether `localhost.` is found depends on the machine's name server.
    assert_eq!(ours("localhost.", good, &trusting(&good_ca)), Ok(()));
}

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
fn servers_whose_keys_ring_cannot_verify_are_reached_by_skipping_only() {
    let Some(program) = reference("3.7.1", "etcd") else { return };
    let named = |kind: &str| Err(TlsCause::UnsupportedKey(Some(kind.to_owned())));
    let unnamed = || Err(TlsCause::UnsupportedKey(None));
    let servers = [
        ("v1", "rsa2048", "v1", None),
        ("rsa1024", "rsa1024", "ca", Some(named("1024-bit RSA"))),
        ("p521", "p521", "ca", Some(unnamed())),
        ("self-p521", "self-p521", "self-p521", Some(unnamed())),
        ("self-p256", "self-p256", "self-p256", Some(Ok(()))),
        ("rsa2048", "rsa2048", "ca", Some(Ok(()))),
        ("p384", "p384", "ca", Some(Ok(()))),
        ("ed25519", "ed25519", "ca", Some(Ok(()))),
    ];
    let mut meetings = Vec::new();
    let mut running = Vec::new();
    for (what, key, ca, verified) in servers {
        let (cert, key) = (fixture(&format!("{what}.pem")), fixture(&format!("{key}.key.pem")));
        let etcd = Etcd::start(&program, &[("--cert-file", &cert), ("--key-file", &key)]);
        let port = etcd.port;
        running.push(etcd);
        let host = "127.0.0.1";
        meetings.push(Meeting { what, host, port, files: SKIPPING, wanted: Ok(()) });
        if let Some(wanted) = verified {
            let files = trusting(&fixture(&format!("{ca}.pem")));
            meetings.push(Meeting { what, host, port, files, wanted });
        }
    }
    meet(&meetings);
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
