//! `get` beside the official client.

use crate::support::{
    Etcd, FORMATS, agree, agree_as, agree_on_terminal, bytes, official, on_every_server,
    on_servers, on_the_newest_server, ours, run, words,
};
use crate::support::{Outcome, Run};

/// Every reading flag, alone and with others, over the keys of [`scene`].
const READS: [&str; 57] = [
    "fruit/apple",
    "missing",
    "empty",
    "leased",
    "deleted",
    "fruit/apple fruit/c",
    "fruit/c fruit/a",
    "fruit/apple ''",
    "fruit/ --prefix",
    "fruit/ --prefix=true",
    "fruit/ --prefix=false",
    "'' --prefix",
    "'' --from-key",
    "fruit/banana --from-key",
    "zzz --from-key",
    "missing --prefix",
    "fruit/ --prefix --keys-only",
    "'' --prefix --keys-only",
    "fruit/apple --keys-only=true",
    "missing --keys-only",
    "fruit/ --prefix --limit 2",
    "fruit/ --prefix --limit=1 --keys-only",
    "fruit/ --prefix --limit 0",
    "fruit/ --prefix --limit -1",
    "fruit/ --prefix --limit 99",
    "fruit/ --prefix --rev 3",
    "fruit/ --prefix --rev=0",
    "fruit/ --prefix --rev -5",
    "fruit/apple --rev 2",
    "fruit/apple --rev 1",
    "deleted --rev 11",
    "fruit/ --prefix --sort-by KEY --order DESCEND",
    "fruit/ --prefix --sort-by key --order ascend",
    "fruit/ --prefix --sort-by CREATE --order ASCEND",
    "fruit/ --prefix --sort-by CREATE --order DESCEND",
    "fruit/ --prefix --sort-by MODIFY --order ASCEND",
    "fruit/ --prefix --sort-by modify --order descend",
    "fruit/ --prefix --sort-by VALUE --order ASCEND",
    "fruit/ --prefix --sort-by VALUE --order DESCEND",
    "fruit/ --prefix --sort-by VERSION --order ASCEND",
    "fruit/ --prefix --sort-by Version --order Descend",
    "fruit/ --prefix --sort-by VERSION",
    "fruit/ --prefix --sort-by MODIFY --limit 1",
    "fruit/ --prefix --order DESCEND",
    "fruit/ --prefix --order descend --limit 2 --keys-only",
    "fruit/ --prefix --min-mod-rev 4",
    "fruit/ --prefix --max-mod-rev 4",
    "fruit/ --prefix --min-create-rev 3 --max-create-rev 4",
    "fruit/ --prefix --min-mod-rev 3 --max-mod-rev 3 --keys-only",
    "fruit/ --prefix --min-mod-rev 5 --max-mod-rev 0",
    "fruit/ --prefix --min-mod-rev -1 --max-create-rev -1",
    "fruit/ --prefix --consistency s",
    "fruit/ --prefix --consistency=l",
    "fruit/apple fruit/c third fourth",
    "fruit/ --prefix --count-only=false",
    "fruit/ --prefix --stream=false --print-value-only=false",
    "--prefix --keys-only -- fruit/",
];

/// What a format other than `fields` refuses there.
const COUNTS: [&str; 6] = [
    "fruit/ --prefix --count-only",
    "'' --from-key --count-only",
    "missing --count-only",
    "fruit/ --prefix --count-only --limit 1",
    "fruit/ --prefix --count-only --rev 3",
    "fruit/ --prefix --count-only --min-mod-rev 4",
];

const STREAMS: [&str; 6] = [
    "'' --prefix --stream",
    "missing --stream",
    "fruit/ --prefix --stream --keys-only",
    "fruit/ --prefix --stream --limit 2",
    "fruit/ --prefix --stream --sort-by VERSION",
    "fruit/ --prefix --stream --rev 4 --consistency s",
];

