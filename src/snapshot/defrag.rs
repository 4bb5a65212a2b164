//! A stopped member's database without its free pages: written anew beside, and renamed over the old.
//!
//! Source: etcd 3.7.1, `server/storage/backend/backend.go` (`defrag`).

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::db::{Db, Fault};
use super::log::{self, Value};
use super::member;
use super::writer::Writer;
use crate::error::Result;
use crate::folder;
use crate::go::duration::GoDuration;
use crate::go::errno::failed;
use crate::go::size;

/// Defragments the database of a data directory. `going_on` is asked now and then; its error ends the work.
///
/// # Errors
/// What the database cannot be read or written for: then it is as it was.
pub fn defrag(
    data_dir: &Path,
    patience: Option<Duration>,
    mut going_on: impl FnMut() -> Result<()>,
) -> Result<()> {
    let begun = Instant::now();
    let path = member::database(data_dir);
    // Held to the end: a server that starts meanwhile would write to a file that is replaced.
    let old = member::hold(&path, patience)?;
    old.whole().map_err(|fault| old.explain(fault))?;
    let page = u64::from(old.meta.page_size);
    let size = old.extent();
    log::info(
        "defragmenting",
        &[
            ("path", Value::Path(&path)),
            ("current-db-size-bytes", Value::Number(size.into())),
            ("current-db-size", Value::Text(&size::bytes(size))),
        ],
    );
    let beside = Beside::create(path.with_file_name("db.tmp.defrag"), &old.file)?;
    let (used, written) = copy(&old, &beside, &mut going_on).map_err(|fault| old.explain(fault))?;
    beside.place(&path)?;
    let used = (used + 2) * page;
    let difference = |new: u64, old: u64| i128::from(new) - i128::from(old);
    // Nothing is free in what was just written.
    log::info(
        "finished defragmenting directory",
        &[
            ("path", Value::Path(&path)),
            ("current-db-size-bytes-diff", Value::Number(difference(written, size))),
            ("current-db-size-bytes", Value::Number(written.into())),
            ("current-db-size", Value::Text(&size::bytes(written))),
            ("current-db-size-in-use-bytes-diff", Value::Number(difference(written, used))),
            ("current-db-size-in-use-bytes", Value::Number(written.into())),
            ("current-db-size-in-use", Value::Text(&size::bytes(written))),
            ("took", Value::Duration(GoDuration::from_std(begun.elapsed()))),
        ],
    );
    Ok(())
}

/// Entries between two looks whether to go on.
const STRIDE: u32 = 4096;

/// Writes a database's entries into another; gives how many pages they took and how many bytes they take.
fn copy(
    db: &Db,
    to: &Beside,
    going_on: &mut impl FnMut() -> Result<()>,
) -> Result<(u64, u64), Fault> {
    let unwritten = |err| Fault::Other(failed("write", &to.path, &err));
    let file = to.file.try_clone().map_err(unwritten)?;
    let mut writer = Writer::new(file, db.meta.page_size).map_err(unwritten)?;
    let mut walk = db.walk();
    let mut count = 0u32;
    for bucket in walk.buckets()? {
        let mut copy = writer.bucket(&bucket.name);
        walk.rows(&bucket, &mut |row| {
            if row.flags != 0 {
                return Fault::page(row.offset, "a bucket is within another");
            }
            count = count.wrapping_add(1);
            if count.is_multiple_of(STRIDE) {
                going_on()?;
            }
            copy.put(row.key, row.value).map_err(|err| match err.kind() {
                io::ErrorKind::InvalidData => {
                    Fault::Page { offset: row.offset, why: err.to_string() }
                }
                _ => unwritten(err),
            })
        })?;
        copy.finish().map_err(unwritten)?;
    }
    let written = writer.finish().map_err(unwritten)?;
    Ok((walk.seen, written))
}

/// The new database until it is in its place. Unfinished, it leaves nothing behind.
struct Beside {
    file: File,
    path: PathBuf,
    placed: bool,
}

impl Beside {
    /// What a run that was killed left under this name goes: whoever has the database's lock is alone.
    fn create(path: PathBuf, like: &File) -> Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&path);
        let file = file.map_err(|err| failed("open", &path, &err))?;
        let beside = Self { file, path, placed: false };
        let kept = like.metadata().and_then(|like| {
            beside.file.set_permissions(like.permissions())?;
            let now = beside.file.metadata()?;
            if (now.uid(), now.gid()) == (like.uid(), like.gid()) {
                return Ok(());
            }
            // The server must be able to open what root has written.
            fchown(&beside.file, Some(like.uid()), Some(like.gid()))
        });
        kept.map_err(|err| failed("chown", &beside.path, &err))?;
        Ok(beside)
    }

    fn place(mut self, target: &Path) -> Result<()> {
        fs::rename(&self.path, target).map_err(|err| failed("rename", &self.path, &err))?;
        self.placed = true;
        let folder = folder::of(target);
        folder::sync(folder).map_err(|err| failed("sync", folder, &err))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.placed {
            let _ = fs::remove_file(&self.path);
        }
    }
}
