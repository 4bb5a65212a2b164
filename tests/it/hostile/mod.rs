//! Servers that lie: sizes that are none, streams and headers without end, answers out of order. The program ends in
//! bounded time and memory, with a sentence that says why.

mod server;

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use etcd_client::proto::{
    PbKeyValue, PbRangeResponse, PbRangeStreamResponse, PbResponseHeader, PbSnapshotResponse,
    PbStatusResponse, PbWatchResponse,
};

use rustix::termios::{Winsize, tcsetwinsize};

use crate::support::run::terminal;
use crate::support::{Run, words};
use server::{CONTINUATION, DATA, HEADERS, Liar, PING, SETTINGS, literal, status};

/// When a run counts as endless: the time that a call has, and what a busy machine adds.
const ENDLESS: Duration = Duration::from_secs(15);
/// What a run may hold, in KiB: the windows of HTTP/2, and a program that is not optimised.
const MOST: u64 = 100 << 10;

/// How a run ended.
struct Ended {
    status: Option<i32>,
    stdout: Vec<u8>,
    stderr: String,
    /// In KiB.
    peak: u64,
    took: Duration,
}

/// Runs our program against a server, with a second for everything.
fn ended(endpoint: &str, line: &str) -> Ended {
    let flags = ["--endpoints", endpoint, "--command-timeout=1s", "--dial-timeout=1s"];
    ended_as(Run::ours(flags.into_iter().chain(words(line))))
}

fn ended_as(run: Run) -> Ended {
    let mut command = run.into_command();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let begun = Instant::now();
    let mut child = command.spawn().expect("could not run our program");
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let read = |stream: Option<Box<dyn Read + Send>>| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut stream) = stream {
                // What is cut off with its writer is no failure.
                let _ = stream.read_to_end(&mut bytes);
            }
            bytes
        })
    };
    let stdout = read(stdout.map(|stream| Box::new(stream) as _));
    let stderr = read(stderr.map(|stream| Box::new(stream) as _));
    // A child's memory as the system sums it up begins with its parent's: what it had is asked while it runs.
    let mut peak = 0;
    let status = loop {
        if let Some(status) = child.try_wait().expect("could not wait for our program") {
            break status;
        }
        peak = memory(child.id()).unwrap_or(0).max(peak);
        if begun.elapsed() > ENDLESS {
            let _ = child.kill();
        }
        thread::sleep(Duration::from_millis(2));
    };
    let took = begun.elapsed();
    Ended {
        status: status.code(),
        stdout: stdout.join().expect("a reader failed"),
        stderr: String::from_utf8_lossy(&stderr.join().expect("a reader failed")).into_owned(),
        peak,
        took,
    }
}

/// The most that a process has had so far, without its own file, in KiB.
fn memory(process: u32) -> Option<u64> {
    let told = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let of = |name: &str| -> Option<u64> {
        let line = told.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    };
    Some(of("VmHWM:")?.saturating_sub(of("RssFile:")?))
}

impl Ended {
    /// With this status and this last line, and a sentence above it that holds these words.
    #[track_caller]
    fn assert(&self, status: i32, last: &str, why: &str) {
        let said: String = self.stderr.chars().take(3000).collect();
        let shown =
            format!("{:?} after {:?} with {} KiB:\n{said}", self.status, self.took, self.peak);
        assert_eq!(self.status, Some(status), "{shown}");
        let error = self.stderr.lines().rfind(|line| line.starts_with("Error: "));
        assert_eq!(error, Some(&*format!("Error: {last}")), "{shown}");
        assert!(self.stderr.contains(why), "it does not say {why:?}: {shown}");
        assert!(self.stderr.len() < 4000, "it says too much: {shown}");
        assert!(self.peak < MOST, "{shown}");
    }
}

const LATE: &str = "context deadline exceeded";

fn header(revision: i64) -> PbResponseHeader {
    PbResponseHeader { cluster_id: 1, member_id: 2, revision, raft_term: 4 }
}

