//! The API's messages under the API's names: the one list of where they come from.
//!
//! `etcd-client` generates them from the protobuf files of etcd 3.7.1 (`api/etcdserverpb/rpc.proto`).
//! What it does not export stands below, field by field.

pub use etcd_client::proto::{
    PbAlarmMember as AlarmMember, PbAlarmRequest as AlarmRequest, PbAlarmResponse as AlarmResponse,
    PbAuthDisableRequest as AuthDisableRequest, PbAuthDisableResponse as AuthDisableResponse,
    PbAuthEnableRequest as AuthEnableRequest, PbAuthEnableResponse as AuthEnableResponse,
    PbAuthRoleAddRequest as AuthRoleAddRequest, PbAuthRoleAddResponse as AuthRoleAddResponse,
    PbAuthRoleDeleteRequest as AuthRoleDeleteRequest,
    PbAuthRoleDeleteResponse as AuthRoleDeleteResponse, PbAuthRoleGetRequest as AuthRoleGetRequest,
    PbAuthRoleGetResponse as AuthRoleGetResponse,
    PbAuthRoleGrantPermissionRequest as AuthRoleGrantPermissionRequest,
    PbAuthRoleGrantPermissionResponse as AuthRoleGrantPermissionResponse,
    PbAuthRoleListRequest as AuthRoleListRequest, PbAuthRoleListResponse as AuthRoleListResponse,
    PbAuthRoleRevokePermissionRequest as AuthRoleRevokePermissionRequest,
    PbAuthRoleRevokePermissionResponse as AuthRoleRevokePermissionResponse,
    PbAuthUserAddRequest as AuthUserAddRequest, PbAuthUserAddResponse as AuthUserAddResponse,
    PbAuthUserChangePasswordRequest as AuthUserChangePasswordRequest,
    PbAuthUserChangePasswordResponse as AuthUserChangePasswordResponse,
    PbAuthUserDeleteRequest as AuthUserDeleteRequest,
    PbAuthUserDeleteResponse as AuthUserDeleteResponse, PbAuthUserGetRequest as AuthUserGetRequest,
    PbAuthUserGetResponse as AuthUserGetResponse,
    PbAuthUserGrantRoleRequest as AuthUserGrantRoleRequest,
    PbAuthUserGrantRoleResponse as AuthUserGrantRoleResponse,
    PbAuthUserListRequest as AuthUserListRequest, PbAuthUserListResponse as AuthUserListResponse,
    PbAuthUserRevokeRoleRequest as AuthUserRevokeRoleRequest,
    PbAuthUserRevokeRoleResponse as AuthUserRevokeRoleResponse,
    PbAuthenticateRequest as AuthenticateRequest, PbAuthenticateResponse as AuthenticateResponse,
    PbCompactionRequest as CompactionRequest, PbCompactionResponse as CompactionResponse,
    PbCompare as Compare, PbCompareTarget as CompareTarget,
    PbDefragmentRequest as DefragmentRequest, PbDefragmentResponse as DefragmentResponse,
    PbDeleteRequest as DeleteRangeRequest, PbDeleteResponse as DeleteRangeResponse,
    PbDowngradeRequest as DowngradeRequest, PbDowngradeResponse as DowngradeResponse,
    PbEvent as Event, PbHashKvRequest as HashKvRequest, PbHashKvResponse as HashKvResponse,
    PbKeyValue as KeyValue, PbLeaseGrantRequest as LeaseGrantRequest,
    PbLeaseGrantResponse as LeaseGrantResponse, PbLeaseKeepAliveRequest as LeaseKeepAliveRequest,
    PbLeaseKeepAliveResponse as LeaseKeepAliveResponse, PbLeaseLeasesRequest as LeaseLeasesRequest,
    PbLeaseLeasesResponse as LeaseLeasesResponse, PbLeaseRevokeRequest as LeaseRevokeRequest,
    PbLeaseRevokeResponse as LeaseRevokeResponse,
    PbLeaseTimeToLiveRequest as LeaseTimeToLiveRequest,
    PbLeaseTimeToLiveResponse as LeaseTimeToLiveResponse, PbMember as Member,
    PbMemberAddRequest as MemberAddRequest, PbMemberAddResponse as MemberAddResponse,
    PbMemberListRequest as MemberListRequest, PbMemberListResponse as MemberListResponse,
    PbMemberPromoteRequest as MemberPromoteRequest,
    PbMemberPromoteResponse as MemberPromoteResponse, PbMemberRemoveRequest as MemberRemoveRequest,
    PbMemberRemoveResponse as MemberRemoveResponse, PbMemberUpdateRequest as MemberUpdateRequest,
    PbMemberUpdateResponse as MemberUpdateResponse, PbMoveLeaderRequest as MoveLeaderRequest,
    PbMoveLeaderResponse as MoveLeaderResponse, PbPutRequest as PutRequest,
    PbPutResponse as PutResponse, PbRangeRequest as RangeRequest, PbRangeResponse as RangeResponse,
    PbResponseHeader as ResponseHeader, PbSnapshotRequest as SnapshotRequest,
    PbSnapshotResponse as SnapshotResponse, PbStatusRequest as StatusRequest,
    PbStatusResponse as StatusResponse, PbTargetUnion as TargetUnion, PbTxnOpRequest as OneRequest,
    PbTxnOpResponse as OneResponse, PbTxnRequest as TxnRequest, PbTxnRequestOp as RequestOp,
    PbTxnResponse as TxnResponse, PbWatchResponse as WatchResponse,
};
pub use etcd_client::{CompareOp as CompareResult, Permission};

