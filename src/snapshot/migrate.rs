//! The storage version that a stopped member's database says it has: which etcd may start on it.
//!
//! Source: etcd 3.7.1, `etcdutl/migrate_command.go`, `server/storage/schema`, `server/storage/wal/version.go`.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use prost::Message;

use super::edit::Edit;
use super::log::{self, Value};
use super::member;
use super::raft::{Entry, EntryKind};
use super::wal::{Item, Records, WalError};
use crate::error::{Error, Result};

/// Of etcd, and of what it stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub major: i64,
    pub minor: i64,
    pub patch: i64,
}

const fn version(minor: i64) -> Version {
    Version { major: 3, minor, patch: 0 }
}

/// The oldest that can be migrated to.
pub const OLDEST: Version = version(5);
/// The first whose databases tell it.
const TOLD: Version = version(6);
/// Those whose changes of the storage are known.
const KNOWN: [Version; 2] = [TOLD, version(7)];

const META: &str = "meta";
const STORAGE_VERSION: &[u8] = b"storageVersion";

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl Version {
    /// `X.Y.Z`, without what may follow it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.split(['+', '-']).next()?;
        let mut parts = text.splitn(3, '.').map(str::parse);
        let mut part = || parts.next()?.ok();
        Some(Self { major: part()?, minor: part()?, patch: part()? })
    }

    /// `X.Y`, as log lines have it.
    fn short(self) -> String {
        format!("{}.{}", self.major, self.minor)
    }

    fn next(self, up: bool) -> Self {
        Self { minor: if up { self.minor + 1 } else { self.minor - 1 }, ..self }
    }
}

/// Makes a database say another version.
pub fn migrate(
    data_dir: &Path,
    target: Version,
    force: bool,
    patience: Option<Duration>,
) -> Result<()> {
    let path = member::database(data_dir);
    let db = member::hold(&path, patience)?;
    let mut edit = Edit::open(&db).map_err(|fault| db.explain(fault))?;
    let meta = edit.entries(META).map_err(|fault| db.explain(fault))?;
    let mut meta = meta.unwrap_or_default();
    let told =
        meta.get(STORAGE_VERSION).and_then(|text| Version::parse(str::from_utf8(text).ok()?));
    let term = meta.get(&b"term"[..]).and_then(|term| term.first_chunk());
    let current = match (told, term.map(|term| u64::from_be_bytes(*term))) {
        (Some(told), _) => told,
        (None, Some(1..)) => OLDEST,
        (None, _) => {
            log::error(
                "failed to detect storage version. Please make sure you are using data dir from etcd v3.5 and older",
                &[],
            );
            return Err(Error::failure("missing term information")
                .because("only etcd 3.5 and newer write what tells the version"));
        }
    };
    if current == target {
        let now = current.short();
        log::info("storage version up-to-date", &[("storage-version", Value::Text(&now))]);
        return Ok(());
    }
    let readers = readers(&member::log(data_dir)).map_err(|err| {
        let words = format!("failed to read wal: {err}");
        log::error("Failed to finalize config", &[("error", Value::Text(&words))]);
        Error::failure(words)
    })?;
    match plan(current, target, readers) {
        Ok(steps) => {
            for step in steps {
                if step >= TOLD {
                    meta.insert(STORAGE_VERSION.into(), step.to_string().into());
                } else {
                    meta.remove(STORAGE_VERSION);
                }
                let step = step.to_string();
                log::info(
                    "updated storage version",
                    &[("new-storage-version", Value::Text(&step))],
                );
            }
        }
        Err(err) if !force => return Err(err),
        Err(err) => {
            let why = [("error", Value::Text(err.message()))];
            log::info("normal migrate failed, trying with force", &why);
            if target < TOLD {
                meta.remove(STORAGE_VERSION);
                log::warn("forcefully cleared storage version", &[]);
            } else {
                meta.insert(STORAGE_VERSION.into(), target.to_string().into());
                let target = target.short();
                let fields = [("storage-version", Value::Text(target.as_str()))];
                log::warn("forcefully set storage version", &fields);
            }
        }
    }
    edit.replace(META, &meta);
    edit.commit().map_err(|fault| db.explain(fault))
}

/// The versions on the way, the target last.
fn plan(current: Version, target: Version, readers: Readers) -> Result<Vec<Version>> {
    let no_plan = |why: String| Error::failure(format!("cannot create migration plan: {why}"));
    let trimmed = |version: Version| Version { patch: 0, ..version };
    let (mut at, end) = (trimmed(current), trimmed(target));
    if at.major != end.major {
        log::error(
            "Changing major storage version is not supported",
            &[
                ("storage-version", Value::Text(&at.to_string())),
                ("target-storage-version", Value::Text(&end.to_string())),
            ],
        );
        return Err(no_plan("changing major storage version is not supported".to_owned()));
    }
    let mut steps = Vec::new();
    while at != end {
        let up = at < end;
        let higher = if up { at.next(true) } else { at };
        if !KNOWN.contains(&higher) {
            return Err(no_plan(format!("version \"{higher}\" is not supported")));
        }
        at = at.next(up);
        steps.push(at);
    }
    match readers {
        Readers::Since(oldest) if target < current && target < oldest => {
            Err(Error::failure(format!(
                "cannot downgrade storage, WAL contains newer entries, as the target version ({target}) is lower than the version ({oldest}) detected from WAL logs"
            )))
        }
        // The official program crashes here.
        Readers::Unknown(index) if target < current => Err(Error::failure(format!(
            "cannot downgrade storage, entry {index} of the WAL is no request of API version 3"
        ))
        .hint("etcd 3.5 and older write such entries; a snapshot of the member has none, and restores into any version")),
        _ => Ok(steps),
    }
}

