//! A hermetic run of a client: an empty environment, a folder of its own, a deadline; through pipes or
//! on a bare pseudo terminal, as programs that drive `etcdctl` do.
//!
//! `OURS` names another program to test in ours' place. Named the official client itself, it tests the
//! tests: everything agrees but what differs on purpose.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::io::ioctl_fionread;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tempfile::TempDir;

use super::{escaped, reference_client};

const DEADLINE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(1);
/// What ends the input on a terminal.
const END_OF_INPUT: u8 = 4;

/// A client about to run.
pub struct Run {
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    stdin: Vec<u8>,
    folder: Option<PathBuf>,
    deadline: Duration,
    stdout: Option<Stdio>,
    stderr: Option<Stdio>,
    name: Option<OsString>,
}

/// What a run left. On a terminal both streams are one, `stdout`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// The exit status; 128 and the signal's number after a signal, as a shell says it.
    pub status: i32,
    terminal: bool,
    command: String,
}

impl Run {
    /// Our program.
    pub fn ours<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Self {
        match std::env::var_os("OURS") {
            Some(other) => Self::program(Path::new(&other), args),
            None => Self::program(Path::new(env!("CARGO_BIN_EXE_etcdctl")), args)
                .env("ETCDCTL_DISCOVERY", "off"),
        }
    }

    /// The official client. Only where [`super::reference_is_there`].
    pub fn reference<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Self {
        Self::program(reference_client().expect("no reference client (make reference)"), args)
    }

