//! A certificate read as far as we need it: whose it is, until when, with which key, for what.
//!
//! In the order of Go 1.26 `crypto/x509.parseCertificate`, failing with its words: they are the
//! last line of the official client. Extensions are walked, but only the purposes are read; what
//! else is wrong inside one is left to rustls.

use rustls::crypto::WebPkiSupportedAlgorithms;

use crate::cluster::tls::date::{generalized_time, utc_time};
use crate::cluster::tls::der::{
    BIT_STRING, BOOLEAN, GENERALIZED_TIME, OCTET_STRING, OID, Reader, SEQUENCE, SET, UTC_TIME,
    context,
};

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x1e];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
const ANY_USAGE: &[u8] = &[0x55, 0x1d, 0x25, 0x00];
const SERVER_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];

pub const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
pub const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
pub const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
pub const X25519: &[u8] = &[0x2b, 0x65, 0x6e];

/// The curves Go knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    P224,
    P256,
    P384,
    P521,
}

impl Curve {
    pub fn from_oid(oid: &[u8]) -> Option<Self> {
        match oid {
            [0x2b, 0x81, 0x04, 0x00, 0x21] => Some(Self::P224),
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07] => Some(Self::P256),
            [0x2b, 0x81, 0x04, 0x00, 0x22] => Some(Self::P384),
            [0x2b, 0x81, 0x04, 0x00, 0x23] => Some(Self::P521),
            _ => None,
        }
    }

    /// The bytes of a private key.
    pub fn bytes(self) -> usize {
        match self {
            Self::P224 => 28,
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

/// A public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicKey<'a> {
    Rsa {
        modulus: &'a [u8],
        exponent: &'a [u8],
    },
    Ec {
        curve: Curve,
        point: &'a [u8],
    },
    Ed25519(&'a [u8]),
    /// Read by neither Go's TLS nor ours: DSA, Ed448 …
    Other,
}

/// The bits of a number without leading zero.
pub fn bits(number: &[u8]) -> usize {
    number.first().map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

impl PublicKey<'_> {
    /// What we cannot do with this key, said by name. ring verifies RSA from 2048 to 8192 bits,
    /// P-256, P-384 and Ed25519 (ring 0.17 `signature`); P-521 is verified beside it.
    pub fn beyond_us(&self) -> Option<String> {
        match *self {
            Self::Rsa { modulus, .. } => match bits(modulus) {
                2048..=8192 => None,
                size => Some(format!("{size}-bit RSA")),
            },
            Self::Ec { curve: Curve::P224, .. } => Some("P-224".to_owned()),
            Self::Ec { .. } | Self::Ed25519(_) => None,
            Self::Other => Some("of an unknown kind".to_owned()),
        }
    }
}

/// The name of a curve that ring cannot sign on.
pub fn beyond_us(curve: Curve) -> Option<&'static str> {
    match curve {
        Curve::P224 => Some("P-224"),
        Curve::P521 => Some("P-521"),
        Curve::P256 | Curve::P384 => None,
    }
}

/// One certificate.
#[derive(Debug)]
pub struct Certificate<'a> {
    issuer: &'a [u8],
    subject: &'a [u8],
    /// Seconds since 1970.
    pub not_before: i64,
    pub not_after: i64,
    pub key: PublicKey<'a>,
    pub extensions: Extensions,
    /// The signature: what is signed, how, and the signature itself.
    signed: &'a [u8],
    signed_with: &'a [u8],
    signature: &'a [u8],
    /// The key as signatures are verified with it: its algorithm and its bits.
    key_with: &'a [u8],
    key_bits: &'a [u8],
}

/// What extensions say; the defaults are those of a certificate without them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extensions {
    pub ca: bool,
    /// A CA for some names only.
    pub constrained: bool,
    /// May it prove a server? Without a list of purposes it may.
    pub for_servers: bool,
}

