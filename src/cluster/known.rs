//! The errors that etcd's own client knows by their text: it prints them bare, and any other with its code.
//!
//! Source: etcd 3.7.1, `api/v3rpc/rpctypes/error.go` (`errStringToError`).

use super::grpc::{Code, Status};

/// What follows `etcdserver: `, sorted.
const KNOWN: [&str; 58] = [
    "Peer URLs already exists",
    "authentication failed, invalid user ID or password",
    "authentication is not enabled",
    "bad leader transferee",
    "can only promote a learner member",
    "can only promote a learner member which is in sync with leader",
    "cluster ID mismatch",
    "cluster has a downgrade job in progress",
    "cluster version not found during downgrade",
    "corrupt cluster",
    "duplicate key given in txn request",
    "given member URLs are invalid",
    "invalid auth management",
    "invalid auth token",
    "invalid downgrade target version",
    "invalid sort option",
    "key is not provided",
    "key not found",
    "leader changed",
    "lease already exists",
    "lease is provided",
    "member ID already exist",
    "member not found",
    "mvcc: database space exceeded",
    "mvcc: required revision has been compacted",
    "mvcc: required revision is a future revision",
    "no inflight downgrade job",
    "no leader",
    "not capable",
    "not leader",
    "permission denied",
    "permission is not granted to the role",
    "permission not given",
    "re-configuration failed due to not enough started members",
    "request is too large",
    "request timed out",
    "request timed out, possibly due to connection lost",
    "request timed out, possibly due to previous leader failure",
    "requested lease not found",
    "revision of auth store is old",
    "role is not granted to the user",
    "role name already exists",
    "role name is empty",
    "role name not found",
    "root user does not exist",
    "root user does not have root role",
    "rpc not supported for learner",
    "server stopped",
    "too large lease TTL",
    "too many learner members in cluster",
    "too many operations in txn request",
    "too many requests",
    "unhealthy cluster",
    "user name already exists",
    "user name is empty",
    "user name not found",
    "value is provided",
    "wrong downgrade target version format",
];

/// Those of them that are `Unavailable`.
const PASSING: [&str; 7] = [
    "leader changed",
    "no leader",
    "request timed out",
    "request timed out, possibly due to connection lost",
    "request timed out, possibly due to previous leader failure",
    "server stopped",
    "unhealthy cluster",
];

impl Status {
    /// The text that the official client prints for it.
    #[must_use]
    pub fn words(&self) -> String {
        let known = self.known().is_some();
        if known { self.message.clone() } else { self.full_words() }
    }

    /// The text with its code, as streams tell it of any error.
    #[must_use]
    pub fn full_words(&self) -> String {
        format!("rpc error: code = {} desc = {}", self.code, self.message)
    }

    /// What follows `etcdserver: `, where it is one of etcd's own errors.
    #[must_use]
    pub fn known(&self) -> Option<&str> {
        let text = self.message.strip_prefix("etcdserver: ")?;
        KNOWN.binary_search(&text).is_ok().then_some(text)
    }

    /// Whether a new token may help.
    #[must_use]
    pub fn wants_login(&self) -> bool {
        matches!(
            self.known(),
            Some("invalid auth token" | "revision of auth store is old" | "user name is empty")
        )
    }

    /// Whether the same request may succeed a moment later. Old servers say so of more errors than the client,
    /// which goes by the text of those it knows.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        self.code == Code::UNAVAILABLE && self.known().is_none_or(|text| PASSING.contains(&text))
    }

    /// Whether another member may answer.
    #[must_use]
    pub fn is_learners(&self) -> bool {
        self.known() == Some("rpc not supported for learner")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted() {
        assert!(KNOWN.is_sorted());
    }

    #[test]
    fn what_a_learner_refuses_is_not_asked_again() {
        let passing = |text| Status::new(Code::UNAVAILABLE, text).is_passing();
        assert!(passing("etcdserver: leader changed") && passing("the proxy is busy"));
        assert!(!passing("etcdserver: rpc not supported for learner"));
        assert!(PASSING.iter().all(|text| KNOWN.contains(text)));
    }

    #[test]
    fn known_errors_are_bare_and_others_carry_their_code() {
        let words = |code, message: &str| Status::new(code, message).words();
        assert_eq!(
            words(Code::PERMISSION_DENIED, "etcdserver: permission denied"),
            "etcdserver: permission denied"
        );
        assert_eq!(
            words(Code::UNIMPLEMENTED, "unknown method RangeStream for service etcdserverpb.KV"),
            "rpc error: code = Unimplemented desc = unknown method RangeStream for service etcdserverpb.KV"
        );
    }
}
