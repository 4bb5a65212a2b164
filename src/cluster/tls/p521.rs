//! ECDSA on P-521, which ring lacks: `etcd --auto-tls` makes such keys for itself. Verified with the crate
//! `p521`; nothing is signed with it.

use std::sync::{Arc, LazyLock};

use p521::ecdsa::signature::hazmat::PrehashVerifier as _;
use p521::ecdsa::{Signature, VerifyingKey};
use ring::digest;
use rustls::SignatureScheme;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring as provider};
use rustls::pki_types::{
    AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};

use super::der::Reader;

/// Bytes of a number below the curve's order.
const BYTES: usize = 66;

/// ring's provider, with these signatures as well: offered last, so that a server that can choose chooses ring's.
pub fn also() -> Arc<CryptoProvider> {
    let mut provider = provider::default_provider();
    provider.signature_verification_algorithms = *KNOWN;
    Arc::new(provider)
}

type Algorithm = &'static dyn SignatureVerificationAlgorithm;

static KNOWN: LazyLock<WebPkiSupportedAlgorithms> = LazyLock::new(|| {
    let rings = provider::default_provider().signature_verification_algorithms;
    let mut mapping = rings.mapping.to_vec();
    mapping.push((SignatureScheme::ECDSA_NISTP521_SHA512, &OF_TLS));
    // rustls wants lists that last as long as the program; this is made once.
    WebPkiSupportedAlgorithms {
        all: [rings.all, &OF_CERTIFICATES].concat().leak(),
        mapping: mapping.leak(),
    }
});

/// TLS signs with one hash alone (RFC 8446, section 4.2.3), certificates are signed with any.
static OF_TLS: [Algorithm; 1] = [&SHA512];
static OF_CERTIFICATES: [Algorithm; 3] = [&SHA512, &SHA384, &SHA256];
static SHA256: Ecdsa = Ecdsa { hash: &digest::SHA256, id: alg_id::ECDSA_SHA256 };
static SHA384: Ecdsa = Ecdsa { hash: &digest::SHA384, id: alg_id::ECDSA_SHA384 };
static SHA512: Ecdsa = Ecdsa { hash: &digest::SHA512, id: alg_id::ECDSA_SHA512 };

/// A kind of signature, by its hash.
#[derive(Debug)]
struct Ecdsa {
    hash: &'static digest::Algorithm,
    id: AlgorithmIdentifier,
}

impl SignatureVerificationAlgorithm for Ecdsa {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let key = VerifyingKey::from_sec1_bytes(public_key).map_err(|_| InvalidSignature)?;
        let signature = read(signature).ok_or(InvalidSignature)?;
        let hash = padded(digest::digest(self.hash, message).as_ref()).ok_or(InvalidSignature)?;
        key.verify_prehash(&hash, &signature).map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P521
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.id
    }
}

/// `ECDSA-Sig-Value` of RFC 3279: two numbers.
fn read(signature: &[u8]) -> Option<Signature> {
    let mut outer = Reader(signature);
    let mut numbers = outer.sequence()?;
    let (r, s) = (padded(numbers.unsigned()?)?, padded(numbers.unsigned()?)?);
    let whole = outer.is_empty() && numbers.is_empty();
    whole.then(|| Signature::from_scalars(r, s).ok())?
}

/// The same number with zeros before it; a hash is one too, shorter than any of the curve's.
fn padded(number: &[u8]) -> Option<[u8; BYTES]> {
    let mut padded = [0; BYTES];
    let from = BYTES.checked_sub(number.len())?;
    padded.get_mut(from..)?.copy_from_slice(number);
    Some(padded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::tls::pem;
    use crate::cluster::tls::x509::Certificate;

    fn self_signed() -> Vec<u8> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls/self-p521.pem");
        pem::blocks(&std::fs::read(path).unwrap()).pop().unwrap().der.to_vec()
    }

    #[test]
    fn a_signature_is_good_as_it_is_and_bad_with_a_byte_changed() {
        let der = self_signed();
        let cert = Certificate::parse(&der).unwrap();
        assert!(cert.signed_by(&cert, &KNOWN));
        // How many bits of the signature's last byte are unused is no part of it.
        let unused = der.len() - 138;
        for at in (0..der.len()).step_by(5).filter(|at| *at != unused) {
            let mut bad = der.clone();
            bad[at] ^= 1;
            if let Ok(bad) = Certificate::parse(&bad) {
                assert!(!bad.signed_by(&cert, &KNOWN), "byte {at}");
            }
        }
    }

    #[test]
    fn what_is_no_signature_or_no_key_is_refused() {
        for (key, signature) in
            [(&[][..], &[][..]), (&[4; 133], &[0x30, 0]), (&[0; 133], &[0x30, 6, 2, 1, 1, 2, 1, 1])]
        {
            assert!(SHA512.verify_signature(key, b"message", signature).is_err());
        }
        assert!(read(&[0x30, 6, 2, 1, 1, 2, 1, 1]).is_some());
        // Zero, negative, too long, with more behind it.
        for wrong in [
            &[0x30, 6, 2, 1, 0, 2, 1, 1][..],
            &[0x30, 6, 2, 1, 0xff, 2, 1, 1],
            &[&[0x30, 0x48, 2, 0x43][..], &[1; 67], &[2, 1, 1]].concat(),
            &[0x30, 6, 2, 1, 1, 2, 1, 1, 0],
            &[0x30, 7, 2, 1, 1, 2, 1, 1, 0],
        ] {
            assert!(read(wrong).is_none(), "{wrong:?}");
        }
    }
}
