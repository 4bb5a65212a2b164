//! A database: a file, what its meta page says, and how what is wrong with it is told.
//!
//! Pages are read by position, never mapped: a file that shrinks or is damaged is an error.
//! Source: bbolt 1.5.0 (`db.go`).

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::meta::Meta;
use super::trailer;
use crate::error::Error;
use crate::go::errno::failed;

/// Bytes of a page where no meta page tells: most machines'.
const PAGE: u64 = 4096;
/// bbolt tells nothing of a file that is no larger than two of the smallest pages where it looks for a meta page.
const PIECES: u64 = 2 * 1024;

/// Why reading ended.
#[derive(Debug)]
pub enum Fault {
    /// The file cannot be read.
    Io(io::Error),
    NoDatabase(Lack),
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

/// Why a file is no database at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    Bytes,
    /// Of two pages; so many bytes there are.
    Pages(u64),
    Meta,
}

impl Lack {
    /// What bbolt says: of an empty file, what came of an attempt to make a database of it.
    fn words(self, path: &Path) -> String {
        match self {
            Self::Bytes => format!("write {}: bad file descriptor", path.display()),
            Self::Pages(size) => format!("file size too small {size}"),
            Self::Meta => "invalid database".to_owned(),
        }
    }

    fn cause(self) -> &'static str {
        match self {
            Self::Bytes => "it is empty",
            Self::Pages(_) => "it is too short",
            Self::Meta => "invalid database",
        }
    }
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
            return Err(Error::failure(Lack::Meta.words(path))
                .because(format!("{shown} is a directory"))
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
            Fault::NoDatabase(lack) => Error::failure(lack.words(path))
                .because(format!("{shown} is no database of etcd: {}", lack.cause())),
            other => explain(path, other),
        })
    }

    /// The database in a file that is open already.
    ///
    /// # Errors
    /// A file that cannot be read, or has no meta page.
    pub fn of(file: File, path: &Path) -> Result<Self, Fault> {
        let size = file.metadata().map_err(Fault::Io)?.len();
        let meta = Meta::find(&file).map_err(Fault::Io)?;
        let page_size = meta.map_or(PAGE, |meta| meta.page_size.into());
        let lack = match meta {
            _ if size == 0 => Lack::Bytes,
            _ if size <= PIECES => Lack::Meta,
            _ if size < 2 * page_size => Lack::Pages(size),
            None => Lack::Meta,
            Some(meta) => return Ok(Self { file, path: path.to_owned(), meta, size }),
        };
        Err(Fault::NoDatabase(lack))
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
        Fault::NoDatabase(lack) => {
            Error::failure(format!("{shown} is no database of etcd: {}", lack.cause()))
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
