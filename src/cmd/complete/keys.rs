//! The keys that may come next: names between slashes, one level at a time, as files in folders.
//!
//! A level is found by jumps: after a key below `/registry/pods/` the next question begins at
//! `/registry/pods0`. Servers before 3.7 count all keys of a range that they are asked the first of,
//! so a large level is asked for in many narrow ranges at once: each key is counted about once, and
//! a name below which there are very many keys delays no other.

use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use crate::cluster::Cluster;
use crate::cluster::peek::Asked;
use crate::error::Result;
use crate::request::after_prefix;

/// Keys of one answer.
const PAGE: usize = 1000;

/// Keys of one answer where a page had but a few names: the first chunk of a stream.
const GLANCE: usize = 10;

/// Names that begin alike, past which a person had better type on.
const MOST: usize = 1000;

/// How long a server may count the keys of a whole level, before it is asked in narrow ranges.
const WHOLE: Duration = Duration::from_millis(40);

/// A folder alone in its folder is entered; so many times.
const DEEPEST: usize = 8;

const SLASH: u8 = b'/';

/// What may come next; whether it is only a part of a key.
pub type Names = BTreeMap<Vec<u8>, bool>;

/// The names that begin with `typed`: up to the next slash, or whole keys. Never late: at `until` it
/// gives what is certain by then.
pub async fn below(cluster: &Cluster, typed: &[u8], until: Instant) -> Names {
    let mut best = Names::new();
    let mut place = typed.to_vec();
    for _ in 0..DEEPEST {
        let mut level = Level::new(place.clone());
        // In time or not, what the level knows is in it.
        let outcome = timeout_at(until, Box::pin(level.read(cluster))).await;
        let found = match outcome {
            Ok(Err(_)) => Names::new(),
            Ok(Ok(())) | Err(_) => level.names(),
        };
        if found.is_empty() {
            break;
        }
        best = found;
        match best.first_key_value() {
            Some((only, true)) if best.len() == 1 && *only != place => place = only.clone(),
            _ => break,
        }
    }
    best
}

/// The name that stands for a key at a place: the key itself, or its part up to the next slash.
fn name(place: &[u8], key: &[u8]) -> (Vec<u8>, bool) {
    let rest = key.get(place.len()..).unwrap_or_default();
    match rest.iter().position(|&byte| byte == SLASH) {
        Some(at) => (key[..=place.len() + at].to_vec(), at + 1 < rest.len()),
        None => (key.to_vec(), false),
    }
}

/// The keys that begin with the same bytes.
struct Level {
    place: Vec<u8>,
    lanes: Vec<Lane>,
}

impl Level {
    fn new(place: Vec<u8>) -> Self {
        Self { place, lanes: Vec::new() }
    }

    async fn read(&mut self, cluster: &Cluster) -> Result<()> {
        let place = &self.place;
        let mut all = Lane::new(None, bounds(place));
        if all.step(cluster, place, Asked::Stream).await? {
            self.lanes = if all.done { vec![all] } else { lanes(place) };
            run(&mut self.lanes, cluster, place, Asked::Stream).await;
            return Ok(());
        }
        let mut whole = pin!(async move {
            let step = all.step(cluster, place, Asked::Range).await;
            step.map(|_| all)
        });
        if let Ok(whole) = timeout(WHOLE, whole.as_mut()).await {
            let whole = whole?;
            self.lanes = if whole.done { vec![whole] } else { lanes(place) };
            run(&mut self.lanes, cluster, place, Asked::Range).await;
            return Ok(());
        }
        self.lanes = lanes(place);
        let whole = {
            let mut narrow = pin!(run(&mut self.lanes, cluster, place, Asked::Range));
            // Whichever comes first; but a whole that is too large is only its beginning.
            tokio::select! {
                () = narrow.as_mut() => return Ok(()),
                whole = whole => match whole {
                    Ok(whole) if whole.done => whole,
                    _ => {
                        narrow.await;
                        return Ok(());
                    }
                },
            }
        };
        self.lanes = vec![whole];
        Ok(())
    }

    /// Every key begins with one of these names. Lanes that are not read to their end give the byte
    /// that they have in common: true, if little.
    fn names(self) -> Names {
        let silent = self.lanes.iter().filter(|lane| !lane.answered).count();
        if silent * 2 > self.lanes.len() {
            // Not a name with too many keys, but a server that is too slow.
            return Names::new();
        }
        let mut names = Names::new();
        for lane in self.lanes {
            match lane.byte {
                _ if lane.done => names.extend(lane.names),
                Some(byte) => {
                    let mut part = self.place.clone();
                    part.push(byte);
                    names.insert(part, true);
                }
                None => {}
            }
        }
        names
    }
}

/// A range that is read by jumps.
struct Lane {
    /// The byte after the place that its keys have in common.
    byte: Option<u8>,
    from: Vec<u8>,
    end: Vec<u8>,
    page: usize,
    names: Names,
    answered: bool,
    done: bool,
}

