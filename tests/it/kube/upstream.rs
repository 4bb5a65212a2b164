//! Kubernetes' own fixtures, of every release from 1.15 on: an object of each kind as its libraries write it, in protobuf, JSON and
//! YAML. They are in the Go module `k8s.io/api`, which keeps those of its own release (`HEAD`) and of a few before it; read where Go is.
//!
//! Ours are those bytes, but for three things that time has done to them:
//! - Up to 1.33 a time that was never set is `"creationTimestamp": null`; since 1.34, as here, it is left out.
//! - Up to 1.23 JSON within an object stands there as it was written; blanks between its words say nothing.
//! - Writers write fields that are no pointers always, of which an older release had others: what is encoded today differs from its bytes
//!   by fields that are zero, and by nothing else. The newest release's own bytes are met exactly.
//!
//! Where a later release prints an older one's bytes in another way (a list that it knows is null), its module says so beside the fixture,
//! in `after_roundtrip`; that is as good.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use etcdctl::kube::json::Style;
use etcdctl::kube::{Options, Value, encode, json, read};

use crate::support::skipped;

/// The newest release, and those before it that together keep the fixtures of all since 1.15.
const MODULES: [&str; 11] = [
    "v0.37.0", "v0.34.0", "v0.32.0", "v0.30.0", "v0.28.0", "v0.26.0", "v0.24.0", "v0.22.0",
    "v0.20.0", "v0.18.0", "v0.17.0",
];
/// Of each of these, all that is there agrees, or is named below.
const RELEASES: std::ops::RangeInclusive<u32> = 15..=37;

/// Fixtures that ours are not like: the first release and the last, the object, and why.
const EXCEPTED: [(u32, u32, &str, &str); 8] = [
    (
        15,
        37,
        "core.v1.WatchEvent",
        "an answer of the API, never stored: its envelope names no kind",
    ),
    (26, 26, "resource.k8s.io.v1alpha1.Status", "an answer of the API, never stored"),
    (27, 30, "resource.k8s.io.v1alpha2.Status", "an answer of the API, never stored"),
    (
        21,
        23,
        "batch.v1.JobTemplate",
        "no release has that kind, upstream's own test passes over it",
    ),
    (22, 23, "core.v1.EphemeralContainers", "upstream's JSON is none, two files in one"),
    (
        18,
        20,
        "networking.k8s.io.v1beta1.IngressClass",
        "`scope`, since 1.21, is null where it is absent",
    ),
    (
        19,
        20,
        "networking.k8s.io.v1.IngressClass",
        "`scope`, since 1.21, is null where it is absent",
    ),
    (
        31,
        31,
        "resource.k8s.io.v1alpha3.ResourceClaim",
        "`adminAccess`, since 1.32, is null where it is absent",
    ),
];

/// An object of a release, in the three forms.
struct Fixture {
    release: u32,
    name: String,
    stored: Vec<u8>,
    /// As the release prints it, and as the module's own release does where it differs.
    json: Vec<Vec<u8>>,
    yaml: Vec<Vec<u8>>,
}

/// Where Go keeps the modules, downloaded if need be.
fn modules() -> Option<Vec<PathBuf>> {
    let scratch = tempfile::tempdir().expect("could not make a folder");
    // Outside of any module: what this project requires is beside the point.
    let mut go = Command::new("go");
    go.current_dir(scratch.path()).args(["mod", "download", "-json"]);
    go.args(MODULES.map(|version| format!("k8s.io/api@{version}")));
    let Ok(answer) = go.stderr(Stdio::inherit()).output() else {
        skipped("no Go: Kubernetes' own fixtures are in its modules");
        return None;
    };
    let mut found = Vec::new();
    for module in serde_json::Deserializer::from_slice(&answer.stdout).into_iter() {
        let module: serde_json::Value = module.expect("Go answers in JSON");
        let Some(folder) = module["Dir"].as_str() else {
            skipped(&format!("Kubernetes' own fixtures: {}", module["Error"]));
            return None;
        };
        found.push(Path::new(folder).join("testdata"));
    }
    assert_eq!(found.len(), MODULES.len(), "{}", String::from_utf8_lossy(&answer.stdout));
    Some(found)
}

