//! pflag's words for what clap refuses.

use std::ffi::OsStr;

use clap::Command;
use clap::error::{ContextKind, ContextValue};

use super::{flag_name, invalid};

/// What is wrong, and whether it is a flag's value rather than something that is missing.
#[must_use]
pub fn words(root: &Command, err: &clap::Error) -> (String, bool) {
    let context = |kind| match err.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let (flag, value) = (context(ContextKind::InvalidArg), context(ContextKind::InvalidValue));
    let (Some(flag), Some(value)) = (flag, value) else {
        let words = err.to_string();
        let words = words.trim_start_matches("error: ").lines().next().unwrap_or_default();
        return (words.to_owned(), false);
    };
    let why = std::error::Error::source(err).map(ToString::to_string).unwrap_or_default();
    let long = flag.trim_start_matches('-').split([' ', '=']).next().unwrap_or_default();
    let name = find(root, long).map_or_else(|| format!("--{long}"), flag_name);
    (invalid(&name, OsStr::new(value), &why), true)
}

/// A flag of any command.
fn find<'c>(command: &'c Command, long: &str) -> Option<&'c clap::Arg> {
    let own = command.get_arguments().find(|arg| arg.get_long() == Some(long));
    own.or_else(|| command.get_subcommands().find_map(|below| find(below, long)))
}
