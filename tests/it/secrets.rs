//! No secret is ever told: whatever fails, whoever asks for details, passwords, tokens and keys are in no output.

use std::fs;

use crate::support::certs::{Folder, fixture};
use crate::support::{Etcd, Fake, Outcome, Run, words};

/// Passwords and tokens as they are handed over here; none is a part of anything else.
const SECRETS: [&str; 4] = ["swordfish", "hunter2", "s3same-open", "tok3n-of-gold"];

/// None of these texts, nor a longer piece of them, is in the output.
#[track_caller]
fn assert_discreet(outcome: &Outcome, secrets: &[&str]) {
    let all = format!("{}{}", outcome.text(), outcome.said());
    let told = secrets.iter().find(|secret| all.contains(**secret));
    assert!(told.is_none(), "{told:?} is told\n{outcome}");
}

/// Authentication is on; root's password is the first secret.
fn guarded() -> Etcd {
    let etcd = Etcd::with(&["--bcrypt-cost=4"]);
    for line in ["user add root:swordfish", "user grant-role root root", "auth enable"] {
        let args = ["--endpoints", &etcd.endpoint()].map(str::to_owned);
        let outcome = Run::ours(args.into_iter().chain(words(line).into_iter().map(str::to_owned)));
        assert_eq!(outcome.outcome().status, 0, "{line}");
    }
    etcd
}

#[test]
fn passwords_and_tokens_are_in_no_output_of_any_command() {
    let etcd = guarded();
    let folder = Folder::new();
    let password = folder.write("password", "swordfish\nhunter2\n");
    let wrong = folder.write("wrong", "hunter2\n");
    let (refusing, closing, web) = (Fake::refusing(), Fake::closing(), Fake::web());
    let mut succeeded = 0;
    for endpoint in [etcd.endpoint(), refusing.endpoint(), closing.endpoint(), web.endpoint()] {
        let by_file = format!("--user root --password-file {}", password.display());
        let by_wrong = format!("--user root --password-file {}", wrong.display());
        for login in [
            "--user root:swordfish",
            "--user=root:swordfish",
            "--user root --password swordfish",
            "--password=swordfish --user root",
            // A name that holds what looks like a password, and a password that is none.
            "--user root:hunter2 --password swordfish",
            "--user root:hunter2",
            "--user nobody:hunter2",
            "--user :hunter2",
            "--auth-jwt-token tok3n-of-gold",
            &by_file,
            &by_wrong,
        ] {
            for line in ["get a", "put a value", "user list", "watch a --rev -1", "endpoint health"]
            {
                let flags = "--command-timeout 1s --dial-timeout 300ms --debug";
                let args = format!("--endpoints {endpoint} {flags} {login} {line}");
                // A watch that is permitted would go on.
                if line.starts_with("watch") && !login.contains("hunter2") {
                    continue;
                }
                let outcome = Run::ours(words(&args)).outcome();
                assert_discreet(&outcome, &SECRETS);
                succeeded += usize::from(outcome.status == 0);
            }
        }
        for (user, secret) in
            [("root:swordfish", ""), ("root", "swordfish"), ("x:hunter2", "swordfish")]
        {
            let flags = "--command-timeout 1s --dial-timeout 300ms --debug get a";
            let run = Run::ours(words(&format!("--endpoints {endpoint} {flags}")));
            let run = run.env("ETCDCTL_USER", user).env("ETCDCTL_PASSWORD", secret);
            // A name that was mistyped is told, its value is not.
            let outcome = run.env("ETCDCTL_PASWORD", "s3same-open").outcome();
            assert_discreet(&outcome, &SECRETS);
            succeeded += usize::from(outcome.status == 0);
        }
    }
    assert!(succeeded > 15, "only {succeeded} came through: nothing was looked at");
}

