//! The flags that every command takes, the variables behind them, and the grammar of the command line.

use crate::support::{
    Etcd, FORMATS, Outcome, Run, Twins, agree, agree_as, on_every_server, on_the_newest_server,
    on_twins, ours, reference_is_there, run, words,
};

fn scene(etcd: &Etcd) {
    for i in 0..20 {
        etcd.put(format!("fruit/{i:02}").as_bytes(), b"value");
    }
    etcd.put(b"foo", b"bar");
    etcd.put(b"false", b"is a key");
    etcd.put(b"-dash", b"dashed");
}

/// Both clients, without an endpoint of the test's.
#[track_caller]
fn agree_alone(args: &[&str]) -> Outcome {
    agree_alone_as(args, |run| run)
}

#[track_caller]
fn agree_alone_as(args: &[&str], with: impl Fn(Run) -> Run + Sync) -> Outcome {
    let (ours, theirs) =
        run::both(|| with(Run::ours(args)).outcome(), || with(Run::reference(args)).outcome());
    ours.assert_same_answer(&theirs, "no endpoint given");
    ours
}

#[test]
fn flags_stand_anywhere_and_in_every_spelling() {
    on_the_newest_server(|etcd| {
        scene(etcd);
        for line in [
            "-w json get foo",
            "get -w json foo",
            "get foo -w json",
            "get foo -wjson",
            "get foo -w=json",
            "get foo --write-out=json",
            "get foo --write-out json",
            "-wfields --hex get foo",
            "-w json get foo -w fields",
            "-w json -w simple get foo",
            "--hex=true get foo",
            "--hex=1 get foo",
            "--hex=T get foo",
            "--hex --hex=false get foo",
            "get foo --hex=F",
            "get false",
            "get --hex false foo",
            "get --prefix=TRUE fruit/",
            "get --prefix=0 foo",
            "get --prefix --prefix=false foo",
            "get --limit 3 --limit 2 --prefix fruit/",
            "get --limit 0x3 --prefix fruit/",
            "get --limit 0X3 --prefix fruit/",
            "get --limit 0o3 --prefix fruit/",
            "get --limit 03 --prefix fruit/",
            "get --limit 0b11 --prefix fruit/",
            "get --limit 1_0 --prefix fruit/",
            "get --limit 0x_a --prefix fruit/",
            "get --limit +3 --prefix fruit/",
            "get --prefix fruit/ --limit=3",
            "get -- foo",
            "get -- -dash",
            "get --keys-only -- -dash",
            "get foo --",
            "get --from-key -- foo",
            "ge foo",
            "g foo",
            "--dial-timeout=0s get foo",
            "--command-timeout=1.1s get foo",
            "--command-timeout 1m0.5s get foo",
            "--command-timeout=9000ms --dial-timeout 2s500ms get foo",
            "--keepalive-time 0 --keepalive-timeout=1h2m3s4ms5us6ns get foo",
            "--keepalive-time=.5s get foo",
            "--insecure-transport get foo",
            "--insecure-transport=true get foo",
            "--insecure-discovery=false get foo",
            "--discovery-srv= get foo",
            "--user= get foo",
            "--password secret get foo",
            "--max-recv-bytes 0x400 --max-request-bytes 0x200 get foo",
        ] {
            let outcome = agree(etcd, &words(line));
            assert!(outcome.status == 0, "{outcome}");
        }
    });
}

#[test]
fn short_command_names_write_too() {
    on_twins(&["3.7"], |twins| {
        twins.agree(&["p", "k", "v"]);
        twins.agree(&["pu", "k", "w", "--prev-kv"]);
        twins.agree(&["de", "k", "--prev-kv"]);
    });
}

