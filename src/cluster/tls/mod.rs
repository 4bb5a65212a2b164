//! TLS: PEM files to what a connection needs, and what went wrong in words.
//!
//! Where the official client accepts something that rustls refuses, so do we; its refusals keep
//! its words. Connecting itself is elsewhere.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, IpAddr, Ipv4Addr, ServerName};
use rustls::sign::CertifiedKey;

use crate::error::{Error, Result};

mod cause;
mod date;
mod der;
mod identity;
mod p521;
mod pem;
mod roots;
mod validity;
mod verify;
mod x509;

pub use cause::TlsCause;
pub use date::{date, http_date};
pub use validity::Validity;
pub use verify::Notes;

use roots::Roots;
use verify::{Identity, ServerCheck, Trust};

/// What the flags say about TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    pub cacert: Option<PathBuf>,
    pub cert: Option<PathBuf>,
    pub key: Option<PathBuf>,
    pub skip_verify: bool,
}

impl TlsFiles {
    /// Is any file named? Then an endpoint without a scheme is spoken to in TLS.
    #[must_use]
    pub fn any(&self) -> bool {
        self.cacert.is_some() || self.cert.is_some() || self.key.is_some()
    }

    /// Reads and checks the files, in the official client's order: the pair, then the CA
    /// (etcd 3.7.1 `client/pkg/transport.TLSInfo.ClientConfig`). Its status for all of it is 128.
    pub fn config(&self) -> Result<Tls> {
        let identity = self.identity()?;
        let roots = match &self.cacert {
            // Read even when nothing will be verified: an error there is an error.
            Some(path) => Some(Roots::from_file(path)?),
            None if self.skip_verify => None,
            None => Some(Roots::of_the_system()),
        };
        let provider = p521::also();
        let trust = match roots {
            Some(roots) if !self.skip_verify => Trust::roots(roots, &provider),
            _ => Trust::Everyone,
        };
        let mut base = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|err| Error::bad_args(format!("tls: {err}")))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(ServerCheck::new(
                trust.clone(),
                &provider,
                Arc::default(),
            )))
            .with_no_client_auth();
        base.alpn_protocols = vec![b"h2".to_vec()];
        // Each connection has its own verifier, and rustls resumes only under the same one.
        base.resumption = Resumption::disabled();
        Ok(Tls {
            files: self.clone(),
            base,
            provider,
            trust,
            identity,
            used: AtomicBool::new(false),
        })
    }

    fn identity(&self) -> Result<Option<Arc<CertifiedKey>>> {
        let shown =
            |path: &Option<PathBuf>| path.as_deref().unwrap_or(Path::new("")).display().to_string();
        let missing = match (&self.cert, &self.key) {
            (None, None) => return Ok(None),
            (Some(cert), Some(key)) => return identity::read(cert, key).map(Some),
            (Some(_), None) => "--key",
            (None, Some(_)) => "--cert",
        };
        Err(Error::bad_args(format!(
            "KeyFile and CertFile must both be present[key: {}, cert: {}]",
            shown(&self.key),
            shown(&self.cert)
        ))
        .because("a client certificate is of no use without its key, nor the key without it")
        .hint(format!("pass the other one with {missing}")))
    }
}

/// A file that cannot be read, in Go's words, which name it.
fn could_not_read(what: &str, path: &Path, words: String) -> Error {
    let shown = path.display();
    let denied = words.ends_with("permission denied");
    let missing = words.ends_with("no such file or directory");
    let error = Error::bad_args(words);
    if denied {
        return error
            .because(format!("you may not read the {what} {shown}"))
            .hint("such files often belong to root: try with sudo");
    }
    if missing {
        let error = error.because(format!("there is no {what} {shown}"));
        return match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            Some(parent) if !parent.exists() => {
                error.hint(format!("the directory {} does not exist here", parent.display()))
            }
            _ => error,
        };
    }
    error.because(format!("the {what} {shown} could not be read"))
}

/// TLS as the flags want it: files read and checked. One of these makes every connection.
pub struct Tls {
    files: TlsFiles,
    base: ClientConfig,
    provider: Arc<CryptoProvider>,
    trust: Trust,
    identity: Option<Arc<CertifiedKey>>,
    used: AtomicBool,
}

impl Tls {
    /// The configuration of one connection, and where it notes what an error will not say.
    ///
    /// Certificate and key are read again from the second connection on: they are renewed under a
    /// long watch, and the official client reads them at every handshake. While they cannot be
    /// read, those known before serve.
    #[must_use]
    pub fn connection(&self) -> (Arc<ClientConfig>, Arc<Notes>) {
        let again = self.used.swap(true, Ordering::Relaxed);
        let renewed = if again { self.files.identity().ok().flatten() } else { None };
        let notes = Arc::<Notes>::default();
        let mut config = self.base.clone();
        config.client_auth_cert_resolver =
            Arc::new(Identity::new(renewed.or_else(|| self.identity.clone()), notes.clone()));
        config.dangerous().set_certificate_verifier(Arc::new(ServerCheck::new(
            self.trust.clone(),
            &self.provider,
            notes.clone(),
        )));
        (Arc::new(config), notes)
    }

    /// Likewise for the HTTP/1.1 that stands on the same port as gRPC.
    #[must_use]
    pub fn http1(&self) -> (Arc<ClientConfig>, Arc<Notes>) {
        let (config, notes) = self.connection();
        let mut config = ClientConfig::clone(&config);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        (Arc::new(config), notes)
    }

    /// The certificate that is presented where one is demanded, with its chain.
    #[must_use]
    pub fn own(&self) -> Vec<Validity> {
        self.identity.as_ref().map_or(Vec::new(), |identity| validity::of(&identity.cert))
    }

    /// What a server presented, and the given CA that issued the last of it.
    #[must_use]
    pub fn chain(&self, presented: &[CertificateDer<'_>]) -> Vec<Validity> {
        let mut chain = validity::of(presented);
        if let (Trust::Roots(trusted), Some(last)) = (&self.trust, presented.last()) {
            chain.extend(validity::issuer(last, trusted.given()));
        }
        chain
    }

    /// Whether servers are verified at all.
    #[must_use]
    pub fn verifies(&self) -> bool {
        matches!(self.trust, Trust::Roots(_))
    }

    /// What the flags said.
    #[must_use]
    pub fn files(&self) -> &TlsFiles {
        &self.files
    }

    /// Why no server can be trusted, if so: a CA file without certificates, which the official
    /// client takes without a word, or a system without.
    #[must_use]
    pub fn trusts_nobody(&self) -> Option<String> {
        let Trust::Roots(trusted) = &self.trust else { return None };
        if !trusted.given().is_empty() {
            return None;
        }
        Some(match (&self.files.cacert, trusted.unread()) {
            (Some(path), _) => format!("{} holds no certificate", path.display()),
            (None, []) => "this system has no CA certificates".to_owned(),
            (None, unread) => {
                format!("this system's CA certificates could not be read: {}", unread.join("; "))
            }
        })
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("files", &self.files).finish_non_exhaustive()
    }
}

/// The name to verify for an endpoint's host.
///
/// The final dot of a DNS target is no part of it, as in Go. What is no name at all, such as that
/// of a socket's file, becomes an address that no certificate has: it fails where names are
/// checked, and only there.
#[must_use]
pub fn server_name(host: &str) -> ServerName<'static> {
    let host = host.strip_suffix('.').unwrap_or(host);
    ServerName::try_from(host.to_owned())
        .unwrap_or(ServerName::IpAddress(IpAddr::V4(Ipv4Addr::from([0, 0, 0, 0]))))
}
