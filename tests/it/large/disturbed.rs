//! Writers, restarts, compactions and losses in the middle of a long read: one revision, or an error.

use std::io::{BufRead as _, BufReader};

use crate::large::answers::revision;
use crate::large::{DEADLINE, HEAVY, Reading, VALUE, heavy, on_filled, store};
use crate::support::etcd::Cluster;
use crate::support::{Etcd, Run, official, reference_is_there};

/// Patient enough for a server that starts on a busy machine.
const LINE: [&str; 6] =
    ["get", "key/", "key0", "--command-timeout=60s", "--dial-timeout=60s", "--consistency=l"];

fn undisturbed(endpoints: &str) -> Vec<u8> {
    let run = Run::reference(["--endpoints", endpoints].iter().chain(&LINE));
    let outcome = run.deadline(DEADLINE).outcome();
    assert!(outcome.status == 0, "{outcome}");
    outcome.stdout
}

#[test]
fn a_long_read_is_of_one_revision_whatever_happens_to_the_server() {
    on_filled(&["3.4", "3.6", "3.7"], heavy, |mut etcd| {
        writes_go_on(&etcd);
        the_server_is_killed_twice(&mut etcd);
        the_revision_is_compacted(&etcd);
    });
}

fn writes_go_on(etcd: &Etcd) {
    let wanted = undisturbed(&etcd.endpoint());
    let mut reading = Reading::start(&etcd.endpoint(), &LINE);
    reading.read_to(wanted.len() / 4);
    let last = HEAVY / VALUE;
    // Keys that are read already, keys to be read, keys that were not there.
    let keys = (0..500).chain(last - 500..last + 500);
    store(etcd, keys.map(|i| (format!("key/{i:05}").into_bytes(), b"changed".to_vec())));
    official(etcd, &["del", "key/24000", "key/24500"]);
    reading.assert_prints(&wanted, &format!("etcd {}, writes", etcd.minor()));
}

fn the_server_is_killed_twice(etcd: &mut Etcd) {
    let wanted = undisturbed(&etcd.endpoint());
    let mut reading = Reading::start(&etcd.endpoint(), &LINE);
    for quarter in [1, 2] {
        reading.read_to(wanted.len() / 4 * quarter);
        etcd.kill();
        std::thread::scope(|scope| {
            // Meanwhile what is on the way is read, and the loss noticed.
            let restarting = scope.spawn(|| etcd.restart());
            reading.read_to(wanted.len() / 4 * (quarter + 1));
            restarting.join().expect("a restart");
        });
    }
    reading.assert_prints(&wanted, &format!("etcd {}, restarts", etcd.minor()));
}

fn the_revision_is_compacted(etcd: &Etcd) {
    let wanted = undisturbed(&etcd.endpoint());
    let mut reading = Reading::start(&etcd.endpoint(), &LINE);
    reading.read_to(wanted.len() / 4);
    etcd.put(b"other", b"value");
    let now = revision(etcd);
    etcd.ask("/v3/kv/compaction", &format!(r#"{{"revision":"{now}","physical":true}}"#));
    let (bytes, status, said) = reading.end();
    let minor = etcd.minor();
    assert_eq!(
        (status, said.lines().last()),
        (Some(1), Some("Error: etcdserver: mvcc: required revision has been compacted")),
        "etcd {minor}: {said}"
    );
    assert!(bytes.len() < wanted.len() && wanted.starts_with(&bytes), "etcd {minor}");
}

#[test]
fn a_member_that_is_killed_in_the_middle_of_a_long_read_is_replaced_by_another() {
    if !reference_is_there() {
        return;
    }
    let mut cluster = Cluster::start(3);
    heavy(&cluster.members[0]);
    let endpoints = cluster.endpoints();
    let wanted = undisturbed(&endpoints);
    let mut args = LINE.to_vec();
    args.push("--debug");
    let mut reading = Reading::start(&endpoints, &args);
    let stderr = reading.running.child.stderr.take().expect("stderr is a pipe");
    let mut lines = BufReader::new(stderr).lines().map_while(Result::ok);
    let answers = lines.find(|line| line.contains(": answers")).expect("somebody answers");
    let serving = cluster.members.iter().position(|member| answers.contains(&member.endpoint()));
    reading.read_to(wanted.len() / 3);
    cluster.kill(serving.expect("one of the members"));
    reading.read_to(usize::MAX);
    let told: Vec<String> = lines.collect();
    let status = reading.running.child.wait().expect("a status");
    assert!(status.success() && reading.bytes == wanted, "{status}: {told:?}");
    // What was lost had to be asked for elsewhere.
    assert!(told.iter().any(|line| line.contains("asking again")), "{told:?}");
}
