//! `kube get`: the fixture cluster's objects by their names, from its snapshot and from a server restored from it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use super::{Stored, assert_same, bytes, cluster, fixture, table};
use crate::support::{Etcd, Outcome, Run, kubernetes, ours, restored};

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

/// Of these kubectl loses a character, rounds a number, or prints nothing: their kinds are not compared as lists.
const LOST: [&str; 9] = [
    "/registry/accounts.zephyr.example/umbers/heron-api",
    "/registry/configmaps/elm-forge/zephyr-ledger",
    "/registry/configmaps/ember-tide/every-odd-value",
    "/registry/configmaps/ember-tide/not-for-yaml",
    "/registry/configmaps/umber-loom/quill-tracker",
    "/registry/controllerrevisions/elm-forge/garnet-merger-0",
    "/registry/controllerrevisions/umber-loom/fern-ledger-0",
    "/registry/deployments/elm-forge/xylem-tracker",
    "/registry/services/specs/ember-tide/pebble-tracker-54cv",
];

/// kubectl's list of these objects, without and with managers. An item stands two blanks deeper than the object alone, and
/// where that folds a text elsewhere, kubectl's own item is in a table.
fn listed(objects: &[Stored]) -> [String; 2] {
    static FOLDED: LazyLock<BTreeMap<String, [String; 2]>> = LazyLock::new(|| {
        let text = |base64: &str| String::from_utf8(bytes(base64)).expect("it is text");
        let row = |row: Vec<String>| (text(&row[0]), [text(&row[1]), text(&row[2])]);
        table("kube/listed.tsv.xz").into_iter().map(row).collect()
    });
    [0, 1].map(|managers| {
        let mut text = "apiVersion: v1\nitems:\n".to_owned();
        for one in objects {
            let yaml = [&one.yaml, &one.yaml_with_managers][managers];
            let yaml = std::str::from_utf8(yaml).expect("YAML is text");
            if let Some(folded) = FOLDED.get(&one.key) {
                text.push_str(&folded[managers]);
                continue;
            }
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
    })
}

#[test]
fn yaml_and_json_are_kubectls_lists_and_one_object_stands_alone() {
    let Some((_folder, file)) = kubernetes() else { return };
    let mut compared = 0;
    for ((path, kind), objects) in kinds() {
        if UNNAMED.contains(&path.as_str()) {
            continue;
        }
        let excepted = objects.iter().any(|one| LOST.contains(&one.key.as_str()));
        for (flags, expected) in
            [&[][..], &["--show-managed-fields"]].into_iter().zip(listed(&objects))
        {
            if !excepted {
                let yaml = got(&file, &[&[&kind, "-A", "-w", "yaml"], flags].concat());
                assert_same(&yaml.stdout, expected.as_bytes(), &kind);
                compared += 1;
            }
        }
        let json = got(&file, &[&kind, "-A", "-w", "json", "--show-managed-fields"]);
        let list: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
        assert_eq!(list["kind"], "List");
        let expected: Vec<serde_json::Value> =
            objects.iter().map(|one| serde_json::from_slice(&one.json).unwrap()).collect();
        assert_eq!(list["items"], serde_json::Value::Array(expected), "{kind}");
    }
    assert!(compared > 120, "{compared}");
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
    let Some(etcd) = restored("3.6", &file) else { return };
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

/// What `OpenShift`'s two API servers keep, where its storage test expects it; the name that `oc` takes, and the object's own.
const OPENSHIFT: [(&str, &str, &str, &str); 20] = [
    ("/openshift.io/builds/shop/web-1", "builds", "build.openshift.io/v1 Build", "shop"),
    ("/openshift.io/buildconfigs/shop/web", "bc", "build.openshift.io/v1 BuildConfig", "shop"),
    (
        "/openshift.io/deploymentconfigs/shop/web",
        "dc",
        "apps.openshift.io/v1 DeploymentConfig",
        "shop",
    ),
    ("/openshift.io/imagestreams/shop/web", "is", "image.openshift.io/v1 ImageStream", "shop"),
    ("/openshift.io/images/sha256:00", "image", "image.openshift.io/v1 Image", ""),
    (
        "/openshift.io/oauth/clientauthorizations/ann:cli",
        "oauthclientauthorizations",
        "oauth.openshift.io/v1 OAuthClientAuthorization",
        "",
    ),
    (
        "/openshift.io/oauth/accesstokens/sha256~aa",
        "oauthaccesstoken",
        "oauth.openshift.io/v1 OAuthAccessToken",
        "",
    ),
    (
        "/openshift.io/oauth/authorizetokens/sha256~bb",
        "oauthauthorizetokens",
        "oauth.openshift.io/v1 OAuthAuthorizeToken",
        "",
    ),
    ("/openshift.io/oauth/clients/cli", "oauthclients", "oauth.openshift.io/v1 OAuthClient", ""),
    ("/openshift.io/routes/shop/web", "route", "route.openshift.io/v1 Route", "shop"),
    (
        "/openshift.io/rangeallocations/scc-uid",
        "rangeallocations.security.openshift.io",
        "security.openshift.io/v1 RangeAllocation",
        "",
    ),
    (
        "/openshift.io/templates/shop/jenkins",
        "templates",
        "template.openshift.io/v1 Template",
        "shop",
    ),
    (
        "/openshift.io/templateinstances/shop/a",
        "templateinstances",
        "template.openshift.io/v1 TemplateInstance",
        "shop",
    ),
    (
        "/openshift.io/brokertemplateinstances/b",
        "brokertemplateinstances",
        "template.openshift.io/v1 BrokerTemplateInstance",
        "",
    ),
    ("/openshift.io/groups/devs", "groups", "user.openshift.io/v1 Group", ""),
    ("/openshift.io/users/ann", "users", "user.openshift.io/v1 User", ""),
    ("/openshift.io/useridentities/github:ann", "identities", "user.openshift.io/v1 Identity", ""),
    ("/kubernetes.io/namespaces/shop", "project", "v1 Namespace", ""),
    ("/kubernetes.io/pods/shop/web-1", "po", "v1 Pod", "shop"),
    (
        "/kubernetes.io/security.openshift.io/securitycontextconstraints/any",
        "scc",
        "security.openshift.io/v1 SecurityContextConstraints",
        "",
    ),
];

#[test]
fn openshifts_objects_are_found_where_its_api_servers_keep_them() {
    let etcd = Etcd::start();
    let stored = |api_version: &str, kind: &str, namespace: &str, name: &str| {
        let namespace =
            if namespace.is_empty() { String::new() } else { format!(", namespace: {namespace}") };
        let object = format!(
            "{{apiVersion: {api_version}, kind: {kind}, metadata: {{name: \"{name}\"{namespace}}}}}"
        );
        Run::ours(["kube", "encode"]).stdin(object.as_bytes()).outcome().stdout
    };
    let none = ours(&etcd, &["kube", "get", "pods"]);
    assert_eq!(
        none.said(),
        "hint: no key begins with /registry/ or /kubernetes.io/; --etcd-prefix says where the API server's keys begin\n\
         No resources found in default namespace.\n"
    );
    for (key, _, what, namespace) in OPENSHIFT {
        let (api_version, kind) = what.split_once(' ').unwrap();
        let value = stored(api_version, kind, namespace, key.rsplit('/').next().unwrap());
        assert!(!value.is_empty(), "{what}");
        etcd.put(key.as_bytes(), &value);
    }
    // Since OpenShift 4 a custom resource, as most that is OpenShift's.
    let definition = br#"{"kind":"CustomResourceDefinition","apiVersion":"apiextensions.k8s.io/v1beta1","metadata":{"name":"x"},"spec":{"group":"security.openshift.io","names":{"plural":"securitycontextconstraints","singular":"securitycontextconstraint","shortNames":["scc"],"kind":"SecurityContextConstraints"},"scope":"Cluster"}}"#;
    etcd.put(b"/kubernetes.io/apiextensions.k8s.io/customresourcedefinitions/x", definition);
    for (key, word, what, namespace) in OPENSHIFT {
        let (api_version, kind) = what.split_once(' ').unwrap();
        let name = key.rsplit('/').next().unwrap();
        let group = api_version
            .split_once('/')
            .map_or_else(|| kind.to_owned(), |(group, _)| format!("{kind}.{group}"));
        for word in [word, &group] {
            let place: &[&str] = if namespace.is_empty() { &[] } else { &["-n", namespace] };
            let found = ours(&etcd, &[&["kube", "get", word, "-w", "jsonl"], place].concat());
            assert_eq!(found.text().lines().count(), 1, "{word}\n{found}");
            let object: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
            assert_eq!(object["apiVersion"], api_version);
            assert_eq!(
                (&object["kind"], &object["metadata"]["name"]),
                (&kind.into(), &name.into())
            );
        }
    }
    let elsewhere = ours(&etcd, &["kube", "get", "routes", "-A", "--etcd-prefix", "/registry"]);
    assert_eq!(elsewhere.said(), "No resources found\n");
}
