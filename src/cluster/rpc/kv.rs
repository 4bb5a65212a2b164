//! The service `KV`.

use bytes::Bytes;

use super::Method;
use crate::cluster::Cluster;
use crate::error::Result;
use crate::proto::{
    self, CompactionRequest, CompactionResponse, CompareResult, CompareTarget, DeleteRangeRequest,
    DeleteRangeResponse, OneRequest, PutRequest, PutResponse, RangeRequest, RangeResponse,
    RequestOp, TargetUnion, TxnRequest, TxnResponse,
};
use crate::reply::Answer;
use crate::request::{
    Compare, Delete, Operand, Operation, Operator, Put, Range, SortOrder, SortTarget, Txn,
};

impl Cluster {
    /// A range that is known to be small, in one answer. Any other is for [`Cluster::range`].
    pub async fn read(&self, range: Range) -> Result<Answer<RangeResponse>> {
        self.call(Method::RANGE, &RangeRequest::from(range)).await
    }

    /// The read of `endpoint health`, of a key that need not be there; a quorum answers it unless it is serializable.
    /// `None`: who asks may not read it, and was told so by the same members.
    pub async fn read_health(&self, serializable: bool) -> Result<Option<Bytes>> {
        let range = Range { key: b"health".to_vec(), serializable, ..Range::default() };
        match self.read(range).await {
            Ok(answer) => Ok(Some(answer.bytes)),
            Err(err) if err.message() == "etcdserver: permission denied" => Ok(None),
            Err(err) => Err(err),
        }
    }

    pub async fn put(&self, put: Put) -> Result<Answer<PutResponse>> {
        self.call(Method::PUT, &PutRequest::from(put)).await
    }

    pub async fn delete(&self, delete: Delete) -> Result<Answer<DeleteRangeResponse>> {
        let ask = DeleteRangeRequest::from(delete);
        self.call(Method::DELETE, &ask).await
    }

    pub async fn txn(&self, txn: Txn) -> Result<Answer<TxnResponse>> {
        let ops = |ops: Vec<Operation>| ops.into_iter().map(RequestOp::from).collect();
        let ask = TxnRequest {
            compare: txn.compares.into_iter().map(proto::Compare::from).collect(),
            success: ops(txn.success),
            failure: ops(txn.failure),
        };
        self.call(Method::TXN, &ask).await
    }

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

impl From<Put> for PutRequest {
    fn from(put: Put) -> Self {
        Self {
            key: put.key,
            value: put.value,
            lease: put.lease,
            prev_kv: put.prev_kv,
            ignore_value: put.ignore_value,
            ignore_lease: put.ignore_lease,
        }
    }
}

impl From<Delete> for DeleteRangeRequest {
    fn from(delete: Delete) -> Self {
        let (key, range_end) = delete.end.bounds(delete.key);
        Self { key, range_end, prev_kv: delete.prev_kv }
    }
}

impl From<Operation> for RequestOp {
    fn from(operation: Operation) -> Self {
        Self {
            request: Some(match operation {
                Operation::Range(range) => OneRequest::RequestRange(range.into()),
                Operation::Put(put) => OneRequest::RequestPut(put.into()),
                Operation::Delete(delete) => OneRequest::RequestDeleteRange(delete.into()),
            }),
        }
    }
}

impl From<Compare> for proto::Compare {
    fn from(compare: Compare) -> Self {
        let result = match compare.operator {
            Operator::Equal => CompareResult::Equal,
            Operator::Greater => CompareResult::Greater,
            Operator::Less => CompareResult::Less,
            Operator::NotEqual => CompareResult::NotEqual,
        };
        let (target, union) = match compare.operand {
            Operand::Version(number) => (CompareTarget::Version, TargetUnion::Version(number)),
            Operand::CreateRevision(number) => {
                (CompareTarget::Create, TargetUnion::CreateRevision(number))
            }
            Operand::ModRevision(number) => (CompareTarget::Mod, TargetUnion::ModRevision(number)),
            Operand::Value(value) => (CompareTarget::Value, TargetUnion::Value(value)),
            Operand::Lease(id) => (CompareTarget::Lease, TargetUnion::Lease(id)),
        };
        Self {
            result: result.into(),
            target: target.into(),
            key: compare.key,
            range_end: Vec::new(),
            target_union: Some(union),
        }
    }
}
