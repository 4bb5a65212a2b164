//! One method per RPC: a request in our words becomes a message, and the answer comes back as it is.

use super::Cluster;
use crate::error::Result;
use crate::proto::{
    DeleteRangeRequest, DeleteRangeResponse, PutRequest, PutResponse, RangeRequest,
};
use crate::reply::Answer;
use crate::request::{Delete, Put, Range, SortOrder, SortTarget};

/// When a request may be sent again after it has, or may have, reached a server
/// (etcd 3.7.1, `clientv3/retry.go`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// While the server says it cannot answer now, or the connection breaks: reading changes nothing.
    WhenUnavailable,
    /// Never: it may have been done already.
    Never,
}

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
    const PUT: Self = Self::once("/etcdserverpb.KV/Put");
    const DELETE_RANGE: Self = Self::once("/etcdserverpb.KV/DeleteRange");

    const fn once(path: &'static str) -> Self {
        Self { path, retry: Retry::Never }
    }

    const fn again(path: &'static str) -> Self {
        Self { path, retry: Retry::WhenUnavailable }
    }
}

impl Cluster {
    pub async fn put(&self, put: Put) -> Result<Answer<PutResponse>> {
        let ask = PutRequest {
            key: put.key,
            value: put.value,
            lease: put.lease,
            prev_kv: put.prev_kv,
            ignore_value: put.ignore_value,
            ignore_lease: put.ignore_lease,
        };
        self.call(Method::PUT, &ask).await
    }

    pub async fn delete(&self, delete: Delete) -> Result<Answer<DeleteRangeResponse>> {
        let (key, range_end) = delete.end.bounds(delete.key);
        let ask = DeleteRangeRequest { key, range_end, prev_kv: delete.prev_kv };
        self.call(Method::DELETE_RANGE, &ask).await
    }
}

impl From<Range> for RangeRequest {
    fn from(range: Range) -> Self {
        let (key, range_end) = range.end.bounds(range.key);
        let target = match range.target {
            SortTarget::Key => 0,
            SortTarget::Version => 1,
            SortTarget::Create => 2,
            SortTarget::Modify => 3,
            SortTarget::Value => 4,
        };
        // Keys come ascending anyway, and the official client does not ask for it.
        let order = match (range.order, range.target) {
            (SortOrder::None, _) | (SortOrder::Ascend, SortTarget::Key) => 0,
            (SortOrder::Ascend, _) => 1,
            (SortOrder::Descend, _) => 2,
        };
        Self {
            key,
            range_end,
            limit: range.limit,
            revision: range.revision.max(0),
            sort_order: order,
            sort_target: target,
            serializable: range.serializable,
            keys_only: range.keys_only,
            count_only: range.count_only,
            min_mod_revision: range.min_mod_revision.max(0),
            max_mod_revision: range.max_mod_revision.max(0),
            min_create_revision: range.min_create_revision.max(0),
            max_create_revision: range.max_create_revision.max(0),
        }
    }
}
