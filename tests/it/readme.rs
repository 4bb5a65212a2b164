//! The README promises what the program does.

use std::fs;

use crate::support::{Etcd, Fake, Run, on_the_newest_server, ours, project, words};

fn readme() -> String {
    fs::read_to_string(project().join("README.md")).expect("a README")
}

#[test]
fn the_readmes_error_is_the_one_that_is_printed() {
    let plain = Fake::closing();
    let endpoint = plain.endpoint().replace("http://", "https://");
    let outcome = Run::ours(["--endpoints", &endpoint, "get", "key"]).outcome();
    let said =
        String::from_utf8_lossy(&outcome.stderr).replace(&endpoint, "https://127.0.0.1:2379");
    assert!(readme().contains(&said), "the README does not show this:\n{said}");
}

#[test]
fn the_readmes_commands_are_commands() {
    on_the_newest_server(|etcd| {
        let folder = tempfile::tempdir().expect("a folder");
        let saved = folder.path().join("backup.db");
        let saved = saved.to_str().expect("a path of UTF-8");
        assert_eq!(ours(etcd, &["snapshot", "save", saved]).status, 0);
        fs::write(folder.path().join("change.txt"), "\n\nput key value\n\n\n").expect("a file");
        let keys = project().join("tests/fixtures/kube/encryption-config.yaml");
        fs::copy(keys, folder.path().join("config.yaml")).expect("a file");
        let readme = readme();
        let typed = readme.lines().filter_map(|line| {
            let (_, command) = line.split_once("| `etcdctl ")?;
            command.split_once('`').map(|(command, _)| command)
        });
        let mut run = 0;
        for command in typed.filter(|command| !command.contains('…')) {
            let endpoint = etcd.endpoint();
            let line = ["--endpoints", &endpoint].into_iter().chain(words(command));
            let outcome = Run::ours(line).inside(folder.path()).outcome();
            assert!(outcome.status == 0, "etcdctl {command}: {outcome}");
            run += 1;
        }
        assert!(run >= 5, "only {run} commands were found in the README");
    });
}

#[test]
fn the_readmes_doctor_takes_the_steps_that_are_taken() {
    let readme = readme();
    let (_, shown) = readme.split_once("$ etcdctl doctor\n").expect("its output");
    let (shown, _) = shown.split_once("```").expect("its end");
    let rows = shown.lines().filter(|line| !line.starts_with([' ', 'u']));
    // Of a client certificate there is no row where none is presented.
    let promised: Vec<_> = rows
        .filter(|row| !row.contains("healthcheck-client"))
        .filter_map(|row| row.split_whitespace().next())
        .collect();
    let etcd = Etcd::start();
    let outcome = Run::ours(["--endpoints", &etcd.endpoint(), "doctor"]).outcome();
    let text = outcome.text();
    let taken: Vec<_> = text.lines().filter_map(|row| row.split_whitespace().next()).collect();
    assert_eq!(promised, taken, "{outcome}");
}
