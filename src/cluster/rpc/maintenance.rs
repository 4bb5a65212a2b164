//! The service `Maintenance`.

use super::Method;
use crate::cluster::Cluster;
use crate::error::Result;
use crate::proto::{
    AlarmRequest, AlarmResponse, DefragmentRequest, DefragmentResponse, DowngradeRequest,
    DowngradeResponse, HashKvRequest, HashKvResponse, MoveLeaderRequest, MoveLeaderResponse,
    StatusRequest, StatusResponse,
};
use crate::reply::Answer;

impl Cluster {
    /// The active alarms.
    pub async fn alarms(&self) -> Result<Answer<AlarmResponse>> {
        let ask = AlarmRequest { action: 0, member_id: 0, alarm: 0 };
        self.call(Method::again("/etcdserverpb.Maintenance/Alarm"), &ask).await
    }

    /// Clears one alarm.
    pub async fn disarm(&self, member_id: u64, alarm: i32) -> Result<Answer<AlarmResponse>> {
        let ask = AlarmRequest { action: 2, member_id, alarm };
        self.call(Method::again("/etcdserverpb.Maintenance/Alarm"), &ask).await
    }

    /// How the member that answers is.
    pub async fn status(&self) -> Result<Answer<StatusResponse>> {
        let ask = StatusRequest {};
        self.call(Method::STATUS, &ask).await
    }

    /// The hash of all keys of the member that answers, up to a revision; 0 for the newest.
    pub async fn hash_kv(&self, revision: i64) -> Result<Answer<HashKvResponse>> {
        let ask = HashKvRequest { revision };
        self.call(Method::again("/etcdserverpb.Maintenance/HashKV"), &ask).await
    }

    /// Gives the unused space of a member's file back; it answers nobody meanwhile.
    pub async fn defragment(&self) -> Result<Answer<DefragmentResponse>> {
        let ask = DefragmentRequest {};
        self.call(Method::once("/etcdserverpb.Maintenance/Defragment"), &ask).await
    }

    /// Gives the leadership to another member; only the leader can.
    pub async fn move_leader(&self, target_id: u64) -> Result<Answer<MoveLeaderResponse>> {
        let ask = MoveLeaderRequest { target_id };
        self.call(Method::again("/etcdserverpb.Maintenance/MoveLeader"), &ask).await
    }

    /// Checks (0), begins (1) or ends (2) a downgrade.
    pub async fn downgrade(
        &self,
        action: i32,
        version: String,
    ) -> Result<Answer<DowngradeResponse>> {
        let ask = DowngradeRequest { action, version };
        self.call(Method::once("/etcdserverpb.Maintenance/Downgrade"), &ask).await
    }
}
