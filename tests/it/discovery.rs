//! The etcd that runs here, found without a word about it: every distribution's files in a scratch root, a
//! process that looks like its etcd, and a real server that answers.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use crate::support::certs::{Authority, ClientAuth, Folder, Pair, Says};
use crate::support::{Etcd, Fake, Outcome, Run, SERVERS, skipped, words};

/// A server that wants certificates, with one key in it, and a machine made up around it.
struct Scene {
    etcd: Etcd,
    folder: Folder,
    ca: String,
    server: Pair,
    client: Pair,
}

impl Scene {
    fn new() -> Self {
        let folder = Folder::new();
        let authority = Authority::new("etcd-ca");
        let server = authority.issue(&Says::default());
        let client =
            authority.issue(&Says { names: &[], purposes: &[ClientAuth], ..Says::default() });
        let ca = folder.write("ca.crt", &authority.cert);
        let (cert, key) = folder.pair("server", &server);
        let etcd = Etcd::with(&[
            &format!("--cert-file={}", cert.display()),
            &format!("--key-file={}", key.display()),
            &format!("--trusted-ca-file={}", ca.display()),
            "--client-cert-auth",
        ]);
        let endpoint = format!("https://{}", etcd.address());
        let put = ["put", "/registry/a", "value", "--endpoints", &endpoint, "--cacert"]
            .map(PathBuf::from);
        let rest = [ca, "--cert".into(), cert, "--key".into(), key];
        Run::ours(put.iter().chain(&rest)).outcome().assert_prints("OK\n");
        Self { etcd, folder, ca: authority.cert, server, client }
    }

