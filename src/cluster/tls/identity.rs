//! The client's certificate and key: read, checked against each other, made usable.
//!
//! The checks and their words are those of Go 1.26 `crypto/tls.X509KeyPair`, in its order.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring::sign;
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer,
};
use rustls::sign::{CertifiedKey, SigningKey};

use crate::cluster::tls::could_not_read;
use crate::cluster::tls::der::{
    self, BIT_STRING, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, context,
};
use crate::cluster::tls::pem::{self, Block};
use crate::cluster::tls::x509::{self, Certificate, Curve, PublicKey, bits};
use crate::error::{Error, Result};

/// Reads a certificate, its chain and its key.
pub fn read(cert: &Path, key: &Path) -> Result<Arc<CertifiedKey>> {
    let cert_text =
        pem::read(cert).map_err(|words| could_not_read("client certificate", cert, words))?;
    let key_text = pem::read(key).map_err(|words| could_not_read("client key", key, words))?;
    let chain = chain(cert, &cert_text)?;
    let key_block = key_block(key, &key_text)?;
    let leaf = Certificate::parse(&chain[0]).map_err(|words| {
        Error::bad_args(words).because(format!(
            "the first certificate in {} is damaged or none at all",
            cert.display()
        ))
    })?;
    let private = PrivateKey::parse(&key_block.der)
        .map_err(|words| unreadable_key(words, key, &key_block))?;
    let key = private
        .usable_with(&leaf.key, &key_block.der)
        .map_err(|refusal| refusal.error(cert, key))?;
    Ok(Arc::new(CertifiedKey::new(chain, key)))
}

/// The certificates of a file: the client's own first.
fn chain(path: &Path, text: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let (found, others): (Vec<_>, Vec<_>) =
        pem::blocks(text).into_iter().partition(|block| block.label == "CERTIFICATE");
    if !found.is_empty() {
        return Ok(found
            .into_iter()
            .map(|block| CertificateDer::from(block.der.to_vec()))
            .collect());
    }
    let shown = path.display();
    Err(match labels(&others).as_slice() {
        [] => Error::bad_args("tls: failed to find any PEM data in certificate input")
            .because(no_block(path, "CERTIFICATE")),
        [key] if key.ends_with("PRIVATE KEY") => Error::bad_args(
            "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched",
        )
        .because(format!("{shown} holds a private key, but no certificate"))
        .hint("the certificate goes with --cert, its key with --key"),
        labels => Error::bad_args(format!(
            "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of the following types: [{}]",
            labels.join(" ")
        ))
        .because(format!("{shown} holds no block \"CERTIFICATE\", only: {}", labels.join(", "))),
    })
}

/// The private key's block of a file.
fn key_block(path: &Path, text: &[u8]) -> Result<Block> {
    let mut blocks = pem::blocks(text);
    let is_key =
        |block: &Block| block.label == "PRIVATE KEY" || block.label.ends_with(" PRIVATE KEY");
    if let Some(at) = blocks.iter().position(is_key) {
        return Ok(blocks.swap_remove(at));
    }
    let shown = path.display();
    Err(match labels(&blocks).as_slice() {
        [] => Error::bad_args("tls: failed to find any PEM data in key input")
            .because(no_block(path, "PRIVATE KEY")),
        ["CERTIFICATE"] => Error::bad_args(
            "tls: found a certificate rather than a key in the PEM for the private key",
        )
        .because(format!("{shown} holds a certificate, but no private key"))
        .hint("the certificate goes with --cert, its key with --key"),
        labels => Error::bad_args(format!(
            "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping PEM blocks of the following types: [{}]",
            labels.join(" ")
        ))
        .because(format!("{shown} holds no private key, only: {}", labels.join(", "))),
    })
}

fn no_block(path: &Path, label: &str) -> String {
    format!(
        "{} holds no PEM block, from a line \"-----BEGIN {label}-----\" to its END line",
        path.display()
    )
}

fn labels(blocks: &[Block]) -> Vec<&str> {
    blocks.iter().map(|block| block.label.as_str()).collect()
}

fn unreadable_key(words: &'static str, path: &Path, block: &Block) -> Error {
    let (error, shown) = (Error::bad_args(words), path.display());
    if block.encrypted || block.label == "ENCRYPTED PRIVATE KEY" {
        return error
            .because(format!(
                "the private key in {shown} is encrypted, which etcd's clients cannot read"
            ))
            .hint(format!(
                "decrypt it with `openssl pkey -in {shown} -out FILE` and pass that file with --key"
            ));
    }
    error.because(format!(
        "the private key in {shown} is damaged or of a kind that is not supported; RSA, P-256, P-384 and Ed25519 are"
    ))
}

