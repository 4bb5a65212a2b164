//! A stopped member's data directory: where things are in it, and its database held so that no server starts on it.

use std::fs::{OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::db::{self, Db};
use crate::error::{Error, Result};
use crate::go::errno::failed;

/// How often bbolt looks whether a lock is free.
const RETRY: Duration = Duration::from_millis(50);

/// The database of a data directory.
#[must_use]
pub fn database(data_dir: &Path) -> PathBuf {
    data_dir.join("member").join("snap").join("db")
}

/// The write-ahead log of a data directory.
#[must_use]
pub fn log(data_dir: &Path) -> PathBuf {
    data_dir.join("member").join("wal")
}

/// Opens a database for writing, and keeps every other process from it. `patience` bounds the wait for one that
/// has it; `None` waits for ever.
///
/// # Errors
/// `stat PATH: …` as Go words it; `timeout` where somebody keeps it.
pub fn hold(path: &Path, patience: Option<Duration>) -> Result<Db> {
    path.metadata().map_err(|err| failed("stat", path, &err))?;
    let file = OpenOptions::new().read(true).write(true).open(path);
    let file = file.map_err(|err| failed("open", path, &err))?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Db::of(file, path).map_err(|fault| db::explain(path, fault)),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(err)) => return Err(failed("lock", path, &err)),
        }
        if patience.is_some_and(|patience| begun.elapsed() >= patience) {
            return Err(Error::failure("timeout")
                .because(format!("{} is in use: a server runs on it", path.display()))
                .hint("stop that member first; --timeout says how long to wait for it"));
        }
        sleep(RETRY);
    }
}