impl<'a> Certificate<'a> {
    /// Reads one certificate and nothing after it, or fails with Go's words.
    pub fn parse(der: &'a [u8]) -> Result<Self, &'static str> {
        let mut input = Reader(der);
        let mut outer = input.sequence().ok_or("x509: malformed certificate")?;
        let tbs = outer.element(SEQUENCE).ok_or("x509: malformed tbs certificate")?;
        let (signed, mut tbs) = (tbs.whole, Reader(tbs.content));
        let version = version(&mut tbs)?;
        let serial = tbs.integer().ok_or("x509: malformed serial number")?;
        if serial[0] >= 0x80 {
            return Err("x509: negative serial number");
        }
        let signed_with =
            tbs.read(SEQUENCE).ok_or("x509: malformed signature algorithm identifier")?;
        let outer_signed_with =
            outer.read(SEQUENCE).ok_or("x509: malformed algorithm identifier")?;
        if signed_with != outer_signed_with {
            return Err("x509: inner and outer signature algorithm identifiers don't match");
        }
        algorithm(Reader(signed_with))?;
        let issuer = name(&mut tbs)?;
        let mut validity = tbs.sequence().ok_or("x509: malformed validity")?;
        let not_before = time(&mut validity)?;
        let not_after = time(&mut validity)?;
        let subject = name(&mut tbs)?;
        let (key, key_with, key_bits) = public_key(tbs.sequence().ok_or("x509: malformed spki")?)?;
        let mut found = Extensions { ca: false, constrained: false, for_servers: true };
        if version > 1 {
            // Unique identifiers of issuer and subject: nobody uses them.
            let _ = (tbs.read(0x81), tbs.read(0x82));
        }
        if version == 3 && tbs.at(context(3)) {
            found = extensions(&mut tbs, found)?;
        }
        let Some([0..8, signature @ ..]) = outer.read(BIT_STRING) else {
            return Err("x509: malformed signature");
        };
        if !input.is_empty() {
            return Err("x509: trailing data");
        }
        Ok(Self {
            issuer,
            subject,
            not_before,
            not_after,
            key,
            extensions: found,
            signed,
            signed_with,
            signature,
            key_with,
            key_bits,
        })
    }

    /// The issuer's common name, or what else names it.
    pub fn issuer(&self) -> Option<String> {
        called(self.issuer)
    }

    /// The owner's common name, or what else names it.
    pub fn subject(&self) -> Option<String> {
        called(self.subject)
    }

    /// Is this the issuer, by its whole name?
    pub fn issued_by(&self, issuer: &Certificate<'_>) -> bool {
        self.issuer == issuer.subject
    }

    /// Did this issuer's key sign it?
    pub fn signed_by(&self, issuer: &Certificate<'_>, known: &WebPkiSupportedAlgorithms) -> bool {
        self.issued_by(issuer)
            && known.all.iter().any(|algorithm| {
                algorithm.signature_alg_id().as_ref() == self.signed_with
                    && algorithm.public_key_alg_id().as_ref() == issuer.key_with
                    && algorithm
                        .verify_signature(issuer.key_bits, self.signed, self.signature)
                        .is_ok()
            })
    }

    pub fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }
}

fn version(tbs: &mut Reader<'_>) -> Result<u8, &'static str> {
    if !tbs.at(context(0)) {
        return Ok(1);
    }
    let number = tbs.read(context(0)).and_then(|inner| Reader(inner).unsigned());
    match number.ok_or("x509: malformed version")? {
        &[number @ 0..3] => Ok(number + 1),
        _ => Err("x509: invalid version"),
    }
}

/// An algorithm's identifier and the whole of its parameters.
fn algorithm(mut inner: Reader<'_>) -> Result<(&[u8], &[u8]), &'static str> {
    let oid = inner.read(OID).ok_or("x509: malformed OID")?;
    if inner.is_empty() {
        return Ok((oid, &[]));
    }
    let parameters = inner.any().ok_or("x509: malformed parameters")?;
    Ok((oid, parameters.whole))
}

fn name<'a>(tbs: &mut Reader<'a>) -> Result<&'a [u8], &'static str> {
    let name = tbs.read(SEQUENCE).ok_or("x509: malformed issuer")?;
    let mut sets = Reader(name);
    while !sets.is_empty() {
        let mut set = Reader(sets.read(SET).ok_or("x509: invalid RDNSequence")?);
        while !set.is_empty() {
            let mut pair = set.sequence().ok_or("x509: invalid RDNSequence: invalid attribute")?;
            pair.read(OID).ok_or("x509: invalid RDNSequence: invalid attribute type")?;
            pair.any().ok_or("x509: invalid RDNSequence: invalid attribute value")?;
        }
    }
    Ok(name)
}

/// The common name; without one, the last part of the name.
fn called(name: &[u8]) -> Option<String> {
    let mut sets = Reader(name);
    let mut last = None;
    while let Some(set) = sets.read(SET) {
        let mut set = Reader(set);
        while let Some(mut pair) = set.sequence() {
            let (oid, value) = (pair.read(OID)?, pair.any()?);
            let text = String::from_utf8_lossy(value.content).into_owned();
            if oid == COMMON_NAME {
                return Some(text);
            }
            last = Some(text);
        }
    }
    last
}

/// A key; and the same as signatures are verified with it: its algorithm and its bits.
fn public_key(mut spki: Reader<'_>) -> Result<(PublicKey<'_>, &[u8], &[u8]), &'static str> {
    let identifier = spki.sequence().ok_or("x509: malformed public key algorithm identifier")?;
    let (oid, parameters) = algorithm(identifier)?;
    let key = spki.bit_string().ok_or("x509: malformed subjectPublicKey")?;
    let public = match oid {
        RSA => {
            if parameters != [0x05, 0x00] {
                return Err("x509: RSA key missing NULL parameters");
            }
            let mut numbers = Reader(key).sequence().ok_or("x509: invalid RSA public key")?;
            let modulus = numbers.unsigned().ok_or("x509: invalid RSA modulus")?;
            let exponent = numbers.unsigned().ok_or("x509: invalid RSA public exponent")?;
            PublicKey::Rsa { modulus, exponent }
        }
        EC => {
            let named = Reader(parameters).read(OID).ok_or("x509: invalid ECDSA parameters")?;
            let curve = Curve::from_oid(named).ok_or("x509: unsupported elliptic curve")?;
            PublicKey::Ec { curve, point: key }
        }
        ED25519 if !parameters.is_empty() => {
            return Err("x509: Ed25519 key encoded with illegal parameters");
        }
        ED25519 if key.len() != 32 => return Err("x509: wrong Ed25519 public key size"),
        ED25519 => PublicKey::Ed25519(key),
        _ => PublicKey::Other,
    };
    Ok((public, identifier.0, key))
}

