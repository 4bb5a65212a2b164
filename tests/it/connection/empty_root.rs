//! The static binary where there is nothing else: no shell, no folder for temporary files, nothing that can be written, a
//! user without a name, no variables, no files that say how names are resolved.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Output};

use crate::connection::network::name_server;
use crate::support::certs::{Authority, Folder, Says};
use crate::support::{Etcd, skipped, static_binary};

/// Says that we are inside.
const INSIDE: &str = "IN_AN_EMPTY_ROOT";

#[test]
fn the_static_binary_needs_nothing_but_itself() {
    if static_binary().is_none() {
        return skipped("an empty root: `make static` makes the binary for it");
    }
    let own_network = |script: &str| {
        let script = format!("ip link set lo up && {script}");
        let mut command = Command::new("unshare");
        command.args(["--net", "--mount", "sh", "-c", &script]);
        command
    };
    // Another user can only be taken on by root.
    let possible = own_network("chroot --userspec=4321:4321 / true").output();
    if !possible.is_ok_and(|output| output.status.success()) {
        return skipped("an empty root: unshare, ip or chroot is missing or not allowed here");
    }
    let output = own_network("exec \"$0\" \"$@\"")
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", "--ignored", "--nocapture", "connection::empty_root::inside"])
        .env(INSIDE, "1")
        .output()
        .expect("unshare was there");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// The binary alone in its root, which cannot be written.
fn alone(root: &Path, line: &str) -> Output {
    let script = "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && chroot=$(command -v chroot) && \
                  exec env -i ETCDCTL_DISCOVERY=off \"$chroot\" --userspec=4321:4321 \"$0\" /etcdctl \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script]).arg(root).args(line.split_whitespace());
    command.output().expect("unshare was there")
}

#[test]
#[ignore = "runs in a network of its own, which another test makes"]
fn inside() {
    let Some(program) = static_binary().filter(|_| std::env::var_os(INSIDE).is_some()) else {
        return;
    };
    let (folder, server) = (Folder::new(), Folder::new());
    let ca = Authority::new("ca");
    folder.write("ca.pem", &ca.cert);
    let names = &["localhost", "127.0.0.1", "etcd.test"][..];
    let (cert, key) = server.pair("server", &ca.issue(&Says { names, ..Says::default() }));
    folder.pair("client", &ca.issue(&Says::default()));
    for file in ["ca.pem", "client.crt", "client.key"] {
        readable(&folder.path(file), 0o644);
    }
    std::fs::copy(program, folder.path("etcdctl")).expect("a copy");
    readable(&folder.path(""), 0o755);
    let etcd = Etcd::with(&[
        &format!("--cert-file={}", cert.display()),
        &format!("--key-file={}", key.display()),
        &format!("--trusted-ca-file={}", folder.path("ca.pem").display()),
        "--client-cert-auth",
    ]);
    name_server(Ipv4Addr::LOCALHOST, &[("etcd.test", Ipv4Addr::LOCALHOST)], &[]);
    let run = |line: &str| alone(&folder.path(""), line);
    let answers = |line: &str| {
        let output = run(line);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{line}: {output:?}");
        output.stdout
    };
    let files = "--cacert /ca.pem --cert /client.crt --key /client.key";
    let at = |host: &str| format!("--endpoints https://{host}:{} {files}", etcd.port());
    assert_eq!(answers(&format!("{} put key value", at("127.0.0.1"))), b"OK\n");
    for host in ["127.0.0.1", "localhost", "etcd.test"] {
        assert_eq!(answers(&format!("{} get key", at(host))), b"key\nvalue\n", "{host}");
    }
    let here = at("127.0.0.1");
    for line in ["get / --prefix -keys-only", "endpoint status --cluster -w table", "member list"] {
        answers(&format!("{here} {line}"));
    }
    let saved = answers(&format!("{here} snapshot save -"));
    std::fs::write(folder.path("saved.db"), &saved).expect("a file");
    readable(&folder.path("saved.db"), 0o644);
    assert_eq!(answers("get key --snapshot /saved.db"), b"key\nvalue\n");
    assert_eq!(answers("snapshot verify /saved.db"), b"OK\n");
    for line in ["version", "help", "completion bash", "get --help"] {
        assert!(!answers(line).is_empty(), "{line}");
    }
    for (line, words) in [
        (format!("{here} snapshot save /new.db"), "ead-only file system"),
        (format!("{} get key --dial-timeout 1s", at("nobody.test")), "nobody.test"),
    ] {
        let output = run(&line);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(words), "{line}: {output:?}");
    }
}

/// To anybody.
fn readable(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    let permissions = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(path, permissions).expect("our own");
}