fn pair(key: &str, value: usize) -> PbKeyValue {
    PbKeyValue {
        key: key.into(),
        value: vec![b'v'; value],
        create_revision: 2,
        mod_revision: 2,
        version: 1,
        lease: 0,
    }
}

fn page(keys: &[&str], more: bool, count: i64) -> PbRangeResponse {
    let kvs = keys.iter().map(|key| pair(key, 1)).collect();
    PbRangeResponse { header: Some(header(3)), kvs, more, count }
}

/// Every way to ask a question.
const QUESTIONS: [&str; 7] = [
    "get key",
    "get key --prefix",
    "put key value",
    "del key",
    "member list",
    "user list",
    "snapshot save -",
];

#[test]
fn a_length_that_is_never_sent_is_waited_for_no_longer_than_any_answer() {
    let liar = Liar::answering(|talk, _| {
        talk.head()?;
        talk.prefix(0, 1 << 20)?;
        talk.data(&[0x0a, 2])
    });
    for line in QUESTIONS {
        let status = if line.starts_with("snapshot") { 5 } else { 1 };
        ended(&liar.endpoint(), line).assert(
            status,
            LATE,
            "no answer within 1s (--command-timeout)",
        );
    }
}

#[test]
fn a_length_beyond_all_measure_is_refused_before_it_is_read() {
    let liar = Liar::answering(|talk, _| {
        talk.head()?;
        talk.prefix(0, u32::MAX)?;
        talk.data(&[0x0a; 4096])
    });
    for line in QUESTIONS {
        let limit = match line {
            "member list" | "user list" | "snapshot save -" => 16 << 20,
            _ => i32::MAX,
        };
        let words = format!("grpc: received message larger than max (4294967295 vs. {limit})");
        let last = format!("rpc error: code = ResourceExhausted desc = {words}");
        let status = if line.starts_with("snapshot") { 5 } else { 1 };
        ended(&liar.endpoint(), line).assert(status, &last, "");
    }
}

#[test]
fn a_pair_of_half_a_gigabyte_is_refused_before_it_is_read() {
    let liar = Liar::answering(|talk, _| {
        talk.head()?;
        talk.prefix(0, 600 << 20)?;
        // Field 2, so many bytes, and for ever.
        talk.data(&[0x12, 0x80, 0x80, 0x80, 0x80, 2])?;
        loop {
            talk.data(&[0; 16_384])?;
        }
    });
    let words = "grpc: received message larger than max (536870918 vs. 268435456)";
    let last = format!("rpc error: code = ResourceExhausted desc = {words}");
    for line in ["get key --prefix", "get key"] {
        ended(&liar.endpoint(), line).assert(1, &last, "");
    }
}

#[test]
fn a_compressed_message_that_nobody_asked_for_is_refused() {
    let liar = Liar::answering(|talk, _| {
        talk.head()?;
        talk.prefix(1, 2)?;
        talk.data(&[0x0a, 0])?;
        talk.end(0, "")
    });
    let last = "rpc error: code = Internal desc = grpc: compressed flag set with identity or empty encoding";
    for line in ["get key", "put key value", "member list"] {
        ended(&liar.endpoint(), line).assert(1, last, "");
    }
}

#[test]
fn more_keys_than_were_counted_end_a_stream_without_end() {
    let liar = Liar::answering(|talk, number| {
        talk.head()?;
        if number == 0 {
            talk.message(&page(&["a", "b"], true, 5))?;
            return talk.end(0, "");
        }
        for number in 0..u64::MAX {
            let kvs = vec![pair(&format!("c{number:020}"), 1000)];
            let range_response = Some(PbRangeResponse { kvs, ..PbRangeResponse::default() });
            talk.message(&PbRangeStreamResponse { range_response })?;
        }
        Ok(())
    });
    let last = "the server sends more than the 5 keys that it counted";
    ended(&liar.endpoint(), "get a --prefix").assert(1, last, "");
}

