//! Names, passwords, certificates, permissions.

use crate::auth::{ROOT, agree, agree_with, assert_discreet, guard, guarded};
use crate::support::certs::{Authority, Folder, Says};
use crate::support::{
    Etcd, Run, SERVERS, agree as agree_plainly, on_every_server, reference_is_there, run, skipped,
    words,
};

/// On a guarded server of each version; all at once, since most of the time is waiting.
fn on_every_guarded_server(test: impl Fn(&Etcd) + Sync) {
    if !reference_is_there() {
        return;
    }
    std::thread::scope(|scope| {
        for minor in SERVERS {
            let test = &test;
            scope.spawn(move || match guarded(minor, &[]) {
                Some(etcd) => test(&etcd),
                None => skipped(&format!("no etcd {minor} (make reference builds it)")),
            });
        }
    });
}

#[test]
fn a_name_and_its_password_open_what_they_should_in_every_spelling() {
    on_every_guarded_server(|etcd| {
        let empty = "etcdserver: user name is empty";
        let wrong = "etcdserver: authentication failed, invalid user ID or password";
        for (flags, status, error) in [
            ("", 1, empty),
            ("--user root:the-root-secret", 0, ""),
            ("--user=root --password=the-root-secret", 0, ""),
            ("--password the-root-secret --user root", 0, ""),
            ("--user root:wrong-secret", 2, wrong),
            ("--user root --password wrong-secret", 2, wrong),
            ("--user nobody:wrong-secret", 2, wrong),
            // With --password the name is taken whole.
            ("--user root:wrong-secret --password the-root-secret", 2, wrong),
            ("--user odd:a:b", 0, ""),
            ("--user odd:a", 2, wrong),
            ("--user odd --password a:b", 0, ""),
            ("--user name:with:colon", 0, ""),
            // An empty password: nobody is asked for a token.
            ("--user root:", 1, empty),
            ("--user :", 1, empty),
            ("--user :wrong-secret", 1, empty),
            ("--password the-root-secret", 1, empty),
            ("--user= --password the-root-secret", 1, empty),
            ("--user nopassword:wrong-secret", 2, ""),
            ("--user root:the-root-secret --dial-timeout 5s", 0, ""),
            ("--user root:the-root-secret --dial-timeout 0", 0, ""),
            ("--user nobody:wrong-secret --user root:the-root-secret", 0, ""),
        ] {
            for line in ["get a", "put w/1 value", "del w/3", "get a -w json"] {
                let line: Vec<&str> = words(flags).into_iter().chain(words(line)).collect();
                let outcome = agree(etcd, &line);
                assert!(outcome.status == status, "{outcome}");
                if !error.is_empty() {
                    outcome.assert_fails(status, error);
                }
            }
        }
    });
}

#[test]
fn what_is_not_permitted_is_refused_in_the_official_words() {
    on_every_guarded_server(|etcd| {
        for (line, permitted) in [
            ("get a", true),
            ("get b", true),
            ("get c", false),
            ("get a c", true),
            ("get a d", false),
            ("get a --prefix", true),
            ("get a --from-key", false),
            ("get '' --prefix", false),
            ("get other", false),
            ("get missing", false),
            ("get w/ --prefix", true),
            ("get w/ --prefix --keys-only", true),
            ("get w/ --prefix --count-only -w fields", true),
            ("get w/ --prefix --limit 1", true),
            ("get w/ --prefix --sort-by VALUE --order DESCEND", true),
            ("get w/ w0 --rev 3", true),
            ("get w --prefix", false),
            ("get w/1 -w json", true),
            ("get w/1 -w fields --consistency s", true),
            ("put a value", false),
            ("put other value", false),
            ("put w/1 value", true),
            ("put w/1 value --prev-kv -w protobuf", false),
            ("put other --ignore-value", false),
            ("del a", false),
            ("del a c", false),
            ("del w/9", true),
            ("del w/8 --prefix", true),
            ("del '' --prefix", false),
            ("del w/7 --prev-kv", true),
        ] {
            let flags = ["--user", "reader", "--password", "the-reader-secret"];
            let line: Vec<&str> = flags.into_iter().chain(words(line)).collect();
            // The answer to a put of both is never the same in bytes: only its fate is compared.
            if line.contains(&"protobuf") {
                let endpoint = etcd.endpoint();
                let args: Vec<&str> =
                    ["--endpoints", &endpoint].into_iter().chain(line.iter().copied()).collect();
                let (ours, theirs) =
                    run::both(|| Run::ours(&args).outcome(), || Run::reference(&args).outcome());
                assert_eq!(ours.status, theirs.status, "{ours}");
                continue;
            }
            let outcome = agree(etcd, &line);
            assert!((outcome.status == 0) == permitted, "{outcome}");
            if !permitted {
                outcome.assert_fails(1, "etcdserver: permission denied");
            }
        }
        // Streams where there are some; else the official words for none.
        for line in ["get w/ --prefix --stream", "get other --stream", "get a c --stream"] {
            let flags = ["--user", "reader:the-reader-secret"];
            let line: Vec<&str> = flags.into_iter().chain(words(line)).collect();
            agree(etcd, &line);
        }
        agree(etcd, &["get", "a", "--stream"]);
    });
}

