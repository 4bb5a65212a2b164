//! gRPC over HTTP/2: message frames, statuses, deadlines. Knows nothing of etcd.
//!
//! Source: the gRPC over HTTP/2 protocol (github.com/grpc/grpc, `PROTOCOL-HTTP2.md`).

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{BufMut, Bytes};
use http::HeaderMap;
use http_body::Frame;
use tokio::sync::mpsc::UnboundedReceiver;
use zeroize::Zeroizing;

/// A status code, with the names that grpc-go prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub u32);

impl Code {
    pub const OK: Self = Self(0);
    pub const CANCELED: Self = Self(1);
    pub const UNKNOWN: Self = Self(2);
    pub const INVALID_ARGUMENT: Self = Self(3);
    pub const DEADLINE_EXCEEDED: Self = Self(4);
    pub const PERMISSION_DENIED: Self = Self(7);
    pub const RESOURCE_EXHAUSTED: Self = Self(8);
    pub const UNIMPLEMENTED: Self = Self(12);
    pub const INTERNAL: Self = Self(13);
    pub const UNAVAILABLE: Self = Self(14);
    pub const UNAUTHENTICATED: Self = Self(16);
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 17] = [
            "OK",
            "Canceled",
            "Unknown",
            "InvalidArgument",
            "DeadlineExceeded",
            "NotFound",
            "AlreadyExists",
            "PermissionDenied",
            "ResourceExhausted",
            "FailedPrecondition",
            "Aborted",
            "OutOfRange",
            "Unimplemented",
            "Internal",
            "Unavailable",
            "DataLoss",
            "Unauthenticated",
        ];
        match usize::try_from(self.0).ok().and_then(|code| NAMES.get(code)) {
            Some(name) => f.write_str(name),
            None => write!(f, "Code({})", self.0),
        }
    }
}

/// How a call ended, where it did not end well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub code: Code,
    pub message: String,
}

impl Status {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The status in trailers, or in the headers of an answer that has nothing else.
    /// `None` where there is none; `Some(Ok)` where the call ended well.
    #[must_use]
    pub fn read(headers: &HeaderMap) -> Option<Result<(), Self>> {
        let code = headers.get("grpc-status")?.to_str().ok().and_then(|text| text.parse().ok());
        let code = code.map_or(Code::UNKNOWN, Code);
        if code == Code::OK {
            return Some(Ok(()));
        }
        let message = headers.get("grpc-message").map_or(&b""[..], http::HeaderValue::as_bytes);
        Some(Err(Self::new(code, percent_decoded(message))))
    }
}

/// Messages travel percent-encoded; what is not an escape stands for itself.
fn percent_decoded(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        let escape = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) if byte == b'%' => {
                out.push(decoded);
                rest = &tail[2..];
            }
            _ => {
                out.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The five bytes before each message: a compression flag, a big-endian length.
pub const PREFIX: usize = 5;

/// One message, framed. It may hold a password, or a value that is secret: it is wiped when it was sent.
#[must_use]
pub fn frame(message: &impl prost::Message) -> Bytes {
    let length = message.encoded_len();
    let mut out = Zeroizing::new(Vec::with_capacity(PREFIX + length));
    out.put_u8(0);
    // Callers check the length against a limit that is an `i32`.
    out.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    message.encode_raw(&mut *out);
    Bytes::from_owner(out)
}

/// The length that a prefix announces, where it is a plain message.
///
/// # Errors
/// A message that claims to be compressed: we never offer to take one.
pub fn announced(prefix: [u8; PREFIX]) -> Result<usize, Status> {
    let [flag, length @ ..] = prefix;
    if flag != 0 {
        let words = "grpc: compressed flag set with identity or empty encoding";
        return Err(Status::new(Code::INTERNAL, words));
    }
    Ok(usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX))
}

/// A message that is longer than we take, in grpc-go's words.
#[must_use]
pub fn too_large(length: usize, limit: usize) -> Status {
    let words = format!("grpc: received message larger than max ({length} vs. {limit})");
    Status::new(Code::RESOURCE_EXHAUSTED, words)
}

/// A `grpc-timeout` header's value: at most eight digits and a unit.
#[must_use]
pub fn timeout(left: Duration) -> String {
    const MOST: u128 = 99_999_999;
    for (unit, amount) in [('u', left.as_micros()), ('m', left.as_millis())] {
        if amount <= MOST {
            return format!("{amount}{unit}");
        }
    }
    format!("{}S", u128::from(left.as_secs()).min(MOST))
}

/// A request's body: framed messages, then the end.
pub enum Body {
    One(Option<Bytes>),
    /// As many as come, while their sender lives.
    Many(UnboundedReceiver<Bytes>),
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let framed = match &mut *self {
            Self::One(framed) => framed.take(),
            Self::Many(framed) => std::task::ready!(framed.poll_recv(cx)),
        };
        Poll::Ready(framed.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::One(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|&(k, v)| (k.parse().unwrap(), v.parse().unwrap())).collect()
    }

    #[test]
    fn a_status_is_read_from_headers() {
        assert_eq!(Status::read(&headers(&[])), None);
        assert_eq!(Status::read(&headers(&[("grpc-status", "0")])), Some(Ok(())));
        assert_eq!(
            Status::read(&headers(&[("grpc-status", "7"), ("grpc-message", "a%20b%C3%A9%zz%")])),
            Some(Err(Status::new(Code::PERMISSION_DENIED, "a bé%zz%")))
        );
        assert_eq!(
            Status::read(&headers(&[("grpc-status", "what")])),
            Some(Err(Status::new(Code::UNKNOWN, "")))
        );
    }

    #[test]
    fn codes_have_the_names_that_go_prints() {
        assert_eq!(Code::RESOURCE_EXHAUSTED.to_string(), "ResourceExhausted");
        assert_eq!(Code(77).to_string(), "Code(77)");
    }

    #[test]
    fn timeouts_fit_eight_digits() {
        assert_eq!(timeout(Duration::from_secs(5)), "5000000u");
        assert_eq!(timeout(Duration::from_secs(3600)), "3600000m");
        assert_eq!(timeout(Duration::from_secs(1_000_000_000)), "99999999S");
    }

    #[test]
    fn a_compressed_message_is_refused() {
        assert_eq!(announced([0, 0, 0, 1, 2]), Ok(258));
        assert_eq!(announced([1, 0, 0, 0, 0]).unwrap_err().code, Code::INTERNAL);
    }
}
