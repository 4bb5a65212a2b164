//! Where distributions of Kubernetes keep the certificates of their etcd.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Candidate, Ground};

/// One distribution's files, below the root. A `*` stands for a node's name.
struct Place {
    name: &'static str,
    folder: &'static str,
    /// The port of its etcd, where it is not the usual one.
    port: Option<u16>,
    cacerts: &'static [&'static str],
    /// Certificates and keys; clients' before servers', which serve as well where they say so.
    pairs: &'static [(&'static str, &'static str)],
}

/// Sources: kubeadm `constants.go`; k3s and RKE2 `pkg/daemons/config` (`server/tls/etcd`); RKE `pki/constants.go`;
/// kOps `nodeup/pkg/model/kube_apiserver.go`, whose main etcd listens on 4001;
/// `cluster-etcd-operator` (`bindata/etcd/pod.yaml`), in the pod and on the node; Talos `constants.go`.
const PLACES: [Place; 9] = [
    Place {
        name: "kubeadm",
        folder: "etc/kubernetes/pki",
        port: None,
        cacerts: &["etcd/ca.crt"],
        pairs: &[
            ("etcd/healthcheck-client.crt", "etcd/healthcheck-client.key"),
            ("apiserver-etcd-client.crt", "apiserver-etcd-client.key"),
            ("etcd/server.crt", "etcd/server.key"),
        ],
    },
    Place {
        name: "k3s",
        folder: "var/lib/rancher/k3s/server/tls/etcd",
        port: None,
        cacerts: &["server-ca.crt"],
        pairs: &[("client.crt", "client.key"), ("server-client.crt", "server-client.key")],
    },
    Place {
        name: "RKE2",
        folder: "var/lib/rancher/rke2/server/tls/etcd",
        port: None,
        cacerts: &["server-ca.crt"],
        pairs: &[("client.crt", "client.key"), ("server-client.crt", "server-client.key")],
    },
    Place {
        name: "RKE",
        folder: "etc/kubernetes/ssl",
        port: None,
        cacerts: &["kube-ca.pem"],
        pairs: &[
            ("kube-etcd-*.pem", "kube-etcd-*-key.pem"),
            ("kube-node.pem", "kube-node-key.pem"),
        ],
    },
    Place {
        name: "kOps",
        folder: "etc/kubernetes/pki/kube-apiserver",
        port: Some(4001),
        cacerts: &["etcd-ca.crt"],
        pairs: &[("etcd-client.crt", "etcd-client.key")],
    },
    Place {
        name: "kOps",
        folder: "srv/kubernetes/kube-apiserver",
        port: Some(4001),
        cacerts: &["etcd-ca.crt"],
        pairs: &[("etcd-client.crt", "etcd-client.key")],
    },
    Place {
        name: "OpenShift",
        folder: "etc/kubernetes/static-pod-certs",
        port: None,
        cacerts: OPENSHIFT_CACERTS,
        pairs: OPENSHIFT_PAIRS,
    },
    Place {
        name: "OpenShift",
        folder: "etc/kubernetes/static-pod-resources/etcd-certs",
        port: None,
        cacerts: OPENSHIFT_CACERTS,
        pairs: OPENSHIFT_PAIRS,
    },
    Place {
        name: "Talos",
        folder: "system/secrets/etcd",
        port: None,
        cacerts: &["ca.crt"],
        pairs: &[("admin.crt", "admin.key"), ("server.crt", "server.key")],
    },
];

const OPENSHIFT_CACERTS: &[&str] = &[
    "configmaps/etcd-all-bundles/server-ca-bundle.crt",
    "configmaps/etcd-serving-ca/ca-bundle.crt",
];
const OPENSHIFT_PAIRS: &[(&str, &str)] =
    &[("secrets/etcd-all-certs/etcd-peer-*.crt", "secrets/etcd-all-certs/etcd-peer-*.key")];

/// The places, in their order. Nothing is opened here.
pub fn candidates(ground: &Ground) -> impl Iterator<Item = Candidate> {
    PLACES.iter().map(|place| {
        let folder = ground.root.join(place.folder);
        let (host, port) = ground.local.rsplit_once(':').unwrap_or((&ground.local, "2379"));
        let port = place.port.map_or_else(|| port.to_owned(), |port| port.to_string());
        Candidate {
            endpoint: format!("https://{host}:{port}"),
            whose: format!(
                "with the certificates that {} keeps in {}",
                place.name,
                folder.display()
            ),
            cacerts: place.cacerts.iter().map(|name| folder.join(name)).collect(),
            pairs: Some(place.pairs.iter().flat_map(|pair| pairs(&folder, *pair)).collect()),
        }
    })
}

/// The pairs of one pattern, for every node's name that there is.
fn pairs(folder: &Path, (cert, key): (&str, &str)) -> Vec<(PathBuf, PathBuf)> {
    let Some((before, after)) = cert.split_once('*') else {
        return vec![(folder.join(cert), folder.join(key))];
    };
    let (below, before) = before.rsplit_once('/').unwrap_or(("", before));
    let entries = fs::read_dir(folder.join(below)).into_iter().flatten().flatten();
    let nodes = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        Some(name.strip_prefix(before)?.strip_suffix(after)?.to_owned())
    });
    let mut nodes: Vec<String> = nodes.collect();
    nodes.sort();
    let named = |text: &str, node: &str| folder.join(text.replacen('*', node, 1));
    nodes.iter().map(|node| (named(cert, node), named(key, node))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nodes_name_is_found_in_its_files_names() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["kube-etcd-10-0-0-1.pem", "kube-etcd-10-0-0-1-key.pem", "kube-ca.pem"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = pairs(folder.path(), ("kube-etcd-*.pem", "kube-etcd-*-key.pem"));
        let (cert, key) = &found[0];
        assert!(
            cert.ends_with("kube-etcd-10-0-0-1.pem")
                || cert.ends_with("kube-etcd-10-0-0-1-key.pem")
        );
        assert!(found.iter().any(|(cert, key)| {
            cert.ends_with("kube-etcd-10-0-0-1.pem") && key.ends_with("kube-etcd-10-0-0-1-key.pem")
        }));
        assert_ne!(cert, key);
        assert!(pairs(folder.path(), ("none/x-*.crt", "none/x-*.key")).is_empty());
    }
}
