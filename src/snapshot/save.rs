//! A file that is there whole or not at all: `FILE.part`, synced, renamed, its folder synced.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::error::{Error, Result};
use crate::folder;
use crate::go::errno;

/// Owner only: a snapshot holds every secret of its cluster.
const MODE: u32 = 0o600;

/// A file being written beside its place. Dropped unfinished, it leaves nothing behind.
pub struct Part {
    file: File,
    path: PathBuf,
    target: PathBuf,
    placed: bool,
}

impl Part {
    /// Opens `TARGET.part`, emptied, for the owner alone. Nobody else may be writing it.
    ///
    /// # Errors
    /// The official words: `could not open TARGET.part (open TARGET.part: …)`.
    pub fn create(target: &Path) -> Result<Self> {
        let mut name = OsString::from(target);
        name.push(".part");
        let path = PathBuf::from(name);
        let failed = |why: &str| {
            let shown = path.display();
            Error::failure(format!("could not open {shown} (open {shown}: {why})"))
        };
        if target.is_dir() {
            // Told before a stream is read for nothing; in the words it would end with.
            let (from, to) = (path.display(), target.display());
            let words =
                format!("could not rename {from} to {to} (rename {from} {to}: file exists)");
            return Err(Error::failure(words).because(format!("{to} is a folder")));
        }
        let file = loop {
            let file = open(&path).map_err(|err| failed(&errno::words(&err)))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let busy = failed("resource temporarily unavailable");
                    let why = format!("another snapshot is being saved to {}", path.display());
                    return Err(busy.because(why));
                }
                // Some file systems know no locks.
                Err(TryLockError::Error(_)) => break file,
            }
            // Whoever held it before may have put it in its place: then it is no part any more.
            let (ours, there) = (file.metadata(), path.symlink_metadata());
            match (ours, there) {
                (Ok(ours), Ok(there)) if ours.ino() == there.ino() && ours.dev() == there.dev() => {
                    break file;
                }
                _ => {}
            }
        };
        let part = Self { file, path, target: target.to_owned(), placed: false };
        let emptied = part.file.set_len(0);
        let closed = part.file.set_permissions(Permissions::from_mode(MODE));
        emptied.and(closed).map_err(|err| part.unwritten(&err))?;
        Ok(part)
    }

    /// Appends.
    ///
    /// # Errors
    /// `write TARGET.part: …`, as Go words it.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|err| self.unwritten(&err))
    }

    /// Puts the file in its place: synced, renamed over what was there, the folder synced.
    pub async fn place(mut self) -> Result<()> {
        let unsynced = |err: &io::Error| {
            let (path, why) = (self.path.display(), errno::words(err));
            Error::failure(format!("could not fsync snapshot: sync {path}: {why}"))
        };
        let file = self.file.try_clone().map_err(|err| unsynced(&err))?;
        // A large file takes its time, in which a signal must be heard.
        let synced = tokio::task::spawn_blocking(move || file.sync_all()).await;
        synced.map_err(io::Error::other).flatten().map_err(|err| unsynced(&err))?;
        std::fs::rename(&self.path, &self.target).map_err(|err| {
            let (from, to, why) = (self.path.display(), self.target.display(), errno::words(&err));
            Error::failure(format!("could not rename {from} to {to} (rename {from} {to}: {why})"))
        })?;
        self.placed = true;
        folder::sync_of(&self.target)
    }

    fn unwritten(&self, err: &io::Error) -> Error {
        Error::failure(format!("write {}: {}", self.path.display(), errno::words(err)))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.placed {
            // What cannot be removed is named `.part`, and looks like nothing else.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(MODE)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
}