#[test]
fn new_passwords_are_in_no_output() {
    let etcd = guarded();
    let login = "--user root:swordfish --debug";
    for (line, stdin) in [
        ("user add a:hunter2", ""),
        ("user add a:hunter2", ""),
        ("user add a:hunter2 b", ""),
        ("user add :hunter2", ""),
        ("user add b --new-user-password hunter2", ""),
        ("user add b --new-user-password=hunter2 -w json", ""),
        ("user add c --interactive=false", "hunter2 s3same-open\n"),
        ("user passwd c --interactive=false", "s3same-open\n"),
        ("user passwd nobody --interactive=false", "s3same-open\n"),
        ("user passwd c --interactive=false", "\u{feff}\u{0}s3same-open\n"),
        ("make-mirror --dest-user x:hunter2 http://127.0.0.1:1", ""),
        ("make-mirror --dest-user x --dest-password hunter2 http://127.0.0.1:1", ""),
        // As questions, which nobody answers the second time.
        ("user add d", "hunter2\nhunter3\n"),
        ("user passwd c", "hunter2\n"),
    ] {
        let args = format!("--endpoints {} --dial-timeout 300ms {login} {line}", etcd.endpoint());
        let outcome = Run::ours(words(&args)).stdin(stdin.as_bytes()).outcome();
        assert_discreet(&outcome, &SECRETS);
    }
}

#[test]
fn what_cannot_be_read_of_a_password_is_not_shown() {
    let folder = Folder::new();
    let config = folder.path("etcdctl");
    fs::create_dir_all(&config).expect("could not make a folder");
    for text in [
        "current = 'a'\n[a]\nuser = 'root'\npassword = hunter2\n",
        "current = 'a'\n[a]\npassword = 'hunter2\n",
        "current = 'a'\n[a]\nuser = 'root:hunter2' and more\n",
        "current = 'a'\n[a]\npassword = 'hunter2'\nno-such-flag = 'hunter2'\n",
        "current = 'a'\n[a]\nuser = 'root'\npassword-command = 'sh -c \"echo hunter2; exit 3\"'\n",
        "current = 'a'\n[a]\nauth-jwt-token = 'hunter2\\u007f'\n",
        "current = 'a'\n[a]\nauth-jwt-token = \"hunter2\\u0001\"\n",
    ] {
        fs::write(config.join("contexts.toml"), text).expect("could not write a file");
        for line in
            ["get a", "context list", "context show a", "context use a", "context set a --user x"]
        {
            if line.starts_with("context show") && text.contains("password-command") {
                continue; // A command is shown: what it prints is the secret.
            }
            let run = Run::ours(words(&format!("{line} --debug --dial-timeout 100ms")));
            let outcome = run.env("XDG_CONFIG_HOME", folder.path("")).outcome();
            assert_discreet(&outcome, &SECRETS);
        }
    }
    // Bytes that are no text.
    for flags in [
        ["--user", "root", "--password"],
        ["--debug", "--user", "root:hunter2"],
        ["--debug", "--debug", "--auth-jwt-token"],
    ] {
        let mut args: Vec<std::ffi::OsString> = flags.iter().map(Into::into).collect();
        let last = crate::support::bytes(b"swordfish\xff").to_owned();
        if flags[2].starts_with("root:") {
            args[2].push(&last);
        } else {
            args.push(last);
        }
        args.extend(["get", "a", "--dial-timeout=100ms"].map(Into::into));
        let outcome = Run::ours(args).outcome();
        assert!(outcome.status != 0, "{outcome}");
        assert_discreet(&outcome, &SECRETS);
    }
}