/// Whether a watch tells that a key is gone (`mvccpb.Event.EventType`: `PUT` is 0, `DELETE` 1).
#[must_use]
pub fn is_deletion(event: &Event) -> bool {
    event.r#type == 1
}

/// `AuthStatusRequest`: it has no fields.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct AuthStatusRequest {}

/// `AuthStatusResponse`.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct AuthStatusResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<ResponseHeader>,
    #[prost(bool, tag = "2")]
    pub enabled: bool,
    #[prost(uint64, tag = "3")]
    pub auth_revision: u64,
}

/// `DecryptRequest` of Kubernetes' `v1beta1.KeyManagementService`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct KmsV1Request {
    #[prost(string, tag = "1")]
    pub version: String,
    #[prost(bytes = "vec", tag = "2")]
    pub cipher: Vec<u8>,
}

/// `DecryptRequest` of `v2.KeyManagementService`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct KmsV2Request {
    #[prost(bytes = "vec", tag = "1")]
    pub ciphertext: Vec<u8>,
    #[prost(string, tag = "2")]
    pub uid: String,
    #[prost(string, tag = "3")]
    pub key_id: String,
    #[prost(btree_map = "string, bytes", tag = "4")]
    pub annotations: std::collections::BTreeMap<String, Vec<u8>>,
}

/// `DecryptResponse` of both.
#[derive(Clone, PartialEq, prost::Message)]
pub struct KmsResponse {
    #[prost(bytes = "vec", tag = "1")]
    pub plain: Vec<u8>,
}

/// `WatchRequest`: its `request_union`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct WatchRequest {
    #[prost(oneof = "WatchAsk", tags = "1, 3")]
    pub ask: Option<WatchAsk>,
}

/// What is asked on a stream of watches.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum WatchAsk {
    #[prost(message, tag = "1")]
    Create(WatchCreateRequest),
    #[prost(message, tag = "3")]
    Progress(WatchProgressRequest),
}

/// `WatchCreateRequest`, without what this client never asks for: filters, an id of its own, fragments.
#[derive(Clone, PartialEq, prost::Message)]
pub struct WatchCreateRequest {
    #[prost(bytes = "vec", tag = "1")]
    pub key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub range_end: Vec<u8>,
    #[prost(int64, tag = "3")]
    pub start_revision: i64,
    #[prost(bool, tag = "4")]
    pub progress_notify: bool,
    #[prost(bool, tag = "6")]
    pub prev_kv: bool,
}

/// `WatchProgressRequest`: it has no fields.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct WatchProgressRequest {}
