//! A log being read: record by record, so that its length does not matter.

use std::collections::VecDeque;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use prost::Message;

use super::{CRC, ENTRY, FRAME, LENGTH_BITS, METADATA, PADDED, PADDING, SNAPSHOT, STATE};
use crate::snapshot::raft::{Entry, HardState, Metadata, Record, SnapshotMark};

/// A write that tore leaves at least one of these whole and zero.
const SECTOR: usize = 512;

/// One record that says something.
#[derive(Debug, PartialEq)]
pub enum Item {
    Metadata(Metadata),
    Entry(Entry),
    State(HardState),
    Snapshot(SnapshotMark),
}

/// Why a log cannot be read.
#[derive(Debug)]
pub enum WalError {
    Io {
        path: PathBuf,
        err: io::Error,
    },
    /// No segment is in the folder.
    Missing {
        path: PathBuf,
    },
    /// A segment between two others is gone.
    Gap {
        path: PathBuf,
    },
    Damaged {
        path: PathBuf,
        offset: u64,
        why: &'static str,
    },
}

impl fmt::Display for WalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, err } => write!(f, "could not read {}: {err}", path.display()),
            Self::Missing { path } => write!(f, "no write-ahead log in {}", path.display()),
            Self::Gap { path } => write!(f, "a segment before {} is missing", path.display()),
            Self::Damaged { path, offset, why } => {
                write!(f, "{}: {why} at byte {offset}", path.display())
            }
        }
    }
}

impl std::error::Error for WalError {}

/// The records of a log, oldest first. Ends where the log does: at what is not written yet, or tore.
pub struct Records {
    /// The segments still to be opened.
    segments: VecDeque<PathBuf>,
    open: Option<Segment>,
    crc: u32,
    done: bool,
}

struct Segment {
    path: PathBuf,
    file: BufReader<File>,
    size: u64,
    offset: u64,
}

impl Records {
    /// Opens the log in a folder.
    ///
    /// # Errors
    /// A folder that cannot be read, or whose segments do not follow each other.
    pub fn open(folder: &Path) -> Result<Self, WalError> {
        let failed = |err| WalError::Io { path: folder.into(), err };
        let mut segments: Vec<(u64, PathBuf)> = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if let Some(sequence) = path.file_name().and_then(|name| sequence(name.to_str()?)) {
                segments.push((sequence, path));
            }
        }
        segments.sort();
        if segments.is_empty() {
            return Err(WalError::Missing { path: folder.into() });
        }
        let gap = segments.windows(2).find_map(|pair| match pair {
            [(before, _), (after, path)] if before.checked_add(1) != Some(*after) => Some(path),
            _ => None,
        });
        if let Some(path) = gap {
            return Err(WalError::Gap { path: path.clone() });
        }
        let segments = segments.into_iter().map(|(_, path)| path).collect();
        Ok(Self { segments, open: None, crc: 0, done: false })
    }

    fn read(&mut self) -> Result<Option<Item>, WalError> {
        while !self.done {
            let Some(segment) = &mut self.open else {
                let Some(path) = self.segments.pop_front() else { break };
                self.open = Some(Segment::open(path)?);
                continue;
            };
            let is_last = self.segments.is_empty();
            match segment.frame(is_last)? {
                Frame::End => self.open = None,
                Frame::Torn => break,
                Frame::Record { record, bytes, offset } => {
                    match self.item(record, &bytes, offset, is_last)? {
                        Meaning::Nothing => {}
                        Meaning::Torn => break,
                        Meaning::Item(item) => return Ok(Some(item)),
                    }
                }
            }
        }
        self.done = true;
        Ok(None)
    }

    fn item(
        &mut self,
        record: Record,
        bytes: &[u8],
        offset: u64,
        is_last: bool,
    ) -> Result<Meaning, WalError> {
        let damaged = |why| {
            let path = self.open.as_ref().map(|open| open.path.clone()).unwrap_or_default();
            WalError::Damaged { path, offset, why }
        };
        let crc = record.crc.unwrap_or_default();
        let data = record.data.unwrap_or_default();
        if record.kind == Some(CRC) {
            if self.crc != 0 && self.crc != crc {
                return Err(damaged("the checksum of the segment before is another"));
            }
            self.crc = crc;
            return Ok(Meaning::Nothing);
        }
        let running = crc32c::crc32c_append(self.crc, &data);
        if running != crc {
            if is_last && is_torn(bytes, offset) {
                return Ok(Meaning::Torn);
            }
            return Err(damaged("a record's checksum is wrong"));
        }
        self.crc = running;
        let unreadable = |_| damaged("a record cannot be read");
        Ok(Meaning::Item(match record.kind {
            Some(METADATA) => Item::Metadata(decode(&data).map_err(unreadable)?),
            Some(ENTRY) => Item::Entry(decode(&data).map_err(unreadable)?),
            Some(STATE) => Item::State(decode(&data).map_err(unreadable)?),
            Some(SNAPSHOT) => Item::Snapshot(decode(&data).map_err(unreadable)?),
            _ => return Err(damaged("a record of an unknown kind")),
        }))
    }
}

