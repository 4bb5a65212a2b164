//! The names of resources as kubectl takes them, and where an API server keeps their objects.
//!
//! Source: the API servers' own storage (`pkg/registry` and `pkg/kubeapiserver` of Kubernetes; of `OpenShift` the table of its storage test,
//! `test/extended/etcd/etcd_storage_path.go` in `openshift/origin`, and the prefixes of its older API server). Custom resources are named by
//! their definitions, which are in the store too.

use super::tree::Tree;

/// What API servers put before their keys where nobody says otherwise: Kubernetes', and the Kubernetes of `OpenShift`.
pub const PREFIXES: [&str; 2] = ["/registry", "/kubernetes.io"];
/// And the API servers that `OpenShift` has beside it.
pub const OPENSHIFT_PREFIX: &str = "/openshift.io";

/// Where definitions of custom resources are kept, below the prefix.
pub const DEFINITIONS: &str = "apiextensions.k8s.io/customresourcedefinitions";

/// A resource: its names and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    pub plural: String,
    pub kind: String,
    /// The singular and the short names.
    pub others: Vec<String>,
    /// That it is served in now, then those of older releases; empty for the core group.
    pub groups: Vec<String>,
    pub namespaced: bool,
    /// Of its keys, between the prefix and the namespace or name.
    pub path: String,
    /// Whether it is kept by an API server of `OpenShift`'s own.
    pub openshift: bool,
}

impl Resource {
    /// As messages name it: `pods`, `deployments.apps`.
    #[must_use]
    pub fn name(&self) -> String {
        match self.groups.first().map(String::as_str) {
            None | Some("") => self.plural.clone(),
            Some(group) => format!("{}.{group}", self.plural),
        }
    }

    /// What a definition defines; `None` where it is no definition.
    #[must_use]
    pub fn defined(definition: &Tree) -> Option<Self> {
        let spec = definition.get("spec")?;
        let names = spec.get("names")?;
        let text = |tree: &Tree, name| tree.get(name).and_then(Tree::as_text).map(str::to_owned);
        let (plural, group) = (text(names, "plural")?, text(spec, "group")?);
        let mut others: Vec<String> = text(names, "singular").into_iter().collect();
        if let Some(Tree::List(short)) = names.get("shortNames") {
            others.extend(short.iter().filter_map(Tree::as_text).map(str::to_owned));
        }
        let path = format!("{group}/{plural}");
        let namespaced = text(spec, "scope").as_deref() != Some("Cluster");
        let kind = text(names, "kind")?;
        let groups = vec![group];
        Some(Self { plural, kind, others, groups, namespaced, path, openshift: false })
    }
}

/// A resource as somebody names it: `po`, `Pod`, `pods`, `deployments.apps`, `deployments.v1.apps`; case does not matter.
#[derive(Clone, Debug)]
pub struct Wanted {
    word: String,
    /// A group, a version, or both.
    rest: Option<String>,
}

impl Wanted {
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.to_lowercase();
        match text.split_once('.') {
            Some((word, rest)) => Self { word: word.to_owned(), rest: Some(rest.to_owned()) },
            None => Self { word: text, rest: None },
        }
    }

    /// The resource of Kubernetes itself that is meant.
    #[must_use]
    pub fn known(&self) -> Option<Resource> {
        let openshift = |row| Resource { openshift: true, ..resource(row) };
        let all = TABLE.iter().map(resource).chain(OPENSHIFT.iter().map(openshift));
        all.into_iter().find(|one| self.is(one))
    }

    #[must_use]
    pub fn is(&self, resource: &Resource) -> bool {
        let names = [&resource.plural, &resource.kind].into_iter().chain(&resource.others);
        names.into_iter().any(|name| name.to_lowercase() == self.word)
            && self.rest.as_ref().is_none_or(|rest| {
                let version = |text: &str| {
                    text.strip_prefix('v')
                        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
                };
                let group = match rest.split_once('.') {
                    Some((first, group)) if version(first) => group,
                    None if version(rest) => "",
                    _ => rest,
                };
                resource.groups.iter().any(|known| known.to_lowercase() == group)
            })
    }
}

