//! Tokens: given by the user, expired, outdated, no tokens at all.

use std::time::{Duration, Instant};

use crate::auth::{ROOT, agree, agree_with, guarded};
use crate::support::certs::fixture;
use crate::support::{Etcd, official, ours, reference_is_there};

/// A server whose tokens are signed, and live so long.
fn signing(minor: &str, ttl: &str) -> Option<Etcd> {
    if !reference_is_there() {
        return None;
    }
    let (public, private) = (fixture("rsa2048.public.pem"), fixture("rsa2048.key.pem"));
    let how = format!(
        "--auth-token=jwt,pub-key={},priv-key={},sign-method=RS256,ttl={ttl}",
        public.display(),
        private.display()
    );
    guarded(minor, &[&how])
}

fn token(etcd: &Etcd) -> String {
    let ask = r#"{"name":"root","password":"the-root-secret"}"#;
    let answer = etcd.ask("/v3/auth/authenticate", ask);
    let (_, rest) = answer.split_once("\"token\":\"").expect("a token");
    rest.split('"').next().expect("its end").to_owned()
}

#[test]
fn a_token_opens_what_it_should_until_it_expires() {
    for minor in ["3.4", "3.7"] {
        let Some(etcd) = signing(minor, "10m") else { continue };
        let good = token(&etcd);
        let flag = ["--auth-jwt-token", &good];
        for line in [&["get", "a"][..], &["put", "b", "value"], &["get", "", "--prefix"]] {
            let line: Vec<&str> = flag.into_iter().chain(line.iter().copied()).collect();
            assert!(agree(&etcd, &line).status == 0);
        }
        agree_with(&etcd, &["get", "a"], |run| run.env("ETCDCTL_AUTH_JWT_TOKEN", &good))
            .assert_prints("a\nvalue\n");
        // A password with it counts for nothing.
        let both = ["--user", "root:wrong-secret", "--auth-jwt-token", &good, "get", "a"];
        agree(&etcd, &both).assert_prints("a\nvalue\n");
        let cut = &good[..good.len() - 5];
        let shifted: String = good.chars().rev().collect();
        for bad in ["garbage", "a.b.c", cut, &shifted] {
            for line in [&["get", "a"][..], &["put", "b", "value"], &["del", "b"]] {
                let flags = ["--auth-jwt-token", bad, "--user", ROOT];
                let line: Vec<&str> = flags.into_iter().chain(line.iter().copied()).collect();
                agree(&etcd, &line).assert_fails(1, "etcdserver: invalid auth token");
            }
        }
        // After any change of users a login must be made again; a given token cannot be.
        agree(&etcd, &["--user", ROOT, "get", "a"]).assert_prints("a\nvalue\n");
        official(&etcd, &["--user", ROOT, "user", "add", "late:late"]);
        let old = ["--auth-jwt-token", &good, "get", "a"];
        agree(&etcd, &old).assert_fails(1, "etcdserver: revision of auth store is old");
        agree(&etcd, &["--user", ROOT, "get", "a"]).assert_prints("a\nvalue\n");
    }
}

#[test]
fn an_expired_token_is_refused_in_the_official_words_and_never_renewed() {
    let Some(etcd) = signing("3.7", "1s") else { return };
    let token = token(&etcd);
    let line = ["--auth-jwt-token", &token, "get", "a"];
    let end = Instant::now() + Duration::from_secs(20);
    // One client alone: between the runs of two it may expire.
    while ours(&etcd, &line).status == 0 {
        assert!(Instant::now() < end, "it does not expire");
    }
    agree(&etcd, &line).assert_fails(1, "etcdserver: invalid auth token");
    let with_login = ["--auth-jwt-token", &token, "--user", ROOT, "get", "a"];
    agree(&etcd, &with_login).assert_fails(1, "etcdserver: invalid auth token");
}
