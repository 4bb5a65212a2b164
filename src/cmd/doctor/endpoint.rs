//! The steps of one endpoint, in words.

use std::time::Duration;

use crate::cluster::cause::{Cause, Refusal};
use crate::cluster::probe::{Answers, Clock, Named, Probe, Stage, Who};
use crate::go::size::bytes;
use crate::proto::StatusResponse;

use super::certificate;
use super::cluster::Cluster;
use super::row::{Row, milliseconds};

/// A read by quorum that takes longer is slow: etcd's own time for an election (`--election-timeout`, 1000 ms).
const SLOW: Duration = Duration::from_secs(1);

/// A greater difference of clocks is worth a warning: a member logs one to its peers from there on (etcd 3.7.1,
/// `rafthttp/probing_status.go`, "clock drift" above 1 s).
const SKEW_SECONDS: f64 = 1.0;

/// A database that fills more of its quota, in percent, should be looked at: time to act is left.
const FULL_PERCENT: u64 = 80;

/// Less than half of a file of 100 MiB and more in use is fragmentation that is worth giving back
/// (etcd's `contrib/mixin`, `etcdDatabaseHighFragmentationRatio`).
const FRAGMENTED_BYTES: u64 = 100 << 20;

/// A member answers "too many requests" when so many entries wait to be applied (etcd 3.7.1,
/// `server/etcdserver/v3_server.go`, `maxGapBetweenApplyAndCommitIndex`), and is sent the whole database when it is so
/// far behind (`DefaultSnapshotCatchUpEntries`).
const REFUSES_ENTRIES: u64 = 5_000;

/// A fifth of it is more than the moment between two members' answers explains.
const BEHIND_ENTRIES: u64 = 1_000;

/// The steps that a server must answer for.
const ANSWERED: [&str; 5] = ["authentication", "health", "clock", "space", "lag"];

/// All steps of an endpoint, in their order.
pub fn rows(probe: &Probe, cluster: &Cluster<'_>, now: i64) -> Vec<Row> {
    let target = probe.endpoint.as_str();
    let mut rows = vec![name(probe), tcp(probe)];
    if probe.answers.is_none() && probe.way.end.is_none() {
        // Nothing more was tried.
        let steps = ["tls", certificate::STEP, "http2"].iter().chain(&ANSWERED);
        rows.extend(steps.map(|step| Row::after(step, target, "the certificate of `files`")));
        return rows;
    }
    rows.extend([tls(probe), certificate::server(probe, now), http2(probe)]);
    match (&probe.answers, &probe.way.end) {
        (Some(answers), _) => {
            rows.push(authentication(answers, target));
            rows.push(health(answers, target));
            rows.push(clock(answers, target));
            rows.push(space(answers, target, cluster));
            rows.push(lag(answers, target, cluster));
        }
        (None, end) => {
            let earlier = end.as_ref().map_or("http2", |(stage, _)| step(*stage));
            rows.extend(ANSWERED.map(|step| Row::after(step, target, earlier)));
        }
    }
    rows
}

fn step(stage: Stage) -> &'static str {
    match stage {
        Stage::Name => "name",
        Stage::Tcp => "tcp",
        Stage::Tls => "tls",
        Stage::Http2 => "http2",
    }
}

/// A step at which the way ended, or before which it did.
fn ended(probe: &Probe, stage: Stage) -> Option<Row> {
    let (at, cause) = probe.way.end.as_ref()?;
    let target = &probe.endpoint;
    match stage.cmp(at) {
        std::cmp::Ordering::Less => None,
        std::cmp::Ordering::Equal => {
            let row = Row::fail(step(stage), target, cause.to_string());
            Some(row.remedy(cause.hint().unwrap_or_default()))
        }
        std::cmp::Ordering::Greater => Some(Row::after(step(stage), target, step(*at))),
    }
}

