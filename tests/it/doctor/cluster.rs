//! Members together: one that is gone, most that are, learners, versions, and members that lag behind.

use std::time::Duration;

use etcd_client::proto::{PbMember, PbResponseHeader, PbStatusResponse};

use super::doctor;
use crate::quorum::{leader, without_quorum};
use crate::support::etcd::Cluster;
use crate::support::fake::Member;
use crate::support::{Etcd, Fake, Run, relay, skipped, words};

#[track_caller]
fn ours(endpoint: &str, line: &str) -> String {
    let all = ["--endpoints", endpoint, "--command-timeout=20s"];
    let outcome = Run::ours(all.into_iter().chain(words(line))).outcome();
    assert_eq!(outcome.status, 0, "{outcome}");
    outcome.text()
}

#[test]
fn a_member_that_is_gone_fails_and_the_others_are_counted() {
    let mut cluster = Cluster::start(3);
    cluster.kill(2);
    leader(&cluster);
    let gone = cluster.members[2].endpoint();
    // Named or not.
    for endpoints in [cluster.members[0].endpoint(), cluster.endpoints()] {
        let told = doctor(&endpoints, "");
        told.assert_row("tcp", &gone, "fail", "connection refused", "is etcd running");
        told.assert_row("lag", &gone, "skip", "because tcp failed", "");
        let missing = format!(") does not answer at {gone}");
        told.assert_row("members", "cluster", "fail", &missing, "`etcdctl member remove ");
        let counted = "; 2 of 3 voters answer, a quorum is 2";
        let remedy = "the loss of 1 more stops the cluster";
        told.assert_row("quorum", "cluster", "warn", counted, remedy);
        told.assert_row("health", &cluster.members[1].endpoint(), "ok", "took ", "");
    }
    cluster.members[2].restart();
    doctor(&cluster.endpoints(), "").assert_well();
}

#[test]
fn a_cluster_without_quorum_fails_in_bounded_time() {
    let (_cluster, endpoint) = without_quorum();
    let told = doctor(&endpoint, "--command-timeout=1s");
    let cause = "the cluster has no leader: most of its members are not there";
    told.assert_row("health", &endpoint, "fail", cause, "--consistency=s");
    told.assert_row("quorum", "cluster", "fail", cause, "--consistency=s");
    let counted = "1 of 3 voters answer, a quorum is 2";
    told.assert_row("quorum", "cluster", "fail", counted, "--consistency=s");
    // What takes none is told all the same.
    told.assert_row("authentication", &endpoint, "ok", "no user is needed", "");
    told.assert_row("space", &endpoint, "ok", " in use", "");
    told.assert_row(
        "members",
        "cluster",
        "fail",
        " does not answer at ",
        "`etcdctl snapshot restore`",
    );
    told.assert_row("versions", "cluster", "ok", "members run ", "");
}

#[test]
fn learners_members_that_never_started_and_even_numbers_are_warnings() {
    let mut cluster = Cluster::start(1);
    let endpoint = cluster.members[0].endpoint();
    cluster.join(|peer| ours(&endpoint, &format!("member add m1 --learner --peer-urls {peer}")));
    let told = doctor(&endpoint, "");
    let learner = cluster.members[1].endpoint();
    told.assert_row("health", &learner, "skip", "a learner answers no reads", "");
    told.assert_row("lag", &learner, "ok", "learner, term ", "");
    told.assert_row(
        "members",
        "cluster",
        "warn",
        "is a learner, which does not vote",
        "member promote ",
    );
    told.assert_row("quorum", "cluster", "ok", "; the only voter answers", "");
    assert_eq!(told.outcome.status, 0, "{}", told.outcome);
    ours(&endpoint, "member promote m1");
    let told = doctor(&endpoint, "");
    let even = "2 voters survive the loss of 0, as 1 would";
    told.assert_row("members", "cluster", "warn", even, "an odd number is better");
    let etcd = Etcd::start();
    let endpoint = etcd.endpoint();
    ours(&endpoint, "member add m2 --learner --peer-urls http://127.0.0.1:2");
    let told = doctor(&endpoint, "");
    let unstarted = "(peer URL http://127.0.0.1:2) was added and never started";
    told.assert_row("members", "cluster", "warn", unstarted, "`etcdctl member remove ");
    assert_eq!(told.outcome.status, 0, "{}", told.outcome);
}

