//! The completion scripts in their shells: ours, and those of the official client that are installed.
//!
//! bash and zsh are typed to on a pseudo terminal, as nothing less shows what readline and zle make of
//! the answers; fish says itself what it would offer.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::run::terminal;
use crate::support::{Etcd, Run, on_path, project, reference_client, skipped};

/// Keys that a shell would take apart if they were not quoted.
const KEYS: [&str; 8] = [
    "plain",
    "/a/blank key",
    "/a/it's",
    "/a/do$HOME",
    "/b/$(touch PWNED)",
    "/col:on/x",
    "/eq=1/v",
    "/solo/one/two",
];

/// What is typed, a tab, and the arguments that the program would get.
const TYPED: [(&str, &[&str]); 17] = [
    ("get pla", &["get", "plain"]),
    ("get /a/bl", &["get", "/a/blank key"]),
    ("get \"/a/bl", &["get", "/a/blank key"]),
    ("get '/a/bl", &["get", "/a/blank key"]),
    ("get /a/blank\\ k", &["get", "/a/blank key"]),
    ("get /a/it", &["get", "/a/it's"]),
    ("get '/a/it", &["get", "/a/it's"]),
    ("get /a/do", &["get", "/a/do$HOME"]),
    ("get \"/a/do", &["get", "/a/do$HOME"]),
    ("get /b/", &["get", "/b/$(touch PWNED)"]),
    ("get /col:o", &["get", "/col:on/x"]),
    ("get /eq=", &["get", "/eq=1/v"]),
    ("get /sol", &["get", "/solo/one/two"]),
    ("get x --consis", &["get", "x", "--consistency"]),
    ("get x --write-out=ya", &["get", "x", "--write-out=yaml"]),
    ("--cacert=/etc/passw", &["--cacert=/etc/passwd"]),
    ("--cacert /etc/passw", &["--cacert", "/etc/passwd"]),
];

/// What the official client's scripts can complete with us.
const TYPED_OFFICIAL: [(&str, &[&str]); 5] = [
    ("get pla", &["get", "plain"]),
    ("get /sol", &["get", "/solo/one/two"]),
    ("get x --consis", &["get", "x", "--consistency"]),
    ("get x -w ta", &["get", "x", "-w", "table"]),
    ("get x --write-out=ta", &["get", "x", "--write-out=table"]),
];

#[test]
fn bash_inserts_what_the_program_offers_quoted() {
    let etcd = scene();
    if let Some(mut shell) = Shell::bash(&etcd, &ours("bash")) {
        shell.assert_all(&TYPED);
    }
}

#[test]
fn zsh_inserts_what_the_program_offers_quoted() {
    let etcd = scene();
    if let Some(mut shell) = Shell::zsh(&etcd, &ours("zsh")) {
        shell.assert_all(&TYPED);
    }
}

#[test]
fn the_official_zsh_script_gets_on_with_us() {
    let Some(script) = official("zsh") else { return };
    let etcd = scene();
    if let Some(mut shell) = Shell::zsh(&etcd, &script) {
        shell.assert_all(&TYPED_OFFICIAL);
    }
}

#[test]
fn fish_offers_what_the_program_offers() {
    let etcd = scene();
    for (line, offered) in [
        ("get pla", "plain"),
        ("get /a/bl", "/a/blank key"),
        ("get /a/blank\\ k", "/a/blank key"),
        ("get '/a/it", "/a/it's"),
        ("get /b/", "/b/$(touch PWNED)"),
        ("get /eq=", "/eq=1/v"),
        ("get x --keys", "--keys-only\tLeave the values out"),
        ("get x --write-out=ya", "--write-out=yaml"),
        ("--cacert=/etc/passw", "--cacert=/etc/passwd"),
    ] {
        let Some(found) = fish(&etcd, &ours("fish"), line) else { return };
        assert!(found.lines().any(|candidate| candidate == offered), "{line}: {found}");
    }
}

