//! `kube get`: what an API server has stored, by kind and name, from a file and from a server.

use super::{Stored, cluster};
use crate::support::{Run, kubernetes};

/// Resources by the folder that a real API server keeps them in.
const FOLDERS: [(&str, &str); 9] = [
    ("po", "pods/"),
    ("Service", "services/specs/"),
    ("ep", "services/endpoints/"),
    ("nodes", "minions/"),
    ("ing", "ingress/"),
    ("rc", "controllers/"),
    ("deploy.apps", "deployments/"),
    ("apiservices", "apiregistration.k8s.io/apiservices/"),
    ("umber", "accounts.zephyr.example/umbers/"),
];

fn stored_in(folder: &str) -> Vec<Stored> {
    let root = format!("/registry/{folder}");
    cluster().into_iter().filter(|one| one.key.starts_with(&root)).collect()
}

fn file(snapshot: &std::path::Path, args: &str) -> Run {
    let args = args.split(' ').map(std::ffi::OsStr::new);
    Run::ours(
        ["kube", "get", "--snapshot"]
            .map(std::ffi::OsStr::new)
            .into_iter()
            .chain([snapshot.as_os_str()])
            .chain(args),
    )
}

#[test]
fn every_resource_is_found_where_its_api_server_keeps_it() {
    let Some((_folder, snapshot)) = kubernetes() else { return };
    for (kind, folder) in FOLDERS {
        let stored = stored_in(folder);
        assert!(!stored.is_empty(), "{folder}");
        let expected: String = stored
            .iter()
            .map(|one| String::from_utf8_lossy(&one.json).trim_end().to_owned() + "\n")
            .collect();
        file(&snapshot, &format!("{kind} -A -w jsonl --show-managed-fields"))
            .outcome()
            .assert_prints(&expected);
    }
}

#[test]
fn an_object_is_printed_as_kubectl_does() {
    let Some((_folder, snapshot)) = kubernetes() else { return };
    let pods = stored_in("pods/");
    let pod = pods.iter().find(|one| one.remark.trim().is_empty()).expect("a plain pod");
    let path: Vec<&str> = pod.key.rsplitn(3, '/').collect();
    let (name, namespace) = (path[0], path[1]);
    file(&snapshot, &format!("pod {name} -n {namespace} -w yaml"))
        .outcome()
        .assert_prints(&String::from_utf8_lossy(&pod.yaml));
    let missing = file(&snapshot, "pod nobody -n nowhere -w yaml").outcome();
    missing.assert_fails(1, "pods \"nobody\" not found");
    let unknown = file(&snapshot, "gremlins").outcome();
    unknown.assert_fails(1, "the store has no resource type \"gremlins\"");
}

#[test]
fn a_table_has_a_row_an_object() {
    let Some((_folder, snapshot)) = kubernetes() else { return };
    let pods = stored_in("pods/");
    let table = file(&snapshot, "pods --all-namespaces").outcome().text();
    let mut lines = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    assert_eq!(lines.next(), Some(vec!["NAMESPACE", "NAME", "AGE", "SIZE"]));
    for pod in &pods {
        let row = lines.next().expect("a row a pod");
        let path: Vec<&str> = pod.key.rsplitn(3, '/').collect();
        let size = pod.value.len().to_string();
        assert_eq!((row[0], row[1], row[3]), (path[1], path[0], size.as_str()), "{table}");
    }
    assert_eq!(lines.next(), None);
    let empty = file(&snapshot, "pods -n nowhere").outcome();
    assert_eq!(empty.text(), "");
    assert_eq!(empty.said(), "No resources found in nowhere namespace.\n");
    let list = file(&snapshot, "pods -n nowhere -w yaml").outcome();
    list.assert_prints(
        "apiVersion: v1\nitems: []\nkind: List\nmetadata:\n  resourceVersion: \"\"\n",
    );
}
