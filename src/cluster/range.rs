//! A range of any size, read at one revision in bounded memory.
//!
//! A small first page gives the first lines, the revision, the count and the size of a pair. The rest
//! comes by `RangeStream` where the server has it (3.7), else in large pages: each page makes the
//! server count all keys that are left, so that many small ones would take quadratic time, and one
//! unlimited range would make the server build the whole answer in its memory.

use bytes::Bytes;

use super::decode::{Decoder, Shape};
use super::grpc::Code;
use super::link::{Failure, Incoming};
use super::rpc::Method;
use super::{Attempts, Cluster};
use crate::error::{Error, Result};
use crate::proto::RangeRequest;
use crate::reply::{Header, Pair, Tail};
use crate::request::Range;

/// Keys of the first page: few enough to be there at once.
const FIRST_PAGE: i64 = 1000;

/// Bytes of a later page: few pages, and no burden on the server's memory.
const PAGE: i64 = 32 << 20;

/// No range takes more pages than this, however large its values.
const MOST_PAGES: i64 = 32;

/// How the next part is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    /// One request for all of it, as the official client does: a limit, a sort or a filter is in the way.
    Whole,
    /// The small first page of a range that may be large.
    First,
    /// A stream for the rest; pages where the server has none.
    Stream,
    /// A large page.
    Page,
    /// A stream from the start, because the user asked for it.
    OnlyStream,
    /// Nothing is left.
    Done,
}

/// A range answer, part by part: a header, pairs, and the tail.
pub struct Pages<'a> {
    cluster: &'a Cluster,
    ask: RangeRequest,
    plan: Plan,
    attempts: Attempts<'a>,
    open: Option<(Incoming, Decoder)>,
    header: Option<Header>,
    tail: Tail,
    /// Pairs that came along with the header.
    waiting: Vec<Pair>,
    /// What came so far: of this part, and before it.
    part: Amount,
    before: Amount,
    last_key: Option<Bytes>,
    /// Keys come in their order.
    ordered: bool,
    /// Pairs that an answer which broke off had brought already, and its successor brings again.
    again: usize,
}

/// So much of an answer.
#[derive(Clone, Copy, Debug, Default)]
struct Amount {
    pairs: i64,
    bytes: i64,
}

impl Cluster {
    /// Asks for a range. Returns once the header is there.
    pub async fn range(&self, range: Range) -> Result<Pages<'_>> {
        let only_stream = range.stream;
        let ask = RangeRequest::from(range);
        let in_key_order = ask.sort_order == 0 && ask.sort_target == 0;
        let unfiltered = ask.min_mod_revision == 0
            && ask.max_mod_revision == 0
            && ask.min_create_revision == 0
            && ask.max_create_revision == 0;
        let large = !ask.range_end.is_empty() && ask.limit <= 0 && !ask.count_only;
        let limited = self.link.target.limits.receive < super::target::Limits::OFFICIAL.receive;
        let plan = if only_stream {
            Plan::OnlyStream
        } else if large && in_key_order && unfiltered && !limited {
            Plan::First
        } else {
            Plan::Whole
        };
        let patience = self.patience()?;
        // What the user asked to be streamed the official client asks once.
        let method = if only_stream { Method::RANGE_STREAM } else { Method::RANGE };
        let mut pages = Pages {
            cluster: self,
            ask,
            plan,
            attempts: Attempts::new(self, method, patience),
            open: None,
            header: None,
            tail: Tail::default(),
            waiting: Vec::new(),
            part: Amount::default(),
            before: Amount::default(),
            last_key: None,
            ordered: in_key_order,
            again: 0,
        };
        pages.begin().await?;
        Ok(pages)
    }
}

