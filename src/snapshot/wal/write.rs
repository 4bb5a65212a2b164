//! A segment being written.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use prost::Message;
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use super::{CRC, ENTRY, FRAME, LENGTH_BITS, METADATA, PADDED, SEGMENT_BYTES, SNAPSHOT, STATE};
use crate::snapshot::raft::{Entry, HardState, Metadata, Record, SnapshotMark};

/// The first segment of a log.
pub struct Segment {
    out: BufWriter<File>,
    crc: u32,
}

impl Segment {
    /// Begins a log of a member, which has no snapshot yet.
    pub fn create(path: &Path, metadata: &Metadata) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        allocate(&file)?;
        let mut segment = Self { out: BufWriter::new(file), crc: 0 };
        segment.frame(CRC, None)?;
        segment.record(METADATA, metadata)?;
        let none = SnapshotMark { index: Some(0), term: Some(0), conf_state: None };
        segment.snapshot(&none)?;
        Ok(segment)
    }

    pub fn entry(&mut self, entry: &Entry) -> io::Result<()> {
        self.record(ENTRY, entry)
    }

    pub fn state(&mut self, state: &HardState) -> io::Result<()> {
        self.record(STATE, state)
    }

    pub fn snapshot(&mut self, mark: &SnapshotMark) -> io::Result<()> {
        self.record(SNAPSHOT, mark)
    }

    /// Writes what is left, and waits until it is on the disk.
    pub fn finish(mut self) -> io::Result<()> {
        self.out.flush()?;
        self.out.get_ref().sync_all()
    }

    fn record(&mut self, kind: i64, message: &impl Message) -> io::Result<()> {
        let data = message.encode_to_vec();
        self.crc = crc32c::crc32c_append(self.crc, &data);
        self.frame(kind, Some(data))
    }

    fn frame(&mut self, kind: i64, data: Option<Vec<u8>>) -> io::Result<()> {
        let record = Record { kind: Some(kind), crc: Some(self.crc), data }.encode_to_vec();
        let padding = record.len().wrapping_neg() % FRAME;
        let mut length = record.len() as u64;
        if padding > 0 {
            length |= (PADDED | padding as u64) << LENGTH_BITS;
        }
        self.out.write_all(&length.to_le_bytes())?;
        self.out.write_all(&record)?;
        self.out.write_all(&[0; FRAME][..padding])
    }
}

/// Takes the segment's place on the disk at once; where a file system cannot, the size alone is set.
fn allocate(file: &File) -> io::Result<()> {
    loop {
        return match fallocate(file, FallocateFlags::empty(), 0, SEGMENT_BYTES) {
            Ok(()) => Ok(()),
            Err(Errno::INTR) => continue,
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => file.set_len(SEGMENT_BYTES),
            Err(err) => Err(err.into()),
        };
    }
}