    /// Our program, started by the name of the utility for files.
    pub fn ours_util<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Self {
        static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
            let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
            let link = folder.join("etcdutl");
            let ours = Run::ours([] as [&str; 0]).program;
            // Another test program may be making it: a rename puts it there whole.
            let beside = folder.join(format!("etcdutl.{}", std::process::id()));
            let _ = std::fs::remove_file(&beside);
            std::os::unix::fs::symlink(ours, &beside).expect("could not make a link");
            std::fs::rename(&beside, &link).expect("could not rename a link");
            link
        });
        Self::program(&PROGRAM, args)
    }

    /// The official utility for files. Only where [`super::reference_util`].
    pub fn reference_util<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Self {
        Self::program(
            &super::reference_util().expect("no reference utility (make reference)"),
            args,
        )
    }

    /// A shell script in which `$etcdctl` is our program.
    pub fn ours_in_shell(script: &str) -> Self {
        let ours = Self::ours([] as [&str; 0]);
        let program = ours.program.clone();
        Self { program: "/bin/sh".into(), args: vec!["-c".into(), script.into()], ..ours }
            .env("etcdctl", program)
    }

    /// A shell script in which `$etcdctl` is the official client.
    pub fn reference_in_shell(script: &str) -> Self {
        let official = Self::reference([] as [&str; 0]);
        let program = official.program.clone();
        Self { program: "/bin/sh".into(), args: vec!["-c".into(), script.into()], ..official }
            .env("etcdctl", program)
    }

    fn program<A: AsRef<OsStr>>(program: &Path, args: impl IntoIterator<Item = A>) -> Self {
        Self {
            program: program.into(),
            args: args.into_iter().map(|arg| arg.as_ref().to_owned()).collect(),
            env: Vec::new(),
            stdin: Vec::new(),
            folder: None,
            deadline: DEADLINE,
            stdout: None,
            stderr: None,
            name: None,
        }
    }

    /// Under another name, which the program may go by.
    #[must_use]
    pub fn called(mut self, name: &str) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Adds a variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// What is on stdin, or is typed; then it ends.
    #[must_use]
    pub fn stdin(mut self, bytes: &[u8]) -> Self {
        self.stdin = bytes.to_vec();
        self
    }

    /// Runs in a folder of the test's; else in an empty one that is removed afterwards.
    #[must_use]
    pub fn inside(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// When a client counts as hanging and is killed.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sends stdout elsewhere; the outcome has none of it.
    #[must_use]
    pub fn stdout_to(mut self, stdout: impl Into<Stdio>) -> Self {
        self.stdout = Some(stdout.into());
        self
    }

    /// Sends stderr elsewhere; the outcome has none of it.
    #[must_use]
    pub fn stderr_to(mut self, stderr: impl Into<Stdio>) -> Self {
        self.stderr = Some(stderr.into());
        self
    }

    /// Runs through pipes.
    #[track_caller]
    pub fn outcome(mut self) -> Outcome {
        let (mut command, _folder, description) = self.command();
        command.stdin(if self.stdin.is_empty() { Stdio::null() } else { Stdio::piped() });
        command.stdout(self.stdout.take().unwrap_or_else(Stdio::piped));
        command.stderr(self.stderr.take().unwrap_or_else(Stdio::piped));
        let mut child =
            command.spawn().unwrap_or_else(|err| panic!("could not run {description}: {err}"));
        drop(command);
        let writer = child.stdin.take().map(|mut stdin| {
            let bytes = std::mem::take(&mut self.stdin);
            // A client that does not read its input is no failure of the test.
            thread::spawn(move || drop(stdin.write_all(&bytes)))
        });
        let stdout = child.stdout.take().map(all_of);
        let stderr = child.stderr.take().map(all_of);
        let ended = ended_within(&mut child, self.deadline);
        let gathered = |reader: Option<JoinHandle<Vec<u8>>>| {
            reader.map_or_else(Vec::new, |reader| reader.join().expect("a reader failed"))
        };
        let (stdout, stderr) = (gathered(stdout), gathered(stderr));
        if let Some(writer) = writer {
            writer.join().expect("the writer to stdin failed");
        }
        let outcome = Outcome { stdout, stderr, status: -1, terminal: false, command: description };
        outcome.ended(ended, self.deadline)
    }

    /// Likewise on one of a person: it has a size and a name.
    #[track_caller]
    pub fn on_persons_terminal(self) -> Outcome {
        self.env("TERM", "xterm").on_terminal_of(80)
    }

    /// Runs on a pseudo terminal without a size, which is stdin, stdout and stderr at once. What is on
    /// stdin is typed before the client starts, and echoed by the terminal.
    #[track_caller]
    pub fn on_terminal(self) -> Outcome {
        self.on_terminal_of(0)
    }

    #[track_caller]
    fn on_terminal_of(self, columns: u16) -> Outcome {
        let (mut command, _folder, description) = self.command();
        let (mut master, slave) = terminal().expect("could not open a pseudo terminal");
        let size = Winsize { ws_col: columns, ws_row: columns / 4, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&slave, size).expect("could not size a terminal");
        if !self.stdin.is_empty() {
            master.write_all(&self.stdin).expect("could not type");
            master.write_all(&[END_OF_INPUT]).expect("could not type");
            // The terminal echoes in its own time; the client's first word comes after that.
            let ends = self.stdin.split(|byte| *byte == END_OF_INPUT).count() - 1;
            let (echo, end) = ((self.stdin.len() - ends).min(2000), Instant::now() + DEADLINE);
            let echoed = || ioctl_fionread(&master).is_ok_and(|there| there >= echo as u64);
            while !echoed() && Instant::now() < end {
                sleep(POLL);
            }
        }
        let copy = || slave.try_clone().expect("could not share a terminal");
        command.stdin(copy()).stdout(copy()).stderr(slave.try_clone().expect("likewise"));
        let mut child =
            command.spawn().unwrap_or_else(|err| panic!("could not run {description}: {err}"));
        // The terminal hangs up when its last user is gone, and those are copies of ours.
        drop((command, slave));
        let reader = all_of(master);
        let ended = ended_within(&mut child, self.deadline);
        let stdout = reader.join().expect("the terminal's reader failed");
        let outcome =
            Outcome { stdout, stderr: vec![], status: -1, terminal: true, command: description };
        outcome.ended(ended, self.deadline)
    }

    /// Starts it through pipes without waiting; the caller ends it.
    pub fn start(mut self) -> Running {
        let (mut command, folder, description) = self.command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(stdout) = self.stdout.take() {
            command.stdout(stdout);
        }
        let child =
            command.spawn().unwrap_or_else(|err| panic!("could not run {description}: {err}"));
        Running { child, _folder: folder }
    }

    /// The process as it would start, in the present folder: for tests that hold its streams themselves.
    pub fn into_command(self) -> Command {
        self.inside(Path::new(".")).command().0
    }

    fn command(&self) -> (Command, Option<TempDir>, String) {
        let temporary = self
            .folder
            .is_none()
            .then(|| TempDir::new().expect("could not make a folder for a run"));
        let folder = match (&self.folder, &temporary) {
            (Some(folder), _) => folder.as_path(),
            (None, Some(temporary)) => temporary.path(),
            (None, None) => unreachable!("one of both is made above"),
        };
        let mut command = Command::new(&self.program);
        if let Some(name) = &self.name {
            std::os::unix::process::CommandExt::arg0(&mut command, name);
        }
        command.args(&self.args).current_dir(folder).env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        let description = format!(
            "{} {:?}\n  in {}, with {:?}",
            self.program.display(),
            self.args,
            folder.display(),
            self.env
        );
        (command, temporary, description)
    }
}

