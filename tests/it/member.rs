//! Changes of membership that take place, beside the official client, and members that start from what is printed.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::etcd::Cluster;
use crate::support::{
    Etcd, Outcome, Run, agree, on_every_twins, reference_is_there, run, without, words,
};

type Client = fn(Vec<String>) -> Run;

/// The ids of the members with this peer URL.
fn ids(etcd: &Etcd, peer_url: &str) -> Vec<u64> {
    let answer = etcd.ask("/v3/cluster/member/list", "{}");
    let answer: Value = serde_json::from_str(&answer).expect("the gateway speaks JSON");
    let members = answer["members"].as_array().expect("members").iter();
    let of_url = members.filter(|member| member["peerURLs"][0] == peer_url);
    of_url.map(|one| one["ID"].as_str().expect("a text").parse().expect("a number")).collect()
}

fn id(etcd: &Etcd, peer_url: &str) -> Option<u64> {
    ids(etcd, peer_url).into_iter().next()
}

/// An answer with the id of a new member, which depends on the time, and the server's port taken out.
fn settled(mut outcome: Outcome, etcd: &Etcd, id: u64) -> Outcome {
    let mut varint = Vec::new();
    prost::encoding::encode_varint(id, &mut varint);
    let forms = [
        format!("{id:x}").into_bytes(),
        id.to_string().into_bytes(),
        varint,
        etcd.address().into(),
    ];
    for form in forms {
        outcome.stdout = without(&outcome.stdout, &form);
        outcome.stderr = without(&outcome.stderr, &form);
    }
    outcome
}

#[test]
fn a_learner_is_added_changed_and_removed_alike_in_every_format() {
    on_every_twins(|twins| {
        // An id comes of the URL and the second: another URL each time, for the server knows for ever whom it removed.
        let mut ports = 10..;
        let mut url = || format!("http://127.0.0.1:{}", ports.next().expect("there are many"));
        let both = [&twins.ours, &twins.theirs];
        // Raft drops a change that follows another too closely: first something else must have been applied.
        let settle = || both.iter().for_each(|etcd| etcd.put(b"between", b"changes"));
        let at = |etcd: &Etcd, line: &str| -> Vec<String> {
            words(line)
                .into_iter()
                .map(str::to_owned)
                .chain(["--endpoints".into(), etcd.endpoint()])
                .collect()
        };
        for format in ["simple", "json", "protobuf"] {
            // The first of each format may have ids of unlike lengths, which a message tells; then another is taken.
            let second = url();
            let (first, ids) = loop {
                let first = url();
                let line = format!("member add new --learner --peer-urls {first} -w {format}");
                settle();
                let (ours, theirs) = twins.both(&words(&line));
                let ids = [(both[0], &ours), (both[1], &theirs)].map(|(etcd, outcome)| {
                    id(etcd, &first).unwrap_or_else(|| panic!("it was not added\n{outcome}"))
                });
                if ids[0].leading_zeros() == 0 && ids[1].leading_zeros() == 0 {
                    let ours = settled(ours, both[0], ids[0]);
                    ours.assert_same_answer(&settled(theirs, both[1], ids[1]), &line);
                    break (first, ids);
                }
                settle();
                for (etcd, id) in both.into_iter().zip(ids) {
                    etcd.ask("/v3/cluster/member/remove", &format!("{{\"ID\":\"{id}\"}}"));
                }
            };
            for (what, more) in [
                // A learner that was never started is not in sync.
                ("promote", String::new()),
                ("update", format!("--peer-urls {second}")),
                ("remove", String::new()),
            ] {
                settle();
                let line = |id| format!("member {what} {id:x} {more} -w {format}");
                let (ours, theirs) = run::both(
                    || Run::ours(at(both[0], &line(ids[0]))).outcome(),
                    || Run::reference(at(both[1], &line(ids[1]))).outcome(),
                );
                let (ours, theirs) =
                    (settled(ours, both[0], ids[0]), settled(theirs, both[1], ids[1]));
                ours.assert_same_answer(&theirs, &line(0));
                assert_eq!(ours.status == 0, what != "promote", "{ours}");
            }
            assert_eq!(
                both.map(|etcd| (self::ids(etcd, &first), self::ids(etcd, &second))),
                [const { (vec![], vec![]) }; 2]
            );
        }
    });
}

/// What is refused now and may be done later.
fn until_done(attempt: impl Fn() -> Outcome) -> Outcome {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let outcome = attempt();
        if outcome.status == 0 {
            return outcome;
        }
        assert!(Instant::now() < end, "it is never done\n{outcome}");
    }
}

#[test]
fn a_member_starts_from_what_is_printed_learns_and_is_promoted() {
    if !reference_is_there() {
        return;
    }
    for minor in ["3.4", "3.7"] {
        let Some(mut cluster) = Cluster::prepared(minor, 1, |_| {}) else { continue };
        let clients: [Client; 2] = [Run::ours, Run::reference];
        for (name, client) in ["one", "two"].into_iter().zip(clients) {
            let endpoint = cluster.members[0].endpoint();
            let run = |line: &str| {
                let line = format!("--endpoints {endpoint} {line}");
                client(words(&line).into_iter().map(str::to_owned).collect()).outcome()
            };
            let mut peer_url = String::new();
            cluster.join(|url| {
                url.clone_into(&mut peer_url);
                // Refused for as long as the member before it is not seen to be well.
                until_done(|| run(&format!("member add {name} --learner --peer-urls {url}"))).text()
            });
            let [leader, .., learner] = &cluster.members[..] else { panic!("there are two") };
            for format in ["simple", "json", "fields", "table", "protobuf"] {
                agree(leader, &words(&format!("member list -w {format}")));
            }
            // What a learner refuses, it refuses in the official words.
            for line in ["get key", "put key value", "get key --consistency s", "endpoint health"] {
                let line = format!("{line} --command-timeout 2s");
                agree(learner, &words(&line));
            }
            let id = id(leader, &peer_url).expect("it was added");
            // Refused for as long as it has not learned enough.
            let promoted = until_done(|| run(&format!("member promote {id:x}")));
            let cluster_id =
                promoted.text().trim_end().rsplit(' ').next().unwrap_or_default().to_owned();
            promoted.assert_prints(&format!("Member {id:>16x} promoted in cluster {cluster_id}\n"));
        }
    }
}