fn name(probe: &Probe) -> Row {
    if let Some(row) = ended(probe, Stage::Name) {
        return row;
    }
    let detail = match &probe.way.named {
        Some(Named::Address(address)) => format!("{address} is an address"),
        Some(Named::Addresses(all)) => {
            let all: Vec<String> = all.iter().map(ToString::to_string).collect();
            format!("its addresses: {}", all.join(", "))
        }
        Some(Named::Socket) => "a socket in the file system, which needs no name".to_owned(),
        Some(Named::ByProxy) => "left to the proxy of HTTPS_PROXY".to_owned(),
        None => String::new(),
    };
    Row::ok("name", &probe.endpoint, detail)
}

fn tcp(probe: &Probe) -> Row {
    if let Some(row) = ended(probe, Stage::Tcp) {
        return row;
    }
    let detail = probe.way.connected.as_ref().map_or_else(String::new, |connected| {
        format!("connected to {} in {}", connected.to, milliseconds(connected.took))
    });
    Row::ok("tcp", &probe.endpoint, detail)
}

fn tls(probe: &Probe) -> Row {
    if let Some(row) = ended(probe, Stage::Tls) {
        return row;
    }
    let (target, spoken) = (&probe.endpoint, probe.tls.is_some());
    match &probe.way.secured {
        Some(secured) => {
            let took = milliseconds(secured.took);
            let version = secured.version;
            if secured.verified {
                return Row::ok(
                    "tls",
                    target,
                    format!("{version}, the server is verified, in {took}"),
                );
            }
            let skipping = "--insecure-skip-tls-verify";
            let detail = format!("{version}, the server is not verified ({skipping}), in {took}");
            Row::warn("tls", target, detail)
                .remedy(format!("name its CA with --cacert, and leave {skipping} out"))
        }
        None if spoken => Row::ok("tls", target, "TLS is spoken"),
        None => Row::skip("tls", target, "plain text is spoken here"),
    }
}

fn http2(probe: &Probe) -> Row {
    if let Some(row) = ended(probe, Stage::Http2) {
        return row;
    }
    let heard = probe.way.heard.unwrap_or_default();
    let detail = format!("the server's first word came after {}", milliseconds(heard));
    Row::ok("http2", &probe.endpoint, detail)
}

fn authentication(answers: &Answers, target: &str) -> Row {
    const STEP: &str = "authentication";
    match &answers.who {
        Ok(Who::Nobody) => Row::ok(STEP, target, "no user is needed to read"),
        Ok(Who::Certificate) => Row::ok(STEP, target, "the client certificate names a user"),
        Ok(Who::Token) => Row::ok(STEP, target, "the token is accepted"),
        // A colon in a name may be a password's that is none.
        Ok(Who::User(user)) if user.contains(':') => Row::ok(STEP, target, "logged in"),
        Ok(Who::User(user)) => Row::ok(STEP, target, format!("logged in as {user:?}")),
        Ok(Who::AuthenticationOff) => {
            let cause = Cause::Answered(Refusal::AuthenticationOff);
            let hint = cause.hint().unwrap_or_default();
            Row::warn(STEP, target, cause.to_string()).remedy(hint)
        }
        Err(err) => Row::fail(STEP, target, super::row::words(err, target))
            .remedy(err.way_out().unwrap_or_default()),
    }
}

fn health(answers: &Answers, target: &str) -> Row {
    const STEP: &str = "health";
    match &answers.read {
        None => Row::after(STEP, target, "authentication"),
        Some(_) if answers.status.as_ref().is_ok_and(|status| status.is_learner) => {
            Row::skip(STEP, target, "a learner answers no reads that take a quorum")
        }
        Some(Ok(took)) => {
            let detail = format!("a read that takes a quorum took {}", milliseconds(*took));
            if *took < SLOW {
                return Row::ok(STEP, target, detail);
            }
            Row::warn(STEP, target, detail).remedy(
                "etcd is as fast as its disks and the network between members: look at both, and at what else uses them",
            )
        }
        Some(Err(err)) => Row::unanswered(STEP, target, err),
    }
}

