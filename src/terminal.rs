//! Who is at the other end: nobody, a program that drives a terminal, or a person.

use std::os::fd::AsFd;

use rustix::termios::{
    LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr,
};

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

/// Whether colour is welcome on a stream.
#[must_use]
pub fn takes_colour(stream: impl AsFd) -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && is_a_persons(stream)
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
