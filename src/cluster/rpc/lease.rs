//! The service `Lease`.

use super::Method;
use crate::cluster::Cluster;
use crate::error::Result;
use crate::proto::{
    LeaseGrantRequest, LeaseGrantResponse, LeaseLeasesRequest, LeaseLeasesResponse,
    LeaseRevokeRequest, LeaseRevokeResponse, LeaseTimeToLiveRequest, LeaseTimeToLiveResponse,
};
use crate::reply::Answer;

impl Cluster {
    /// A new lease of so many seconds; the server chooses its id.
    pub async fn lease_grant(&self, ttl: i64) -> Result<Answer<LeaseGrantResponse>> {
        let ask = LeaseGrantRequest { ttl, id: 0 };
        self.call(Method::again("/etcdserverpb.Lease/LeaseGrant"), &ask).await
    }

    /// Ends a lease, and deletes its keys.
    pub async fn lease_revoke(&self, id: i64) -> Result<Answer<LeaseRevokeResponse>> {
        let ask = LeaseRevokeRequest { id };
        self.call(Method::again("/etcdserverpb.Lease/LeaseRevoke"), &ask).await
    }

    /// What is left of a lease, with its keys if wanted.
    pub async fn lease_time_to_live(
        &self,
        id: i64,
        keys: bool,
    ) -> Result<Answer<LeaseTimeToLiveResponse>> {
        let ask = LeaseTimeToLiveRequest { id, keys };
        self.call(Method::again("/etcdserverpb.Lease/LeaseTimeToLive"), &ask).await
    }

    /// All leases.
    pub async fn leases(&self) -> Result<Answer<LeaseLeasesResponse>> {
        let ask = LeaseLeasesRequest {};
        self.call(Method::again("/etcdserverpb.Lease/LeaseLeases"), &ask).await
    }
}
