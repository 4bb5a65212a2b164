//! TLS end to end: real servers, good and bad certificates on both sides. A cause that waiting cannot
//! cure is told at once, where the official client waits out its time.

use std::path::PathBuf;
use std::time::Duration;

use crate::connection::timed;
use crate::support::certs::{Authority, Folder, Pair, Says};
use crate::support::{Etcd, Outcome, Run, reference_is_there, skipped};

/// What we are given to wait, and what is far less of it even on a busy machine.
const PATIENCE: (&str, &str) = ("ETCDCTL_DIAL_TIMEOUT", "60s");
const AT_ONCE: Duration = Duration::from_secs(15);

/// How a client is told what to trust, and what must come of it.
struct Case {
    what: &'static str,
    /// `AT` is the server's address, `PORT` its port.
    endpoint: &'static str,
    flags: &'static str,
    variables: &'static [(&'static str, &'static str)],
    /// What is said above the last line; `None` for a success.
    cause: Option<&'static str>,
}

const fn fails(what: &'static str, flags: &'static str, cause: &'static str) -> Case {
    Case { what, endpoint: "https://AT", flags, variables: &[], cause: Some(cause) }
}

const fn works(what: &'static str, endpoint: &'static str, flags: &'static str) -> Case {
    Case { what, endpoint, flags, variables: &[], cause: None }
}

/// A server that wants client certificates, and everybody's files.
struct Scene {
    folder: Folder,
    etcd: Etcd,
}

impl Scene {
    fn new(minor: &str) -> Option<Self> {
        let folder = Folder::new();
        let ca = Authority::new("our-ca");
        let issue = |says: Says<'_>| ca.issue(&says);
        folder.write("ca.pem", &ca.cert);
        folder.write("other-ca.pem", Authority::new("other-ca").cert);
        for (name, pair) in [
            ("server", issue(Says::default())),
            ("good", issue(Says::default())),
            ("expired", issue(Says { years: (2000, 2001), ..Says::default() })),
            ("future", issue(Says { years: (2090, 2099), ..Says::default() })),
            ("elsewhere", issue(Says { names: &["etcd.example"], ..Says::default() })),
            ("stranger", Authority::new("stranger-ca").issue(&Says::default())),
        ] {
            folder.pair(name, &pair);
        }
        let path = |name: &str| folder.path(name).display().to_string();
        let flags = [
            format!("--cert-file={}", path("server.crt")),
            format!("--key-file={}", path("server.key")),
            format!("--trusted-ca-file={}", path("ca.pem")),
            "--client-cert-auth".to_owned(),
        ];
        let etcd = Etcd::version_with(minor, &flags.each_ref().map(String::as_str))?;
        Some(Self { folder, etcd })
    }

    /// From now on the server shows another certificate: it reads its files at every handshake.
    fn serves(&self, name: &str) {
        for (from, to) in [("crt", "server.crt"), ("key", "server.key")] {
            let bytes = std::fs::read(self.folder.path(&format!("{name}.{from}"))).expect("a pair");
            self.folder.write(to, bytes);
        }
    }

    fn run(&self, client: fn(Vec<String>) -> Run, case: &Case) -> Run {
        let port = self.etcd.port().to_string();
        let placed = case.endpoint.replace("AT", &self.etcd.address()).replace("PORT", &port);
        let mut args = vec!["--endpoints".to_owned(), placed];
        args.extend(["get", "key", "--command-timeout=1500ms"].map(str::to_owned));
        args.extend(case.flags.split_whitespace().map(str::to_owned));
        let mut run = client(args).inside(&self.folder.path(""));
        for (name, value) in case.variables {
            let value: PathBuf = self.folder.path(value);
            run = run.env(*name, value);
        }
        run
    }

    /// Both clients in every case: those of the official client at once, for they wait.
    fn meet(&self, cases: &[Case]) {
        let theirs: Vec<Outcome> = std::thread::scope(|scope| {
            let running: Vec<_> = cases
                .iter()
                .map(|case| {
                    let run = self.run(Run::reference, case);
                    scope.spawn(|| run.outcome())
                })
                .collect();
            running.into_iter().map(|one| one.join().expect("an outcome")).collect()
        });
        for (case, theirs) in cases.iter().zip(theirs) {
            let what = format!("etcd {}, {}", self.etcd.minor(), case.what);
            let (ours, took) = timed(self.run(Run::ours, case).env(PATIENCE.0, PATIENCE.1));
            ours.assert_same_answer(&theirs, &what);
            let Some(cause) = case.cause else {
                assert!(ours.status == 0, "{what}: {ours}");
                continue;
            };
            ours.assert_fails(1, "context deadline exceeded");
            let said = ours.said();
            assert!(said.contains(cause), "{what}: {cause:?} is not said\n{ours}");
            assert!(said.contains("\nhint: "), "{what}: no way out is told\n{ours}");
            assert!(took < AT_ONCE, "{what}: {took:?}");
        }
    }
}

const CLIENT: &str = "--cacert ca.pem --cert good.crt --key good.key";
const SKIPPING: &str = "--insecure-skip-tls-verify --cert good.crt --key good.key";

