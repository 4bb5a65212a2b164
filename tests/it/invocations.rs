//! Command lines out of public guides and scripts (`fixtures/invocations.txt`), run by a shell with
//! `etcdctl` on `PATH`: once as the official client, once as ours, against servers in the same state.

use crate::support::certs::{Authority, Folder, Says};
use crate::support::etcd::Cluster;
use crate::support::{Etcd, Run, on_path, project, reference_is_there, run, skipped};

/// Everything that a line may name.
struct World {
    plain: Etcd,
    tls: Etcd,
    three: Cluster,
}

impl World {
    fn new(files: &Folder) -> Option<Self> {
        let path = |name: &str| files.path(name).display().to_string();
        let flags = [
            format!("--cert-file={}", path("server.crt")),
            format!("--key-file={}", path("server.key")),
            format!("--trusted-ca-file={}", path("ca.pem")),
            "--client-cert-auth".to_owned(),
        ];
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let plain = Etcd::version("3.7")?;
        let tls = Etcd::version_with("3.7", &flags)?;
        for key in ["foo", "foo1", "foo2", "foo3", "b", "zoo", "zoo1", "key1", "/git/logs/git_ci/1"]
        {
            plain.put(key.as_bytes(), b"value");
        }
        for (kind, name) in
            [("namespaces", "default"), ("pods", "default/p"), ("pods", "default/q")]
        {
            plain.put(format!("/registry/{kind}/{name}").as_bytes(), b"k8s\0\n\x0c\xff");
        }
        plain.put(b"/registry/secrets/default/my-secret", b"k8s:enc:\0secret");
        Some(Self { plain, tls, three: Cluster::start(3) })
    }

    /// The line with the names of this world.
    fn told(&self, line: &str, files: &Folder) -> String {
        let path = |name: &str| files.path(name).display().to_string();
        line.replace("{H}", &self.plain.endpoint())
            .replace("{E}", &self.plain.address())
            .replace("{P}", &self.plain.port().to_string())
            .replace("{E3}", &self.three.endpoints().replace("http://", ""))
            .replace("{T}", &self.tls.endpoint().replace("http://", "https://"))
            .replace("{CA}", &path("ca.pem"))
            .replace("{CRT}", &path("client.crt"))
            .replace("{KEY}", &path("client.key"))
            .replace("{D}", ".")
    }

    /// What a line printed, without what two worlds or two moments cannot have alike.
    fn steady(&self, line: &str, printed: &str) -> String {
        let mut text = printed.to_owned();
        for (at, etcd) in
            [&self.plain, &self.tls].into_iter().chain(&self.three.members).enumerate()
        {
            text = text.replace(&format!(":{}", etcd.port()), &format!(":port-{at}"));
            text = text.replace(&format!(":{}", etcd.peer_port()), &format!(":peer-{at}"));
        }
        if !["endpoint", "lease", "defrag"].iter().any(|word| line.contains(word)) {
            return text;
        }
        // Ids, times and sizes; who leads; which of several answers first; how wide a column is.
        let mut lines: Vec<String> = text.replace('─', "").lines().map(measured).collect();
        lines.sort();
        lines.join("\n")
    }
}

/// A line whose words with digits are told by their presence alone.
fn measured(line: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || c == '.';
    let mut out = String::new();
    for word in line.split_inclusive(|c: char| !is_part(c)) {
        let text = word.trim_end_matches(|c: char| !is_part(c));
        let shown = match text {
            "true" | "false" => "BOOL",
            _ if text.contains(|c: char| c.is_ascii_digit()) => "N",
            _ => text,
        };
        out.push_str(shown);
        out.push_str(&word[text.len()..]);
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn what_guides_print_does_the_same_here() {
    if !reference_is_there() {
        return;
    }
    let files = Folder::new();
    let ca = Authority::new("ca");
    files.write("ca.pem", &ca.cert);
    files.pair("server", &ca.issue(&Says::default()));
    files.pair("client", &ca.issue(&Says::default()));
    let (Some(ours), Some(theirs)) = (World::new(&files), World::new(&files)) else {
        return skipped("no etcd 3.7 (make reference builds it)");
    };
    let text = std::fs::read_to_string(project().join("tests/fixtures/invocations.txt"));
    let text = text.expect("could not read the invocations");
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(lines.len() > 40, "only {} lines", lines.len());
    let mut wrong = Vec::new();
    for line in lines {
        if line.contains("jq ") && on_path("jq").is_none() {
            skipped("a line that pipes into jq: there is none");
            continue;
        }
        let script = |world: &World| {
            let on_path =
                r#"mkdir bin; ln -s "$etcdctl" bin/etcdctl; PATH=$PWD/bin:$PATH; export PATH"#;
            format!("{on_path}\n{}", world.told(line, &files))
        };
        let with = |run: Run, world: &World| {
            let named = line.contains("--endpoints");
            let run =
                if named { run } else { run.env("ETCDCTL_ENDPOINTS", world.plain.endpoint()) };
            run.outcome()
        };
        let (one, other) = run::both(
            || with(Run::ours_in_shell(&script(&ours)), &ours),
            || with(Run::reference_in_shell(&script(&theirs)), &theirs),
        );
        let printed = ours.steady(line, &one.text()) == theirs.steady(line, &other.text());
        let random = line.starts_with("dd ");
        let stores = random || ours.plain.contents() == theirs.plain.contents();
        if !printed || one.status != other.status || !stores {
            wrong.push(format!("{line}\nstores agree: {stores}\nours: {one}\ntheirs: {other}"));
        }
        if random {
            // The same bytes on both again.
            ours.plain.put(b"key", b"value");
            theirs.plain.put(b"key", b"value");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
