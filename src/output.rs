//! The only owner of standard output: a format, a buffer, and when it is handed on.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd;

use crate::cluster::kms::Plugins;
use crate::error::{Error, Result};
use crate::render::{self, Look};
use crate::reply::{Header, Pair, Reply, Tail};
use crate::source::Pieces;
use crate::terminal;

pub use crate::render::{Decode, Format, Layout, Seen, View};

const BUFFER: usize = 64 << 10;

/// Where answers go, and how they are written.
pub struct Output {
    pub format: Format,
    look: Look,
    /// Someone reads each line as it comes.
    watched: bool,
    out: BufWriter<File>,
    plugins: Plugins,
}

impl Output {
    /// Standard output.
    pub fn new(format: Format, hex: bool) -> Result<Self> {
        let out = stdout()?;
        let watched = terminal::is_terminal(&out);
        // Bytes that would garble a person's screen are shown as escapes; any other reader gets them.
        let escape = watched && terminal::is_a_persons(&out);
        Ok(Self {
            format,
            look: Look { hex, escape, ..Look::default() },
            watched,
            out: BufWriter::with_capacity(BUFFER, out),
            plugins: Plugins::default(),
        })
    }

    /// Refuses a format that the answer has no form in, before anything is asked.
    ///
    /// # Errors
    /// The official words and status.
    pub fn needs(&self, supported: &[Format]) -> Result<()> {
        if supported.contains(&self.format) {
            return Ok(());
        }
        // The official client does not know our formats at all.
        let words = match self.format {
            Format::Yaml | Format::Jsonl | Format::Raw => "unsupported output format".to_owned(),
            known => format!("{} not supported as output format", known.name()),
        };
        let names: Vec<_> = supported.iter().map(|format| format.name()).collect();
        Err(Error::bad_feature(words).hint(format!("-w here takes {}", names.join(", "))))
    }

    /// Says how Kubernetes objects are shown from here on, by a command whose answers are nothing else.
    pub fn decode(&mut self, decode: Decode) {
        self.look.decode = decode;
    }

    /// Likewise, among values of any kind.
    ///
    /// # Errors
    /// The format does not decode: what the official formats print is not ours to change.
    pub fn decode_values(&mut self, decode: Decode) -> Result<()> {
        let decodes = matches!(self.format, Format::Simple | Format::Jsonl | Format::Yaml);
        if decode.everywhere && !decodes {
            let words = format!("{} does not decode values", self.format.name());
            return Err(Error::bad_feature(words).hint("-w simple, jsonl and yaml do"));
        }
        self.decode(decode);
        Ok(())
    }

    /// Writes one answer and hands it to the reader at once.
    pub fn print(&mut self, reply: &Reply) -> Result<()> {
        render::reply(reply, self.format, &self.look, &mut self.out)?;
        self.out.flush()?;
        name_failures(&self.look);
        self.explain_escapes();
        Ok(())
    }

    /// Writes a range answer as its pieces arrive: header, pairs, count. No format holds it whole.
    pub async fn print_range(&mut self, mut pages: Pieces<'_>, view: View) -> Result<()> {
        let header = pages.header();
        let mut text = render::Range::begin(self.format, &self.look, view, &header, &mut self.out)?;
        let mut pairs = Vec::new();
        let mut first = true;
        let mut failures = 0;
        loop {
            match pages.next(&mut pairs).await {
                Ok(true) => {
                    unwrap(&mut self.plugins, &self.look, &pairs).await;
                    text.pairs(&pairs, &mut self.out)?;
                    failures += name_failures(&self.look);
                }
                Ok(false) => break,
                Err(err) => {
                    // What is whole is handed on; the answer's end is not written.
                    text.cut(&mut self.out)?;
                    self.out.flush()?;
                    return Err(err);
                }
            }
            if self.watched || first {
                self.out.flush()?;
                first = false;
            }
        }
        text.end(pages.tail(), &mut self.out)?;
        self.out.flush()?;
        self.explain_escapes();
        whole(failures)
    }

    /// Writes objects as they arrive, and names those that cannot be shown.
    pub async fn print_objects(&mut self, mut pages: Pieces<'_>, layout: Layout) -> Result<Seen> {
        let mut text = render::Objects::new(self.format, &self.look, layout);
        let mut pairs = Vec::new();
        while pages.next(&mut pairs).await? {
            unwrap(&mut self.plugins, &self.look, &pairs).await;
            for pair in &pairs {
                if let Some(why) = text.object(pair, &mut self.out)? {
                    say(&why);
                }
                name_failures(&self.look);
            }
            if self.watched {
                self.out.flush()?;
            }
        }
        let seen = text.end(&mut self.out)?;
        self.out.flush()?;
        self.explain_escapes();
        Ok(seen)
    }

    /// Writes a range answer that is there as a whole.
    pub fn print_pairs(
        &mut self,
        header: &Header,
        pairs: &[Pair],
        tail: Tail,
        view: View,
    ) -> Result<()> {
        let mut text = render::Range::begin(self.format, &self.look, view, header, &mut self.out)?;
        text.pairs(pairs, &mut self.out)?;
        text.end(tail, &mut self.out)?;
        self.out.flush()?;
        self.explain_escapes();
        whole(name_failures(&self.look))
    }

    /// A line for the person who saw escapes where bytes are.
    fn explain_escapes(&self) {
        if self.look.escaped.get() {
            let _ = writeln!(
                io::stderr(),
                "hint: bytes that a terminal would obey are shown as \\x..; `get --decode` shows Kubernetes objects, -w raw or a pipe has the bytes as they are"
            );
        }
    }
}

async fn unwrap(plugins: &mut Plugins, look: &Look, pairs: &[Pair]) {
    for failure in plugins.unwrap(&look.decode.keys, pairs).await {
        say(&failure);
    }
}

/// Names the values that could not be read whole, and says how many.
fn name_failures(look: &Look) -> usize {
    let failures = look.failures();
    for one in &failures {
        say(one);
    }
    failures.len()
}

/// The end of an answer of which so many values could not be read whole.
fn whole(failures: usize) -> Result<()> {
    match failures {
        0 => Ok(()),
        1 => Err(Error::failure("1 value could not be read whole")),
        _ => Err(Error::failure(format!("{failures} values could not be read whole"))),
    }
}

/// Tells something beside the answers. Who closed standard error does not want it.
pub fn say(line: &str) {
    terminal::tell(line);
}

/// Writes a text that is no answer: help, a script.
pub fn print_text(text: &str) -> Result<()> {
    print_bytes(text.as_bytes())
}

/// Writes bytes that are no answer: an object as it is stored.
pub fn print_bytes(bytes: &[u8]) -> Result<()> {
    let mut out = stdout()?;
    out.write_all(bytes)?;
    Ok(())
}

/// Writes bytes that a terminal has no form for: as they are, and to a person in hexadecimal.
pub fn print_stored(bytes: &[u8]) -> Result<()> {
    let mut out = stdout()?;
    if terminal::is_terminal(&out) && terminal::is_a_persons(&out) {
        let hex = bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        out.write_all(format!("{hex}\n").as_bytes())?;
    } else {
        out.write_all(bytes)?;
    }
    Ok(())
}

/// Standard output for bytes that are no answer in a format: a snapshot's.
pub fn bytes() -> Result<File> {
    stdout()
}

/// Standard output without the line buffer that Rust's own puts before it.
fn stdout() -> Result<File> {
    #[expect(clippy::disallowed_methods, reason = "the one place")]
    let stream = io::stdout();
    Ok(File::from(stream.as_fd().try_clone_to_owned()?))
}
