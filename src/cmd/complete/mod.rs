//! `__complete WORD…`: what may come next on a command line, for the script of a shell.
//!
//! The protocol is cobra's (1.10.2, `completions.go`), which scripts that are already installed speak:
//! a candidate a line, perhaps with a tab and a description; then `:` and a sum of directives. Who
//! types must not wait or be told of failures: an unreachable server offers nothing.

mod keys;
mod words;

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use clap::Command;
use tokio::time::{Instant, timeout_at};

use self::words::Source;
use crate::context::Context;
use crate::error::Result;
use crate::grammar::{self, Line};
use crate::output;

/// The longest that a server may take: with the program's own start it is less than 300 ms.
const PATIENCE: Duration = Duration::from_millis(250);

/// Set by our own scripts, which quote what they insert. Cobra's bash script has each candidate
/// expanded by the shell, so that a key `$(…)` would run: it is offered only keys that stay as they are.
const QUOTES: &str = "ETCDCTL_COMPLETION_QUOTES";

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker {
    /// Shows a description beside each candidate.
    describes: bool,
    /// Quotes what it inserts.
    quotes: bool,
}

impl Asker {
    /// The asker, and the words up to the cursor, where a line is such a question.
    #[must_use]
    pub fn of<'a>(
        args: &'a [OsString],
        vars: &[(OsString, OsString)],
    ) -> Option<(Self, &'a [OsString])> {
        let (verb, words) = args.split_first()?;
        let describes = match verb.as_bytes() {
            b"__complete" => true,
            b"__completeNoDesc" => false,
            _ => return None,
        };
        let quotes = vars.iter().any(|(name, value)| name == QUOTES && value == "1");
        Some((Self { describes, quotes }, words))
    }
}

/// What a shell is to do with the candidates: a sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Directive(u8);

impl Directive {
    const FILES: Self = Self(0);
    const NO_SPACE: Self = Self(2);
    const NO_FILES: Self = Self(4);
    const FOLDERS: Self = Self(16);
    const KEEP_ORDER: Self = Self(32);

    const NAMES: [(Self, &str); 4] = [
        (Self::NO_SPACE, "ShellCompDirectiveNoSpace"),
        (Self::NO_FILES, "ShellCompDirectiveNoFileComp"),
        (Self::FOLDERS, "ShellCompDirectiveFilterDirs"),
        (Self::KEEP_ORDER, "ShellCompDirectiveKeepOrder"),
    ];

    fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// As cobra says them on stderr.
    fn names(self) -> String {
        let set = Self::NAMES.iter().filter(|(one, _)| self.0 & one.0 != 0);
        let names: Vec<_> = set.map(|(_, name)| *name).collect();
        if names.is_empty() { "ShellCompDirectiveDefault".to_owned() } else { names.join(", ") }
    }
}

/// What may come next, each with a description or none.
struct Offer {
    candidates: Vec<(String, String)>,
    directive: Directive,
}

impl Offer {
    fn of(candidates: Vec<(String, String)>) -> Self {
        Self { candidates, directive: Directive::NO_FILES }
    }

    fn plain(candidates: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::of(candidates.into_iter().map(|text| (text.into(), String::new())).collect())
    }

    fn nothing() -> Self {
        Self::of(Vec::new())
    }

    fn left_to_the_shell(directive: Directive) -> Self {
        Self { candidates: Vec::new(), directive }
    }

    fn in_this_order(mut self) -> Self {
        self.directive = self.directive.and(Directive::KEEP_ORDER);
        self
    }
}

/// Prints what may come where `typed` is. Without a context no server is asked.
pub async fn run(
    asker: Asker,
    root: &Command,
    line: &Line,
    typed: &OsStr,
    cx: Option<&mut Context>,
) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    let offer = match typed.to_str() {
        Some(typed) => offer(asker, root, line, typed, cx, until).await,
        // What is no text cannot be offered as text.
        None => Offer::nothing(),
    };
    let mut text = String::new();
    for (candidate, description) in offer.candidates {
        text.push_str(&candidate);
        if asker.describes && !description.is_empty() {
            let _ = write!(text, "\t{description}");
        }
        text.push('\n');
    }
    let _ = writeln!(text, ":{}", offer.directive.0);
    output::print_text(&text)?;
    let names = offer.directive.names();
    // Installed scripts read stdout alone.
    let _ = writeln!(std::io::stderr(), "Completion ended with directive: {names}");
    Ok(())
}

