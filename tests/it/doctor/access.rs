//! Who asks: what a server tells to nobody, to a user, to the wrong one.

use std::sync::{Arc, Mutex};

use etcd_client::proto::{PbMember, PbResponseHeader, PbStatusResponse};

use super::{doctor, told};
use crate::causes::guarded;
use crate::support::certs::{Authority, Folder, Says};
use crate::support::fake::Member;
use crate::support::{Etcd, Fake, Run, SERVERS, skipped};
use crate::tls::server::Front;

const NOBODY: &str = "the server wants to know who asks: authentication is on";
const NAME_ONE: &str = "name a user with --user NAME";

#[test]
fn where_authentication_is_on_nobody_is_told_what_to_do() {
    let etcd = guarded();
    let endpoint = etcd.endpoint();
    let told = doctor(&endpoint, "");
    told.assert_row("authentication", &endpoint, "fail", NOBODY, NAME_ONE);
    told.assert_row("health", &endpoint, "skip", "because authentication failed", "");
    told.assert_row("clock", &endpoint, "ok", "beside this machine's clock", "");
    told.assert_row("space", &endpoint, "skip", NOBODY, NAME_ONE);
    told.assert_row("lag", &endpoint, "skip", "does not tell its status", "");
    told.assert_row("members", "cluster", "skip", NOBODY, NAME_ONE);
    told.assert_row("quorum", "cluster", "skip", "because authentication failed", "");
    told.assert_row("alarms", "cluster", "skip", "no member tells its status", "");
    told.assert_row("versions", "cluster", "ok", "members run 3.", "");
    assert_eq!(told.ended("fail"), [("authentication", &*endpoint)]);
}

#[test]
fn a_wrong_password_or_token_fails_and_is_not_shown() {
    let etcd = guarded();
    let endpoint = etcd.endpoint();
    let told = doctor(&endpoint, "--user reader:wrong-secret");
    let wrong = "there is no user \"reader\", or the password is another";
    told.assert_row("authentication", &endpoint, "fail", wrong, "check --user and --password");
    told.assert_row("health", &endpoint, "skip", "because authentication failed", "");
    assert!(!told.outcome.to_string().replace("reader:wrong-secret", "").contains("wrong-secret"));
    let told = doctor(&endpoint, "--auth-jwt-token none");
    told.assert_row("authentication", &endpoint, "fail", "etcdserver: invalid auth token", "");
}

#[test]
fn a_user_without_the_role_root_sees_every_step() {
    let etcd = guarded();
    for (user, password) in [("reader", "reader-secret"), ("root", "root-secret")] {
        let told = doctor(&etcd.endpoint(), &format!("--user {user}:{password}"));
        told.assert_well();
        let logged_in = format!("logged in as {user:?}");
        told.assert_row("authentication", &etcd.endpoint(), "ok", &logged_in, "");
    }
}

#[test]
fn no_password_goes_in_plain_text_to_a_member_that_nobody_named() {
    let plain = Etcd::start();
    let status = PbStatusResponse {
        header: Some(PbResponseHeader { cluster_id: 1, member_id: 1, revision: 1, raft_term: 1 }),
        ..PbStatusResponse::default()
    };
    let other = PbMember { id: 2, client_ur_ls: vec![plain.endpoint()], ..PbMember::default() };
    let members = Arc::new(Mutex::new(vec![other]));
    let fake = Fake::member(Member { status, members, ..Member::default() });
    let authority = Authority::new("etcd-ca");
    let pair = authority.issue(&Says::default());
    let folder = Folder::new();
    let trusting = format!("--cacert {}", folder.write("ca.crt", &authority.cert).display());
    let port = Front::new(&pair).before_port(fake.address().port());
    let line = format!("{trusting} --user root:the-root-secret");
    let told = doctor(&format!("https://127.0.0.1:{port}"), &line);
    told.assert_row("authentication", &plain.endpoint(), "ok", "no user is needed", "");
    // Who names it is asked for.
    let told = doctor(&plain.endpoint(), "--user root:the-root-secret");
    told.assert_row("authentication", &plain.endpoint(), "warn", "authentication is off", "leave");
}

#[test]
fn a_user_whom_no_server_asks_for_is_a_warning() {
    for minor in SERVERS {
        let Some(etcd) = Etcd::version(minor) else {
            skipped(&format!("no etcd {minor} (make reference builds it)"));
            continue;
        };
        let line = super::asking(&etcd.endpoint(), "--user root:any").join(" ");
        let told = told(Run::ours(line.split(' ')));
        let off = "the server knows no users: authentication is off";
        told.assert_row("authentication", &etcd.endpoint(), "warn", off, "leave --user");
        told.assert_row("health", &etcd.endpoint(), "ok", "took ", "");
        assert_eq!(told.outcome.status, 0, "{}", told.outcome);
    }
}
