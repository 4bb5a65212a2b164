//! What was answered: the one vocabulary between commands and renderers.

use bytes::Bytes;

use crate::proto::{DeleteRangeResponse, KeyValue, PutResponse};

pub use crate::proto::ResponseHeader as Header;

/// A message, and the bytes it came in: `-w protobuf` hands those on, with fields that we do not know.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer<M> {
    pub message: M,
    pub bytes: Bytes,
}

/// Every answer that is printed whole. A range is not: it is printed as it arrives.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    Put(Answer<PutResponse>),
    Delete(Answer<DeleteRangeResponse>),
}

/// A key with what is stored under it (`mvccpb.KeyValue`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    pub key: Bytes,
    pub value: Bytes,
    pub create_revision: i64,
    pub mod_revision: i64,
    pub version: i64,
    /// 0 for none.
    pub lease: i64,
}

impl From<&KeyValue> for Pair {
    fn from(kv: &KeyValue) -> Self {
        Self {
            key: Bytes::copy_from_slice(&kv.key),
            value: Bytes::copy_from_slice(&kv.value),
            create_revision: kv.create_revision,
            mod_revision: kv.mod_revision,
            version: kv.version,
            lease: kv.lease,
        }
    }
}

/// What closes a range answer (`RangeResponse.more`, `count`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// A limit left keys out.
    pub more: bool,
    /// How many keys the range holds, whatever the limit.
    pub count: i64,
}
