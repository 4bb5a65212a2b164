//! A file that a thread of its own writes and another one syncs, while whoever fills it reads and hashes on.

use std::fs::File;
use std::io::{self, Write};
use std::mem;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::thread::{self, JoinHandle};

/// Bytes that are written at once: few enough to be in the processor's cache still. Of pieces eight times as large the
/// system took twice as long to keep them (Linux 6.18, ext4).
pub const PIECE: usize = 32 << 10;
/// Pieces that wait to be written.
const WAITING: usize = 8;
/// Bytes after which the disk is asked to begin.
const SYNC_EVERY: usize = 16 << 20;

/// Takes bytes in their order. Dropped, it has written what it was given before.
pub struct Behind {
    piece: Vec<u8>,
    pieces: Option<SyncSender<Vec<u8>>>,
    spare: Receiver<Vec<u8>>,
    writing: Option<JoinHandle<io::Result<()>>>,
}

impl Behind {
    /// Begins where the file is.
    pub fn new(file: File) -> io::Result<Self> {
        let (pieces, queue) = mpsc::sync_channel(WAITING);
        let (written, spare) = mpsc::channel();
        let writing = thread::Builder::new().spawn(move || write(&file, &queue, &written))?;
        let piece = Vec::with_capacity(PIECE);
        Ok(Self { piece, pieces: Some(pieces), spare, writing: Some(writing) })
    }

    /// Has a piece written; gives one that was, to be filled again.
    pub fn hand_over(&mut self, piece: Vec<u8>) -> io::Result<Vec<u8>> {
        let sent = self.pieces.as_ref().is_some_and(|pieces| pieces.send(piece).is_ok());
        if !sent {
            self.end()?;
            return Err(io::Error::other("the file is closed"));
        }
        Ok(self.spare.try_recv().unwrap_or_default())
    }

    /// Waits until all is written; not until it is on the disk.
    pub fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        self.end()
    }

    fn end(&mut self) -> io::Result<()> {
        drop(self.pieces.take());
        let ended = || Err(io::Error::other("a thread ended"));
        self.writing.take().map_or(Ok(()), |writing| writing.join().unwrap_or_else(|_| ended()))
    }
}

impl Write for Behind {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.piece.len() + bytes.len() > PIECE {
            self.flush()?;
        }
        self.piece.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.piece.is_empty() {
            let piece = mem::take(&mut self.piece);
            self.piece = self.hand_over(piece)?;
            self.piece.clear();
        }
        Ok(())
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        // Who cares for errors calls `finish`; nobody may remove the file while it is written.
        let _ = self.end();
    }
}

fn write(mut file: &File, queue: &Receiver<Vec<u8>>, written: &Sender<Vec<u8>>) -> io::Result<()> {
    thread::scope(|scope| {
        let (more, asked) = mpsc::sync_channel(1);
        let syncing = scope.spawn(move || asked.iter().try_for_each(|()| file.sync_data()));
        let mut unsynced = 0;
        for piece in queue {
            file.write_all(&piece)?;
            unsynced += piece.len();
            if unsynced >= SYNC_EVERY {
                unsynced = 0;
                // One that is under way will be followed by another: there is nothing to wait for.
                let _ = more.try_send(());
            }
            // Who has ended fills none.
            let _ = written.send(piece);
        }
        drop(more);
        syncing.join().unwrap_or_else(|_| Err(io::Error::other("a thread ended")))
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _};

    use super::*;

    #[test]
    fn everything_is_written_in_its_order() {
        let mut file = tempfile::tempfile().unwrap();
        let mut behind = Behind::new(file.try_clone().unwrap()).unwrap();
        let mut random = fastrand::Rng::with_seed(1);
        let mut all = Vec::new();
        while all.len() < 20 << 20 {
            let most = 1 << random.usize(1..20);
            let bytes = vec![random.u8(..); random.usize(..most)];
            behind.write_all(&bytes).unwrap();
            all.extend_from_slice(&bytes);
        }
        behind.finish().unwrap();
        let mut written = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut written).unwrap();
        assert!(written == all);
    }

    #[test]
    fn a_file_that_takes_nothing_fails_what_comes_later() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut behind = Behind::new(full).unwrap();
        let mut writes = (0..1000).map(|_| behind.write_all(&[7; PIECE / 4]));
        let failed = writes.find_map(Result::err).unwrap();
        assert_eq!(failed.kind(), io::ErrorKind::StorageFull);
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut behind = Behind::new(full).unwrap();
        behind.write_all(b"little").unwrap();
        assert_eq!(behind.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