#[test]
fn a_stream_of_keys_without_end_is_printed_in_bounded_memory() {
    let liar = Liar::answering(|talk, number| {
        talk.head()?;
        if number == 0 {
            talk.message(&page(&["a"], true, i64::MAX))?;
            return talk.end(0, "");
        }
        // More than a run may hold, and then the end of all patience.
        for number in 0..300_u64 {
            let kvs = vec![pair(&format!("b{number:020}"), 1 << 20)];
            let range_response = Some(PbRangeResponse { kvs, ..PbRangeResponse::default() });
            talk.message(&PbRangeStreamResponse { range_response })?;
        }
        thread::sleep(Duration::from_secs(30));
        Ok(())
    });
    let ended = ended(&liar.endpoint(), "get a --from-key");
    assert!(ended.stdout.len() > 300 << 20, "{}", ended.stdout.len());
    ended.assert(1, LATE, "no answer within 1s (--command-timeout)");
}

#[test]
fn answers_out_of_order_are_not_taken_for_a_range() {
    let out_of_order = "the server's answer is out of order, so it cannot be read on";
    let liar = Liar::answering(|talk, _| {
        talk.head()?;
        talk.message(&page(&["b", "a"], false, 2))?;
        talk.end(0, "")
    });
    ended(&liar.endpoint(), "get a --prefix").assert(1, out_of_order, "\"a\" comes too late");
    // The same page for ever.
    let liar = Liar::answering(|talk, number| {
        if number == 1 {
            // It has no streams.
            talk.head()?;
            return talk.end(12, "unknown method RangeStream for service etcdserverpb.KV");
        }
        talk.head()?;
        talk.message(&page(&["a", "b"], true, 1_000_000))?;
        talk.end(0, "")
    });
    ended(&liar.endpoint(), "get a --prefix").assert(1, out_of_order, "\"a\" comes too late");
    // Always more, and never a key.
    let liar = Liar::answering(|talk, _| {
        talk.head()?;
        talk.message(&page(&[], true, 1_000_000))?;
        talk.end(0, "")
    });
    let last = "the server says that there are more keys, and sends none";
    ended(&liar.endpoint(), "get a --prefix").assert(1, last, "");
}

#[test]
fn an_answer_without_an_end_is_no_answer() {
    // The stream ends with a message, and without a status.
    let liar = Liar::answering(|talk, _| {
        talk.head()?;
        talk.message(&page(&["a"], false, 1))?;
        talk.frame(DATA, 1, &[])
    });
    ended(&liar.endpoint(), "get a").assert(1, LATE, "the answer ended without a status");
    // A second answer to one question.
    let liar = Liar::answering(|talk, _| {
        talk.head()?;
        talk.message(&PbStatusResponse::default())?;
        talk.message(&PbStatusResponse::default())?;
        talk.end(0, "")
    });
    ended(&liar.endpoint(), "move-leader 1").assert(1, LATE, "a second message in a single answer");
}

#[test]
fn headers_without_end_are_bounded() {
    let liar = Liar::answering(|talk, _| {
        talk.frame(HEADERS, 0, &status(200))?;
        loop {
            talk.frame(CONTINUATION, 0, &literal("x-filler", &"x".repeat(1000)))?;
        }
    });
    ended(&liar.endpoint(), "get key").assert(1, LATE, "http://127.0.0.1:");
    // They end, after four megabytes.
    let liar = Liar::answering(|talk, _| {
        talk.frame(HEADERS, 0, &status(200))?;
        for _ in 0..4000 {
            talk.frame(CONTINUATION, 0, &literal("x-filler", &"x".repeat(1000)))?;
        }
        talk.frame(CONTINUATION, 4, &literal("content-type", "application/grpc"))
    });
    ended(&liar.endpoint(), "get key").assert(1, LATE, "http://127.0.0.1:");
}