#[test]
fn endpoints_of_two_clusters_are_told_apart() {
    let (one, other) = (Etcd::start(), Cluster::start(1));
    let other = other.members[0].endpoint();
    let told = doctor(&format!("{},{other}", one.endpoint()), "");
    let strangers = format!(": {other} (");
    told.assert_row("members", "cluster", "fail", &strangers, "name endpoints of one cluster");
    told.assert_row("quorum", "cluster", "ok", "the only voter answers", "");
}

#[test]
fn members_of_different_versions_are_a_warning() {
    let Some(cluster) = Cluster::mixed(&["3.6", "3.7", "3.6"]) else {
        return skipped("no etcd 3.6 and 3.7 (make reference builds them)");
    };
    let told = doctor(&cluster.members[0].endpoint(), "");
    told.assert_row("versions", "cluster", "warn", "members run 3.6.", "finish the upgrade");
    told.assert_row("versions", "cluster", "warn", "; cluster version 3.6.0", "finish");
    told.assert_row("versions", "cluster", "warn", "m1 (", "finish");
    assert_eq!(told.ended("warn"), [("versions", "cluster")], "{}", told.outcome);
    assert!(told.ended("fail").is_empty(), "{}", told.outcome);
}

#[test]
fn a_downgrade_under_way_is_a_warning() {
    let Some(etcd) = Etcd::version("3.7") else { return skipped("no etcd 3.7") };
    ours(&etcd.endpoint(), "downgrade enable 3.6");
    let told = doctor(&etcd.endpoint(), "");
    let under_way = "; a downgrade to 3.6";
    told.assert_row("versions", "cluster", "warn", under_way, "`etcdctl downgrade cancel`");
    ours(&etcd.endpoint(), "downgrade cancel");
    told.assert_row("quorum", "cluster", "ok", "the only voter answers", "");
}

#[test]
fn a_clock_of_another_time_is_a_warning() {
    let etcd = Etcd::start();
    let server = etcd.address().parse().expect("an address");
    for (date, side) in [
        ("Sat, 01 Jan 2000 00:00:00 GMT", " behind, "),
        ("Fri, 01 Jan 2100 00:00:00 GMT", " ahead, "),
    ] {
        let endpoint = format!("http://{}", relay::at_another_time(server, date));
        let told = doctor(&endpoint, "");
        told.assert_row("clock", &endpoint, "warn", side, "NTP");
        assert_eq!(told.outcome.status, 0, "{}", told.outcome);
    }
}

#[test]
fn a_server_that_tells_no_time_is_left_out_for_it() {
    // Such a port is for gRPC alone.
    let Some(etcd) = Etcd::version_with("3.7", &["--listen-client-http-urls=http://127.0.0.1:0"])
    else {
        return skipped("no etcd 3.7");
    };
    let told = doctor(&etcd.endpoint(), "");
    let endpoint = etcd.endpoint();
    told.assert_row("clock", &endpoint, "skip", "the server does not tell its time: ", "");
    assert!(told.ended("fail").is_empty(), "{}", told.outcome);
}

/// Members that say of themselves what they are told to; the first leads.
fn members(statuses: &[(u64, u64)], delay: Duration) -> Vec<Fake> {
    let list = std::sync::Arc::default();
    let fakes: Vec<Fake> = (1..)
        .zip(statuses)
        .map(|(id, &(index, applied))| {
            let header =
                PbResponseHeader { cluster_id: 1, member_id: id, revision: 9, raft_term: 2 };
            let status = PbStatusResponse {
                header: Some(header),
                version: "3.7.1".to_owned(),
                db_size: 4096,
                db_size_in_use: 4096,
                db_size_quota: 1 << 30,
                leader: 1,
                raft_index: index,
                raft_applied_index: applied,
                raft_term: 2,
                ..PbStatusResponse::default()
            };
            let members = std::sync::Arc::clone(&list);
            Fake::member(Member { status, members, delay, ..Member::default() })
        })
        .collect();
    let member = |(id, fake): (u64, &Fake)| PbMember {
        id,
        name: format!("m{id}"),
        client_ur_ls: vec![fake.endpoint()],
        ..PbMember::default()
    };
    *list.lock().expect("nobody failed") = (1..).zip(&fakes).map(member).collect::<Vec<_>>();
    fakes
}

