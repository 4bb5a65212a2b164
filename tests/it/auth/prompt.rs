//! The prompt for a password: on a terminal, which must not show what is typed, and on a pipe.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, tcgetattr};

use crate::auth::{agree_with, assert_discreet, guarded};
use crate::support::{Etcd, Run, on_path, reference_is_there, run, skipped, words};

/// The official client hides what is typed by that program.
fn possible() -> bool {
    if on_path("stty").is_none() {
        skipped("the official client's prompt: there is no stty");
    }
    on_path("stty").is_some() && reference_is_there()
}

/// A client on a terminal that a test types on, as a driver does.
struct Dialogue {
    child: Child,
    master: File,
    slave: File,
    seen: Vec<u8>,
}

const PATIENCE: Duration = Duration::from_secs(20);

impl Dialogue {
    fn start(etcd: &Etcd, client: fn(Vec<String>) -> Run, line: &str) -> Self {
        let (master, slave) = run::terminal().expect("a terminal");
        let endpoint = etcd.endpoint();
        let args = ["--endpoints", &endpoint].into_iter().chain(words(line));
        let copy = || Stdio::from(slave.try_clone().expect("could not share a terminal"));
        let mut command = client(args.map(str::to_owned).collect()).into_command();
        let child = command.stdin(copy()).stdout(copy()).stderr(copy()).spawn();
        let child = child.expect("could not run a client");
        Self { child, master, slave, seen: Vec::new() }
    }

    fn echoes(&self) -> bool {
        let modes = tcgetattr(&self.slave).expect("a terminal").local_modes;
        modes.contains(LocalModes::ECHO)
    }

    /// Reads until the prompt is there and the terminal shows nothing more.
    fn wait_for_prompt(&mut self) {
        let end = Instant::now() + PATIENCE;
        while !self.seen.ends_with(b"Password: ") {
            let mut byte = [0];
            self.master.read_exact(&mut byte).expect("it ended without a prompt");
            self.seen.extend(byte);
        }
        while self.echoes() {
            assert!(Instant::now() < end, "what is typed would be shown");
            std::thread::yield_now();
        }
    }

    fn type_in(&mut self, text: &[u8]) {
        self.master.write_all(text).expect("could not type");
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("could not signal a client");
    }

