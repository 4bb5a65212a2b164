//! Resources by the names that kubectl takes, and where an API server keeps their objects.
//!
//! Built-in resources are kept by their plural alone, custom ones by group and plural. Sources: Kubernetes
//! 1.36, `test/integration/etcd/data.go` (folders), `kubectl api-resources` (names and scopes).

use std::borrow::Cow;

use super::tree::Tree;

type Text = Cow<'static, str>;

/// A kind of objects, as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    pub plural: Text,
    /// The first is the one in messages; older releases had others. Empty for the core.
    groups: Vec<Text>,
    /// Singular, kind and short names, in small letters.
    names: Vec<Text>,
    pub namespaced: bool,
    /// Below the prefix, without slashes at its ends.
    pub folder: Text,
}

/// What someone calls a resource: `NAME`, `NAME.GROUP` or `NAME.VERSION.GROUP`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    name: String,
    group: Option<String>,
}

impl Asked {
    #[must_use]
    pub fn new(word: &str) -> Self {
        let word = word.to_lowercase();
        match word.split_once('.') {
            None => Self { name: word, group: None },
            Some((name, group)) => Self { name: name.to_owned(), group: Some(group.to_owned()) },
        }
    }

    fn is(&self, resource: &Resource) -> bool {
        let named = resource.plural == self.name || resource.names.iter().any(|n| *n == self.name);
        let Some(asked) = &self.group else { return named };
        let (version, rest) = asked.split_once('.').unwrap_or((asked, ""));
        let unversioned = is_version(version).then_some(rest);
        named && resource.groups.iter().any(|group| group == asked || Some(&**group) == unversioned)
    }

    /// A resource that nothing describes: what is kept under that very name.
    #[must_use]
    pub fn as_folder(&self, namespaced: bool) -> Resource {
        let group = self.group.as_deref().unwrap_or_default();
        Resource {
            plural: self.name.clone().into(),
            groups: vec![group.to_owned().into()],
            names: Vec::new(),
            namespaced,
            folder: folder(group, &self.name).into(),
        }
    }
}

/// `v1`, `v2beta1`.
fn is_version(word: &str) -> bool {
    let digits = word.strip_prefix('v').and_then(|rest| rest.bytes().next());
    digits.is_some_and(|byte| byte.is_ascii_digit())
}

fn folder(group: &str, plural: &str) -> String {
    if group.is_empty() { plural.to_owned() } else { format!("{group}/{plural}") }
}

/// A resource of Kubernetes itself.
#[must_use]
pub fn built_in(asked: &Asked) -> Option<Resource> {
    BUILT_IN.iter().map(Row::resource).find(|resource| asked.is(resource))
}

/// What a `CustomResourceDefinition` defines, where it is what was asked for.
#[must_use]
pub fn custom(definition: &Tree, asked: &Asked) -> Option<Resource> {
    let text = |tree: Option<&Tree>| tree.and_then(Tree::as_text).map(str::to_owned);
    let spec = definition.get("spec")?;
    let terms = spec.get("names")?;
    let group = text(spec.get("group"))?;
    let plural = text(terms.get("plural"))?;
    let kind = text(terms.get("kind")).map(|kind| kind.to_lowercase());
    let mut names: Vec<Text> = Vec::new();
    names.extend(kind.into_iter().chain(text(terms.get("singular"))).map(Text::from));
    if let Some(Tree::List(short)) = terms.get("shortNames") {
        names.extend(short.iter().filter_map(|name| text(Some(name))).map(Text::from));
    }
    let resource = Resource {
        folder: folder(&group, &plural).into(),
        plural: plural.into(),
        groups: vec![group.into()],
        names,
        namespaced: spec.get("scope").and_then(Tree::as_text) != Some("Cluster"),
    };
    asked.is(&resource).then_some(resource)
}

impl Resource {
    /// `pods`, `deployments.apps`: as messages name it.
    #[must_use]
    pub fn full_name(&self) -> String {
        match self.groups.first().filter(|group| !group.is_empty()) {
            None => self.plural.clone().into_owned(),
            Some(group) => format!("{}.{group}", self.plural),
        }
    }
}

/// Where definitions of custom resources are, below the prefix.
pub const DEFINITIONS: &str = "apiextensions.k8s.io/customresourcedefinitions";