#[test]
fn a_status_as_long_as_a_book_is_not_printed() {
    let liar = Liar::answering(|talk, _| {
        talk.head()?;
        talk.frame(HEADERS, 1, &literal("grpc-status", "3"))?;
        let book = literal("grpc-message", &"word ".repeat(200_000));
        let mut pieces = book.chunks(16_000).peekable();
        while let Some(piece) = pieces.next() {
            talk.frame(CONTINUATION, if pieces.peek().is_none() { 4 } else { 0 }, piece)?;
        }
        Ok(())
    });
    ended(&liar.endpoint(), "get key").assert(1, LATE, "http://127.0.0.1:");
}

#[test]
fn interim_answers_without_end_are_no_answer() {
    let liar = Liar::answering(|talk, _| {
        loop {
            talk.frame(HEADERS, 4, &status(103))?;
        }
    });
    ended(&liar.endpoint(), "get key").assert(1, LATE, "http://127.0.0.1:");
}

#[test]
fn floods_beside_the_answer_are_bounded() {
    for kind in [PING, SETTINGS] {
        let liar = Liar::answering(move |talk, _| {
            loop {
                talk.frame_of(0, kind, 0, if kind == PING { &[0; 8] } else { &[] })?;
            }
        });
        ended(&liar.endpoint(), "get key").assert(1, LATE, "http://127.0.0.1:");
    }
    // Empty pieces of an answer.
    let liar = Liar::answering(|talk, _| {
        talk.head()?;
        loop {
            talk.frame(DATA, 0, &[])?;
        }
    });
    ended(&liar.endpoint(), "get key").assert(1, LATE, "http://127.0.0.1:");
}

#[test]
fn an_answer_in_another_language_is_named() {
    let liar = Liar::answering(|talk, _| {
        let head = [status(200), literal("content-type", "text/html")].concat();
        talk.frame(HEADERS, 4, &head)?;
        talk.frame(DATA, 1, b"<html>")
    });
    ended(&liar.endpoint(), "get key").assert(1, LATE, "it answers HTTP status 200");
}

#[test]
fn a_snapshot_longer_than_announced_is_none() {
    let folder = tempfile::tempdir().expect("could not make a folder");
    let file = folder.path().join("snapshot.db");
    let liar = Liar::answering(|talk, _| {
        talk.head()?;
        loop {
            let blob = vec![7; 32 << 10];
            let piece = PbSnapshotResponse { remaining_bytes: 100, blob, ..Default::default() };
            talk.message(&piece)?;
        }
    });
    let run = ended(&liar.endpoint(), &format!("snapshot save {}", file.display()));
    let last = "could not write snapshot: the server sends more than the 32868 bytes it announced";
    run.assert(5, last, "");
    let left = std::fs::read_dir(folder.path()).expect("the folder is there").count();
    assert_eq!(left, 0, "it left something behind");
    // One that is shorter lacks its hash.
    let liar = Liar::answering(|talk, _| {
        talk.head()?;
        let blob = vec![7; 512];
        talk.message(&PbSnapshotResponse {
            remaining_bytes: u64::MAX,
            blob,
            ..Default::default()
        })?;
        talk.end(0, "")
    });
    let run = ended(&liar.endpoint(), &format!("snapshot save {}", file.display()));
    run.assert(5, "sha256 checksum not found [bytes: 512]", "");
}

#[test]
fn fragments_of_a_watch_without_end_are_not_gathered() {
    let liar = Liar::answering(|talk, _| {
        talk.head()?;
        talk.message(&PbWatchResponse {
            header: Some(header(1)),
            created: true,
            ..Default::default()
        })?;
        let kv = Some(pair("a", 100_000));
        let event = etcd_client::proto::PbEvent { kv, ..Default::default() };
        loop {
            let events = vec![event.clone()];
            talk.message(&PbWatchResponse { fragment: true, events, ..Default::default() })?;
        }
    });
    let limit = 10 << 20;
    let run = ended(
        &liar.endpoint(),
        &format!("watch a --max-recv-bytes {limit} --max-request-bytes 1000"),
    );
    let why = format!(" vs. {limit})");
    run.assert(5, "watch is canceled by the server", &why);
}

