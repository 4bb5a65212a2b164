//! Envelopes of KMS plugins: the value is encrypted with a data key, which the plugin encrypts.

use std::collections::BTreeMap;
use std::time::Duration;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::super::tree;
use super::super::wire::{self, Payload};
use super::{Opened, cipher};

/// What a seed is told, in front of each value (v2).
const INFO: usize = 32;
/// `HKDF_SHA256_XNONCE_AES_GCM_SEED`: the plugin unwraps a seed, and each value has a key of its own.
const SEED: u64 = 1;

/// A plugin, as the API server's configuration names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugin {
    pub name: String,
    pub version: Version,
    /// The socket that it answers on, as `unix:///run/kms.sock`.
    pub endpoint: String,
    pub timeout: Duration,
}

/// The API that a plugin speaks, and the form of what it seals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    V1,
    V2,
}

/// A key that a plugin is to unwrap before a value can be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapped {
    pub plugin: Plugin,
    pub key: Vec<u8>,
    /// By which of its own keys the plugin wrapped it, and what it wants to hear again (v2).
    pub key_id: String,
    pub annotations: BTreeMap<String, Vec<u8>>,
}

/// Version 1: the length of the wrapped key in two bytes, that key, then the value.
#[must_use]
pub fn split_v1(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = body.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

/// Writers before 1.25 used CBC.
pub fn open_v1(unwrapped: &[u8], body: &[u8], key: &[u8]) -> Option<Opened> {
    let (_, data) = split_v1(body)?;
    cipher::aes_gcm(unwrapped, data, key).or_else(|| cipher::aes_cbc(unwrapped, data))
}

/// Version 2: `EncryptedObject` of the API server's `kmstypes/v2`.
#[derive(Debug, Default)]
pub struct V2<'a> {
    pub key_id: &'a [u8],
    /// The data key or the seed, wrapped.
    pub source: &'a [u8],
    pub annotations: BTreeMap<String, Vec<u8>>,
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
                (3, Payload::Bytes(source)) => found.source = source,
                (4, Payload::Bytes(entry)) => {
                    let mut parts = (String::new(), Vec::new());
                    for part in wire::fields(entry) {
                        match part.ok()? {
                            (1, Payload::Bytes(name)) => parts.0 = tree::text(name).into_owned(),
                            (2, Payload::Bytes(value)) => parts.1 = value.to_vec(),
                            _ => {}
                        }
                    }
                    found.annotations.insert(parts.0, parts.1);
                }
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
