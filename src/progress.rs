//! How far something long has come: a line on a person's terminal, silence anywhere else.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::go::size;

/// Often enough to look alive, seldom enough to cost nothing.
const EVERY: Duration = Duration::from_millis(100);

/// A line on stderr that is written over and over, and taken away at the end.
pub struct Progress {
    watched: bool,
    total: u64,
    /// What is counted, where it is not bytes.
    unit: Option<&'static str>,
    done: u64,
    begun: Instant,
    drawn: Option<Instant>,
}

impl Progress {
    /// `watched`: a person sees stderr. `total`: bytes in all, 0 where nobody knows.
    #[must_use]
    pub fn new(watched: bool, total: u64) -> Self {
        Self { watched, total, unit: None, done: 0, begun: Instant::now(), drawn: None }
    }

    /// Likewise of things that are counted.
    #[must_use]
    pub fn counting(watched: bool, total: u64, unit: &'static str) -> Self {
        Self { unit: Some(unit), ..Self::new(watched, total) }
    }

    /// So much more is done.
    pub fn advance(&mut self, more: usize) {
        self.done = self.done.saturating_add(more as u64);
        if !self.watched {
            return;
        }
        if self.total > 0 && self.done >= self.total {
            // What is said next begins a line.
            return self.clear();
        }
        let now = Instant::now();
        if now.duration_since(self.drawn.unwrap_or(self.begun)) >= EVERY {
            self.drawn = Some(now);
            // Who closed that stream does not want it.
            let _ = write!(std::io::stderr(), "\r{}\x1b[K", self.line(now - self.begun));
        }
    }

    fn clear(&mut self) {
        if self.drawn.take().is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }

    fn line(&self, took: Duration) -> String {
        let seconds = took.as_secs_f64().max(f64::EPSILON);
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate for a person's eye"
        )]
        let rate = (self.done as f64 / seconds) as u64;
        if let Some(unit) = self.unit {
            return format!("{} of {} {unit}, {rate}/s", self.done, self.total);
        }
        let done = size::bytes(self.done);
        let rate = size::bytes(rate);
        if self.total == 0 {
            return format!("{done}, {rate}/s");
        }
        format!("{done} of {}, {rate}/s", size::bytes(self.total.max(self.done)))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_how_much_of_what_and_how_fast() {
        let mut progress = Progress::new(false, 40_000_000);
        progress.advance(10_000_000);
        assert_eq!(progress.line(Duration::from_secs(2)), "10 MB of 40 MB, 5.0 MB/s");
        let mut writes = Progress::counting(false, 9000, "writes");
        writes.advance(300);
        assert_eq!(writes.line(Duration::from_secs(2)), "300 of 9000 writes, 150/s");
        let mut endless = Progress::new(false, 0);
        endless.advance(10_000_000);
        assert_eq!(endless.line(Duration::from_secs(1)), "10 MB, 10 MB/s");
    }

    #[test]
    fn what_is_whole_is_not_drawn_any_more() {
        let mut progress = Progress::new(true, 40);
        progress.drawn = Some(Instant::now());
        progress.advance(30);
        assert!(progress.drawn.is_some());
        progress.advance(10);
        assert!(progress.drawn.is_none());
        progress.advance(32);
        assert!(progress.drawn.is_none());
    }
}
