//! What the answers of all endpoints together say of the cluster.

use std::time::Duration;

use crate::cluster::cause::{Cause, Refusal};
use crate::cluster::probe::{Answers, Probe};
use crate::error::Error;
use crate::proto::{Member, StatusResponse};

use super::row::{Row, is_kept, milliseconds, words};

/// What the steps of the cluster are about.
const TARGET: &str = "cluster";

/// An alarm that a member has raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    member: u64,
    name: String,
}

impl Alarm {
    /// One of the errors of a status (`AlarmMember` as text): `memberID:1 alarm:NOSPACE`. The RPC for alarms would
    /// take a quorum and an entry in every member's log.
    fn read(text: &str) -> Option<Self> {
        let value = |name: &str| text.split_whitespace().find_map(|word| word.strip_prefix(name));
        let member = value("memberID:").map_or(Some(0), |id| id.parse().ok())?;
        Some(Self { member, name: value("alarm:")?.to_owned() })
    }

    pub fn is_space_of(&self, member: u64) -> bool {
        self.member == member && self.name == "NOSPACE"
    }
}

/// The cluster of the first endpoint that told its status.
pub struct Cluster<'a> {
    probes: &'a [Probe],
    id: u64,
    statuses: Vec<&'a StatusResponse>,
    members: Option<&'a [Member]>,
    alarms: Vec<Alarm>,
}

impl<'a> Cluster<'a> {
    pub fn of(probes: &'a [Probe]) -> Self {
        let all = || answers(probes).filter_map(|(_, answers)| answers.status.as_ref().ok());
        let id = all().map(cluster_id).next().unwrap_or(0);
        let statuses: Vec<_> = all().filter(|status| cluster_id(status) == id).collect();
        let mut of_this = answers(probes).filter(|(_, answers)| {
            answers.status.as_ref().map_or(id == 0, |one| cluster_id(one) == id)
        });
        let members = of_this.find_map(|(_, answers)| answers.members.as_ref().ok());
        let mut alarms = Vec::new();
        for text in statuses.iter().flat_map(|status| &status.errors) {
            if let Some(alarm) = Alarm::read(text).filter(|alarm| !alarms.contains(alarm)) {
                alarms.push(alarm);
            }
        }
        Self { probes, id, statuses, members: members.map(Vec::as_slice), alarms }
    }