#[test]
fn a_command_line_that_cannot_be_parsed_fails_alike() {
    if !reference_is_there() {
        return;
    }
    for line in [
        "gett foo",
        "foo",
        "ls",
        "de",
        "e foo",
        "--bogus",
        "--bogus get foo",
        "get foo --bogus=1",
        "get foo --no-hex",
        "--version",
        "-v",
        "get foo -x",
        "get foo -vw json",
        "get foo -w",
        "get foo --write-out",
        "get foo --",
        "--debug=maybe get foo",
        "--hex=yes get foo",
        "--hex= get foo",
        "get foo --hex=TrUe",
        "--dial-timeout 5 get foo",
        "--dial-timeout= get foo",
        "--dial-timeout x get foo",
        "--dial-timeout 1x get foo",
        "--dial-timeout . get foo",
        "--dial-timeout 1 get foo",
        "--dial-timeout 1s2 get foo",
        "--dial-timeout 9999999h get foo",
        "--command-timeout 5sec get foo",
        "--keepalive-time --hex get foo",
        "--max-recv-bytes 1_ get foo",
        "--max-recv-bytes 0x get foo",
        "--max-recv-bytes 08 get foo",
        "--max-recv-bytes _1 get foo",
        "--max-recv-bytes 1__0 get foo",
        "--max-recv-bytes 99999999999999999999 get foo",
        "--max-request-bytes abc get foo",
        "--endpoints \"a get foo",
        "--endpoints a\"b get foo",
        "--= get foo",
        "---x get foo",
        "--hex --endpoints",
    ] {
        // A line that parses after all must not wait long for the default endpoint.
        let mut args = words(line);
        if line == "get foo --" {
            args = words("get foo --dial-timeout=100ms --command-timeout=100ms --");
        }
        let outcome = agree_alone(&args);
        assert!(outcome.status != 0, "{outcome}");
    }
}

#[test]
fn flag_values_that_contradict_each_other_fail_alike() {
    on_the_newest_server(|etcd| {
        for line in [
            "-w xml get foo",
            "-w Simple get foo",
            // The value is `=`: only with more behind it is that a separator.
            "-w= get foo",
            "--cert= get foo",
            "--cert x get foo",
            "--key x get foo",
            "--key= get foo",
            "--cacert= get foo",
            "--cacert missing.pem get foo",
            "--cert missing.pem --key missing.pem get foo",
            "--cert= -w xml get foo",
            "--max-recv-bytes 100 --max-request-bytes 200 get foo",
            "get --prefix false foo",
        ] {
            let outcome = agree(etcd, &words(line));
            assert!(outcome.status != 0, "{outcome}");
        }
        scene(etcd);
        let outcome =
            agree(etcd, &words("--max-recv-bytes 400 --max-request-bytes 100 get fruit/ --prefix"));
        assert!(outcome.status == 1, "{outcome}");
    });
}

#[test]
fn endpoints_are_comma_separated_and_repeatable() {
    on_the_newest_server(|etcd| {
        scene(etcd);
        let (url, address, port) = (etcd.endpoint(), etcd.address(), etcd.port());
        for endpoints in [
            address.clone(),
            format!("{address},{url}"),
            format!("\"{address}\",\"{url}\""),
            format!(" {address} , {url} "),
            format!("localhost:{port}"),
            format!("http://localhost:{port}"),
            format!(":{port}"),
        ] {
            let outcome = agree_alone(&["--endpoints", &endpoints, "get", "foo", "-w", "json"]);
            assert!(outcome.status == 0, "{outcome}");
        }
        let twice = ["--endpoints", &address, "get", "foo", "--endpoints", &url];
        assert!(agree_alone(&twice).status == 0);
        for none in ["", ","] {
            agree_alone(&["--endpoints", none, "get", "foo", "--command-timeout", "300ms"]);
        }
    });
}

