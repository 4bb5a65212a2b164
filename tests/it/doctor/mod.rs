//! `doctor`: each step that it knows, made to end in each way it can, on real servers wherever they can be brought
//! to it. Here: how it is asked, servers with nothing wrong, and the formats.

use std::time::Duration;

use serde_json::Value;

use crate::support::certs::{Authority, Says};
use crate::support::etcd::Cluster;
use crate::support::{Etcd, Fake, Outcome, Run, SERVERS, relay, skipped, words};

mod access;
mod certificates;
mod cluster;
mod space;
mod way;

/// Longer than any time-out that a test gives.
const DEADLINE: Duration = Duration::from_secs(60);

/// What doctor told, as JSON.
struct Told {
    rows: Vec<Row>,
    outcome: Outcome,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    step: String,
    target: String,
    status: String,
    detail: String,
    remedy: String,
}

/// Asks endpoints; flags come as one line. What is told is well-formed and ends with the status it must.
#[track_caller]
fn doctor(endpoints: &str, line: &str) -> Told {
    told(Run::ours(asking(endpoints, line)))
}

fn asking<'a>(endpoints: &'a str, line: &'a str) -> Vec<&'a str> {
    let mut all = vec!["--endpoints", endpoints, "--dial-timeout=20s", "--command-timeout=20s"];
    all.extend(["doctor", "-w", "json"]);
    all.extend(words(line));
    all
}

#[track_caller]
fn told(run: Run) -> Told {
    let outcome = run.deadline(DEADLINE).outcome();
    let text = outcome.text();
    assert!(text.ends_with("]\n") && text.lines().count() == 1, "not a compact line\n{outcome}");
    let rows: Vec<Row> =
        serde_json::from_str(&text).unwrap_or_else(|err| panic!("{err}\n{outcome}"));
    let failed = rows.iter().filter(|row| row.status == "fail").count();
    if failed > 0 {
        outcome.assert_fails(1, &format!("{failed} of {} steps failed", rows.len()));
    } else {
        assert!(outcome.status == 0 && outcome.last_error().is_none(), "{outcome}");
    }
    for row in &rows {
        let known = ["ok", "warn", "fail", "skip"].contains(&row.status.as_str());
        assert!(known && !row.detail.is_empty(), "{outcome}");
        assert!(row.status != "ok" || row.remedy.is_empty(), "{outcome}");
    }
    Told { rows, outcome }
}

impl Told {
    /// The steps of a target, with how they ended.
    #[track_caller]
    fn statuses(&self, target: &str) -> Vec<(&str, &str)> {
        let rows = self.rows.iter().filter(|row| row.target == target);
        rows.map(|row| (row.step.as_str(), row.status.as_str())).collect()
    }

    /// One of the rows of this step and target ended so, with these words.
    #[track_caller]
    fn assert_row(&self, step: &str, target: &str, status: &str, detail: &str, remedy: &str) {
        let fits = |row: &&Row| {
            row.step == step
                && row.target == target
                && row.status == status
                && row.detail.contains(detail)
                && (row.remedy.contains(remedy) && row.remedy.is_empty() == remedy.is_empty())
        };
        let found = self.rows.iter().any(|row| fits(&row));
        let wanted = [step, target, status, detail, remedy];
        assert!(found, "wanted {wanted:?}\n{}", self.outcome);
    }

    /// The steps that ended so, each with its target.
    fn ended(&self, status: &str) -> Vec<(&str, &str)> {
        let rows = self.rows.iter().filter(|row| row.status == status);
        rows.map(|row| (row.step.as_str(), row.target.as_str())).collect()
    }

    /// Every step ended well, but for those that plain text has no use for.
    #[track_caller]
    fn assert_well(&self) {
        let others: Vec<_> = self
            .rows
            .iter()
            .filter(|row| {
                let unused = row.status == "skip" && row.detail.starts_with("plain text");
                row.status != "ok" && !(unused && ["tls", "certificate"].contains(&&*row.step))
            })
            .map(|row| (&row.step, &row.target))
            .collect();
        assert!(
            others.is_empty() && self.outcome.stderr.is_empty(),
            "{others:?}\n{}",
            self.outcome
        );
    }
}