    pub fn members(&self) -> &'a [Member] {
        self.members.unwrap_or_default()
    }

    pub fn alarms(&self) -> &[Alarm] {
        &self.alarms
    }

    /// What a member says of itself, through whichever endpoint.
    pub fn status_of(&self, member: u64) -> Option<&'a StatusResponse> {
        self.statuses.iter().copied().find(|status| member_id(status) == member)
    }

    /// The newest entry that any member knows to be committed.
    pub fn newest_index(&self) -> u64 {
        self.statuses.iter().map(|status| status.raft_index).max().unwrap_or(0)
    }

    /// The steps, in their order.
    pub fn rows(&self) -> Vec<Row> {
        if answers(self.probes).next().is_none() {
            let skip = |step| Row::skip(step, TARGET, "not looked at, because no endpoint answers");
            return ["members", "quorum", "alarms", "versions"].map(skip).to_vec();
        }
        let mut rows = self.membership();
        rows.push(self.quorum());
        rows.extend(self.alarm_rows());
        rows.push(self.versions());
        rows
    }

    fn membership(&self) -> Vec<Row> {
        const STEP: &str = "members";
        let mut rows = Vec::new();
        let strangers: Vec<String> = answers(self.probes)
            .filter_map(|(probe, answers)| Some((probe, answers.status.as_ref().ok()?)))
            .filter(|(_, status)| cluster_id(status) != self.id)
            .map(|(probe, status)| format!("{} ({:x})", probe.endpoint, cluster_id(status)))
            .collect();
        if !strangers.is_empty() {
            let others = strangers.join(", ");
            let detail =
                format!("of another cluster than the first endpoint ({:x}): {others}", self.id);
            let remedy = "name endpoints of one cluster; what follows is about the first";
            rows.push(Row::fail(STEP, TARGET, detail).remedy(remedy));
        }
        if self.members.is_none() {
            let err = answers(self.probes).find_map(|(probe, answers)| {
                answers.members.as_ref().err().map(|err| unanswered(STEP, probe, err))
            });
            rows.extend(err);
            return rows;
        }
        for member in self.members() {
            let id = member.id;
            if member.name.is_empty() && self.status_of(id).is_none() {
                let peers = member.peer_ur_ls.join(", ");
                let detail = format!("{id:x} (peer URL {peers}) was added and never started");
                let remedy = format!(
                    "start it with what `etcdctl member add` printed, or `etcdctl member remove {id:x}`"
                );
                rows.push(Row::warn(STEP, TARGET, detail).remedy(remedy));
            } else if self.status_of(id).is_none() {
                let urls = member.client_ur_ls.join(", ");
                let detail = format!("{} does not answer at {urls}", named(member));
                let remedy = match self.leader() {
                    Some(_) => format!(
                        "its own steps say why; if it is gone for good: `etcdctl member remove {id:x}`, then add another"
                    ),
                    // Nobody can be removed there.
                    None => "its own steps say why; if most members are gone for good: `etcdctl snapshot restore` makes a new cluster of a backup".to_owned(),
                };
                rows.push(Row::fail(STEP, TARGET, detail).remedy(remedy));
            } else if member.is_learner {
                let detail = format!("{} is a learner, which does not vote", named(member));
                let remedy = format!("`etcdctl member promote {id:x}` once its lag is none");
                rows.push(Row::warn(STEP, TARGET, detail).remedy(remedy));
            }
        }
        let voters = self.voters();
        if voters > 0 && voters.is_multiple_of(2) {
            let (lost, fewer) = (tolerated(voters), voters - 1);
            let detail = format!("{voters} voters survive the loss of {lost}, as {fewer} would");
            rows.push(
                Row::warn(STEP, TARGET, detail)
                    .remedy("an odd number is better: add or remove one"),
            );
        }
        if rows.is_empty() {
            let names: Vec<String> = self.members().iter().map(named).collect();
            let count = names.len();
            let all = if count == 1 { "1 member answers" } else { "all members answer" };
            rows.push(Row::ok(STEP, TARGET, format!("{all}: {}", names.join(", "))));
        }
        rows
    }

    fn voters(&self) -> usize {
        self.members().iter().filter(|member| !member.is_learner).count()
    }

    fn leader(&self) -> Option<u64> {
        self.statuses.iter().map(|status| status.leader).find(|&leader| leader != 0)
    }

    fn quorum(&self) -> Row {
        const STEP: &str = "quorum";
        let reads = || {
            answers(self.probes)
                .filter_map(|(probe, answers)| Some((probe, answers.read.as_ref()?)))
        };
        let fastest: Option<&Duration> = reads().filter_map(|(_, read)| read.as_ref().ok()).min();
        let leader = self.leader();
        let voters = self.voters();
        let of_voters = |status: &&&StatusResponse| {
            let id = member_id(status);
            self.members().iter().any(|member| member.id == id && !member.is_learner)
        };
        let mut answering: Vec<u64> =
            self.statuses.iter().filter(of_voters).map(|status| member_id(status)).collect();
        answering.sort_unstable();
        answering.dedup();
        let (answering, needed) = (answering.len(), voters / 2 + 1);
        let counted = match voters {
            0 => String::new(),
            1 if answering == 1 => "; the only voter answers".to_owned(),
            _ => format!("; {answering} of {voters} voters answer, a quorum is {needed}"),
        };
        let led = leader.map_or_else(String::new, |id| format!("{} leads; ", self.name_of(id)));
        if let Some(took) = fastest {
            let detail = format!("{led}a read by quorum took {}{counted}", milliseconds(*took));
            if answering == voters {
                return Row::ok(STEP, TARGET, detail);
            }
            let remedy = match answering.checked_sub(needed) {
                Some(spare) => format!(
                    "bring the others back: the loss of {} more stops the cluster",
                    spare + 1
                ),
                None => "bring the others back, or let this machine reach them".to_owned(),
            };
            return Row::warn(STEP, TARGET, detail).remedy(remedy);
        }
        if leader.is_none() && !self.statuses.is_empty() {
            let cause = Cause::Answered(Refusal::NoLeader);
            return Row::fail(STEP, TARGET, format!("{cause}{counted}"))
                .remedy(cause.hint().unwrap_or_default());
        }
        match reads().find_map(|(probe, read)| Some((probe, read.as_ref().err()?))) {
            Some((probe, err)) if !is_kept(err) => unanswered(STEP, probe, err),
            _ => Row::skip(
                STEP,
                TARGET,
                format!("{led}not asked, because authentication failed{counted}"),
            ),
        }
    }

    fn alarm_rows(&self) -> Vec<Row> {
        const STEP: &str = "alarms";
        if self.statuses.is_empty() {
            return vec![Row::skip(
                STEP,
                TARGET,
                "not looked at, because no member tells its status",
            )];
        }
        if self.alarms.is_empty() {
            return vec![Row::ok(STEP, TARGET, "none")];
        }
        let row = |alarm: &Alarm| {
            let who = self.name_of(alarm.member);
            let remedy = match alarm.name.as_str() {
                "NOSPACE" => {
                    let revision = self.statuses.iter().filter_map(|status| status.header.as_ref());
                    let revision = revision.map(|header| header.revision).max().unwrap_or(0);
                    let full = Refusal::NoSpace { size: 0, in_use: 0, quota: 0, revision };
                    Cause::Answered(full).hint().unwrap_or_default()
                }
                "CORRUPT" => format!(
                    "its data differs from the others': compare `etcdctl endpoint hashkv --cluster`, replace it (`etcdctl member remove {:x}`, an empty data directory, `member add`), then `etcdctl alarm disarm`",
                    alarm.member
                ),
                _ => "this program does not know it: look into the member's log".to_owned(),
            };
            Row::fail(STEP, TARGET, format!("{} raised by {who}", alarm.name)).remedy(remedy)
        };
        self.alarms.iter().map(row).collect()
    }

    fn versions(&self) -> Row {
        const STEP: &str = "versions";
        // Who may not ask for a status is told versions all the same.
        let told = || answers(self.probes).map(|(_, answers)| &answers.versions);
        let mut versions: Vec<&str> = match self.statuses.as_slice() {
            [] => told().filter_map(|versions| versions.server.as_deref()).collect(),
            statuses => statuses.iter().map(|status| status.version.as_str()).collect(),
        };
        versions.sort_unstable();
        versions.dedup();
        if versions.is_empty() {
            return Row::skip(STEP, TARGET, "not looked at, because no member tells its version");
        }
        let mut detail = format!("members run {}", versions.join(", "));
        let agreed = told().find_map(|versions| versions.cluster.as_ref());
        if let Some(agreed) = agreed {
            detail = format!("{detail}; cluster version {agreed}");
        }
        let stored = self.statuses.iter().map(|status| &status.storage_version);
        if let Some(stored) = stored.filter(|version| !version.is_empty()).min() {
            detail = format!("{detail}; storage version {stored}");
        }
        let mut downgrade =
            self.statuses.iter().filter_map(|status| status.downgrade_info.as_ref());
        if let Some(downgrade) = downgrade.find(|downgrade| downgrade.enabled) {
            let to = &downgrade.target_version;
            let detail = format!("{detail}; a downgrade to {to} is under way");
            return Row::warn(STEP, TARGET, detail).remedy(format!(
                "put servers of {to} in the place of the others, one after another, or end it with `etcdctl downgrade cancel`"
            ));
        }
        let minor =
            |version: &&str| version.split('.').take(2).map(str::to_owned).collect::<Vec<_>>();
        let first = versions.first().map(minor);
        if versions.iter().any(|version| Some(minor(version)) != first) {
            let each = self
                .statuses
                .iter()
                .map(|status| format!("{} {}", self.name_of(member_id(status)), status.version));
            let detail = format!("{detail} ({})", each.collect::<Vec<_>>().join(", "));
            return Row::warn(STEP, TARGET, detail).remedy(
                "finish the upgrade: until then the cluster does only what its oldest member can",
            );
        }
        Row::ok(STEP, TARGET, detail)
    }

    fn name_of(&self, id: u64) -> String {
        self.members()
            .iter()
            .find(|member| member.id == id)
            .map_or_else(|| format!("{id:x}"), named)
    }
}

