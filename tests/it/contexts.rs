//! Contexts: flags kept under a name, where they stand among flags and variables, and the file they are in.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::support::certs::{Authority, Folder, Says};
use crate::support::{Etcd, Fake, Outcome, Run, words};

/// A person with a folder for settings.
struct Person {
    config: Folder,
}

impl Person {
    fn new() -> Self {
        Self { config: Folder::new() }
    }

    fn run(&self, line: &str) -> Run {
        Run::ours(words(line)).env("XDG_CONFIG_HOME", self.config.path(""))
    }

    fn file(&self) -> PathBuf {
        self.config.path("etcdctl/contexts.toml")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).expect("a file of contexts")
    }

    /// The whole file, as an editor would write it.
    fn writes(&self, text: &str) {
        fs::create_dir_all(self.config.path("etcdctl")).expect("a folder in our own");
        fs::write(self.file(), text).expect("a file in our own folder");
    }

    #[track_caller]
    fn does(&self, line: &str) {
        self.run(line).outcome().assert_prints("");
    }

    #[track_caller]
    fn fails(&self, line: &str, words: &str) -> Outcome {
        let outcome = self.run(line).outcome();
        outcome.assert_fails(128, words);
        outcome
    }
}

#[test]
fn contexts_are_made_listed_shown_chosen_and_removed() {
    let person = Person::new();
    person.run("context list").outcome().assert_prints("");
    person.does("context set lab --endpoints http://a:1,http://b:1 --dial-timeout 1s");
    person.does(
        "context set prod --endpoints https://c:1 --cacert /etc/ca.crt --insecure-transport=false",
    );
    person.run("context list").outcome().assert_prints("  lab\n  prod\n");
    person.does("context use prod");
    person.run("context list").outcome().assert_prints("  lab\n* prod\n");
    let lab = "endpoints = \"http://a:1,http://b:1\"\ndial-timeout = \"1s\"\n";
    person.run("context show lab").outcome().assert_prints(lab);
    let prod =
        "endpoints = \"https://c:1\"\ncacert = \"/etc/ca.crt\"\ninsecure-transport = \"false\"\n";
    person.run("context show").outcome().assert_prints(prod);
    // What is not on the line stays.
    person.does("context set lab --dial-timeout 3s");
    person.run("context show lab").outcome().assert_prints(&lab.replace("1s", "3s"));
    person.does("context remove prod");
    person.run("context list").outcome().assert_prints("  lab\n");
    person.fails("context show", "no context is the current one");
    let mode = fs::metadata(person.file()).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let beside = fs::read_dir(person.config.path("etcdctl")).expect("a folder").count();
    assert_eq!(beside, 1, "something was left beside the file");
}

#[test]
fn an_edit_keeps_comments_and_a_link() {
    let person = Person::new();
    let real = person
        .config
        .write("elsewhere.toml", "# mine\n\n[lab] # near\nendpoints = ['a:1'] # one\n");
    fs::create_dir_all(person.config.path("etcdctl")).expect("a folder");
    std::os::unix::fs::symlink(&real, person.file()).expect("a link");
    person.does("context use lab");
    person.does("context set lab --endpoints b:1 --endpoints c:1");
    let text = "# mine\ncurrent = \"lab\"\n\n[lab] # near\nendpoints = \"b:1,c:1\" # one\n";
    assert_eq!(
        (person.text().as_str(), fs::read_to_string(&real).expect("text").as_str()),
        (text, text)
    );
    assert!(fs::symlink_metadata(person.file()).expect("it is there").is_symlink());
}