#[test]
fn certificates_of_both_sides_are_judged_and_a_refusal_is_told_at_once() {
    if !reference_is_there() {
        return;
    }
    std::thread::scope(|scope| {
        for minor in ["3.7", "3.4"] {
            scope.spawn(move || match Scene::new(minor) {
                Some(scene) => certificates(&scene),
                None => skipped(&format!("no etcd {minor} (make reference builds it)")),
            });
        }
    });
}

fn certificates(scene: &Scene) {
    let system_roots = Case {
        what: "system roots",
        endpoint: "https://AT",
        flags: "--cert good.crt --key good.key",
        variables: &[("SSL_CERT_FILE", "ca.pem"), ("SSL_CERT_DIR", "nowhere")],
        cause: None,
    };
    let other_roots = Case {
        what: "other system roots",
        variables: &[("SSL_CERT_FILE", "other-ca.pem"), ("SSL_CERT_DIR", "nowhere")],
        cause: Some("signed by \"our-ca\", which is not trusted here"),
        ..system_roots
    };
    let variables = Case {
        what: "everything in variables",
        endpoint: "https://AT",
        flags: "",
        variables: &[
            ("ETCDCTL_CACERT", "ca.pem"),
            ("ETCDCTL_CERT", "good.crt"),
            ("ETCDCTL_KEY", "good.key"),
        ],
        cause: None,
    };
    scene.meet(&[
        works("good", "https://AT", CLIENT),
        works("good, by name", "https://localhost:PORT", CLIENT),
        works("no scheme", "AT", CLIENT),
        works("an upper-case scheme", "HTTPS://AT", CLIENT),
        works("the first scheme decides", "https://AT,AT", CLIENT),
        works("flags decide where there is no scheme", "AT,http://AT", CLIENT),
        works("verification is skipped", "https://AT", SKIPPING),
        works("skipping alone means TLS", "AT", SKIPPING),
        works(
            "skipping wins over a CA",
            "https://AT",
            "--cacert other-ca.pem --insecure-skip-tls-verify --cert good.crt --key good.key",
        ),
        system_roots,
        variables,
    ]);
    scene.meet(&[
        fails(
            "another CA",
            "--cacert other-ca.pem --cert good.crt --key good.key",
            "signed by \"our-ca\", which is not in other-ca.pem",
        ),
        other_roots,
        fails("no client certificate", "--cacert ca.pem", "demands a client certificate"),
        fails(
            "a stranger's certificate",
            "--cacert ca.pem --cert stranger.crt --key stranger.key",
            "rejects the client certificate stranger.crt",
        ),
        fails(
            "an expired client certificate",
            "--cacert ca.pem --cert expired.crt --key expired.key",
            "rejects the client certificate expired.crt",
        ),
        Case { endpoint: "http://AT", ..fails("plain text to a TLS port", "", "wants TLS") },
        Case {
            endpoint: "http://AT,https://AT",
            ..fails("the first scheme drops TLS for all", CLIENT, "wants TLS")
        },
    ]);
    scene.serves("expired");
    scene.meet(&[
        fails("an expired server", CLIENT, "expired on 2001-12-31"),
        works("an expired server, skipped", "https://AT", SKIPPING),
    ]);
    scene.serves("future");
    scene.meet(&[fails("a server of the future", CLIENT, "not valid before 2090-01-01")]);
    scene.serves("elsewhere");
    scene.meet(&[
        fails("a server of another name", CLIENT, "for other names: etcd.example"),
        works("a server of another name, skipped", "https://AT", SKIPPING),
    ]);
}

#[test]
fn tls_to_a_plain_port_is_told_at_once_and_http_drops_it() {
    if !reference_is_there() {
        return;
    }
    for minor in ["3.7", "3.4"] {
        let Some(etcd) = Etcd::version(minor) else {
            skipped(&format!("no etcd {minor} (make reference builds it)"));
            continue;
        };
        etcd.put(b"key", b"value");
        let folder = Folder::new();
        let ca = Authority::new("our-ca");
        folder.write("ca.pem", &ca.cert);
        let Pair { cert, key } = ca.issue(&Says::default());
        folder.write("good.crt", cert);
        folder.write("good.key", key);
        let scene = Scene { folder, etcd };
        let not_tls = "what answers there does not speak TLS";
        scene.meet(&[
            works("http drops TLS", "http://AT", CLIENT),
            works("an upper-case http too", "HTTP://AT", CLIENT),
            works("http drops skipping", "http://AT", "--insecure-skip-tls-verify"),
            works("http drops a demand", "http://AT", "--insecure-transport=false"),
            works("the first scheme decides", "http://AT,https://AT", ""),
            works("no scheme and no flag", "AT,https://AT", ""),
            fails("TLS to a plain port", CLIENT, not_tls),
            fails("TLS to a plain port by the first scheme", "", not_tls),
            Case { endpoint: "AT", ..fails("TLS by flags", CLIENT, not_tls) },
            Case { endpoint: "AT", ..fails("skipping", "--insecure-skip-tls-verify", not_tls) },
            Case { endpoint: "AT", ..fails("demanded", "--insecure-transport=false", not_tls) },
            Case { endpoint: "AT,http://AT", ..fails("flags decide for both", CLIENT, not_tls) },
            Case { endpoint: "https://AT,http://AT", ..fails("the first decides", "", not_tls) },
        ]);
    }
}
