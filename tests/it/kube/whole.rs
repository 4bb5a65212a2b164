//! The whole store of a cluster at once, from its snapshot and from a server restored from it.

use std::fmt::Write as _;
use std::path::Path;

use super::{Stored, assert_same, cluster, fixture};
use crate::support::{Outcome, Run, kubernetes, ours, restored};

/// Keys whose YAML is not kubectl's, and why. What is said of their fields is the server's all the same.
const NOT_KUBECTLS: [(&str, &str); 10] = [
    ("/registry/accounts.zephyr.example/umbers/heron-api", "kubectl reads U+0085 as a line's end"),
    ("/registry/configmaps/elm-forge/zephyr-ledger", "kubectl reads U+0085 as a line's end"),
    ("/registry/configmaps/ember-tide/every-odd-value", "kubectl reads U+0085 as a line's end"),
    ("/registry/configmaps/ember-tide/not-for-yaml", "kubectl prints no YAML, but an error"),
    ("/registry/configmaps/umber-loom/quill-tracker", "kubectl reads U+0085 as a line's end"),
    ("/registry/controllerrevisions/elm-forge/garnet-merger-0", "kubectl rounds an integer"),
    ("/registry/controllerrevisions/umber-loom/fern-ledger-0", "kubectl rounds an integer"),
    ("/registry/deployments/elm-forge/xylem-tracker", "kubectl reads U+0085 as a line's end"),
    (
        "/registry/services/specs/ember-tide/pebble-tracker-54cv",
        "kubectl reads U+0085 as a line's end",
    ),
    ("compact_rev_key", "no object: the revision that the API server last compacted to"),
];

/// The API server renews these all the time; their leases end 15 seconds after its own end.
fn is_short_lived(key: &str) -> bool {
    ["/registry/masterleases/", "/registry/peerserverleases/"]
        .iter()
        .any(|one| key.starts_with(one))
}

/// The documents of an answer, each with its heading, by the keys in them.
fn documents(answer: &Outcome) -> Vec<(String, String)> {
    let text = answer.text();
    let mut documents = Vec::new();
    for document in text.split("---\n# ").skip(1) {
        let (heading, body) = document.split_once('\n').expect("a heading is a line");
        documents.push((heading.to_owned(), body.to_owned()));
    }
    documents
}

fn heading(one: &Stored) -> String {
    let Stored { key, create_revision, mod_revision, version, lease, .. } = one;
    let mut line = format!(
        "{key} create_revision={create_revision} mod_revision={mod_revision} version={version}"
    );
    if *lease != 0 {
        let _ = write!(line, " lease={lease:016x}");
    }
    line
}

fn arguments<'a>(config: &'a str, flags: &[&'a str]) -> Vec<&'a str> {
    [&["get", "", "--prefix", "-w", "yaml", "--encryption-config", config], flags].concat()
}

#[test]
fn a_whole_store_is_printed_as_its_server_and_kubectl_print_it() {
    let Some((_folder, file)) = kubernetes() else { return };
    let (file, config) = (file.display().to_string(), fixture("kube/encryption-config.yaml"));
    let config = config.display().to_string();
    let stored = cluster();
    for managers in [false, true] {
        let flags = ["--snapshot", &file, "--show-managed-fields"];
        let printed = Run::ours(arguments(&config, &flags[..2 + usize::from(managers)])).outcome();
        assert_eq!((printed.status, printed.said()), (0, String::new()));
        let documents = documents(&printed);
        assert_eq!(documents.len(), stored.len());
        let mut excepted = NOT_KUBECTLS.to_vec();
        for (one, (found, body)) in stored.iter().zip(documents) {
            assert_eq!(found, heading(one));
            let expected = if managers { &one.yaml_with_managers } else { &one.yaml };
            if excepted.first().is_some_and(|(key, _)| *key == one.key) {
                excepted.remove(0);
                assert_ne!(body.as_bytes(), expected, "{} is excepted in vain", one.key);
            } else {
                assert_same(body.as_bytes(), expected, &one.key);
            }
        }
        assert_eq!(excepted, []);
    }
    // The server's own JSON of every object, also of those that kubectl has no YAML for.
    let args = ["get", "", "--prefix", "-w", "jsonl", "--show-managed-fields", "--snapshot", &file];
    let lines = Run::ours([&args[..], &["--encryption-config", &config]].concat()).outcome();
    assert_eq!(lines.status, 0, "{}", lines.said());
    let lines = lines.text();
    let mut objects = 0;
    for (one, line) in stored.iter().zip(lines.lines()) {
        let value = line.split_once(",\"value\":").expect("a line has a value").1;
        let value = value.strip_suffix('}').expect("a line is an object");
        if !one.json.is_empty() {
            assert_same(value.as_bytes(), &one.json, &one.key);
            objects += 1;
        }
    }
    assert_eq!((lines.lines().count(), objects), (1148, 1147));
}

#[test]
fn a_server_restored_from_it_prints_the_same() {
    let Some((_folder, file)) = kubernetes() else { return };
    let file = file.display().to_string();
    let Some(etcd) = restored("3.6", Path::new(&file)) else { return };
    let config = fixture("kube/encryption-config.yaml").display().to_string();
    for managers in [false, true] {
        let flags = ["--show-managed-fields"];
        let flags = &flags[..usize::from(managers)];
        let live = ours(&etcd, &arguments(&config, flags));
        assert_eq!((live.status, live.said()), (0, String::new()));
        let offline = [flags, &["--snapshot", &file]].concat();
        let offline = documents(&Run::ours(arguments(&config, &offline)).outcome());
        let live = documents(&live);
        let there = |heading: &str| live.iter().any(|(found, _)| found == heading);
        let expected: Vec<_> = offline
            .into_iter()
            .filter(|(heading, _)| !is_short_lived(heading) || there(heading))
            .collect();
        assert!(expected.len() >= 1145, "{}", expected.len());
        let text = |all: &[(String, String)]| {
            all.iter().fold(String::new(), |text, (heading, body)| text + heading + "\n" + body)
        };
        assert_same(text(&live).as_bytes(), text(&expected).as_bytes(), "the live server");
    }
}
