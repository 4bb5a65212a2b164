//! `kube get`: the objects of a kind, found by the names that kubectl takes.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use super::Objects;
use crate::arg;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::kube::resources::{DEFINITIONS, OPENSHIFT_PREFIX, PREFIXES, Resource, Wanted};
use crate::kube::{Options, Value, read};
use crate::output::{Decode, Format, Layout, Seen, say};
use crate::request::{Range, RangeEnd};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Resource: plural, kind or short name, also KIND.GROUP
    kind: String,
    /// Name of one object
    name: Option<String>,
    /// Namespace of the objects
    #[arg(short, long, value_name = "NAMESPACE", default_value = "default")]
    namespace: String,
    /// The objects of every namespace
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// What the API server puts before its keys; /registry, or /kubernetes.io and /openshift.io, unless given
    #[arg(long, value_name = "PREFIX")]
    etcd_prefix: Option<String>,
    /// Read at this revision; 0 for the newest
    #[arg(long, value_name = "REVISION", default_value = "0", value_parser = arg::int)]
    rev: i64,
    /// Read from this snapshot, or from a stopped member's data directory, instead of a server
    #[arg(long, value_name = "PATH", value_parser = arg::path())]
    snapshot: Option<PathBuf>,
    #[command(flatten)]
    objects: Objects,
}

pub async fn run(mut args: Args, cx: &mut Context) -> Result<()> {
    let decode = args.objects.decode(true)?;
    if args.name.is_none()
        && let Some((kind, name)) = args.kind.split_once('/')
    {
        (args.name, args.kind) = (Some(name.to_owned()), kind.to_owned());
    }
    let mut out =
        cx.output(&[Format::Simple, Format::Table, Format::Json, Format::Yaml, Format::Jsonl])?;
    for (what, text) in [("name", args.name.as_deref()), ("namespace", Some(&args.namespace))] {
        if text.is_some_and(|text| text.is_empty() || text.contains('/')) {
            return Err(Error::bad_args(format!(
                "a {what} is neither empty nor does it hold a slash: {:?}",
                text.unwrap_or_default()
            )));
        }
    }
    let wanted = Wanted::parse(&args.kind);
    let known = wanted.known();
    let prefix = args.prefix(known.as_ref(), cx).await?;
    let resource = match known {
        Some(known) => known,
        None => args.defined(&wanted, &prefix, &decode, cx).await?,
    };
    if args.all_namespaces && args.name.is_some() && resource.namespaced {
        let words = "a resource cannot be retrieved by name across all namespaces";
        return Err(Error::bad_args(words).hint("-n NAMESPACE says where it is"));
    }

    out.decode(decode);
    let mut key = format!("{}/{}/", prefix.trim_end_matches('/'), resource.path);
    let start = key.len();
    if resource.namespaced && !args.all_namespaces {
        key = format!("{key}{}/", args.namespace);
    }
    key.push_str(args.name.as_deref().unwrap_or_default());
    let end = if args.name.is_some() { RangeEnd::Key } else { RangeEnd::Prefix };
    let range = Range { key: key.into(), end, revision: args.rev, ..Range::default() };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |past| past.as_secs());
    let layout = Layout {
        one: args.name.is_some(),
        start,
        namespaced: resource.namespaced,
        show_namespace: resource.namespaced && args.all_namespaces,
        now: i64::try_from(now).unwrap_or(i64::MAX),
    };
    let format = out.format;
    let pages = cx.source(args.snapshot.as_deref()).await?.range(range).await?;
    let seen = out.print_objects(pages, layout).await?;
    match &args.name {
        Some(name) if seen.objects == 0 => {
            Err(Error::failure(format!("{} {name:?} not found", resource.name())))
        }
        _ if seen.closed > 0 => {
            let words = format!("{} of {} objects could not be shown", seen.closed, seen.objects);
            let hint = "--encryption-config FILE opens what is encrypted at rest, --kms-dek-file FILE what a KMS plugin has sealed";
            Err(Error::failure(words).hint(hint))
        }
        _ if seen.damaged > 0 => {
            let Seen { damaged, objects, .. } = seen;
            Err(Error::failure(format!("{damaged} of {objects} objects could not be read whole")))
        }
        _ => {
            if seen.objects == 0 && matches!(format, Format::Simple | Format::Table) {
                say(&if layout.namespaced && !args.all_namespaces {
                    format!("No resources found in {} namespace.", args.namespace)
                } else {
                    "No resources found".to_owned()
                });
            }
            Ok(())
        }
    }
}

impl Args {
    /// What stands before the keys: what was said, else the first that the store has.
    async fn prefix(&self, known: Option<&Resource>, cx: &mut Context) -> Result<String> {
        if let Some(said) = &self.etcd_prefix {
            return Ok(format!("/{}", said.trim_matches('/')));
        }
        if known.is_some_and(|one| one.openshift) {
            return Ok(OPENSHIFT_PREFIX.to_owned());
        }
        for prefix in PREFIXES {
            let range = Range {
                key: format!("{prefix}/").into(),
                end: RangeEnd::Prefix,
                revision: self.rev,
                limit: 1,
                keys_only: true,
                ..Range::default()
            };
            let mut pages = cx.source(self.snapshot.as_deref()).await?.range(range).await?;
            let mut pairs = Vec::new();
            while pages.next(&mut pairs).await? {
                if !pairs.is_empty() {
                    return Ok(prefix.to_owned());
                }
            }
        }
        say(&format!(
            "hint: no key begins with {}/; --etcd-prefix says where the API server's keys begin",
            PREFIXES.join("/ or ")
        ));
        Ok(PREFIXES[0].to_owned())
    }

    /// The resource that is meant, of those that the store defines.
    async fn defined(
        &self,
        wanted: &Wanted,
        prefix: &str,
        decode: &Decode,
        cx: &mut Context,
    ) -> Result<Resource> {
        let key = format!("{}/{DEFINITIONS}/", prefix.trim_end_matches('/'));
        let range = Range {
            key: key.clone().into(),
            end: RangeEnd::Prefix,
            revision: self.rev,
            ..Range::default()
        };
        let mut pages = cx.source(self.snapshot.as_deref()).await?.range(range).await?;
        let mut pairs = Vec::new();
        while pages.next(&mut pairs).await? {
            for pair in &pairs {
                // What cannot be read defines nothing.
                let opened = decode.keys.open(&pair.key, &pair.value);
                let value = opened.as_ref().map_or(&pair.value[..], |plain| &plain[..]);
                let Ok(Value::Object(object)) = read(value, &Options::default()) else {
                    continue;
                };
                if let Some(found) = Resource::defined(&object.tree).filter(|one| wanted.is(one)) {
                    return Ok(found);
                }
            }
        }
        let words = format!("the server doesn't have a resource type {:?}", self.kind);
        Err(Error::failure(words).hint(format!(
            "neither Kubernetes has that name nor a definition under {key}; --etcd-prefix says where the API server's keys begin"
        )))
    }
}
