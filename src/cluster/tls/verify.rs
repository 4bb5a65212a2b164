//! What is checked in a handshake: the server's certificate here, ours over there; and notes of
//! what rustls' errors leave out.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, DigitallySignedStruct, ExtendedKeyPurpose, SignatureScheme};

use crate::cluster::tls::roots::Roots;
use crate::cluster::tls::validity::Validity;
use crate::cluster::tls::x509::Certificate;

/// What one connection's handshake showed.
#[derive(Debug, Default)]
pub struct Notes(Mutex<Seen>);

/// What a server presented and we refused.
#[derive(Clone, Debug, Default)]
pub struct Refused {
    pub subject: Option<String>,
    pub issuer: Option<String>,
    pub self_signed: bool,
    /// The given CA that issued it, by name and last moment, if that is over.
    pub issuer_ended: Option<(String, i64)>,
    /// The kind of its key, if we cannot verify with it.
    pub beyond_us: Option<String>,
    pub validity: Option<Validity>,
}

#[derive(Debug, Default)]
struct Seen {
    asked: bool,
    sent: bool,
    refused: Option<Refused>,
}

impl Notes {
    fn with<T>(&self, use_it: impl FnOnce(&mut Seen) -> T) -> T {
        use_it(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The server asked for a client certificate and we had none.
    pub fn client_certificate_missing(&self) -> bool {
        self.with(|seen| seen.asked && !seen.sent)
    }

    /// The server asked for a client certificate and got ours.
    pub fn client_certificate_sent(&self) -> bool {
        self.with(|seen| seen.sent)
    }

    /// Until when the certificate is good that we refused.
    pub fn refused_validity(&self) -> Option<Validity> {
        self.refused()?.validity
    }

    /// The server's certificate, if that is what we refused.
    pub(super) fn refused(&self) -> Option<Refused> {
        self.with(|seen| seen.refused.clone())
    }
}

/// Answers a server that asks for a certificate.
#[derive(Debug)]
pub(super) struct Identity {
    own: Option<Arc<CertifiedKey>>,
    notes: Arc<Notes>,
}

impl Identity {
    pub fn new(own: Option<Arc<CertifiedKey>>, notes: Arc<Notes>) -> Self {
        Self { own, notes }
    }
}

impl ResolvesClientCert for Identity {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        // Whatever CAs the server names: the official client sends what it has.
        self.notes.with(|seen| {
            seen.asked = true;
            seen.sent = self.own.is_some();
        });
        self.own.clone()
    }

    // Without a certificate too: only then are we asked, and know that we were.
    fn has_certs(&self) -> bool {
        true
    }
}

/// Whose certificates are accepted.
#[derive(Clone, Debug)]
pub(super) enum Trust {
    /// Verification is skipped.
    Everyone,
    Roots(Arc<Trusted>),
}

/// Roots, and rustls' verifier made of them.
#[derive(Debug)]
pub(super) struct Trusted {
    roots: Roots,
    /// None without any root: rustls will not have that.
    verifier: Option<Arc<WebPkiServerVerifier>>,
}

impl Trusted {
    pub fn given(&self) -> &[CertificateDer<'static>] {
        &self.roots.given
    }

    pub fn unread(&self) -> &[String] {
        &self.roots.unread
    }
}

impl Trust {
    pub fn roots(mut roots: Roots, provider: &Arc<CryptoProvider>) -> Self {
        let anchors =
            Arc::new(std::mem::replace(&mut roots.anchors, rustls::RootCertStore::empty()));
        let verifier = WebPkiServerVerifier::builder_with_provider(anchors, provider.clone());
        Self::Roots(Arc::new(Trusted { roots, verifier: verifier.build().ok() }))
    }
}

/// Checks a server's certificate.
#[derive(Debug)]
pub(super) struct ServerCheck {
    trust: Trust,
    provider: Arc<CryptoProvider>,
    notes: Arc<Notes>,
}

impl ServerCheck {
    pub fn new(trust: Trust, provider: &Arc<CryptoProvider>, notes: Arc<Notes>) -> Self {
        Self { trust, provider: provider.clone(), notes }
    }

    fn refuse(&self, leaf: &CertificateDer<'_>) {
        let Ok(cert) = Certificate::parse(leaf) else { return };
        let given = match &self.trust {
            Trust::Everyone => &[],
            Trust::Roots(trusted) => trusted.given(),
        };
        let now = seconds(UnixTime::now());
        let issuer_ended = given
            .iter()
            .filter_map(|der| Certificate::parse(der).ok())
            .find(|issuer| cert.issued_by(issuer) && issuer.not_after < now)
            .map(|issuer| (issuer.subject().unwrap_or_default(), issuer.not_after));
        let refused = Refused {
            subject: cert.subject(),
            issuer: cert.issuer(),
            self_signed: cert.is_self_issued(),
            issuer_ended,
            beyond_us: cert.key.beyond_us(),
            validity: Some(Validity::from(&cert)),
        };
        self.notes.with(|seen| seen.refused = Some(refused));
    }

