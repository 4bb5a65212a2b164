//! Folders on disk: a rename lasts once the folder that it happened in is synced.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::error::{Error, Result};
use crate::go::errno;

/// Syncs a folder. Some file systems cannot, and some folders may not be read: that is no failure, what was renamed is in its
/// place.
///
/// # Errors
/// The folder is not there, or its disk fails.
pub fn sync(folder: &Path) -> io::Result<()> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(err)
            if matches!(
                err.kind(),
                io::ErrorKind::InvalidInput
                    | io::ErrorKind::Unsupported
                    | io::ErrorKind::PermissionDenied
            ) =>
        {
            Ok(())
        }
        synced => synced,
    }
}

/// The folder that a path's last name stands in.
#[must_use]
pub fn of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Makes a rename to this path last.
///
/// # Errors
/// The folder's name, and why it could not be synced.
pub fn sync_of(path: &Path) -> Result<()> {
    let folder = of(path);
    sync(folder).map_err(|err| {
        Error::failure(format!(
            "could not sync the folder {}: {}",
            folder.display(),
            errno::words(&err)
        ))
    })
}
