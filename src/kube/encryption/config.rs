//! `EncryptionConfiguration`: the file that an API server has its keys from.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::super::tree::Tree;
use super::super::yaml;
use super::{Keys, Plugin, Provider, Version};
use crate::go::duration::GoDuration;

/// How long an API server waits for a plugin that its configuration says nothing of.
const TIMEOUT: Duration = Duration::from_secs(3);

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
    /// The keys of an `EncryptionConfiguration`.
    ///
    /// # Errors
    /// As [`Self::add_config`].
    pub fn of_config(text: &[u8]) -> Result<Self, ConfigError> {
        let mut keys = Self::default();
        keys.add_config(text).map(|()| keys)
    }

    /// Adds the keys of an `EncryptionConfiguration`, in YAML or JSON. For which resources each is meant is
    /// passed over: a value says by which key it was encrypted.
    ///
    /// # Errors
    /// Another kind of file, or keys that are none.
    pub fn add_config(&mut self, text: &[u8]) -> Result<(), ConfigError> {
        let mut file =
            yaml::read(text).map_err(|err| ConfigError(format!("it is no YAML: {err}")))?;
        let added = self.add(&file);
        file.wipe();
        added
    }

    /// Adds what a KMS plugin has unwrapped: data keys and seeds, one a line, in hexadecimal, behind their key id and `=` or
    /// without. Each is tried on each value that a plugin has sealed.
    ///
    /// # Errors
    /// A line that is no key.
    pub fn add_unwrapped(&mut self, text: &[u8]) -> Result<(), ConfigError> {
        for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let digits = line.rsplit(|byte| *byte == b'=').next().unwrap_or_default();
            let wrong = |what: &str| ConfigError(format!("line {} {what}", at + 1));
            let key = hex(digits).ok_or_else(|| wrong("has no key in hexadecimal"))?;
            if !matches!(key.len(), 16 | 24 | 32..) {
                return Err(wrong(&format!("has a key of {} bytes; no key has", key.len())));
            }
            self.unwrapped.push(key);
        }
        Ok(())
    }

    fn add(&mut self, file: &Tree) -> Result<(), ConfigError> {
        let wrong = |what: String| ConfigError(what);
        let kind = file.get("kind").and_then(Tree::as_text).unwrap_or_default();
        if !["EncryptionConfiguration", "EncryptionConfig"].contains(&kind) {
            return Err(wrong("it is no EncryptionConfiguration".to_owned()));
        }
        for (at, resources) in list(file, "resources").iter().enumerate() {
            for (place, provider) in list(resources, "providers").iter().enumerate() {
                let place = format!("resources[{at}].providers[{place}]");
                if let Some(kms) = provider.get("kms") {
                    self.plugins.push(plugin(kms, &place)?);
                }
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
                        self.configured.push((cipher, text("name")?.to_owned(), secret));
                    }
                }
            }
        }
        Ok(())
    }
}

/// A plugin, and where it answers.
fn plugin(kms: &Tree, place: &str) -> Result<Plugin, ConfigError> {
    let text = |name: &str| kms.get(name).and_then(Tree::as_text);
    let given =
        |name: &str| text(name).ok_or_else(|| ConfigError(format!("{place}.kms has no {name}")));
    let version = match text("apiVersion") {
        None | Some("v1") => Version::V1,
        Some("v2") => Version::V2,
        Some(other) => {
            return Err(ConfigError(format!(
                "{place}.kms.apiVersion {other:?} is neither v1 nor v2"
            )));
        }
    };
    let timeout = match text("timeout") {
        None => TIMEOUT,
        Some(said) => GoDuration::parse(said)
            .ok()
            .and_then(|said| u64::try_from(said.as_nanos()).ok())
            .map(Duration::from_nanos)
            .ok_or_else(|| ConfigError(format!("{place}.kms.timeout {said:?} is no duration")))?,
    };
    let (name, endpoint) = (given("name")?.to_owned(), given("endpoint")?.to_owned());
    if !endpoint.starts_with("unix:") {
        return Err(ConfigError(format!("{place}.kms.endpoint is no socket (unix:///…)")));
    }
    Ok(Plugin { name, version, endpoint, timeout })
}

fn hex(digits: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|one| u8::try_from(one).ok());
    let mut bytes = Zeroizing::new(Vec::with_capacity(digits.len() / 2));
    for pair in digits.chunks(2) {
        let [high, low] = pair else { return None };
        bytes.push(digit(high)? << 4 | digit(low)?);
    }
    Some(bytes)
}

fn list<'t, 'a>(tree: &'t Tree<'a>, name: &str) -> &'t [Tree<'a>] {
    match tree.get(name) {
        Some(Tree::List(items)) => items,
        _ => &[],
    }
}
