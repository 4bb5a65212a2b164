//! An open place that answers questions: a live cluster, or a file. What it answers does not tell which.

use crate::cluster::Cluster;
use crate::cluster::range::Pages;
use crate::error::Result;
use crate::reply::{Header, Pair, Tail};
use crate::request::Range;
use crate::snapshot::open::Opened;
use crate::snapshot::range::{self, Pieces as FilePieces};

/// Where answers come from.
pub enum Source<'c> {
    Cluster(&'c Cluster),
    File(Opened),
}

/// A range answer: the header, then lots of pairs, then the tail.
pub enum Pieces<'c> {
    Cluster(Box<Pages<'c>>),
    File(Box<FilePieces>),
}

impl<'c> From<Pages<'c>> for Pieces<'c> {
    fn from(pages: Pages<'c>) -> Self {
        Self::Cluster(Box::new(pages))
    }
}

impl<'c> Source<'c> {
    /// Asks for a range. Returns once the header is there.
    pub async fn range(self, range: Range) -> Result<Pieces<'c>> {
        match self {
            Self::Cluster(cluster) => Ok(cluster.range(range).await?.into()),
            Self::File(opened) => Ok(Pieces::File(Box::new(range::range(opened, &range)?))),
        }
    }
}

impl Pieces<'_> {
    #[must_use]
    pub fn header(&self) -> Header {
        match self {
            Self::Cluster(pages) => pages.header(),
            Self::File(pieces) => pieces.header,
        }
    }

    /// Known when there are no more pairs.
    #[must_use]
    pub fn tail(&self) -> Tail {
        match self {
            Self::Cluster(pages) => pages.tail(),
            Self::File(pieces) => pieces.tail,
        }
    }

    /// Replaces `pairs` by the next ones; `false` when there are none.
    pub async fn next(&mut self, pairs: &mut Vec<Pair>) -> Result<bool> {
        match self {
            Self::Cluster(pages) => pages.next(pairs).await,
            Self::File(pieces) => pieces.next(pairs),
        }
    }
}
