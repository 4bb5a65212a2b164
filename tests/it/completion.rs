//! `__complete`: what may come next on a line. And what the binary prints for others to install:
//! `completions/` and `man/`. The shells themselves are in `shells.rs`.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::support::{Etcd, Outcome, Run, SERVERS, project, skipped, words};

/// Candidates without descriptions, and the directive.
const LINES: [(&str, &str, &str); 27] = [
    ("g", "get", "4"),
    ("ver", "version", "4"),
    ("ma", "make-mirror", "4"),
    ("man", "", "4"),
    ("nosuch ''", "", "4"),
    ("get --keys", "--keys-only", "36"),
    ("get -keys", "-keys-only", "36"),
    ("g --keys", "--keys-only", "36"),
    ("get --keys-only --keys", "", "36"),
    ("get --write", "--write-out", "36"),
    ("get -w", "-w -write-out", "36"),
    ("get --bogus --keys", "", "4"),
    ("get --consistency ''", "l s", "36"),
    ("get --consistency=", "l s", "36"),
    ("get --order A", "ASCEND", "36"),
    ("get --sort-by=M", "MODIFY", "36"),
    ("get --keys-only=", "true false", "36"),
    ("get --limit ''", "", "36"),
    ("-w ''", "simple json fields table protobuf yaml jsonl raw", "36"),
    ("put -w ''", "simple json fields table protobuf yaml jsonl", "36"),
    ("get -w=j", "json jsonl", "36"),
    ("--cacert ''", "", "0"),
    ("get --cert=/et", "", "0"),
    ("completion ''", "bash zsh fish powershell", "36"),
    ("help p", "put", "4"),
    ("put key ''", "", "4"),
    ("get a --prefix ''", "", "4"),
];

#[test]
fn commands_flags_and_values_are_offered() {
    for (line, candidates, directive) in LINES {
        let outcome = Run::ours(words(&format!("__completeNoDesc {line}"))).outcome();
        let (found, last) = offered(&outcome);
        assert_eq!(found.join(" "), candidates, "{line}");
        assert_eq!(last, directive, "{line}");
    }
}

#[test]
fn candidates_bear_descriptions_where_they_are_asked_for() {
    let outcome = Run::ours(["__complete", "get", "--keys"]).outcome();
    assert_eq!(outcome.text(), "--keys-only\tLeave the values out\n:36\n");
    assert_eq!(
        outcome.said(),
        "Completion ended with directive: ShellCompDirectiveNoFileComp, ShellCompDirectiveKeepOrder\n"
    );
    let bare = Run::ours(["__completeNoDesc", "get", "--keys"]).outcome();
    assert_eq!(bare.text(), "--keys-only\n:36\n");
}

#[test]
fn hidden_commands_are_not_offered_and_all_others_are() {
    let (found, _) = offered(&Run::ours(["__completeNoDesc", ""]).outcome());
    assert!(found.iter().any(|name| name == "get") && found.iter().any(|name| name == "help"));
    assert!(found.iter().all(|name| name != "man" && !name.starts_with('_')), "{found:?}");
}

#[test]
fn the_words_of_the_question_are_no_flags_of_ours() {
    let outcome = Run::ours(["__completeNoDesc", "--hel"]).outcome();
    assert_eq!(outcome.text(), "--help\n:36\n");
    Run::ours(["__complete"])
        .outcome()
        .assert_fails(1, "requires at least 1 arg(s), only received 0");
}

#[test]
fn variables_that_mean_nothing_are_not_warned_about() {
    let run = Run::ours(["__complete", "g"]).env("ETCDCTL_ACTIVE_HELP", "0").env("ETCDCTL_X", "1");
    assert_eq!(run.outcome().said().lines().count(), 1);
}