/// A private key by its parts.
enum PrivateKey<'a> {
    Rsa {
        pkcs1: &'a [u8],
        modulus: &'a [u8],
        exponent: &'a [u8],
    },
    /// The public point is optional.
    Ec {
        curve: Curve,
        scalar: &'a [u8],
        own_point: Option<&'a [u8]>,
    },
    Ed25519,
}

const NOT_A_KEY: &str = "tls: failed to parse private key";

impl<'a> PrivateKey<'a> {
    /// Go does not look at the label either: PKCS#1, PKCS#8, then SEC1.
    fn parse(der: &'a [u8]) -> Result<Self, &'static str> {
        if let Some(key) = pkcs1(der) {
            return Ok(key);
        }
        if let Some((algorithm, parameters, inner)) = pkcs8(der) {
            return match algorithm {
                x509::RSA => pkcs1(inner),
                x509::EC => sec1(inner, Reader(parameters).read(OID)),
                x509::ED25519 => Reader(inner)
                    .read(OCTET_STRING)
                    .filter(|seed| seed.len() == 32)
                    .map(|_| Self::Ed25519),
                x509::X25519 => {
                    return Err("tls: found unknown private key type in PKCS#8 wrapping");
                }
                _ => None,
            }
            .ok_or(NOT_A_KEY);
        }
        sec1(der, None).ok_or(NOT_A_KEY)
    }

    /// The key for signing, if it is the certificate's.
    fn usable_with(
        &self,
        public: &PublicKey<'_>,
        der: &[u8],
    ) -> Result<Arc<dyn SigningKey>, Refusal> {
        match (self, *public) {
            (_, PublicKey::Other) => Err(Refusal::UnknownCertificateKey),
            (
                Self::Rsa { pkcs1, modulus, exponent },
                PublicKey::Rsa { modulus: n, exponent: e },
            ) => {
                if (*modulus, *exponent) != (n, e) {
                    return Err(Refusal::Mismatch);
                }
                // ring 0.17 signs with 2048 to 4096 bits.
                let size = bits(n);
                if !(2048..=4096).contains(&size) {
                    return Err(Refusal::Beyond(format!("{size}-bit RSA")));
                }
                load(&PrivatePkcs1KeyDer::from(*pkcs1).into()).ok_or(Refusal::Damaged)
            }
            (Self::Ec { curve, .. }, PublicKey::Ec { curve: other, .. }) if *curve != other => {
                Err(Refusal::Mismatch)
            }
            (Self::Ec { curve, scalar, own_point }, PublicKey::Ec { point, .. }) => {
                if let Some(name) = x509::beyond_us(*curve) {
                    if own_point.is_some_and(|own| own != point) {
                        return Err(Refusal::Mismatch);
                    }
                    return Err(Refusal::Beyond(name.to_owned()));
                }
                // ring wants the public point in the key, where it is optional; and then checks
                // that the two belong together.
                let sec1 = sec1_with_point(*curve, scalar, point);
                load(&PrivateSec1KeyDer::from(&sec1[..]).into()).ok_or(Refusal::Mismatch)
            }
            (Self::Ed25519, PublicKey::Ed25519(point)) => {
                let key = load(&PrivatePkcs8KeyDer::from(der).into()).ok_or(Refusal::Damaged)?;
                match key.public_key() {
                    Some(own) if own.ends_with(point) => Ok(key),
                    _ => Err(Refusal::Mismatch),
                }
            }
            _ => Err(Refusal::OtherKind),
        }
    }
}

fn load(key: &PrivateKeyDer<'_>) -> Option<Arc<dyn SigningKey>> {
    sign::any_supported_type(key).ok()
}

/// `RSAPrivateKey` of RFC 8017.
fn pkcs1(der: &[u8]) -> Option<PrivateKey<'_>> {
    let mut fields = Reader(der).sequence()?;
    fields.integer()?;
    let (modulus, exponent) = (fields.unsigned()?, fields.unsigned()?);
    // Private exponent, two primes and what speeds them up.
    (0..6).try_for_each(|_| fields.unsigned().map(drop))?;
    Some(PrivateKey::Rsa { pkcs1: der, modulus, exponent })
}

/// `PrivateKeyInfo` of RFC 5208: algorithm, its parameters, the key inside.
fn pkcs8(der: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let mut fields = Reader(der).sequence()?;
    fields.integer()?;
    let mut algorithm = fields.sequence()?;
    let (oid, parameters) = (algorithm.read(OID)?, algorithm.0);
    Some((oid, parameters, fields.read(OCTET_STRING)?))
}

