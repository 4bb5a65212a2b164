//! `endpoint`, `defrag` and `move-leader` beside the official client. Clusters of three are in `quorum`.

use crate::support::certs::{Authority, Folder, Says};
use crate::support::etcd::Cluster;
use crate::support::{
    Etcd, Outcome, Run, agree, on_every_server, on_the_newest_server, ours, run, words,
};

const OFFICIAL_FORMATS: [&str; 4] = ["simple", "json", "fields", "table"];
/// Nobody listens there.
const DEAD: &str = "127.0.0.1:1";

/// Both clients the same but for the time it took, whatever endpoints `line` names. Gives ours.
#[track_caller]
fn agree_in_any_time(line: &str) -> Outcome {
    agree_as(line, |run| run.outcome().without_times())
}

/// Likewise, but for numbers that a server at work changes from one question to the next.
#[track_caller]
fn agree_but_for_numbers(line: &str) -> Outcome {
    agree_as(line, |run| {
        let mut outcome = run.outcome().without_times();
        let digit = |byte: &u8| byte.is_ascii_digit();
        outcome.stdout.dedup_by(|one, before| digit(one) && digit(before));
        outcome.stdout.iter_mut().filter(|byte| digit(byte)).for_each(|byte| *byte = b'0');
        outcome
    })
}

#[track_caller]
fn agree_as(line: &str, run: impl Fn(Run) -> Outcome + Sync) -> Outcome {
    let (ours, theirs) =
        run::both(|| run(Run::ours(words(line))), || run(Run::reference(words(line))));
    ours.assert_same_answer(&theirs, line);
    ours
}

/// Both clients the same, as soon as the server has nothing left to do: its sizes change until then.
#[track_caller]
fn agree_when_settled(etcd: &Etcd, line: &str) {
    let line = format!("--endpoints {} {line}", etcd.endpoint());
    let same = || {
        let theirs = Run::reference(words(&line)).outcome();
        Run::ours(words(&line)).outcome().stdout == theirs.stdout
    };
    if !(0..50).any(|_| same()) {
        agree_as(&line, Run::outcome);
    }
}

#[test]
fn status_and_hash_are_told_alike_in_every_format() {
    on_every_server(|etcd| {
        etcd.put(b"key", b"value");
        for format in OFFICIAL_FORMATS {
            for flags in ["", "--hex", "--cluster"] {
                agree_when_settled(etcd, &format!("endpoint status -w {format} {flags}"));
                agree_when_settled(etcd, &format!("endpoint hashkv -w {format} {flags}"));
            }
        }
        for line in [
            "endpoint status surplus",
            "endpoint --cluster status",
            "endpoint hashkv --rev 1",
            "endpoint hashkv --rev 0x2 -w json",
            "endpoint hashkv --rev 99",
            "endpoint hashkv --rev x",
            "endpoint status -w none",
        ] {
            agree_when_settled(etcd, line);
            agree(etcd, &words(&line.replace("status", "hashkv")));
        }
    });
}

#[test]
fn health_is_told_alike_in_every_format() {
    on_every_server(|etcd| {
        for format in ["simple", "json", "fields", "table"] {
            let endpoint = etcd.endpoint();
            agree_in_any_time(&format!("--endpoints {endpoint} endpoint health -w {format}"));
        }
        agree_in_any_time(&format!("--endpoints {} endpoint health --cluster x", etcd.endpoint()));
    });
}

#[test]
fn an_endpoint_that_is_dead_is_told_and_the_others_answer() {
    on_the_newest_server(|etcd| {
        let endpoints = format!("--endpoints {DEAD},{} --command-timeout 1s", etcd.address());
        for command in ["status", "hashkv"] {
            for format in OFFICIAL_FORMATS {
                let line = format!("{endpoints} endpoint {command} -w {format}");
                let outcome = agree_but_for_numbers(&line);
                let what = if command == "status" { "status" } else { "hash" };
                let told = format!(
                    "{DEAD}: connection refused\nhint: is etcd running, and is this its client URL? name \
                     another with --endpoints\nFailed to get the {what} of endpoint {DEAD} (context \
                     deadline exceeded)\n"
                );
                assert!(outcome.said().starts_with(&told), "{outcome}");
            }
        }
        let outcome = agree_in_any_time(&format!("{endpoints} endpoint health"));
        assert!(
            outcome.said().contains(&format!(
                "{DEAD} is unhealthy: failed to commit proposal: context deadline exceeded\n"
            )),
            "{outcome}"
        );
        for format in ["json", "fields", "table"] {
            let answers = |outcome: &Outcome| {
                let mut lines: Vec<_> = outcome.text().lines().map(str::to_owned).collect();
                lines.sort();
                lines
            };
            // In order of completion there too: the live one comes first.
            let outcome = agree_in_any_time(&format!("{endpoints} endpoint health -w {format}"));
            assert!(answers(&outcome).iter().any(|line| line.contains(DEAD)), "{outcome}");
        }
        let nobody = format!("--endpoints {DEAD} --command-timeout 1s");
        for format in OFFICIAL_FORMATS {
            agree_in_any_time(&format!("{nobody} endpoint status -w {format}"));
            agree_in_any_time(&format!("{nobody} endpoint hashkv -w {format}"));
        }
        for line in ["endpoint status --cluster", "defrag --cluster", "endpoint health --cluster"] {
            agree_in_any_time(&format!("{nobody} {line}"));
        }
    });
}

