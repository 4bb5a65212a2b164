//! A cluster of three with a member, the leader, or the quorum gone: what still answers, and how the rest ends.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::etcd::Cluster;
use crate::support::{Etcd, Outcome, Run, reference_is_there, run, words};

const PATIENCE: Duration = Duration::from_secs(60);

/// What a member says of itself; `None` while it does not answer.
pub fn status(member: &Etcd) -> Option<Value> {
    serde_json::from_str(&member.asked("/v3/maintenance/status", "{}").ok()?).ok()
}

/// The position of the leader, as soon as all members that answer agree on one that does.
pub fn leader(cluster: &Cluster) -> usize {
    wait_for(|| {
        let all: Vec<_> = cluster.members.iter().map(status).collect();
        let leaders: Vec<_> = all.iter().flatten().map(|one| one["leader"].as_str()).collect();
        let agreed = leaders.windows(2).all(|two| two[0] == two[1]);
        let named = leaders.first().copied().flatten().filter(|_| agreed)?;
        let leads = |one: &Option<Value>| {
            one.as_ref().is_some_and(|one| one["header"]["member_id"] == named)
        };
        all.iter().position(leads)
    })
}

#[track_caller]
pub fn wait_for<T>(mut ready: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ready() {
            return found;
        }
        assert!(Instant::now() < end, "it did not come to pass");
    }
}

/// A cluster of which one member is left, and that member's endpoint.
pub fn without_quorum() -> (Cluster, String) {
    let mut cluster = Cluster::start(3);
    cluster.members[0].put(b"key", b"value");
    let left = leader(&cluster);
    cluster.kill((left + 1) % 3);
    cluster.kill((left + 2) % 3);
    // A leader needs a while to see that it leads nobody.
    let alone = &cluster.members[left];
    wait_for(|| status(alone).filter(|one| one["leader"].as_str().is_none_or(|id| id == "0")));
    let endpoint = alone.endpoint();
    (cluster, endpoint)
}

/// Both clients the same of the same cluster, but for numbers, which change with each question, and for
/// the order of lines, which `endpoint health` leaves to chance. Gives ours.
#[track_caller]
fn agree(endpoints: &str, line: &str, stdin: &str) -> Outcome {
    let all = format!("--endpoints {endpoints} --command-timeout 2s {line}");
    let settled = |run: Run| {
        let mut outcome = run.stdin(stdin.as_bytes()).outcome().without_times();
        let digit = |byte: &u8| byte.is_ascii_digit();
        outcome.stdout.dedup_by(|one, before| digit(one) && digit(before));
        outcome.stdout.iter_mut().filter(|byte| digit(byte)).for_each(|byte| *byte = b'0');
        let mut lines: Vec<_> = outcome.stdout.split_inclusive(|byte| *byte == b'\n').collect();
        lines.sort_unstable();
        outcome.stdout = lines.concat();
        outcome
    };
    let (ours, theirs) =
        run::both(|| settled(Run::ours(words(&all))), || settled(Run::reference(words(&all))));
    ours.assert_same_answer(&theirs, line);
    ours
}

#[test]
fn with_a_member_or_the_leader_gone_everything_goes_on() {
    if !reference_is_there() {
        return;
    }
    for leads in [false, true] {
        let mut cluster = Cluster::start(3);
        cluster.members[0].put(b"key", b"value");
        let lost = (leader(&cluster) + usize::from(!leads)) % 3;
        cluster.kill(lost);
        leader(&cluster);
        let endpoints = cluster.endpoints();
        for line in [
            "get key",
            "get --prefix '' --keys-only",
            "get key --consistency s",
            "put key value",
            "del nothing",
            "compaction 99999",
            "lease revoke 1",
            "lease list",
            "lease timetolive 1",
            "member list",
            "member list --consistency s",
            "alarm list",
            "auth status",
            "user list",
            "role get none",
            "downgrade cancel",
            "endpoint status",
            "endpoint status --cluster -w json",
            "endpoint hashkv",
            "endpoint hashkv --cluster",
            "endpoint health",
            "endpoint health --cluster",
            "defrag",
            "defrag --cluster",
        ] {
            agree(&endpoints, line, "");
        }
        agree(&endpoints, "txn", "\nput key value\n\n\n");
        // There the first dead endpoint is the end of it.
        let id = format!("m{}", (0..3).find(|&at| at != lost).expect("two are left"));
        let line = format!("--endpoints {endpoints} move-leader {id}");
        let outcome = Run::ours(words(&line)).outcome();
        assert_eq!(outcome.status, 0, "{outcome}");
    }
}

#[test]
fn a_read_outlives_the_death_of_the_leader() {
    let mut cluster = Cluster::start(3);
    cluster.members[0].put(b"key", b"value");
    let leader = leader(&cluster);
    let endpoints = cluster.endpoints();
    cluster.kill(leader);
    let line = format!("--endpoints {endpoints} --command-timeout 30s get key");
    Run::ours(words(&line)).outcome().assert_prints("key\nvalue\n");
}

#[test]
fn without_a_quorum_each_command_ends_as_the_official_one_does_or_would() {
    if !reference_is_there() {
        return;
    }
    let (_cluster, endpoint) = without_quorum();
    for (line, status) in [
        ("get key", 1),
        ("put key value", 1),
        ("del key", 1),
        ("compaction 1", 1),
        ("lease grant 60", 1),
        ("lease revoke 1", 1),
        ("member list", 1),
        ("member add m4 --peer-urls http://127.0.0.1:1", 1),
        ("member remove 1", 1),
        ("alarm list", 1),
        ("auth status", 1),
        ("auth enable", 1),
        ("endpoint health", 1),
        ("endpoint health -w json", 1),
        ("watch key", 5),
        ("endpoint status --cluster", 1),
        ("endpoint health --cluster", 1),
        ("defrag --cluster", 1),
        ("move-leader 1", 128),
        ("get key --consistency s", 0),
        ("get key --consistency s --stream", 0),
        ("member list --consistency s", 0),
        ("lease list", 0),
        ("endpoint status", 0),
        ("endpoint status -w json", 0),
        ("endpoint hashkv", 0),
        ("defrag", 0),
        ("snapshot save /dev/null/no", 5),
        ("lease keep-alive 1", 0),
    ] {
        let outcome = agree(&endpoint, line, "");
        assert_eq!(outcome.status, status, "{outcome}");
    }
    assert_eq!(agree(&endpoint, "txn", "\n\n\n").status, 0);
    let errors = agree(&endpoint, "endpoint status", "").text();
    assert!(errors.contains("etcdserver: no leader"), "{errors}");
}

#[test]
fn on_purpose_nothing_hangs_without_a_quorum() {
    let (_cluster, endpoint) = without_quorum();
    for (line, stdin, status) in [
        ("txn", "\nput key value\n\n\n", 1),
        ("user list", "", 1),
        ("user get root", "", 1),
        ("role list", "", 1),
        ("role add one", "", 1),
        ("lease timetolive 1", "", 2),
        ("lock name true", "", 1),
        ("elect name proposal", "", 1),
        ("check perf", "", 1),
        ("check datascale", "", 1),
        ("elect name --listen", "", 1),
        ("make-mirror ENDPOINT", "", 1),
    ] {
        let line = line.replace("ENDPOINT", &endpoint);
        let all = format!("--endpoints {endpoint} --command-timeout 1s {line}");
        let outcome = Run::ours(words(&all)).stdin(stdin.as_bytes()).outcome();
        outcome.assert_fails(status, "context deadline exceeded");
    }
}