#[test]
fn a_flag_goes_before_a_variable_before_a_context_before_the_default() {
    let person = Person::new();
    let [flag, variable, context] = ["flag", "variable", "context"].map(|name| {
        let etcd = Etcd::start();
        etcd.put(b"who", name.as_bytes());
        etcd
    });
    let which = |run: Run| run.outcome().text().lines().nth(1).unwrap_or_default().to_owned();
    person.does(&format!("context set one --endpoints {}", context.endpoint()));
    // Known, and not yet the current one.
    let named = |line: &str| person.run(&format!("get who {line}"));
    assert_eq!(which(named("--context one")), "context");
    assert_eq!(which(named("").env("ETCDCTL_CONTEXT", "one")), "context");
    person.does("context use one");
    assert_eq!(which(named("")), "context");
    let set = || named("").env("ETCDCTL_ENDPOINTS", variable.endpoint());
    assert_eq!(which(set()), "variable");
    let said = named(&format!("--endpoints {}", flag.endpoint()))
        .env("ETCDCTL_ENDPOINTS", variable.endpoint());
    assert_eq!(which(said), "flag");
    // A context that says where a server is leaves nothing to discover.
    let outcome = named("").env("ETCDCTL_DISCOVERY", "").outcome();
    outcome.assert_prints("who\ncontext\n");
    // Without XDG_CONFIG_HOME it is below HOME.
    let home = Folder::new();
    fs::create_dir_all(home.path(".config/etcdctl")).expect("a folder");
    fs::copy(person.file(), home.path(".config/etcdctl/contexts.toml")).expect("a copy");
    assert_eq!(which(Run::ours(["get", "who"]).env("HOME", home.path(""))), "context");
}

#[test]
fn files_of_a_context_are_found_from_anywhere() {
    let authority = Authority::new("etcd-ca");
    let person = Person::new();
    let (cert, key) = person.config.pair("server", &authority.issue(&Says::default()));
    fs::create_dir_all(person.config.path("etcdctl")).expect("a folder");
    person.config.write("etcdctl/ca.crt", &authority.cert);
    let flags =
        [format!("--cert-file={}", cert.display()), format!("--key-file={}", key.display())];
    let etcd = Etcd::with(&flags.each_ref().map(String::as_str));
    person.writes(&format!("[tls]\nendpoints = \"{}\"\ncacert = \"ca.crt\"\n", etcd.address()));
    let outcome = person.run("put key value --context tls").outcome();
    outcome.assert_prints("OK\n");
    // What is on the line is meant from here.
    person
        .run("context set here --cacert etcdctl/ca.crt")
        .inside(&person.config.path(""))
        .outcome()
        .assert_prints("");
    let here = format!("cacert = \"{}\"", person.config.path("etcdctl/ca.crt").display());
    assert!(person.text().contains(&here), "{}", person.text());
}

/// Authentication is on.
fn guarded() -> Etcd {
    let etcd = Etcd::with(&["--bcrypt-cost=4"]);
    etcd.put(b"key", b"value");
    for line in [
        "user add root:root-secret",
        "user grant-role root root",
        "user add other:other-secret",
        "auth enable",
    ] {
        let outcome =
            Run::ours(["--endpoints", &etcd.endpoint()].into_iter().chain(words(line))).outcome();
        assert_eq!(outcome.status, 0, "{outcome}");
    }
    etcd
}

#[test]
fn a_password_is_in_another_file_or_comes_from_a_program() {
    let etcd = guarded();
    let person = Person::new();
    let secret = person.config.write("secret", "root-secret\nnot this\n");
    let endpoints = format!("endpoints = \"{}\"\n", etcd.endpoint());
    person.writes(&format!(
        "current = 'file'\n[file]\n{endpoints}user = 'root'\npassword-file = '{0}'\n[program]\n{endpoints}user = 'root'\n\
         [inline]\n{endpoints}user = 'root:root-secret'\n",
        secret.display()
    ));
    person.run("context set program").outcome().assert_fails(128, "there is nothing to keep");
    let command = format!("cat '{}'", secret.display());
    let set = Run::ours(["context", "set", "program", "--password-command", &command]);
    set.env("XDG_CONFIG_HOME", person.config.path(""))
        .env("PATH", "/usr/bin:/bin")
        .outcome()
        .assert_prints("");
    let get =
        |line: &str| person.run(&format!("get key {line}")).env("PATH", "/usr/bin:/bin").outcome();
    for context in ["file", "program", "inline"] {
        get(&format!("--context {context}")).assert_prints("key\nvalue\n");
    }
    // Another user has another password, and is asked for it.
    let other = get("--user other --password other-secret");
    other.assert_fails(1, "etcdserver: permission denied");
    // The line's password goes before the context's.
    let wrong = get("--password wrong --context program");
    wrong.assert_fails(2, "etcdserver: authentication failed, invalid user ID or password");
    // A program that fails.
    person.writes(&format!("[bad]\n{endpoints}user = 'root'\npassword-command = 'false now'\n[none]\n{endpoints}user = 'root'\npassword-command = 'no-such-program'\n"));
    get("--context bad").assert_fails(128, "the password command failed: exit status 1");
    let none = get("--context none");
    none.assert_fails(128, "the password command failed: exec: \"no-such-program\": executable file not found in $PATH");
}