#[test]
fn name_and_password_may_come_from_variables_and_files() {
    on_every_guarded_server(|etcd| {
        for variables in [
            vec![("ETCDCTL_USER", ROOT)],
            vec![("ETCDCTL_USER", "root"), ("ETCDCTL_PASSWORD", "the-root-secret")],
            vec![("ETCDCTL_USER", "root"), ("ETCDCTL_PASSWORD", "wrong-secret")],
            vec![("ETCDCTL_PASSWORD", "the-root-secret")],
        ] {
            agree_with(etcd, &["get", "a"], |run| {
                variables.iter().fold(run, |run, (name, value)| run.env(*name, *value))
            });
        }
        agree_with(etcd, &["--user", "root", "get", "a"], |run| {
            run.env("ETCDCTL_PASSWORD", "the-root-secret")
        })
        .assert_prints("a\nvalue\n");
    });
}

#[test]
fn on_purpose_a_password_may_stand_in_a_file_or_on_stdin() {
    let Some(etcd) = reference_is_there().then(|| guarded("3.7", &[])).flatten() else { return };
    let folder = Folder::new();
    folder.write("password", "the-root-secret\nsecond line\n");
    folder.write("bare", "the-root-secret");
    folder.write("dos", "the-root-secret\r\n");
    folder.write("wrong", "wrong-secret\n");
    folder.write("empty", "");
    let endpoint = etcd.endpoint();
    let asked = |flags: &str, stdin: &str| {
        let line = format!("--endpoints {endpoint} {flags} get a");
        let outcome =
            Run::ours(words(&line)).inside(&folder.path("")).stdin(stdin.as_bytes()).outcome();
        assert_discreet(&outcome);
        outcome
    };
    for name in ["password", "bare", "dos"] {
        asked(&format!("--user root --password-file {name}"), "").assert_prints("a\nvalue\n");
    }
    asked("--user root --password-file -", "the-root-secret\nmore\n").assert_prints("a\nvalue\n");
    asked("--user root --password-file -", "the-root-secret").assert_prints("a\nvalue\n");
    let wrong = "etcdserver: authentication failed, invalid user ID or password";
    asked("--user root --password-file wrong", "").assert_fails(2, wrong);
    asked("--user root --password-file empty", "")
        .assert_fails(1, "etcdserver: user name is empty");
    let missing = asked("--user root --password-file missing", "");
    assert!(missing.status == 128 && missing.said().contains("missing"), "{missing}");
    // The value of a put may follow the password.
    let line = format!("--endpoints {endpoint} --user root --password-file password put b");
    let run = Run::ours(words(&line)).inside(&folder.path("")).stdin(b"from stdin");
    run.outcome().assert_prints("OK\n");
    let line = format!("--endpoints {endpoint} --user {ROOT} get b");
    Run::ours(words(&line)).outcome().assert_prints("b\nfrom stdin\n");
}

#[test]
fn a_login_is_passed_over_where_authentication_is_off() {
    on_every_server(|etcd| {
        etcd.put(b"a", b"value");
        for flags in [
            "--user root:the-root-secret",
            "--user root --password x",
            "--user root:",
            "--password x",
        ] {
            for line in ["get a", "put b value", "del c", "get a -w json"] {
                let line: Vec<&str> = words(flags).into_iter().chain(words(line)).collect();
                let outcome = agree_plainly(etcd, &line);
                assert!(outcome.status == 0, "{outcome}");
            }
        }
        // A token is looked at all the same.
        agree_plainly(etcd, &words("--auth-jwt-token garbage get a"));
    });
}