/// What a record came to.
enum Meaning {
    /// It speaks of the log alone.
    Nothing,
    Torn,
    Item(Item),
}

fn decode<M: Message + Default>(data: &[u8]) -> Result<M, prost::DecodeError> {
    M::decode(data)
}

impl Iterator for Records {
    type Item = Result<Item, WalError>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.read();
        self.done |= read.is_err();
        read.transpose()
    }
}

enum Frame {
    End,
    Torn,
    Record { record: Record, bytes: Vec<u8>, offset: u64 },
}

impl Segment {
    fn open(path: PathBuf) -> Result<Self, WalError> {
        let opened = File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
        match opened {
            Ok((size, file)) => Ok(Self { path, file: BufReader::new(file), size, offset: 0 }),
            Err(err) => Err(WalError::Io { path, err }),
        }
    }

    /// The next frame. Only the last segment may end within one.
    fn frame(&mut self, is_last: bool) -> Result<Frame, WalError> {
        let left = self.size.saturating_sub(self.offset);
        let Some(left) = left.checked_sub(FRAME as u64) else { return Ok(Frame::End) };
        let mut head = [0; FRAME];
        self.fill(&mut head)?;
        let head = u64::from_le_bytes(head);
        if head == 0 {
            return Ok(Frame::End);
        }
        let length = head & ((1 << LENGTH_BITS) - 1);
        let top = head >> LENGTH_BITS;
        let padding = if top & PADDED == 0 { 0 } else { top & PADDING };
        let damaged = |why| WalError::Damaged { path: self.path.clone(), offset: self.offset, why };
        let whole = length + padding;
        if whole > left {
            return if is_last { Ok(Frame::Torn) } else { Err(damaged("a record is cut off")) };
        }
        let Ok(whole) = usize::try_from(whole) else {
            return Err(damaged("a record is too long"));
        };
        let mut bytes = vec![0; whole];
        self.fill(&mut bytes)?;
        let offset = self.offset + FRAME as u64;
        let length = usize::try_from(length).unwrap_or(whole);
        match Record::decode(bytes.get(..length).unwrap_or_default()) {
            Ok(record) => {
                self.offset = offset + whole as u64;
                Ok(Frame::Record { record, bytes, offset })
            }
            Err(_) if is_last && is_torn(&bytes, offset) => Ok(Frame::Torn),
            Err(_) => Err(WalError::Damaged {
                path: self.path.clone(),
                offset,
                why: "a record cannot be read",
            }),
        }
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), WalError> {
        let path = &self.path;
        self.file.read_exact(bytes).map_err(|err| WalError::Io { path: path.clone(), err })
    }
}

/// Whether a part of a record that the disk writes at once was not written.
fn is_torn(bytes: &[u8], offset: u64) -> bool {
    let within = usize::try_from(offset % SECTOR as u64).unwrap_or_default();
    let first = SECTOR - within;
    let (head, rest) = bytes.split_at_checked(first).unwrap_or((bytes, &[]));
    let zero = |sector: &[u8]| sector.iter().all(|&byte| byte == 0);
    let sectors = rest.chunks(SECTOR);
    !bytes.is_empty() && (zero(head) || sectors.into_iter().any(zero))
}

/// `SEQUENCE-INDEX.wal`, both of sixteen hexadecimal digits.
fn sequence(name: &str) -> Option<u64> {
    let (sequence, index) = name.strip_suffix(".wal")?.split_once('-')?;
    let number = |digits: &str| {
        let hex = digits.len() == 16 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        if hex { u64::from_str_radix(digits, 16).ok() } else { None }
    };
    number(index)?;
    number(sequence)
}