/// Keys with different numbers, values that need quoting, a lease; revision 2 is the first put.
fn scene(etcd: &Etcd) {
    etcd.put(b"fruit/apple", b"red");
    etcd.put(b"fruit/banana", b"two\twords \"quoted\" \\ <&>");
    etcd.put(b"fruit/cherry", "n\u{e4}ive \u{2028} \u{1f352}\n".as_bytes());
    etcd.put(b"fruit/apple", b"green");
    etcd.put(b"fruit/apple", b"ripe");
    etcd.put(b"fruit/date", b"");
    etcd.put(b"empty", b"");
    etcd.put(b"bin\x00ary\xff\xfe", b"\x00\x01\x7f\x80\xff\xc3\x28");
    etcd.put(b"fruit/banana", b"yellow");
    etcd.put(b"deleted", b"gone");
    etcd.ask("/v3/kv/deleterange", r#"{"key":"ZGVsZXRlZA=="}"#);
    etcd.grant(0x1234_5678_9abc, 3600);
    // leased = value
    etcd.ask("/v3/kv/put", r#"{"key":"bGVhc2Vk","value":"dmFsdWU=","lease":"20015998343868"}"#);
}

/// `get`, a row's words, then a format.
fn get<'a>(row: &'a str, format: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    ["-w", format]
        .into_iter()
        .chain(more.iter().copied())
        .chain(["get"])
        .chain(words(row))
        .collect()
}

#[test]
fn every_read_agrees_in_every_format_with_every_server() {
    on_every_server(|etcd| {
        scene(etcd);
        for row in READS {
            for format in FORMATS {
                agree(etcd, &get(row, format, &[]));
            }
        }
        for row in COUNTS {
            agree(etcd, &get(row, "fields", &[]));
        }
    });
}

#[test]
fn every_read_agrees_in_hex() {
    on_the_newest_server(|etcd| {
        scene(etcd);
        for row in READS {
            for format in FORMATS {
                agree(etcd, &get(row, format, &["--hex"]));
            }
        }
        for row in COUNTS {
            agree(etcd, &get(row, "fields", &["--hex"]));
        }
    });
}

#[test]
fn every_read_agrees_on_a_bare_terminal() {
    on_the_newest_server(|etcd| {
        scene(etcd);
        for row in READS {
            for format in FORMATS {
                agree_on_terminal(etcd, &get(row, format, &[]));
            }
            agree_on_terminal(etcd, &get(row, "simple", &["--hex"]));
            agree_on_terminal(etcd, &get(row, "fields", &["--hex"]));
        }
        for row in COUNTS {
            agree_on_terminal(etcd, &get(row, "fields", &[]));
        }
    });
}

#[test]
fn print_value_only_agrees_with_simple_and_fails_alike_elsewhere() {
    on_the_newest_server(|etcd| {
        scene(etcd);
        for row in
            ["fruit/ --prefix", "missing", "empty", "'' --prefix --keys-only", "bin --prefix"]
        {
            for format in FORMATS.iter().chain(&["table"]) {
                let mut args = get(row, format, &[]);
                args.push("--print-value-only");
                agree(etcd, &args);
                agree_on_terminal(etcd, &args);
                args.push("--hex");
                agree(etcd, &args);
            }
        }
    });
}

#[test]
fn streamed_ranges_agree_or_fail_alike() {
    on_every_server(|etcd| {
        scene(etcd);
        for row in STREAMS {
            for format in FORMATS {
                agree(etcd, &get(row, format, &[]));
            }
        }
        agree(etcd, &get("'' --prefix --stream --count-only", "fields", &[]));
        agree(etcd, &get("'' --prefix --stream --print-value-only", "simple", &[]));
        for refused in [
            "fruit/ --prefix --stream --order DESCEND",
            "fruit/ --prefix --stream --sort-by MODIFY --order ASCEND",
            "fruit/ --prefix --stream --sort-by KEY --order ASCEND",
            "fruit/ --prefix --stream --min-mod-rev 2",
            "fruit/ --prefix --stream --max-create-rev 9",
            "fruit/ --prefix --stream --rev 9999",
            "'' --stream",
        ] {
            agree(etcd, &get(refused, "simple", &[]));
        }
    });
}

/// The argument checks in their order: each row breaks one rule, or several to show which comes first.
#[test]
fn argument_errors_are_word_for_word() {
    on_the_newest_server(|etcd| {
        scene(etcd);
        for row in [
            "",
            "--prefix",
            "a --prefix --from-key",
            "--prefix --from-key",
            "a --keys-only --count-only",
            "a --prefix --from-key --keys-only --count-only",
            "a --consistency x",
            "a --consistency L",
            "a --consistency ''",
            "a --consistency=",
            "a --keys-only --count-only --consistency x",
            "a b --prefix",
            "a b --from-key",
            "a b --prefix --consistency x",
            "a b --prefix --order up",
            "a --order up",
            "a --order asc",
            "a --order=ASCEND --sort-by size",
            "a --order up --sort-by size",
            "a --sort-by keys",
            "a --min-create-rev 5 --max-create-rev 3",
            "a --min-mod-rev 5 --max-mod-rev 3",
            "a --min-create-rev 5 --max-create-rev 3 --min-mod-rev 5 --max-mod-rev 3",
            "a --sort-by size --min-mod-rev 5 --max-mod-rev 3",
            "a --limit abc",
            "a --limit 1.5",
            "a --limit ''",
            "a --limit=",
            "a --limit 9223372036854775808",
            "a --rev -9223372036854775809",
            "a --rev x --limit y",
            "a --limit",
            "a --rev",
            "a --prefix=maybe",
            "a --keys-only=",
            "a --count-only=2",
            "a --bogus",
            "a --pre",
            "a --prefixes",
            "a -x",
            "a -p",
            "a -wk",
            "a -w",
            "a -w bogus",
            "a -w JSON",
            "a -w ''",
            "''",
            "'' ''",
            "'' z",
            "'' --limit 1",
            "a --rev 9999",
            "a --lease 1",
            "a --prev-kv",
        ] {
            let args: Vec<&str> = ["get"].into_iter().chain(words(row)).collect();
            let outcome = agree(etcd, &args);
            assert!(outcome.status != 0, "{outcome}");
            agree_on_terminal(etcd, &args);
        }
    });
}

#[test]
fn compacted_and_future_revisions_fail_alike() {
    on_every_server(|etcd| {
        scene(etcd);
        official(etcd, &["compaction", "5"]);
        for rev in ["1", "4", "5", "6", "9999"] {
            for format in FORMATS {
                agree(etcd, &["-w", format, "get", "fruit/", "--prefix", "--rev", rev]);
            }
        }
    });
}

/// Quoting depends on Unicode's classes, and Go's tables are of one Unicode version: every code point
/// is asked about, then bytes that are none.
#[test]
fn fields_quotes_every_code_point_as_go_does() {
    on_the_newest_server(|etcd| {
        for plane in 0..=16 {
            let text: String =
                (plane << 16..(plane + 1) << 16).filter_map(char::from_u32).collect();
            etcd.put(format!("plane{plane:02}").as_bytes(), text.as_bytes());
        }
        let every_byte: Vec<u8> = (0..=255).collect();
        etcd.put(b"\x00bytes", &every_byte);
        for (name, broken) in [
            ("surrogate", &b"\xed\xa0\x80\xed\xbf\xbf"[..]),
            ("overlong", b"\xc0\x80 \xe0\x80\x80 \xf0\x80\x80\x80"),
            ("past the last", b"\xf4\x90\x80\x80 \xf5\x80\x80\x80"),
            ("cut", b"\xe2\x82"),
            ("cut and more", b"\xe2\x82x\xf0\x9f\x92"),
            ("a lone follower", b"\x80\xbf"),
            ("the replacement itself", b"\xef\xbf\xbd\xff"),
        ] {
            etcd.put(name.as_bytes(), broken);
            etcd.put(&[b"\x01", broken].concat(), b"as a key");
        }
        for format in FORMATS {
            agree(etcd, &["-w", format, "get", "", "--prefix"]);
            agree(etcd, &["-w", format, "get", "\x01", "--prefix"]);
        }
        agree(etcd, &["--hex", "get", "\x01", "--prefix"]);
        agree_on_terminal(etcd, &["-w", "fields", "get", "", "--prefix"]);
        agree_on_terminal(etcd, &["get", "a lone follower"]);
    });
}

#[test]
fn keys_need_not_be_text() {
    on_the_newest_server(|etcd| {
        scene(etcd);
        etcd.put(b"\xff\xff", b"the last prefix of all");
        etcd.put(b"a\xff", b"ends high");
        etcd.put(b"b", b"after");
        for (key, flag) in [
            (&b"\xff"[..], "--prefix"),
            (b"\xff\xff", "--prefix"),
            (b"a\xff", "--prefix"),
            (b"\xfe", "--from-key"),
            (b"\xc3\x28", "--keys-only"),
        ] {
            let endpoint = etcd.endpoint();
            let args = [
                "--endpoints".as_ref(),
                endpoint.as_ref(),
                "get".as_ref(),
                bytes(key),
                flag.as_ref(),
            ];
            let (ours, theirs) =
                run::both(|| Run::ours(args).outcome(), || Run::reference(args).outcome());
            ours.assert_same_answer(&theirs, "a key that is no text");
        }
    });
}

#[test]
fn large_values_and_many_keys_agree() {
    on_servers(&["3.4", "3.7"], |etcd| {
        etcd.put(b"large", &vec![b'x'; 1_500_000]);
        etcd.put(b"large too", &vec![0; 1_500_000]);
        for i in 0..2500 {
            etcd.put(format!("many/{i:05}").as_bytes(), format!("value {i}").as_bytes());
        }
        for format in FORMATS {
            agree(etcd, &["-w", format, "get", "", "--prefix"]);
            agree(etcd, &["-w", format, "get", "many/", "--prefix", "--keys-only"]);
            agree(etcd, &["-w", format, "get", "many/", "--prefix", "--limit", "1001"]);
            agree(etcd, &["-w", format, "get", "many/", "--prefix", "--limit", "2500"]);
            agree(
                etcd,
                &[
                    "-w", format, "get", "many/", "--prefix", "--order", "DESCEND", "--limit",
                    "1700",
                ],
            );
            agree(
                etcd,
                &["-w", format, "get", "", "--prefix", "--sort-by", "MODIFY", "--order", "DESCEND"],
            );
            agree(etcd, &["-w", format, "get", "", "--prefix", "--min-mod-rev", "1000"]);
            agree(etcd, &["-w", format, "get", "many/", "--prefix", "--rev", "900"]);
            agree(etcd, &["-w", format, "get", "", "--from-key", "--consistency", "s"]);
        }
        agree(etcd, &["get", "", "--prefix", "--print-value-only"]);
        agree(etcd, &["-w", "fields", "get", "", "--prefix", "--count-only"]);
        agree(etcd, &["get", "", "--prefix", "--hex"]);
    });
}

#[test]
fn a_lease_granted_by_the_official_client_is_shown_alike() {
    on_every_server(|etcd| {
        let granted = official(etcd, &["lease", "grant", "600"]).text();
        let id = granted.split(' ').nth(1).expect("`lease ID granted …`").to_owned();
        official(etcd, &["put", "key", "value", "--lease", &id]);
        for format in FORMATS {
            agree(etcd, &["-w", format, "get", "key"]);
            agree(etcd, &["-w", format, "--hex", "get", "key"]);
        }
    });
}

#[test]
fn on_purpose_table_works_where_the_official_client_refuses_it() {
    on_every_server(|etcd| {
        scene(etcd);
        for row in READS {
            let args = get(row, "table", &[]);
            let official = Run::reference(["--endpoints", &etcd.endpoint()].iter().chain(&args));
            official.outcome().assert_fails(4, "table not supported as output format");
            let table = ours(etcd, &args);
            assert!(table.status == 0 && table.stderr.is_empty(), "{table}");
        }
        let table = ours(etcd, &["-w", "table", "get", "fruit/", "--prefix"]).text();
        let table = table.to_lowercase();
        for word in ["key", "modrevision", "fruit/apple", "ripe", "fruit/cherry"] {
            assert!(table.contains(word), "{word} is not in\n{table}");
        }
    });
}

#[test]
fn on_purpose_count_only_works_in_every_format() {
    on_every_server(|etcd| {
        scene(etcd);
        let count = |format: &str| ours(etcd, &get("fruit/ --prefix --count-only", format, &[]));
        count("simple").assert_prints("4\n");
        ours(etcd, &words("get missing --count-only")).assert_prints("0\n");
        let whole = agree(etcd, &get("fruit/ --prefix", "json", &[])).text();
        let head = whole.split(",\"kvs\"").next().expect("split gives one part at least");
        count("json").assert_prints(&format!("{head},\"count\":4}}\n"));
        let Outcome { stdout, .. } = count("protobuf");
        assert!(stdout.ends_with(&[0x20, 4]), "field 4 is not the count: {stdout:?}");
        let table = count("table");
        assert!(table.status == 0 && table.text().contains('4'), "{table}");
        let refused = Run::reference(["--endpoints", &etcd.endpoint(), "get", "a", "--count-only"]);
        refused.outcome().assert_fails(128, "--count-only is only for `--write-out=fields`");
    });
}

#[test]
fn the_endpoint_may_stand_in_a_variable_alone() {
    on_the_newest_server(|etcd| {
        scene(etcd);
        let endpoint = etcd.endpoint();
        let (ours, theirs) = run::both(
            || Run::ours(["get", "fruit/apple"]).env("ETCDCTL_ENDPOINTS", &endpoint).outcome(),
            || Run::reference(["get", "fruit/apple"]).env("ETCDCTL_ENDPOINTS", &endpoint).outcome(),
        );
        ours.assert_same_answer(&theirs, "a variable");
        // What is on stdin is nothing to a read.
        agree_as(etcd, &["get", "fruit/apple"], |run| run.stdin(b"ignored"));
    });
}