#[test]
fn numbers_at_their_limits_are_only_numbers() {
    let liar = Liar::answering(|talk, _| {
        talk.head()?;
        let header = Some(header(i64::MAX));
        talk.message(&PbWatchResponse { header, created: true, ..Default::default() })?;
        let kv = Some(PbKeyValue { mod_revision: i64::MAX, version: i64::MIN, ..pair("a", 1) });
        let events = vec![etcd_client::proto::PbEvent { kv, ..Default::default() }];
        talk.message(&PbWatchResponse { header, events, ..Default::default() })?;
        talk.message(&PbWatchResponse { canceled: true, compact_revision: 7, ..Default::default() })
    });
    let run = ended(&liar.endpoint(), "watch a");
    run.assert(5, "watch is canceled by the server", "the oldest there is 7");
    assert!(run.stdout.starts_with(b"PUT\na\nv\n"), "{}", run.stdout.escape_ascii());
    let liar = Liar::answering(|talk, _| {
        talk.head()?;
        talk.message(&PbStatusResponse {
            header: Some(header(i64::MIN)),
            version: "x".repeat(100),
            db_size: i64::MIN,
            leader: u64::MAX,
            raft_index: u64::MAX,
            raft_term: u64::MAX,
            raft_applied_index: u64::MAX,
            db_size_in_use: i64::MAX,
            ..Default::default()
        })?;
        talk.end(0, "")
    });
    for format in ["simple", "fields", "json", "table", "yaml", "jsonl"] {
        let run = ended(&liar.endpoint(), &format!("endpoint status -w {format}"));
        assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""), "{format}");
    }
}

#[test]
fn a_servers_words_move_nothing_on_a_persons_screen() {
    let liar = Liar::answering(|talk, _| {
        talk.head()?;
        talk.end(9, "%1b]0;owned%07%1b[2J%c2%9b1m bad words")
    });
    let endpoint = liar.endpoint();
    let run = || Run::ours(["--endpoints", &endpoint, "get", "key"]);
    // A pipe has them as they are, and so has the official client everywhere.
    let last = "rpc error: code = FailedPrecondition desc = \u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}1m bad words";
    run().outcome().assert_fails(1, last);
    let (mut master, slave) = terminal().expect("could not open a pseudo terminal");
    let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&slave, size).expect("could not give it a size");
    let mut command = run().env("TERM", "xterm").into_command();
    let mut child = command.stderr(slave).spawn().expect("could not run our program");
    // It holds a copy of the terminal.
    drop(command);
    let mut seen = Vec::new();
    // It hangs up when its last user is gone.
    let _ = master.read_to_end(&mut seen);
    child.wait().expect("could not wait for our program");
    let seen = String::from_utf8_lossy(&seen);
    let wanted = "desc = \\u{1b}]0;owned\\u{7}\\u{1b}[2J\\u{9b}1m bad words\r\n";
    assert!(seen.ends_with(wanted) && !seen.contains('\u{1b}'), "{}", seen.escape_debug());
}

/// A proxy that talks for ever when it is asked for a tunnel.
fn chatterbox() -> (Liar, SocketAddr) {
    let liar = Liar::on_every_connection(|mut stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
        loop {
            stream.write_all(b"x-filler: y\r\n")?;
        }
    });
    let address = liar.address();
    (liar, address)
}

#[test]
fn a_proxy_that_talks_for_ever_opens_no_tunnel() {
    let (_liar, address) = chatterbox();
    let flags =
        ["--endpoints", "http://etcd.test:2379", "--command-timeout=1s", "--dial-timeout=1s"];
    let run = Run::ours(flags.into_iter().chain(["get", "key"]));
    let run = ended_as(run.env("HTTPS_PROXY", format!("http://{address}")));
    run.assert(1, LATE, "its answer has no end");
}
