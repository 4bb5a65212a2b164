//! `alarm`, `compaction`, `downgrade` and `member` beside the official client.

use crate::support::{
    Etcd, FORMATS, agree, on_every_server, on_every_twins, on_servers, on_the_newest_server, ours,
    words,
};

#[test]
fn members_are_listed_alike() {
    on_every_server(|etcd| {
        for format in ["simple", "json", "fields", "protobuf", "table"] {
            for flags in ["", "--hex"] {
                agree(etcd, &words(&format!("member list -w {format} {flags}")));
            }
        }
        for line in
            ["member list --consistency s", "member list --consistency x", "member list surplus"]
        {
            agree(etcd, &words(line));
        }
    });
}

/// On a server each: raft drops the second of two changes that are made at once.
#[test]
fn changes_of_membership_are_refused_alike() {
    on_every_twins(|twins| {
        for line in [
            "member add",
            "member add a b http://x:1",
            "member add a",
            "member add a --peer-urls foo",
            "member add a --peer-urls http://127.0.0.1",
            "member add a --peer-urls http://127.0.0.1:5014/path",
            "member add a --peer-urls http://127.0.0.1:5014,",
            "member remove",
            "member remove a b",
            "member remove 1234",
            "member remove xyz",
            "member update 1234",
            "member update 1234 --peer-urls foo",
            "member update 1234 --peer-urls http://127.0.0.1:1",
            "member promote",
            "member promote 1234",
        ] {
            twins.agree(&words(line));
        }
    });
}

#[test]
fn a_compaction_is_told_alike_in_every_format() {
    on_every_twins(|twins| {
        for value in 0..12 {
            twins.official(&["put", "k", &value.to_string()]);
        }
        for (revision, format) in (2..).zip(["simple", "json", "fields", "protobuf", "table"]) {
            twins.agree(&words(&format!("compaction {revision} -w {format}")));
        }
        for line in [
            "compaction",
            "compaction 1 2",
            "compaction abc",
            "compaction 3",
            "compaction 99999",
            "compaction 8 --physical",
            "compact 9",
            "compaction 10 -w none",
        ] {
            twins.agree(&words(line));
        }
    });
}

#[test]
fn on_purpose_a_compaction_may_be_counted_from_the_latest_revision() {
    on_the_newest_server(|etcd| {
        for value in 0..9 {
            etcd.put(b"k", value.to_string().as_bytes());
        }
        ours(etcd, &words("compaction -- -3")).assert_prints("compacted revision 7\n");
        ours(etcd, &words("compaction latest")).assert_prints("compacted revision 10\n");
    });
}

#[test]
fn alarms_are_listed_and_cleared_alike() {
    on_every_server(|etcd| {
        for format in FORMATS {
            agree(etcd, &words(&format!("alarm list -w {format}")));
            agree(etcd, &words(&format!("alarm disarm -w {format}")));
        }
        agree(etcd, &words("alarm list extra"));
        agree(etcd, &words("alarm disarm extra"));
    });
    on_servers(&["3.4", "3.7"], |_| {
        let full = Etcd::with(&["--quota-backend-bytes=200000"]);
        let value = "v".repeat(50_000);
        while ours(&full, &["put", "k", &value]).status == 0 {}
        for format in ["json", "fields", "protobuf"] {
            agree(&full, &words(&format!("alarm list -w {format}")));
        }
        let alarm = ours(&full, &words("alarm list")).text();
        assert!(alarm.starts_with("memberID:") && alarm.ends_with(" alarm:NOSPACE\n"), "{alarm}");
        ours(&full, &words("alarm disarm")).assert_prints(&alarm);
        ours(&full, &words("alarm list")).assert_prints("");
    });
}

#[test]
fn downgrades_are_judged_alike() {
    on_every_server(|etcd| {
        for line in [
            "downgrade validate 3.6.0",
            "downgrade validate 3.6.0 -w json",
            "downgrade validate 3.6.0 -w protobuf",
            "downgrade validate 9",
            "downgrade validate 2.0.0",
            "downgrade validate",
            "downgrade validate 1 2",
            "downgrade enable",
            "downgrade cancel",
            "downgrade cancel surplus",
        ] {
            agree(etcd, &words(line));
        }
        agree(etcd, &["downgrade", "validate", ""]);
    });
}
