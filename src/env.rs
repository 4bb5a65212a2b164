//! `ETCDCTL_*` variables: each stands for a flag that every command takes. A flag on the line wins.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

const PREFIX: &str = "ETCDCTL_";

/// Variables that are no flags, and are read elsewhere or mean nothing any more.
const OTHERS: [&str; 2] = ["ETCDCTL_API", "ETCDCTL_HINTS"];

/// Variables of the search for an etcd on this machine: `off`, and where tests let it look.
pub const DISCOVERY: [&str; 4] = [
    "ETCDCTL_DISCOVERY",
    "ETCDCTL_DISCOVERY_PROC",
    "ETCDCTL_DISCOVERY_ROOT",
    "ETCDCTL_DISCOVERY_LOCAL",
];

/// Variables that `watch` alone reads.
pub const WATCH: [&str; 2] = ["ETCDCTL_WATCH_KEY", "ETCDCTL_WATCH_RANGE_END"];

/// The variable of a flag: `--dial-timeout` is `ETCDCTL_DIAL_TIMEOUT`.
#[must_use]
pub fn variable(flag: &str) -> String {
    format!("{PREFIX}{}", flag.to_uppercase().replace('-', "_"))
}

/// Whether causes and ways out are not wanted: `ETCDCTL_HINTS=off`.
#[must_use]
pub fn hints_off(vars: &[(OsString, OsString)]) -> bool {
    vars.iter().any(|(name, value)| name == "ETCDCTL_HINTS" && value == "off")
}

/// Whether a variable may mean something here.
fn is_ours(name: &OsStr) -> bool {
    name.as_bytes().starts_with(PREFIX.as_bytes())
}

/// The flags that variables set: names and values. Empty variables set nothing.
pub fn flags<'a>(
    known: impl Iterator<Item = &'a str>,
    vars: &[(OsString, OsString)],
) -> Vec<(String, OsString)> {
    let ours: Vec<_> = vars.iter().filter(|(name, _)| is_ours(name)).collect();
    if ours.is_empty() {
        return Vec::new();
    }
    let value = |flag: &str| {
        let name = variable(flag);
        let set = ours
            .iter()
            .find(|(var, value)| var.as_os_str() == OsStr::new(&name) && !value.is_empty());
        set.map(|(_, value)| value.clone())
    };
    known.filter_map(|flag| value(flag).map(|value| (flag.to_owned(), value))).collect()
}

/// Where a user's own files are.
const HOMES: [&str; 2] = ["XDG_CONFIG_HOME", "HOME"];

/// The variables that are read where they are needed.
#[must_use]
pub fn others(vars: &[(OsString, OsString)]) -> Vec<(OsString, OsString)> {
    let known =
        |name: &OsStr| WATCH.iter().chain(&DISCOVERY).chain(&HOMES).any(|known| name == *known);
    vars.iter().filter(|(name, _)| known(name)).cloned().collect()
}

/// What to say of variables that mean nothing here. Their values may be secrets, and are not shown.
pub fn warnings<'a>(
    known: impl Iterator<Item = &'a str>,
    also_known: &[&str],
    vars: &[(OsString, OsString)],
) -> Vec<String> {
    let ours: Vec<_> = vars.iter().filter(|(name, _)| is_ours(name)).collect();
    if ours.is_empty() {
        return Vec::new();
    }
    let known: Vec<String> = known.map(variable).collect();
    let mut out = Vec::new();
    for (name, value) in ours {
        let name = name.to_string_lossy();
        if name == "ETCDCTL_API" && value.as_bytes() != b"3" && !value.is_empty() {
            out.push(
                "warning: ETCDCTL_API is ignored: this client speaks version 3 alone".to_owned(),
            );
        }
        let means_something = OTHERS.contains(&name.as_ref())
            || DISCOVERY.contains(&name.as_ref())
            || also_known.contains(&name.as_ref())
            || known.iter().any(|known| *known == name);
        if !means_something {
            out.push(format!("warning: unknown variable {name}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    #[test]
    fn a_variable_sets_its_flag_unless_empty() {
        let vars = vars(&[("ETCDCTL_DIAL_TIMEOUT", "1s"), ("ETCDCTL_HEX", ""), ("ETCDCTL_X", "y")]);
        let set = flags(["dial-timeout", "hex"].into_iter(), &vars);
        assert_eq!(set, [("dial-timeout".to_owned(), "1s".into())]);
    }

    #[test]
    fn unknown_variables_are_named_without_their_values() {
        let vars = vars(&[
            ("ETCDCTL_PASWORD", "secret"),
            ("ETCDCTL_HEX", "1"),
            ("ETCDCTL_API", "3"),
            ("PATH", "/bin"),
        ]);
        assert_eq!(
            warnings(["hex"].into_iter(), &[], &vars),
            ["warning: unknown variable ETCDCTL_PASWORD"]
        );
    }

    #[test]
    fn another_api_version_is_one_warning() {
        let vars = vars(&[("ETCDCTL_API", "2")]);
        assert_eq!(warnings([].into_iter(), &[], &vars).len(), 1);
    }
}
