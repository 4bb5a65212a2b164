//! `txn` beside the official client: what it reads, what it prints, what it leaves in the store.

use crate::support::fake::{Fake, Kv};
use crate::support::live::Live;
use crate::support::{
    Etcd, FORMATS, Outcome, Run, Twins, agree_as, on_every_twins, on_path, on_the_newest_server,
    on_twins, reference_is_there,
};

const LEASE: i64 = 0x3dab_a202_0b66_5131;

/// Keys with a history, a lease, bytes that are no text.
fn fill(twins: &Twins) {
    twins.grant(LEASE, 600);
    for etcd in [&twins.ours, &twins.theirs] {
        etcd.put(b"key1", b"first");
        etcd.put(b"key1", b"second");
        etcd.put(b"key \"with\" space", b"value #");
        etcd.put(b"a/1", b"one");
        etcd.put(b"a/2", b"\xff\x00two\n");
        etcd.put(b"a/3", b"");
        etcd.put(b"caf\xc3\xa9", b"\xe6\x97\xa5");
    }
    twins.official(&["put", "leased", "v", "--lease", "3daba2020b665131"]);
}

/// Whole transactions: each decides, answers and changes as the official client's does.
const SCRIPTS: &[&str] = &[
    "\n\n\n",
    "val(\"key1\") = \"second\"\n\nput key1 third\nget key1\n\nput key1 never\n\n",
    "val(\"key1\") = \"second\"\n\nput key1 never\n\nput new \"created \\x23\"\nget missing\ndel missing\n\n",
    "ver(\"key1\") > \"0\"\nversion(\"missing\") = \"0\"\nc(\"key1\") != \"+1\"\ncreate(\"key1\") < \"1000\"\n\
     m(\"key1\") > \"-5\"\nmod(\"key1\") != \"0\"\nvalue(\"key1\") != \"x\"\n\nget key1\n\n\n",
    "value(\"key \\\"with\\\" space\") = \"value \\x23\"\n\nget \"key \\\"with\\\" space\"\nput 'single \\ quoted' 'a \"b\"'\n\n\n",
    "value(`caf\u{e9}`) = `\u{65e5}`\n\nget \"caf\\u00e9\" -w\n\n\n",
    "val( \"a/3\")   =\t\"\" whatever\n\nget a/ --prefix\nget a/ --prefix --keys-only\nge a/1 a/3 --limit 1\n\
     g '' --from-key --count-only\nget a/ --prefix --sort-by VALUE --order DESCEND --print-value-only\n\
     get key1 --rev 2\nget a/ --prefix --stream --consistency s --min-mod-rev 3\nget \"\" --prefix=true\n\n\n",
    "\r\n\r\nput crlf line\r\n\t get crlf \t\r\n \t \nnot read",
    "\n\nput k --prev-kv v\nput key1 --prev-kv fourth\nput leased --ignore-value --lease 3daba2020b665131\n\
     p leased2 v --lease=3daba2020b665131\n\n\n",
    "\n\nput leased --ignore-lease w\nput -- --dash -value\nput \"a\"\"b\"\nput k2 \"\"\n\n\n",
    "\n\ndel a/2 --prev-kv\ndel a/3 a/5 --range --prev-kv\nd single --prefix\ndel zzz --from-key\n\n\n",
    "\n\nput raw \u{fffd}x\"y\" surplus\nput back\\slash `a b`\nput open \"quote\n\n\n",
    "create(\"key1\") > \"0\"\nvalue(\"missing\") = \"x\"\n\n\n\n",
];

/// A transaction on each twin.
#[track_caller]
fn agree(twins: &Twins, args: &[&str], script: &str) -> Outcome {
    twins.agree_with_stdin(&[&["txn"], args].concat(), script.as_bytes())
}

/// The same of one server, where nothing is written.
#[track_caller]
fn agree_on_one(etcd: &Etcd, args: &[&str], script: &str) -> Outcome {
    agree_as(etcd, &[&["txn"], args].concat(), |run| run.stdin(script.as_bytes()))
}

/// Our answer alone.
fn ours_alone(etcd: &Etcd, args: &[&str], script: &str) -> Outcome {
    let endpoint = etcd.endpoint();
    let args = [&["--endpoints", &endpoint, "txn"], args].concat();
    Run::ours(args).stdin(script.as_bytes()).outcome()
}

