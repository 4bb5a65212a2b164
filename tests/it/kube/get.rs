//! `kube get`: the fixture cluster's objects by their names, from its snapshot and from a server restored from it.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Stored, assert_same, cluster, fixture};
use crate::support::{Etcd, Outcome, Run, kubernetes, ours};

/// Kept under another name than their plural.
const IRREGULAR: [(&str, &str); 6] = [
    ("controllers", "replicationcontrollers"),
    ("ingress", "ingresses"),
    ("minions", "nodes"),
    ("ranges", "rangeallocations"),
    ("services/endpoints", "endpoints"),
    ("services/specs", "services"),
];

/// What the API server keeps for itself, and serves to nobody.
const UNNAMED: [&str; 2] = ["masterleases", "peerserverleases"];

/// As `kubectl api-resources` lists them, of the kinds that the fixture has.
const SHORT: &str = "cm ConfigMap, cj CronJob, crd CustomResourceDefinition, crds CustomResourceDefinition, \
    csr CertificateSigningRequest, deploy Deployment, ds DaemonSet, ep Endpoints, ev Event, \
    gax Garnet, hpa HorizontalPodAutoscaler, ing Ingress, ip IPAddress, jux Juniper, limits LimitRange, \
    netpol NetworkPolicy, no Node, ns Namespace, pc PriorityClass, pdb PodDisruptionBudget, po Pod, \
    pv PersistentVolume, pvc PersistentVolumeClaim, quota ResourceQuota, rc ReplicationController, \
    rs ReplicaSet, sa ServiceAccount, sc StorageClass, sts StatefulSet, svc Service, umx Umber, \
    vac VolumeAttributesClass, yax Yarrow";

/// The stored objects by what they are kept under, and of what kind they are.
fn kinds() -> BTreeMap<(String, String), Vec<Stored>> {
    let mut kinds: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for stored in cluster() {
        let Some(place) = stored.key.strip_prefix("/registry/") else { continue };
        let mut segments = place.split('/');
        let first = segments.next().expect("a key has segments");
        let path = match segments.next() {
            Some(second) if first == "services" || first.contains('.') => {
                format!("{first}/{second}")
            }
            _ => first.to_owned(),
        };
        let object: serde_json::Value = serde_json::from_slice(&stored.json).expect("an object");
        let kind = object["kind"].as_str().expect("a kind").to_owned();
        kinds.entry((path, kind)).or_default().push(stored);
    }
    kinds
}

fn got(snapshot: &Path, args: &[&str]) -> Outcome {
    let config = fixture("kube/encryption-config.yaml").display().to_string();
    let file = snapshot.to_str().expect("a path of UTF-8");
    let whole = [&["kube", "get", "--snapshot", file, "--encryption-config", &config], args];
    Run::ours(whole.concat()).outcome()
}

fn lines(objects: &[Stored]) -> Vec<u8> {
    let mut text = Vec::new();
    for one in objects {
        text.extend_from_slice(&one.json);
        text.push(b'\n');
    }
    text
}

/// With the managers, which the server's JSON has.
const LINES: [&str; 4] = ["-A", "--show-managed-fields", "-w", "jsonl"];

#[test]
fn every_kind_is_there_under_its_kind_its_plural_and_its_short_names() {
    let Some((_folder, file)) = kubernetes() else { return };
    let mut short: Vec<(&str, &str)> =
        SHORT.split(", ").map(|pair| pair.split_once(' ').unwrap()).collect();
    for ((path, kind), objects) in kinds() {
        if UNNAMED.contains(&path.as_str()) {
            continue;
        }
        let irregular = IRREGULAR.iter().find(|(kept, _)| *kept == path);
        let plural = irregular.map_or_else(|| path.rsplit('/').next().unwrap(), |(_, name)| name);
        let expected = lines(&objects);
        let mut names = vec![plural.to_owned(), kind.clone(), kind.to_lowercase()];
        names.extend(short.extract_if(.., |(_, of)| *of == kind).map(|(name, _)| name.to_owned()));
        for name in names {
            let outcome = got(&file, &[&[&name as &str][..], &LINES].concat());
            assert_eq!(outcome.status, 0, "{name}\n{outcome}");
            assert_same(&outcome.stdout, &expected, &name);
        }
    }
    assert_eq!(short, [], "each short name was asked for");
}