#[test]
fn variables_mean_what_flags_mean() {
    on_every_server(|etcd| {
        scene(etcd);
        for (name, value) in [
            ("ETCDCTL_WRITE_OUT", "json"),
            ("ETCDCTL_WRITE_OUT", "fields"),
            ("ETCDCTL_WRITE_OUT", ""),
            ("ETCDCTL_WRITE_OUT", "xyz"),
            ("ETCDCTL_HEX", "true"),
            ("ETCDCTL_HEX", "1"),
            ("ETCDCTL_HEX", ""),
            ("ETCDCTL_DIAL_TIMEOUT", "1s"),
            ("ETCDCTL_COMMAND_TIMEOUT", "1m"),
            ("ETCDCTL_MAX_REQUEST_BYTES", "0x100"),
            ("ETCDCTL_INSECURE_TRANSPORT", "true"),
            ("ETCDCTL_CERT", "missing.pem"),
            ("ETCDCTL_PASSWORD", "secret"),
        ] {
            agree_as(etcd, &["get", "foo"], |run| run.env(name, value));
        }
        let endpoint = etcd.endpoint();
        for args in [&["get", "foo"][..], &["get", "fruit/", "--prefix", "-w", "json"]] {
            let outcome = agree_alone_as(args, |run| run.env("ETCDCTL_ENDPOINTS", &endpoint));
            assert!(outcome.status == 0, "{outcome}");
        }
    });
}

#[test]
fn argument_errors_come_before_the_variables() {
    if !reference_is_there() {
        return;
    }
    let with = |run: Run| run.env("ETCDCTL_WRITE_OUT", "xyz").env("ETCDCTL_FOO", "x");
    agree_alone_as(&["get"], with);
    agree_alone_as(&["del", "a", "b", "c"], with);
    agree_alone_as(&["get", "--bogus"], with);
}

#[test]
fn on_purpose_the_flag_wins_silently_over_its_variable() {
    on_the_newest_server(|etcd| {
        scene(etcd);
        let args = ["--endpoints", &etcd.endpoint(), "-w", "simple", "get", "foo"];
        let with = |run: Run| {
            run.env("ETCDCTL_ENDPOINTS", "http://127.0.0.1:1").env("ETCDCTL_WRITE_OUT", "xyz")
        };
        with(Run::ours(args)).outcome().assert_prints("foo\nbar\n");
        assert!(with(Run::reference(args)).outcome().status == 1);
    });
}

#[test]
fn on_purpose_etcdctl_api_3_is_silent_and_2_is_warned_about_once() {
    on_the_newest_server(|etcd| {
        scene(etcd);
        let args = ["--endpoints", &etcd.endpoint(), "get", "foo"];
        Run::ours(args).env("ETCDCTL_API", "3").outcome().assert_prints("foo\nbar\n");
        let outcome = Run::ours(args).env("ETCDCTL_API", "2").outcome();
        let said = outcome.said();
        assert!(outcome.status == 0 && outcome.text() == "foo\nbar\n", "{outcome}");
        assert!(said.lines().count() == 1 && said.contains("ETCDCTL_API"), "{outcome}");
    });
}

#[test]
fn on_purpose_an_unknown_variable_is_warned_about_without_its_value() {
    on_the_newest_server(|etcd| {
        scene(etcd);
        let args = ["--endpoints", &etcd.endpoint(), "get", "foo"];
        let with = |run: Run| run.env("ETCDCTL_PASWORD", "hunter2");
        let (ours, theirs) =
            (with(Run::ours(args)).outcome(), with(Run::reference(args)).outcome());
        assert!(ours.status == 0 && ours.stdout == theirs.stdout, "{ours}");
        assert!(ours.said().contains("ETCDCTL_PASWORD"), "{ours}");
        assert!(!ours.said().contains("hunter2"), "{ours}");
        assert!(theirs.said().contains("hunter2"), "{theirs}");
    });
}

#[test]
fn on_purpose_an_unparsable_variable_is_an_error_that_names_it() {
    on_the_newest_server(|etcd| {
        scene(etcd);
        for (name, value) in [
            ("ETCDCTL_DIAL_TIMEOUT", "5"),
            ("ETCDCTL_COMMAND_TIMEOUT", "abc"),
            ("ETCDCTL_HEX", "bogus"),
            ("ETCDCTL_MAX_RECV_BYTES", "1.5"),
        ] {
            let args = ["--endpoints", &etcd.endpoint(), "get", "foo"];
            let ours = Run::ours(args).env(name, value).outcome();
            let error = String::from_utf8_lossy(ours.last_error().unwrap_or_default()).into_owned();
            assert!(ours.status == 1 && error.contains(name) && ours.stdout.is_empty(), "{ours}");
            assert!(Run::reference(args).env(name, value).outcome().status == 0);
        }
    });
}