#[test]
fn every_transaction_answers_in_every_format_and_leaves_the_same_store() {
    on_every_twins(|twins| {
        fill(twins);
        for format in FORMATS {
            for script in SCRIPTS {
                agree(twins, &["-w", format], script);
            }
        }
    });
}

#[test]
fn an_interactive_one_prompts_and_may_be_typed_on_a_bare_terminal() {
    on_every_twins(|twins| {
        fill(twins);
        for script in SCRIPTS {
            let outcome = agree(twins, &["-i"], script);
            assert!(outcome.text().starts_with("compares:\n"), "{outcome}");
            let typed = |client: fn(Vec<String>) -> Run, etcd: &Etcd| {
                let endpoint = etcd.endpoint();
                let args = ["--endpoints", &endpoint, "txn", "--interactive"].map(str::to_owned);
                let mut live = Live::on_terminal(client(args.to_vec()));
                live.wait_for_lines(1);
                live.type_unanswered(script);
                live.end()
            };
            let (ours, theirs) =
                (typed(Run::ours, &twins.ours), typed(Run::reference, &twins.theirs));
            let ends = [&ours, &theirs].map(|end| (end.status, end.last_error()));
            assert_eq!(ends[0], ends[1], "{script}");
            // What stands above a last line is each client's own.
            assert!(ours.status != 0 || ours == theirs, "{ours:?}\n{theirs:?}");
            assert_eq!(twins.ours.contents(), twins.theirs.contents());
            let args = ["txn", "--interactive=false"];
            twins.agree_as(&args, |run| run.stdin(script.as_bytes()).on_terminal());
        }
    });
}

#[test]
fn a_terminal_shows_the_official_prompts_on_lines_of_their_own() {
    on_twins(&["3.7"], |twins| {
        let script = "val(\"k\") = \"v\"\n\nput k never\n\nput k v\n\n";
        let outcome = agree(twins, &["--interactive"], script);
        outcome.assert_prints(
            "compares:\nsuccess requests (get, put, del):\nfailure requests (get, put, del):\nFAILURE\n\nOK\n",
        );
    });
}

#[test]
fn hex_shows_keys_and_values_and_ids() {
    on_every_twins(|twins| {
        fill(twins);
        for format in FORMATS {
            let script = "\n\nget leased\nput leased --prev-kv x\ndel leased --prev-kv\n\n\n";
            agree(twins, &["--hex", "-w", format], &script.replace("del leased", "del key1"));
        }
    });
}

#[test]
fn errors_are_word_for_word_and_change_nothing() {
    on_the_newest_server(|etcd| {
        etcd.put(b"key1", b"value");
        let before = etcd.contents();
        for line in [
            "foo",
            "ver(key1) = \"2\"",
            "ver(\"key1\")= \"2\"",
            "ver(\"key1\") =\"2\"",
            "ver(\"key1\") = 2",
            "ver(\"key1\") = '2'",
            "ver(\"key1\"",
            "ver(\"key1",
            "ver(\"key1\")",
            "ver (\"key1\") = \"2\"",
            "ver(\"key1\" ) = \"2\"",
            "ver(\"\\q\") = \"2\"",
            "ver('key1') = \"2\"",
            "foo(\"key1\") = \"2\"",
            "VER(\"key1\") = \"2\"",
            "(\"key1\") = \"2\"",
            "ver(\"key1\") = \"x\"",
            "ver(\"key1\") = \"0x10\"",
            "mod(\"key1\") >= \"x\"",
            "c(\"key1\") = \"9223372036854775808\"",
            "m(\"key1\") = \"\"",
            "(",
            "ver(\"k\u{e9}\n\") = \"1\"",
        ] {
            let outcome = agree_on_one(etcd, &[], &format!("{line}\n\n\n\n"));
            assert_eq!(outcome.status, 3, "{outcome}");
        }
        for line in [
            "get",
            "x",
            "''",
            "bogus k v",
            "p",
            "get \"\\q\"",
            "put k v --bogus",
            "put k v -w json",
            "put k v --endpoints x:1",
            "--write-out json put k v",
            "get k --limit x",
            "get k --limit",
            "get --prefix",
            "get k --consistency S",
            "get k --order up",
            "get k --sort-by name",
            "get k --prefix --from-key",
            "get a b --prefix",
            "get k --keys-only --count-only",
            "get k --min-mod-rev 5 --max-mod-rev 3",
            "put k",
            "put --lease 0",
            "put k v --ignore-value",
            "put k v --lease zz",
            "del a b c",
            "del k --prefix --from-key",
            "del --prefix --range",
            "txn k",
        ] {
            for script in [format!("\n{line}\n\n\n"), format!("\n\n{line}\n\n")] {
                let outcome = agree_on_one(etcd, &[], &script);
                assert!([3, 4, 128].contains(&outcome.status), "{outcome}");
            }
        }
        // The server's own.
        for lines in [
            "put k v --ignore-lease\n",
            "put k v --lease 77\n",
            "put '' v\n",
            "get ''\n",
            "put k v\nput k w\n",
            "put k v\ndel k\n",
            "get k --rev 1000000\n",
            &"get k\n".repeat(129),
        ] {
            let outcome = agree_on_one(etcd, &[], &format!("\n{lines}\n\n"));
            assert_eq!(outcome.status, 1, "{outcome}");
        }
        agree_on_one(etcd, &["word"], "\n\n\n")
            .assert_fails(128, "txn command does not accept argument");
        assert_eq!(agree_on_one(etcd, &["-w", "bogus"], "foo\n").status, 4);
        agree_on_one(etcd, &[], "").assert_fails(3, "EOF");
        assert_eq!(etcd.contents(), before);
    });
}

