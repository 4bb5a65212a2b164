//! A data directory from a snapshot: the first state of a member of a new cluster.
//!
//! The database is the snapshot's, with the new members in place of the old; the write-ahead log adds those
//! members and says that they are agreed on.
//!
//! Source: etcd 3.7.1, `etcdutl/snapshot/v3_snapshot.go`.

mod database;
mod files;
mod folders;
mod peers;

use std::path::PathBuf;

use self::folders::Folders;
use self::peers::Peers;
use super::db::Db;
use super::log::{self, Value};
use super::raft::HardState;
use super::store;
use super::wal::{self, Item, Records};
use crate::error::{Error, Result};
use crate::go::errno::failed;

/// What is to be made of which file.
pub struct Restore {
    pub snapshot: PathBuf,
    pub data_dir: PathBuf,
    /// The log's folder, where it is not within the data directory.
    pub wal_dir: Option<PathBuf>,
    pub name: String,
    pub initial_cluster: String,
    pub token: String,
    pub advertised: String,
    pub skip_hash_check: bool,
    /// How much later the revisions go on; what is before counts as compacted.
    pub bump: Option<u64>,
    /// A hint for the official program's memory map, told in its log lines.
    pub memory_map: u64,
}

/// How much of a snapshot was copied, and whether to stop.
pub trait Watch {
    /// The size of what is copied.
    fn begin(&mut self, bytes: u64);
    /// So much more of it is copied. An error ends the work, and leaves nothing behind.
    fn advance(&mut self, bytes: usize) -> Result<()>;
}

impl Restore {
    /// Makes the data directory: all of it, or nothing.
    ///
    /// # Errors
    /// The official sentences, in the official order.
    pub fn run(&self, watch: &mut impl Watch) -> Result<()> {
        let peers = Peers::new(&self.name, &self.initial_cluster, &self.token, &self.advertised)?;
        folders::check(&self.data_dir, self.wal_dir.as_deref())?;
        self.log("restoring snapshot");
        let source = database::open(&self.snapshot)?;
        let folders = Folders::create(&self.data_dir, self.wal_dir.as_deref())?;
        let path = folders.snap.join("db");
        let file = database::copy(source, &self.snapshot, &path, self.skip_hash_check, watch)?;
        database::adopt(file, &self.snapshot, &peers, self.bump)?;
        watch.advance(0)?;
        tell(&peers);
        files::log(&folders.wal, &peers).map_err(|err| failed("write", &folders.wal, &err))?;
        files::snapshot(&folders.snap, &peers)
            .map_err(|err| failed("write", &folders.snap, &err))?;
        check(&folders, &peers)?;
        folders.place()?;
        self.log("restored snapshot");
        Ok(())
    }

    fn log(&self, message: &str) {
        let wal = self.data_dir.join("member").join("wal");
        log::info(
            message,
            &[
                ("path", Value::Path(&self.snapshot)),
                ("wal-dir", Value::Path(self.wal_dir.as_ref().unwrap_or(&wal))),
                ("data-dir", Value::Path(&self.data_dir)),
                ("snap-dir", Value::Path(&self.data_dir.join("member").join("snap"))),
                ("initial-memory-map-size", Value::Number(self.memory_map.into())),
            ],
        );
    }
}

fn tell(peers: &Peers) {
    for member in &peers.members {
        log::info(
            "added member",
            &[
                ("cluster-id", Value::Text(&format!("{:x}", peers.cluster))),
                ("local-member-id", Value::Text("0")),
                ("added-peer-id", Value::Text(&format!("{:x}", member.id))),
                ("added-peer-peer-urls", Value::Texts(&member.peer_urls)),
                ("added-peer-is-learner", Value::Flag(false)),
            ],
        );
    }
}

/// Reads the log and the database back as a server will. Source: etcd 3.7.1, `server/verify/verify.go`.
fn check(folders: &Folders, peers: &Peers) -> Result<()> {
    let wrong = |what: &str, is: u64, wanted: u64| {
        let words =
            format!("what was written is not what it should be: {what} is {is}, not {wanted}");
        Err(Error::failure(words).hint("is the disk sound? nothing was left behind"))
    };
    let (mut last, mut state) = (0, HardState::default());
    let unread = |err: wal::WalError| Error::failure(err.to_string());
    for item in Records::open(&folders.wal).map_err(unread)? {
        match item.map_err(unread)? {
            Item::Entry(entry) => last = entry.index.unwrap_or_default(),
            Item::State(now) => state = now,
            Item::Metadata(_) | Item::Snapshot(_) => {}
        }
    }
    let db = Db::open(&folders.snap.join("db"))?;
    let head = store::head(&mut db.walk()).map_err(|fault| db.explain(fault))?;
    let members = peers.members.len() as u64;
    for (what, is, wanted) in [
        ("the log's last entry", last, members),
        ("what the log has agreed on", state.commit.unwrap_or_default(), members),
        ("what the database has applied", head.consistent_index, members),
        ("the log's term", state.term.unwrap_or_default(), files::TERM),
        ("the database's term", head.term, files::TERM),
    ] {
        if is != wanted {
            return wrong(what, is, wanted);
        }
    }
    Ok(())
}