struct Row {
    namespaced: bool,
    plural: &'static str,
    kind: &'static str,
    groups: &'static [&'static str],
    short: &'static [&'static str],
    /// Where it is not the plural.
    folder: Option<&'static str>,
}

impl Row {
    fn resource(&self) -> Resource {
        let kind = Cow::Owned(self.kind.to_lowercase());
        Resource {
            plural: self.plural.into(),
            groups: self.groups.iter().map(|group| Cow::Borrowed(*group)).collect(),
            names: std::iter::once(kind).chain(self.short.iter().map(|n| (*n).into())).collect(),
            namespaced: self.namespaced,
            folder: self.folder.unwrap_or(self.plural).into(),
        }
    }

    const fn of(
        namespaced: bool,
        plural: &'static str,
        kind: &'static str,
        groups: &'static [&'static str],
        short: &'static [&'static str],
    ) -> Self {
        Self { namespaced, plural, kind, groups, short, folder: None }
    }

    const fn kept_in(self, folder: &'static str) -> Self {
        Self { folder: Some(folder), ..self }
    }
}

const NS: bool = true;
const CLUSTER: bool = false;
const CORE: &[&str] = &[""];
const APPS: &[&str] = &["apps", "extensions"];
const BATCH: &[&str] = &["batch"];
const ADMISSION: &[&str] = &["admissionregistration.k8s.io"];
const CERTIFICATES: &[&str] = &["certificates.k8s.io"];
const COORDINATION: &[&str] = &["coordination.k8s.io"];
const FLOWCONTROL: &[&str] = &["flowcontrol.apiserver.k8s.io"];
const LIFECYCLE: &[&str] = &["lifecycle.k8s.io"];
const NETWORKING: &[&str] = &["networking.k8s.io", "extensions"];
const POLICY: &[&str] = &["policy", "extensions"];
const RBAC: &[&str] = &["rbac.authorization.k8s.io"];
const RESOURCE: &[&str] = &["resource.k8s.io"];
const SCHEDULING: &[&str] = &["scheduling.k8s.io"];
const STORAGE: &[&str] = &["storage.k8s.io"];