#[test]
fn hints_can_be_silenced_and_the_official_lines_stay() {
    let line = format!("--endpoints {DEAD} --dial-timeout 200ms endpoint status");
    let outcome = Run::ours(words(&line)).env("ETCDCTL_HINTS", "off").outcome();
    let line = "Failed to get the status of endpoint 127.0.0.1:1 (context deadline exceeded)\n";
    assert!(outcome.status == 1 && outcome.said() == line, "{outcome}");
}

#[test]
fn no_endpoint_at_all_is_asked_nothing() {
    on_the_newest_server(|_| {
        for command in
            ["endpoint status", "endpoint health", "endpoint hashkv", "defrag", "move-leader 1"]
        {
            for format in OFFICIAL_FORMATS {
                agree_in_any_time(&format!("--endpoints= {command} -w {format}"));
            }
            if !command.starts_with("move") {
                agree_in_any_time(&format!("--endpoints= {command} --cluster"));
            }
        }
    });
}

#[test]
fn the_variable_means_all_members_to_endpoint_alone() {
    on_the_newest_server(|etcd| {
        let (address, url) = (etcd.address(), etcd.endpoint());
        let with = |run: Run| run.env("ETCDCTL_CLUSTER", "true");
        let line = format!("--endpoints {address} endpoint hashkv");
        let outcome = agree_as(&line, |run| with(run).outcome());
        assert!(outcome.text().starts_with(&format!("{url}, ")), "{outcome}");
        // `defrag` has such a flag too, but no variable: both warn.
        let line = format!("--endpoints {address} defrag");
        let outcome = with(Run::ours(words(&line))).outcome();
        assert!(outcome.text().contains(&format!("member[{address}]")), "{outcome}");
        assert_eq!(outcome.said(), "warning: unknown variable ETCDCTL_CLUSTER\n");
        let wrong = Run::ours(words(&format!("--endpoints {address} endpoint status")));
        let outcome = wrong.env("ETCDCTL_CLUSTER", "maybe").outcome();
        assert!(outcome.said().contains("the variable ETCDCTL_CLUSTER"), "{outcome}");
    });
}

#[test]
fn a_flag_of_the_group_may_stand_before_it() {
    on_the_newest_server(|etcd| {
        let line = format!("--cluster --endpoints {} endpoint hashkv", etcd.address());
        let outcome = Run::ours(words(&line)).outcome();
        assert!(outcome.text().starts_with(&etcd.endpoint()), "{outcome}");
    });
}

#[test]
fn a_defragmentation_is_told_alike() {
    on_every_server(|etcd| {
        let (url, address) = (etcd.endpoint(), etcd.address());
        agree_in_any_time(&format!("--endpoints {url} defrag"));
        agree_in_any_time(&format!("--endpoints {address} defrag --cluster surplus -w json"));
        agree_in_any_time(&format!("--endpoints {url} defrag -w none"));
    });
    on_the_newest_server(|etcd| {
        let line = format!("--endpoints {DEAD},{} --command-timeout 1s defrag", etcd.address());
        let outcome = agree_in_any_time(&line);
        let begins = format!("Failed to defragment etcd member[{DEAD}]. took ");
        assert!(outcome.said().lines().any(|line| line.starts_with(&begins)), "{outcome}");
    });
}

#[test]
fn alarms_make_an_endpoint_unhealthy() {
    on_the_newest_server(|_| {
        let full = Etcd::with(&["--quota-backend-bytes=200000"]);
        let value = "v".repeat(50_000);
        while ours(&full, &["put", "k", &value]).status == 0 {}
        for format in ["simple", "json", "fields", "table"] {
            agree_in_any_time(&format!(
                "--endpoints {} endpoint health -w {format}",
                full.address()
            ));
        }
        agree_when_settled(&full, "endpoint status -w json");
        agree_when_settled(&full, "endpoint status -w table");
    });
}

