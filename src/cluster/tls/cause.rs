//! Why a TLS connection failed, in words for people.

use std::io;

use rustls::{AlertDescription, CertificateError, InvalidMessage, PeerIncompatible};

use crate::cluster::tls::TlsFiles;
use crate::cluster::tls::date::date;
use crate::cluster::tls::verify::{Notes, Refused};

/// Why a TLS connection failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsCause {
    /// Nobody trusted here signed the server's certificate.
    UnknownCa { issuer: Option<String>, self_signed: bool },
    /// The server's certificate is over, or the CA's, when that is named.
    Expired { ca: Option<String>, at: Option<i64> },
    /// The server's certificate is not valid yet.
    NotYetValid { at: Option<i64> },
    /// The server's certificate is for other names; without any, its common name may be known.
    WrongName { names: Vec<String>, common_name: Option<String> },
    /// The server's certificate is not for servers.
    WrongPurpose,
    /// The server wants a client certificate, and there is none.
    ClientCertDemanded,
    /// The server does not accept the client certificate.
    ClientCertRejected(&'static str),
    /// What answers does not speak TLS.
    NotTls,
    /// What answers speaks TLS, but not HTTP/2.
    NoHttp2,
    /// A key that we cannot verify with; its kind, where it was seen.
    UnsupportedKey(Option<String>),
    /// Anything else, in rustls' words.
    Other(String),
}

impl TlsCause {
    /// The cause in rustls' error and in what was noted beside it.
    #[must_use]
    pub fn explain(err: &rustls::Error, notes: &Notes) -> Self {
        use rustls::Error as E;
        let refused = notes.refused().unwrap_or_default();
        match err {
            E::InvalidCertificate(why) => certificate(why, refused),
            // A client certificate is refused only after the handshake, so an alert may be
            // about it (RFC 8446, section 4.4.2.4).
            E::AlertReceived(alert) => by_alert(*alert, notes),
            E::InvalidMessage(
                InvalidMessage::InvalidContentType
                | InvalidMessage::UnknownProtocolVersion
                | InvalidMessage::MessageTooLarge
                | InvalidMessage::InvalidEmptyPayload,
            ) => Self::NotTls,
            E::NoApplicationProtocol => Self::NoHttp2,
            E::PeerIncompatible(PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon) => {
                Self::ClientCertRejected("the server verifies no signature that its key can make")
            }
            other => Self::Other(other.to_string()),
        }
    }

    /// The cause in an error before the server's first frame. `None`: nothing about TLS.
    #[must_use]
    pub fn in_io(err: &io::Error, notes: &Notes) -> Option<Self> {
        let inner = err.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(inner) = inner {
            return Some(Self::explain(inner, notes));
        }
        // Old servers just hang up (etcd 3.4).
        let hung_up = matches!(
            err.kind(),
            io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
        );
        (hung_up && notes.client_certificate_missing()).then_some(Self::ClientCertDemanded)
    }

    /// The cause when a connection ended during the handshake.
    #[must_use]
    pub fn in_handshake(err: &io::Error, notes: &Notes) -> Option<Self> {
        Self::in_io(err, notes).or_else(|| {
            // What etcd does on a port for plain text: it hangs up, and what we had written by then
            // decides how that shows.
            let hung_up = matches!(
                err.kind(),
                io::ErrorKind::UnexpectedEof
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::BrokenPipe
            );
            hung_up.then_some(Self::NotTls)
        })
    }

