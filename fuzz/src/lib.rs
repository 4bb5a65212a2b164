//! What the targets have in common: seeds, a place for files, and repairs of checksums, behind which
//! random bytes would never get.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use etcdctl::snapshot::writer::Writer;

/// Puts seeds into the corpus of a target, which is among the arguments that the fuzzer was started with.
/// Whoever starts it without one gets none.
pub fn plant(target: &str, seeds: impl FnOnce() -> Vec<Vec<u8>>) {
    let wanted = Path::new("corpus").join(target);
    let folders = std::env::args_os().skip(1).map(PathBuf::from);
    let Some(folder) = folders.into_iter().find(|folder| folder.ends_with(&wanted)) else { return };
    for (seed, number) in seeds().into_iter().zip(0..) {
        // A seed that is not there is missed by nobody but the first run.
        let _ = fs::write(folder.join(format!("seed-{number:03}")), seed);
    }
}

/// A write to a connection that is closed is an error, as in every program of Rust: the fuzzer's own begins in C++.
pub fn survive_closed_connections() {
    let noticed = std::sync::Arc::default();
    signal_hook::flag::register(signal_hook::consts::SIGPIPE, noticed)
        .expect("could not hear a signal");
}

/// A folder for the files of this process, in memory where the system has such a place.
pub fn scratch() -> &'static Path {
    static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
        let own = std::env::var_os("FUZZ_SCRATCH").map(PathBuf::from);
        let place = own.unwrap_or_else(std::env::temp_dir);
        tempfile::tempdir_in(place).expect("could not make a folder")
    });
    FOLDER.path()
}

/// Writes a file anew.
pub fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("could not write a file");
}

/// A file of the project's fixtures, unpacked.
pub fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(name);
    if path.extension().is_some_and(|ending| ending == "xz") {
        let unpacked = Command::new("xz").arg("-dc").arg(&path).output();
        return unpacked.map(|output| output.stdout).unwrap_or_default();
    }
    fs::read(path).unwrap_or_default()
}

/// Takes numbers off the front of the fuzzer's bytes; zeros once they are used up.
pub struct Taken<'d>(pub &'d [u8]);

impl<'d> Taken<'d> {
    pub fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        byte
    }

    pub fn short(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    /// At most so many bytes.
    pub fn bytes(&mut self, most: usize) -> &'d [u8] {
        let (taken, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        taken
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A small database as etcd writes it, in pages so small that its trees have branches.
pub fn database(page_size: u32, rows: u64) -> Vec<u8> {
    let path = scratch().join("seed");
    let file = fs::File::create(&path).expect("could not make a file");
    let mut writer = Writer::new(file, page_size).expect("could not begin a database");
    let mut put = |name: &[u8], rows: &[(Vec<u8>, Vec<u8>)]| {
        let mut bucket = writer.bucket(name);
        for (key, value) in rows {
            bucket.put(key, value).expect("could not write a row");
        }
        bucket.finish().expect("could not end a bucket");
    };
    let revision = |main: u64| [&main.to_be_bytes()[..], b"_", &0u64.to_be_bytes()].concat();
    let row = |main: u64| {
        let key = format!("/registry/{}", main % 7);
        let number = u8::try_from(main % 100).unwrap_or_default();
        let mut value = vec![0x0a, u8::try_from(key.len()).unwrap_or_default()];
        value.extend(key.as_bytes());
        if main % 5 == 4 {
            return ([&revision(main)[..], b"t"].concat(), value);
        }
        value.extend([0x10, number, 0x18, number, 0x20, 1, 0x2a, 5]);
        value.extend(b"value");
        (revision(main), value)
    };
    put(b"alarm", &[]);
    put(b"cluster", &[(b"clusterVersion".to_vec(), b"3.7.0".to_vec())]);
    put(b"key", &(2..2 + rows).map(row).collect::<Vec<_>>());
    put(b"lease", &[]);
    put(b"members", &[(b"8e9e05c52164694d".to_vec(), br#"{"id":10276657743932975437}"#.to_vec())]);
    put(b"members_removed", &[]);
    let number = |number: u64| number.to_be_bytes().to_vec();
    put(
        b"meta",
        &[
            (b"consistent_index".to_vec(), number(9)),
            (b"finishedCompactRev".to_vec(), revision(4)),
            (b"scheduledCompactRev".to_vec(), revision(4)),
            (b"storageVersion".to_vec(), b"3.7.0".to_vec()),
            (b"term".to_vec(), number(2)),
        ],
    );
    writer.finish().expect("could not end a database");
    fs::read(path).expect("could not read a database")
}

/// Makes both meta pages valid, whatever else they say.
pub fn repair_metas(bytes: &mut [u8]) {
    const PAGE_SIZE: std::ops::Range<usize> = 24..28;
    repair_meta(bytes, 0);
    let size = bytes.get(PAGE_SIZE).and_then(|size| size.try_into().ok());
    let size = size.map_or(0, u32::from_le_bytes);
    if (512..=1 << 24).contains(&size) {
        repair_meta(bytes, size as usize);
    }
}

fn repair_meta(bytes: &mut [u8], at: usize) {
    let Some(body) = bytes.get_mut(at + 16..at + 80) else { return };
    body[..4].copy_from_slice(&0xED0C_DAED_u32.to_le_bytes());
    body[4..8].copy_from_slice(&2u32.to_le_bytes());
    let sum = body[..56].iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    body[56..64].copy_from_slice(&sum.to_le_bytes());
}

/// Appends the hash that closes a snapshot.
pub fn seal(bytes: &mut Vec<u8>) {
    let hash = ring::digest::digest(&ring::digest::SHA256, bytes);
    bytes.extend_from_slice(hash.as_ref());
}

/// A log of these records, each of a kind, with the checksums that follow from them.
pub fn log<'r>(records: impl Iterator<Item = (i64, &'r [u8])>) -> Vec<u8> {
    use etcdctl::snapshot::raft::Record;
    use prost::Message as _;
    const CRC: i64 = 4;
    let (mut out, mut crc) = (Vec::new(), 0);
    for (kind, data) in records {
        let data = (kind != CRC).then(|| data.to_vec());
        crc = crc32c::crc32c_append(crc, data.as_deref().unwrap_or_default());
        let record = Record { kind: Some(kind), crc: Some(crc), data }.encode_to_vec();
        let padding = record.len().wrapping_neg() % 8;
        let mut length = record.len() as u64;
        if padding > 0 {
            length |= (0x80 | padding as u64) << 56;
        }
        let _ = out.write_all(&length.to_le_bytes());
        let _ = out.write_all(&record);
        out.resize(out.len() + padding, 0);
    }
    out
}