    /// A file of the scratch root, and the folders that it is in.
    fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.root().join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder in our own");
        fs::write(&path, text).expect("a file in our own folder");
        path
    }

    /// A certificate authority's file, and pairs by their two names: a server's and clients'.
    fn files(&self, ca: &str, server: Option<(&str, &str)>, clients: &[(&str, &str)]) {
        self.write(ca, &self.ca);
        for (pair, (cert, key)) in server
            .iter()
            .map(|names| (&self.server, names))
            .chain(clients.iter().map(|names| (&self.client, names)))
        {
            self.write(cert, &pair.cert);
            self.write(key, &pair.key);
        }
    }

    fn root(&self) -> PathBuf {
        self.folder.path("root")
    }

    fn proc(&self) -> PathBuf {
        self.folder.path("proc")
    }

    /// A process with these words and variables, as `/proc` shows it. Its root is the scratch root, in a mount
    /// namespace of its own. PORT stands for the server's port.
    fn process(&self, id: u32, words: &[&str], variables: &[&str]) {
        let folder = self.proc().join(id.to_string());
        let own = self.proc().join("self/ns");
        fs::create_dir_all(folder.join("ns")).expect("a folder in our own");
        fs::create_dir_all(&own).expect("a folder in our own");
        for (path, to) in [
            (own.join("mnt"), PathBuf::from("mnt:[1]")),
            (folder.join("ns/mnt"), PathBuf::from("mnt:[2]")),
            (folder.join("root"), self.root()),
        ] {
            let _ = fs::remove_file(&path);
            symlink(to, path).expect("a link in our own folder");
        }
        let port = self.etcd.port().to_string();
        let joined = |texts: &[&str]| {
            texts.iter().map(|text| text.replace("PORT", &port) + "\0").collect::<String>()
        };
        fs::write(folder.join("cmdline"), joined(words)).expect("a file in our own folder");
        fs::write(folder.join("environ"), joined(variables)).expect("a file in our own folder");
    }

    /// The client on this made-up machine. Nothing is where the default endpoint would be, but for tests that
    /// say so.
    fn run(&self, args: &[&str]) -> Run {
        self.at(&format!("127.0.0.1:{}", self.etcd.port()), args)
    }

    fn at(&self, local: &str, args: &[&str]) -> Run {
        Run::ours(args)
            .env("ETCDCTL_DISCOVERY", "")
            .env("ETCDCTL_DISCOVERY_PROC", self.proc())
            .env("ETCDCTL_DISCOVERY_ROOT", self.root())
            .env("ETCDCTL_DISCOVERY_LOCAL", local)
    }

    /// The one line that every course teaches, and what must come of it.
    #[track_caller]
    fn assert_answers(&self, whose: &str) {
        let outcome = self.run(&["get", "/", "--prefix", "-keys-only"]).outcome();
        let using =
            format!("using https://127.0.0.1:{} with the certificates {whose}\n", self.etcd.port());
        assert_eq!(
            (outcome.text().as_str(), outcome.status),
            ("/registry/a\n\n", 0),
            "{whose}: {outcome}"
        );
        assert_eq!(outcome.said(), using, "{outcome}");
    }

    /// An empty machine again.
    fn clear(&self) {
        for folder in [self.root(), self.proc()] {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

const KUBEADM: [&str; 9] = [
    "etcd",
    "--advertise-client-urls=https://10.0.0.4:PORT",
    "--cert-file=/etc/kubernetes/pki/etcd/server.crt",
    "--client-cert-auth=true",
    "--key-file=/etc/kubernetes/pki/etcd/server.key",
    "--listen-client-urls=https://127.0.0.1:PORT,https://10.0.0.4:PORT",
    "--listen-metrics-urls=http://127.0.0.1:2381",
    "--peer-cert-file=/etc/kubernetes/pki/etcd/peer.crt",
    "--trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt",
];

fn kubeadm(scene: &Scene) {
    let folder = "/etc/kubernetes/pki/etcd";
    let names = |name: &str| (format!("{folder}/{name}.crt"), format!("{folder}/{name}.key"));
    let (server, client) = (names("server"), names("healthcheck-client"));
    scene.files(
        &format!("{folder}/ca.crt"),
        Some((&server.0, &server.1)),
        &[(&client.0, &client.1)],
    );
}

#[test]
fn process_1_is_found_as_kubeadm_rke2_and_rke_start_it() {
    let scene = Scene::new();
    let whose = "of the etcd running as process 1";

    kubeadm(&scene);
    scene.process(1, &KUBEADM, &[]);
    scene.assert_answers(whose);
    // Without the probes' certificate the server's own serves.
    fs::remove_file(scene.root().join("etc/kubernetes/pki/etcd/healthcheck-client.key"))
        .expect("it is there");
    scene.assert_answers(whose);
    scene.clear();

    // RKE2 and k3s with a process of its own: a file says it all, and flags are not heeded.
    let folder = "/var/lib/rancher/rke2/server/tls/etcd";
    scene.files(
        &format!("{folder}/server-ca.crt"),
        Some((&format!("{folder}/server-client.crt"), &format!("{folder}/server-client.key"))),
        &[],
    );
    scene.write(
        "/var/lib/rancher/rke2/server/db/etcd/config",
        &format!(
            "listen-client-urls: https://127.0.0.1:{0},https://10.0.0.4:{0}\nclient-transport-security:\n  \
             cert-file: {folder}/server-client.crt\n  client-cert-auth: true\n  \
             key-file: {folder}/server-client.key\n  trusted-ca-file: {folder}/server-ca.crt\n",
            scene.etcd.port()
        ),
    );
    let words =
        ["etcd", "--config-file=/var/lib/rancher/rke2/server/db/etcd/config", "--cert-file=/none"];
    scene.process(1, &words, &[]);
    scene.assert_answers(whose);
    scene.clear();

    // RKE: a path before the name, and any address.
    let folder = "/etc/kubernetes/ssl";
    scene.files(
        &format!("{folder}/kube-ca.pem"),
        Some((
            &format!("{folder}/kube-etcd-10-0-0-4.pem"),
            &format!("{folder}/kube-etcd-10-0-0-4-key.pem"),
        )),
        &[],
    );
    let words = [
        "/usr/local/bin/etcd",
        "--client-cert-auth=true",
        "--listen-client-urls=https://0.0.0.0:PORT",
        "--trusted-ca-file=/etc/kubernetes/ssl/kube-ca.pem",
        "--cert-file=/etc/kubernetes/ssl/kube-etcd-10-0-0-4.pem",
        "--key-file=/etc/kubernetes/ssl/kube-etcd-10-0-0-4-key.pem",
    ];
    scene.process(1, &words, &[]);
    scene.assert_answers(whose);
}

#[test]
fn process_1_is_found_as_kops_openshift_and_talos_start_it() {
    let scene = Scene::new();
    let whose = "of the etcd running as process 1";
    // kOps' etcd-manager says everything by variables.
    let folder = "/rootfs/mnt/master-vol/pki/abc/clients";
    scene.files(
        &format!("{folder}/ca.crt"),
        Some((&format!("{folder}/server.crt"), &format!("{folder}/server.key"))),
        &[],
    );
    let variables = [
        "ETCD_CLIENT_CERT_AUTH=true".to_owned(),
        "ETCD_LISTEN_CLIENT_URLS=https://0.0.0.0:PORT".to_owned(),
        format!("ETCD_TRUSTED_CA_FILE={folder}/ca.crt"),
        format!("ETCD_CERT_FILE={folder}/server.crt"),
        format!("ETCD_KEY_FILE={folder}/server.key"),
    ];
    scene.process(
        1,
        &["/opt/etcd-v3.5.21-linux-amd64/etcd"],
        &variables.each_ref().map(String::as_str),
    );
    scene.assert_answers(whose);
    scene.clear();

    // OpenShift.
    let secrets = "/etc/kubernetes/static-pod-certs/secrets/etcd-all-certs";
    let bundle =
        "/etc/kubernetes/static-pod-certs/configmaps/etcd-all-bundles/server-ca-bundle.crt";
    let (cert, key) =
        (format!("{secrets}/etcd-serving-node.crt"), format!("{secrets}/etcd-serving-node.key"));
    scene.files(bundle, Some((&cert, &key)), &[]);
    let words = [
        "etcd".to_owned(),
        "--logger=zap".to_owned(),
        "--client-cert-auth=true".to_owned(),
        format!("--cert-file={cert}"),
        format!("--key-file={key}"),
        format!("--trusted-ca-file={bundle}"),
        "--listen-client-urls=https://0.0.0.0:PORT,unixs://10.0.0.4:0".to_owned(),
    ];
    scene.process(1, &words.each_ref().map(String::as_str), &[]);
    scene.assert_answers(whose);
    scene.clear();

    // Talos.
    let folder = "/system/secrets/etcd";
    scene.files(
        &format!("{folder}/ca.crt"),
        Some((&format!("{folder}/server.crt"), &format!("{folder}/server.key"))),
        &[],
    );
    let words = [
        "/usr/local/bin/etcd",
        "--listen-client-urls=https://[::]:PORT",
        "--client-cert-auth=true",
        "--cert-file=/system/secrets/etcd/server.crt",
        "--key-file=/system/secrets/etcd/server.key",
        "--trusted-ca-file=/system/secrets/etcd/ca.crt",
    ];
    scene.process(1, &words, &[]);
    scene.assert_answers(whose);
}

#[test]
fn without_a_process_the_places_of_each_distribution_are_looked_through() {
    let scene = Scene::new();
    let openshift = "etc/kubernetes/static-pod-certs";
    let on_the_node = "etc/kubernetes/static-pod-resources/etcd-certs";
    for (name, folder, ca, (cert, key)) in [
        (
            "kubeadm",
            "etc/kubernetes/pki",
            "etcd/ca.crt",
            ("etcd/healthcheck-client.crt", "etcd/healthcheck-client.key"),
        ),
        (
            "kubeadm",
            "etc/kubernetes/pki",
            "etcd/ca.crt",
            ("apiserver-etcd-client.crt", "apiserver-etcd-client.key"),
        ),
        ("kubeadm", "etc/kubernetes/pki", "etcd/ca.crt", ("etcd/server.crt", "etcd/server.key")),
        (
            "k3s",
            "var/lib/rancher/k3s/server/tls/etcd",
            "server-ca.crt",
            ("client.crt", "client.key"),
        ),
        (
            "RKE2",
            "var/lib/rancher/rke2/server/tls/etcd",
            "server-ca.crt",
            ("server-client.crt", "server-client.key"),
        ),
        ("RKE", "etc/kubernetes/ssl", "kube-ca.pem", ("kube-etcd-n1.pem", "kube-etcd-n1-key.pem")),
        ("RKE", "etc/kubernetes/ssl", "kube-ca.pem", ("kube-node.pem", "kube-node-key.pem")),
        (
            "OpenShift",
            openshift,
            "configmaps/etcd-all-bundles/server-ca-bundle.crt",
            ("secrets/etcd-all-certs/etcd-peer-n1.crt", "secrets/etcd-all-certs/etcd-peer-n1.key"),
        ),
        (
            "OpenShift",
            on_the_node,
            "configmaps/etcd-serving-ca/ca-bundle.crt",
            ("secrets/etcd-all-certs/etcd-peer-n1.crt", "secrets/etcd-all-certs/etcd-peer-n1.key"),
        ),
        ("Talos", "system/secrets/etcd", "ca.crt", ("admin.crt", "admin.key")),
    ] {
        scene.clear();
        let client = (format!("{folder}/{cert}"), format!("{folder}/{key}"));
        scene.files(&format!("{folder}/{ca}"), None, &[(&client.0, &client.1)]);
        scene.assert_answers(&format!(
            "that {name} keeps in {}",
            scene.root().join(folder).display()
        ));
    }
    // The main etcd of kOps has a port of its own, so that here another answers, or none.
    for folder in ["etc/kubernetes/pki/kube-apiserver", "srv/kubernetes/kube-apiserver"] {
        scene.clear();
        let client = (format!("{folder}/etcd-client.crt"), format!("{folder}/etcd-client.key"));
        scene.files(&format!("{folder}/etcd-ca.crt"), None, &[(&client.0, &client.1)]);
        let said = scene.run(&["get", "a", "--dial-timeout=50ms"]).outcome().said();
        let using = "using https://127.0.0.1:4001 with the certificates that kOps keeps in ";
        assert!(said.starts_with(using), "{said}");
    }
}

#[test]
fn of_several_processes_the_first_of_this_machines_port_is_taken_and_any_readable_set_will_do() {
    let scene = Scene::new();
    kubeadm(&scene);
    let elsewhere = KUBEADM.map(|word| {
        if word.starts_with("--listen-client") {
            "--listen-client-urls=https://10.0.0.4:PORT,https://127.0.0.1:1"
        } else {
            word
        }
    });
    scene.process(1, &["/pause"], &[]);
    scene.process(7, &["/bin/sh", "-c", "etcd"], &[]);
    scene.process(20, &elsewhere, &[]);
    scene.process(100, &KUBEADM, &[]);
    scene.process(99, &KUBEADM, &[]);
    scene.assert_answers("of the etcd running as process 99");
    // In another network, where our port is another's.
    symlink("net:[1]", scene.proc().join("self/ns/net")).expect("a link in our own folder");
    symlink("net:[2]", scene.proc().join("99/ns/net")).expect("a link in our own folder");
    scene.assert_answers("of the etcd running as process 100");
    // One whose files are not there is passed over.
    let gone = KUBEADM
        .map(|word| if word.starts_with("--trusted") { "--trusted-ca-file=/none" } else { word });
    scene.process(100, &gone, &[]);
    scene.process(101, &KUBEADM, &[]);
    scene.assert_answers("of the etcd running as process 101");
}

#[test]
fn a_real_server_is_found_among_the_real_processes() {
    let scene = Scene::new();
    let outcome = scene
        .run(&["get", "/", "--prefix", "-keys-only"])
        .env("ETCDCTL_DISCOVERY_PROC", "/proc")
        .outcome();
    assert_eq!((outcome.text().as_str(), outcome.status), ("/registry/a\n\n", 0), "{outcome}");
    let said = outcome.said();
    let using = format!(
        "using https://127.0.0.1:{} with the certificates of the etcd running as process ",
        scene.etcd.port()
    );
    let id = said.strip_prefix(&using).and_then(|id| id.trim_end().parse::<u32>().ok());
    assert!(id.is_some(), "{outcome}");
    // One line, however many connections are made.
    let outcome = scene
        .run(&["endpoint", "status", "--cluster", "-w", "table"])
        .env("ETCDCTL_DISCOVERY_PROC", "/proc")
        .outcome();
    assert!(outcome.status == 0 && outcome.said().lines().count() == 1, "{outcome}");
    let saved = scene.folder.path("saved.db");
    let outcome = scene
        .run(&["snapshot", "save", saved.to_str().expect("text")])
        .env("ETCDCTL_DISCOVERY_PROC", "/proc")
        .outcome();
    assert!(outcome.status == 0 && saved.is_file(), "{outcome}");
}

#[test]
fn where_plain_text_is_spoken_nothing_is_discovered() {
    let scene = Scene::new();
    kubeadm(&scene);
    scene.process(1, &KUBEADM, &[]);
    let plain = Etcd::start();
    let outcome = scene.at(&plain.address(), &["get", "a", "--dial-timeout=300ms"]).outcome();
    assert!(!outcome.said().contains("using"), "{outcome}");
    // Neither where it is a server of another distribution that answers, but where none does, it is.
    let dead = Fake::refusing().address().to_string();
    let outcome = scene.at(&dead, &["get", "/", "--prefix", "--keys-only"]).outcome();
    assert!(outcome.status == 0 && outcome.said().contains("using"), "{outcome}");
}

#[test]
fn a_plain_server_of_process_1_needs_no_certificates() {
    let scene = Scene::new();
    let plain = Etcd::start();
    plain.put(b"/plain", b"value");
    let urls = format!("--listen-client-urls=http://0.0.0.0:{}", plain.port());
    scene.process(1, &["etcd", &urls], &[]);
    let outcome = scene.run(&["get", "/plain"]).outcome();
    assert_eq!(outcome.text(), "/plain\nvalue\n", "{outcome}");
    let using =
        format!("using http://127.0.0.1:{} of the etcd running as process 1\n", plain.port());
    assert_eq!(outcome.said(), using, "{outcome}");
}

#[test]
fn a_server_that_made_its_own_certificate_is_found_and_verified_by_it() {
    let nothing = Folder::new();
    for minor in SERVERS {
        let Some(etcd) = Etcd::version_with(minor, &["--auto-tls"]) else {
            skipped(&format!("no etcd {minor} (make reference builds it)"));
            continue;
        };
        let run = |line: &str| {
            Run::ours(words(line))
                .env("ETCDCTL_DISCOVERY", "")
                .env("ETCDCTL_DISCOVERY_ROOT", nothing.path(""))
                .env("ETCDCTL_DISCOVERY_LOCAL", etcd.address())
                .outcome()
        };
        let using = format!(
            "using https://{} with the certificate that the etcd running as process ",
            etcd.address()
        );
        for (line, answer) in [("put key value", "OK\n"), ("get key", "key\nvalue\n")] {
            let outcome = run(line);
            assert_eq!((outcome.text().as_str(), outcome.status), (answer, 0), "{outcome}");
            let said = outcome.said();
            assert!(said.starts_with(&using) && said.ends_with(" made for itself\n"), "{outcome}");
        }
        // It is that certificate and no other that is trusted.
        let own = etcd.data().join("fixtures/client/cert.pem");
        let endpoint = format!("https://{}", etcd.address());
        let trusting = |cert: &Path| {
            let cert = cert.to_str().expect("text");
            Run::ours(["get", "key", "--endpoints", &endpoint, "--cacert", cert]).outcome()
        };
        trusting(&own).assert_prints("key\nvalue\n");
        let other = Etcd::version_with(minor, &["--auto-tls"]).expect("another");
        let outcome = trusting(&other.data().join("fixtures/client/cert.pem"));
        assert!(outcome.said().contains("is signed by itself, which is not in "), "{outcome}");
    }
}

#[test]
fn a_certificate_that_a_server_made_may_be_out_of_our_reach() {
    let scene = Scene::new();
    let port = scene.etcd.port().to_string();
    let urls = "--listen-client-urls=https://127.0.0.1:PORT";
    let using = format!("using https://127.0.0.1:{port} with the certificate that ");
    let found = |words: &[&str]| {
        scene.process(1, words, &[]);
        let outcome = scene.run(&["get", "/", "--prefix", "--dial-timeout=100ms"]).outcome();
        outcome.said().starts_with(&using)
    };
    // There is none.
    let auto = ["etcd", urls, "--auto-tls", "--name", "m0"];
    assert!(!found(&auto));
    scene.write("m0.etcd/fixtures/client/cert.pem", &scene.ca);
    symlink(scene.root(), scene.proc().join("1/cwd")).expect("a link in our own folder");
    // The default directory is named for the member, where the server was started.
    assert!(found(&auto));
    assert!(found(&["etcd", urls, "--auto-tls=true", "--data-dir", "m0.etcd"]));
    assert!(found(&["etcd", urls, "-auto-tls", "--data-dir=/m0.etcd"]));
    assert!(!found(&["etcd", urls, "--auto-tls=false", "--data-dir", "m0.etcd"]));
    // A certificate that was given is the one that it uses.
    let given = ["--cert-file=/one", "--key-file=/two"];
    assert!(!found(&[&auto[..], &given].concat()));
    scene.write("etcd.yaml", "listen-client-urls: https://127.0.0.1:LISTEN\ndata-dir: /m0.etcd\nclient-transport-security:\n  auto-tls: true\n".replace("LISTEN", &port).as_str());
    assert!(found(&["etcd", "--config-file=/etcd.yaml"]));
}

#[test]
fn what_was_said_is_never_overridden() {
    let scene = Scene::new();
    kubeadm(&scene);
    scene.process(1, &KUBEADM, &[]);
    let plain = Etcd::start();
    plain.put(b"key", b"value");
    let endpoint = plain.endpoint();
    scene.run(&["get", "key", "--endpoints", &endpoint]).outcome().assert_prints("key\nvalue\n");
    scene
        .run(&["get", "key"])
        .env("ETCDCTL_ENDPOINTS", &endpoint)
        .outcome()
        .assert_prints("key\nvalue\n");
    let ca = scene.write("ca.crt", &scene.ca);
    let silent = |outcome: Outcome| {
        assert!(outcome.status == 1 && !outcome.said().contains("using"), "{outcome}");
    };
    silent(
        scene
            .run(&["get", "key", "--dial-timeout=100ms", "--cacert", ca.to_str().expect("text")])
            .outcome(),
    );
    silent(scene.run(&["get", "key", "--dial-timeout=100ms", "--no-discovery"]).outcome());
    silent(
        scene
            .run(&["get", "key", "--dial-timeout=100ms"])
            .env("ETCDCTL_DISCOVERY", "off")
            .outcome(),
    );
}

#[test]
fn a_key_that_may_not_be_read_is_told() {
    let scene = Scene::new();
    kubeadm(&scene);
    scene.process(1, &KUBEADM, &[]);
    let open = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("our own");
    };
    let keys = ["healthcheck-client", "server"]
        .map(|name| scene.root().join(format!("etc/kubernetes/pki/etcd/{name}.key")));
    for key in &keys {
        open(key, 0o000);
    }
    open(&scene.folder.path(""), 0o755);
    let run = || scene.run(&["get", "/", "--prefix", "--dial-timeout=100ms"]);
    let mut commands = [run(), run().env("ETCDCTL_HINTS", "off")].map(Run::into_command);
    let mut uid = rustix::process::geteuid().as_raw();
    if uid == 0 {
        // Nothing is forbidden to root: another user runs a copy that everybody may reach.
        uid = 65534;
        let copy = scene.folder.path("etcdctl");
        fs::copy(env!("CARGO_BIN_EXE_etcdctl"), &copy).expect("room for a copy");
        commands = commands.map(|original| {
            let mut command = std::process::Command::new(&copy);
            command.args(original.get_args()).env_clear().current_dir("/").uid(uid);
            command.envs(original.get_envs().filter_map(|(name, value)| Some((name, value?))));
            command
        });
    }
    let [said, silent] = commands.map(|mut command| {
        let output = command.output().expect("it runs");
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).expect("text")
    });
    let key = scene.proc().join("1/root/etc/kubernetes/pki/etcd/healthcheck-client.key");
    assert!(
        said.starts_with(&format!("{} may not be read by uid {uid}\n", key.display())),
        "{said}"
    );
    assert!(said.contains("hint: run it as root"), "{said}");
    assert_eq!(silent, "Error: context deadline exceeded\n");
}
