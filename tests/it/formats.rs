//! The formats that are ours alone: `jsonl`, `yaml`, `raw`, and tables where the official client has none.

use crate::support::{Etcd, Run, on_the_newest_server, on_twins, ours, words};

/// Text, bytes that are no text, a text that YAML would misread, and a lease.
fn scene(etcd: &Etcd) {
    etcd.grant(0x2a, 600);
    etcd.put(b"a key", b"plain");
    etcd.put(b"b", b"two\nlines");
    etcd.put(b"c\xff", b"\x00\xff");
    Run::ours(["--endpoints", &etcd.endpoint(), "put", "d", "yes", "--lease", "2a"])
        .outcome()
        .assert_prints("OK\n");
}

#[test]
fn jsonl_is_an_object_a_line() {
    on_the_newest_server(|etcd| {
        scene(etcd);
        ours(etcd, &["get", "", "--prefix", "-w", "jsonl"]).assert_prints(concat!(
            r#"{"key":"a key","create_revision":2,"mod_revision":2,"version":1,"value":"plain"}"#,
            "\n",
            r#"{"key":"b","create_revision":3,"mod_revision":3,"version":1,"value":"two\nlines"}"#,
            "\n",
            r#"{"key":{"base64":"Y/8="},"create_revision":4,"mod_revision":4,"version":1,"#,
            r#""value":{"base64":"AP8="}}"#,
            "\n",
            r#"{"key":"d","create_revision":5,"mod_revision":5,"version":1,"#,
            r#""lease":"000000000000002a","value":"yes"}"#,
            "\n",
        ));
        ours(etcd, &["get", "b", "--keys-only", "-w", "jsonl"]).assert_prints(concat!(
            r#"{"key":"b","create_revision":3,"mod_revision":3,"version":1}"#,
            "\n"
        ));
        ours(etcd, &words("get '' --prefix --count-only -w jsonl"))
            .assert_prints("{\"count\":4}\n");
        ours(etcd, &words("get missing -w jsonl")).assert_prints("");
    });
}

#[test]
fn yaml_is_a_document_a_key() {
    on_the_newest_server(|etcd| {
        scene(etcd);
        ours(etcd, &["get", "", "--prefix", "-w", "yaml"]).assert_prints(concat!(
            "---\n# a%20key create_revision=2 mod_revision=2 version=1\nvalue: plain\n",
            "---\n# b create_revision=3 mod_revision=3 version=1\nvalue: \"two\\nlines\"\n",
            "---\n# c%FF create_revision=4 mod_revision=4 version=1\nbase64: AP8=\n",
            "---\n# d create_revision=5 mod_revision=5 version=1 lease=000000000000002a\n",
            "value: \"yes\"\n",
        ));
        ours(etcd, &words("get b --keys-only -w yaml"))
            .assert_prints("---\n# b create_revision=3 mod_revision=3 version=1\n");
        ours(etcd, &words("get '' --prefix --count-only -w yaml")).assert_prints("---\ncount: 4\n");
    });
}

#[test]
fn raw_is_the_values_bytes_and_nothing_between() {
    on_the_newest_server(|etcd| {
        scene(etcd);
        let raw = ours(etcd, &words("get b --from-key -w raw"));
        assert!(raw.status == 0 && raw.stdout == b"two\nlines\x00\xffyes", "{raw}");
    });
}

#[test]
fn writes_answer_in_our_formats_too() {
    on_twins(&["3.7"], |twins| {
        twins.official(&["put", "k", "old"]);
        let answer = |args: &[&str]| ours(&twins.ours, args).text();
        let put = answer(&["put", "k", "new", "--prev-kv", "-w", "jsonl"]);
        assert!(put.starts_with(r#"{"header":{"cluster_id":""#), "{put}");
        let prev = r#""prev_kv":{"key":"k","create_revision":2,"mod_revision":2,"version":1,"value":"old"}}"#;
        assert!(put.trim_end().ends_with(prev), "{put}");
        let del = answer(&["del", "k", "--prev-kv", "-w", "yaml"]);
        assert!(del.starts_with("---\nheader:\n  cluster_id: "), "{del}");
        assert!(del.ends_with("  version: 2\n  value: new\n"), "{del}");
    });
}

#[test]
fn raw_is_refused_where_there_are_no_values_to_print() {
    on_the_newest_server(|etcd| {
        scene(etcd);
        for line in ["put b new -w raw", "del b -w raw"] {
            ours(etcd, &words(line)).assert_fails(4, "unsupported output format");
        }
        ours(etcd, &words("get b -w raw")).assert_prints("two\nlines");
    });
}

#[test]
fn a_long_table_keeps_its_columns_from_block_to_block() {
    on_the_newest_server(|etcd| {
        for key in 0..2100 {
            etcd.put(format!("key{key:05}").as_bytes(), b"v");
        }
        let table = ours(etcd, &words("get key --prefix -w table")).text();
        let widths: std::collections::BTreeSet<_> =
            table.lines().map(|line| line.chars().count()).collect();
        assert_eq!((widths.len(), table.lines().count()), (1, 2100 + 4), "{table}");
    });
}
