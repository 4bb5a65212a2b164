//! Envelopes of KMS plugins: the value is encrypted with a data key, which the plugin encrypts.

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::super::wire::{self, Payload};
use super::{Opened, cipher};

/// What a seed is told, in front of each value (v2).
const INFO: usize = 32;
/// `HKDF_SHA256_XNONCE_AES_GCM_SEED`: the plugin unwraps a seed, and each value has a key of its own.
const SEED: u64 = 1;

/// Version 1: the length of the wrapped key in two bytes, that key, then the value. Writers before 1.25
/// used CBC.
pub fn open_v1(unwrapped: &[u8], body: &[u8], key: &[u8]) -> Option<Opened> {
    let (length, rest) = body.split_first_chunk()?;
    let data = rest.get(usize::from(u16::from_be_bytes(*length))..)?;
    cipher::aes_gcm(unwrapped, data, key).or_else(|| cipher::aes_cbc(unwrapped, data))
}

/// Version 2: `EncryptedObject` of the API server's `kmstypes/v2`.
#[derive(Debug, Default)]
pub struct V2<'a> {
    pub key_id: &'a [u8],
    data: &'a [u8],
    source_type: u64,
}

impl<'a> V2<'a> {
    #[must_use]
    pub fn read(body: &'a [u8]) -> Option<Self> {
        let mut found = Self::default();
        for field in wire::fields(body) {
            match field.ok()? {
                (1, Payload::Bytes(data)) => found.data = data,
                (2, Payload::Bytes(id)) => found.key_id = id,
                (5, Payload::Varint(source)) => found.source_type = source,
                _ => {}
            }
        }
        Some(found)
    }

    pub fn open(&self, unwrapped: &[u8], key: &[u8]) -> Option<Opened> {
        if self.source_type != SEED {
            return cipher::aes_gcm(unwrapped, self.data, key);
        }
        let (info, data) = self.data.split_at_checked(INFO)?;
        let mut derived = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::from_prk(unwrapped).ok()?.expand(info, &mut *derived).ok()?;
        cipher::aes_gcm(&*derived, data, key)
    }
}