fn extensions(tbs: &mut Reader<'_>, mut found: Extensions) -> Result<Extensions, &'static str> {
    const MALFORMED: &str = "x509: malformed extensions";
    let mut list = Reader(tbs.read(context(3)).ok_or(MALFORMED)?).sequence().ok_or(MALFORMED)?;
    while !list.is_empty() {
        let mut extension = list.sequence().ok_or("x509: malformed extension")?;
        let oid = extension.read(OID).ok_or("x509: malformed extension OID field")?;
        if extension.at(BOOLEAN) {
            let critical = extension.read(BOOLEAN);
            if !matches!(critical, Some([0 | 0xff])) {
                return Err("x509: malformed extension critical field");
            }
        }
        let value = extension.read(OCTET_STRING).ok_or("x509: malformed extension value field")?;
        match oid {
            BASIC_CONSTRAINTS => {
                let mut inside =
                    Reader(value).sequence().ok_or("x509: invalid basic constraints")?;
                found.ca = inside.read(BOOLEAN).is_some_and(|flag| flag != [0]);
            }
            NAME_CONSTRAINTS => found.constrained = true,
            EXTENDED_KEY_USAGE => {
                const MALFORMED: &str = "x509: invalid extended key usages";
                let mut purposes = Reader(value).sequence().ok_or(MALFORMED)?;
                found.for_servers = false;
                while !purposes.is_empty() {
                    let purpose = purposes.read(OID).ok_or(MALFORMED)?;
                    found.for_servers |= purpose == SERVER_AUTH || purpose == ANY_USAGE;
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

fn time(validity: &mut Reader<'_>) -> Result<i64, &'static str> {
    if let Some(text) = validity.read(UTC_TIME) {
        utc_time(text).ok_or("x509: malformed UTCTime")
    } else if let Some(text) = validity.read(GENERALIZED_TIME) {
        generalized_time(text).ok_or("x509: malformed GeneralizedTime")
    } else if validity.at(UTC_TIME) {
        Err("x509: malformed UTCTime")
    } else if validity.at(GENERALIZED_TIME) {
        Err("x509: malformed GeneralizedTime")
    } else {
        Err("x509: unsupported time format")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_things_than_certificates_get_go_s_words() {
        for (der, wanted) in [
            (&[][..], "x509: malformed certificate"),
            (b"text", "x509: malformed certificate"),
            (&[0x06, 1, 1], "x509: malformed certificate"),
            // A PKCS#8 key begins with its version.
            (&[0x30, 3, 2, 1, 0], "x509: malformed tbs certificate"),
            // A public key begins with its algorithm.
            (&[0x30, 5, 0x30, 3, 6, 1, 1], "x509: malformed serial number"),
        ] {
            assert_eq!(Certificate::parse(der).unwrap_err(), wanted);
        }
    }
}