#[test]
fn keys_are_offered_a_level_at_a_time() {
    on_all_servers(|etcd| {
        for key in
            ["/registry/pods/a/x", "/registry/pods/a/y", "/registry/pods/b/z", "/registry/ok"]
        {
            etcd.put(key.as_bytes(), b"");
        }
        for (line, candidates, directive) in [
            ("get ''", "/registry/ok /registry/pods/", "6"),
            ("get /re", "/registry/ok /registry/pods/", "6"),
            ("get /registry/pods", "/registry/pods/a/ /registry/pods/b/", "6"),
            ("get /registry/pods/a/", "/registry/pods/a/x /registry/pods/a/y", "4"),
            ("get /registry/pods/b/", "/registry/pods/b/z", "4"),
            ("get /nosuch", "", "4"),
            ("del /registry/o", "/registry/ok", "4"),
            ("del a /registry/o", "/registry/ok", "4"),
            ("put /registry/o", "/registry/ok", "4"),
            ("get --limit 5 -- /registry/o", "/registry/ok", "4"),
        ] {
            offers(etcd, line, candidates, directive);
        }
        offers(etcd, "--endpoints 127.0.0.1:1 get /", "", "4");
    });
}

#[test]
fn a_level_of_many_keys_is_read_by_jumps() {
    on_all_servers(|etcd| {
        let mut keys: Vec<String> = Vec::new();
        for name in ["configmaps", "events", "minions", "pods", "podtemplates", "secrets"] {
            keys.extend((0..700).map(|n| format!("/registry/{name}/ns{}/{n}", n % 7)));
        }
        keys.push("/registry/ä".to_owned());
        put_all(etcd, &keys);
        let expected = "configmaps/ events/ minions/ pods/ podtemplates/ secrets/ ä"
            .split(' ')
            .map(|name| format!("/registry/{name}"))
            .collect::<Vec<_>>()
            .join(" ");
        offers(etcd, "get /registry/", &expected, "6");
    });
}

#[test]
fn more_names_than_anybody_reads_are_cut_to_what_they_have_in_common() {
    on_all_servers(|etcd| {
        let keys: Vec<String> =
            (0..3500).map(|n| format!("/a/x{n}")).chain(["/a/y".into()]).collect();
        put_all(etcd, &keys);
        offers(etcd, "get /a/", "/a/x /a/y", "6");
    });
}

#[test]
fn a_key_that_a_shell_would_take_apart_is_offered_only_to_scripts_that_quote() {
    let etcd = Etcd::start();
    for key in [&b"/k/$(reboot)"[..], b"/k/a b", b"/k/it's", b"/k/tab\t", b"/k/\xff", b"/k/plain"] {
        etcd.put(key, b"");
    }
    offers(&etcd, "get /k/", "/k/plain", "4");
    let quoting = question(&etcd, "get /k/").env("ETCDCTL_COMPLETION_QUOTES", "1").outcome();
    assert_eq!(offered(&quoting).0, ["/k/$(reboot)", "/k/a b", "/k/it's", "/k/plain"]);
}

