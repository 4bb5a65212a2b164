//! Programs that are run for the user: after an event, or while a lock is held.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};

use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::go::tokens::tokens;
use crate::secret;

/// Why a program did not end well, in the words of Go's `os/exec`.
#[derive(Debug, PartialEq, Eq)]
pub struct Failed {
    pub words: String,
    /// Its own exit status; -1 where a signal ended it; none where it never began.
    pub status: Option<i32>,
}

/// Runs a program with the variables given besides those that are there, and waits for its end.
/// It reads nothing, and writes where we write.
pub async fn run(words: &[OsString], vars: Vec<(OsString, OsString)>) -> Result<(), Failed> {
    let failed = |words: String| Failed { words, status: None };
    let Some((program, args)) = words.split_first().filter(|(program, _)| !program.is_empty())
    else {
        return Err(failed("exec: no command".to_owned()));
    };
    let mut command = Command::new(program);
    command.args(args).envs(vars).stdin(Stdio::null());
    let mut child = command.spawn().map_err(|err| failed(unstarted(program, &err)))?;
    let ended = tokio::task::spawn_blocking(move || child.wait()).await;
    match ended.map_err(io::Error::other).flatten() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failed { words: how(status), status: Some(status.code().unwrap_or(-1)) }),
        Err(err) => Err(failed(err.to_string())),
    }
}

/// The first words of a line, for a program and its arguments: as a shell cuts them, without anything else
/// that a shell does.
///
/// # Errors
/// Quotes that do not close, or no word at all.
pub fn words(line: &str) -> Result<Vec<OsString>> {
    let words = tokens(line.as_bytes()).ok().filter(|words| !words.is_empty());
    let words = words.ok_or_else(|| Error::bad_args("the password command has no words"))?;
    Ok(words.into_iter().map(OsString::from_vec).collect())
}

/// Runs a program, which writes errors where we write them, and gives what it prints, which may be a password.
///
/// # Errors
/// It could not be run, or did not end well.
pub async fn printed(words: &[OsString]) -> Result<Zeroizing<Vec<u8>>, Failed> {
    let failed = |words: String| Failed { words, status: None };
    let Some((program, args)) = words.split_first() else {
        return Err(failed("exec: no command".to_owned()));
    };
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stderr(Stdio::inherit()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|err| failed(unstarted(program, &err)))?;
    let ended = tokio::task::spawn_blocking(move || {
        let printed = child.stdout.take().map(|mut stdout| secret::all(&mut stdout)).transpose();
        let status = child.wait()?;
        Ok((status, printed?.unwrap_or_default()))
    });
    match ended.await.map_err(io::Error::other).flatten() {
        Ok((status, printed)) if status.success() => Ok(printed),
        Ok((status, _)) => Err(Failed { words: how(status), status: status.code() }),
        Err(err) => Err(failed(err.to_string())),
    }
}

fn unstarted(program: &OsString, err: &io::Error) -> String {
    let name = program.to_string_lossy();
    let searched = !program.as_bytes().contains(&b'/');
    match err.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied if searched => {
            format!("exec: {name:?}: executable file not found in $PATH")
        }
        _ => {
            let text = err.to_string();
            let words = text.split_once(" (os error").map_or(text.as_str(), |(words, _)| words);
            format!("fork/exec {name}: {}", words.to_lowercase())
        }
    }
}

fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => {
            let core = if status.core_dumped() { " (core dumped)" } else { "" };
            format!("signal: {}{core}", signal_name(signal))
        }
        (None, None) => "ended".to_owned(),
    }
}

/// Go's names of Linux's signals (`syscall/zerrors_linux_amd64.go`).
fn signal_name(signal: i32) -> String {
    const NAMES: [&str; 31] = [
        "hangup",
        "interrupt",
        "quit",
        "illegal instruction",
        "trace/breakpoint trap",
        "aborted",
        "bus error",
        "floating point exception",
        "killed",
        "user defined signal 1",
        "segmentation fault",
        "user defined signal 2",
        "broken pipe",
        "alarm clock",
        "terminated",
        "stack fault",
        "signal 17",
        "continued",
        "stopped (signal)",
        "stopped",
        "stopped (tty input)",
        "stopped (tty output)",
        "urgent I/O condition",
        "CPU time limit exceeded",
        "file size limit exceeded",
        "virtual timer expired",
        "profiling timer expired",
        "window changed",
        "I/O possible",
        "power failure",
        "bad system call",
    ];
    let name = usize::try_from(signal - 1).ok().and_then(|at| NAMES.get(at));
    name.map_or_else(|| format!("signal {signal}"), |&name| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(words: &[&str]) -> Result<(), (String, Option<i32>)> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let outcome = runtime.block_on(run(&words, vec![("X".into(), "3".into())]));
        outcome.map_err(|failed| (failed.words, failed.status))
    }

    #[test]
    fn a_child_that_fails_says_how_as_go_does() {
        let failed = |words: &str, status| Err((words.to_owned(), status));
        assert_eq!(ran(&["true"]), Ok(()));
        assert_eq!(ran(&["sh", "-c", "exit $X"]), failed("exit status 3", Some(3)));
        assert_eq!(ran(&["sh", "-c", "kill -9 $$"]), failed("signal: killed", Some(-1)));
        assert_eq!(ran(&["sh", "-c", "kill -TERM $$"]), failed("signal: terminated", Some(-1)));
        assert_eq!(ran(&[]), failed("exec: no command", None));
        assert_eq!(ran(&[""]), failed("exec: no command", None));
        assert_eq!(
            ran(&["no-such-program"]),
            failed("exec: \"no-such-program\": executable file not found in $PATH", None)
        );
        assert_eq!(
            ran(&["/no/such/program"]),
            failed("fork/exec /no/such/program: no such file or directory", None)
        );
    }
}