#[test]
fn a_client_certificate_names_its_user() {
    if !reference_is_there() {
        return;
    }
    let folder = Folder::new();
    let ca = Authority::new("ca");
    let ca_file = folder.write("ca.pem", &ca.cert).display().to_string();
    let (cert, key) = folder.pair("server", &ca.issue(&Says::default()));
    for name in ["root", "reader", "nopassword", "unknown"] {
        folder.pair(name, &ca.issue(&Says { common_name: name, ..Says::default() }));
    }
    for minor in ["3.4", "3.7"] {
        let flags = [
            format!("--cert-file={}", cert.display()),
            format!("--key-file={}", key.display()),
            format!("--trusted-ca-file={ca_file}"),
            "--client-cert-auth".to_owned(),
            "--bcrypt-cost=4".to_owned(),
        ];
        let Some(etcd) = Etcd::version_with(minor, &flags.each_ref().map(String::as_str)) else {
            skipped(&format!("no etcd {minor} (make reference builds it)"));
            continue;
        };
        let endpoint = format!("https://{}", etcd.address());
        let args = |name: &str, line: &[&str]| -> Vec<String> {
            let line = line.iter().map(ToString::to_string);
            let (cert, key) = (format!("{name}.crt"), format!("{name}.key"));
            ["--endpoints", &endpoint, "--cacert", "ca.pem", "--cert", &cert, "--key", &key]
                .map(str::to_owned)
                .into_iter()
                .chain(line)
                .collect()
        };
        let here = folder.path("");
        guard(|line| Run::reference(args("root", line)).inside(&here));
        for (name, line, status) in [
            ("root", "put a value", 0),
            ("root", "get '' --prefix", 0),
            ("reader", "get a", 0),
            ("reader", "get a c", 0),
            ("reader", "get other", 1),
            ("reader", "put a value", 1),
            ("nopassword", "get a", 0),
            ("nopassword", "put other value", 1),
            ("unknown", "get a", 1),
            // A login counts more than the certificate.
            ("unknown", "--user root:the-root-secret get other", 0),
            ("root", "--user reader:the-reader-secret get other", 1),
            ("root", "--user reader:wrong-secret get other", 2),
            ("root", "--user reader: get other", 0),
            ("root", "--auth-jwt-token garbage get a", 1),
        ] {
            let args = args(name, &words(line));
            let (ours, theirs) = run::both(
                || Run::ours(&args).inside(&here).outcome(),
                || Run::reference(&args).inside(&here).outcome(),
            );
            ours.assert_same_answer(&theirs, &format!("etcd {minor}"));
            assert!(ours.status == status, "{ours}");
            assert_discreet(&ours);
        }
    }
}

#[test]
fn secrets_are_told_nowhere_not_even_with_debug() {
    let Some(etcd) = reference_is_there().then(|| guarded("3.7", &[])).flatten() else { return };
    let endpoint = etcd.endpoint();
    for flags in [
        "--user root:the-root-secret",
        "--user root --password the-root-secret",
        "--user root:wrong-secret",
        "--user nobody:wrong-secret",
        "--user root:wrong-secret --command-timeout 0",
        "--user root:the-root-secret --endpoints http://127.0.0.1:1 --dial-timeout 100ms",
        "--auth-jwt-token the-root-secret.5",
        "--auth-jwt-token the-root-secret\u{7f}",
        "--user root:the-root-secret -w bogus",
        "--user root:the-root-secret --bogus",
        "--password the-root-secret bogus",
    ] {
        for debug in ["", "--debug"] {
            let line = format!("--endpoints {endpoint} {flags} {debug} get a");
            let outcome = Run::ours(words(&line)).outcome();
            assert_discreet(&outcome);
            let known = String::from_utf8_lossy(&outcome.stdout).contains("secret");
            assert!(!known, "{outcome}");
        }
    }
    // The token that was given to us is a secret too.
    let line = format!("--endpoints {endpoint} --user {ROOT} --debug get a");
    let outcome = Run::ours(words(&line)).outcome();
    assert!(outcome.status == 0 && outcome.said().contains("Authenticate"), "{outcome}");
    assert!(!outcome.said().to_lowercase().contains("token"), "{outcome}");
}