/// Every fixture of a module.
fn fixtures(version: &str, testdata: &Path) -> Vec<Fixture> {
    let mut found = Vec::new();
    for set in fs::read_dir(testdata).expect("a module has fixtures").flatten() {
        let folder = set.file_name().into_string().expect("a release");
        let of = if folder == "HEAD" { version } else { &folder };
        let Some(release) = of.split('.').nth(1).filter(|_| set.path().is_dir()) else { continue };
        let mut names: Vec<String> = fs::read_dir(set.path())
            .expect("a folder")
            .flatten()
            .filter_map(|file| file.file_name().to_str()?.strip_suffix(".pb").map(str::to_owned))
            // What a later release makes of it.
            .filter(|name| !name.ends_with(".after_roundtrip"))
            .collect();
        names.sort();
        for name in names {
            let file = |form: &str| fs::read(set.path().join(format!("{name}.{form}"))).ok();
            let printed = |form: &str| -> Vec<Vec<u8>> {
                [file(form), file(&format!("after_roundtrip.{form}"))]
                    .into_iter()
                    .flatten()
                    .collect()
            };
            let (stored, json, yaml) = (file("pb"), printed("json"), printed("yaml"));
            // Of a kind that a later release dropped only the protobuf is left, here and there.
            let Some(stored) = stored.filter(|_| !json.is_empty() && !yaml.is_empty()) else {
                continue;
            };
            let release = release.parse().expect("a release's number");
            found.push(Fixture { release, name, stored, json, yaml });
        }
    }
    found
}

/// What of a fixture is not as it should be.
fn faults(fixture: &Fixture) -> Vec<&'static str> {
    let everything = Options { managed_fields: true, mod_revision: None };
    let Ok(Value::Object(object)) = read(&fixture.stored, &everything) else { return vec!["read"] };
    let mut wrong = Vec::new();
    let mut check = |what, same: bool| wrong.extend((!same).then_some(what));
    check("unknown", object.unknown.is_empty());
    let (mut text, mut document) = (Vec::new(), Vec::new());
    object.json(Style::Fixture, &mut text);
    object.yaml(&mut document);
    let dates =
        |theirs: &Vec<u8>| if fixture.release < 34 { dated(theirs) } else { theirs.clone() };
    let blanks = |text: Vec<u8>| if fixture.release < 24 { compact(&text) } else { text };
    let text = blanks(text);
    check("json", fixture.json.iter().any(|theirs| blanks(dates(theirs)) == text));
    check("yaml", fixture.yaml.iter().any(|theirs| dates(theirs) == document));
    let encoded = json::read(&fixture.json[0]).ok().and_then(|tree| encode::protobuf(&tree).ok());
    check(
        "encoded",
        encoded.is_some_and(|ours| {
            ours == fixture.stored || fixture.release < 37 && same_but_zeros(&ours, &fixture.stored)
        }),
    );
    wrong
}

/// Without the lines of a creation that has no time.
fn dated(text: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(text).expect("fixtures are text");
    let mut kept = String::new();
    for line in text.split_inclusive('\n') {
        match line.trim() {
            "creationTimestamp: null" | "\"creationTimestamp\": null," => {}
            // The last member of its object: the comma before it goes with it.
            "\"creationTimestamp\": null" => {
                let whole = kept.trim_end().trim_end_matches(',').len();
                kept.truncate(whole);
                kept.push('\n');
            }
            _ => kept.push_str(line),
        }
    }
    kept.into_bytes()
}