fn clock(answers: &Answers, target: &str) -> Row {
    const STEP: &str = "clock";
    let clock = match &answers.clock {
        Ok(clock) => *clock,
        Err(why) => {
            let detail = format!("the server does not tell its time: {why}");
            return Row::skip(STEP, target, detail);
        }
    };
    let Clock { least, most } = clock;
    let side = |seconds: f64| {
        let side = if seconds < 0.0 { "behind" } else { "ahead" };
        format!("{:.1} s {side}", seconds.abs())
    };
    let detail = format!("between {} and {}, beside this machine's clock", side(least), side(most));
    if clock.certain() <= SKEW_SECONDS {
        return Row::ok(STEP, target, detail);
    }
    Row::warn(STEP, target, detail).remedy(
        "set both clocks by NTP (chrony, systemd-timesyncd): certificates and leases go by them",
    )
}

fn space(answers: &Answers, target: &str, cluster: &Cluster<'_>) -> Row {
    const STEP: &str = "space";
    let status = match &answers.status {
        Ok(status) => status,
        Err(err) => return Row::unanswered(STEP, target, err),
    };
    let of = |size: i64| u64::try_from(size).unwrap_or(0);
    let (size, in_use, quota) = (of(status.db_size), of(status.db_size_in_use), answers.quota);
    let (member, revision) =
        status.header.as_ref().map_or((0, 0), |header| (header.member_id, header.revision));
    if cluster.alarms().iter().any(|alarm| alarm.is_space_of(member)) {
        let quota = quota.unwrap_or(0);
        let cause = Cause::Answered(Refusal::NoSpace { size, in_use, quota, revision });
        return Row::fail(STEP, target, cause.to_string()).remedy(cause.hint().unwrap_or_default());
    }
    let used = format!("{} of it in use", bytes(in_use));
    let free = bytes(size.saturating_sub(in_use));
    let defrag = format!(
        "`etcdctl defrag --endpoints {target}` gives {free} back; nobody is answered meanwhile"
    );
    let fragmented = in_use < size / 2;
    let detail = match quota {
        Some(quota) => {
            // As many digits as a person reads.
            let percent = size.saturating_mul(1000) / quota.max(1);
            let (whole, tenth) = (percent / 10, percent % 10);
            let (size, exact) = (bytes(size), size);
            let limit = bytes(quota);
            format!("{size} ({exact} bytes) of {limit} ({quota} bytes), {whole}.{tenth} %, {used}")
        }
        None => format!("{} ({size} bytes), {used}; the quota is not told", bytes(size)),
    };
    if quota.is_some_and(|quota| size / FULL_PERCENT >= quota / 100) {
        let row = Row::warn(STEP, target, detail);
        if fragmented {
            return row.remedy(defrag);
        }
        return row.remedy(format!(
            "make room with `etcdctl compaction {revision}` and `etcdctl defrag --cluster`, or raise --quota-backend-bytes of the servers"
        ));
    }
    if fragmented && size >= FRAGMENTED_BYTES {
        return Row::warn(STEP, target, detail).remedy(defrag);
    }
    Row::ok(STEP, target, detail)
}

fn lag(answers: &Answers, target: &str, cluster: &Cluster<'_>) -> Row {
    const STEP: &str = "lag";
    let Ok(status) = &answers.status else {
        return Row::skip(
            STEP,
            target,
            "not looked at, because the member does not tell its status",
        );
    };
    let StatusResponse { raft_index, raft_applied_index: applied, raft_term, .. } = status;
    let behind = cluster.newest_index().saturating_sub(*raft_index);
    let waiting = raft_index.saturating_sub(*applied);
    let (member, revision) =
        status.header.as_ref().map_or((0, 0), |header| (header.member_id, header.revision));
    let role = match status {
        status if status.is_learner => "learner",
        status if status.leader == member && member != 0 => "leader",
        _ => "follower",
    };
    let detail = format!(
        "{role}, term {raft_term}, revision {revision}, raft index {raft_index}, {behind} behind the newest; applied {applied}, {waiting} waiting"
    );
    if waiting > REFUSES_ENTRIES {
        return Row::fail(STEP, target, format!("{detail}: it refuses requests")).remedy(
            "its disk or processor is too slow for what is written: look at both, or write less",
        );
    }
    if behind > BEHIND_ENTRIES || waiting > BEHIND_ENTRIES {
        return Row::warn(STEP, target, detail).remedy(
            "it has been away or is too slow: ask again in a minute; if it does not catch up, look at its disk, its network and its log",
        );
    }
    Row::ok(STEP, target, detail)
}