#[test]
fn keys_of_encryption_are_in_no_output() {
    let folder = Folder::new();
    let config = fs::read_to_string(fixture("../kube/encryption-config.yaml")).expect("a fixture");
    let keys: Vec<&str> =
        config.lines().filter_map(|line| line.trim().strip_prefix("secret: ")).collect();
    assert_eq!(keys.len(), 3);
    // Any piece of a key is a part of it.
    let pieces: Vec<&str> =
        keys.iter().flat_map(|key| [&key[..12], &key[12..24], &key[24..36]]).collect();
    let mut damaged = vec![
        config.clone(),
        config.replace("secret: ", "secret: !"),
        config.replace("secret: ", "secret: *"),
        config.replace("secret: ", "secret: ["),
        config.replace("secret: ", "secret: {a: "),
        config.replace("secret: ", "secret:"),
        config.replace("secret: ", "secret: \""),
        config.replace("secret: ", "? "),
        config.replace("secret: ", "- "),
        config.replace("secret: ", "\t"),
        config.replace("secret: ", "%"),
        config.replace("secret: ", "secret: &x "),
        config.replace("=\n", "==\n"),
        config.replace("=\n", ":\n"),
        config.replace("kind:", "sort:"),
        config.replace("name: key1\n        ", ""),
        format!("{config}\n  broken"),
        format!("{config}\u{0}"),
    ];
    for at in (0..config.len()).step_by(37) {
        damaged.push(config[..at].to_owned());
    }
    let value = folder.write("value", "k8s:enc:aescbc:v1:key1:0123456789abcdef0123456789abcdef");
    for text in damaged {
        let file = folder.write("config.yaml", &text);
        let outcome = Run::ours([
            "--debug".into(),
            "kube".into(),
            "decode".into(),
            "--encryption-config".into(),
            file.into_os_string(),
            value.clone().into_os_string(),
        ]);
        let outcome = outcome.outcome();
        assert!(outcome.status == 1, "{outcome}");
        assert_discreet(&outcome, &pieces);
    }
}

#[test]
fn private_keys_are_in_no_output() {
    let folder = Folder::new();
    let cert = fixture("p256.pem");
    let refusing = Fake::refusing();
    let endpoint = refusing.endpoint().replace("http:", "https:");
    for name in [
        "p256.key.pem",
        "rsa2048.pkcs1.pem",
        "rsa2048.encrypted.pem",
        "ed25519.key.pem",
        "p256.sec1.pem",
    ] {
        let key = fs::read_to_string(fixture(name)).expect("a fixture");
        let lines: Vec<&str> = key.lines().filter(|line| !line.contains('-')).collect();
        let pieces: Vec<&str> =
            lines.iter().filter(|line| line.len() >= 16).map(|line| &line[..16]).collect();
        assert!(!pieces.is_empty(), "{name}");
        for text in [
            key.clone(),
            key.replace("-----BEGIN ", "----BEGIN "),
            key.replace("PRIVATE KEY", "CERTIFICATE"),
            key.replacen(lines[0], &lines[0][1..], 1),
            key.replacen("-----\n", "-----\nnote: ", 1),
            lines.join("\n"),
        ] {
            let file = folder.write("key.pem", &text);
            for (cert, key) in [(&cert, &file), (&file, &cert), (&file, &file)] {
                let args = format!(
                    "--endpoints {endpoint} --debug --dial-timeout 100ms --cert {} --key {} --cacert {} get a",
                    cert.display(),
                    key.display(),
                    file.display()
                );
                assert_discreet(&Run::ours(words(&args)).outcome(), &pieces);
            }
        }
    }
}

/// Whoever looks at the processes of a machine sees no secret of ours that was not typed into a line.
#[test]
fn programs_that_we_start_get_no_secret_as_an_argument() {
    let etcd = guarded();
    let folder = Folder::new();
    let password = folder.write("password", "swordfish\n");
    let child = "tr '\\0' ' ' <\"/proc/$$/cmdline\"; tr '\\0' '\\n' <\"/proc/$$/environ\"";
    let args = format!(
        "--endpoints {} --user root --password-file {} lock name -- sh -c",
        etcd.endpoint(),
        password.display()
    );
    let outcome = Run::ours(words(&args).into_iter().chain([child])).outcome();
    assert!(outcome.status == 0 && outcome.text().contains("PATH="), "{outcome}");
    assert_discreet(&outcome, &SECRETS);
}
