//! Ranges of many keys and many bytes: the official answer in bounded memory, whatever happens meanwhile.

use std::io::Read as _;
use std::process::ChildStdout;
use std::time::{Duration, Instant};

use etcd_client::{Client, Txn, TxnOp};

use crate::support::run::Running;
use crate::support::{Etcd, Run, reference_is_there, skipped};

mod answers;
mod disturbed;

/// More than any of these takes.
const DEADLINE: Duration = Duration::from_secs(120);

/// So many bytes of values, in values of this size: several pages, and more than any buffer holds.
const HEAVY: usize = 100 << 20;
const VALUE: usize = 4096;

/// Runs a test on servers of these versions at once, each filled first.
fn on_filled(minors: &[&str], fill: fn(&Etcd), test: impl Fn(Etcd) + Sync) {
    if !reference_is_there() {
        return;
    }
    std::thread::scope(|scope| {
        for minor in minors {
            let test = &test;
            scope.spawn(move || match Etcd::version(minor) {
                Some(etcd) => {
                    fill(&etcd);
                    test(etcd);
                }
                None => skipped(&format!("no etcd {minor} (make reference builds it)")),
            });
        }
    });
}

/// Stores pairs, many in one transaction.
fn store(etcd: &Etcd, pairs: impl Iterator<Item = (Vec<u8>, Vec<u8>)>) {
    const MOST: usize = 1 << 20;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let mut client = Client::connect([etcd.address()], None).await.expect("a client");
        let mut pairs = pairs.peekable();
        while pairs.peek().is_some() {
            let (mut puts, mut bytes) = (Vec::new(), 0);
            while let Some((key, value)) = pairs.next_if(|_| puts.len() < 128 && bytes < MOST) {
                bytes += value.len();
                puts.push(TxnOp::put(key, value, None));
            }
            client.txn(Txn::new().and_then(puts)).await.expect("a transaction");
        }
    });
}

/// 30,000 keys, most of them small, some of them not; values of any bytes.
fn many(etcd: &Etcd) {
    store(
        etcd,
        (0..30_000).map(|i: usize| {
            let size = match i {
                _ if i % 3000 == 1500 => 200_000,
                _ if i % 100 == 50 => 5000,
                _ => i * 7 % 120,
            };
            (format!("key/{i:05}").into_bytes(), noise(i, size))
        }),
    );
}

/// A hundred megabytes.
fn heavy(etcd: &Etcd) {
    store(etcd, (0..HEAVY / VALUE).map(|i| (format!("key/{i:05}").into_bytes(), noise(i, VALUE))));
}

/// Bytes that differ from key to key.
fn noise(seed: usize, size: usize) -> Vec<u8> {
    (0..size).map(|i| (seed + i * (seed % 251 + 1)).to_le_bytes()[0]).collect()
}

/// Our client, while a test reads what it prints.
struct Reading {
    running: Running,
    stdout: ChildStdout,
    bytes: Vec<u8>,
    /// The most memory that it was seen to use, in KiB, without the program itself, which is not optimised here.
    peak: usize,
}

impl Reading {
    fn start(endpoints: &str, args: &[&str]) -> Self {
        let mut running =
            Run::ours(["--endpoints", endpoints].into_iter().chain(args.iter().copied())).start();
        let stdout = running.child.stdout.take().expect("stdout is a pipe");
        Self { running, stdout, bytes: Vec::new(), peak: 0 }
    }

    /// Reads until so many bytes are there, or all.
    fn read_to(&mut self, amount: usize) {
        let end = Instant::now() + DEADLINE;
        let mut piece = vec![0; 1 << 16];
        let mut looked = self.bytes.len();
        while self.bytes.len() < amount {
            let read = self.stdout.read(&mut piece).expect("a pipe");
            if read == 0 {
                break;
            }
            self.bytes.extend_from_slice(&piece[..read]);
            if self.bytes.len() > looked + (1 << 20) {
                looked = self.bytes.len();
                self.look();
            }
            assert!(Instant::now() < end, "it takes too long");
        }
    }

    fn look(&mut self) {
        let path = format!("/proc/{}/status", self.running.child.id());
        let status = std::fs::read_to_string(path).unwrap_or_default();
        let of = |name: &str| -> Option<usize> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        };
        let now = of("VmHWM:").zip(of("RssFile:")).map(|(whole, file)| whole.saturating_sub(file));
        self.peak = self.peak.max(now.unwrap_or(0));
    }

    /// All that it printed, its status, and what it said.
    fn end(mut self) -> (Vec<u8>, Option<i32>, String) {
        self.read_to(usize::MAX);
        let mut said = String::new();
        let stderr = self.running.child.stderr.take().expect("stderr is a pipe");
        let _ = { stderr }.read_to_string(&mut said);
        let status = self.running.child.wait().expect("a status");
        (self.bytes, status.code(), said)
    }

    /// It must have printed just this, and end well.
    #[track_caller]
    fn assert_prints(self, wanted: &[u8], what: &str) {
        let (bytes, status, said) = self.end();
        assert!(status == Some(0) && said.is_empty(), "{what}: status {status:?}, {said}");
        let differ = bytes.iter().zip(wanted).position(|(one, other)| one != other);
        assert!(
            bytes == wanted,
            "{what}: {} bytes instead of {}, the first other one at {differ:?}",
            bytes.len(),
            wanted.len()
        );
    }
}
