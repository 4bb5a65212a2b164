//! Values encrypted at rest: which provider and key they name, and opening them where the key is at hand.
//!
//! The forms are those of kube-apiserver: `k8s:enc:PROVIDER:VERSION:NAME:` and then the provider's own.
//! AES-GCM binds a value to its key in etcd: under another key it cannot be opened.

mod cipher;
mod config;
mod kms;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

use super::envelope::{self, Look};
use super::tree;

pub use config::ConfigError;
pub use kms::{Plugin, Version, Wrapped};

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
    configured: Vec<(Provider, String, KeyBytes)>,
    /// Data keys and seeds that a KMS plugin has unwrapped.
    unwrapped: Vec<KeyBytes>,
    /// Plugins that can unwrap more.
    plugins: Vec<Plugin>,
    /// What they did unwrap, by its wrapped form; every clone knows it.
    learned: Arc<Mutex<Learned>>,
}

type Learned = HashMap<Vec<u8>, KeyBytes>;

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.configured.iter().map(|(provider, name, _)| (provider.prefix(), name));
        f.debug_list().entries(names).finish()
    }
}

impl Keys {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.configured.is_empty() && self.unwrapped.is_empty() && self.plugins.is_empty()
    }

    /// Opens a value that is stored under `key`; `None` where no key fits.
    ///
    /// CBC has no seal of its own: a wrong key is noticed by what comes out of it.
    #[must_use]
    pub fn open(&self, key: &[u8], value: &[u8]) -> Option<Opened> {
        let inside = value.strip_prefix(envelope::ENCRYPTED)?;
        for (provider, name, secret) in &self.configured {
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
        let (version, _, body) = self.by_plugin(inside)?;
        let envelope = match version {
            Version::V1 => None,
            Version::V2 => Some(kms::V2::read(body)?),
        };
        let wrapped = match &envelope {
            None => kms::split_v1(body)?.0,
            Some(envelope) => envelope.source,
        };
        let learned = self.learned();
        learned.get(wrapped).into_iter().chain(&self.unwrapped).find_map(|unwrapped| {
            let opened = match &envelope {
                None => kms::open_v1(unwrapped, body, key),
                Some(envelope) => envelope.open(unwrapped, key),
            };
            opened.filter(|plain| is_stored(plain))
        })
    }

    /// What a configured plugin has to unwrap before a value can be opened; `None` where no plugin is asked, or it
    /// has done so.
    #[must_use]
    pub fn wrapped(&self, value: &[u8]) -> Option<Wrapped> {
        if self.plugins.is_empty() {
            return None;
        }
        let (version, plugin, body) = self.by_plugin(value.strip_prefix(envelope::ENCRYPTED)?)?;
        let plugin = plugin?.clone();
        let wrapped = match version {
            Version::V1 => {
                let key = kms::split_v1(body)?.0.to_vec();
                Wrapped { plugin, key, key_id: String::new(), annotations: [].into() }
            }
            Version::V2 => {
                let kms::V2 { key_id, source, annotations, .. } = kms::V2::read(body)?;
                let key_id = tree::text(key_id).into_owned();
                Wrapped { plugin, key: source.to_vec(), key_id, annotations }
            }
        };
        (!self.learned().contains_key(&wrapped.key)).then_some(wrapped)
    }

    /// Keeps what a plugin has unwrapped. Of version 1 each value has a key of its own: only so many are kept.
    pub fn learn(&self, wrapped: Vec<u8>, key: Vec<u8>) {
        const MOST: usize = 4096;
        let mut learned = self.learned();
        if learned.len() >= MOST {
            learned.clear();
        }
        learned.insert(wrapped, Zeroizing::new(key));
    }

    fn learned(&self) -> MutexGuard<'_, Learned> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Of a value that a plugin has sealed: in which form, by which of those configured, and what follows its name.
    fn by_plugin<'v>(&self, inside: &'v [u8]) -> Option<(Version, Option<&Plugin>, &'v [u8])> {
        let (version, rest) = [(Version::V1, Provider::KmsV1), (Version::V2, Provider::KmsV2)]
            .into_iter()
            .find_map(|(version, provider)| {
                Some((version, inside.strip_prefix(provider.prefix().as_bytes())?))
            })?;
        // Names may hold colons, so what is configured decides where they end.
        let configured = self.plugins.iter().filter(|plugin| plugin.version == version);
        let named = configured.into_iter().find_map(|plugin| {
            let rest = rest.strip_prefix(plugin.name.as_bytes())?.strip_prefix(b":")?;
            Some((version, Some(plugin), rest))
        });
        named.or_else(|| {
            let end = rest.iter().position(|byte| *byte == b':')?;
            Some((version, None, &rest[end + 1..]))
        })
    }
}

/// Whether a plain text is one that an API server has stored.
fn is_stored(plain: &[u8]) -> bool {
    matches!(envelope::look(plain), Look::Stored(_))
}
