//! Contexts: named sets of flags that say where a cluster is and who asks, in a file of the user's.

pub mod toml;

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use self::toml::Toml;
use crate::error::{Error, Result};
use crate::folder;

/// What a context may hold: flags' names, and one that is none.
pub const KEYS: [&str; 20] = [
    "auth-jwt-token",
    "cacert",
    "cert",
    "command-timeout",
    "dial-timeout",
    "discovery-srv",
    "discovery-srv-name",
    "endpoints",
    "insecure-discovery",
    "insecure-skip-tls-verify",
    "insecure-transport",
    "keepalive-time",
    "keepalive-timeout",
    "key",
    "max-recv-bytes",
    "max-request-bytes",
    "password",
    PASSWORD_COMMAND,
    "password-file",
    "user",
];

/// A program whose first line is the password.
pub const PASSWORD_COMMAND: &str = "password-command";

/// Those that name files. In the file they are below its folder, where they are not absolute.
const FILES: [&str; 4] = ["cacert", "cert", "key", "password-file"];

/// Those that prove who asks: they go with the context's own user alone.
pub const PROOFS: [&str; 4] = ["auth-jwt-token", "password", PASSWORD_COMMAND, "password-file"];

const CURRENT: &str = "current";

/// The file of contexts.
pub struct Contexts {
    path: PathBuf,
    toml: Toml,
}

impl Contexts {
    /// Reads the file below the XDG config directory: `$XDG_CONFIG_HOME`, else `$HOME/.config`. None where there
    /// is no such directory to be had; without contexts where the file is not there.
    ///
    /// # Errors
    /// A file that cannot be read, or not be understood.
    pub fn read(variable: impl Fn(&str) -> Option<OsString>) -> Result<Option<Self>> {
        let absolute = |path: &PathBuf| path.is_absolute();
        let config = variable("XDG_CONFIG_HOME").map(PathBuf::from).filter(absolute);
        let home = || variable("HOME").map(PathBuf::from).filter(absolute);
        let Some(config) = config.or_else(|| Some(home()?.join(".config"))) else {
            return Ok(None);
        };
        let path = config.join("etcdctl/contexts.toml");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(err)
                if matches!(err.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
            {
                String::new()
            }
            Err(err) => return Err(failed("read", &path, &err)),
        };
        let toml = Toml::parse(&text).map_err(|why| {
            Error::bad_args(format!(
                "the contexts in {} cannot be understood: {why}",
                path.display()
            ))
        })?;
        Ok(Some(Self { path, toml }))
    }

