//! A kubeadm etcd pod, as a container runtime makes it: the official static etcd as process 1 of its own process,
//! mount and network namespaces, kubeadm's arguments and certificates, our binary, and nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::certs::{Authority, ClientAuth, Folder, Says};
use crate::support::{on_path, reference_client, skipped, static_binary};

const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
const USING: &str =
    "using https://127.0.0.1:2379 with the certificates of the etcd running as process 1\n";
const PKI: &str = "etc/kubernetes/pki/etcd";

struct Pod {
    /// Its end takes the server along.
    runtime: Child,
    /// The server's process id out here.
    server: String,
    nsenter: PathBuf,
    ldd: PathBuf,
    root: Folder,
}

impl Drop for Pod {
    fn drop(&mut self) {
        let _ = self.runtime.kill();
        let _ = self.runtime.wait();
    }
}

impl Pod {
    /// `None` where this machine cannot make one, which is said.
    fn start() -> Option<Self> {
        let tools = ["unshare", "nsenter", "ip", "mount", "chroot", "ldd"].map(on_path);
        let [Some(unshare), Some(nsenter), Some(_), Some(_), Some(_), Some(ldd)] = tools else {
            skipped("a pod: this machine lacks the tools");
            return None;
        };
        if !rustix::process::geteuid().is_root() {
            skipped("a pod: only root can make one here");
            return None;
        }
        let etcd = reference_client()?.with_file_name("etcd");
        let root = furnished(&etcd, &ldd);
        let script = format!(
            "mount -t proc proc {root}/proc && ip link set lo up && exec chroot {root} /etcd --name=m \
             --data-dir=/data --cert-file=/{PKI}/server.crt --key-file=/{PKI}/server.key --client-cert-auth=true \
             --trusted-ca-file=/{PKI}/ca.crt --listen-client-urls=https://127.0.0.1:2379 \
             --advertise-client-urls=https://127.0.0.1:2379 --listen-peer-urls=http://127.0.0.1:2380 \
             --initial-advertise-peer-urls=http://127.0.0.1:2380 --initial-cluster=m=http://127.0.0.1:2380",
            root = root.path("").display()
        );
        let log = fs::File::create(root.path("log")).expect("a file in our own folder");
        let runtime = Command::new(unshare)
            .args(["--pid", "--mount", "--net", "--fork", "--kill-child=KILL", "sh", "-c", &script])
            .env_remove("ETCDCTL_DISCOVERY")
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("likewise"))
            .stderr(log)
            .spawn()
            .expect("unshare runs");
        let mut pod = Self { runtime, server: String::new(), nsenter, ldd, root };
        pod.server = pod.wait_for(|pod| {
            let id = pod.runtime.id();
            let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).ok()?;
            let server = children.trim().to_owned();
            let name = fs::read_to_string(format!("/proc/{server}/comm")).ok()?;
            (name == "etcd\n").then_some(server)
        })?;
        // What nobody answers yet is refused at once.
        pod.wait_for(|pod| {
            let health = pod.inside(&[], &["endpoint", "health", "--dial-timeout=100ms"]);
            health.status.success().then_some(())
        })?;
        Some(pod)
    }

    /// Waits for something to be so; `None`, which is said, where the machine forbids namespaces.
    fn wait_for<T>(&mut self, ready: impl Fn(&Self) -> Option<T>) -> Option<T> {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = ready(self) {
                return Some(found);
            }
            if !matches!(self.runtime.try_wait(), Ok(None)) {
                let log = fs::read_to_string(self.root.path("log")).unwrap_or_default();
                assert!(!log.contains("\"level\""), "the server ended\n{log}");
                skipped(&format!("a pod: {}", log.trim()));
                return None;
            }
            assert!(Instant::now() < end, "the pod never came up");
            sleep(POLL);
        }
    }

    /// Our program in the pod, with nothing in its environment.
    fn inside(&self, user: &[&str], args: &[&str]) -> Output {
        let mut command = Command::new(&self.nsenter);
        command.args(["-t", &self.server, "-p", "-m", "-n", "-r", "-w"]).args(user);
        command.arg("/etcdctl").args(args).env_clear().stdin(Stdio::null());
        command.output().expect("nsenter runs")
    }
}

