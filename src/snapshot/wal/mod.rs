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