#[test]
fn members_that_lag_are_warnings_and_fail_where_they_refuse_requests() {
    let fakes = members(&[(70_000, 70_000), (68_900, 68_900), (69_500, 64_000)], Duration::ZERO);
    let told = doctor(&fakes[0].endpoint(), "");
    told.assert_row(
        "lag",
        &fakes[0].endpoint(),
        "ok",
        "leader, term 2, revision 9, raft index 70000",
        "",
    );
    let behind = "follower, term 2, revision 9, raft index 68900, 1100 behind the newest";
    told.assert_row("lag", &fakes[1].endpoint(), "warn", behind, "if it does not catch up");
    let waiting = "applied 64000, 5500 waiting: it refuses requests";
    told.assert_row("lag", &fakes[2].endpoint(), "fail", waiting, "disk");
    let fakes = members(&[(70_000, 68_000)], Duration::ZERO);
    let told = doctor(&fakes[0].endpoint(), "");
    told.assert_row("lag", &fakes[0].endpoint(), "warn", "2000 waiting", "if it does not catch up");
}

#[test]
fn a_read_that_takes_long_is_a_warning() {
    let fakes = members(&[(7, 7)], Duration::from_millis(1200));
    let told = doctor(&fakes[0].endpoint(), "");
    told.assert_row(
        "health",
        &fakes[0].endpoint(),
        "warn",
        "a read that takes a quorum took 1",
        "disks",
    );
    assert_eq!(told.outcome.status, 0, "{}", told.outcome);
}

#[test]
fn voters_that_cannot_be_reached_from_here_are_a_warning_while_reads_go_through() {
    let mut fakes = members(&[(7, 7), (7, 7), (7, 7)], Duration::ZERO);
    fakes.truncate(1);
    let told = doctor(&fakes[0].endpoint(), "");
    let counted = "; 1 of 3 voters answer, a quorum is 2";
    told.assert_row("quorum", "cluster", "warn", counted, "let this machine reach them");
}

/// A member alone, which leads.
fn alone(member: impl FnOnce(&mut Member)) -> Fake {
    let status = PbStatusResponse {
        header: Some(PbResponseHeader { cluster_id: 1, member_id: 1, revision: 9, raft_term: 2 }),
        version: "3.7.1".to_owned(),
        leader: 1,
        ..PbStatusResponse::default()
    };
    let m1 = PbMember { id: 1, name: "m1".to_owned(), ..PbMember::default() };
    let members = std::sync::Arc::new(std::sync::Mutex::new(vec![m1]));
    let mut told = Member { status, members, ..Member::default() };
    member(&mut told);
    Fake::member(told)
}

#[test]
fn a_read_that_fails_while_there_is_a_leader_fails_in_its_own_words() {
    let fake = alone(|member| member.without_quorum = true);
    let told = doctor(&fake.endpoint(), "--command-timeout=500ms");
    let late = "etcdserver: request timed out";
    told.assert_row("authentication", &fake.endpoint(), "ok", "no user is needed", "");
    told.assert_row("health", &fake.endpoint(), "fail", late, "");
    told.assert_row("quorum", "cluster", "fail", &format!("{}: {late}", fake.endpoint()), "");
}

#[test]
fn an_alarm_and_a_version_that_nobody_knows_are_shown_harmlessly() {
    let fake = alone(|member| {
        member.status.errors = vec!["memberID:1  alarm:9".to_owned()];
        member.status.version = "3.\u{1b}[2J".to_owned();
    });
    let told = doctor(&fake.endpoint(), "");
    told.assert_row("alarms", "cluster", "fail", "9 raised by m1 (1)", "the member's log");
    told.assert_row("versions", "cluster", "ok", "members run 3.\u{1b}[2J", "");
    for format in ["simple", "table"] {
        let line = super::asking(&fake.endpoint(), "").join(" ") + " -w " + format;
        let shown = Run::ours(words(&line)).outcome().text();
        assert!(shown.contains(r"members run 3.\x1b[2J") && !shown.contains('\u{1b}'), "{shown}");
    }
}