#[test]
fn failed_logins_end_all_but_health() {
    on_the_newest_server(|_| {
        let etcd = Etcd::with(&["--bcrypt-cost=4"]);
        for line in [
            "user add root:secret",
            "user grant-role root root",
            "user add reader:secret",
            "auth enable",
        ] {
            let line = format!("--endpoints {} {line}", etcd.endpoint());
            assert_eq!(Run::reference(words(&line)).outcome().status, 0);
        }
        let there = etcd.address();
        for command in ["endpoint status", "endpoint hashkv", "endpoint health", "defrag"] {
            for (user, endpoints) in [
                ("--user root:secret", there.clone()),
                ("--user root:wrong", there.clone()),
                ("--user reader:secret", there.clone()),
                ("", there.clone()),
                ("--user root:secret --dial-timeout 500ms", format!("{there},{DEAD}")),
            ] {
                for cluster in ["", "--cluster"] {
                    let line = format!("{user} --endpoints {endpoints} {command} {cluster}");
                    agree_but_for_numbers(&line);
                }
            }
        }
        for user in ["root:secret", "root:wrong", "reader:secret"] {
            agree_in_any_time(&format!("--user {user} --endpoints {there} move-leader 1"));
        }
        // The question comes once, however many clusters are made.
        let line = format!("--endpoints {there} --user root endpoint health --cluster");
        let outcome = Run::ours(words(&line)).stdin(b"secret\n").outcome();
        assert_eq!((outcome.status, outcome.text().matches("Password").count()), (0, 1));
    });
}

#[test]
fn a_members_own_url_says_whether_it_speaks_tls() {
    let folder = Folder::new();
    let authority = Authority::new("etcd-ca");
    let (cert, key) = folder.pair("server", &authority.issue(&Says::default()));
    let ca = folder.write("ca.crt", &authority.cert);
    let (cert, key, ca) = (cert.display(), key.display(), ca.display());
    let secured = Etcd::with(&[&format!("--cert-file={cert}"), &format!("--key-file={key}")]);
    // Named without a scheme, the member is listed with one.
    let line = format!("--endpoints {} --cacert {ca} endpoint status --cluster", secured.address());
    let outcome = Run::ours(words(&line)).outcome();
    assert!(
        outcome.status == 0
            && outcome.text().starts_with(&format!("https://{}, ", secured.address())),
        "{outcome}"
    );
    let line = format!("--endpoints {} --cacert /nowhere endpoint status", secured.address());
    agree_in_any_time(&line);
    agree_in_any_time(&format!("{line} --cluster"));
}

#[test]
fn leadership_is_moved_alike_and_wrong_targets_are_refused_alike() {
    on_every_server(|etcd| {
        for line in [
            "move-leader",
            "move-leader 1 2",
            "move-leader zz",
            "move-leader 1",
            "move-leader 1 -w json",
        ] {
            agree(etcd, &words(line));
        }
    });
}

#[test]
fn on_purpose_the_leader_is_found_by_whichever_member_is_asked() {
    let cluster = Cluster::start(3);
    let status = |at: usize| {
        Run::ours(["--endpoints", &cluster.members[at].address(), "endpoint", "status"])
    };
    let leader = (0..3).find(|&at| status(at).outcome().text().split(", ").nth(8) == Some("true"));
    let leader = leader.expect("a leader");
    let (one, other) = ((leader + 1) % 3, (leader + 2) % 3);
    let line = format!("--endpoints {} move-leader m{other}", cluster.members[one].address());
    let outcome = Run::ours(words(&line)).outcome();
    assert!(
        outcome.status == 0 && outcome.text().starts_with("Leadership transferred from "),
        "{outcome}"
    );
    assert_eq!(status(other).outcome().text().split(", ").nth(8), Some("true"));
}

#[test]
fn on_purpose_blanks_around_an_endpoint_are_nothing() {
    on_the_newest_server(|etcd| {
        let endpoints = format!(" {} ", etcd.address());
        let outcome = Run::ours(["--endpoints", &endpoints, "endpoint", "hashkv"]).outcome();
        assert!(outcome.text().starts_with(&format!("{}, ", etcd.address())), "{outcome}");
    });
}

#[test]
fn on_purpose_every_format_is_there() {
    on_the_newest_server(|etcd| {
        let endpoint = etcd.address();
        let hash = ours(etcd, &words("endpoint hashkv -w jsonl")).text();
        assert!(hash.starts_with("{\"Endpoint\":\"http://"), "{hash}");
        for (command, format) in [
            ("status", "protobuf"),
            ("status", "yaml"),
            ("status", "jsonl"),
            ("hashkv", "protobuf"),
            ("hashkv", "yaml"),
            ("health", "protobuf"),
            ("health", "yaml"),
            ("health", "jsonl"),
        ] {
            let line = format!("--endpoints {endpoint} endpoint {command} -w {format}");
            let outcome = Run::ours(words(&line)).outcome();
            assert!(outcome.status == 0 && !outcome.stdout.is_empty(), "{outcome}");
        }
    });
}