/// JSON without the blanks between its words.
fn compact(text: &[u8]) -> Vec<u8> {
    let (mut quoted, mut escaped) = (false, false);
    let mut kept = text.to_vec();
    kept.retain(|&byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            _ => {}
        }
        quoted || !byte.is_ascii_whitespace()
    });
    kept
}

type Field<'a> = (u64, u64, &'a [u8]);

/// A message's fields: number and wire type, a number's value, bytes; `None` where it is no message.
fn fields(mut rest: &[u8]) -> Option<Vec<Field<'_>>> {
    fn varint(rest: &mut &[u8]) -> Option<u64> {
        let mut value = 0;
        for at in 0..10 {
            let (&byte, behind) = rest.split_first()?;
            *rest = behind;
            value |= u64::from(byte & 127) << (7 * at);
            if byte < 128 {
                return Some(value);
            }
        }
        None
    }
    let mut found = Vec::new();
    while !rest.is_empty() {
        let key = varint(&mut rest)?;
        match key & 7 {
            0 => found.push((key, varint(&mut rest)?, &[][..])),
            wire => {
                let length = match wire {
                    1 => 8,
                    2 => varint(&mut rest)?,
                    5 => 4,
                    _ => return None,
                };
                let (taken, behind) = rest.split_at_checked(usize::try_from(length).ok()?)?;
                found.push((key, 0, taken));
                rest = behind;
            }
        }
    }
    Some(found)
}

/// Whether two messages hold the same but for fields that are zero.
fn same_but_zeros(one: &[u8], other: &[u8]) -> bool {
    const MAGIC: &[u8] = b"k8s\0";
    if let (Some(one), Some(other)) = (one.strip_prefix(MAGIC), other.strip_prefix(MAGIC)) {
        return same_but_zeros(one, other);
    }
    let (Some(one), Some(other)) = (fields(one), fields(other)) else { return false };
    let mut other = other.into_iter().peekable();
    for field in one {
        let same = |theirs: &Field| {
            field == *theirs
                || field.0 == theirs.0 && field.0 & 7 == 2 && same_but_zeros(field.2, theirs.2)
        };
        while other.next_if(|theirs| !same(theirs) && is_zero(*theirs)).is_some() {}
        if other.next_if(same).is_none() && !is_zero(field) {
            return false;
        }
    }
    other.all(is_zero)
}

fn is_zero((_, number, bytes): Field) -> bool {
    let below = || fields(bytes).is_some_and(|fields| fields.into_iter().all(is_zero));
    number == 0 && (bytes.iter().all(|byte| *byte == 0) || below())
}

#[test]
fn every_fixture_of_every_release_is_printed_and_encoded_as_upstream_does() {
    let Some(modules) = modules() else { return };
    let mut seen = BTreeMap::new();
    let mut wrong = BTreeSet::new();
    for (version, testdata) in MODULES.iter().zip(&modules) {
        for fixture in fixtures(version, testdata) {
            let (release, name) = (fixture.release, &fixture.name);
            seen.entry(release).or_insert_with(BTreeSet::new).insert(name.clone());
            for fault in faults(&fixture) {
                wrong.insert((release, name.clone(), fault));
            }
        }
    }
    for release in RELEASES {
        let kinds = seen.get(&release).map_or(0, BTreeSet::len);
        assert!(kinds > 100, "1.{release} has {kinds} fixtures");
    }
    // What is excepted must still be wrong: an exception that has become none hides what comes after it.
    for (first, last, name, why) in EXCEPTED {
        for release in first..=last {
            let of = wrong.len();
            wrong.retain(|(in_release, of, _)| !(*in_release == release && of == name));
            assert!(
                wrong.len() < of,
                "1.{release} {name} is excepted, but as it should be ({why})"
            );
        }
    }
    let lines: Vec<String> =
        wrong.iter().map(|(release, name, fault)| format!("1.{release} {name}: {fault}")).collect();
    assert!(lines.is_empty(), "{}:\n{}", lines.len(), lines.join("\n"));
}
