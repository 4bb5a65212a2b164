//! Servers with authentication: who may do what, by password, token or certificate.

use crate::support::{Etcd, Outcome, Run, agree_as};

mod logins;
mod prompt;
mod tokens;

/// Cheap hashes: the tests wait for hundreds of them.
const CHEAP: &str = "--bcrypt-cost=4";
const ROOT: &str = "root:the-root-secret";
const SECRETS: [&str; 4] = ["the-root-secret", "the-reader-secret", "a:b", "wrong-secret"];

/// A server with keys, users and roles, authentication turned on. The official client sets it up.
fn guarded(minor: &str, extra: &[&str]) -> Option<Etcd> {
    let extra: Vec<&str> = extra.iter().copied().chain([CHEAP]).collect();
    let etcd = Etcd::version_with(minor, &extra)?;
    for key in ["a", "b", "c", "w/1", "w/2", "other"] {
        etcd.put(key.as_bytes(), b"value");
    }
    guard(|line| Run::reference(["--endpoints", &etcd.endpoint()].iter().chain(line)));
    Some(etcd)
}

/// Users, roles, and authentication on.
fn guard(official: impl Fn(&[&str]) -> Run) {
    let run = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let outcome = official(&words).outcome();
        // Newer servers have the role root from the start.
        assert!(outcome.status == 0 || line == "role add root", "{outcome}");
    };
    run("role add root");
    run(&format!("user add {ROOT}"));
    run("user grant-role root root");
    run("role add part");
    run("role grant-permission part read a c");
    run("role grant-permission part readwrite w/ --prefix=true");
    for user in ["reader:the-reader-secret", "odd:a:b", "name:with:colon"] {
        run(&format!("user add {user}"));
    }
    run("user add nopassword --no-password");
    for user in ["reader", "odd", "name", "nopassword"] {
        run(&format!("user grant-role {user} part"));
    }
    run("auth enable");
}

/// Both clients the same; none of them shows a secret of ours on stderr.
#[track_caller]
fn agree(etcd: &Etcd, line: &[&str]) -> Outcome {
    agree_with(etcd, line, |run| run)
}

#[track_caller]
fn agree_with(etcd: &Etcd, line: &[&str], with: impl Fn(Run) -> Run + Sync) -> Outcome {
    let outcome = agree_as(etcd, line, with);
    assert_discreet(&outcome);
    outcome
}

#[track_caller]
fn assert_discreet(outcome: &Outcome) {
    let said = outcome.said();
    let told = SECRETS.iter().find(|secret| said.contains(*secret));
    assert!(told.is_none(), "{told:?} is told\n{outcome}");
}
