//! One endpoint looked at step by step: what each step found, or why it found nothing. Data only: the words
//! are the command's, and nothing is changed on a server.

mod clock;
mod way;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::target::{Limits, Login, Target};
use super::tls::Tls;
use super::{Cluster, metrics};
use crate::error::{Error, Result};
use crate::proto::{Member, StatusResponse};

pub use clock::Clock;
pub use way::{Connected, Named, Secured, Stage, Way};

/// No answer that is asked for here is nearly as long.
const LONGEST: usize = 16 << 20;

/// What an endpoint showed.
pub struct Probe {
    pub endpoint: String,
    /// What TLS is spoken with, where it is.
    pub tls: Option<Arc<Tls>>,
    pub way: Way,
    /// What the server answered, where the way led to it.
    pub answers: Option<Answers>,
}

/// What a server answered.
pub struct Answers {
    /// As whom we ask, or why nobody is answered.
    pub who: Result<Who>,
    /// How long a read took that needs a quorum.
    pub read: Option<Result<Duration>>,
    pub status: Result<StatusResponse>,
    /// The members, as this one knows them.
    pub members: Result<Vec<Member>>,
    /// By its clock and ours; or why it does not tell.
    pub clock: Result<Clock, String>,
    /// What it tells anybody of versions.
    pub versions: Versions,
    /// The most bytes of the database; none where that is not told, or not limited.
    pub quota: Option<u64>,
}

/// The page `/version`; none where the server has no such page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    pub server: Option<String>,
    /// The one that the members have agreed on.
    pub cluster: Option<String>,
}

impl Versions {
    fn read(page: &[u8]) -> Self {
        let page: serde_json::Value = serde_json::from_slice(page).unwrap_or_default();
        let text = |name: &str| Some(page.get(name)?.as_str()?.to_owned());
        Self { server: text("etcdserver"), cluster: text("etcdcluster") }
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Nobody needs to be.
    Nobody,
    /// Whoever the client certificate names.
    Certificate,
    Token,
    User(String),
    /// Users are not known there.
    AuthenticationOff,
}

/// Looks at the one endpoint of a target; at no more than the connection, where the target lacks what comes after it.
pub async fn probe(mut target: Target, last: Stage) -> Option<Probe> {
    target.limits = Limits { receive: target.limits.receive.min(LONGEST), ..target.limits };
    let endpoint = target.endpoints.first()?.clone();
    let patience = target.patience;
    let deadline = Instant::now() + patience.dial.unwrap_or(patience.command);
    let target = Arc::new(target);
    let way = Way::go(&target, &endpoint, deadline, last).await;
    let answers = match way.end {
        None if last < Stage::Http2 => None,
        None => Some(Box::pin(answers(&target)).await),
        Some(_) => None,
    };
    Some(Probe { endpoint: endpoint.to_string(), tls: target.tls.clone(), way, answers })
}

async fn answers(target: &Target) -> Answers {
    let cluster = match Cluster::new(target.clone()) {
        Ok(cluster) => cluster,
        Err(err) => return Answers::none(err),
    };
    let who = who(&cluster, &target.login).await;
    // What a server tells anybody is worth knowing all the same.
    let asking = match &who {
        Ok(_) => Ok(cluster),
        Err(_) => Cluster::new(Target { login: Login::None, ..target.clone() }),
    };
    let asking = match asking {
        Ok(asking) => asking,
        Err(err) => return Answers::none(err),
    };
    let read = async {
        match &who {
            Ok(_) => Some(read(&asking).await),
            Err(_) => None,
        }
    };
    let (read, status, members, page) =
        tokio::join!(read, asking.status(), asking.members(false), page(target, "/version"));
    let status = status.map(|answer| answer.message);
    let told = status.as_ref().map_or(0, |status| status.db_size_quota);
    let quota = match u64::try_from(told) {
        Ok(0) => quota(target).await,
        told => told.ok(),
    };
    let versions =
        page.as_ref().map_or_else(|_| Versions::default(), |page| Versions::read(&page.text));
    let clock = page.and_then(|page| Clock::of(&page).ok_or_else(|| "it tells no date".to_owned()));
    let members = members.map(|answer| answer.message.members);
    Answers { who, read, status, members, clock, versions, quota }
}

impl Answers {
    /// Nothing could be asked.
    fn none(err: Error) -> Self {
        let again = || Error::new(err.exit, err.message());
        Self {
            read: None,
            status: Err(again()),
            members: Err(again()),
            clock: Err(err.message().to_owned()),
            who: Err(err),
            versions: Versions::default(),
            quota: None,
        }
    }
}

/// Logs in, and reads what takes no quorum: a server refuses that to who must say who he is, and to nobody else.
async fn who(cluster: &Cluster, login: &Login) -> Result<Who> {
    cluster.login().await?;
    let denied = cluster.read_health(true).await?.is_none();
    Ok(match login {
        Login::None if denied => Who::Certificate,
        Login::None => Who::Nobody,
        Login::Token(_) => Who::Token,
        Login::Password { user, .. } if cluster.has_token() => Who::User(user.clone()),
        Login::Password { .. } => Who::AuthenticationOff,
    })
}

/// Reads what takes a quorum.
async fn read(cluster: &Cluster) -> Result<Duration> {
    let begun = Instant::now();
    cluster.read_health(false).await?;
    Ok(begun.elapsed())
}

async fn page(target: &Target, path: &'static str) -> Result<metrics::Page, String> {
    let endpoint = target.endpoints.first().ok_or_else(String::new)?;
    let deadline = Instant::now() + target.patience.command;
    let page = metrics::page(endpoint, target.tls.as_deref(), deadline, path).await;
    page.map_err(|cause| cause.to_string())
}

/// Servers before 3.6 tell it among their metrics alone.
async fn quota(target: &Target) -> Option<u64> {
    let page = page(target, "/metrics").await.ok()?;
    let quota = metrics::number(&page.text, "etcd_server_quota_backend_bytes").ok()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a size in bytes")]
    let quota = quota as u64;
    Some(quota).filter(|&quota| quota > 0)
}
