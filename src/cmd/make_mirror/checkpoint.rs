//! How far a mirror is, kept in a file: `{"cluster_id":"HEX","revision":N}`, of the cluster that is mirrored.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;
use tokio::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::folder;
use crate::proto::ResponseHeader;

/// The longest that the file is behind.
pub const PACE: Duration = Duration::from_millis(200);

/// The file, and what it does not say yet.
pub struct Checkpoint {
    path: PathBuf,
    cluster_id: Option<u64>,
    revision: i64,
    /// When what it does not say is due to be written.
    pub due: Option<Instant>,
}

impl Checkpoint {
    /// Reads the file, if there is one.
    ///
    /// # Errors
    /// It cannot be read, or is no checkpoint.
    pub fn open(path: &Path) -> Result<Self> {
        let mut checkpoint =
            Self { path: path.to_owned(), cluster_id: None, revision: 0, due: None };
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(checkpoint),
            Err(err) => return Err(checkpoint.failed("read", &err)),
        };
        let value: Option<Value> = serde_json::from_slice(&text).ok();
        let cluster_id = value.as_ref().and_then(|value| value["cluster_id"].as_str());
        let cluster_id = cluster_id.and_then(|id| u64::from_str_radix(id, 16).ok());
        let revision = value.as_ref().and_then(|value| value["revision"].as_i64());
        let (Some(cluster_id), Some(revision @ 1..)) = (cluster_id, revision) else {
            let words = format!("{} is no checkpoint of a mirror", path.display());
            return Err(Error::bad_args(words).hint("without that file everything is copied anew"));
        };
        checkpoint.cluster_id = Some(cluster_id);
        checkpoint.revision = revision;
        Ok(checkpoint)
    }

    /// The last revision that was mirrored; 0 where none was.
    #[must_use]
    pub fn revision(&self) -> i64 {
        self.revision
    }

    /// Takes note that everything up to a revision is mirrored.
    ///
    /// # Errors
    /// The answer is another cluster's than the file is of.
    pub fn reached(&mut self, header: &ResponseHeader, revision: i64) -> Result<()> {
        self.is_of(header)?;
        self.cluster_id = Some(header.cluster_id);
        if revision > self.revision {
            self.revision = revision;
            self.due.get_or_insert_with(|| Instant::now() + PACE);
        }
        Ok(())
    }

    /// Whether an answer is of the cluster that the file is of.
    ///
    /// # Errors
    /// It is not.
    pub fn is_of(&self, header: &ResponseHeader) -> Result<()> {
        match self.cluster_id {
            Some(known) if known != header.cluster_id => {
                let (path, other) = (self.path.display(), header.cluster_id);
                let words = format!("{path} is of the cluster {known:x}, and this is {other:x}");
                Err(Error::bad_args(words).hint("a mirror of each cluster needs a file of its own"))
            }
            _ => Ok(()),
        }
    }

    /// Writes what is not written yet: beside, synced, in the old one's place.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&mut self) -> Result<()> {
        let (Some(cluster_id), Some(_)) = (self.cluster_id, self.due.take()) else { return Ok(()) };
        let text =
            format!("{{\"cluster_id\":\"{cluster_id:x}\",\"revision\":{}}}\n", self.revision);
        let mut beside = self.path.clone().into_os_string();
        beside.push(".part");
        let written = File::create(&beside).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, &self.path)
        });
        written.map_err(|err| self.failed("write", &err))?;
        folder::sync_of(&self.path)
    }

    fn failed(&self, what: &str, err: &io::Error) -> Error {
        Error::failure(format!("could not {what} the checkpoint {}: {err}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_says_where_to_go_on_and_for_which_cluster() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mirror");
        let header = |cluster_id| ResponseHeader { cluster_id, ..ResponseHeader::default() };
        let mut checkpoint = Checkpoint::open(&path).unwrap();
        assert_eq!(checkpoint.revision(), 0);
        checkpoint.reached(&header(0xab), 7).unwrap();
        checkpoint.write().unwrap();
        let mut again = Checkpoint::open(&path).unwrap();
        assert_eq!(again.revision(), 7);
        assert!(again.reached(&header(0xac), 8).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::write(&path, "7\n").unwrap();
        assert!(Checkpoint::open(&path).is_err());
    }
}
