//! `doctor`: looks at every endpoint step by step, then at the cluster, and says of each step what was found and what
//! to do about it. Here: what is looked at, and in which order the steps are told.

mod certificate;
mod cluster;
mod endpoint;
mod row;

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::task::JoinSet;

use crate::cluster::no_endpoints;
use crate::cluster::probe::{Probe, Stage, probe};
use crate::cluster::target::Login;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::Format;
use crate::proto::Member;
use crate::reply::Reply;

use cluster::Cluster;
use row::{Row, Status};

/// More members than any cluster has (etcd advises seven at most): a server may lie about how many there are.
const MOST_MEMBERS: usize = 64;

/// Look at every endpoint and the cluster step by step, and say what is wrong
///
/// Name, connection, TLS, certificates, HTTP/2, authentication, a read by quorum, clock, space and lag of each endpoint
/// and of each further member; then members, quorum, alarms and versions of the cluster. Each step is ok, warn, fail, or
/// skip where it could not be looked at. The status is 1 where one failed. Nothing is changed on a server.
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl doctor [flags]")]
pub struct Args {}

pub async fn run(_: Args, cx: &mut Context) -> Result<()> {
    cx.answers_in(&Format::OF_FILES)?;
    let endpoints = cx.endpoints().await?;
    if endpoints.is_empty() {
        return Err(no_endpoints());
    }
    let fault = cx.files_fault().await?;
    let mut probes = look(&endpoints, fault.is_some(), false, cx).await?;
    let further = further(&probes);
    let guarded = probes.iter().any(|probe| probe.tls.is_some());
    probes.extend(look(&further, fault.is_some(), guarded, cx).await?);
    let rows = rows(&probes, fault.as_ref());
    let failed = rows.iter().filter(|row| row.status == Status::Fail).count();
    let steps = rows.len();
    cx.print(&Reply::Items(rows.into_iter().map(Row::facts).collect()))?;
    match failed {
        0 => Ok(()),
        failed => Err(Error::failure(format!("{failed} of {steps} steps failed"))),
    }
}

/// Looks at endpoints side by side, so that none waits for a dead one; as far as the way leads without files that are
/// of no use. `guarded`: nobody named them, and those that were named speak TLS; no password goes there in plain text.
async fn look(
    endpoints: &[String],
    useless: bool,
    guarded: bool,
    cx: &mut Context,
) -> Result<Vec<Probe>> {
    let mut looks = JoinSet::new();
    for (position, endpoint) in endpoints.iter().enumerate() {
        let endpoint = vec![endpoint.clone()];
        let (mut target, last) = if useless {
            (cx.target_without_files(endpoint)?, Stage::Tcp)
        } else {
            (cx.target_at(endpoint).await?, Stage::Http2)
        };
        if guarded && target.tls.is_none() {
            target.login = Login::None;
        }
        looks.spawn(async move { (position, Box::pin(probe(target, last)).await) });
    }
    let mut probes = looks.join_all().await;
    probes.sort_by_key(|&(position, _)| position);
    Ok(probes.into_iter().filter_map(|(_, probe)| probe).collect())
}

/// The URLs of members that none of the endpoints answers for.
fn further(probes: &[Probe]) -> Vec<String> {
    let cluster = Cluster::of(probes);
    let known = |url: &String| probes.iter().any(|probe| probe.endpoint == *url);
    let missing = cluster.members().iter().filter(|member| cluster.status_of(member.id).is_none());
    let urls = missing.flat_map(|member: &Member| &member.client_ur_ls);
    urls.filter(|url| !known(url)).take(MOST_MEMBERS).cloned().collect()
}

fn rows(probes: &[Probe], fault: Option<&Error>) -> Vec<Row> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let cluster = Cluster::of(probes);
    let mut rows = Vec::new();
    for probe in probes {
        rows.extend(endpoint::rows(probe, &cluster, now));
    }
    rows.extend(fault.map(certificate::useless));
    rows.extend(certificate::own(probes, now));
    rows.extend(cluster.rows());
    rows
}