/// The endpoints that were reached, with what they answered.
fn answers(probes: &[Probe]) -> impl Iterator<Item = (&Probe, &Answers)> {
    probes.iter().filter_map(|probe| Some((probe, probe.answers.as_ref()?)))
}

/// How many voters may be lost.
fn tolerated(voters: usize) -> usize {
    voters.saturating_sub(1) / 2
}

fn named(member: &Member) -> String {
    match member.name.as_str() {
        "" => format!("{:x}", member.id),
        name => format!("{name} ({:x})", member.id),
    }
}

fn cluster_id(status: &StatusResponse) -> u64 {
    status.header.as_ref().map_or(0, |header| header.cluster_id)
}

fn member_id(status: &StatusResponse) -> u64 {
    status.header.as_ref().map_or(0, |header| header.member_id)
}

/// A step of the cluster that an endpoint did not answer.
fn unanswered(step: &'static str, probe: &Probe, err: &Error) -> Row {
    let detail = format!("{}: {}", probe.endpoint, words(err, &probe.endpoint));
    let row = if is_kept(err) { Row::skip } else { Row::fail };
    row(step, TARGET, detail).remedy(err.way_out().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarms_are_read_from_the_errors_of_a_status() {
        let alarm = |member, name: &str| Some(Alarm { member, name: name.to_owned() });
        assert_eq!(Alarm::read("memberID:12 alarm:NOSPACE "), alarm(12, "NOSPACE"));
        assert_eq!(Alarm::read("memberID:12  alarm:CORRUPT"), alarm(12, "CORRUPT"));
        assert_eq!(Alarm::read("alarm:NOSPACE"), alarm(0, "NOSPACE"));
        assert_eq!(Alarm::read("etcdserver: no leader"), None);
        assert_eq!(Alarm::read("memberID:x alarm:NOSPACE"), None);
    }

    #[test]
    fn an_even_number_of_voters_survives_no_more_than_one_fewer() {
        assert_eq!([1, 2, 3, 4, 5].map(tolerated), [0, 0, 1, 1, 2]);
    }
}
