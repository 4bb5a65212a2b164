//! The service `Cluster`.

use super::Method;
use crate::cluster::Cluster;
use crate::error::Result;
use crate::proto::{
    MemberAddRequest, MemberAddResponse, MemberListRequest, MemberListResponse,
    MemberPromoteRequest, MemberPromoteResponse, MemberRemoveRequest, MemberRemoveResponse,
    MemberUpdateRequest, MemberUpdateResponse,
};
use crate::reply::Answer;

impl Cluster {
    /// A new member, which is not started yet.
    pub async fn member_add(
        &self,
        peer_ur_ls: Vec<String>,
        is_learner: bool,
    ) -> Result<Answer<MemberAddResponse>> {
        let ask = MemberAddRequest { peer_ur_ls, is_learner };
        self.call(Method::once("/etcdserverpb.Cluster/MemberAdd"), &ask).await
    }

    /// A member leaves.
    pub async fn member_remove(&self, id: u64) -> Result<Answer<MemberRemoveResponse>> {
        let ask = MemberRemoveRequest { id };
        self.call(Method::once("/etcdserverpb.Cluster/MemberRemove"), &ask).await
    }

    /// A member's peer URLs change.
    pub async fn member_update(
        &self,
        id: u64,
        peer_ur_ls: Vec<String>,
    ) -> Result<Answer<MemberUpdateResponse>> {
        let ask = MemberUpdateRequest { id, peer_ur_ls };
        self.call(Method::once("/etcdserverpb.Cluster/MemberUpdate"), &ask).await
    }

    /// A learner becomes a voting member.
    pub async fn member_promote(&self, id: u64) -> Result<Answer<MemberPromoteResponse>> {
        let ask = MemberPromoteRequest { id };
        self.call(Method::once("/etcdserverpb.Cluster/MemberPromote"), &ask).await
    }

    /// The members; `linearizable` asks for a quorum's knowledge.
    pub async fn members(&self, linearizable: bool) -> Result<Answer<MemberListResponse>> {
        let ask = MemberListRequest { linearizable };
        self.call(Method::again("/etcdserverpb.Cluster/MemberList"), &ask).await
    }
}
