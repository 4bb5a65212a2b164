//! The README promises what the program does.

use std::fs;

use crate::support::{Fake, Run, on_the_newest_server, ours, project, words};

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
        let readme = readme();
        let typed = readme.lines().filter_map(|line| {
            let (_, command) = line.split_once("| `etcdctl ")?;
            command.split_once('`').map(|(command, _)| command)
        });
        let mut run = 0;
        for command in typed.filter(|command| !command.contains('…')) {
            let outcome = ours(etcd, &words(command));
            assert!(outcome.status == 0, "etcdctl {command}: {outcome}");
            run += 1;
        }
        assert!(run >= 5, "only {run} commands were found in the README");
    });
}