#[test]
fn the_cause_names_the_line_and_what_is_wrong_with_it() {
    on_the_newest_server(|etcd| {
        let outcome = ours_alone(etcd, &[], "\nget k\nput k v --bogus\n\n\n");
        assert!(
            outcome.said().starts_with("standard input, line 3: unknown flag: --bogus\n"),
            "{outcome}"
        );
        // Whoever types sees the line above.
        let outcome = ours_alone(etcd, &["-i"], "foo\n");
        assert!(outcome.said().starts_with("hint: a comparison looks like"), "{outcome}");
    });
}

#[test]
fn a_put_without_a_value_reads_what_the_official_client_leaves_unread() {
    on_twins(&["3.7", "3.4"], |twins| {
        let head = "\nput key\n\n\n";
        agree(twins, &[], head)
            .assert_fails(128, "put command needs 1 argument and input from stdin or 2 arguments");
        // It reads 4096 bytes ahead; the value begins behind them.
        for length in [4095, 4096, 4097, 9000] {
            let script = format!("{head}{}", "x".repeat(length - head.len()));
            let outcome = agree(twins, &[], &script);
            assert_eq!(outcome.status == 0, length > 4096, "{outcome}");
        }
        // Whoever types ends the value, and goes on.
        let typed = b"\nput key\nvalue\n\x04get key\n\n\n";
        twins.agree_as(&["txn"], |run| run.stdin(typed).on_terminal());
    });
}

#[test]
fn a_range_to_delete_is_announced_and_waits() {
    on_twins(&["3.7"], |twins| {
        fill(twins);
        let begun = std::time::Instant::now();
        let outcome = agree(twins, &[], "val(\"key1\") = \"no\"\n\ndel a/1 a/3\n\nput k v\n\n");
        assert!(begun.elapsed().as_secs() >= 2, "no pause\n{outcome}");
        assert!(
            outcome.said().starts_with("Warning: Keys between \"a/1\" and \"a/3\""),
            "{outcome}"
        );
    });
}

#[test]
fn on_purpose_two_equal_signs_and_leases_compare() {
    on_twins(&["3.7", "3.6", "3.5", "3.4"], |twins| {
        fill(twins);
        for (line, holds) in [
            ("val(\"key1\") == \"second\"", true),
            ("ver(\"key1\") == \"1\"", false),
            ("lease(\"leased\") = \"3daba2020b665131\"", true),
            ("lease(\"leased\") == \"4443823586996015409\"", true),
            ("lease(\"leased\") != \"0\"", true),
            ("lease(\"key1\") > \"0\"", false),
        ] {
            let script = format!("{line}\n\n\n\n");
            let wanted = if holds { "SUCCESS\n" } else { "FAILURE\n" };
            ours_alone(&twins.ours, &[], &script).assert_prints(wanted);
        }
    });
    on_the_newest_server(|etcd| {
        for line in ["val(\"k\") >= \"1\"", "ver(\"k\") <> \"1\"", "lease(\"k\") = \"zz\""] {
            let official = Run::reference(["--endpoints", &etcd.endpoint(), "txn"])
                .stdin(format!("{line}\n\n\n\n").as_bytes())
                .outcome();
            assert!(official.said().contains("panic"), "{official}");
            let outcome = ours_alone(etcd, &[], &format!("{line}\n\n\n\n"));
            assert!(outcome.status == 3 && outcome.last_error().is_some(), "{outcome}");
        }
    });
}

