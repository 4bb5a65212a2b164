//! Where a restored member grows: beside its place, so that the place is empty or whole.
//!
//! A data directory that is not there is built as `.NAME.restoring` in its parent; one that is there and empty
//! (it may be a mount) gets its `member` from `.member.restoring` within. A rename puts it in its place.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};
use crate::folder;
use crate::go::errno::failed;
use crate::go::quote::quote;

/// A member's folders, while it grows.
pub struct Folders {
    /// The data directory's, then perhaps that of the log.
    stages: Vec<Stage>,
    /// Folders above the places that were missing.
    parents: Vec<PathBuf>,
    /// `member/snap` and the log, where they are for now.
    pub snap: PathBuf,
    pub wal: PathBuf,
}

/// A folder under another name until it is whole.
struct Stage {
    path: PathBuf,
    target: PathBuf,
    /// Held while we build here: what is there and not locked is left of a run that was killed.
    lock: Option<File>,
    placed: bool,
}

/// Refuses places that hold something already.
///
/// # Errors
/// The official sentences.
pub fn check(data: &Path, wal: Option<&Path>) -> Result<()> {
    let free = match fs::read_dir(data) {
        Ok(entries) => is_free(data, entries),
        Err(err) => err.kind() == io::ErrorKind::NotFound,
    };
    if !free {
        let words = format!("data-dir {} not empty or could not be read", quoted(data));
        return Err(Error::failure(words).hint(
            "restore makes a new data directory: name one that is not there yet, or an empty one",
        ));
    }
    match wal {
        Some(wal) if wal.symlink_metadata().is_ok() => {
            let words = format!("wal-dir {} exists", quoted(wal));
            Err(Error::failure(words).hint("restore makes the log's folder itself"))
        }
        _ => Ok(()),
    }
}

/// Nothing but what a run that was killed may have left.
fn is_free(data: &Path, mut entries: fs::ReadDir) -> bool {
    let left = stage_of(&data.join(MEMBER));
    entries.all(|entry| entry.is_ok_and(|entry| entry.path() == left))
}

const MEMBER: &str = "member";

impl Folders {
    /// Makes the folders; `wal` where it is not in its usual place.
    pub fn create(data: &Path, wal: Option<&Path>) -> Result<Self> {
        let mut folders = Self {
            stages: Vec::new(),
            parents: Vec::new(),
            snap: PathBuf::new(),
            wal: PathBuf::new(),
        };
        let is_there = data.is_dir();
        let target = if is_there { data.join(MEMBER) } else { plain(data) };
        let stage = folders.stage(target.clone())?;
        let member = if is_there { stage.clone() } else { stage.join(MEMBER) };
        folders.snap = member.join("snap");
        folders.wal = match wal.map(plain) {
            None => member.join("wal"),
            Some(wal) => match wal.strip_prefix(&target) {
                Ok(within) if within != Path::new("") => stage.join(within),
                _ => folders.stage(wal)?,
            },
        };
        for folder in [&folders.snap, &folders.wal] {
            make(folder, true)?;
        }
        Ok(folders)
    }

    /// Where a folder grows that will be `target`.
    fn stage(&mut self, target: PathBuf) -> Result<PathBuf> {
        let path = stage_of(&target);
        if let Some(parent) = path.parent() {
            self.make_parents(parent)?;
        }
        let lock = claim(&path)?;
        self.stages.push(Stage { path: path.clone(), target, lock, placed: false });
        Ok(path)
    }

    fn make_parents(&mut self, folder: &Path) -> Result<()> {
        let missing: Vec<&Path> = folder
            .ancestors()
            .take_while(|path| *path != Path::new("") && path.symlink_metadata().is_err())
            .collect();
        for path in missing.into_iter().rev() {
            make(path, false)?;
            self.parents.push(path.to_owned());
        }
        Ok(())
    }

    /// Puts all in their places: the log before the data, so that no data is without its log.
    ///
    /// # Errors
    /// A folder that cannot be synced or renamed; nothing is left then.
    pub fn place(mut self) -> Result<()> {
        for stage in &self.stages {
            sync_below(&stage.path).map_err(|err| failed("sync", &stage.path, &err))?;
        }
        for stage in self.stages.iter_mut().rev() {
            fs::rename(&stage.path, &stage.target)
                .map_err(|err| failed("rename", &stage.target, &err))?;
            stage.placed = true;
            folder::sync(folder::of(&stage.target))
                .map_err(|err| failed("sync", &stage.target, &err))?;
        }
        for parent in &self.parents {
            folder::sync(folder::of(parent)).map_err(|err| failed("sync", parent, &err))?;
        }
        self.stages.clear();
        self.parents.clear();
        Ok(())
    }
}

impl Drop for Folders {
    /// Unfinished, nothing is left.
    fn drop(&mut self) {
        for stage in &mut self.stages {
            let path = if stage.placed { &stage.target } else { &stage.path };
            // What cannot be removed has the name of a stage, which the next run clears.
            let _ = fs::remove_dir_all(path);
            stage.lock = None;
        }
        for parent in self.parents.iter().rev() {
            let _ = fs::remove_dir(parent);
        }
    }
}

/// Makes a stage, after what a killed run left of it is gone.
fn claim(path: &Path) -> Result<Option<File>> {
    let taken = || Error::failure(format!("another restore is writing {}", path.display()));
    match File::open(path) {
        Ok(left) => {
            if let Err(TryLockError::WouldBlock) = left.try_lock() {
                return Err(taken());
            }
            fs::remove_dir_all(path).map_err(|err| failed("remove", path, &err))?;
        }
        Err(err) if err.kind() == io::ErrorKind::NotFound => {}
        Err(err) => return Err(failed("open", path, &err)),
    }
    make(path, false)?;
    let lock = File::open(path).map_err(|err| failed("open", path, &err))?;
    if let Err(TryLockError::WouldBlock) = lock.try_lock() {
        return Err(taken());
    }
    // Before it was locked, another run may have taken it for one that was left.
    let there = path.symlink_metadata().and_then(|there| Ok((there.ino(), lock.metadata()?.ino())));
    match there {
        Ok((there, ours)) if there == ours => Ok(Some(lock)),
        _ => Err(taken()),
    }
}

fn make(path: &Path, with_parents: bool) -> Result<()> {
    let made = DirBuilder::new().mode(0o700).recursive(with_parents).create(path);
    made.map_err(|err| failed("mkdir", path, &err))
}

/// `.NAME.restoring`, beside.
fn stage_of(target: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or(OsStr::new("data")));
    name.push(".restoring");
    target.with_file_name(name)
}

/// A path without `.` and `..` that can be read off: what its parent is must be known.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

fn quoted(path: &Path) -> String {
    quote(path.as_os_str().as_encoded_bytes())
}

/// Makes every name in a tree of folders last.
fn sync_below(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_below(&entry.path())?;
        }
    }
    folder::sync(folder)
}
