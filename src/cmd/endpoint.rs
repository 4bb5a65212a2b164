//! `endpoint`: what each endpoint says of itself. All are asked at once, so that none waits for a dead one.

use bytes::Bytes;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::arg;
use crate::cluster::Cluster;
use crate::context::Context;
use crate::error::{Error, Exit, Result};
use crate::go::duration::GoDuration;
use crate::output::Format;
use crate::reply::{Answer, Health, Of, Reply};

/// Ask endpoints for their health, status and hash
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl endpoint COMMAND")]
pub struct Args {
    /// All members of the cluster, at the URLs that they give to clients
    #[arg(long, global = true)]
    cluster: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Ask whether proposals go through, and for alarms
    #[command(override_usage = "etcdctl endpoint health [flags]")]
    Health {
        /// What the official client takes, and passes over
        #[arg(hide = true)]
        surplus: Vec<std::ffi::OsString>,
    },
    /// Print version, size, leadership and progress of each
    #[command(override_usage = "etcdctl endpoint status [flags]")]
    Status {
        /// What the official client takes, and passes over
        #[arg(hide = true)]
        surplus: Vec<std::ffi::OsString>,
    },
    /// Print the hash of all keys of each: members of one cluster have the same at the same revision
    #[command(override_usage = "etcdctl endpoint hashkv [flags]")]
    Hashkv {
        /// What the official client takes, and passes over
        #[arg(hide = true)]
        surplus: Vec<std::ffi::OsString>,
        /// Newest revision to hash; 0 for the newest of all
        #[arg(long, value_name = "REVISION", default_value = "0", value_parser = arg::int)]
        rev: i64,
    },
}

pub async fn run(args: Args, cx: &mut Context) -> Result<()> {
    match args.command {
        Command::Health { .. } => {
            let format = cx.answers_in(&Format::WITHOUT_RAW)?;
            let endpoints = endpoints(args.cluster, cx).await?;
            health(&endpoints, format, cx).await
        }
        Command::Status { .. } => {
            cx.answers_in(&Format::WITHOUT_RAW)?;
            let endpoints = endpoints(args.cluster, cx).await?;
            let asked = ask_all(&endpoints, cx, |cluster| async move { cluster.status().await });
            let answers = in_order(asked.await?).await;
            let (statuses, failure) = told(&endpoints, answers, "status", cx)?;
            cx.print(&Reply::EndpointStatus(statuses))?;
            // The official client has no last line here.
            failure.map_or(Ok(()), |_| Err(Error::failure("")))
        }
        Command::Hashkv { rev, .. } => {
            cx.answers_in(&Format::WITHOUT_RAW)?;
            let endpoints = endpoints(args.cluster, cx).await?;
            let asked =
                ask_all(&endpoints, cx, move |cluster| async move { cluster.hash_kv(rev).await });
            let answers = in_order(asked.await?).await;
            let (hashes, failure) = told(&endpoints, answers, "hash", cx)?;
            cx.print(&Reply::EndpointHash(hashes))?;
            failure.map_or(Ok(()), Err)
        }
    }
}

/// The endpoints that were named, or all that the members give to clients.
pub async fn endpoints(of_all_members: bool, cx: &mut Context) -> Result<Vec<String>> {
    if !of_all_members {
        return cx.endpoints().await;
    }
    // What keeps a client from being made has a status of its own elsewhere, not here.
    let cluster = cx.cluster().await.map_err(|err| err.exit(Exit::Failure))?;
    let answer = cluster.members(true).await.map_err(|err| match err.exit {
        Exit::BadConnection => err.exit(Exit::Failure),
        _ => err.reworded(|words| {
            format!("failed to fetch endpoints from etcd cluster member list: {words}")
        }),
    })?;
    Ok(answer.message.members.into_iter().flat_map(|member| member.client_ur_ls).collect())
}

