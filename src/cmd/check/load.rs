//! A load of writes: so many at once over one connection, at a rate or as fast as they go.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::cluster::Cluster;
use crate::error::Result;
use crate::progress::Progress;
use crate::request::Put;
use crate::terminal::Interruption;

/// How many writes, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    Rate { per_second: u32, lasting: Duration },
    Keys(u64),
}

/// What is written.
pub struct Load {
    pub pace: Pace,
    /// Writes under way at once.
    pub clients: usize,
    /// Before each key.
    pub prefix: Vec<u8>,
    pub key_size: usize,
    pub value_size: usize,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Of each write that succeeded.
    pub latencies: Vec<Duration>,
    /// How often each failure was met.
    pub errors: BTreeMap<String, usize>,
    pub took: Duration,
}

impl Load {
    /// Writes until all is written, or until a signal, which it gives.
    pub async fn run(
        &self,
        cluster: &Cluster,
        interruption: &mut Interruption,
        progress: &mut Progress,
    ) -> (Outcome, Option<i32>) {
        let begun = Instant::now();
        let mut outcome = Outcome::default();
        let mut flying: JoinSet<Result<Duration>> = JoinSet::new();
        let mut schedule = Schedule { begun, given: 0 };
        let (mut sent, mut interrupted) = (0, None);
        loop {
            let (over, due) = match self.pace {
                Pace::Keys(keys) => (sent >= keys, begun),
                Pace::Rate { per_second, lasting } => {
                    (begun.elapsed() >= lasting, schedule.due(per_second, self.clients))
                }
            };
            let over = over || interrupted.is_some();
            if over && flying.is_empty() {
                break;
            }
            tokio::select! {
                signal = interruption.wait(), if interrupted.is_none() => interrupted = Some(signal),
                Some(done) = flying.join_next(), if !flying.is_empty() => {
                    match done {
                        Ok(Ok(took)) => outcome.latencies.push(took),
                        Ok(Err(err)) => {
                            *outcome.errors.entry(err.message().to_owned()).or_default() += 1;
                        }
                        Err(_) => {}
                    }
                    progress.advance(1);
                }
                () = sleep_until(due), if !over && flying.len() < self.clients => {
                    flying.spawn(put(cluster.clone(), self.pair()));
                    schedule.given += 1;
                    sent += 1;
                }
            }
        }
        outcome.took = begun.elapsed();
        (outcome, interrupted)
    }

    /// The prefix, something random, and zeros: as the official client makes its keys.
    fn pair(&self) -> Put {
        let mut key = self.prefix.clone();
        key.extend(fastrand::u64(..).to_be_bytes());
        key.resize(self.prefix.len() + self.key_size, 0);
        Put { key, value: vec![0; self.value_size], ..Put::default() }
    }
}

async fn put(cluster: Cluster, put: Put) -> Result<Duration> {
    let begun = Instant::now();
    cluster.put(put).await?;
    Ok(begun.elapsed())
}

/// When writes are due. As many as clients may be late; what is later is not made up for.
struct Schedule {
    begun: Instant,
    given: u32,
}

impl Schedule {
    fn due(&mut self, per_second: u32, clients: usize) -> Instant {
        let spaced = |count: f64| Duration::from_secs_f64(count / f64::from(per_second.max(1)));
        let due = self.begun + spaced(f64::from(self.given));
        let late = spaced(f64::from(u32::try_from(clients).unwrap_or(u32::MAX)));
        if due.elapsed() > late {
            *self = Self { begun: Instant::now(), given: 0 };
            return self.begun;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_spaces_writes_and_forgets_what_it_could_not_give() {
        let begun = Instant::now();
        let mut schedule = Schedule { begun, given: 300 };
        assert_eq!(schedule.due(150, 50), begun + Duration::from_secs(2));
        // A minute late: only the next is due now.
        let begun = begun.checked_sub(Duration::from_secs(60)).unwrap();
        let mut schedule = Schedule { begun, given: 3 };
        assert!(schedule.due(150, 50).elapsed() < Duration::from_secs(30));
        assert_eq!(schedule.given, 0);
    }

    #[test]
    fn keys_are_the_prefix_and_as_long_as_asked() {
        let load = Load {
            pace: Pace::Keys(1),
            clients: 1,
            prefix: b"/p/".into(),
            key_size: 256,
            value_size: 9,
        };
        let (one, other) = (load.pair(), load.pair());
        assert!(one.key.starts_with(b"/p/") && one.key != other.key);
        assert_eq!((one.key.len(), one.value.len()), (259, 9));
    }
}
