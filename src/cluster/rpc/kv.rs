//! The service `KV`.

use super::Method;
use crate::cluster::Cluster;
use crate::error::Result;
use crate::proto::{
    CompactionRequest, CompactionResponse, DeleteRangeRequest, DeleteRangeResponse, PutRequest,
    PutResponse, RangeRequest, RangeResponse,
};
use crate::reply::Answer;
use crate::request::{Delete, Put, Range, SortOrder, SortTarget};

impl Cluster {
    /// A range that is known to be small, in one answer. Any other is for [`Cluster::range`].
    pub async fn read(&self, range: Range) -> Result<Answer<RangeResponse>> {
        self.call(Method::RANGE, &RangeRequest::from(range)).await
    }

    pub async fn put(&self, put: Put) -> Result<Answer<PutResponse>> {
        let ask = PutRequest {
            key: put.key,
            value: put.value,
            lease: put.lease,
            prev_kv: put.prev_kv,
            ignore_value: put.ignore_value,
            ignore_lease: put.ignore_lease,
        };
        self.call(Method::once("/etcdserverpb.KV/Put"), &ask).await
    }

    pub async fn delete(&self, delete: Delete) -> Result<Answer<DeleteRangeResponse>> {
        let (key, range_end) = delete.end.bounds(delete.key);
        let ask = DeleteRangeRequest { key, range_end, prev_kv: delete.prev_kv };
        self.call(Method::once("/etcdserverpb.KV/DeleteRange"), &ask).await
    }
}

impl Cluster {
    /// Forgets what was before a revision; `physical` waits until the disk has forgotten it too.
    pub async fn compact(
        &self,
        revision: i64,
        physical: bool,
    ) -> Result<Answer<CompactionResponse>> {
        let ask = CompactionRequest { revision, physical };
        self.call(Method::once("/etcdserverpb.KV/Compact"), &ask).await
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