/// The steps of an endpoint, and those of the cluster.
const STEPS: [&str; 10] = [
    "name",
    "tcp",
    "tls",
    "certificate",
    "http2",
    "authentication",
    "health",
    "clock",
    "space",
    "lag",
];
const CLUSTER: [&str; 4] = ["members", "quorum", "alarms", "versions"];

#[test]
fn a_server_of_any_version_with_nothing_wrong_passes_every_step() {
    for minor in SERVERS {
        let Some(etcd) = Etcd::version(minor) else {
            skipped(&format!("no etcd {minor} (make reference builds it)"));
            continue;
        };
        etcd.put(b"key", b"value");
        let before = etcd.contents();
        let told = doctor(&etcd.endpoint(), "");
        told.assert_well();
        let steps: Vec<_> = told.rows.iter().map(|row| row.step.as_str()).collect();
        assert_eq!(steps, [&STEPS[..], &CLUSTER].concat());
        let endpoint = etcd.endpoint();
        told.assert_row("name", &endpoint, "ok", "127.0.0.1 is an address", "");
        told.assert_row("tcp", &endpoint, "ok", &format!("connected to {}", etcd.address()), "");
        told.assert_row("space", &endpoint, "ok", " of 2.1 GB (2147483648 bytes), 0.0 %, ", "");
        told.assert_row("lag", &endpoint, "ok", "leader, term 2, revision 2, raft index ", "");
        told.assert_row("members", "cluster", "ok", "1 member answers: default (", "");
        told.assert_row("quorum", "cluster", "ok", "; the only voter answers", "");
        let version = format!("members run {minor}.");
        told.assert_row("versions", "cluster", "ok", &version, "");
        told.assert_row("versions", "cluster", "ok", &format!("; cluster version {minor}.0"), "");
        assert_eq!(etcd.contents(), before, "something was changed");
    }
}

#[test]
fn members_that_nobody_named_are_looked_at_too() {
    let cluster = Cluster::start(3);
    let told = doctor(&cluster.members[1].endpoint(), "");
    told.assert_well();
    for member in &cluster.members {
        let steps: Vec<_> = told.statuses(&member.endpoint()).iter().map(|one| one.0).collect();
        assert_eq!(steps, STEPS, "{}", told.outcome);
    }
    told.assert_row("members", "cluster", "ok", "all members answer: ", "");
    told.assert_row("quorum", "cluster", "ok", "; 3 of 3 voters answer, a quorum is 2", "");
    // Named, each is looked at once, in the order given.
    let told = doctor(&cluster.endpoints(), "");
    told.assert_well();
    let first = told.rows.iter().step_by(STEPS.len()).map(|row| row.target.clone());
    let wanted: Vec<_> = cluster.members.iter().map(Etcd::endpoint).collect();
    assert_eq!(first.take(3).collect::<Vec<_>>(), wanted);
}

#[test]
fn over_tls_with_a_client_certificate_every_step_passes() {
    let authority = Authority::new("etcd-ca");
    let pair = authority.issue(&Says { common_name: "server", ..Says::default() });
    let extra = ["--trusted-ca-file", "--client-cert-auth"];
    let secure = crate::causes::Secure::with(&authority, &pair, &extra);
    let client = authority.issue(&Says { common_name: "client", ..Says::default() });
    let (cert, key) = secure.folder.pair("client", &client);
    let flags = format!("{} --cert {} --key {}", secure.trusting, cert.display(), key.display());
    let told = doctor(&secure.endpoint(), &flags);
    told.assert_well();
    assert!(told.ended("skip").is_empty(), "{}", told.outcome);
    let endpoint = secure.endpoint();
    told.assert_row("tls", &endpoint, "ok", "TLS 1.3, the server is verified, in ", "");
    let until = "the certificate \"server\" expires on 2099-12-31 00:00:00 UTC, in ";
    told.assert_row("certificate", &endpoint, "ok", until, "");
    let until = "the certificate \"client\" expires on 2099-12-31 00:00:00 UTC, in ";
    told.assert_row("certificate", &cert.display().to_string(), "ok", until, "");
}