    /// The whole conversation, the status, and whether the terminal shows again what is typed.
    fn end(mut self) -> (String, Option<i32>, bool) {
        let end = Instant::now() + PATIENCE;
        let status = loop {
            match self.child.try_wait().expect("a child") {
                Some(status) => break status,
                None if Instant::now() > end => {
                    let _ = self.child.kill();
                    panic!("it hangs: {}", String::from_utf8_lossy(&self.seen));
                }
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        };
        let echoes = self.echoes();
        drop(self.slave);
        // A terminal that hung up is an end too.
        let _ = self.master.read_to_end(&mut self.seen);
        (String::from_utf8_lossy(&self.seen).into_owned(), status.code(), echoes)
    }
}

/// One line, typed at the prompt of both clients.
fn typed(etcd: &Etcd, line: &str, text: &[u8]) -> [(String, Option<i32>, bool); 2] {
    [Run::ours, Run::reference].map(|client: fn(Vec<String>) -> Run| {
        let mut dialogue = Dialogue::start(etcd, client, line);
        dialogue.wait_for_prompt();
        dialogue.type_in(text);
        dialogue.end()
    })
}

#[test]
fn a_password_is_asked_for_on_a_terminal_and_not_shown() {
    let Some(etcd) = possible().then(|| guarded("3.7", &[])).flatten() else { return };
    for (line, text, status) in [
        ("--user root get a", &b"the-root-secret\r"[..], 0),
        ("--user root get a", b"the-root-secret\n", 0),
        ("--user root get a -w json", b"the-root-secret\r", 0),
        ("get a --user root", b"  the-root-secret\t\r", 0),
        // Corrected while typing.
        ("--user root get a", b"the-root-secreX\x7ft\r", 0),
        ("--user root put a value", b"the-root-secret\r", 0),
        ("--user reader get a c", b"the-reader-secret\r", 0),
    ] {
        let [ours, theirs] = typed(&etcd, line, text);
        assert_eq!(ours, theirs, "{line}");
        assert_eq!((ours.1, ours.2), (Some(status), true), "{line}");
        assert!(ours.0.starts_with("Password: \r\n") && !ours.0.contains("secre"), "{ours:?}");
    }
    for (line, text, last, status) in [
        ("--user root get a", &b"wrong-secret\r"[..], "authentication failed", 2),
        ("--user root get a", b"\r", "user name is empty", 1),
        ("--user root get a", b"\x04", "user name is empty", 1),
        ("--user reader get other", b"the-reader-secret\r", "permission denied", 1),
    ] {
        let [ours, theirs] = typed(&etcd, line, text);
        for one in [&ours, &theirs] {
            assert!(one.1 == Some(status) && one.2, "{text:?}: {one:?}");
            assert!(one.0.starts_with("Password: \r\n") && one.0.contains(last), "{one:?}");
            assert!(!one.0.contains("secret"), "{one:?}");
        }
    }
}

#[test]
fn what_was_typed_before_the_prompt_is_read() {
    let Some(etcd) = possible().then(|| guarded("3.7", &[])).flatten() else { return };
    let mut dialogue = Dialogue::start(&etcd, Run::ours, "--user root get a");
    dialogue.type_in(b"the-root-secret\r");
    let (text, status, echoes) = dialogue.end();
    assert!(status == Some(0) && echoes && text.ends_with("a\r\nvalue\r\n"), "{text}");
}

#[test]
fn a_signal_at_the_prompt_gives_the_terminal_back_as_it_was() {
    let Some(etcd) = possible().then(|| guarded("3.7", &[])).flatten() else { return };
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        let ends = [Run::ours, Run::reference].map(|client: fn(Vec<String>) -> Run| {
            let mut dialogue = Dialogue::start(&etcd, client, "--user root get a");
            assert!(dialogue.echoes());
            dialogue.wait_for_prompt();
            dialogue.signal(signal);
            dialogue.end()
        });
        let [ours, theirs] = ends;
        assert_eq!((ours.1, ours.2), (Some(255), true), "{signal:?}: {ours:?}");
        assert_eq!((theirs.1, theirs.2), (Some(255), true), "{signal:?}: {theirs:?}");
        assert!(!ours.0.contains("Error:") && !theirs.0.contains("Error:"), "{ours:?}, {theirs:?}");
    }
}

#[test]
fn a_password_may_come_through_a_pipe() {
    let Some(etcd) = possible().then(|| guarded("3.7", &[])).flatten() else { return };
    for (line, stdin, status) in [
        ("--user root get a", &b"the-root-secret\n"[..], 0),
        ("--user root get a", b"the-root-secret", 0),
        ("--user root get a", b" the-root-secret \r\nmore\n", 0),
        ("--user root get a -w json", b"the-root-secret\nthe-root-secret\n", 0),
        ("--user root get a", b"\n", 1),
        ("--user root get a", b"", 1),
        ("--user root get a", b"\nthe-root-secret\n", 1),
        ("--user root get a", b"wrong-secret\n", 2),
        // The value is read first, to the end.
        ("--user root put b", b"the-root-secret\nvalue", 1),
        ("--user root put b value", b"the-root-secret\nmore", 0),
    ] {
        let outcome = agree_with(&etcd, &words(line), |run| run.stdin(stdin));
        assert!(outcome.status == status, "{outcome}");
        assert!(outcome.text().starts_with("Password: \n"), "{outcome}");
        assert_discreet(&outcome);
    }
}

#[test]
fn after_the_prompt_a_signal_ends_us_again() {
    let Some(etcd) = reference_is_there().then(|| guarded("3.7", &[])).flatten() else { return };
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        let line = "--user root get a --command-timeout 20s --dial-timeout 20s";
        let mut dialogue = Dialogue::start(&etcd, Run::ours, line);
        dialogue.wait_for_prompt();
        etcd.freeze();
        dialogue.type_in(b"the-root-secret\r");
        let end = Instant::now() + PATIENCE;
        while !dialogue.echoes() {
            assert!(Instant::now() < end, "the password is not taken");
        }
        // The line's end is printed just before the server is asked.
        let mut line_end = [0; 2];
        dialogue.master.read_exact(&mut line_end).expect("an end of the line");
        dialogue.signal(signal);
        let (text, status, echoes) = dialogue.end();
        etcd.thaw();
        assert!(status.is_none() && echoes, "{signal:?}: {status:?} {text}");
    }
}