/// kubectl's list of these documents.
fn listed(objects: &[Stored]) -> String {
    let mut text = "apiVersion: v1\nitems:\n".to_owned();
    for one in objects {
        let yaml = std::str::from_utf8(&one.yaml).expect("YAML is text");
        for (at, line) in yaml.lines().enumerate() {
            let indent = match (at, line) {
                (0, _) => "- ",
                (_, "") => "",
                _ => "  ",
            };
            // To YAML these are ends of lines too.
            let line = line.replace('\u{2028}', "\u{2028}  ").replace('\u{2029}', "\u{2029}  ");
            text.extend([indent, &line, "\n"]);
        }
    }
    text + "kind: List\nmetadata:\n  resourceVersion: \"\"\n"
}

#[test]
fn yaml_and_json_are_kubectls_lists_and_one_object_stands_alone() {
    let Some((_folder, file)) = kubernetes() else { return };
    let mut byte_for_byte = 0;
    for ((path, kind), objects) in kinds() {
        if UNNAMED.contains(&path.as_str()) {
            continue;
        }
        // kubectl's YAML loses something of a few.
        if objects.iter().all(|one| one.remark.trim().is_empty() && !one.yaml.is_empty()) {
            let yaml = got(&file, &[&kind, "-A", "-w", "yaml"]);
            let expected = listed(&objects);
            // Long texts go on in the next line, earlier where they stand deeper.
            if expected.lines().all(|line| line.chars().count() < 80) {
                assert_same(&yaml.stdout, expected.as_bytes(), &kind);
                byte_for_byte += 1;
            }
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_same(words(&yaml.text()).as_bytes(), words(&expected).as_bytes(), &kind);
        }
        let json = got(&file, &[&kind, "-A", "-w", "json", "--show-managed-fields"]);
        let list: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
        assert_eq!(list["kind"], "List");
        let expected: Vec<serde_json::Value> =
            objects.iter().map(|one| serde_json::from_slice(&one.json).unwrap()).collect();
        assert_eq!(list["items"], serde_json::Value::Array(expected), "{kind}");
    }
    assert!(byte_for_byte > 20, "{byte_for_byte}");
    let pod = cluster().into_iter().find(|one| one.key.starts_with("/registry/pods/")).unwrap();
    let (namespace, name) = pod.key["/registry/pods/".len()..].split_once('/').unwrap();
    for args in [
        &["pod", name, "-n", namespace, "-w", "yaml"][..],
        &[&format!("po/{name}"), "--namespace", namespace, "-w", "yaml"],
        &["pods.v1", name, "-n", namespace, "-w", "yaml", "--etcd-prefix", "registry/"],
    ] {
        assert_same(&got(&file, args).stdout, &pod.yaml, name);
    }
    got(&file, &["pods", "-n", "none", "-w", "json"]).assert_prints(
        "{\n    \"apiVersion\": \"v1\",\n    \"items\": [],\n    \"kind\": \"List\",\n    \"metadata\": {\n        \"resourceVersion\": \"\"\n    }\n}\n",
    );
    got(&file, &["pods", "-n", "none", "-w", "yaml"]).assert_prints(
        "apiVersion: v1\nitems: []\nkind: List\nmetadata:\n  resourceVersion: \"\"\n",
    );
}

#[test]
fn a_table_has_a_line_an_object_and_a_namespace_narrows_it() {
    let Some((_folder, file)) = kubernetes() else { return };
    let first = |outcome: &Outcome| outcome.text().lines().next().unwrap_or_default().to_owned();
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let objects: Vec<Stored> =
        cluster().into_iter().filter(|one| one.key.starts_with("/registry/pods/")).collect();
    let all = got(&file, &["po", "-A"]);
    assert_eq!(words(&first(&all)), ["NAMESPACE", "NAME", "AGE", "SIZE"]);
    assert_eq!(all.text().lines().count(), objects.len() + 1);
    for (line, one) in all.text().lines().skip(1).zip(&objects) {
        let found = words(line);
        assert_eq!(format!("/registry/pods/{}/{}", found[0], found[1]), one.key);
        assert!(!found[2].starts_with('<'), "{line}");
    }
    let narrow = got(&file, &["po", "-n", "elm-forge"]);
    assert_eq!(words(&first(&narrow)), ["NAME", "AGE", "SIZE"]);
    let there = objects.iter().filter(|one| one.key.starts_with("/registry/pods/elm-forge/"));
    assert_eq!(narrow.text().lines().count(), there.count() + 1);
    let nodes = got(&file, &["nodes", "-A"]);
    assert!(first(&nodes).starts_with("NAME     AGE"), "{nodes}");
    let boxed = got(&file, &["nodes", "-w", "table"]);
    assert!(first(&boxed).starts_with('┌') && boxed.text().contains("│ node-1 │"), "{boxed}");
}