#[test]
fn a_socket_in_the_file_system_and_a_name_are_ways_too() {
    let etcd = Etcd::start();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("etcd.sock");
    relay::at_path(&path, etcd.address().parse().expect("an address"));
    let endpoint = format!("unix://{}", path.display());
    let told = doctor(&endpoint, "");
    told.assert_row("name", &endpoint, "ok", "a socket in the file system", "");
    told.assert_row("tcp", &endpoint, "ok", &format!("connected to {} in ", path.display()), "");
    told.assert_row("http2", &endpoint, "ok", "first word came after ", "");
    told.assert_row("clock", &endpoint, "ok", "beside this machine's clock", "");
    assert!(told.ended("fail").is_empty(), "{}", told.outcome);
    let endpoint = format!("localhost:{}", etcd.port());
    let told = doctor(&endpoint, "");
    told.assert_row("name", &endpoint, "ok", "its addresses: 127.0.0.1, ::1", "");
    told.assert_row("tcp", &endpoint, "ok", &format!("connected to {}", etcd.address()), "");
}

#[test]
fn each_format_shows_the_same_rows() {
    let dead = Fake::refusing();
    let endpoint = dead.endpoint();
    let shown = |format: &str| {
        let mut line = asking(&endpoint, "");
        line.extend(["-w", format]);
        let outcome = Run::ours(line).outcome();
        outcome.assert_fails(1, "1 of 14 steps failed");
        outcome.text()
    };
    let simple = shown("simple");
    let lines: Vec<&str> = simple.lines().collect();
    let width = endpoint.len();
    assert_eq!(lines[0], format!("STEP            {:width$}  STATUS  DETAIL", "TARGET"));
    assert_eq!(lines[2], format!("tcp             {endpoint}  fail    connection refused"));
    let remedy = "-> is etcd running, and is this its client URL? name another with --endpoints";
    assert_eq!(lines[3], format!("{:1$}{remedy}", "", 16 + width + 2 + 8));
    assert_eq!(lines.len(), 1 + 14 + 1);
    let table = shown("table");
    assert!(
        table.starts_with('┌') && table.ends_with("┘\n") && table.contains("REMEDY"),
        "{table}"
    );
    assert_eq!(table.lines().count(), 4 + 14);
    let jsonl = shown("jsonl");
    let rows = jsonl.lines().map(|line| serde_json::from_str::<Value>(line).expect("an object"));
    let json: Value = serde_json::from_str(&shown("json")).expect("a list");
    assert_eq!(Some(&rows.collect::<Vec<_>>()), json.as_array());
    assert!(
        shown("json").starts_with("[{\"step\":\"name\",\"target\":\"http"),
        "{}",
        shown("json")
    );
    let tcp = "{\"step\":\"tcp\",\"target\":\"ENDPOINT\",\"status\":\"fail\",\"detail\":\"connection refused\",\"remedy\":\"is etcd running, and is this its client URL? name another with --endpoints\"}\n";
    assert!(jsonl.contains(&tcp.replace("ENDPOINT", &endpoint)), "{jsonl}");
    let yaml = shown("yaml");
    assert_eq!(yaml.matches("---\n").count(), 14);
    assert!(
        yaml.contains("step: tcp\n") && yaml.contains("detail: \"connection refused\"\n"),
        "{yaml}"
    );
    let fields = shown("fields");
    assert!(
        fields.contains("\"Step\" : tcp\n") && fields.contains("\"Status\" : fail\n"),
        "{fields}"
    );
    for format in ["protobuf", "raw"] {
        let outcome = Run::ours(["doctor", "-w", format]).outcome();
        assert_eq!(outcome.status, 4, "{outcome}");
    }
}