#[test]
fn on_purpose_the_end_of_the_input_ends_the_section() {
    on_the_newest_server(|etcd| {
        for (script, wanted) in [
            ("\n\n", "SUCCESS\n"),
            ("\n", "SUCCESS\n"),
            ("val(\"k\") = \"no\"", "FAILURE\n"),
            ("\nput k v", "SUCCESS\n\nOK\n"),
            ("val(\"k\") = \"v\"\n\nget k\n\nput k never", "SUCCESS\n\nk\nv\n"),
            ("ver(\"k\") = \"0\"\n\nput k never\n\nget k\n", "FAILURE\n\nk\nv\n"),
        ] {
            ours_alone(etcd, &[], script).assert_prints(wanted);
        }
    });
}

#[test]
fn on_purpose_help_within_a_line_is_printed_and_ends_as_an_error() {
    on_the_newest_server(|etcd| {
        for line in ["put --help", "get k -h", "help del", "h p"] {
            let outcome = ours_alone(etcd, &[], &format!("\n{line}\n\n\n"));
            outcome.assert_fails(3, &format!("invalid txn request: {line}"));
            assert!(outcome.text().contains("Usage: etcdctl "), "{outcome}");
        }
    });
}

#[test]
fn on_purpose_a_table_has_the_decision_and_a_table_for_each_answer() {
    on_twins(&["3.7"], |twins| {
        fill(twins);
        let script =
            "\n\nget a/ --prefix --limit 2\nput key1 x --prev-kv\ndel a/1 --prev-kv\ndel zzz\n\n";
        let outcome = ours_alone(&twins.ours, &["-w", "table"], script);
        assert!(outcome.status == 0 && outcome.stderr.is_empty(), "{outcome}");
        let text = outcome.text();
        assert_eq!(text.matches('┌').count(), 1, "{outcome}");
        let script =
            "\nget a/ --prefix --limit 2\nput key1 x --prev-kv\ndel a/1 --prev-kv\ndel zzz\n\n\n";
        let outcome = ours_alone(&twins.ours, &["-w", "table"], script);
        let text = outcome.text();
        assert_eq!(text.matches('┌').count(), 5, "{outcome}");
        for cell in
            ["SUCCEEDED", "true", "a/2", "\\xff\\x00two\\n", "PREVVALUE", "second", "DELETED"]
        {
            assert!(text.contains(cell), "{cell}\n{outcome}");
        }
        assert_eq!(agree_on_one(&twins.theirs, &["-w", "raw"], "\n\n\n").status, 4);
    });
}

#[test]
fn our_own_formats_have_the_names_of_json() {
    on_the_newest_server(|etcd| {
        etcd.put(b"k", b"v");
        let script = "\nget k\nput k w\ndel missing\n\n\n";
        let outcome = ours_alone(etcd, &["-w", "jsonl"], script);
        let line: serde_json::Value = serde_json::from_slice(&outcome.stdout).expect("one object");
        assert_eq!(outcome.text().lines().count(), 1);
        assert_eq!(line["succeeded"], true);
        let answers = line["responses"].as_array().expect("a list");
        assert_eq!(answers.len(), 3);
        assert_eq!(answers[0]["Response"]["response_range"]["kvs"][0]["value"], "v");
        assert!(answers[1]["Response"]["response_put"]["header"]["revision"].is_number());
        assert_eq!(answers[2]["Response"]["response_delete_range"]["deleted"], 0);
        let yaml = ours_alone(etcd, &["-w", "yaml"], script);
        assert!(
            yaml.text().starts_with("---\nheader:\n") && yaml.text().contains("succeeded: true\n")
        );
    });
}

