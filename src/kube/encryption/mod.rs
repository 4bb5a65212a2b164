//! Values encrypted at rest: which provider and key they name, and opening them where the key is at hand.
//!
//! The forms are those of kube-apiserver: `k8s:enc:PROVIDER:VERSION:NAME:` and then the provider's own.
//! AES-GCM binds a value to its key in etcd: under another key it cannot be opened.

mod cipher;
mod config;
mod kms;

use std::fmt;

use zeroize::Zeroizing;

use super::envelope::{self, Look};
use super::tree;

pub use config::ConfigError;

/// The bytes of a key, which are wiped and never printed.
type KeyBytes = Zeroizing<Vec<u8>>;
/// A value that was opened; it may be a secret.
pub type Opened = Zeroizing<Vec<u8>>;

/// The ciphers that a provider may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Provider {
    AesCbc,
    AesGcm,
    SecretBox,
    KmsV1,
    KmsV2,
}

impl Provider {
    const ALL: [Self; 5] = [Self::AesCbc, Self::AesGcm, Self::SecretBox, Self::KmsV1, Self::KmsV2];

    /// What stands behind `k8s:enc:`.
    fn prefix(self) -> &'static str {
        match self {
            Self::AesCbc => "aescbc:v1:",
            Self::AesGcm => "aesgcm:v1:",
            Self::SecretBox => "secretbox:v1:",
            Self::KmsV1 => "kms:v1:",
            Self::KmsV2 => "kms:v2:",
        }
    }
}

/// What an encrypted value tells without any key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// `aescbc:v1`, `kms:v2`, or what the value says where it is none that is known.
    pub provider: String,
    /// The key's name, or the KMS plugin's.
    pub name: String,
    /// By which key the plugin encrypted (KMS v2).
    pub key_id: Option<String>,
}

impl fmt::Display for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key_id {
            None => write!(f, "encrypted by {}, key {:?}", self.provider, self.name),
            Some(id) => {
                write!(f, "encrypted by {}, plugin {:?}, key {id:?}", self.provider, self.name)
            }
        }
    }
}

/// What a value says of its encryption; `None` where it is not encrypted.
#[must_use]
pub fn sealed(value: &[u8]) -> Option<Sealed> {
    let inside = value.strip_prefix(envelope::ENCRYPTED)?;
    let part = |rest: &[u8]| {
        let end = rest.iter().position(|byte| *byte == b':').unwrap_or(rest.len());
        (tree::text(&rest[..end]).into_owned(), end + 1)
    };
    let Some(provider) =
        Provider::ALL.into_iter().find(|one| inside.starts_with(one.prefix().as_bytes()))
    else {
        let (provider, end) = part(inside);
        let (version, _) = part(inside.get(end..).unwrap_or_default());
        let provider = format!("{provider}:{version}");
        return Some(Sealed { provider, name: String::new(), key_id: None });
    };
    let rest = &inside[provider.prefix().len()..];
    let (name, end) = part(rest);
    let body = rest.get(end..).unwrap_or_default();
    let key_id = (provider == Provider::KmsV2).then(|| kms::V2::read(body)).flatten();
    Some(Sealed {
        provider: provider.prefix().trim_end_matches(':').to_owned(),
        name,
        key_id: key_id.map(|envelope| tree::text(envelope.key_id).into_owned()),
    })
}

/// Keys by provider and name. Several may have one name; each is tried.
#[derive(Clone, Default)]
pub struct Keys {
    keys: Vec<(Provider, String, KeyBytes)>,
    /// Data keys and seeds that a KMS plugin has unwrapped.
    unwrapped: Vec<KeyBytes>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.keys.iter().map(|(provider, name, _)| (provider.prefix(), name));
        f.debug_list().entries(names).finish()
    }
}

impl Keys {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.unwrapped.is_empty()
    }

    /// Opens a value that is stored under `key`; `None` where no key fits.
    ///
    /// CBC has no seal of its own: a wrong key is noticed by what comes out of it.
    #[must_use]
    pub fn open(&self, key: &[u8], value: &[u8]) -> Option<Opened> {
        let inside = value.strip_prefix(envelope::ENCRYPTED)?;
        for (provider, name, secret) in &self.keys {
            // Names may hold colons, so what is configured decides where they end.
            let body = inside
                .strip_prefix(provider.prefix().as_bytes())
                .and_then(|rest| rest.strip_prefix(name.as_bytes()))
                .and_then(|rest| rest.strip_prefix(b":"));
            let opened = body.and_then(|body| match provider {
                Provider::AesCbc => cipher::aes_cbc(secret, body),
                Provider::AesGcm => cipher::aes_gcm(secret, body, key),
                Provider::SecretBox => cipher::secretbox(secret, body),
                Provider::KmsV1 | Provider::KmsV2 => None,
            });
            if let Some(opened) = opened.filter(|plain| is_stored(plain)) {
                return Some(opened);
            }
        }
        let (provider, body) = [Provider::KmsV1, Provider::KmsV2].into_iter().find_map(|one| {
            let rest = inside.strip_prefix(one.prefix().as_bytes())?;
            let end = rest.iter().position(|byte| *byte == b':')?;
            Some((one, &rest[end + 1..]))
        })?;
        self.unwrapped.iter().find_map(|unwrapped| {
            let opened = match provider {
                Provider::KmsV1 => kms::open_v1(unwrapped, body, key),
                _ => kms::V2::read(body)?.open(unwrapped, key),
            };
            opened.filter(|plain| is_stored(plain))
        })
    }
}

/// Whether a plain text is one that an API server has stored.
fn is_stored(plain: &[u8]) -> bool {
    matches!(envelope::look(plain), Look::Stored(_))
}