#[test]
fn the_official_fish_script_gets_on_with_us() {
    let Some(script) = official("fish") else { return };
    let etcd = scene();
    for (line, offered) in [
        ("get pla", "plain"),
        ("get x -w ta", "table"),
        ("get x --write-out=ta", "--write-out=table"),
    ] {
        let Some(found) = fish(&etcd, &script, line) else { return };
        assert!(found.lines().any(|candidate| candidate == offered), "{line}: {found}");
    }
}

/// It asks us only for the values of some flags; all else it knows itself.
#[test]
fn the_official_bash_script_gets_on_with_us() {
    let Some(script) = official("bash") else { return };
    // Of the package bash-completion, which need not be here.
    let words = "\n_get_comp_words_by_ref() { cur=${COMP_WORDS[COMP_CWORD]}; \
        prev=${COMP_WORDS[COMP_CWORD-1]}; words=(\"${COMP_WORDS[@]}\"); cword=$COMP_CWORD; }\n";
    let text = std::fs::read_to_string(&script).expect("it was just written");
    std::fs::write(&script, text + words).expect("could not keep the official script");
    let etcd = scene();
    if let Some(mut shell) = Shell::bash(&etcd, &script) {
        shell.assert_all(&[
            ("get x --sort-by M", &["get", "x", "--sort-by", "MODIFY"]),
            ("get x --order D", &["get", "x", "--order", "DESCEND"]),
            ("get x --consis", &["get", "x", "--consistency"]),
        ]);
    }
}

#[test]
fn the_bash_script_can_be_sourced_anywhere() {
    for call in ["source \"$0\"", "set -eu; source \"$0\"", "set -o posix; source \"$0\""] {
        let script = ours("bash");
        let args = ["-c", call, script.to_str().expect("a path of ours is text")];
        let Some(found) = said("bash", &args, "127.0.0.1:1") else { return };
        assert_eq!(found, "", "{call}");
    }
}

#[test]
fn scripts_are_free_of_syntax_errors() {
    for (shell, option) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let script = ours(shell);
        let args = [option, script.to_str().expect("a path of ours is text")];
        assert!(said(shell, &args, "").is_none_or(|said| said.is_empty()), "{shell}");
    }
}

fn scene() -> Etcd {
    let etcd = Etcd::start();
    for key in KEYS {
        etcd.put(key.as_bytes(), b"");
    }
    etcd
}

/// Our script: as it is kept, which is as it is printed.
fn ours(shell: &str) -> PathBuf {
    let name = match shell {
        "zsh" => "_etcdctl".to_owned(),
        other => format!("etcdctl.{other}"),
    };
    project().join("completions").join(name)
}

/// The official client's script.
fn official(shell: &str) -> Option<PathBuf> {
    if reference_client().is_none() {
        skipped("no reference client (make reference builds it)");
        return None;
    }
    let script = Run::reference(["completion", shell]).outcome().text();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("official.{shell}"));
    std::fs::write(&path, script).expect("could not keep the official script");
    Some(path)
}

/// The program of that name; says so where there is none.
fn installed(name: &str) -> Option<PathBuf> {
    let found = on_path(name);
    if found.is_none() {
        skipped(&format!("no {name}: its completion is not tested"));
    }
    found
}

/// A shell to which our program is `etcdctl`.
fn shell(name: &str, endpoint: &str) -> Option<Command> {
    let program = Path::new(env!("CARGO_BIN_EXE_etcdctl"));
    let mut path = program.parent().expect("a program is in a folder").as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut command = Command::new(installed(name)?);
    command
        .env_clear()
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .envs([("HOME", env!("CARGO_TARGET_TMPDIR")), ("TERM", "dumb"), ("LANG", "C.UTF-8")])
        .envs([("ETCDCTL_ENDPOINTS", endpoint), ("ETCDCTL_DISCOVERY", "off")])
        .env("PATH", path);
    Some(command)
}