/// Asks endpoints at once, each over a connection of its own. What they answer comes as it comes, with
/// the endpoint's position.
pub async fn ask_all<T, F>(
    endpoints: &[String],
    cx: &mut Context,
    ask: impl Fn(Cluster) -> F,
) -> Result<JoinSet<(usize, T)>>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut asked = JoinSet::new();
    for (position, endpoint) in endpoints.iter().enumerate() {
        let answer = ask(cx.cluster_at(vec![endpoint.clone()]).await?);
        asked.spawn(async move { (position, answer.await) });
    }
    Ok(asked)
}

async fn in_order<T: Send + 'static>(asked: JoinSet<(usize, T)>) -> Vec<T> {
    let mut answers = asked.join_all().await;
    answers.sort_by_key(|&(position, _)| position);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// Tells of each endpoint that did not answer; gives the other answers, and the last failure. Where no
/// client came to be, that is the end of it, as in the official client.
fn told<M>(
    endpoints: &[String],
    answers: Vec<Result<Answer<M>>>,
    what: &str,
    cx: &mut Context,
) -> Result<(Vec<Of<M>>, Option<Error>)> {
    let (mut all, mut last) = (Vec::new(), None);
    for (endpoint, answer) in endpoints.iter().zip(answers) {
        match answer {
            Ok(answer) => all.push(Of { endpoint: endpoint.clone(), answer }),
            Err(err) if err.exit == Exit::BadConnection => return Err(err),
            Err(err) => {
                cx.complain(
                    &err,
                    &format!("Failed to get the {what} of endpoint {endpoint} ({err})"),
                );
                last = Some(Error::new(err.exit, err.message()));
            }
        }
    }
    Ok((all, last))
}

/// Prints the endpoints in the order in which they answered, as the official client does.
async fn health(endpoints: &[String], format: Format, cx: &mut Context) -> Result<()> {
    let mut asked = ask_all(endpoints, cx, check).await?;
    let (mut all, mut failures) = (Vec::new(), Vec::new());
    while let Some(done) = asked.join_next().await {
        let Ok((position, Checked { took, bytes, outcome })) = done else { continue };
        let endpoint = endpoints[position].clone();
        let error = outcome.as_ref().err().map(|err| err.message().to_owned());
        failures.extend(outcome.err().map(|err| (endpoint.clone(), err)));
        all.push(Health { endpoint, took, error, bytes });
    }
    cx.print(&Reply::EndpointHealth(all))?;
    for (endpoint, err) in &failures {
        let line = format!("{endpoint} is unhealthy: failed to commit proposal: {err}");
        // Other formats have shown it among the answers.
        cx.complain(err, if format == Format::Simple { &line } else { "" });
    }
    if failures.is_empty() { Ok(()) } else { Err(Error::failure("unhealthy cluster")) }
}

/// What became of the question whether an endpoint is healthy.
struct Checked {
    /// How long the reading took, where it came to that.
    took: Option<GoDuration>,
    /// What was read.
    bytes: Bytes,
    outcome: Result<()>,
}

/// Reads a key, which takes a quorum, and asks for alarms.
async fn check(cluster: Cluster) -> Checked {
    if let Err(err) = cluster.login().await {
        return Checked { took: None, bytes: Bytes::new(), outcome: Err(err) };
    }
    let begun = Instant::now();
    let answer = cluster.read_health(false).await;
    let took = Some(GoDuration::from_std(begun.elapsed()));
    let bytes = match answer {
        Ok(bytes) => bytes.unwrap_or_default(),
        Err(err) => return Checked { took, bytes: Bytes::new(), outcome: Err(err) },
    };
    let outcome = match cluster.alarms().await {
        Err(err) => Err(err.reworded(|_| "Unable to fetch the alarm list".to_owned())),
        Ok(answer) if answer.message.alarms.is_empty() => Ok(()),
        Ok(answer) => {
            let name = |kind| match kind {
                1 => "NOSPACE ",
                2 => "CORRUPT ",
                _ => "UNKNOWN ",
            };
            let names = answer.message.alarms.iter().map(|alarm| name(alarm.alarm));
            Err(Error::failure(format!("Active Alarm(s): {}", names.collect::<String>())))
        }
    };
    Checked { took, bytes, outcome }
}
