//! Data directories of ours in real servers, 3.4 to 3.7.

use super::{restored, saved, text};
use crate::support::etcd::Cluster;
use crate::support::{Etcd, Run, kubernetes, official, on_every_server, skipped};

/// What a client reads, without the answer's header.
fn keys(etcd: &Etcd) -> String {
    let contents = etcd.contents();
    contents.split_once("\"kvs\"").map(|(_, keys)| keys.to_owned()).unwrap_or_default()
}

fn revision(etcd: &Etcd) -> u64 {
    let contents = etcd.contents();
    let (_, rest) = contents.split_once("\"revision\":\"").expect("a header has a revision");
    rest.split('"').next().and_then(|number| number.parse().ok()).expect("a revision is a number")
}

fn fill(etcd: &Etcd) {
    for n in 0..300u32 {
        etcd.put(format!("/a/{n}").as_bytes(), &vec![b'v'; n as usize * 7]);
    }
    etcd.put(b"\xff\x00binary", b"\x00\xff");
    etcd.put(b"large", &vec![7; 1_000_000]);
    official(etcd, &["del", "/a/1", "--prefix"]);
    official(etcd, &["compaction", "200"]);
    etcd.grant(77, 1000);
    official(etcd, &["put", "leased", "x", "--lease", "4d"]);
}

#[test]
fn a_restored_member_serves_every_key_on_every_server() {
    on_every_server(|etcd| {
        fill(etcd);
        let folder = tempfile::tempdir().unwrap();
        let snapshot = saved(etcd, folder.path());
        let again = Etcd::prepared(etcd.minor(), |data| drop(restored(&snapshot, data, &[])));
        let again = again.expect("the version is here");
        assert_eq!(keys(&again), keys(etcd), "etcd {}", etcd.minor());
        assert_eq!(revision(&again), revision(etcd));
        let lease = again.ask("/v3/lease/timetolive", r#"{"ID":"77","keys":true}"#);
        assert!(lease.contains("bGVhc2Vk"), "{lease}");
        again.put(b"after", b"1");
        assert_eq!(revision(&again), revision(etcd) + 1);
    });
}

#[test]
fn a_restored_member_goes_on_after_a_restart_and_a_defragmentation() {
    on_every_server(|etcd| {
        fill(etcd);
        let folder = tempfile::tempdir().unwrap();
        let snapshot = saved(etcd, folder.path());
        let again = Etcd::prepared(etcd.minor(), |data| drop(restored(&snapshot, data, &[])));
        let mut again = again.expect("the version is here");
        official(&again, &["defrag"]);
        again.put(b"after", b"1");
        again.stop();
        again.restart();
        assert!(keys(&again).contains("YWZ0ZXI="), "etcd {}", etcd.minor());
    });
}

#[test]
fn three_restored_members_are_one_cluster() {
    on_every_server(|etcd| {
        fill(etcd);
        let folder = tempfile::tempdir().unwrap();
        let snapshot = saved(etcd, folder.path());
        let cluster = Cluster::prepared(etcd.minor(), 3, |place| {
            let outcome = Run::ours([
                "snapshot",
                "restore",
                text(&snapshot),
                "--data-dir",
                text(&place.data),
                "--name",
                &place.name,
                "--initial-cluster",
                place.initial,
                "--initial-advertise-peer-urls",
                &place.peer_url,
                "--initial-cluster-token",
                Etcd::TOKEN,
            ])
            .outcome();
            assert_eq!(outcome.status, 0, "{outcome}");
        });
        let cluster = cluster.expect("the version is here");
        for member in &cluster.members {
            assert_eq!(keys(member), keys(etcd), "etcd {}", etcd.minor());
        }
        cluster.members[0].put(b"after", b"1");
        assert!(keys(&cluster.members[2]).contains("YWZ0ZXI="));
        let members = cluster.members[1].ask("/v3/cluster/member/list", "{}");
        assert_eq!(members.matches("peerURLs").count(), 3, "{members}");
    });
}

#[test]
fn a_bumped_revision_goes_on_where_no_client_was() {
    on_every_server(|etcd| {
        fill(etcd);
        let folder = tempfile::tempdir().unwrap();
        let snapshot = saved(etcd, folder.path());
        let bump = ["--bump-revision", "1000000", "--mark-compacted"];
        let again = Etcd::prepared(etcd.minor(), |data| {
            let said = restored(&snapshot, data, &bump).said();
            assert!(said.contains("bumping latest revision\t{\"latest-revision\": "), "{said}");
        });
        let again = again.expect("the version is here");
        assert_eq!(revision(&again), revision(etcd) + 1_000_000, "etcd {}", etcd.minor());
        assert_eq!(keys(&again), keys(etcd));
        let old = again.asked("/v3/kv/range", r#"{"key":"AA==","revision":"250"}"#);
        assert!(old.is_err_and(|why| why.contains("compacted")), "etcd {}", etcd.minor());
        again.put(b"after", b"1");
        assert_eq!(revision(&again), revision(etcd) + 1_000_001);
    });
}

#[test]
fn a_kubernetes_cluster_comes_back() {
    let Some((_folder, snapshot)) = kubernetes() else { return };
    for minor in ["3.6", "3.7"] {
        let Some(etcd) = Etcd::prepared(minor, |data| drop(restored(&snapshot, data, &[]))) else {
            skipped(&format!("no etcd {minor} (make reference builds it)"));
            continue;
        };
        let counted =
            etcd.ask("/v3/kv/range", r#"{"key":"AA==","range_end":"AA==","count_only":true}"#);
        assert!(counted.contains("\"count\":\"1148\""), "etcd {minor}: {counted}");
    }
}