/// `ECPrivateKey` of RFC 5915; the curve may be named around it.
fn sec1<'a>(der: &'a [u8], curve: Option<&[u8]>) -> Option<PrivateKey<'a>> {
    let mut fields = Reader(der).sequence()?;
    (fields.integer()? == [1]).then_some(())?;
    let scalar = fields.read(OCTET_STRING)?;
    let own = fields.read(context(0)).and_then(|named| Reader(named).read(OID));
    let curve = Curve::from_oid(curve.or(own)?)?;
    let own_point = fields.read(context(1)).and_then(|point| Reader(point).bit_string());
    // Some writers leave leading zeros out, some put one too many in.
    let zeros = scalar.iter().take_while(|&&byte| byte == 0).count();
    let scalar = &scalar[zeros..];
    (scalar.len() <= curve.bytes()).then_some(PrivateKey::Ec { curve, scalar, own_point })
}

/// An `ECPrivateKey` with its public point.
fn sec1_with_point(curve: Curve, scalar: &[u8], point: &[u8]) -> zeroize::Zeroizing<Vec<u8>> {
    let mut padded = zeroize::Zeroizing::new(vec![0; curve.bytes()]);
    let from = curve.bytes() - scalar.len();
    padded[from..].copy_from_slice(scalar);
    let bits = [&[0], point].concat();
    let parts = [
        der::write(INTEGER, &[1]),
        der::write(OCTET_STRING, &padded),
        der::write(context(1), &der::write(BIT_STRING, &bits)),
    ];
    let length = parts.iter().map(|part| part.len()).sum();
    let mut inside = zeroize::Zeroizing::new(Vec::with_capacity(length));
    for part in &parts {
        inside.extend_from_slice(part);
    }
    der::write(SEQUENCE, &inside)
}

/// Why a key is of no use with its certificate.
enum Refusal {
    Mismatch,
    OtherKind,
    UnknownCertificateKey,
    Damaged,
    /// The official client could use it; ring cannot.
    Beyond(String),
}

impl Refusal {
    fn error(self, cert: &Path, key: &Path) -> Error {
        let (cert, key) = (cert.display(), key.display());
        match self {
            Self::Mismatch => Error::bad_args("tls: private key does not match public key")
                .because(format!("{key} is not the key of the certificate in {cert}"))
                .hint("both must come from the same request; compare `openssl x509 -pubkey -noout -in CERT` with `openssl pkey -pubout -in KEY`"),
            Self::OtherKind => Error::bad_args("tls: private key type does not match public key type")
                .because(format!("{key} is not the key of the certificate in {cert}: they are of different kinds")),
            Self::UnknownCertificateKey => Error::bad_args("tls: unknown public key algorithm")
                .because(format!("the certificate in {cert} has a key of a kind that TLS does not know")),
            Self::Damaged => Error::bad_args(NOT_A_KEY)
                .because(format!("the private key in {key} is damaged: its numbers do not fit together")),
            Self::Beyond(kind) => Error::bad_args(format!("tls: {kind} client keys are not supported"))
                .because(format!("the key in {key} is {kind}, which this program cannot sign with"))
                .hint("use a client certificate with an RSA key of 2048 to 4096 bits, or P-256, P-384 or Ed25519"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(name: &str) -> zeroize::Zeroizing<Vec<u8>> {
        let path = format!("{}/tests/fixtures/tls/{name}", env!("CARGO_MANIFEST_DIR"));
        pem::blocks(&std::fs::read(path).unwrap()).pop().unwrap().der
    }

    #[test]
    fn no_damage_to_a_key_or_a_certificate_makes_it_panic() {
        for (cert, key) in [
            ("p256.pem", "p256.sec1.pem"),
            ("p256.pem", "p256.key.pem"),
            ("ed25519.pem", "ed25519.key.pem"),
            ("rsa1024.pem", "rsa1024.key.pem"),
        ] {
            let (cert, key) = (der(cert), der(key));
            let leaf = Certificate::parse(&cert).unwrap();
            for at in 0..key.len() {
                let _ = PrivateKey::parse(&key[..at]);
                for byte in [0, 1, 0x7f, 0x80, 0x84, 0xff] {
                    let mut bad = key.clone();
                    bad[at] = byte;
                    if let Ok(private) = PrivateKey::parse(&bad) {
                        let _ = private.usable_with(&leaf.key, &bad);
                    }
                }
            }
            for at in 0..cert.len() {
                let _ = Certificate::parse(&cert[..at]);
                for byte in [0, 1, 0x30, 0x7f, 0x80, 0x84, 0xff] {
                    let mut bad = cert.clone();
                    bad[at] = byte;
                    if let Ok(cert) = Certificate::parse(&bad) {
                        let _ = (cert.issuer(), cert.subject(), cert.key.beyond_us());
                    }
                }
            }
        }
    }
}
