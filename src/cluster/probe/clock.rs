//! A server's clock beside ours, by the date of a page: it counts whole seconds, and was read between two looks at ours.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::cluster::metrics::Page;

/// How far a server's clock is ahead of ours: at least and at most, in seconds; less than zero is behind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clock {
    pub least: f64,
    pub most: f64,
}

impl Clock {
    /// `None` where the page has no date.
    #[must_use]
    pub fn of(page: &Page) -> Option<Self> {
        Some(Self::between(page.date?, seconds(page.asked), seconds(page.answered)))
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds of centuries are whole in 52 bits")]
    fn between(date: i64, asked: f64, answered: f64) -> Self {
        let date = date as f64;
        Self { least: date - answered, most: date + 1.0 - asked }
    }

    /// The difference that is certain, in seconds, whichever clock is ahead.
    #[must_use]
    pub fn certain(self) -> f64 {
        self.least.max(-self.most).max(0.0)
    }
}

fn seconds(time: SystemTime) -> f64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_whole_seconds_and_a_slow_answer_explain_is_no_difference() {
        for (date, asked, answered, certain) in [
            (100, 100.2, 100.3, 0.0),
            (100, 100.9, 101.1, 0.0),
            (100, 98.0, 101.0, 0.0),
            (100, 103.5, 103.6, 2.5),
            (100, 97.0, 97.5, 2.5),
        ] {
            let clock = Clock::between(date, asked, answered);
            assert!((clock.certain() - certain).abs() < 1e-9, "{date} {asked}: {clock:?}");
        }
    }
}
