//! Days left: of servers' certificates, of their CA, of the one that we would present.

use super::{Told, doctor};
use crate::causes::Secure;
use crate::support::Fake;
use crate::support::certs::{Authority, Says};

const RENEW: &str = "kubeadm certs renew etcd-server";

#[test]
fn a_servers_certificate_that_ends_soon_is_a_warning() {
    for (days, left) in [(5, "in 5 days"), (1, "in 1 day"), (0, "in less than a day")] {
        let secure = Secure::saying(&Says { days: Some(days), ..Says::default() });
        let told = doctor(&secure.endpoint(), &secure.trusting);
        told.assert_row("certificate", &secure.endpoint(), "warn", left, RENEW);
        assert!(told.outcome.status == 0, "{}", told.outcome);
    }
    let secure = Secure::saying(&Says { days: Some(30), ..Says::default() });
    let told = doctor(&secure.endpoint(), &secure.trusting);
    told.assert_row("certificate", &secure.endpoint(), "ok", "in 30 days", "");
}

#[test]
fn a_ca_that_ends_before_its_certificates_is_named() {
    let authority = Authority::ending("etcd-ca", 12);
    let secure = Secure::with(&authority, &authority.issue(&Says::default()), &[]);
    let told = doctor(&secure.endpoint(), &secure.trusting);
    let until = "the CA \"etcd-ca\" expires on ";
    told.assert_row("certificate", &secure.endpoint(), "warn", until, "a new CA is needed");
    told.assert_row("certificate", &secure.endpoint(), "warn", "in 12 days", "a new CA is needed");
    // A CA between is part of what the server presents.
    let root = Authority::new("root");
    let secure = Secure::with(&root, &root.below("middle").issue(&Says::default()), &[]);
    let told = doctor(&secure.endpoint(), &secure.trusting);
    told.assert_row("certificate", &secure.endpoint(), "ok", "expires on 2099-12-31", "");
}

#[test]
fn a_certificate_of_another_time_fails_with_its_days() {
    let secure = Secure::saying(&Says { years: (2000, 2001), ..Says::default() });
    let endpoint = secure.endpoint();
    let past = "expired on 2001-12-31 00:00:00 UTC, ";
    let told = doctor(&endpoint, &secure.trusting);
    let hint = "renew it (kubeadm certs renew etcd-server) and restart etcd, or check this machine's clock";
    told.assert_row(
        "tls",
        &endpoint,
        "fail",
        "the server's certificate expired on 2001-12-31",
        hint,
    );
    told.assert_row("certificate", &endpoint, "fail", past, RENEW);
    told.assert_row("http2", &endpoint, "skip", "because tls failed", "");
    // Who does not verify is told that, and the days.
    let told = doctor(&endpoint, "--insecure-skip-tls-verify");
    told.assert_row("tls", &endpoint, "warn", "the server is not verified", "--cacert");
    told.assert_row("certificate", &endpoint, "fail", past, RENEW);
    told.assert_row("health", &endpoint, "ok", "took ", "");
    let secure = Secure::saying(&Says { years: (2090, 2099), ..Says::default() });
    let told = doctor(&secure.endpoint(), &secure.trusting);
    let future = "is not valid before 2090-01-01 00:00:00 UTC";
    told.assert_row("tls", &secure.endpoint(), "fail", future, "check the clock");
    told.assert_row("certificate", &secure.endpoint(), "fail", future, "check the clock");
}

#[test]
fn files_that_are_of_no_use_are_told_and_the_way_is_looked_at_without_them() {
    let secure = Secure::saying(&Says::default());
    let dead = Fake::refusing().endpoint();
    let (cert, _) = secure.folder.pair("one", &Says::default().alone());
    let (_, key) = secure.folder.pair("other", &Says::default().alone());
    let (cert, key) = (cert.display().to_string(), key.display().to_string());
    let mismatch = format!("{key} is not the key of the certificate in {cert}");
    let nowhere = "/nowhere/etcd/ca.crt".to_owned();
    for (flags, detail, remedy) in [
        (format!("--cert {cert} --key {key}"), mismatch, "both must come from the same request"),
        (format!("--cert {cert}"), "of no use without its key".to_owned(), "--key"),
        (
            format!("--cacert {nowhere}"),
            format!("there is no CA file {nowhere}"),
            "does not exist here",
        ),
    ] {
        let told = doctor(&format!("{},{dead}", secure.endpoint()), &flags);
        told.assert_row("tcp", &secure.endpoint(), "ok", "connected to ", "");
        told.assert_row(
            "tls",
            &secure.endpoint(),
            "skip",
            "because the certificate of `files` failed",
            "",
        );
        told.assert_row(
            "lag",
            &secure.endpoint(),
            "skip",
            "because the certificate of `files` failed",
            "",
        );
        told.assert_row("tcp", &dead, "fail", "connection refused", "is etcd running");
        told.assert_row("certificate", "files", "fail", &detail, remedy);
        told.assert_row("quorum", "cluster", "skip", "no endpoint answers", "");
    }
}

#[test]
fn our_own_certificate_is_judged_under_its_files_name() {
    let authority = Authority::new("etcd-ca");
    let secure = Secure::with(&authority, &authority.issue(&Says::default()), &[]);
    let present = |says: &Says<'_>| -> (Told, String) {
        let (cert, key) = secure.folder.pair("client", &authority.issue(says));
        let flags =
            format!("{} --cert {} --key {}", secure.trusting, cert.display(), key.display());
        (doctor(&secure.endpoint(), &flags), cert.display().to_string())
    };
    let renew = "kubeadm certs renew etcd-healthcheck-client";
    let (told, file) = present(&Says { days: Some(3), ..Says::default() });
    told.assert_row("certificate", &file, "warn", "in 3 days", renew);
    let (told, file) = present(&Says { years: (2000, 2001), ..Says::default() });
    told.assert_row("certificate", &file, "fail", "expired on 2001-12-31", renew);
    let (told, file) = present(&Says { years: (2090, 2099), ..Says::default() });
    told.assert_row(
        "certificate",
        &file,
        "fail",
        "is not valid before 2090-01-01",
        "check the clock",
    );
}