/// A client that runs until its test ends it.
pub struct Running {
    pub child: Child,
    _folder: Option<TempDir>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Outcome {
    #[track_caller]
    fn ended(mut self, status: Option<ExitStatus>, deadline: Duration) -> Self {
        let Some(status) = status else {
            panic!("it hung and was killed after {deadline:?}\n{self}");
        };
        let after_signal = || 128 + status.signal().unwrap_or_default();
        self.status = status.code().unwrap_or_else(after_signal);
        self
    }

    /// The last line that begins with `Error: `: what scripts match.
    pub fn last_error(&self) -> Option<&[u8]> {
        let stream = if self.terminal { &self.stdout } else { &self.stderr };
        stream
            .split(|byte| *byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
            .rfind(|line| line.starts_with(b"Error: "))
    }

    /// Stdout as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Stderr as text.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// What stderr says beside the official client's log.
    fn news(&self) -> Vec<u8> {
        let lines = self.stderr.split_inclusive(|byte| *byte == b'\n');
        let is_log = |line: &[u8]| {
            // As a server writes it, or as the utility for files does.
            line.starts_with(br#"{"level":"#)
                || [&b"\tinfo\t"[..], b"\twarn\t"]
                    .iter()
                    .any(|level| line.windows(level.len()).any(|window| window == *level))
        };
        lines.filter(|line| !is_log(line)).flatten().copied().collect()
    }

    /// The contract. Success: the same stdout, the same status, nothing on stderr that is not there
    /// too. Failure: the same stdout, status and last `Error:` line; what is above it is ours. A
    /// terminal shows both streams as one, so there a failure's other lines are not compared.
    #[track_caller]
    pub fn assert_same_answer(&self, official: &Self, place: &str) {
        let success = official.status == 0;
        let differs = [
            (self.status != official.status, "the status"),
            (self.last_error() != official.last_error(), "the last Error: line"),
            ((success || !self.terminal) && self.stdout != official.stdout, "stdout"),
            (
                success && !self.news().is_empty() && self.news() != official.news(),
                "stderr of a success",
            ),
        ];
        let differs: Vec<&str> =
            differs.into_iter().filter(|(differs, _)| *differs).map(|(_, what)| what).collect();
        assert!(
            differs.is_empty(),
            "{place}: other than the official client: {}{}\n\nours: {self}\ntheirs: {official}",
            differs.join(", "),
            first_difference(&self.stdout, &official.stdout)
        );
    }

    /// The same with every duration in stdout alike, and tables as wide as if they held none.
    #[must_use]
    pub fn without_times(mut self) -> Self {
        let text = without_times(&String::from_utf8_lossy(&self.stdout));
        self.stdout = text.into_bytes();
        self
    }

    /// A success that prints exactly this.
    #[track_caller]
    pub fn assert_prints(&self, stdout: &str) {
        assert!(
            self.status == 0 && self.stdout == stdout.as_bytes() && self.stderr.is_empty(),
            "wanted {stdout:?}, silence on stderr, status 0\n{self}"
        );
    }

    /// A failure with this status and this last `Error:` line.
    #[track_caller]
    pub fn assert_fails(&self, status: i32, error: &str) {
        let error = format!("Error: {error}");
        assert!(
            self.status == status && self.last_error() == Some(error.as_bytes()),
            "wanted status {status} and the last line {error:?}\n{self}"
        );
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.command)?;
        let place = if self.terminal { ", on a terminal" } else { "" };
        writeln!(f, "  status {}{place}", self.status)?;
        write!(f, "  stdout:\n{}  stderr:\n{}", escaped(&self.stdout), escaped(&self.stderr))
    }
}

/// Go's durations as `TIME`; runs of blanks and of lines drawn, which follow their width, as one.
fn without_times(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let unit = ["ns", "µs", "ms", "s"].into_iter().find(|unit| {
            rest[number..]
                .strip_prefix(unit)
                .is_some_and(|after| !after.starts_with(char::is_alphabetic))
        });
        let begins = !out.ends_with(|c: char| c.is_alphanumeric() || c == '.');
        match unit {
            Some(unit) if number > 0 && begins && next.is_ascii_digit() => {
                out.push_str("TIME");
                rest = &rest[number + unit.len()..];
            }
            _ => {
                let again = matches!(next, ' ' | '─') && out.ends_with(next);
                if !again {
                    out.push(next);
                }
                rest = &rest[next.len_utf8()..];
            }
        }
    }
    out
}

/// Where two outputs part, and what each says there.
fn first_difference(ours: &[u8], theirs: &[u8]) -> String {
    if ours == theirs {
        return String::new();
    }
    let at = ours.iter().zip(theirs).take_while(|(one, other)| one == other).count();
    let around = |bytes: &[u8]| {
        bytes[at.saturating_sub(40)..bytes.len().min(at + 60)].escape_ascii().to_string()
    };
    format!(
        "\nstdout parts at byte {at}:\n  ours:   {}\n  theirs: {}",
        around(ours),
        around(theirs)
    )
}

/// Runs both at once: most of a comparison's time is the official client's.
pub fn both<T: Send>(ours: impl FnOnce() -> T + Send, theirs: impl FnOnce() -> T) -> (T, T) {
    thread::scope(|scope| {
        let ours = scope.spawn(ours);
        let theirs = theirs();
        match ours.join() {
            Ok(ours) => (ours, theirs),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Reads to the end, in a thread. A terminal that hung up is an end too.
fn all_of(mut stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        bytes
    })
}

/// The child's status; None when it had to be killed.
fn ended_within(child: &mut Child, deadline: Duration) -> Option<ExitStatus> {
    let end = Instant::now() + deadline;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < end => sleep(POLL),
            Ok(None) | Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}

/// Both ends of a new pseudo terminal, of the size 0 × 0 that it is born with.
pub fn terminal() -> io::Result<(File, File)> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = ptsname(&master, Vec::new())?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let slave = rustix::fs::open(name, flags, Mode::empty())?;
    Ok((master.into(), slave.into()))
}

#[test]
fn a_run_is_hermetic_and_says_how_it_ended() {
    let shell = |script: &str| Run {
        program: "/bin/sh".into(),
        args: vec!["-c".into(), script.into()],
        ..Run::program(Path::new("sh"), [] as [&str; 0])
    };
    let variables = shell("env | sed 's/=.*//' | sort").outcome().text();
    assert!(variables.lines().all(|name| ["PATH", "PWD", "OLDPWD", "SHLVL", "_"].contains(&name)));
    assert_eq!(shell("exit 7").outcome().status, 7);
    assert_eq!(shell("kill -9 $$").outcome().status, 137);
    assert_eq!(shell("cat").stdin(b"typed").outcome().text(), "typed");
    let failed = shell("echo Error: one >&2; echo Error: two >&2; echo usage >&2").outcome();
    assert_eq!(failed.last_error(), Some(&b"Error: two"[..]));
    let on_terminal = shell("test -t 0 && test -t 1 && test -t 2 && stty size").on_terminal();
    assert_eq!((on_terminal.text().as_str(), on_terminal.status), ("0 0\r\n", 0));
    let typed = shell("cat >/dev/null; echo read").stdin(b"line\n").on_terminal();
    assert!(typed.text().ends_with("read\r\n"), "{typed}");
}

#[test]
fn times_are_left_out_and_nothing_else() {
    for (text, expected) in [
        ("took = 4.431198ms\n", "took = TIME\n"),
        ("member[127.0.0.1:9]. took 1.002s. (why)", "member[127.0.0.1:9]. took TIME. (why)"),
        ("\"took\":\"5.7µs\",\"n\":5", "\"took\":\"TIME\",\"n\":5"),
        ("┌─────┐\n│   1s │", "┌─┐\n│ TIME │"),
        ("3.7.1, 20 kB, 5 seconds", "3.7.1, 20 kB, 5 seconds"),
    ] {
        assert_eq!(without_times(text), expected);
    }
}

#[test]
#[should_panic(expected = "it hung and was killed")]
fn a_hanging_client_is_killed_and_reported() {
    let run = Run::program(Path::new("/bin/sleep"), ["60"]);
    run.deadline(Duration::from_millis(50)).outcome();
}
