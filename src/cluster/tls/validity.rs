//! Until when certificates are good.

use rustls::pki_types::CertificateDer;

use super::x509::Certificate;

/// From when until when a certificate is good, in seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validity {
    /// Its owner.
    pub name: String,
    pub ca: bool,
    pub not_before: i64,
    pub not_after: i64,
}

impl From<&Certificate<'_>> for Validity {
    fn from(cert: &Certificate<'_>) -> Self {
        Self {
            name: cert.subject().unwrap_or_default(),
            ca: cert.extensions.ca,
            not_before: cert.not_before,
            not_after: cert.not_after,
        }
    }
}

/// Those that can be read, in their order.
pub fn of(certs: &[CertificateDer<'_>]) -> Vec<Validity> {
    let read = certs.iter().filter_map(|der| Certificate::parse(der).ok());
    read.map(|cert| Validity::from(&cert)).collect()
}

/// The issuer of a certificate among those given, where that is another one.
pub fn issuer(cert: &CertificateDer<'_>, given: &[CertificateDer<'_>]) -> Option<Validity> {
    let cert = Certificate::parse(cert).ok().filter(|cert| !cert.is_self_issued())?;
    let mut given = given.iter().filter_map(|der| Certificate::parse(der).ok());
    given.find(|issuer| cert.issued_by(issuer)).map(|issuer| Validity::from(&issuer))
}
