//! Standard input, which several readers may share: each leaves what it does not read to the next.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::AsFd;

/// Standard input without a buffer.
pub fn raw() -> io::Result<File> {
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

/// Lines, read ahead as far as the official client does, so that what reads the rest finds the same rest.
pub struct Lines<R> {
    input: BufReader<R>,
    /// How many lines were read.
    pub number: usize,
}

impl<R: Read> Lines<R> {
    /// Go's `bufio.NewReader`.
    const AHEAD: usize = 4096;

    pub fn new(input: R) -> Self {
        Self { input: BufReader::with_capacity(Self::AHEAD, input), number: 0 }
    }

    /// The next line with its end, which only the last one may lack; none where the input ends. On a
    /// terminal there may be more after that.
    pub fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        self.input.read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        Ok(Some(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_the_input_does() {
        let mut lines = Lines::new(&b"one\n\ntwo"[..]);
        let mut next = || lines.next_line().unwrap();
        assert_eq!(next().unwrap(), b"one\n");
        assert_eq!(next().unwrap(), b"\n");
        assert_eq!(next().unwrap(), b"two");
        assert_eq!(next(), None);
        assert_eq!(lines.number, 3);
    }
}