/// Who understands every entry since a log's last snapshot.
#[derive(Clone, Copy, Debug)]
enum Readers {
    Since(Version),
    /// Nobody can tell: the entry of this index is none that is known.
    Unknown(u64),
}

/// Who understands what is in a log.
fn readers(folder: &Path) -> Result<Readers, WalError> {
    let (mut marks, mut commit) = (Vec::new(), 0);
    // Index and version; an entry of a known index takes the place of that and all after it.
    let mut entries: Vec<(u64, Option<Version>)> = Vec::new();
    for item in Records::open(folder)? {
        match item? {
            Item::Snapshot(mark) => marks.push(mark.index.unwrap_or_default()),
            Item::State(state) => commit = state.commit.unwrap_or_default(),
            Item::Entry(entry) => {
                let index = entry.index.unwrap_or_default();
                let keep = entries.partition_point(|(other, _)| *other < index);
                entries.truncate(keep);
                entries.push((index, understands(&entry)));
            }
            Item::Metadata(_) => {}
        }
    }
    let start = marks.into_iter().rfind(|mark| *mark <= commit).unwrap_or_default();
    let mut oldest = version(0);
    for (index, needs) in entries.into_iter().filter(|(index, _)| *index > start) {
        let Some(needs) = needs else { return Ok(Readers::Unknown(index)) };
        oldest = oldest.max(needs);
    }
    Ok(Readers::Since(oldest))
}

/// What a log entry of a request says of itself: the fields that came after 3.0.
#[derive(Clone, PartialEq, Message)]
struct Request {
    /// A request of API version 2, which is written without a mark, has a number here: that cannot be decoded.
    #[prost(bytes = "vec", optional, tag = "5")]
    delete_range: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "11")]
    lease_checkpoint: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "1013")]
    auth_status: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "1300")]
    cluster_version: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "1301")]
    member_attributes: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "1302")]
    downgrade: Option<Vec<u8>>,
    #[prost(message, optional, tag = "9900")]
    test: Option<VersionTest>,
}

#[derive(Clone, PartialEq, Eq, Message)]
struct VersionTest {
    #[prost(string, tag = "1")]
    version: String,
}

/// The oldest etcd that understands an entry; `None` where that cannot be told.
fn understands(entry: &Entry) -> Option<Version> {
    Some(match entry.kind() {
        EntryKind::ConfChange => version(0),
        EntryKind::ConfChangeV2 => version(4),
        EntryKind::Normal => {
            let request = Request::decode(entry.data.as_deref().unwrap_or_default()).ok()?;
            let since = |set: bool, minor| if set { version(minor) } else { version(0) };
            let of_35 = request.auth_status.is_some()
                || request.cluster_version.is_some()
                || request.member_attributes.is_some()
                || request.downgrade.is_some();
            let test = request.test.map(|test| Version::parse(&test.version).unwrap_or(TOLD));
            since(request.lease_checkpoint.is_some(), 4)
                .max(since(of_35, 5))
                .max(test.map_or(version(0), |test| test.max(TOLD)))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_goes_one_minor_version_at_a_time() {
        let any = Readers::Since(version(0));
        assert_eq!(plan(version(5), version(7), any).unwrap(), [version(6), version(7)]);
        assert_eq!(plan(version(7), version(5), any).unwrap(), [version(6), version(5)]);
        for (from, to, oldest, words) in [
            (
                version(7),
                version(8),
                any,
                "cannot create migration plan: version \"3.8.0\" is not supported",
            ),
            (
                version(9),
                version(7),
                any,
                "cannot create migration plan: version \"3.9.0\" is not supported",
            ),
            (
                version(7),
                Version { major: 4, ..version(0) },
                any,
                "cannot create migration plan: changing major storage version is not supported",
            ),
            (
                version(7),
                version(5),
                Readers::Since(version(6)),
                "cannot downgrade storage, WAL contains newer entries, as the target version (3.5.0) is lower than the version (3.6.0) detected from WAL logs",
            ),
        ] {
            assert_eq!(plan(from, to, oldest).unwrap_err().message(), words);
        }
    }

    #[test]
    fn an_entry_needs_who_knows_its_fields() {
        let entry = |kind: EntryKind, data: &[u8]| Entry {
            kind: Some(kind.into()),
            data: Some(data.to_vec()),
            ..Entry::default()
        };
        assert_eq!(understands(&entry(EntryKind::Normal, &[])), Some(version(0)));
        assert_eq!(understands(&entry(EntryKind::ConfChangeV2, &[])), Some(version(4)));
        let of_version_2 = [0x08, 7, 0x12, 3, b'P', b'U', b'T', 0x1a, 1, b'/', 0x22, 0, 0x28, 0];
        assert_eq!(understands(&entry(EntryKind::Normal, &of_version_2)), None);
        let request = Request { lease_checkpoint: Some(vec![]), ..Request::default() };
        assert_eq!(
            understands(&entry(EntryKind::Normal, &request.encode_to_vec())),
            Some(version(4))
        );
        let request = Request { auth_status: Some(vec![]), ..request };
        assert_eq!(
            understands(&entry(EntryKind::Normal, &request.encode_to_vec())),
            Some(version(5))
        );
        let test = Some(VersionTest { version: "3.9.0".into() });
        let request = Request { test, ..Request::default() };
        assert_eq!(
            understands(&entry(EntryKind::Normal, &request.encode_to_vec())),
            Some(version(9))
        );
    }
}