#[test]
fn what_is_not_there_is_named_with_the_way_out() {
    let Some((_folder, file)) = kubernetes() else { return };
    got(&file, &["po", "x"]).assert_fails(1, "pods \"x\" not found");
    got(&file, &["deploy", "x", "-w", "yaml"]).assert_fails(1, "deployments.apps \"x\" not found");
    got(&file, &["umx", "x"]).assert_fails(1, "umbers.accounts.zephyr.example \"x\" not found");
    let unknown = got(&file, &["pots"]);
    unknown.assert_fails(1, "the server doesn't have a resource type \"pots\"");
    assert!(unknown.said().contains("--etcd-prefix says where"), "{unknown}");
    got(&file, &["pods.apps"])
        .assert_fails(1, "the server doesn't have a resource type \"pods.apps\"");
    got(&file, &["po", "x", "-A"])
        .assert_fails(128, "a resource cannot be retrieved by name across all namespaces");
    let none = got(&file, &["po", "-n", "none"]);
    assert_eq!((none.status, none.text()), (0, String::new()));
    assert_eq!(none.said(), "No resources found in none namespace.\n");
    let elsewhere = got(&file, &["nodes", "--etcd-prefix", "/kubernetes.io"]);
    assert_eq!(elsewhere.said(), "No resources found\n");

    // What is closed is named; what is open is shown.
    let file = file.to_str().unwrap();
    let args = ["kube", "get", "secrets", "-n", "elm-forge", "-w", "jsonl", "--snapshot", file];
    let secrets = Run::ours(args).outcome();
    assert_eq!(secrets.text().lines().count(), 1, "{secrets}");
    assert!(secrets.said().contains("is encrypted by secretbox:v1, key \"key2\"\n"), "{secrets}");
    assert!(secrets.said().ends_with("Error: 20 of 21 objects could not be shown\n"), "{secrets}");
    assert_eq!(secrets.status, 1);
}

#[test]
fn a_server_gives_the_same_bytes_as_its_snapshot_and_older_revisions() {
    let Some((_folder, file)) = kubernetes() else { return };
    let prepare = |data: &Path| {
        let cluster = format!("default={}", Etcd::LONE);
        let (file, data) = (file.to_str().unwrap(), data.to_str().unwrap());
        let mut args = vec!["snapshot", "restore", file, "--data-dir", data];
        args.extend(["--initial-cluster", &cluster, "--initial-cluster-token", Etcd::TOKEN]);
        args.extend(["--initial-advertise-peer-urls", Etcd::LONE]);
        let restored = Run::ours(args).outcome();
        assert_eq!(restored.status, 0, "{restored}");
    };
    let Some(etcd) = Etcd::prepared("3.6", prepare) else { return };
    let config = fixture("kube/encryption-config.yaml").display().to_string();
    for kind in ["pods", "svc", "nodes", "secrets", "yarrows", "Umber", "crd", "ing", "cm"] {
        for format in ["yaml", "json", "jsonl"] {
            let args = [kind, "-A", "-w", format];
            let live = ["kube", "get", "--encryption-config", &config];
            let live = ours(&etcd, &[&live[..], &args].concat());
            let offline = got(&file, &args);
            assert_eq!((live.status, offline.status), (0, 0), "{live}");
            assert!(!live.stdout.is_empty());
            assert_same(&live.stdout, &offline.stdout, kind);
        }
    }
    let before = ours(&etcd, &["kube", "get", "no", "-w", "jsonl"]);
    let header = ours(&etcd, &["get", "none", "-w", "json"]);
    let answer: serde_json::Value = serde_json::from_slice(&header.stdout).unwrap();
    let revision = answer["header"]["revision"].as_i64().unwrap().to_string();
    ours(&etcd, &["del", "/registry/minions/node-1"]).assert_prints("1\n");
    ours(&etcd, &["del", "/registry/apiextensions.k8s.io/", "--prefix"]).assert_prints("4\n");
    ours(&etcd, &["kube", "get", "no", "node-1"]).assert_fails(1, "nodes \"node-1\" not found");
    ours(&etcd, &["kube", "get", "yax"])
        .assert_fails(1, "the server doesn't have a resource type \"yax\"");
    let then = ours(&etcd, &["kube", "get", "no", "-w", "jsonl", "--rev", &revision]);
    assert_same(&then.stdout, &before.stdout, "nodes at an older revision");
    let yarrows = ours(&etcd, &["kube", "get", "yax", "-A", "-w", "jsonl", "--rev", &revision]);
    assert_same(&yarrows.stdout, &got(&file, &["yax", "-A", "-w", "jsonl"]).stdout, "yarrows");
}
