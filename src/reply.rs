//! What was answered: the one vocabulary between commands and renderers.

use std::sync::Arc;

use bytes::Bytes;

use crate::go::duration::GoDuration;
use crate::proto::{
    AlarmResponse, AuthRoleGetResponse, AuthRoleListResponse, AuthStatusResponse,
    AuthUserGetResponse, AuthUserListResponse, DeleteRangeResponse, DowngradeResponse,
    HashKvResponse, KeyValue, LeaseGrantResponse, LeaseKeepAliveResponse, LeaseLeasesResponse,
    LeaseTimeToLiveResponse, Member, MemberListResponse, MoveLeaderResponse, PutResponse,
    StatusResponse, TxnResponse, WatchResponse,
};

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
    Txn(Answer<TxnResponse>),
    /// Something was done, and the answer tells nothing more.
    Done(Done),
    LeaseGrant(Answer<LeaseGrantResponse>),
    LeaseTimeToLive {
        answer: Answer<LeaseTimeToLiveResponse>,
        keys: bool,
    },
    LeaseKeepAlive(Answer<LeaseKeepAliveResponse>),
    Leases(Answer<LeaseLeasesResponse>),
    /// Shared: a command may be run with its events after it is printed.
    Watch(Arc<WatchResponse>),
    Members(Answer<MemberListResponse>),
    MemberChange(MemberChange),
    MoveLeader {
        from: u64,
        to: u64,
        answer: Answer<MoveLeaderResponse>,
    },
    Alarms(Answer<AlarmResponse>),
    Downgrade {
        action: &'static str,
        answer: Answer<DowngradeResponse>,
    },
    AuthStatus(Answer<AuthStatusResponse>),
    Role {
        name: String,
        answer: Answer<AuthRoleGetResponse>,
    },
    Roles(Answer<AuthRoleListResponse>),
    User {
        name: String,
        answer: Answer<AuthUserGetResponse>,
    },
    Users(Answer<AuthUserListResponse>),
    EndpointHealth(Vec<Health>),
    EndpointStatus(Vec<Of<StatusResponse>>),
    EndpointHash(Vec<Of<HashKvResponse>>),
    /// What a file says of itself.
    File(Vec<Fact>),
    /// What only ours tells: items that all have the same facts.
    Items(Vec<Vec<Fact>>),
}

/// One thing that is known of a file or an item, under the names that the formats have for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// In `json`.
    pub name: &'static str,
    /// In `fields`.
    pub field: &'static str,
    /// In a table.
    pub column: &'static str,
    pub value: Value,
    /// In `simple` and in a table.
    pub shown: String,
    /// In the `simple` of items on a line of its own, which this word begins.
    pub below: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Number(i64),
    Text(String),
}

impl Fact {
    #[must_use]
    pub fn number(
        name: &'static str,
        field: &'static str,
        column: &'static str,
        number: i64,
    ) -> Self {
        let shown = number.to_string();
        Self { name, field, column, value: Value::Number(number), shown, below: None }
    }

    #[must_use]
    pub fn text(
        name: &'static str,
        field: &'static str,
        column: &'static str,
        text: String,
    ) -> Self {
        Self { name, field, column, shown: text.clone(), value: Value::Text(text), below: None }
    }

    /// Too long for a column among others.
    #[must_use]
    pub fn below(mut self, word: &'static str) -> Self {
        self.below = Some(word);
        self
    }

    /// Shown to people as this.
    #[must_use]
    pub fn shown(mut self, text: String) -> Self {
        self.shown = text;
        self
    }
}

/// What one endpoint answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Of<M> {
    pub endpoint: String,
    pub answer: Answer<M>,
}

/// Whether an endpoint's cluster takes proposals.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    pub endpoint: String,
    /// How long the question took, where it came to be asked.
    pub took: Option<GoDuration>,
    /// What is wrong with it.
    pub error: Option<String>,
    /// The answer to the question, a `RangeResponse`; empty where there is none.
    pub bytes: Bytes,
}

impl Health {
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.error.is_none()
    }
}

/// A change whose answer is a header alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// What `simple` says of it.
    pub text: String,
    pub header: Option<Header>,
    pub bytes: Bytes,
}

/// A change among the members, and the members after it.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberChange {
    pub id: u64,
    pub how: Membership,
    pub header: Option<Header>,
    /// The new member, where there is one.
    pub member: Option<Member>,
    pub members: Vec<Member>,
    pub bytes: Bytes,
}

/// What became of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Membership {
    /// It was added under a name that only its own configuration will know.
    Added {
        name: String,
    },
    Removed,
    Updated,
    Promoted,
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
