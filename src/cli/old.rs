//! The commands of etcd's second API: what to type instead.

use std::ffi::OsString;

use crate::error::Error;

const INSTEAD: [(&str, &str); 13] = [
    ("ls", "etcdctl get DIRECTORY/ --prefix --keys-only"),
    ("set", "etcdctl put KEY VALUE"),
    ("mk", "etcdctl put KEY VALUE, or txn to create it only where it is missing"),
    ("update", "etcdctl put KEY VALUE"),
    ("rm", "etcdctl del KEY, or del KEY/ --prefix for all below it"),
    ("mkdir", "nothing: there are no directories, a key's slashes are part of its name"),
    ("setdir", "nothing: there are no directories, a key's slashes are part of its name"),
    ("updatedir", "nothing: there are no directories, a key's slashes are part of its name"),
    ("rmdir", "etcdctl del DIRECTORY/ --prefix"),
    ("cluster-health", "etcdctl endpoint health --cluster"),
    ("exec-watch", "etcdctl watch KEY -- COMMAND"),
    ("backup", "etcdctl snapshot save FILE"),
    ("import", "etcdctl snapshot restore FILE, or put for each key"),
];

/// Adds the way out to the complaint about an unknown command that once was one.
pub fn explain(error: Error, args: &[OsString]) -> Error {
    let typed = |name: &str| {
        error.message().strip_prefix("unknown command ").is_some_and(|rest| {
            rest.starts_with(&format!("{name:?}")) && args.iter().any(|arg| arg == name)
        })
    };
    match INSTEAD.iter().find(|(name, _)| typed(name)) {
        Some((name, instead)) => {
            error.hint(format!("`{name}` was a command of API version 2; now: {instead}"))
        }
        None => error,
    }
}
