//! The etcd that runs on this machine, looked for where nobody said where one is: among the processes, then
//! where distributions of Kubernetes keep certificates. Nothing is searched on the network.

mod places;
mod process;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The longest that the plain-text question may take: a server on this machine answers in a millisecond.
const LONGEST: Duration = Duration::from_secs(1);

/// Where to look. Tests look elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    /// `/proc`.
    pub proc: PathBuf,
    /// What the well-known places are below: `/`.
    pub root: PathBuf,
    /// The default endpoint: host and port.
    pub local: String,
}

/// An endpoint and the files that open it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// A URL.
    pub endpoint: String,
    pub cacert: Option<PathBuf>,
    /// A client certificate and its key.
    pub pair: Option<(PathBuf, PathBuf)>,
    /// Whose they are, to follow the endpoint.
    pub whose: String,
}

/// What a search came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    pub found: Option<Found>,
    /// The files that would have served, had we been allowed to read them; one for each etcd or place.
    pub forbidden: Vec<PathBuf>,
}

/// Looks for an etcd, unless the default endpoint speaks plain text: then there is nothing to find.
pub async fn search(ground: &Ground, patience: Option<Duration>) -> Search {
    let patience = patience.map_or(LONGEST, |patience| patience.min(LONGEST));
    if speaks_plain_text(&ground.local, patience).await {
        return Search::default();
    }
    let mut search = Search::default();
    let running = process::candidates(ground);
    let kept = || places::candidates(ground);
    search.found = running
        .chain(std::iter::once_with(kept).flatten())
        .find_map(|one| one.opened(&mut search.forbidden));
    search
}

/// Whether HTTP/2 is spoken there without TLS: the answer to a client's opening is a frame of settings
/// (RFC 9113, section 3.4).
async fn speaks_plain_text(address: &str, patience: Duration) -> bool {
    const OPENING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    const SETTINGS: u8 = 4;
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(OPENING).await?;
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        io::Result::Ok(head)
    };
    matches!(timeout(patience, ask).await, Ok(Ok([_, _, _, SETTINGS, 0, 0, 0, 0, 0])))
}

/// An etcd that may be used, if its files can be read.
struct Candidate {
    endpoint: String,
    whose: String,
    /// Any of these verifies the server; empty where it speaks plain text.
    cacerts: Vec<PathBuf>,
    /// Any of these makes a client; `None` where the server wants no certificate.
    pairs: Option<Vec<(PathBuf, PathBuf)>>,
}

impl Candidate {
    /// The first files that can be read. What exists and may not be read is noted, once for a candidate.
    fn opened(self, forbidden: &mut Vec<PathBuf>) -> Option<Found> {
        let mut refused = None;
        let mut readable = |path: &Path| match File::open(path) {
            Ok(_) => true,
            Err(err) => {
                if err.kind() == io::ErrorKind::PermissionDenied && refused.is_none() {
                    refused = Some(path.to_owned());
                }
                false
            }
        };
        let (needs_ca, needs_pair) = (!self.cacerts.is_empty(), self.pairs.is_some());
        let cacert = self.cacerts.into_iter().find(|path| readable(path));
        let mut pairs = self.pairs.into_iter().flatten();
        let pair = pairs.find(|(cert, key)| readable(cert) && readable(key));
        if needs_ca == cacert.is_some() && needs_pair == pair.is_some() {
            return Some(Found { endpoint: self.endpoint, cacert, pair, whose: self.whose });
        }
        forbidden.extend(refused);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_settings_are_plain_text() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for (answer, plain) in [
            (&b"\0\0\x06\x04\0\0\0\0\0\0\x05\0\0\x40\0"[..], true),
            (b"\x15\x03\x01\0\x02\x02\x46\0\0", false),
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", false),
            (b"", false),
        ] {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap().to_string();
            let server = std::thread::spawn(move || {
                use std::io::{Read, Write};
                let (mut stream, _) = listener.accept().unwrap();
                let mut opening = [0; 33];
                stream.read_exact(&mut opening).unwrap();
                stream.write_all(answer).unwrap();
            });
            let patience = Duration::from_secs(60);
            assert_eq!(runtime.block_on(speaks_plain_text(&address, patience)), plain);
            server.join().unwrap();
        }
    }
}