#[test]
fn on_purpose_a_variable_is_read_only_by_commands_that_talk_to_a_server() {
    let ours = Run::ours(["version"]).env("ETCDCTL_HEX", "bogus").env("ETCDCTL_FOO", "x").outcome();
    assert!(ours.status == 0 && ours.stderr.is_empty(), "{ours}");
}

#[test]
fn on_purpose_one_dash_before_a_long_flag_is_enough() {
    on_the_newest_server(|etcd| {
        scene(etcd);
        for (short, long) in [
            ("get fruit/ --prefix -keys-only", "get fruit/ --prefix --keys-only"),
            ("get fruit/ -prefix -limit=2", "get fruit/ --prefix --limit=2"),
            ("get fruit/ -prefix -limit 2", "get fruit/ --prefix --limit 2"),
            ("-command-timeout 1s get foo", "--command-timeout 1s get foo"),
        ] {
            let wanted = agree(etcd, &words(long));
            ours(etcd, &words(short)).assert_prints(&wanted.text());
        }
        // `-w` takes the rest of its word and `-h` is help, as they always were.
        agree(etcd, &words("get foo -hex"));
        agree(etcd, &words("get foo -write-out=json"));
    });
}

#[test]
fn on_purpose_a_local_flag_may_stand_before_its_command() {
    on_the_newest_server(|etcd| {
        scene(etcd);
        for (before, after) in [
            ("--prefix get fruit/", "get fruit/ --prefix"),
            ("--keys-only --prefix get fruit/", "get fruit/ --prefix --keys-only"),
            ("--limit 2 --prefix get fruit/", "get fruit/ --prefix --limit 2"),
            ("--limit=2 --prefix get fruit/", "get fruit/ --prefix --limit 2"),
        ] {
            let wanted = agree(etcd, &words(after));
            ours(etcd, &words(before)).assert_prints(&wanted.text());
        }
    });
}

#[test]
fn on_purpose_an_impossible_format_changes_nothing() {
    on_twins(&["3.7"], |twins: &Twins| {
        twins.official(&["put", "key", "value"]);
        let before = twins.ours.contents();
        for format in ["bogus", "raw", "Table"] {
            ours(&twins.ours, &["put", "key", "other", "-w", format])
                .assert_fails(4, "unsupported output format");
            ours(&twins.ours, &["del", "key", "-w", format])
                .assert_fails(4, "unsupported output format");
        }
        assert_eq!(twins.ours.contents(), before);
    });
}

#[test]
fn on_purpose_debug_never_shows_a_secret() {
    on_the_newest_server(|etcd| {
        scene(etcd);
        let args =
            ["--debug", "--password", "hunter2", "--endpoints", &etcd.endpoint(), "get", "foo"];
        let outcome = Run::ours(args).outcome();
        assert!(outcome.status == 0 && outcome.text() == "foo\nbar\n", "{outcome}");
        assert!(!outcome.said().contains("hunter2"), "{outcome}");
    });
}

#[test]
fn the_clients_may_be_told_where_to_go_on_a_terminal_by_variables_alone() {
    on_the_newest_server(|etcd| {
        scene(etcd);
        for format in FORMATS {
            let with = |run: Run| {
                run.env("ETCDCTL_ENDPOINTS", etcd.address()).env("ETCDCTL_WRITE_OUT", format)
            };
            let (ours, theirs) = run::both(
                || with(Run::ours(["get", "fruit/", "--prefix"])).on_terminal(),
                || with(Run::reference(["get", "fruit/", "--prefix"])).on_terminal(),
            );
            ours.assert_same_answer(&theirs, "a terminal");
        }
    });
}

#[test]
fn the_overview_names_every_command_once() {
    let help = Run::ours(["--help"]).outcome().text();
    let mut listed: Vec<&str> = help
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next())
        .collect();
    listed.sort_unstable();
    let root = etcdctl::cli::command();
    let mut commands: Vec<&str> = root
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
        .map(clap::Command::get_name)
        .collect();
    commands.sort_unstable();
    assert_eq!(listed, commands, "{help}");
}
