//! One failure and how it ends the program: causes, a way out, the official last line, the status.

use std::fmt;
use std::io;

/// What a command gives back.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The official client's exit statuses (etcdctl 3.7.1, `pkg/cobrautl/error.go`), and our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// A request failed, or the command line could not be parsed.
    Failure,
    /// No client could be made: authentication, an empty endpoint list.
    BadConnection,
    /// Input that cannot be read: transactions, interactive watches.
    InvalidInput,
    /// A format, order or consistency that does not exist.
    BadFeature,
    /// The server ended a stream.
    Interrupted,
    /// The answer could not be written.
    Io,
    /// Arguments that contradict each other, or files of a flag that cannot be used.
    BadArgs,
    /// Nobody reads our answer any more: 128 + SIGPIPE, what a shell sees of the official client.
    BrokenPipe,
    /// A child's own status, passed on.
    Child(u8),
}

impl Exit {
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Failure => 1,
            Self::BadConnection => 2,
            Self::InvalidInput => 3,
            Self::BadFeature => 4,
            Self::Interrupted => 5,
            Self::Io => 6,
            Self::BadArgs => 128,
            Self::BrokenPipe => 141,
            Self::Child(code) => code,
        }
    }
}

/// One failure: the official sentence, the causes above it, and perhaps a way out.
#[derive(Debug)]
pub struct Error {
    pub exit: Exit,
    message: String,
    causes: Vec<String>,
    hint: Option<String>,
    usage: Option<String>,
}

impl Error {
    /// `message` is what follows `Error: ` on the last line.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), causes: Vec::new(), hint: None, usage: None }
    }

    /// A request that failed.
    pub fn failure(message: impl Into<String>) -> Self {
        Self::new(Exit::Failure, message)
    }

    /// Arguments that cannot be meant.
    pub fn bad_args(message: impl Into<String>) -> Self {
        Self::new(Exit::BadArgs, message)
    }

    /// A format, order or consistency that does not exist.
    pub fn bad_feature(message: impl Into<String>) -> Self {
        Self::new(Exit::BadFeature, message)
    }

    /// Adds a cause, printed above the last line in the order given.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.causes.push(cause.to_string());
        self
    }

    /// Says in which place of several the thing stands that is wrong.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        match self.causes.first_mut() {
            Some(cause) => *cause = format!("{place}: {cause}"),
            None => self.causes.push(place.to_string()),
        }
        self
    }

    /// Adds the way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds what follows the last line: suggestions, usage.
    #[must_use]
    pub fn usage(mut self, usage: impl Into<String>) -> Self {
        self.usage = Some(usage.into());
        self
    }

    /// The same failure with another status: the official one differs by command.
    #[must_use]
    pub fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// The same failure under other words.
    #[must_use]
    pub fn reworded(mut self, words: impl FnOnce(&str) -> String) -> Self {
        self.message = words(&self.message);
        self
    }

    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    #[must_use]
    pub fn causes(&self) -> &[String] {
        &self.causes
    }

    /// The way out, where one is known.
    #[must_use]
    pub fn way_out(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Writes the whole report; causes and hint only where they are wanted.
    pub fn report(&self, explain: bool, out: &mut dyn io::Write) -> io::Result<()> {
        if self.exit == Exit::BrokenPipe {
            return Ok(());
        }
        if explain {
            for cause in &self.causes {
                writeln!(out, "{cause}")?;
            }
            if let Some(hint) = &self.hint {
                writeln!(out, "hint: {hint}")?;
            }
        }
        if !self.message.is_empty() {
            writeln!(out, "Error: {}", self.message)?;
        }
        if let Some(usage) = &self.usage {
            writeln!(out, "{usage}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// The only I/O that fails without a context of its own is writing the answer.
impl From<io::Error> for Error {
    fn from(err: io::Error) -> Self {
        match err.kind() {
            io::ErrorKind::BrokenPipe => Self::new(Exit::BrokenPipe, "broken pipe"),
            _ => Self::new(Exit::Io, format!("could not write the output: {err}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(error: &Error, explain: bool) -> String {
        let mut out = Vec::new();
        error.report(explain, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn causes_and_hint_stand_above_the_official_line() {
        let error = Error::failure("context deadline exceeded")
            .because("127.0.0.1:1: connection refused")
            .hint("is etcd running there?");
        assert_eq!(
            text(&error, true),
            "127.0.0.1:1: connection refused\nhint: is etcd running there?\nError: context deadline exceeded\n"
        );
        assert_eq!(text(&error, false), "Error: context deadline exceeded\n");
    }

    #[test]
    fn a_closed_pipe_is_silent() {
        let error = Error::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((text(&error, true).as_str(), error.exit.code()), ("", 141));
    }
}
