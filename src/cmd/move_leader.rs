//! `move-leader`: gives the leadership to another member. The leader is found, wherever it is.

use super::endpoint::ask_all;
use super::member::Named;
use crate::cluster::Cluster;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::Format;
use crate::proto::StatusResponse;
use crate::reply::Reply;

/// Give the leadership of the cluster to another member
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl move-leader MEMBER")]
pub struct Args {
    /// Id, in hexadecimal, or name of the member that is to lead
    member: Vec<String>,
}

pub async fn run(args: &Args, cx: &mut Context) -> Result<()> {
    let [member] = args.member.as_slice() else {
        return Err(Error::bad_args("move-leader command needs 1 argument"));
    };
    let named = Named::of(member);
    cx.answers_in(&Format::WITHOUT_RAW)?;
    let to = named.id(cx, |err| err.to_string()).await?;
    let (leader, from) = leader(cx).await?;
    let answer = leader.move_leader(to).await?;
    cx.print(&Reply::MoveLeader { from, to, answer })
}

/// The leader and its id: one of the endpoints named, or else where the members say that it is.
async fn leader(cx: &mut Context) -> Result<(Cluster, u64)> {
    let endpoints = cx.endpoints().await?;
    if endpoints.is_empty() {
        // It has the words for that.
        cx.cluster().await?.status().await?;
    }
    let ask = |cluster: Cluster| async move {
        let status = cluster.status().await;
        (cluster, status)
    };
    let mut asked = ask_all(&endpoints, cx, ask).await?;
    let (mut followers, mut failures) = (Vec::new(), Vec::new());
    // The first to answer for it: a dead endpoint is not waited for.
    while let Some(done) = asked.join_next().await {
        let Ok((position, (cluster, status))) = done else { continue };
        match status {
            Ok(answer) if leads(&answer.message) => return Ok((cluster, answer.message.leader)),
            Ok(answer) => followers.push((cluster, answer.message.leader)),
            Err(err) => failures.push((position, err)),
        }
    }
    let mut why = Vec::new();
    for (cluster, leader) in followers.into_iter().filter(|&(_, leader)| leader != 0) {
        match urls(&cluster, leader).await {
            Ok(urls) if !urls.is_empty() => return Ok((cx.cluster_at(urls).await?, leader)),
            Ok(_) => why.push(format!("the leader, {leader:x}, gives no URL to clients")),
            Err(err) => why.push(format!("the members could not be listed: {err}")),
        }
    }
    // Of several failures the official client meets the first.
    if let Some((_, err)) = failures.into_iter().min_by_key(|&(position, _)| position) {
        return Err(err);
    }
    if why.is_empty() {
        why.push("the cluster has no leader now".to_owned());
    }
    let words = format!("no leader endpoint given at [{}]", endpoints.join(" "));
    Err(why.into_iter().fold(Error::bad_args(words), Error::because))
}

fn leads(status: &StatusResponse) -> bool {
    status.header.is_some_and(|header| header.member_id == status.leader)
}

/// Where a member answers clients.
async fn urls(cluster: &Cluster, id: u64) -> Result<Vec<String>> {
    let members = cluster.members(true).await?.message.members;
    let urls = members.into_iter().filter(|member| member.id == id);
    Ok(urls.flat_map(|member| member.client_ur_ls).collect())
}
