//! Who is at the other end: nobody, a program that drives a terminal, or a person; and what they do.

use std::future::poll_fn;
use std::io::Write;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::Poll;

use rustix::termios::{
    LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::flag::register_conditional_default;
use tokio::signal::unix::{Signal, signal};

/// Any terminal.
#[must_use]
pub fn is_terminal(stream: impl AsFd) -> bool {
    isatty(stream)
}

/// A terminal that a person reads: it has a width, and `TERM` names one that can do more than type.
/// Programs that drive the client give it a terminal of no size, without `TERM`.
#[must_use]
pub fn is_a_persons(stream: impl AsFd) -> bool {
    let capable = std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
    capable && isatty(&stream) && tcgetwinsize(&stream).is_ok_and(|size| size.ws_col != 0)
}

/// Writes a text and a newline to standard error. It may hold a server's words: on a person's terminal nothing of it
/// is obeyed. Who closed that stream does not want it.
pub fn tell(text: &str) {
    let is_obeyed = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    let mut stderr = std::io::stderr();
    let _ = if text.contains(is_obeyed) && is_a_persons(&stderr) {
        let escaped = |c: char| match c {
            c if is_obeyed(c) => c.escape_default().to_string(),
            c => c.to_string(),
        };
        writeln!(stderr, "{}", text.chars().map(escaped).collect::<String>())
    } else {
        writeln!(stderr, "{text}")
    };
}

/// Typing shows nothing while this lives. What was typed before stays to be read.
pub struct Hidden<S: AsFd> {
    stream: S,
    before: Option<Termios>,
}

impl<S: AsFd> Hidden<S> {
    /// Where the stream is no terminal, there is nothing to hide.
    pub fn new(stream: S) -> Self {
        let before = tcgetattr(&stream).ok();
        if let Some(before) = &before {
            let mut silent = before.clone();
            silent.local_modes.remove(LocalModes::ECHO);
            let _ = tcsetattr(&stream, OptionalActions::Now, &silent);
        }
        Self { stream, before }
    }
}

impl<S: AsFd> Drop for Hidden<S> {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = tcsetattr(&self.stream, OptionalActions::Now, before);
        }
    }
}

/// While this lives, the signals that end a program from outside are events; afterwards they end it again.
pub struct Interruption {
    signals: Vec<(i32, Signal)>,
    /// The last one that came.
    came: Option<i32>,
}

/// How many live.
static LIVING: AtomicUsize = AtomicUsize::new(0);

/// Whether signals end the program. Who has once listened for a signal never gets its default back but so.
static DEADLY: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| {
    let deadly = Arc::default();
    for kind in Interruption::KINDS {
        // Only signals that cannot be caught are refused.
        let _ = register_conditional_default(kind, Arc::clone(&deadly));
    }
    deadly
});

impl Interruption {
    const KINDS: [i32; 4] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];

    #[must_use]
    #[expect(clippy::new_without_default, reason = "it is made for what it does")]
    pub fn new() -> Self {
        LIVING.fetch_add(1, Ordering::SeqCst);
        DEADLY.store(false, Ordering::SeqCst);
        let listen = |kind: i32| signal(kind.into()).ok().map(|signal| (kind, signal));
        Self { signals: Self::KINDS.into_iter().filter_map(listen).collect(), came: None }
    }

    /// Resolves at the next signal, with its number.
    pub async fn wait(&mut self) -> i32 {
        poll_fn(|cx| {
            for (kind, signal) in &mut self.signals {
                if signal.poll_recv(cx).is_ready() {
                    self.came = Some(*kind);
                    return Poll::Ready(*kind);
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Lets signals end the program again. What came meanwhile and asks for no good order (a terminal
    /// that hung up, a quit) does so now.
    pub fn pass_on(self) {
        match self.came {
            Some(kind @ (SIGHUP | SIGQUIT)) => self.obey(kind),
            _ => drop(self),
        }
    }

    /// Ends the program by the signal that came, so that a shell sees what happened.
    pub fn obey(self, kind: i32) {
        // What cannot be raised leaves the caller to end by itself.
        let _ = signal_hook::low_level::emulate_default_handler(kind);
    }
}

impl Drop for Interruption {
    fn drop(&mut self) {
        if LIVING.fetch_sub(1, Ordering::SeqCst) == 1 {
            DEADLY.store(true, Ordering::SeqCst);
        }
    }
}