/// What a shell says to a script, on both streams.
fn said(name: &str, args: &[&str], endpoint: &str) -> Option<String> {
    let output = shell(name, endpoint)?.args(args).output().expect("could not run a shell");
    assert!(output.status.success(), "{name} {args:?}: {output:?}");
    let both = [output.stdout, output.stderr].concat();
    Some(String::from_utf8_lossy(&both).into_owned())
}

fn fish(etcd: &Etcd, script: &Path, line: &str) -> Option<String> {
    let line = format!("etcdctl {line}").replace('\\', "\\\\").replace('\'', "\\'");
    let call = format!("source {}; complete -C '{line}'", script.display());
    said("fish", &["--no-config", "-c", &call], &etcd.endpoint())
}

/// A shell on a pseudo terminal, in which `etcdctl` shows its arguments.
struct Shell {
    child: Child,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    seen: String,
}

impl Shell {
    fn bash(etcd: &Etcd, script: &Path) -> Option<Self> {
        installed("bash")?;
        let args = ["bash", "--norc", "--noprofile", "-i"];
        Self::start(etcd, &args, &format!("source {}", script.display()))
    }

    fn zsh(etcd: &Etcd, script: &Path) -> Option<Self> {
        installed("zsh")?;
        let load = "unsetopt prompt_sp zle_bracketed_paste; autoload -U compinit; compinit -u -D";
        Self::start(etcd, &["zsh", "-f", "-i"], &format!("{load}; source {}", script.display()))
    }

    /// `setsid` gives the shell the terminal as its own.
    fn start(etcd: &Etcd, args: &[&str], setup: &str) -> Option<Self> {
        let mut command = shell("setsid", &etcd.endpoint())?;
        let (mut keyboard, slave) = terminal().expect("could not open a pseudo terminal");
        let mut screen = keyboard.try_clone().expect("could not share a terminal");
        let copy = || slave.try_clone().expect("could not share a terminal");
        command.args(["--ctty", "--wait"]).args(args).stdin(copy()).stdout(copy()).stderr(copy());
        let child = command.spawn().expect("could not run a shell");
        let (sender, receiver) = channel();
        thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = screen.read(&mut piece) {
                if sender.send(piece[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        // The marks are no bytes that are typed, so that an echo is no answer.
        let show = "etcdctl() { case $1 in __comp*) command etcdctl \"$@\";; \
            *) printf '\\002'; printf '[%s]' \"$@\"; printf '\\003\\n';; esac; }";
        writeln!(keyboard, "PS1='> '; {setup}; {show}; etcdctl ready").expect("could not type");
        let mut shell = Self { child, keyboard, screen: receiver, seen: String::new() };
        assert_eq!(shell.shown(), "[ready]");
        Some(shell)
    }

    #[track_caller]
    fn assert_all(&mut self, cases: &[(&str, &[&str])]) {
        for (typed, args) in cases {
            // What is typed ahead waits until the completion is done.
            self.keyboard.write_all(format!("etcdctl {typed}\t\n").as_bytes()).expect("to type");
            let expected = format!("[{}]", args.join("]["));
            assert_eq!(self.shown(), expected, "{typed}, on a screen of {:?}", self.seen);
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        assert!(!folder.join("PWNED").exists(), "a key was run");
    }

    /// What stands between the next two marks.
    #[track_caller]
    fn shown(&mut self) -> String {
        let end = Instant::now() + Duration::from_secs(20);
        self.seen.clear();
        loop {
            let rest = self.seen.split_once('\u{2}').map(|(_, rest)| rest);
            if let Some((shown, _)) = rest.and_then(|rest| rest.split_once('\u{3}')) {
                return shown.to_owned();
            }
            let left = end.saturating_duration_since(Instant::now());
            match self.screen.recv_timeout(left) {
                Ok(piece) => self.seen.push_str(&String::from_utf8_lossy(&piece)),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("nothing shown, on a screen of {:?}", self.seen)
                }
            }
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // The terminal hangs up on the shell as well.
        let _ = self.keyboard.write_all(b"\x03\x04exit\n");
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
