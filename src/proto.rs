//! The API's messages under the API's names: the one list of where they come from.
//!
//! `etcd-client` generates them from the protobuf files of etcd 3.7.1 (`api/etcdserverpb/rpc.proto`).

pub use etcd_client::proto::{
    PbAuthenticateRequest as AuthenticateRequest, PbAuthenticateResponse as AuthenticateResponse,
    PbDeleteRequest as DeleteRangeRequest, PbDeleteResponse as DeleteRangeResponse,
    PbKeyValue as KeyValue, PbPutRequest as PutRequest, PbPutResponse as PutResponse,
    PbRangeRequest as RangeRequest, PbRangeResponse as RangeResponse,
    PbResponseHeader as ResponseHeader,
};