#[test]
fn secrets_are_never_shown() {
    let person = Person::new();
    person.does("context set a --user root:root-secret --auth-jwt-token token-secret");
    person.does("context set a --password pass-secret");
    let shown = person.run("context show a").outcome();
    shown.assert_prints(
        "user = \"root\" # and a password\n# auth-jwt-token is set\n# password is set\n",
    );
    person.writes("[a]\nuser = \"root:root-secret\nx");
    for line in ["context show a", "context list", "get key --context a"] {
        let outcome = person.run(line).outcome();
        assert!(outcome.status == 128 && !outcome.said().contains("secret"), "{outcome}");
    }
    person.writes("[a]\nusr = \"root:root-secret\"\ndial-timeout = \"soon\"");
    let outcome = person.run("get key --context a").outcome();
    assert!(outcome.status == 128 && !outcome.said().contains("secret"), "{outcome}");
}

#[test]
fn what_is_not_there_or_means_nothing_is_an_error_that_says_what_there_is() {
    let person = Person::new();
    let none = person.fails("get key --context x", "there is no context \"x\"");
    assert!(none.said().contains("context set NAME --endpoints"), "{none}");
    person.does("context set one --endpoints a:1");
    person.does("context set two --endpoints a:1");
    for line in ["get key --context x", "context use x", "context show x", "context remove x"] {
        let outcome = person.fails(line, "there is no context \"x\"");
        assert!(outcome.said().contains(" has: one, two\n"), "{outcome}");
    }
    let words = "--hex does not say where a cluster is, and is not kept in a context";
    person.fails("context set one --hex", words);
    let file = person.file();
    person.writes("[one]\nprefix = true\n");
    let words = format!(
        "the context \"one\" in {} has the key \"prefix\", which is no flag that says where a cluster is",
        file.display()
    );
    person.fails("get key --context one", &words);
    person.writes("[one]\ndial-timeout = \"soon\"\n");
    let outcome = person.run("get key --context one").outcome();
    assert!(outcome.said().contains("the context \"one\" holds a wrong value: invalid argument \"soon\" for \"--dial-timeout\""), "{outcome}");
    person.writes("[one]\n\nx\n");
    let words = format!(
        "the contexts in {} cannot be understood: line 3: a key is followed by =",
        file.display()
    );
    person.fails("get key", &words);
    // Commands that ask no server do not look.
    assert_eq!(person.run("version").outcome().status, 0);
    assert_eq!(person.run("get --help").outcome().status, 0);
    // Nowhere to keep any.
    let nowhere = Run::ours(["context", "list"]).outcome();
    nowhere.assert_fails(128, "there is no place for contexts");
    Run::ours(["get", "key", "--context", "x"])
        .outcome()
        .assert_fails(128, "there is no context \"x\"");
}

#[test]
fn the_verbs_are_reached_by_prefixes_that_no_official_command_has() {
    let person = Person::new();
    person.does("conte set one --endpoints a:1");
    person.run("cont l").outcome().assert_prints("  one\n");
    // `c` and `co` begin official names.
    let refused = Fake::refusing();
    let line = format!("compa 1 --endpoints {} --dial-timeout=50ms", refused.endpoint());
    person.run(&line).outcome().assert_fails(1, "context deadline exceeded");
    assert!(person.run("co list").outcome().said().contains("unknown command \"co\""));
}