    /// Is this a CA's certificate signed by one of those given? By CAs between them it may not
    /// be, nor by one for some names only: that is for rustls to judge, which will not.
    fn issuer_given(&self, leaf: &[u8], trusted: &Trusted, now: UnixTime) -> bool {
        let known = &self.provider.signature_verification_algorithms;
        let Ok(cert) = Certificate::parse(leaf) else { return false };
        cert.extensions.ca
            && trusted.given().iter().filter_map(|der| Certificate::parse(der).ok()).any(|issuer| {
                issuer.extensions.ca
                    && !issuer.extensions.constrained
                    && (issuer.not_before..=issuer.not_after).contains(&seconds(now))
                    && cert.signed_by(&issuer, known)
            })
    }

    fn signature(
        &self,
        cert: &CertificateDer<'_>,
        verify: impl FnOnce() -> Result<HandshakeSignatureValid, rustls::Error>,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        match self.trust {
            // Nothing is known of the certificate, so its key proves nothing either; and ring
            // could not read every key that the official client accepts here.
            Trust::Everyone => Ok(HandshakeSignatureValid::assertion()),
            Trust::Roots(_) => verify().inspect_err(|_| self.refuse(cert)),
        }
    }
}

impl ServerCertVerifier for ServerCheck {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Trust::Roots(trusted) = &self.trust else {
            return Ok(ServerCertVerified::assertion());
        };
        let refusal = match &trusted.verifier {
            Some(verifier) => verifier.verify_server_cert(leaf, between, name, ocsp, now),
            None => Err(CertificateError::UnknownIssuer.into()),
        };
        refusal
            .or_else(|refusal| match refusal {
                // Given by the user as it is, a CA's flag in it or not: what
                // `openssl req -x509` makes. Go takes it for its own root.
                _ if trusted.given().contains(leaf) => on_its_own(leaf, name, now),
                // A server's certificate with a CA's flag, from a CA: what
                // `openssl req -x509 -CA` makes. For Go the flag is no fault.
                rustls::Error::InvalidCertificate(CertificateError::Other(_))
                    if self.issuer_given(leaf, trusted, now) =>
                {
                    on_its_own(leaf, name, now)
                }
                rustls::Error::InvalidCertificate(CertificateError::Other(_)) if is_ca(leaf) => {
                    Err(CertificateError::UnknownIssuer.into())
                }
                // Signed by one of that name, but not by the one given: a CA that was made anew, as a rule.
                rustls::Error::InvalidCertificate(CertificateError::BadSignature)
                    if !issuer_beyond_us(leaf, trusted) =>
                {
                    Err(CertificateError::UnknownIssuer.into())
                }
                refusal => Err(refusal),
            })
            .inspect_err(|_| self.refuse(leaf))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        self.signature(cert, || verify_tls12_signature(message, cert, signed, algorithms))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        self.signature(cert, || verify_tls13_signature(message, cert, signed, algorithms))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Is the issuer given, with a key that no signature can be verified with here?
fn issuer_beyond_us(leaf: &[u8], trusted: &Trusted) -> bool {
    let Ok(cert) = Certificate::parse(leaf) else { return false };
    let mut given = trusted.given().iter().filter_map(|der| Certificate::parse(der).ok());
    given.any(|issuer| cert.issued_by(&issuer) && issuer.key.beyond_us().is_some())
}

fn is_ca(leaf: &[u8]) -> bool {
    Certificate::parse(leaf).is_ok_and(|cert| cert.extensions.ca)
}

/// What remains to be checked where the signature is not in doubt: name, dates and purpose.
fn on_its_own(
    leaf: &CertificateDer<'_>,
    name: &ServerName<'_>,
    now: UnixTime,
) -> Result<ServerCertVerified, rustls::Error> {
    let cert = Certificate::parse(leaf).map_err(|_| CertificateError::BadEncoding)?;
    let time = seconds(now);
    if time > cert.not_after {
        let not_after = unix(cert.not_after);
        return Err(CertificateError::ExpiredContext { time: now, not_after }.into());
    }
    if time < cert.not_before {
        let not_before = unix(cert.not_before);
        return Err(CertificateError::NotValidYetContext { time: now, not_before }.into());
    }
    if !cert.extensions.for_servers {
        let required = ExtendedKeyPurpose::ServerAuth;
        return Err(
            CertificateError::InvalidPurposeContext { required, presented: Vec::new() }.into()
        );
    }
    verify_server_name(&ParsedCertificate::try_from(leaf)?, name)?;
    Ok(ServerCertVerified::assertion())
}

fn seconds(time: UnixTime) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

fn unix(seconds: i64) -> UnixTime {
    UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds.try_into().unwrap_or(0)))
}
