//! A database: a file, what its meta page says, and how what is wrong with it is told.
//!
//! Pages are read by position, never mapped: a file that shrinks or is damaged is an error.
//! Source: bbolt 1.5.0 (`db.go`).

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::member::failed;
use super::meta::Meta;
use super::trailer;
use crate::error::Error;

/// Why reading ended.
#[derive(Debug)]
pub enum Fault {
    /// The file cannot be read.
    Io(io::Error),
    /// It has no meta page: the official words.
    NoDatabase(&'static str),
    /// Its pages are damaged, at this byte.
    Page {
        offset: u64,
        why: String,
    },
    /// A row says what no row can, at this byte: the official words.
    Row {
        offset: u64,
        words: String,
    },
    /// Whoever reads has seen enough.
    Enough,
    Other(Error),
}

impl From<Error> for Fault {
    fn from(err: Error) -> Self {
        Self::Other(err)
    }
}

impl Fault {
    pub fn page<T>(offset: u64, why: impl Into<String>) -> Result<T, Self> {
        Err(Self::Page { offset, why: why.into() })
    }
}

/// An open database.
pub struct Db {
    pub file: File,
    /// What it is called where something is wrong with it.
    pub path: PathBuf,
    pub meta: Meta,
    pub size: u64,
}

impl Db {
    /// Opens a file for reading. One that no hash closes is a member's own: it is kept from a server as long
    /// as it is read, and refused while one runs on it.
    ///
    /// # Errors
    /// The official words for a file that is not there or is none of etcd's.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let shown = path.display();
        let metadata = path.metadata().map_err(|err| failed("stat", path, &err))?;
        if metadata.is_dir() {
            return Err(Error::failure(format!("open {shown}: is a directory"))
                .hint(format!("the database of a data directory is {shown}/member/snap/db")));
        }
        let file = File::open(path).map_err(|err| failed("open", path, &err))?;
        let size = file.metadata().map_err(|err| failed("stat", path, &err))?.len();
        // Some file systems know no locks.
        if !trailer::is_there(size)
            && let Err(TryLockError::WouldBlock) = file.try_lock_shared()
        {
            return Err(Error::failure(format!("a member is running on {shown}"))
                .hint("ask the member itself, stop it first, or read a snapshot of it"));
        }
        Self::of(file, path).map_err(|fault| match fault {
            Fault::NoDatabase(words) => {
                Error::failure(words).because(format!("{shown} is no database of etcd"))
            }
            other => explain(path, other),
        })
    }

    /// The database in a file that is open already.
    ///
    /// # Errors
    /// A file that cannot be read, or has no meta page.
    pub fn of(file: File, path: &Path) -> Result<Self, Fault> {
        let size = file.metadata().map_err(Fault::Io)?.len();
        let meta = Meta::find(&file).map_err(Fault::Io)?.map_err(Fault::NoDatabase)?;
        Ok(Self { file, path: path.to_owned(), meta, size })
    }

    /// Bytes of all pages that were ever used.
    #[must_use]
    pub fn extent(&self) -> u64 {
        self.meta.end.saturating_mul(self.meta.page_size.into())
    }

    /// That every page is in the file.
    ///
    /// # Errors
    /// A file that is cut off.
    pub fn whole(&self) -> Result<(), Fault> {
        let extent = self.extent();
        if self.size < extent {
            return Fault::page(self.size, format!("the file is cut off: its pages take {extent}"));
        }
        Ok(())
    }

    /// A fault as a sentence, with the file's name and the byte.
    #[must_use]
    pub fn explain(&self, fault: Fault) -> Error {
        explain(&self.path, fault)
    }
}

/// A fault of the file at `path` as a sentence.
#[must_use]
pub fn explain(path: &Path, fault: Fault) -> Error {
    let shown = path.display();
    match fault {
        Fault::Io(err) => failed("read", path, &err),
        Fault::NoDatabase(words) => {
            Error::failure(format!("{shown} is no database of etcd: {words}"))
        }
        Fault::Page { offset, why } => {
            Error::failure(format!("{shown}: damaged at byte {offset}: {why}"))
        }
        Fault::Row { offset, words } => {
            Error::failure(words).because(format!("{shown}: damaged at byte {offset}"))
        }
        Fault::Enough => Error::failure(format!("{shown}: was not read to its end")),
        Fault::Other(err) => err,
    }
}