impl Pages<'_> {
    #[must_use]
    pub fn header(&self) -> Header {
        self.header.unwrap_or_default()
    }

    /// Known when there are no more pairs.
    #[must_use]
    pub fn tail(&self) -> Tail {
        self.tail
    }

    /// Replaces `pairs` by the next ones; `false` when there are none.
    pub async fn next(&mut self, pairs: &mut Vec<Pair>) -> Result<bool> {
        pairs.clear();
        if !self.waiting.is_empty() {
            std::mem::swap(pairs, &mut self.waiting);
            return Ok(true);
        }
        while pairs.is_empty() && self.plan != Plan::Done {
            self.advance(pairs).await?;
        }
        Ok(!pairs.is_empty())
    }

    /// Reads up to the header.
    async fn begin(&mut self) -> Result<()> {
        if self.plan == Plan::OnlyStream {
            self.count_first().await?;
        }
        // One pair, or none, is only shown when the whole answer is there.
        let single = self.ask.range_end.is_empty();
        let mut pairs = Vec::new();
        loop {
            let begun = self.header.is_some() && self.open.is_some() && !single;
            if begun || self.plan == Plan::Done {
                break;
            }
            self.advance(&mut pairs).await?;
        }
        self.waiting = pairs;
        Ok(())
    }

    /// A stream tells its revision and count only at its end, and every format but `simple` begins
    /// with them: a stream that counts costs the server no pairs, and the real one follows at its revision.
    async fn count_first(&mut self) -> Result<()> {
        let counts = std::mem::replace(&mut self.ask.count_only, true);
        while self.plan != Plan::Done {
            self.advance(&mut Vec::new()).await?;
        }
        if !counts {
            self.ask.count_only = false;
            self.plan = Plan::OnlyStream;
            self.pin();
        }
        Ok(())
    }

    /// From here on the answer is of one revision: that of its first part.
    fn pin(&mut self) {
        if self.ask.revision == 0 {
            self.ask.revision = self.header.as_ref().map_or(0, |header| header.revision);
        }
    }

    /// One step: opens a part, reads a piece of it, or ends it.
    async fn advance(&mut self, pairs: &mut Vec<Pair>) -> Result<()> {
        let had = pairs.len();
        let outcome = match &mut self.open {
            None => {
                let opened = self.open_part().await?;
                opened.map(|part| self.open = Some(part))
            }
            Some((incoming, decoder)) => match self.attempts.wait(incoming.data()).await? {
                Ok(Some(data)) => {
                    let fed = decoder.feed(&data, pairs);
                    let again = self.again.min(pairs.len() - had);
                    let last = pairs.drain(had..had + again).next_back();
                    self.again -= again;
                    if self.again == 0 && last.is_some_and(|last| self.last_key != Some(last.key)) {
                        let words = "the rest of the answer is in another order than its beginning";
                        return Err(Error::failure(words));
                    }
                    self.part.pairs += amount(pairs.len() - had);
                    self.part.bytes += amount(data.len());
                    if let Some(header) = decoder.header.take() {
                        self.header.get_or_insert(header);
                    }
                    fed.map_err(|status| Failure::Status(incoming.name().to_owned(), status))
                }
                Ok(None) if decoder.is_between_messages() => return self.end_part(),
                Ok(None) => Err(incoming.lost("the answer is cut off")),
                Err(failure) => Err(failure),
            },
        };
        self.check(pairs.get(had..).unwrap_or_default())?;
        if let Some(last) = pairs.last() {
            self.last_key = Some(last.key.clone());
            if matches!(self.plan, Plan::Stream | Plan::OnlyStream) {
                // Of a stream only silence is bounded.
                self.attempts.refresh();
            }
        }
        match outcome {
            Ok(()) => Ok(()),
            Err(failure) => self.recover(failure).await,
        }
    }

    /// A range of one revision has an order and a size: a server that minds neither would never come to an end.
    fn check(&self, new: &[Pair]) -> Result<()> {
        if !self.ordered {
            return Ok(());
        }
        let mut last = self.last_key.as_ref();
        for pair in new {
            if last.is_some_and(|last| *last >= pair.key) {
                let words = "the server's answer is out of order, so it cannot be read on";
                let key = pair.key.escape_ascii();
                return Err(Error::failure(words).because(format!("\"{key}\" comes too late")));
            }
            last = Some(&pair.key);
        }
        let counted = match self.plan {
            Plan::Stream | Plan::Page => self.tail.count,
            Plan::OnlyStream if !self.ask.count_only => self.tail.count,
            _ => i64::MAX,
        };
        if self.before.pairs + self.part.pairs > counted {
            let words = format!("the server sends more than the {counted} keys that it counted");
            return Err(Error::failure(words));
        }
        Ok(())
    }

    async fn open_part(&mut self) -> Result<Result<(Incoming, Decoder), Failure>> {
        let limit = self.cluster.link.target.limits.receive;
        let (method, shape) = match self.plan {
            Plan::Stream | Plan::OnlyStream => (Method::RANGE_STREAM, Shape::Chunks),
            _ => (Method::RANGE, Shape::Whole),
        };
        let mut ask = self.ask.clone();
        match self.plan {
            Plan::First => ask.limit = FIRST_PAGE,
            Plan::Page => ask.limit = self.page_limit(),
            _ => {}
        }
        // Where our own reader may be slow, the server must not stop at a time that we named.
        let timed = ask.range_end.is_empty();
        let message = self.cluster.framed(&ask)?;
        let ask = self.attempts.ask(method.path, message, timed);
        let deadline = self.attempts.deadline();
        let opened = self.attempts.wait(self.cluster.link.open(&ask, deadline)).await?;
        self.before.pairs += self.part.pairs;
        self.before.bytes += self.part.bytes;
        self.part = Amount::default();
        Ok(opened.map(|incoming| (incoming, Decoder::new(shape, limit))))
    }

    /// As many keys as fill a page, by the size of those that came.
    fn page_limit(&self) -> i64 {
        let pairs = self.before.pairs + self.part.pairs;
        let bytes = self.before.bytes + self.part.bytes;
        let by_size = PAGE / (bytes / pairs.max(1)).max(1);
        by_size.max(self.tail.count / MOST_PAGES).max(1)
    }

    /// A part is whole: what comes next?
    fn end_part(&mut self) -> Result<()> {
        let Some((_, decoder)) = self.open.take() else { return Ok(()) };
        self.attempts.refresh();
        let more = decoder.tail.more;
        if more && self.part.pairs == 0 && matches!(self.plan, Plan::First | Plan::Page) {
            return Err(Error::failure("the server says that there are more keys, and sends none"));
        }
        match self.plan {
            Plan::First => {
                // Counted from where this part began, which is later where one before it broke.
                self.tail.count = self.before.pairs.saturating_add(decoder.tail.count);
                self.pin();
                self.plan = if more { Plan::Stream } else { Plan::Done };
            }
            Plan::Page => self.plan = if more { Plan::Page } else { Plan::Done },
            Plan::Stream => self.plan = Plan::Done,
            Plan::Whole | Plan::OnlyStream | Plan::Done => {
                self.tail = decoder.tail;
                self.plan = Plan::Done;
            }
        }
        if more {
            self.go_on_after_last_key();
        }
        Ok(())
    }

    fn go_on_after_last_key(&mut self) {
        if let Some(last) = &self.last_key {
            self.ask.key = [last, &b"\0"[..]].concat();
        }
    }

    /// A part broke: the server has no streams, or the same revision is read on from the last key.
    async fn recover(&mut self, failure: Failure) -> Result<()> {
        self.open = None;
        if let Failure::Status(_, status) = &failure
            && self.plan == Plan::Stream
            && status.code == Code::UNIMPLEMENTED
        {
            self.plan = Plan::Page;
            return Ok(());
        }
        self.attempts.weigh(failure).await?;
        let had = self.before.pairs + self.part.pairs;
        if had > 0 {
            self.pin();
        }
        if matches!(self.plan, Plan::First | Plan::Stream | Plan::Page) {
            self.go_on_after_last_key();
        } else {
            // Limited, or sorted otherwise than by key: the same answer at the same revision.
            self.again = usize::try_from(had).unwrap_or(usize::MAX);
        }
        Ok(())
    }
}

fn amount(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
