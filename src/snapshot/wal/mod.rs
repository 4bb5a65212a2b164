//! The write-ahead log: what raft promised to remember, before it is in the database.
//!
//! A folder of segments, `SEQUENCE-INDEX.wal`. Each is a row of frames: eight bytes (little-endian) with the
//! record's length, and in the top one how many zeros pad it; the record; the zeros. A running CRC-32C
//! over the records' data goes through all segments. What is not written yet is zeros.
//!
//! Source: etcd 3.7.1, `server/storage/wal` (`encoder.go`, `decoder.go`, `wal.go`).

mod read;
mod write;

pub use read::{Item, Records, WalError};
pub use write::Segment;

/// Bytes that a segment takes on the disk from its beginning.
pub const SEGMENT_BYTES: u64 = 64_000_000;

const METADATA: i64 = 1;
const ENTRY: i64 = 2;
const STATE: i64 = 3;
const CRC: i64 = 4;
const SNAPSHOT: i64 = 5;

/// In the length's top byte: there is padding, and its length.
const PADDED: u64 = 0x80;
const PADDING: u64 = 0x07;
const LENGTH_BITS: u32 = 56;
const FRAME: usize = 8;

/// The name of the first segment.
pub const FIRST: &str = "0000000000000000-0000000000000000.wal";

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::os::unix::fs::FileExt;
    use std::path::Path;

    use super::*;
    use crate::snapshot::raft::{Entry, HardState, Metadata};

    fn entry(index: u64, length: usize) -> Entry {
        Entry { kind: Some(0), term: Some(1), index: Some(index), data: Some(vec![b'd'; length]) }
    }

    /// A log of one segment with two entries; the byte after its last record.
    fn log(folder: &Path) -> u64 {
        let metadata = Metadata { node: Some(1), cluster: Some(2) };
        let mut segment = Segment::create(&folder.join(FIRST), &metadata).unwrap();
        segment.entry(&entry(1, 5)).unwrap();
        segment.entry(&entry(2, 2000)).unwrap();
        let state = HardState { term: Some(1), vote: Some(1), commit: Some(2) };
        segment.state(&state).unwrap();
        segment.finish().unwrap();
        let bytes = fs::read(folder.join(FIRST)).unwrap();
        let end = bytes.iter().rposition(|&byte| byte != 0).unwrap() as u64 + 1;
        end.next_multiple_of(8)
    }

    fn indexes(folder: &Path) -> Result<Vec<u64>, WalError> {
        let mut found = Vec::new();
        for item in Records::open(folder)? {
            if let Item::Entry(entry) = item? {
                found.push(entry.index.unwrap());
            }
        }
        Ok(found)
    }

    fn overwrite(folder: &Path, at: u64, bytes: &[u8]) {
        let file = OpenOptions::new().write(true).open(folder.join(FIRST)).unwrap();
        file.write_all_at(bytes, at).unwrap();
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        log(folder.path());
        assert_eq!(fs::metadata(folder.path().join(FIRST)).unwrap().len(), SEGMENT_BYTES);
        let items: Vec<Item> =
            Records::open(folder.path()).unwrap().collect::<Result<_, _>>().unwrap();
        assert_eq!(items.len(), 5);
        assert_eq!(items[2], Item::Entry(entry(1, 5)));
        assert_eq!(items[3], Item::Entry(entry(2, 2000)));
    }

    #[test]
    fn a_log_ends_where_its_last_write_tore() {
        let folder = tempfile::tempdir().unwrap();
        let end = log(folder.path());
        // A sector of the second entry was never written.
        overwrite(folder.path(), 512, &[0; 512]);
        assert_eq!(indexes(folder.path()).unwrap(), [1]);
        // The file ends within it.
        let folder = tempfile::tempdir().unwrap();
        assert!(log(folder.path()) == end);
        let file = OpenOptions::new().write(true).open(folder.path().join(FIRST)).unwrap();
        file.set_len(end - 100).unwrap();
        assert_eq!(indexes(folder.path()).unwrap(), [1]);
    }

    #[test]
    fn damage_is_told_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        log(folder.path());
        overwrite(folder.path(), 600, b"x");
        let why = indexes(folder.path()).unwrap_err().to_string();
        assert!(why.contains("0000.wal: a record's checksum is wrong at byte "), "{why}");
        let empty = tempfile::tempdir().unwrap();
        let why = indexes(empty.path()).unwrap_err().to_string();
        assert!(why.starts_with("no write-ahead log in "), "{why}");
        let gap = tempfile::tempdir().unwrap();
        log(gap.path());
        fs::write(gap.path().join("0000000000000002-0000000000000003.wal"), "").unwrap();
        assert!(matches!(indexes(gap.path()), Err(WalError::Gap { .. })));
    }

    #[test]
    fn no_bytes_break_the_reader() {
        let folder = tempfile::tempdir().unwrap();
        let end = log(folder.path());
        let whole = fs::read(folder.path().join(FIRST)).unwrap();
        let mut random = fastrand::Rng::with_seed(1);
        let file = OpenOptions::new().write(true).open(folder.path().join(FIRST)).unwrap();
        for _ in 0..2000 {
            let at = random.u64(..end);
            let changed = [random.u8(..)];
            file.write_all_at(&changed, at).unwrap();
            let _ = indexes(folder.path());
            let at_usize = usize::try_from(at).unwrap();
            file.write_all_at(&whole[at_usize..=at_usize], at).unwrap();
        }
    }
}
