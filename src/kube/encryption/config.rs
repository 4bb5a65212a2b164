//! `EncryptionConfiguration`: the file that an API server has its keys from.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::super::tree::Tree;
use super::super::yaml;
use super::{Keys, Provider};

/// What is wrong with the file. Keys are never named, only where they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

impl Keys {
    /// The keys of an `EncryptionConfiguration`, in YAML or JSON. For which resources each is meant is
    /// passed over: a value says by which key it was encrypted.
    ///
    /// # Errors
    /// Another kind of file, or keys that are none.
    pub fn of_config(text: &[u8]) -> Result<Self, ConfigError> {
        let mut file =
            yaml::read(text).map_err(|err| ConfigError(format!("it is no YAML: {err}")))?;
        let keys = Self::of(&file);
        file.wipe();
        keys
    }

    fn of(file: &Tree) -> Result<Self, ConfigError> {
        let wrong = |what: String| ConfigError(what);
        let kind = file.get("kind").and_then(Tree::as_text).unwrap_or_default();
        if !["EncryptionConfiguration", "EncryptionConfig"].contains(&kind) {
            return Err(wrong("it is no EncryptionConfiguration".to_owned()));
        }
        let mut found = Self::default();
        for (at, resources) in list(file, "resources").iter().enumerate() {
            for (place, provider) in list(resources, "providers").iter().enumerate() {
                let place = format!("resources[{at}].providers[{place}]");
                for (name, cipher, sizes) in [
                    ("aescbc", Provider::AesCbc, &[16, 24, 32][..]),
                    ("aesgcm", Provider::AesGcm, &[16, 24, 32]),
                    ("secretbox", Provider::SecretBox, &[32]),
                ] {
                    let Some(keys) = provider.get(name) else { continue };
                    for (key_at, key) in list(keys, "keys").iter().enumerate() {
                        let place = format!("{place}.{name}.keys[{key_at}]");
                        let text = |name: &str| {
                            key.get(name)
                                .and_then(Tree::as_text)
                                .ok_or_else(|| wrong(format!("{place} has no {name}")))
                        };
                        let secret = STANDARD
                            .decode(text("secret")?)
                            .map(Zeroizing::new)
                            .map_err(|_| wrong(format!("{place}.secret is not base64")))?;
                        if !sizes.contains(&secret.len()) {
                            let length = secret.len();
                            let words = format!("{place}.secret has {length} bytes; no key has");
                            return Err(wrong(words));
                        }
                        found.keys.push((cipher, text("name")?.to_owned(), secret));
                    }
                }
            }
        }
        Ok(found)
    }
}

fn list<'t, 'a>(tree: &'t Tree<'a>, name: &str) -> &'t [Tree<'a>] {
    match tree.get(name) {
        Some(Tree::List(items)) => items,
        _ => &[],
    }
}
