//! `lease` beside the official client.

use crate::support::{FORMATS, on_every_server, on_every_twins, on_the_newest_server, ours, words};

#[test]
fn leases_are_listed_and_told_alike() {
    on_every_server(|etcd| {
        etcd.grant(0x1234, 3600);
        etcd.grant(0x7fff_ffff_ffff_ffff, 7200);
        etcd.put(b"free", b"of leases");
        ours(etcd, &words("put held v --lease 1234")).assert_prints("OK\n");
        for format in FORMATS {
            for line in [
                "lease timetolive 99",
                "lease timetolive 99 --keys",
                "lease timetolive zz",
                "lease timetolive 8000000000000000",
                "lease timetolive",
                "lease timetolive 1 2",
                "lease revoke",
                "lease revoke zz",
                "lease revoke 99",
                "lease grant",
                "lease grant abc",
                "lease grant 9000000001",
                "lease list extra",
            ] {
                crate::support::agree(etcd, &words(&format!("{line} -w {format}")));
            }
        }
        let told = ours(etcd, &words("lease timetolive 1234 --keys")).text();
        let begins = "lease 0000000000001234 granted with TTL(3600s), remaining(";
        assert!(told.starts_with(begins) && told.ends_with("attached keys([held])\n"), "{told}");
        let json = ours(etcd, &words("lease timetolive 1234 -w json")).text();
        assert!(json.trim_end().ends_with(r#""granted-ttl":3600,"keys":null}"#), "{json}");
    });
}

#[test]
fn a_revoked_lease_takes_its_keys_with_it() {
    on_every_twins(|twins| {
        for (id, format) in (0x10..).zip(FORMATS.into_iter().filter(|name| *name != "protobuf")) {
            twins.grant(id, 3600);
            twins.official(&["put", "held", "v", "--lease", &format!("{id:x}")]);
            twins.agree(&["lease", "revoke", &format!("{id:x}"), "-w", format]);
        }
    });
}

#[test]
fn on_purpose_a_revocation_can_be_printed_as_protobuf() {
    on_the_newest_server(|etcd| {
        etcd.grant(0x77, 3600);
        let outcome = ours(etcd, &words("lease revoke 77 -w protobuf"));
        assert!(outcome.status == 0 && outcome.stdout.starts_with(b"\x0a"), "{outcome}");
    });
}

#[test]
fn a_lease_is_granted_and_named_by_its_id() {
    on_the_newest_server(|etcd| {
        let granted = ours(etcd, &words("lease grant 600")).text();
        let id = granted.split(' ').nth(1).expect("an id");
        assert_eq!(granted, format!("lease {id} granted with TTL(600s)\n"));
        ours(etcd, &["lease", "list"]).assert_prints(&format!("found 1 leases\n{id}\n"));
        // As JSON prints it, the id is taken too.
        let decimal = i64::from_str_radix(id, 16).expect("hexadecimal").to_string();
        ours(etcd, &["lease", "revoke", &decimal]).assert_prints(&format!("lease {id} revoked\n"));
        ours(etcd, &words("lease list -w jsonl")).assert_prints("");
    });
}
