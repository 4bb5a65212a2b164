//! The repository itself: who imports whom, how long a file may be, what its text must not name.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::project;

/// A module may name those of the lines below its own: never above, never beside.
const LAYERS: [&[&str]; 15] = [
    &["main", "lib"],
    &["cli"],
    &["cmd"],
    &["context"],
    &["login", "discovery", "contexts"],
    &["global", "env"],
    &["output"],
    &["source"],
    &["render"],
    &["cluster", "snapshot"],
    &["request", "reply", "kube"],
    &["proto", "arg", "grammar", "child", "input", "progress", "terminal"],
    &["folder", "secret"],
    &["go"],
    &["error"],
];

/// Further than the order says: replies reach a renderer ready, commands do not print.
const APART: [(&str, &[&str]); 2] =
    [("render", &["cluster", "snapshot"]), ("cmd", &["render", "cli"])];

/// Crates whose replacement must stay a matter of a few files.
const CONFINED: [&str; 4] = ["etcd_client", "tonic", "rustls", "tokio_rustls"];

const LONGEST: usize = 500;

#[test]
fn modules_import_downwards_only() {
    let mut wrong = Vec::new();
    for file in sources() {
        let module = module_of(&file);
        let Some(layer) = layer_of(&module) else {
            wrong.push(format!("{}: `{module}` has no place in the order yet", file.display()));
            continue;
        };
        for (number, line) in code_lines(&file) {
            for named in named_after("crate::", &line) {
                let apart =
                    APART.iter().any(|(one, others)| *one == module && others.contains(&&*named));
                let fine = named == module || layer_of(&named).is_none_or(|below| below > layer);
                if apart || !fine {
                    wrong.push(format!("{}:{number}: {module} names {named}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "imports against the order:\n{}", wrong.join("\n"));
}

#[test]
fn the_wire_crates_are_named_in_cluster_and_proto_alone() {
    let mut wrong = Vec::new();
    for file in sources() {
        if ["cluster", "proto"].contains(&module_of(&file).as_str()) {
            continue;
        }
        for (number, line) in code_lines(&file) {
            for name in CONFINED.iter().filter(|name| names_crate(&line, name)) {
                wrong.push(format!("{}:{number}: {name}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "crates named outside their place:\n{}", wrong.join("\n"));
}

#[test]
fn no_source_file_is_too_long() {
    let long: Vec<String> = sources()
        .into_iter()
        .map(|file| (text(&file).lines().count(), file))
        .filter(|(lines, _)| *lines > LONGEST)
        .map(|(lines, file)| format!("{}: {lines} lines", file.display()))
        .collect();
    assert!(long.is_empty(), "past {LONGEST} lines; make a folder of it:\n{}", long.join("\n"));
}

#[test]
fn no_text_names_a_folder_of_somebodys_machine() {
    // In pieces, so as not to find this line.
    let folders = [
        concat!("/wo", "rk/"),
        concat!("/ho", "me/"),
        concat!("/ro", "ot/"),
        concat!("/Us", "ers/"),
    ];
    let mut wrong = Vec::new();
    for file in files(project()) {
        let Ok(text) = fs::read_to_string(&file) else {
            continue; // not text
        };
        for (number, line) in text.lines().enumerate() {
            for folder in folders.iter().filter(|folder| begins_a_path(line, folder)) {
                wrong.push(format!("{}:{}: {folder}", file.display(), number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "paths of one machine:\n{}", wrong.join("\n"));
}

#[test]
fn the_rules_above_see_what_they_should() {
    assert_eq!(named_after("crate::", "use crate::error::{Error, Result};"), ["error"]);
    assert_eq!(
        named_after("crate::", "use crate::{arg::Bytes, error, go::{hex, quote}};"),
        ["arg", "error", "go"]
    );
    assert_eq!(named_after("crate::", "let x = crate::go::hex(1) + crate::arg::y;"), ["go", "arg"]);
    assert!(
        names_crate("use rustls::X;", "rustls") && !names_crate("use tokio_rustls::X;", "rustls")
    );
    assert!(begins_a_path("see /srv/x", "/srv/") && !begins_a_path("a/srv/x", "/srv/"));
    assert!(layer_of("cli").unwrap() < layer_of("error").unwrap());
}

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// The first name of the path below `src/`.
fn module_of(file: &Path) -> String {
    let below = file.strip_prefix(project().join("src")).expect("a source is below src");
    let first = below.components().next().expect("a source has a name").as_os_str();
    Path::new(first).file_stem().expect("likewise").to_string_lossy().into_owned()
}

/// The modules named after `crate::`, one or several in braces.
fn named_after(prefix: &str, line: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in line.match_indices(prefix) {
        let rest = &line[at + prefix.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.extend(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut wanted = true;
        for (i, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => wanted = true,
                c if wanted && c.is_alphabetic() => {
                    names.extend(word(&group[i..]));
                    wanted = false;
                }
                _ => {}
            }
        }
    }
    names
}

fn word(text: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    (end > 0).then(|| text[..end].to_owned())
}

fn names_crate(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let path = line[at + name.len()..].starts_with("::");
        path && !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    })
}

fn begins_a_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "_-.}/".contains(c))
    })
}

/// Lines of code with their numbers: statements joined, so that an import over several lines is one.
fn code_lines(file: &Path) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (number, line) in text(file).lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default().trim();
        match lines.last_mut() {
            Some((_, last)) if open => last.push_str(code),
            _ => lines.push((number + 1, code.to_owned())),
        }
        let statement = lines.last().map_or("", |(_, last)| last);
        open = statement.contains("use ") && statement.contains('{') && !statement.ends_with(';');
    }
    lines
}

fn sources() -> Vec<PathBuf> {
    files(&project().join("src"))
        .into_iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// Every file of the project that is kept: no builds, no references, no links.
fn files(folder: &Path) -> Vec<PathBuf> {
    // The last two are the fuzzer's own.
    const SKIPPED: [&str; 5] = [".git", "target", "reference", "corpus", "artifacts"];
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).unwrap_or_else(|err| panic!("{}: {err}", folder.display()));
    for entry in entries {
        let entry = entry.expect("could not list a folder");
        let name = entry.file_name();
        let kind = entry.file_type().expect("could not look at a file");
        if kind.is_dir() && !SKIPPED.iter().any(|skip| name == *skip) {
            found.extend(files(&entry.path()));
        } else if kind.is_file() && name != ".git" {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

fn text(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|err| panic!("{}: {err}", file.display()))
}