async fn offer(
    asker: Asker,
    root: &Command,
    line: &Line,
    typed: &str,
    cx: Option<&mut Context>,
    until: Instant,
) -> Offer {
    let flags = || grammar::flags_at(root, &line.path);
    if let Some(pending) = &line.pending {
        let flag = flags().into_iter().find(|flag| flag.get_long() == Some(pending));
        return flag.map_or_else(Offer::nothing, |flag| words::values(flag, &line.path, typed));
    }
    if line.wrong.is_some() {
        return Offer::nothing();
    }
    if line.dash.is_none() && typed.starts_with('-') {
        if !typed.contains('=') {
            return words::flags(&flags(), line, typed);
        }
        return match grammar::flag_with_value(root, &line.path, OsStr::new(typed)) {
            Some((flag, value)) => {
                words::values(flag, &line.path, value.to_str().unwrap_or_default())
            }
            None => Offer::nothing(),
        };
    }
    match words::source(root, line) {
        Source::Commands(path) => words::commands(root, &path, typed),
        Source::Words(list) => {
            Offer::plain(list.into_iter().filter(|word| word.starts_with(typed))).in_this_order()
        }
        Source::Folders => Offer::left_to_the_shell(Directive::FOLDERS),
        Source::Nothing => Offer::nothing(),
        Source::Keys => {
            let Some(cx) = cx else { return Offer::nothing() };
            let found = timeout_at(until, cx.cluster_at_hand()).await.ok().flatten();
            let Some(cluster) = found else { return Offer::nothing() };
            offer_keys(asker, keys::below(cluster, typed.as_bytes(), until).await)
        }
    }
}

/// Keys are bytes: those that a line of text cannot hold are left out.
fn offer_keys(asker: Asker, names: keys::Names) -> Offer {
    let texts = names.into_iter().filter_map(|(name, partial)| {
        let text = String::from_utf8(name).ok()?;
        let fits = !text.contains(char::is_control) && (asker.quotes || stays_as_it_is(&text));
        fits.then_some((text, partial))
    });
    let (texts, partial): (Vec<_>, Vec<_>) = texts.unzip();
    let mut offer = Offer::plain(texts);
    if partial.contains(&true) {
        offer.directive = offer.directive.and(Directive::NO_SPACE);
    }
    offer
}

/// Whether no shell sees anything in a word but the word.
fn stays_as_it_is(word: &str) -> bool {
    word.chars().all(|c| !c.is_ascii() || c.is_ascii_alphanumeric() || "/._-:@%+=,^".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_named_as_cobra_names_them() {
        assert_eq!(Directive::FILES.names(), "ShellCompDirectiveDefault");
        assert_eq!(
            Directive::NO_FILES.and(Directive::NO_SPACE).names(),
            "ShellCompDirectiveNoSpace, ShellCompDirectiveNoFileComp"
        );
    }

    #[test]
    fn a_key_that_a_shell_would_run_is_offered_only_to_who_quotes() {
        let names = || keys::Names::from([(b"/a/$(reboot)".to_vec(), false)]);
        let asker = |quotes| Asker { describes: true, quotes };
        assert!(offer_keys(asker(false), names()).candidates.is_empty());
        assert_eq!(offer_keys(asker(true), names()).candidates.len(), 1);
    }

    #[test]
    fn keys_that_no_line_of_text_can_hold_are_left_out() {
        let names = [&b"/a\n"[..], b"/a\t", b"/\xff", "/ä".as_bytes()];
        let names: keys::Names = names.iter().map(|name| (name.to_vec(), false)).collect();
        let offer = offer_keys(Asker { describes: true, quotes: true }, names);
        assert_eq!(offer.candidates, [("/ä".to_owned(), String::new())]);
    }

    #[test]
    fn a_part_of_a_key_wants_no_space_behind_it() {
        let asker = Asker { describes: true, quotes: true };
        let offer = offer_keys(asker, keys::Names::from([(b"/a/".to_vec(), true)]));
        assert_eq!(offer.directive, Directive(6));
    }
}