/// Plural; kind; short names; groups, `core` for that without a name; whether namespaced; where the objects are, if
/// not under the plural.
type Row = (&'static str, &'static str, &'static str, &'static str, bool, &'static str);

fn resource(row: &Row) -> Resource {
    let &(plural, kind, short, groups, namespaced, path) = row;
    let words =
        |text: &str| text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let groups: Vec<String> = words(groups);
    Resource {
        plural: plural.to_owned(),
        kind: kind.to_owned(),
        others: words(short),
        groups: groups
            .into_iter()
            .map(|one| if one == "core" { String::new() } else { one })
            .collect(),
        namespaced,
        path: if path.is_empty() { plural } else { path }.to_owned(),
        openshift: false,
    }
}

const ADMISSION: &str = "admissionregistration.k8s.io";
const AUTHORIZATION: &str = "rbac.authorization.k8s.io";
const FLOW: &str = "flowcontrol.apiserver.k8s.io";

/// What comes first wins where a name is short for several.
#[rustfmt::skip]
const TABLE: [Row; 79] = [
    ("configmaps", "ConfigMap", "cm", "core", true, ""),
    ("endpoints", "Endpoints", "ep", "core", true, "services/endpoints"),
    ("events", "Event", "ev", "core events.k8s.io", true, ""),
    ("limitranges", "LimitRange", "limits", "core", true, ""),
    // A project of OpenShift is a namespace.
    ("namespaces", "Namespace", "ns project projects", "core project.openshift.io", false, ""),
    ("nodes", "Node", "no", "core", false, "minions"),
    ("persistentvolumeclaims", "PersistentVolumeClaim", "pvc", "core", true, ""),
    ("persistentvolumes", "PersistentVolume", "pv", "core", false, ""),
    ("pods", "Pod", "po", "core", true, ""),
    ("podtemplates", "PodTemplate", "", "core", true, ""),
    ("replicationcontrollers", "ReplicationController", "rc", "core", true, "controllers"),
    ("resourcequotas", "ResourceQuota", "quota", "core", true, ""),
    ("secrets", "Secret", "", "core", true, ""),
    ("serviceaccounts", "ServiceAccount", "sa", "core", true, ""),
    ("services", "Service", "svc", "core", true, "services/specs"),
    ("rangeallocations", "RangeAllocation", "", "core", false, "ranges"),
    ("mutatingadmissionpolicies", "MutatingAdmissionPolicy", "", ADMISSION, false, ""),
    ("mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding", "", ADMISSION, false, ""),
    ("mutatingwebhookconfigurations", "MutatingWebhookConfiguration", "", ADMISSION, false, ""),
    ("validatingadmissionpolicies", "ValidatingAdmissionPolicy", "", ADMISSION, false, ""),
    ("validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", "", ADMISSION, false, ""),
    ("validatingwebhookconfigurations", "ValidatingWebhookConfiguration", "", ADMISSION, false, ""),
    ("initializerconfigurations", "InitializerConfiguration", "", ADMISSION, false, ""),
    ("customresourcedefinitions", "CustomResourceDefinition", "crd crds", "apiextensions.k8s.io", false, DEFINITIONS),
    ("apiservices", "APIService", "", "apiregistration.k8s.io", false, "apiregistration.k8s.io/apiservices"),
    ("controllerrevisions", "ControllerRevision", "", "apps", true, ""),
    ("daemonsets", "DaemonSet", "ds", "apps extensions", true, ""),
    ("deployments", "Deployment", "deploy", "apps extensions", true, ""),
    ("replicasets", "ReplicaSet", "rs", "apps extensions", true, ""),
    ("statefulsets", "StatefulSet", "sts", "apps", true, ""),
    ("auditsinks", "AuditSink", "", "auditregistration.k8s.io", false, ""),
    ("horizontalpodautoscalers", "HorizontalPodAutoscaler", "hpa", "autoscaling extensions", true, ""),
    ("cronjobs", "CronJob", "cj", "batch", true, ""),
    ("jobs", "Job", "", "batch extensions", true, ""),
    ("certificatesigningrequests", "CertificateSigningRequest", "csr", "certificates.k8s.io", false, ""),
    ("clustertrustbundles", "ClusterTrustBundle", "", "certificates.k8s.io", false, ""),
    ("podcertificaterequests", "PodCertificateRequest", "", "certificates.k8s.io", true, ""),
    ("leasecandidates", "LeaseCandidate", "", "coordination.k8s.io", true, ""),
    ("leases", "Lease", "", "coordination.k8s.io", true, ""),
    ("endpointslices", "EndpointSlice", "", "discovery.k8s.io", true, ""),
    ("flowschemas", "FlowSchema", "", FLOW, false, ""),
    ("prioritylevelconfigurations", "PriorityLevelConfiguration", "", FLOW, false, ""),
    ("storageversions", "StorageVersion", "", "internal.apiserver.k8s.io", false, ""),
    ("evictionrequests", "EvictionRequest", "", "lifecycle.k8s.io", true, ""),
    ("clustercidrs", "ClusterCIDR", "cc", "networking.k8s.io", false, ""),
    ("ingressclasses", "IngressClass", "", "networking.k8s.io", false, ""),
    ("ingresses", "Ingress", "ing", "networking.k8s.io extensions", true, "ingress"),
    ("ipaddresses", "IPAddress", "ip", "networking.k8s.io", false, ""),
    ("networkpolicies", "NetworkPolicy", "netpol", "networking.k8s.io extensions", true, ""),
    ("servicecidrs", "ServiceCIDR", "", "networking.k8s.io", false, ""),
    ("runtimeclasses", "RuntimeClass", "", "node.k8s.io", false, ""),
    ("poddisruptionbudgets", "PodDisruptionBudget", "pdb", "policy", true, ""),
    ("podsecuritypolicies", "PodSecurityPolicy", "psp", "policy extensions", false, "podsecuritypolicy"),
    ("clusterrolebindings", "ClusterRoleBinding", "", AUTHORIZATION, false, ""),
    ("clusterroles", "ClusterRole", "", AUTHORIZATION, false, ""),
    ("rolebindings", "RoleBinding", "", AUTHORIZATION, true, ""),
    ("roles", "Role", "", AUTHORIZATION, true, ""),
    ("deviceclasses", "DeviceClass", "", "resource.k8s.io", false, ""),
    ("devicetaintrules", "DeviceTaintRule", "", "resource.k8s.io", false, ""),
    ("podschedulingcontexts", "PodSchedulingContext", "", "resource.k8s.io", true, ""),
    ("podschedulings", "PodScheduling", "", "resource.k8s.io", true, ""),
    ("resourceclaimparameters", "ResourceClaimParameters", "", "resource.k8s.io", true, ""),
    ("resourceclaims", "ResourceClaim", "", "resource.k8s.io", true, ""),
    ("resourceclaimtemplates", "ResourceClaimTemplate", "", "resource.k8s.io", true, ""),
    ("resourceclasses", "ResourceClass", "", "resource.k8s.io", false, ""),
    ("resourceclassparameters", "ResourceClassParameters", "", "resource.k8s.io", true, ""),
    ("resourcepoolstatusrequests", "ResourcePoolStatusRequest", "", "resource.k8s.io", false, ""),
    ("resourceslices", "ResourceSlice", "", "resource.k8s.io", false, ""),
    ("podgroups", "PodGroup", "", "scheduling.k8s.io", true, ""),
    ("priorityclasses", "PriorityClass", "pc", "scheduling.k8s.io", false, ""),
    ("workloads", "Workload", "", "scheduling.k8s.io", true, ""),
    ("podpresets", "PodPreset", "", "settings.k8s.io", true, ""),
    ("csidrivers", "CSIDriver", "", "storage.k8s.io", false, ""),
    ("csinodes", "CSINode", "", "storage.k8s.io", false, ""),
    ("csistoragecapacities", "CSIStorageCapacity", "", "storage.k8s.io", true, ""),
    ("storageclasses", "StorageClass", "sc", "storage.k8s.io", false, ""),
    ("volumeattachments", "VolumeAttachment", "", "storage.k8s.io", false, ""),
    ("volumeattributesclasses", "VolumeAttributesClass", "vac", "storage.k8s.io", false, ""),
    ("storageversionmigrations", "StorageVersionMigration", "", "storagemigration.k8s.io", false, ""),
];

const APPS: &str = "apps.openshift.io";
const BUILD: &str = "build.openshift.io";
const IMAGE: &str = "image.openshift.io";
const OAUTH: &str = "oauth.openshift.io";
const TEMPLATE: &str = "template.openshift.io";
const USER: &str = "user.openshift.io";

/// What `OpenShift`'s own API servers keep; all else of it are custom resources, since release 4.
#[rustfmt::skip]
const OPENSHIFT: [Row; 17] = [
    ("deploymentconfigs", "DeploymentConfig", "dc", APPS, true, ""),
    ("builds", "Build", "", BUILD, true, ""),
    ("buildconfigs", "BuildConfig", "bc", BUILD, true, ""),
    ("images", "Image", "", IMAGE, false, ""),
    ("imagestreams", "ImageStream", "is", IMAGE, true, ""),
    ("oauthaccesstokens", "OAuthAccessToken", "", OAUTH, false, "oauth/accesstokens"),
    ("oauthauthorizetokens", "OAuthAuthorizeToken", "", OAUTH, false, "oauth/authorizetokens"),
    ("oauthclients", "OAuthClient", "", OAUTH, false, "oauth/clients"),
    ("oauthclientauthorizations", "OAuthClientAuthorization", "", OAUTH, false, "oauth/clientauthorizations"),
    ("routes", "Route", "", "route.openshift.io", true, ""),
    // Without its group the name is that of the core's.
    ("rangeallocations", "RangeAllocation", "", "security.openshift.io", false, ""),
    ("templates", "Template", "", TEMPLATE, true, ""),
    ("templateinstances", "TemplateInstance", "", TEMPLATE, true, ""),
    ("brokertemplateinstances", "BrokerTemplateInstance", "", TEMPLATE, false, ""),
    ("groups", "Group", "", USER, false, ""),
    ("identities", "Identity", "", USER, false, "useridentities"),
    ("users", "User", "", USER, false, ""),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Option<String> {
        Wanted::parse(text).known().map(|one| one.name())
    }

    #[test]
    fn a_resource_answers_to_each_of_its_names() {
        let openshift = OPENSHIFT.iter().filter(|row| row.0 != "rangeallocations");
        for row in TABLE.iter().chain(openshift) {
            let mut expected = resource(row);
            expected.openshift = OPENSHIFT.contains(row);
            let named =
                [row.0, row.1].into_iter().chain(row.2.split(' ').filter(|one| !one.is_empty()));
            for word in named {
                assert_eq!(Wanted::parse(word).known().as_ref(), Some(&expected), "{word}");
                assert_eq!(Wanted::parse(&word.to_uppercase()).known().as_ref(), Some(&expected));
            }
        }
    }

    #[test]
    fn a_group_and_a_version_narrow_the_name() {
        for text in ["deploy.apps", "Deployment.v1.apps", "deployments.extensions"] {
            assert_eq!(name(text).as_deref(), Some("deployments.apps"), "{text}");
        }
        for text in ["events", "events.events.k8s.io", "ev.v1.", "events.v1"] {
            assert_eq!(name(text).as_deref(), Some("events"), "{text}");
        }
        let narrow = Wanted::parse("rangeallocations.security.openshift.io").known();
        assert!(narrow.is_some_and(|one| one.openshift));
        for text in ["deployments.batch", "pods.apps", "deployments.v1", "", "."] {
            assert_eq!(name(text), None, "{text}");
        }
    }
}