/// In the order in which kubectl prefers them.
static BUILT_IN: &[Row] = &[
    Row::of(NS, "configmaps", "ConfigMap", CORE, &["cm"]),
    Row::of(NS, "endpoints", "Endpoints", CORE, &["ep"]).kept_in("services/endpoints"),
    Row::of(NS, "events", "Event", &["", "events.k8s.io"], &["ev"]),
    Row::of(NS, "limitranges", "LimitRange", CORE, &["limits"]),
    Row::of(CLUSTER, "namespaces", "Namespace", CORE, &["ns"]),
    Row::of(CLUSTER, "nodes", "Node", CORE, &["no"]).kept_in("minions"),
    Row::of(NS, "persistentvolumeclaims", "PersistentVolumeClaim", CORE, &["pvc"]),
    Row::of(CLUSTER, "persistentvolumes", "PersistentVolume", CORE, &["pv"]),
    Row::of(NS, "pods", "Pod", CORE, &["po"]),
    Row::of(NS, "podtemplates", "PodTemplate", CORE, &[]),
    Row::of(NS, "replicationcontrollers", "ReplicationController", CORE, &["rc"])
        .kept_in("controllers"),
    Row::of(NS, "resourcequotas", "ResourceQuota", CORE, &["quota"]),
    Row::of(NS, "secrets", "Secret", CORE, &[]),
    Row::of(NS, "serviceaccounts", "ServiceAccount", CORE, &["sa"]),
    Row::of(NS, "services", "Service", CORE, &["svc"]).kept_in("services/specs"),
    Row::of(NS, "controllerrevisions", "ControllerRevision", APPS, &[]),
    Row::of(NS, "daemonsets", "DaemonSet", APPS, &["ds"]),
    Row::of(NS, "deployments", "Deployment", APPS, &["deploy"]),
    Row::of(NS, "replicasets", "ReplicaSet", APPS, &["rs"]),
    Row::of(NS, "statefulsets", "StatefulSet", APPS, &["sts"]),
    Row::of(
        NS,
        "horizontalpodautoscalers",
        "HorizontalPodAutoscaler",
        &["autoscaling", "extensions"],
        &["hpa"],
    ),
    Row::of(NS, "cronjobs", "CronJob", BATCH, &["cj"]),
    Row::of(NS, "jobs", "Job", BATCH, &[]),
    Row::of(CLUSTER, "mutatingadmissionpolicies", "MutatingAdmissionPolicy", ADMISSION, &[]),
    Row::of(
        CLUSTER,
        "mutatingadmissionpolicybindings",
        "MutatingAdmissionPolicyBinding",
        ADMISSION,
        &[],
    ),
    Row::of(
        CLUSTER,
        "mutatingwebhookconfigurations",
        "MutatingWebhookConfiguration",
        ADMISSION,
        &[],
    ),
    Row::of(CLUSTER, "validatingadmissionpolicies", "ValidatingAdmissionPolicy", ADMISSION, &[]),
    Row::of(
        CLUSTER,
        "validatingadmissionpolicybindings",
        "ValidatingAdmissionPolicyBinding",
        ADMISSION,
        &[],
    ),
    Row::of(
        CLUSTER,
        "validatingwebhookconfigurations",
        "ValidatingWebhookConfiguration",
        ADMISSION,
        &[],
    ),
    Row::of(CLUSTER, "initializerconfigurations", "InitializerConfiguration", ADMISSION, &[]),
    Row::of(
        CLUSTER,
        "customresourcedefinitions",
        "CustomResourceDefinition",
        &["apiextensions.k8s.io"],
        &["crd", "crds"],
    )
    .kept_in(DEFINITIONS),
    Row::of(CLUSTER, "apiservices", "APIService", &["apiregistration.k8s.io"], &[])
        .kept_in("apiregistration.k8s.io/apiservices"),
    Row::of(
        CLUSTER,
        "certificatesigningrequests",
        "CertificateSigningRequest",
        CERTIFICATES,
        &["csr"],
    ),
    Row::of(CLUSTER, "clustertrustbundles", "ClusterTrustBundle", CERTIFICATES, &[]),
    Row::of(NS, "podcertificaterequests", "PodCertificateRequest", CERTIFICATES, &[]),
    Row::of(NS, "leases", "Lease", COORDINATION, &[]),
    Row::of(NS, "leasecandidates", "LeaseCandidate", COORDINATION, &[]),
    Row::of(NS, "endpointslices", "EndpointSlice", &["discovery.k8s.io"], &[]),
    Row::of(CLUSTER, "flowschemas", "FlowSchema", FLOWCONTROL, &[]),
    Row::of(CLUSTER, "prioritylevelconfigurations", "PriorityLevelConfiguration", FLOWCONTROL, &[]),
    Row::of(CLUSTER, "storageversions", "StorageVersion", &["internal.apiserver.k8s.io"], &[]),
    Row::of(NS, "ingresses", "Ingress", NETWORKING, &["ing"]).kept_in("ingress"),
    Row::of(CLUSTER, "ingressclasses", "IngressClass", NETWORKING, &[]),
    Row::of(CLUSTER, "ipaddresses", "IPAddress", NETWORKING, &["ip"]),
    Row::of(NS, "networkpolicies", "NetworkPolicy", NETWORKING, &["netpol"]),
    Row::of(CLUSTER, "servicecidrs", "ServiceCIDR", NETWORKING, &[]),
    Row::of(CLUSTER, "clustercidrs", "ClusterCIDR", NETWORKING, &["cc"]),
    Row::of(CLUSTER, "runtimeclasses", "RuntimeClass", &["node.k8s.io"], &[]),
    Row::of(NS, "poddisruptionbudgets", "PodDisruptionBudget", POLICY, &["pdb"]),
    Row::of(CLUSTER, "podsecuritypolicies", "PodSecurityPolicy", POLICY, &["psp"])
        .kept_in("podsecuritypolicy"),
    Row::of(CLUSTER, "clusterrolebindings", "ClusterRoleBinding", RBAC, &[]),
    Row::of(CLUSTER, "clusterroles", "ClusterRole", RBAC, &[]),
    Row::of(NS, "rolebindings", "RoleBinding", RBAC, &[]),
    Row::of(NS, "roles", "Role", RBAC, &[]),
    Row::of(CLUSTER, "deviceclasses", "DeviceClass", RESOURCE, &[]),
    Row::of(CLUSTER, "devicetaintrules", "DeviceTaintRule", RESOURCE, &[]),
    Row::of(NS, "resourceclaims", "ResourceClaim", RESOURCE, &[]),
    Row::of(NS, "resourceclaimtemplates", "ResourceClaimTemplate", RESOURCE, &[]),
    Row::of(CLUSTER, "resourcepoolstatusrequests", "ResourcePoolStatusRequest", RESOURCE, &[]),
    Row::of(CLUSTER, "resourceslices", "ResourceSlice", RESOURCE, &[]),
    Row::of(CLUSTER, "resourceclasses", "ResourceClass", RESOURCE, &[]),
    Row::of(NS, "podschedulings", "PodScheduling", RESOURCE, &[]),
    Row::of(NS, "podschedulingcontexts", "PodSchedulingContext", RESOURCE, &[]),
    Row::of(NS, "resourceclaimparameters", "ResourceClaimParameters", RESOURCE, &[]),
    Row::of(NS, "resourceclassparameters", "ResourceClassParameters", RESOURCE, &[]),
    Row::of(CLUSTER, "priorityclasses", "PriorityClass", SCHEDULING, &["pc"]),
    Row::of(NS, "workloads", "Workload", SCHEDULING, &[]),
    Row::of(NS, "podgroups", "PodGroup", SCHEDULING, &[]),
    Row::of(CLUSTER, "csidrivers", "CSIDriver", STORAGE, &[]),
    Row::of(CLUSTER, "csinodes", "CSINode", STORAGE, &[]),
    Row::of(NS, "csistoragecapacities", "CSIStorageCapacity", STORAGE, &[]),
    Row::of(CLUSTER, "storageclasses", "StorageClass", STORAGE, &["sc"]),
    Row::of(CLUSTER, "volumeattachments", "VolumeAttachment", STORAGE, &[]),
    Row::of(CLUSTER, "volumeattributesclasses", "VolumeAttributesClass", STORAGE, &["vac"]),
    Row::of(
        CLUSTER,
        "storageversionmigrations",
        "StorageVersionMigration",
        &["storagemigration.k8s.io"],
        &[],
    ),
    Row::of(NS, "evictionrequests", "EvictionRequest", LIFECYCLE, &[]),
    Row::of(NS, "evictions", "Eviction", LIFECYCLE, &[]),
    Row::of(NS, "podpresets", "PodPreset", &["settings.k8s.io"], &[]),
    Row::of(CLUSTER, "auditsinks", "AuditSink", &["auditregistration.k8s.io"], &[]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::json;

    fn full(word: &str) -> Option<String> {
        built_in(&Asked::new(word)).map(|resource| resource.full_name())
    }

    #[test]
    fn plural_kind_and_short_names_mean_the_same() {
        for word in ["deployments", "Deployment", "DEPLOY", "deploy.apps", "deployments.v1.apps"] {
            assert_eq!(full(word).as_deref(), Some("deployments.apps"), "{word}");
        }
        for word in ["ing", "ingresses.networking.k8s.io", "ingress.extensions"] {
            assert_eq!(built_in(&Asked::new(word)).unwrap().folder, "ingress", "{word}");
        }
        assert_eq!(full("pods.apps"), None);
        assert_eq!(full("pods.v1.").as_deref(), Some("pods"));
    }

    #[test]
    fn no_name_means_two_resources() {
        let resources: Vec<_> = BUILT_IN.iter().map(Row::resource).collect();
        let mut names: Vec<_> =
            resources.iter().flat_map(|one| one.names.iter().chain([&one.plural])).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        // The kind Endpoints is its own plural.
        let twice = ["endpoints", "resourceclaimparameters", "resourceclassparameters"];
        assert_eq!(names.len(), all - twice.len());
    }

    #[test]
    fn a_custom_resource_is_found_by_all_its_names() {
        let text = br#"{"spec":{"group":"a.example","scope":"Cluster","names":{"plural":"yarrows",
            "singular":"yarrow","kind":"Yarrow","shortNames":["yw"]}}}"#;
        let definition = json::read(text).unwrap();
        for word in ["yarrows", "Yarrow", "yw", "yw.a.example", "yarrows.v1.a.example"] {
            let found = custom(&definition, &Asked::new(word)).unwrap_or_else(|| panic!("{word}"));
            assert_eq!((found.folder.as_ref(), found.namespaced), ("a.example/yarrows", false));
        }
        assert_eq!(custom(&definition, &Asked::new("yw.b.example")), None);
        assert_eq!(custom(&json::read(b"{}").unwrap(), &Asked::new("yw")), None);
    }
}
