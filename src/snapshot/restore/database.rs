//! The restored member's database: a checked copy, with the new cluster's members in place of the old.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::Watch;
use super::files::TERM;
use super::peers::Peers;
use crate::error::{Error, Result};
use crate::go::errno::failed;
use crate::go::quote::quote;
use crate::snapshot::behind::{Behind, PIECE};
use crate::snapshot::db::{self, Db, Fault};
use crate::snapshot::edit::{Edit, Entries};
use crate::snapshot::log::{self, Value};
use crate::snapshot::trailer::{self, Check, Verdict};

/// Opens the snapshot. A file that is too short for a hash fails in the official words.
pub fn open(path: &Path) -> Result<File> {
    let file = File::open(path).map_err(|err| failed("open", path, &err))?;
    let metadata = file.metadata().map_err(|err| failed("stat", path, &err))?;
    if metadata.is_file() && metadata.len() < trailer::LENGTH as u64 {
        let words = format!("seek {}: invalid argument", path.display());
        return Err(Error::failure(words).because(format!("{} is no snapshot", path.display())));
    }
    Ok(file)
}

/// Copies a snapshot without the hash at its end, which it checks on the way.
pub fn copy(
    mut source: File,
    from: &Path,
    to: &Path,
    skip_hash_check: bool,
    watch: &mut impl Watch,
) -> Result<File> {
    let target = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .map_err(|err| failed("open", to, &err))?;
    let size = source.metadata().map_or(0, |metadata| metadata.len());
    watch.begin(size);
    let mut check = Check::default();
    let mut copied = 0;
    let unwritten = |err: io::Error| failed("write", to, &err);
    let mut behind = target.try_clone().and_then(Behind::new).map_err(unwritten)?;
    let mut piece = Vec::new();
    loop {
        piece.resize(PIECE, 0);
        let read = match source.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => read,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => continue,
            Err(err) => return Err(failed("read", from, &err)),
        };
        piece.truncate(read);
        if !skip_hash_check {
            check.update(&piece);
        }
        piece = behind.hand_over(piece).map_err(unwritten)?;
        copied += read as u64;
        watch.advance(read)?;
    }
    behind.finish().map_err(unwritten)?;
    let has_hash = trailer::is_there(copied);
    if !skip_hash_check {
        match check.verdict() {
            Verdict::Right => {}
            Verdict::Absent { .. } => {
                let words = "snapshot missing hash but --skip-hash-check=false";
                return Err(Error::failure(words).hint(
                    "a database copied from a data directory has no hash: restore it with --skip-hash-check",
                ));
            }
            Verdict::Wrong { expected, got } => {
                return Err(trailer::wrong(&expected, &got).hint(
                    "the file was changed or cut off after it was saved: take another snapshot",
                ));
            }
        }
    }
    if has_hash {
        let pages = copied - trailer::LENGTH as u64;
        target.set_len(pages).map_err(|err| failed("truncate", to, &err))?;
    }
    Ok(target)
}

/// Puts the new members in, as if they had agreed on it; perhaps moves the revisions.
pub fn adopt(file: File, snapshot: &Path, peers: &Peers, bump: Option<u64>) -> Result<()> {
    // What is wrong with the copy is wrong with the snapshot.
    let changed = Db::of(file, snapshot).and_then(|db| change(&db, peers, bump));
    changed.map_err(|fault| db::explain(snapshot, fault))
}

fn change(db: &Db, peers: &Peers, bump: Option<u64>) -> Result<(), Fault> {
    let mut edit = Edit::open(db)?;
    log::info("Trimming membership information from the backend...", &[]);
    let members: Entries = peers
        .members
        .iter()
        .map(|member| (format!("{:x}", member.id).into_bytes(), member.json()))
        .collect();
    edit.replace("members", &members);
    edit.replace("members_removed", &Entries::new());
    let cluster = edit.entries("cluster")?.unwrap_or_default();
    edit.replace("cluster", &cluster);
    let mut meta = edit.entries("meta")?.unwrap_or_default();
    let commit = peers.members.len() as u64;
    meta.insert(b"consistent_index".into(), commit.to_be_bytes().into());
    meta.insert(b"term".into(), TERM.to_be_bytes().into());
    if let Some(bump) = bump {
        let revision = bumped(&edit, bump)?;
        let row = [&revision.to_be_bytes()[..], b"_", &[0; 8]].concat();
        edit.append("key", &row, &[])?;
        meta.insert(b"scheduledCompactRev".into(), row);
    }
    edit.replace("meta", &meta);
    edit.commit()
}

/// The revision that is so much later than the last.
fn bumped(edit: &Edit<'_>, by: u64) -> Result<i64, Fault> {
    let mut last = 0;
    if let Some(row) = edit.last_key("key")? {
        let (Some(main), Some(b'_'), 17 | 18) = (row.first_chunk(), row.get(8), row.len()) else {
            let words = format!("the last revision is {}", quote(&row));
            return Err(Error::failure(words).into());
        };
        last = i64::from_be_bytes(*main);
    }
    let Some(new) = i64::try_from(by).ok().and_then(|by| last.checked_add(by)) else {
        let words = format!("revision {last} cannot grow by {by}: revisions have 63 bits");
        return Err(Error::failure(words).into());
    };
    log::info(
        "bumping latest revision",
        &[
            ("latest-revision", Value::Number(last.into())),
            ("bump-amount", Value::Number(by.into())),
            ("new-latest-revision", Value::Number(new.into())),
        ],
    );
    log::info("marking revision compacted", &[("revision", Value::Number(new.into()))]);
    Ok(new)
}