impl Pod {
    /// Our program as a debugging container beside the server's: the same processes and network, files of its own.
    fn beside(&self, args: &[&str]) -> Output {
        let root = bare(&self.ldd);
        let script = "mount -t proc proc \"$0/proc\" && chroot=$(command -v chroot) && \
                      exec env -i \"$chroot\" \"$0\" /etcdctl \"$@\"";
        let mut command = Command::new(&self.nsenter);
        command.args(["-t", &self.server, "-p", "-n", "unshare", "--mount", "sh", "-c", script]);
        command.arg(root.path("")).args(args).stdin(Stdio::null());
        command.output().expect("nsenter runs")
    }
}

/// A root with our program alone: the static one, where it is there; else with what it is linked to.
fn bare(ldd: &Path) -> Folder {
    let root = Folder::new();
    let linked_one = || PathBuf::from(env!("CARGO_BIN_EXE_etcdctl"));
    let ours = &static_binary().unwrap_or_else(linked_one);
    fs::create_dir_all(root.path("proc")).expect("a folder in our own");
    fs::copy(ours, root.path("etcdctl")).expect("a copy");
    // None where ours is static.
    let linked = Command::new(ldd).arg(ours).output().expect("ldd runs").stdout;
    let linked = String::from_utf8_lossy(&linked).into_owned();
    for library in linked.split_whitespace().filter(|word| word.starts_with('/')) {
        let to = root.path(library.trim_start_matches('/'));
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder in our own");
        fs::copy(library, to).expect("a copy");
    }
    root
}

/// Likewise, with the server and kubeadm's certificates.
fn furnished(etcd: &Path, ldd: &Path) -> Folder {
    let root = bare(ldd);
    for folder in [PKI, "data"] {
        fs::create_dir_all(root.path(folder)).expect("a folder in our own");
    }
    fs::copy(etcd, root.path("etcd")).expect("a copy");
    let authority = Authority::new("etcd-ca");
    root.write(&format!("{PKI}/ca.crt"), &authority.cert);
    root.pair(&format!("{PKI}/server"), &authority.issue(&Says::default()));
    let client = Says { names: &[], purposes: &[ClientAuth], ..Says::default() };
    root.pair(&format!("{PKI}/healthcheck-client"), &authority.issue(&client));
    let open = |path: &str, mode| {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(root.path(path), permissions).expect("our own");
    };
    open("", 0o755);
    for key in ["server.key", "healthcheck-client.key"] {
        open(&format!("{PKI}/{key}"), 0o600);
    }
    root
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn in_the_pod_of_a_kubeadm_etcd_no_flag_is_needed() {
    let Some(pod) = Pod::start() else { return };
    let answers = |args: &[&str]| {
        let output = pod.inside(&[], args);
        assert!(output.status.success(), "{args:?}: {output:?}");
        assert!(text(&output.stderr).starts_with(USING), "{args:?}: {output:?}");
        text(&output.stdout)
    };
    assert_eq!(answers(&["put", "/registry/pods/a", "value"]), "OK\n");
    assert_eq!(answers(&["get", "/", "--prefix", "-keys-only"]), "/registry/pods/a\n\n");
    let table = answers(&["endpoint", "status", "--cluster", "-w", "table"]);
    assert!(table.contains("https://127.0.0.1:2379"), "{table}");
    answers(&["snapshot", "save", "/data/saved.db"]);
    assert!(pod.root.path("data/saved.db").is_file());

    let beside = pod.beside(&["get", "/", "--prefix", "-keys-only"]);
    assert_eq!(text(&beside.stdout), "/registry/pods/a\n\n", "{beside:?}");
    assert!(text(&beside.stderr).starts_with(USING), "{beside:?}");

    let off = pod.inside(&[], &["get", "/", "--prefix", "--keys-only", "--no-discovery"]);
    let said = text(&off.stderr);
    assert_eq!(off.status.code(), Some(1), "{said}");
    let wanted = "hint: the port probably wants TLS: use https:// and --cacert, --cert, --key\n\
                  Error: context deadline exceeded\n";
    assert!(said.starts_with("127.0.0.1:2379: the server ") && said.ends_with(wanted), "{said}");

    let stranger = pod.inside(&["-S", "1000", "-G", "1000"], &["get", "/", "--prefix"]);
    let said = text(&stranger.stderr);
    assert_eq!(stranger.status.code(), Some(1), "{said}");
    let wanted = "/etc/kubernetes/pki/etcd/healthcheck-client.key may not be read by uid 1000\n";
    assert!(said.starts_with(wanted), "{said}");
}