    /// One sentence, to follow the endpoint and a colon.
    #[must_use]
    pub fn sentence(&self, files: &TlsFiles) -> String {
        match self {
            Self::UnknownCa { issuer, self_signed } => {
                let signed = match (issuer, self_signed) {
                    (_, true) => "signed by itself".to_owned(),
                    (Some(issuer), false) => format!("signed by {issuer:?}"),
                    (None, false) => "signed by a CA".to_owned(),
                };
                let place = match &files.cacert {
                    Some(path) => format!("which is not in {}", path.display()),
                    None => "which is not trusted here".to_owned(),
                };
                format!("the server's certificate is {signed}, {place}")
            }
            Self::Expired { ca, at } => {
                let whose = match ca {
                    Some(name) => format!("the certificate of the CA {name:?}"),
                    None => "the server's certificate".to_owned(),
                };
                match at {
                    Some(at) => format!("{whose} expired on {}", date(*at)),
                    None => format!("{whose} has expired"),
                }
            }
            Self::NotYetValid { at: Some(at) } => {
                format!("the server's certificate is not valid before {}", date(*at))
            }
            Self::NotYetValid { at: None } => "the server's certificate is not valid yet".to_owned(),
            Self::WrongName { names, common_name } => match (names.as_slice(), common_name) {
                ([], Some(name)) => format!(
                    "the server's certificate names no host; its common name {name:?} does not count"
                ),
                ([], None) => "the server's certificate names no host".to_owned(),
                (names, _) => {
                    format!("the server's certificate is for other names: {}", names.join(", "))
                }
            },
            Self::WrongPurpose => {
                "the server's certificate may not be used by a server".to_owned()
            }
            Self::ClientCertDemanded => {
                "the server demands a client certificate, and none was given".to_owned()
            }
            Self::ClientCertRejected(why) => match &files.cert {
                Some(path) => format!(
                    "the server rejects the client certificate {}: {why}",
                    path.display()
                ),
                None => format!("the server rejects the client certificate: {why}"),
            },
            Self::NotTls => "what answers there does not speak TLS".to_owned(),
            Self::NoHttp2 => {
                "what answers there speaks TLS, but not HTTP/2: it is no etcd, or a proxy is between"
                    .to_owned()
            }
            Self::UnsupportedKey(Some(kind)) => format!(
                "the server's key is {kind}, which this program cannot verify"
            ),
            Self::UnsupportedKey(None) => {
                "the server's certificate and this program have no kind of signature in common (P-224 and RSA below 2048 bits are not supported)".to_owned()
            }
            Self::Other(words) => format!("TLS failed: {words}"),
        }
    }

    /// The way out, where there is one.
    #[must_use]
    pub fn hint(&self, files: &TlsFiles) -> Option<String> {
        Some(match self {
            Self::UnknownCa { .. } => match &files.cacert {
                None => "pass that CA with --cacert (kubeadm keeps it in /etc/kubernetes/pki/etcd/ca.crt)".to_owned(),
                Some(path) => format!("is {} the CA of this cluster?", path.display()),
            },
            Self::Expired { ca: Some(_), .. } => {
                "a new CA is needed, and new certificates from it".to_owned()
            }
            Self::Expired { ca: None, .. } => {
                "renew it (kubeadm certs renew etcd-server) and restart etcd, or check this machine's clock".to_owned()
            }
            Self::NotYetValid { .. } => {
                "check the clock of this machine, and of the one that issued it".to_owned()
            }
            Self::WrongName { names, .. } if names.is_empty() => {
                "the certificate needs a subject alternative name".to_owned()
            }
            Self::WrongName { .. } => "use one of these names in --endpoints".to_owned(),
            Self::WrongPurpose => {
                "the certificate needs the extended key usage serverAuth".to_owned()
            }
            Self::ClientCertDemanded => "pass one with --cert and --key (kubeadm keeps one in /etc/kubernetes/pki/etcd/healthcheck-client.crt and .key)".to_owned(),
            Self::ClientCertRejected(_) => {
                "it must come from a CA in the server's --trusted-ca-file, be in date, and be for clients".to_owned()
            }
            Self::NotTls => "write http:// before the endpoint, or leave --cacert, --cert and --key out".to_owned(),
            Self::NoHttp2 => "is that etcd's client port?".to_owned(),
            Self::UnsupportedKey(_) => {
                "--insecure-skip-tls-verify connects without verifying the server".to_owned()
            }
            Self::Other(_) => return None,
        })
    }
}

fn certificate(why: &CertificateError, refused: Refused) -> TlsCause {
    use CertificateError as C;
    if let Some((name, at)) = refused.issuer_ended
        && *why == C::UnknownIssuer
    {
        return TlsCause::Expired { ca: Some(name), at: Some(at) };
    }
    match why {
        C::UnknownIssuer => {
            TlsCause::UnknownCa { issuer: refused.issuer, self_signed: refused.self_signed }
        }
        C::Expired => TlsCause::Expired { ca: None, at: None },
        C::ExpiredContext { not_after, .. } => {
            TlsCause::Expired { ca: None, at: i64::try_from(not_after.as_secs()).ok() }
        }
        C::NotValidYet => TlsCause::NotYetValid { at: None },
        C::NotValidYetContext { not_before, .. } => {
            TlsCause::NotYetValid { at: i64::try_from(not_before.as_secs()).ok() }
        }
        C::NotValidForName => {
            TlsCause::WrongName { names: Vec::new(), common_name: refused.subject }
        }
        C::NotValidForNameContext { presented, .. } => TlsCause::WrongName {
            names: presented.iter().map(|name| bare(name)).collect(),
            common_name: refused.subject,
        },
        C::InvalidPurpose | C::InvalidPurposeContext { .. } => TlsCause::WrongPurpose,
        C::UnsupportedSignatureAlgorithmContext { .. }
        | C::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            TlsCause::UnsupportedKey(refused.beyond_us)
        }
        C::BadSignature if refused.beyond_us.is_some() => {
            TlsCause::UnsupportedKey(refused.beyond_us)
        }
        other => TlsCause::Other(other.to_string()),
    }
}

