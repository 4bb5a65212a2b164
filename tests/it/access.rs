//! `auth`, `user` and `role` beside the official client: two servers live the same life.

use crate::support::{FORMATS, Twins, on_every_twins, on_the_newest_server, ours, words};

/// The official client has no `fields` for them.
const WITHOUT_FIELDS: [&str; 3] = ["simple", "json", "protobuf"];

fn in_formats(twins: &Twins, formats: &[&str], line: &str) {
    for format in formats {
        twins.agree(&words(&format!("{line} -w {format}")));
    }
}

#[test]
fn roles_live_and_die_alike() {
    on_every_twins(|twins| {
        twins.agree(&words("role add r1"));
        twins.agree(&words("role add r2 -w json"));
        for line in [
            "role grant-permission r1 read k1",
            "role grant-permission r1 --prefix=true READWRITE pfx/ -w json",
            "role grant-permission r1 write w1 w5 -w fields",
            "role grant-permission r1 read fk --from-key -w protobuf",
            "role grant-permission r1 read a b",
            "role grant-permission r2 readwrite '' --prefix",
            "role grant-permission r2 read k ''",
            "role grant-permission r1 foo k",
            "role grant-permission r1 read b a",
            "role grant-permission r1 read k e --prefix",
            "role grant-permission r1 read k e --from-key",
            "role grant-permission r1 read k --from-key --prefix",
            "role grant-permission r1 read",
            "role add r1",
            "role add",
            "role delete",
            "role get",
            "role get none",
            "role list extra",
            "role revoke-permission r1",
            "role revoke-permission r1 none",
        ] {
            twins.agree(&words(line));
        }
        for line in ["role get r1", "role get r2", "role list"] {
            in_formats(twins, &FORMATS, line);
        }
        for line in [
            "role revoke-permission r1 k1",
            "role revoke-permission r1 w1 w5",
            "role revoke-permission r1 fk --from-key",
            "role revoke-permission r1 pfx/ --prefix -w json",
            "role delete r2",
            "role delete r2",
        ] {
            twins.agree(&words(line));
        }
        in_formats(twins, &FORMATS, "role get r1");
    });
}

#[test]
fn users_live_and_die_alike() {
    on_every_twins(|twins| {
        twins.official(&words("role add r1"));
        twins.official(&words("role add r2"));
        for line in [
            "user add u1:secret",
            "user add u2 --new-user-password x -w json",
            "user add u3 --no-password -w fields",
            "user add u4:a:b -w protobuf",
            "user add name:",
            "user add :pw",
            "user add u1:again",
            "user add",
            "user add a b",
            "user grant-role u1 r1",
            "user grant-role u1 r2 -w json",
            "user grant-role u1 none",
            "user grant-role u1",
            "user revoke-role u1 r2",
            "user revoke-role u1 r2",
            "user revoke-role u1",
            "user delete u4",
            "user delete none",
            "user delete",
            "user get none",
            "user get",
            "user list extra",
            "user passwd",
        ] {
            twins.agree(&words(line));
        }
        in_formats(twins, &WITHOUT_FIELDS, "user get u1");
        in_formats(twins, &WITHOUT_FIELDS, "user get u2");
        in_formats(twins, &WITHOUT_FIELDS, "user list");
        in_formats(twins, &FORMATS, "user get u1 --detail");
        twins.agree_with_stdin(&words("user add u5 --interactive=false"), b"word and more\nline\n");
        twins.agree_with_stdin(&words("user add u6 --interactive=false"), b"\n");
        twins.agree_with_stdin(&words("user passwd u5 --interactive=false"), b"new\n");
        twins.agree_with_stdin(&words("user passwd u5 --interactive=false -w json"), b"newer\n");
    });
}

#[test]
fn authentication_is_turned_on_and_off_alike() {
    on_every_twins(|twins| {
        for line in [
            "auth enable",
            "auth enable extra",
            "auth disable extra",
            "auth status extra",
            "auth status",
            "auth status -w json",
            "auth status -w protobuf",
            "user add root:pw",
            "auth enable",
            "role list",
            "role list --user root:pw",
            "auth status --user root:pw",
            "auth enable --user root:pw",
            "role get root --user root:pw",
            "auth disable",
            "auth disable --user root:pw",
            "auth disable",
        ] {
            let args = words(line);
            // The stores are read without a login, which the server only allows while it asks for none.
            let (ours, theirs) = twins.both(&args);
            ours.assert_same_answer(&theirs, &format!("etcd {}: {line}", twins.ours.minor()));
        }
    });
}

#[test]
fn on_purpose_users_have_fields_and_tables() {
    on_the_newest_server(|etcd| {
        ours(etcd, &words("user add u1:pw")).assert_prints("User u1 created\n");
        ours(etcd, &words("user list -w table"))
            .assert_prints("┌──────┐\n│ NAME │\n├──────┤\n│   u1 │\n└──────┘\n");
        ours(etcd, &words("user list -w jsonl")).assert_prints("\"u1\"\n");
        let fields = ours(etcd, &words("user get u1 -w fields")).text();
        assert!(fields.contains("\"roles\" : []\n"), "{fields}");
    });
}
