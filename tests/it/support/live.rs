//! A client that lives on while its test types, waits for what it prints, and sends it signals.

use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use std::os::unix::process::ExitStatusExt;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use super::run::{Run, terminal};
use super::{Etcd, words};

/// How long anything may take that must happen.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(2);

/// A client at work.
pub struct Live {
    child: Child,
    keyboard: Option<Box<dyn Write + Send>>,
    stdout: Arc<Mutex<Vec<u8>>>,
    stderr: Arc<Mutex<Vec<u8>>>,
    readers: Vec<JoinHandle<()>>,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    pub stdout: String,
    pub stderr: String,
    /// 128 and the signal's number after a signal.
    pub status: i32,
}

/// A command line in one piece of text, for a server.
pub fn line(etcd: &Etcd, text: &str) -> Vec<String> {
    let endpoint = etcd.endpoint();
    ["--endpoints", &endpoint].into_iter().chain(words(text)).map(str::to_owned).collect()
}

impl Live {
    /// Through pipes.
    pub fn start(run: Run) -> Self {
        let mut command = run.into_command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("could not run a client");
        let keyboard = child.stdin.take().map(|stdin| Box::new(stdin) as Box<dyn Write + Send>);
        let (stdout, stderr) = (Arc::default(), Arc::default());
        let readers = vec![
            collect(child.stdout.take().expect("stdout is a pipe"), &stdout),
            collect(child.stderr.take().expect("stderr is a pipe"), &stderr),
        ];
        Self { child, keyboard, stdout, stderr, readers }
    }

    /// On a bare pseudo terminal, where both streams are one.
    pub fn on_terminal(run: Run) -> Self {
        let (master, slave) = terminal().expect("a terminal");
        let copy = || Stdio::from(slave.try_clone().expect("could not share a terminal"));
        let child = run.into_command().stdin(copy()).stdout(copy()).stderr(copy()).spawn();
        let child = child.expect("could not run a client");
        let keyboard = master.try_clone().expect("could not share a terminal");
        let (stdout, stderr) = (Arc::default(), Arc::default());
        let readers = vec![collect(master, &stdout)];
        Self { child, keyboard: Some(Box::new(keyboard)), stdout, stderr, readers }
    }

    /// What it has printed so far.
    pub fn stdout(&self) -> String {
        text(&self.stdout)
    }

    pub fn stderr(&self) -> String {
        text(&self.stderr)
    }

    /// Waits until its standard output is as wanted.
    #[track_caller]
    pub fn wait_until(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let stdout = self.stdout();
            if wanted(&stdout) {
                return stdout;
            }
            assert!(Instant::now() < end, "it never came\n{stdout}\n{}", self.stderr());
            sleep(POLL);
        }
    }

    /// Waits for so many lines.
    #[track_caller]
    pub fn wait_for_lines(&mut self, lines: usize) -> String {
        self.wait_until(|stdout| stdout.lines().count() >= lines && stdout.ends_with('\n'))
    }

    /// Waits until its standard error holds a text.
    #[track_caller]
    pub fn wait_for_error(&mut self, text: &str) {
        let end = Instant::now() + PATIENCE;
        while !self.stderr().contains(text) {
            assert!(Instant::now() < end, "{text:?} never came\n{}", self.stderr());
            sleep(POLL);
        }
    }

    pub fn type_in(&mut self, text: &str) {
        let keyboard = self.keyboard.as_mut().expect("its input has ended");
        keyboard.write_all(text.as_bytes()).expect("could not type");
        keyboard.flush().expect("could not type");
    }

    /// Types on a terminal while the client stands still: the terminal shows what is typed in its own
    /// time, and so in one piece, before the client answers the first line. Both ends of line are one there.
    #[track_caller]
    pub fn type_unanswered(&mut self, typed: &str) {
        self.signal(Signal::STOP);
        let pid = Pid::from_child(&self.child);
        waitpid(Some(pid), WaitOptions::UNTRACED).expect("could not wait for a client to stop");
        let ends = |text: &str| text.matches('\n').count();
        let shown = ends(&self.stdout()) + typed.matches(['\r', '\n']).count();
        let last = typed.rsplit(['\r', '\n']).next().unwrap_or_default().to_owned();
        self.type_in(typed);
        self.wait_until(|stdout| ends(stdout) >= shown && stdout.ends_with(&last));
        self.signal(Signal::CONT);
    }

    pub fn end_input(&mut self) {
        self.keyboard = None;
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("could not signal a client");
    }

    /// Whether it is still there.
    pub fn lives(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end.
    #[track_caller]
    pub fn end(mut self) -> End {
        let end = Instant::now() + PATIENCE;
        let status = loop {
            match self.child.try_wait().expect("a child") {
                Some(status) => break status,
                None if Instant::now() > end => {
                    panic!("it hangs\n{}\n{}", self.stdout(), self.stderr())
                }
                None => sleep(POLL),
            }
        };
        self.keyboard = None;
        for reader in self.readers.drain(..) {
            reader.join().expect("a reader");
        }
        let status = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
        End { stdout: self.stdout(), stderr: self.stderr(), status }
    }

    /// Ends it with a signal.
    #[track_caller]
    pub fn end_with(self, signal: Signal) -> End {
        self.signal(signal);
        self.end()
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl End {
    /// The last line that begins with `Error: `.
    pub fn last_error(&self) -> Option<&str> {
        let mut all = self.stderr.lines().chain(self.stdout.lines());
        all.rfind(|line| line.starts_with("Error: ")).map(str::trim_end)
    }
}

fn text(bytes: &Mutex<Vec<u8>>) -> String {
    let bytes = bytes.lock().expect("a reader failed");
    String::from_utf8_lossy(&bytes).into_owned()
}

fn collect(mut stream: impl Read + Send + 'static, seen: &Arc<Mutex<Vec<u8>>>) -> JoinHandle<()> {
    let seen = Arc::clone(seen);
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        // A terminal that hung up is an end too.
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            seen.lock().expect("a test failed").extend_from_slice(&buffer[..count]);
        }
    })
}