#[test]
fn a_file_holds_the_same_sections() {
    on_twins(&["3.7"], |twins| {
        fill(twins);
        let folder = tempfile::TempDir::new().expect("a folder");
        let path = folder.path().join("script");
        let path = path.to_str().expect("a name that is text");
        for script in &SCRIPTS[1..6] {
            std::fs::write(path, script).expect("could not write a script");
            let from_file = ours_alone(&twins.ours, &["-f", path], "");
            let from_stdin = Run::reference(["--endpoints", &twins.theirs.endpoint(), "txn"])
                .stdin(script.as_bytes())
                .outcome();
            from_file.assert_same_answer(&from_stdin, "a file");
            assert_eq!(twins.ours.contents(), twins.theirs.contents());
        }
        // A value that no line holds still comes from standard input.
        std::fs::write(path, "\nput value\nget value\n").expect("could not write a script");
        ours_alone(&twins.ours, &["--file", path], "from\nstdin")
            .assert_prints("SUCCESS\n\nOK\n\nvalue\nfrom\nstdin\n");
        std::fs::write(path, "\nput value\n\nbogus x\n").expect("could not write a script");
        let outcome = ours_alone(&twins.ours, &["--file", path], "x");
        outcome.assert_fails(3, "invalid txn request: bogus x");
        assert!(outcome.said().starts_with(&format!("{path}, line 4: ")), "{outcome}");
        ours_alone(&twins.ours, &["-f", "-"], "\nget k\n").assert_prints("SUCCESS\n\n");
        let missing = ours_alone(&twins.ours, &["-f", "/nonexistent/script"], "");
        assert!(
            missing.status == 128 && missing.said().contains("/nonexistent/script"),
            "{missing}"
        );
    });
}

#[test]
fn a_transaction_is_sent_once() {
    if !reference_is_there() {
        return;
    }
    let fake = || Fake::kv(Kv { unavailable: 3, ..Kv::default() });
    // The official client counts its own calls: one server for each.
    let (one, other) = (fake(), fake());
    let run = |run: Run| run.stdin(b"\n\n\n").outcome();
    let ours = run(Run::ours(["--endpoints", &one.endpoint(), "txn"]));
    let theirs = run(Run::reference(["--endpoints", &other.endpoint(), "txn"]));
    ours.assert_same_answer(&theirs, "an unavailable server");
    assert_eq!((one.calls(), other.calls()), (1, 1));
}

#[test]
fn on_purpose_nobody_waits_for_ever_for_a_server_that_is_not_there() {
    let nobody = Fake::refusing();
    let args = ["--endpoints", &nobody.endpoint(), "--dial-timeout", "200ms", "txn"];
    let outcome = Run::ours(args).stdin(b"\n\n\n").outcome();
    outcome.assert_fails(1, "context deadline exceeded");
}

#[test]
fn the_login_comes_before_the_first_line_is_read() {
    on_the_newest_server(|etcd| {
        for (path, question) in [
            ("/v3/auth/role/add", r#"{"name":"root"}"#),
            ("/v3/auth/user/add", r#"{"name":"root","password":"secret"}"#),
            ("/v3/auth/user/grant", r#"{"user":"root","role":"root"}"#),
            ("/v3/auth/enable", "{}"),
        ] {
            // Some servers have the role from the start.
            let _ = etcd.asked(path, question);
        }
        let script = "\nget key\n\n\n";
        assert!(agree_on_one(etcd, &["--user", "root:secret"], script).status == 0);
        // Faults of what is not read yet are not told, and nothing is asked for.
        for script in [script, "bogus\n", ""] {
            for args in [&["--user", "root:wrong", "-i"][..], &["--user", "who:ever"]] {
                assert_eq!(agree_on_one(etcd, args, script).status, 2);
            }
        }
        assert_eq!(agree_on_one(etcd, &["-i"], script).status, 1);
        if on_path("stty").is_some() {
            // The password is the first line, and the sections are what follows it.
            let script = format!("secret\n{script}");
            let outcome = agree_on_one(etcd, &["--user", "root", "-i"], &script);
            assert!(outcome.text().starts_with("Password: \ncompares:\n"), "{outcome}");
        }
    });
}