#[test]
fn a_password_on_the_line_or_in_a_variable_is_used_and_none_is_ever_asked_for() {
    // A cheap hash: it is checked within the 300 ms.
    let etcd = Etcd::with(&["--bcrypt-cost=4"]);
    etcd.put(b"/secret", b"");
    etcd.ask("/v3/auth/user/add", r#"{"name":"root","password":"pw"}"#);
    etcd.ask("/v3/auth/role/add", r#"{"name":"root"}"#);
    etcd.ask("/v3/auth/user/grant", r#"{"user":"root","role":"root"}"#);
    etcd.ask("/v3/auth/enable", "{}");
    offers(&etcd, "--user root:pw get /s", "/secret", "4");
    let end = Instant::now() + Duration::from_secs(60);
    let by_variable =
        || offered(&question(&etcd, "get /s").env("ETCDCTL_USER", "root:pw").outcome()).0;
    while by_variable() != ["/secret"] {
        assert!(Instant::now() < end, "{:?}", by_variable());
    }
    offers(&etcd, "--user root:wrong get /s", "", "4");
    offers(&etcd, "--user root --password-file - get /s", "", "4");
    let terminal = question(&etcd, "--user root get /s").on_terminal();
    assert!(terminal.text().starts_with(":4"), "{terminal}");
}

#[test]
fn a_dead_endpoint_costs_300_ms_and_no_words() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("could not take a port");
    let silent = silent.local_addr().expect("a bound socket has an address").to_string();
    for endpoint in ["127.0.0.1:1", &silent, "https://127.0.0.1:1"] {
        let times = (0..20).map(|_| {
            let begun = Instant::now();
            let outcome = Run::ours(["__complete", "--endpoints", endpoint, "get", "/"]).outcome();
            assert_eq!(outcome.text(), ":4\n", "{endpoint}");
            assert_eq!(outcome.said().lines().count(), 1, "{endpoint}: {outcome}");
            begun.elapsed()
        });
        // The best of many: other tests run beside this one.
        let best = times.min().unwrap_or_default();
        assert!(best < Duration::from_millis(450), "{endpoint}: {best:?}");
    }
}

#[test]
fn flags_that_cannot_be_meant_ask_no_server_and_say_nothing() {
    let etcd = Etcd::start();
    etcd.put(b"/k", b"");
    for line in [
        "--dial-timeout x get /",
        "--cacert /nosuch get /",
        "--cacert /dev/zero get /",
        "--auth-jwt-token \u{7} get /",
    ] {
        offers(&etcd, line, "", "4");
    }
    let variable = question(&etcd, "get /").env("ETCDCTL_DIAL_TIMEOUT", "x").outcome();
    assert_eq!(variable.text(), ":4\n");
    // What a command's own flags lack does not matter to its keys.
    offers(&etcd, "get --limit x /", "/k", "4");
}

#[test]
fn completions_are_what_the_program_prints() {
    for (shell, file) in [
        ("bash", "etcdctl.bash"),
        ("zsh", "_etcdctl"),
        ("fish", "etcdctl.fish"),
        ("powershell", "etcdctl.ps1"),
    ] {
        let path = project().join("completions").join(file);
        let kept = fs::read_to_string(&path).unwrap_or_default();
        let printed = Run::ours(["completion", shell]).outcome().text();
        assert!(
            !printed.is_empty() && kept == printed,
            "completions/{file} is stale: make generate"
        );
    }
}

#[test]
fn the_manual_is_what_the_program_writes() {
    let folder = tempfile::TempDir::new().expect("could not make a folder");
    let outcome = Run::ours([Path::new("man"), folder.path()]).outcome();
    outcome.assert_prints("");
    let (kept, written) = (pages(&project().join("man")), pages(folder.path()));
    assert!(kept.keys().eq(written.keys()), "man/ has other pages: make generate");
    for (name, text) in &written {
        assert!(kept.get(name) == Some(text), "man/{name} is stale: make generate");
    }
}

fn pages(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read_to_string(entry.path()).unwrap_or_default())
        })
        .collect()
}

/// The candidates and the directive of an answer.
#[track_caller]
fn offered(outcome: &Outcome) -> (Vec<String>, String) {
    assert_eq!(outcome.status, 0, "{outcome}");
    let text = outcome.text();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let last = lines.pop().unwrap_or_default();
    let directive = last.strip_prefix(':').unwrap_or_else(|| panic!("no directive\n{outcome}"));
    (lines, directive.to_owned())
}

fn question(etcd: &Etcd, line: &str) -> Run {
    Run::ours(words(&format!("__completeNoDesc {line}"))).env("ETCDCTL_ENDPOINTS", etcd.endpoint())
}

/// Asks until it offers this: candidates with blanks between, and the directive. It has 300 ms, which on a busy machine may
/// be too little many times.
#[track_caller]
fn offers(etcd: &Etcd, line: &str, candidates: &str, directive: &str) {
    let wanted = (candidates.to_owned(), directive.to_owned());
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let (words, directive) = offered(&question(etcd, line).outcome());
        let offered = (words.join(" "), directive);
        if offered == wanted {
            return;
        }
        assert!(Instant::now() < end, "{line}: {offered:?}, not {wanted:?}");
    }
}

fn on_all_servers(test: impl Fn(&Etcd)) {
    for minor in SERVERS {
        match Etcd::version(minor) {
            Some(etcd) => test(&etcd),
            None => skipped(&format!("no etcd {minor} (make reference builds it)")),
        }
    }
}

/// Stores many keys, a hundred at a time.
fn put_all(etcd: &Etcd, keys: &[String]) {
    for some in keys.chunks(100) {
        let puts: Vec<String> = some
            .iter()
            .map(|key| format!(r#"{{"requestPut":{{"key":"{}"}}}}"#, BASE64_STANDARD.encode(key)))
            .collect();
        etcd.ask("/v3/kv/txn", &format!(r#"{{"success":[{}]}}"#, puts.join(",")));
    }
}