/// `DnsName("localhost")` and `IpAddress(127.0.0.1)`, as rustls-webpki 0.103 writes names,
/// without what it writes around them.
fn bare(name: &str) -> String {
    let inside = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inside.unwrap_or(name).trim_matches('"').to_owned()
}

/// Go 1.26's servers: `crypto/tls.Conn.processCertsFromClient`.
fn by_alert(alert: AlertDescription, notes: &Notes) -> TlsCause {
    use AlertDescription as A;
    use TlsCause::ClientCertRejected as Rejected;
    match alert {
        A::CertificateRequired => TlsCause::ClientCertDemanded,
        A::NoApplicationProtocol => TlsCause::NoHttp2,
        // Of ours it can only be the signatures offered: every etcd knows our ciphers.
        A::HandshakeFailure if !notes.client_certificate_sent() => TlsCause::UnsupportedKey(None),
        _ if notes.client_certificate_missing() => TlsCause::ClientCertDemanded,
        _ if !notes.client_certificate_sent() => TlsCause::Other(words(alert)),
        A::UnknownCA => Rejected("it is signed by a CA that the server does not trust"),
        A::CertificateExpired => Rejected("it has expired or is not valid yet"),
        A::CertificateRevoked => Rejected("it has been revoked"),
        A::BadCertificate => Rejected("it is not for clients, or not a name the server wants"),
        A::UnsupportedCertificate => Rejected("its kind is not supported there"),
        A::CertificateUnknown | A::AccessDenied => Rejected("no reason is given"),
        A::DecryptError => Rejected("its signature is not accepted"),
        other => TlsCause::Other(words(other)),
    }
}

fn words(alert: AlertDescription) -> String {
    format!("the server refused the connection ({alert:?})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> TlsFiles {
        TlsFiles { cacert: Some("/p/ca.crt".into()), ..TlsFiles::default() }
    }

    #[test]
    fn an_unknown_ca_is_named_and_asked_for() {
        let cause = TlsCause::UnknownCa { issuer: Some("etcd-ca".into()), self_signed: false };
        assert_eq!(
            cause.sentence(&TlsFiles::default()),
            "the server's certificate is signed by \"etcd-ca\", which is not trusted here"
        );
        assert_eq!(
            cause.hint(&TlsFiles::default()).unwrap(),
            "pass that CA with --cacert (kubeadm keeps it in /etc/kubernetes/pki/etcd/ca.crt)"
        );
        assert_eq!(
            cause.sentence(&files()),
            "the server's certificate is signed by \"etcd-ca\", which is not in /p/ca.crt"
        );
    }

    #[test]
    fn names_come_without_rustls_wrapping() {
        assert_eq!(bare("DnsName(\"localhost\")"), "localhost");
        assert_eq!(bare("IpAddress(127.0.0.1)"), "127.0.0.1");
        assert_eq!(bare("odd"), "odd");
    }

    #[test]
    fn a_server_without_a_signature_in_common_says_no_more_than_that() {
        let err = rustls::Error::AlertReceived(AlertDescription::HandshakeFailure);
        let cause = TlsCause::explain(&err, &Notes::default());
        assert_eq!(cause, TlsCause::UnsupportedKey(None));
        assert!(cause.sentence(&files()).contains("no kind of signature in common"));
    }

    #[test]
    fn a_server_that_answers_in_plain_text_speaks_no_tls() {
        let notes = Notes::default();
        let err = rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType);
        assert_eq!(TlsCause::explain(&err, &notes), TlsCause::NotTls);
        let end = io::Error::from(io::ErrorKind::UnexpectedEof);
        assert_eq!(TlsCause::in_handshake(&end, &notes), Some(TlsCause::NotTls));
        assert_eq!(TlsCause::in_io(&end, &notes), None);
    }
}
