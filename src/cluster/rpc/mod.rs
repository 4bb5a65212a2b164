//! One method per RPC: a request in our words becomes a message, and the answer comes back as it is.
//! A file for each of etcd's services.

mod auth;
mod kv;
mod lease;
mod maintenance;
mod members;

use super::target::Limits;

/// When a request may be sent again after it has, or may have, reached a server
/// (etcd 3.7.1, `clientv3/retry.go`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// While the server says it cannot answer now, or the connection breaks: reading changes nothing.
    WhenUnavailable,
    /// Never: it may have been done already.
    Never,
}

/// More than any answer has that holds neither keys nor values, in bytes.
const FEW: usize = 16 << 20;

/// An RPC's name on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    pub path: &'static str,
    pub retry: Retry,
}

impl Method {
    pub const AUTHENTICATE: Self = Self::once("/etcdserverpb.Auth/Authenticate");
    pub const RANGE: Self = Self::again("/etcdserverpb.KV/Range");
    pub const RANGE_STREAM: Self = Self::once("/etcdserverpb.KV/RangeStream");
    pub const PUT: Self = Self::once("/etcdserverpb.KV/Put");
    pub const DELETE: Self = Self::once("/etcdserverpb.KV/DeleteRange");
    pub const TXN: Self = Self::once("/etcdserverpb.KV/Txn");
    pub const STATUS: Self = Self::again("/etcdserverpb.Maintenance/Status");
    pub const SNAPSHOT: Self = Self::again("/etcdserverpb.Maintenance/Snapshot");

    pub const WATCH: Self = Self::once("/etcdserverpb.Watch/Watch");
    pub const LEASE_KEEP_ALIVE: Self = Self::again("/etcdserverpb.Lease/LeaseKeepAlive");

    /// The most bytes of an answer: what the user says; else what the official client takes, where that much can be
    /// meant.
    pub fn most(self, limits: Limits) -> usize {
        let large = ["/etcdserverpb.KV/", "/etcdserverpb.Watch/", "/etcdserverpb.Lease/"];
        let may_be_large = large.iter().any(|service| self.path.starts_with(service));
        if may_be_large || limits.receive != Limits::OFFICIAL.receive {
            limits.receive
        } else {
            FEW
        }
    }

    /// Sent once: it may have been done already.
    const fn once(path: &'static str) -> Self {
        Self { path, retry: Retry::Never }
    }

    /// Sent again while the server is unavailable.
    const fn again(path: &'static str) -> Self {
        Self { path, retry: Retry::WhenUnavailable }
    }
}
