//! `del` beside the official client, each on a twin: equal answers, equal stores.

use crate::support::{
    FORMATS, Run, Twins, agree, on_every_twins, on_the_newest_server, on_twins, ours, words,
};

/// In an order that leaves each row something to delete.
const DELETIONS: [&str; 14] = [
    "missing",
    "missing --prev-kv",
    "missing --prefix --prev-kv",
    "a/1",
    "a/2 --prev-kv",
    "a/ --prefix=false",
    "a/ --prefix --prev-kv=true",
    "b/1 b/3 --range",
    "b/3 b/5 --range --prev-kv",
    "b/6 --range",
    "b/7 --range --prefix",
    "c/8 --from-key --prev-kv",
    "-- -dash",
    "'' --prefix --prev-kv",
];

fn fill(twins: &Twins) {
    for etcd in [&twins.ours, &twins.theirs] {
        for folder in ["a", "b", "c"] {
            for i in 0..10 {
                etcd.put(format!("{folder}/{i}").as_bytes(), format!("value\t{i}").as_bytes());
            }
        }
        etcd.put(b"-dash", b"");
        etcd.put(b"bin\x00\xff", b"\xff\x00\n");
    }
}

fn del<'a>(row: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    more.iter().copied().chain(["del"]).chain(words(row)).collect()
}

#[test]
fn every_deletion_agrees_in_every_format_with_every_server() {
    on_every_twins(|twins| {
        for format in FORMATS {
            fill(twins);
            for row in DELETIONS {
                twins.agree(&del(row, &["-w", format]));
            }
        }
    });
}

#[test]
fn every_deletion_agrees_in_hex_and_on_a_bare_terminal() {
    on_twins(&["3.7"], |twins| {
        for format in FORMATS {
            fill(twins);
            for row in DELETIONS {
                twins.agree(&del(row, &["--hex", "-w", format]));
            }
            fill(twins);
            for row in DELETIONS {
                twins.agree_on_terminal(&del(row, &["-w", format]));
            }
        }
    });
}

#[test]
fn an_empty_key_with_from_key_deletes_everything() {
    on_every_twins(|twins| {
        fill(twins);
        twins.agree(&del("'' --from-key=true", &[]));
        twins.agree(&del("'' --from-key", &[]));
    });
}

/// The warning is on stderr and comes at once; the pause lets its reader interrupt.
#[test]
fn two_keys_without_range_are_warned_about_and_wait() {
    on_twins(&["3.7"], |twins| {
        fill(twins);
        for row in ["a/1 a/3", "c/ ''"] {
            let start = std::time::Instant::now();
            let outcome = twins.agree(&del(row, &[]));
            assert!(start.elapsed().as_millis() >= 2000, "no pause\n{outcome}");
            let quoted = row
                .replace("''", "")
                .split(' ')
                .map(|key| format!("\"{key}\""))
                .collect::<Vec<_>>()
                .join(" and ");
            assert_eq!(
                outcome.said(),
                format!(
                    "Warning: Keys between {quoted} will be deleted. Please interrupt the command within \
                     next 2 seconds to cancel. You can provide `--range` flag to avoid the delay.\n"
                )
            );
        }
    });
}

#[test]
fn errors_are_word_for_word_and_delete_nothing() {
    on_the_newest_server(|etcd| {
        etcd.put(b"key", b"value");
        let before = etcd.contents();
        for row in [
            "",
            "--prefix",
            "a b c",
            "a b c --range",
            "key --prefix --from-key",
            "--prefix --from-key",
            "a z --prefix",
            "a z --from-key",
            "a z --from-key --prefix --range",
            "a z --prefix --range",
            "''",
            "'' --range",
            "'' z --range --prefix",
            "key --prefix=x",
            "key --bogus",
            "key -r",
            "key --limit 1",
            "key -w bogus",
            "key -w raw",
        ] {
            let outcome = agree(etcd, &del(row, &[]));
            assert!(outcome.status != 0, "{outcome}");
        }
        assert_eq!(etcd.contents(), before);
    });
}

#[test]
fn on_purpose_table_works_where_the_official_client_refuses_it_after_the_deletion() {
    on_every_twins(|twins| {
        fill(twins);
        for row in ["a/1", "a/ --prefix --prev-kv", "missing"] {
            let args = del(row, &["-w", "table"]);
            let table = ours(&twins.ours, &args);
            assert!(table.status == 0 && table.stderr.is_empty(), "{table}");
            let endpoint = twins.theirs.endpoint();
            let official = Run::reference(["--endpoints", &endpoint].iter().chain(&args)).outcome();
            official.assert_fails(4, "table not supported as output format");
            assert_eq!(twins.ours.contents(), twins.theirs.contents());
        }
    });
}