    /// The contexts' names in the file's order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.toml.tables()
    }

    /// The one that is used where none is named.
    #[must_use]
    pub fn current(&self) -> Option<&str> {
        self.toml.get(None, CURRENT).filter(|name| !name.is_empty())
    }

    /// A context's flags, with files as they are to be opened.
    ///
    /// # Errors
    /// No such context, or a key that is no flag of where and who.
    pub fn flags(&self, name: &str) -> Result<Vec<(&str, OsString)>> {
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        let flags = self.pairs(name)?.into_iter().map(|(key, value)| match key {
            _ if !KEYS.contains(&key) => {
                let words = format!(
                    "the context {name:?} in {} has the key {key:?}, which is no flag that says where a cluster is",
                    self.path.display()
                );
                Err(Error::bad_args(words).because(format!("a context has: {}", KEYS.join(", "))))
            }
            _ if FILES.contains(&key) && value != "-" => Ok((key, folder.join(value).into())),
            _ => Ok((key, value.into())),
        });
        flags.collect()
    }

    /// A context as its lines, without secrets.
    ///
    /// # Errors
    /// No such context.
    pub fn shown(&self, name: &str) -> Result<Vec<String>> {
        let lines =
            self.pairs(name)?.into_iter().map(|(key, value)| match (key, value.split_once(':')) {
                ("user", Some((user, _))) => {
                    format!("user = {} # and a password", toml::shown(user))
                }
                ("password" | "auth-jwt-token", _) => format!("# {key} is set"),
                // It may be one of those, mistyped.
                _ if !KEYS.contains(&key) => format!("# {key:?} is no flag of a context"),
                _ => format!("{key} = {}", toml::shown(value)),
            });
        Ok(lines.collect())
    }

    fn pairs(&self, name: &str) -> Result<Vec<(&str, &str)>> {
        self.known(name)?;
        Ok(self.toml.pairs(Some(name)))
    }

    fn known(&self, name: &str) -> Result<()> {
        if self.toml.has(name) {
            return Ok(());
        }
        let error = Error::bad_args(format!("there is no context {name:?}"));
        let names: Vec<_> = self.names().collect();
        Err(match names.as_slice() {
            [] => error
                .because(format!("there is none in {}", self.path.display()))
                .hint("`etcdctl context set NAME --endpoints URLS` makes one"),
            names => error.because(format!("{} has: {}", self.path.display(), names.join(", "))),
        })
    }

    /// Makes a context the current one.
    ///
    /// # Errors
    /// No such context.
    pub fn choose(&mut self, name: &str) -> Result<()> {
        self.known(name)?;
        self.toml.set(None, CURRENT, name);
        Ok(())
    }

    /// Sets keys of a context, which is made where it is not there.
    ///
    /// # Errors
    /// Keys that no context has, values that are no text.
    pub fn set(&mut self, name: &str, flags: &[(String, OsString)]) -> Result<()> {
        if name.is_empty() || name.contains(char::is_control) {
            return Err(Error::bad_args("a context's name is a text of one line"));
        }
        let endpoints: Vec<_> = flags.iter().filter(|(key, _)| key == "endpoints").collect();
        let endpoints: Vec<_> = endpoints.into_iter().map(|(_, value)| value.clone()).collect();
        for (key, value) in flags {
            if !KEYS.contains(&key.as_str()) {
                let words = format!(
                    "--{key} does not say where a cluster is, and is not kept in a context"
                );
                return Err(Error::bad_args(words));
            }
            let value = match key.as_str() {
                // Each occurrence adds to those before.
                "endpoints" => endpoints.join(std::ffi::OsStr::new(",")),
                key if FILES.contains(&key) && value != "-" => {
                    std::path::absolute(value).map_or_else(|_| value.clone(), Into::into)
                }
                _ => value.clone(),
            };
            let text = std::str::from_utf8(value.as_bytes());
            let text = text.map_err(|_| Error::bad_args(format!("--{key} is no UTF-8")))?;
            self.toml.set(Some(name), key, text);
        }
        Ok(())
    }

    /// Removes a context; the current one leaves none.
    ///
    /// # Errors
    /// No such context.
    pub fn remove(&mut self, name: &str) -> Result<()> {
        self.known(name)?;
        self.toml.remove(name);
        if self.toml.get(None, CURRENT) == Some(name) {
            self.toml.unset(None, CURRENT);
        }
        Ok(())
    }

    /// Writes the file for its owner alone: beside, synced, in the old one's place.
    ///
    /// # Errors
    /// What could not be written.
    pub fn save(&self) -> Result<()> {
        // A link stays one.
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let folder = path.parent().unwrap_or(Path::new("/"));
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|err| failed("make the folder of", &path, &err))?;
        let beside = path.with_file_name(format!(".contexts.toml.{}", std::process::id()));
        let written = write(&beside, self.toml.text().as_bytes())
            .and_then(|()| fs::rename(&beside, &path))
            .map_err(|err| failed("write", &path, &err));
        if written.is_err() {
            // It may not even be there.
            let _ = fs::remove_file(&beside);
        }
        written?;
        folder::sync_of(&path)
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Of a run that broke off under our process id.
    let _ = fs::remove_file(path);
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn failed(what: &str, path: &Path, err: &io::Error) -> Error {
    Error::bad_args(format!("could not {what} {}: {err}", path.display()))
}