impl Lane {
    fn new(byte: Option<u8>, (from, end): (Vec<u8>, Vec<u8>)) -> Self {
        Self { byte, from, end, page: PAGE, names: Names::new(), answered: false, done: false }
    }

    /// Reads to the end, or as far as it goes: a failure is as silent as a server can be.
    async fn run(&mut self, cluster: &Cluster, place: &[u8], asked: Asked) {
        while !self.done && self.names.len() < MOST {
            if !self.step(cluster, place, asked).await.unwrap_or(false) {
                return;
            }
        }
    }

    /// Asks once. `false`: not in this way.
    async fn step(&mut self, cluster: &Cluster, place: &[u8], asked: Asked) -> Result<bool> {
        let peek = cluster.peek(self.from.clone(), self.end.clone(), self.page, asked).await?;
        let Some(peek) = peek else { return Ok(false) };
        self.answered = true;
        let known = self.names.len();
        for key in &peek.keys {
            let (name, partial) = name(place, key);
            *self.names.entry(name).or_default() |= partial;
        }
        let new = self.names.len() - known;
        self.page = if new * GLANCE < self.page { GLANCE } else { PAGE };
        let last = peek.keys.last().map(|key| name(place, key));
        match last.filter(|_| peek.more) {
            Some((name, _)) if name.last() == Some(&SLASH) => {
                self.from = after_prefix(&name);
                // Below it is more than was seen, perhaps: a part of a key it is in any case.
                self.names.insert(name, true);
            }
            Some((mut name, _)) => {
                name.push(0);
                self.from = name;
            }
            None => self.done = true,
        }
        self.done |= !before(&self.from, &self.end);
        Ok(true)
    }
}

/// Whether a range has room. NUL as its end is no end.
fn before(from: &[u8], end: &[u8]) -> bool {
    end == b"\0" || from < end
}

/// All keys that begin with a place.
fn bounds(place: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let from = if place.is_empty() { b"\0".to_vec() } else { place.to_vec() };
    (from, after_prefix(place))
}

/// A lane for each byte that can be typed, and one for letters beyond ASCII. What begins with a
/// control byte is offered to nobody.
fn lanes(place: &[u8]) -> Vec<Lane> {
    let at = |byte: u8| [place, &[byte]].concat();
    let typed = (b' '..=b'~').map(|byte| Lane::new(Some(byte), (at(byte), at(byte + 1))));
    typed.chain([Lane::new(None, (at(0x80), bounds(place).1))]).collect()
}

/// Reads lanes to their ends, all at once. One that is there already stays as it is.
async fn run(lanes: &mut [Lane], cluster: &Cluster, place: &[u8], asked: Asked) {
    all_of(lanes.iter_mut().map(|lane| lane.run(cluster, place, asked)).collect()).await;
}

/// Runs all at once. They are few: each is looked at whenever one of them may go on.
async fn all_of<F: Future<Output = ()>>(work: Vec<F>) {
    let mut work: Vec<Pin<Box<F>>> = work.into_iter().map(Box::pin).collect();
    std::future::poll_fn(|cx| {
        work.retain_mut(|one| one.as_mut().poll(cx).is_pending());
        if work.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_with_the_next_slash() {
        for (place, key, expected, partial) in [
            (&b"/reg"[..], &b"/registry/pods/a"[..], &b"/registry/"[..], true),
            (b"/registry/", b"/registry/pods/a", b"/registry/pods/", true),
            (b"/registry/pods", b"/registry/pods/a", b"/registry/pods/", true),
            (b"/registry/", b"/registry/health", b"/registry/health", false),
            (b"", b"/a/", b"/", true),
            (b"/a", b"/a/", b"/a/", false),
            (b"/a/", b"/a/", b"/a/", false),
        ] {
            assert_eq!(name(place, key), (expected.to_vec(), partial), "{place:?} {key:?}");
        }
    }

    #[test]
    fn lanes_cover_what_can_be_typed_without_a_gap() {
        let lanes = lanes(b"/");
        assert_eq!(lanes[0].from, b"/ ");
        assert!(lanes.windows(2).rev().skip(1).all(|pair| pair[0].end == pair[1].from));
        assert_eq!(lanes.last().map(|lane| lane.end.as_slice()), Some(&b"0"[..]));
    }

    #[test]
    fn a_lane_that_was_not_read_to_its_end_gives_what_its_keys_have_in_common() {
        let mut level = Level { place: b"/".to_vec(), lanes: lanes(b"/") };
        for lane in &mut level.lanes {
            lane.answered = true;
            lane.done = lane.byte != Some(b'p');
        }
        level.lanes[1].names.insert(b"/!".to_vec(), false);
        assert_eq!(level.names(), Names::from([(b"/!".to_vec(), false), (b"/p".to_vec(), true)]));
    }

    #[test]
    fn a_server_that_is_too_slow_offers_nothing() {
        let level = Level { place: b"/".to_vec(), lanes: lanes(b"/") };
        assert!(level.names().is_empty());
    }
}
