//! What one step came to.

use std::time::Duration;

use crate::error::Error;
use crate::reply::Fact;

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Ok,
    Warn,
    Fail,
    /// It could not be looked at.
    Skip,
}

/// One step: what was looked at, what was found, what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    step: &'static str,
    target: String,
    pub status: Status,
    detail: String,
    remedy: String,
}

impl Row {
    fn new(step: &'static str, target: &str, status: Status, detail: String) -> Self {
        Self { step, target: target.to_owned(), status, detail, remedy: String::new() }
    }

    pub fn ok(step: &'static str, target: &str, detail: impl Into<String>) -> Self {
        Self::new(step, target, Status::Ok, detail.into())
    }

    pub fn warn(step: &'static str, target: &str, detail: impl Into<String>) -> Self {
        Self::new(step, target, Status::Warn, detail.into())
    }

    pub fn fail(step: &'static str, target: &str, detail: impl Into<String>) -> Self {
        Self::new(step, target, Status::Fail, detail.into())
    }

    pub fn skip(step: &'static str, target: &str, detail: impl Into<String>) -> Self {
        Self::new(step, target, Status::Skip, detail.into())
    }

    /// Left out because an earlier step failed.
    pub fn after(step: &'static str, target: &str, earlier: &str) -> Self {
        Self::skip(step, target, format!("not looked at, because {earlier} failed"))
    }

    /// A question that was not answered: where the answer is kept from who asks, that is no fault of the server.
    pub fn unanswered(step: &'static str, target: &str, err: &Error) -> Self {
        let status = if is_kept(err) { Status::Skip } else { Status::Fail };
        Self::new(step, target, status, words(err, target))
            .remedy(err.way_out().unwrap_or_default())
    }

    /// What to do about it.
    pub fn remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: remedy.into(), ..self }
    }

    /// Under the names that the formats have for it.
    pub fn facts(self) -> Vec<Fact> {
        let status = match self.status {
            Status::Ok => "ok",
            Status::Warn => "warn",
            Status::Fail => "fail",
            Status::Skip => "skip",
        };
        vec![
            Fact::text("step", "Step", "STEP", self.step.to_owned()),
            Fact::text("target", "Target", "TARGET", self.target),
            Fact::text("status", "Status", "STATUS", status.to_owned()),
            Fact::text("detail", "Detail", "DETAIL", self.detail),
            Fact::text("remedy", "Remedy", "REMEDY", self.remedy).below("-> "),
        ]
    }
}

/// Whether an answer was refused for who asks.
pub fn is_kept(err: &Error) -> bool {
    matches!(err.message(), "etcdserver: permission denied" | "etcdserver: user name is empty")
}

/// A failure's causes as they stand above any command's last line, without the endpoint; else its last line.
pub fn words(err: &Error, endpoint: &str) -> String {
    let causes = err.causes().iter().map(|cause| {
        let rest = cause.strip_prefix(endpoint).and_then(|rest| rest.strip_prefix(": "));
        rest.unwrap_or(cause)
    });
    let causes = causes.collect::<Vec<_>>().join("; ");
    if causes.is_empty() { err.message().to_owned() } else { causes }
}

/// A time as people compare it.
pub fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
