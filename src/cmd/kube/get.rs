//! `kube get`: objects by kind and name, out of a cluster or a file.

use std::io::Write;
use std::path::PathBuf;
use std::time::SystemTime;

use super::Objects;
use crate::arg;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::kube::json::Style;
use crate::kube::list::{Form, List, Table, created};
use crate::kube::resources::{Asked, DEFINITIONS, Resource, built_in, custom};
use crate::output::{self, Decode, Format, Found};
use crate::reply::Pair;
use crate::request::{Range, RangeEnd};
use crate::source::Pieces;

/// Where API servers keep their objects unless told otherwise: Kubernetes, `OpenShift`.
const PREFIXES: [&str; 3] = ["/registry", "/kubernetes.io", "/openshift.io"];

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Kind, plural or short name; KIND.GROUP where several groups have it
    kind: String,
    /// Name of one object
    name: Option<String>,
    /// Namespace to read
    #[arg(long, short = 'n', value_name = "NAMESPACE", default_value = "default")]
    namespace: String,
    /// Read all namespaces
    #[arg(long, short = 'A')]
    all_namespaces: bool,
    /// The API server's --etcd-prefix; found in the store unless given
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

/// A place asked several times, at one revision.
struct Store<'c> {
    cx: &'c mut Context,
    file: Option<PathBuf>,
    prefixes: Vec<String>,
    revision: i64,
}

pub async fn run(args: Args, cx: &mut Context) -> Result<()> {
    let decode = args.objects.decode(true)?;
    let formats = [Format::Simple, Format::Json, Format::Yaml, Format::Jsonl];
    let format = cx.output(&formats)?.format;
    if args.all_namespaces && args.name.is_some() {
        let words = "a resource cannot be retrieved by name across all namespaces";
        return Err(Error::bad_args(words));
    }
    let prefixes = match &args.etcd_prefix {
        Some(prefix) => vec![match prefix.trim_matches('/') {
            "" => String::new(),
            inside => format!("/{inside}"),
        }],
        None => PREFIXES.map(str::to_owned).to_vec(),
    };
    let mut store = Store { cx, file: args.snapshot, prefixes, revision: args.rev };
    let (resource, root) = store.find(&args.kind).await?;
    let mut key = root.clone();
    if resource.namespaced && !args.all_namespaces {
        key = format!("{key}{}/", args.namespace);
    }
    let end = if args.name.is_some() { RangeEnd::Key } else { RangeEnd::Prefix };
    key.push_str(args.name.as_deref().unwrap_or_default());
    let namespaces = resource.namespaced && args.all_namespaces;
    let mut answer = Answer {
        root,
        resource,
        decode,
        shape: Shape::of(format, args.name.is_some(), namespaces),
        unread: 0,
        found: false,
    };
    let mut out = std::io::BufWriter::new(output::bytes()?);
    let mut pages = store.range(Range { key: key.into(), end, ..Range::default() }).await?;
    let mut pairs = Vec::new();
    let mut text = Vec::new();
    while pages.next(&mut pairs).await? {
        for pair in &pairs {
            answer.pair(pair, &mut text);
            out.write_all(&text)?;
            text.clear();
        }
    }
    if let (Some(name), false) = (&args.name, answer.found) {
        let words = format!("{} {name:?} not found", answer.resource.full_name());
        return Err(Error::failure(words));
    }
    let place = if answer.resource.namespaced && !namespaces {
        format!("No resources found in {} namespace.", args.namespace)
    } else {
        "No resources found".to_owned()
    };
    answer.end(&mut text, &place);
    out.write_all(&text)?;
    out.flush()?;
    answer.verdict()
}

impl Store<'_> {
    async fn range(&mut self, range: Range) -> Result<Pieces<'_>> {
        let range = Range { revision: self.revision, ..range };
        let pieces = self.cx.source(self.file.as_deref()).await?.range(range).await?;
        if self.revision == 0 {
            self.revision = pieces.header().revision;
        }
        Ok(pieces)
    }

    /// The first key in a folder.
    async fn first(&mut self, folder: &str) -> Result<Option<Vec<u8>>> {
        let (key, end) = (folder.as_bytes().to_vec(), RangeEnd::Prefix);
        let range = Range { key, end, limit: 1, keys_only: true, ..Range::default() };
        let mut pages = self.range(range).await?;
        let mut pairs = Vec::new();
        while pages.next(&mut pairs).await? {
            if let Some(pair) = pairs.first() {
                return Ok(Some(pair.key.to_vec()));
            }
        }
        Ok(None)
    }

    /// What a word means, and the folder that its objects are in.
    async fn find(&mut self, word: &str) -> Result<(Resource, String)> {
        let asked = Asked::new(word);
        let resource = match built_in(&asked) {
            Some(resource) => Some(resource),
            None => self.defined(&asked).await?,
        };
        let folder = resource.clone().unwrap_or_else(|| asked.as_folder(false)).folder;
        let places: Vec<String> =
            self.prefixes.iter().map(|prefix| format!("{prefix}/{folder}/")).collect();
        for place in &places {
            if let (Some(resource), 1) = (&resource, places.len()) {
                return Ok((resource.clone(), place.clone()));
            }
            if let Some(first) = self.first(place).await? {
                let below = first.get(place.len()..).unwrap_or_default();
                let resource = resource.unwrap_or_else(|| asked.as_folder(below.contains(&b'/')));
                return Ok((resource, place.clone()));
            }
        }
        match (resource, places.into_iter().next()) {
            (Some(resource), Some(place)) => Ok((resource, place)),
            _ => Err(Error::failure(format!("the store has no resource type {word:?}"))
                .hint("--etcd-prefix names where its API server keeps objects")),
        }
    }

    /// The custom resource of that name.
    async fn defined(&mut self, asked: &Asked) -> Result<Option<Resource>> {
        let decode = Decode::default();
        for prefix in self.prefixes.clone() {
            let key = format!("{prefix}/{DEFINITIONS}/").into_bytes();
            let range = Range { key, end: RangeEnd::Prefix, ..Range::default() };
            let mut pages = self.range(range).await?;
            let mut pairs = Vec::new();
            while pages.next(&mut pairs).await? {
                let found = pairs.iter().find_map(|pair| {
                    decode.value(pair, |found| match found {
                        Found::Object(object) => custom(&object.tree, asked),
                        _ => None,
                    })
                });
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        Ok(None)
    }
}

/// What is printed.
enum Shape {
    One(Format),
    List(List),
    Table(Table),
}

impl Shape {
    fn of(format: Format, one: bool, namespaces: bool) -> Self {
        let form = match format {
            Format::Json => Form::Json,
            Format::Yaml => Form::Yaml,
            Format::Jsonl => Form::Jsonl,
            _ => {
                let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
                let now = now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
                return Self::Table(Table::new(namespaces, now));
            }
        };
        if one { Self::One(format) } else { Self::List(List::new(form)) }
    }
}

struct Answer {
    resource: Resource,
    /// The folder of all its objects.
    root: String,
    decode: Decode,
    shape: Shape,
    /// Objects that could not be read; each was named.
    unread: usize,
    found: bool,
}

impl Answer {
    fn pair(&mut self, pair: &Pair, text: &mut Vec<u8>) {
        self.found = true;
        let Self { resource, root, shape, unread, .. } = self;
        let key = String::from_utf8_lossy(&pair.key);
        let below = key.strip_prefix(root.as_str()).unwrap_or(&key);
        let name = match below.split_once('/') {
            Some(split) if resource.namespaced => split,
            _ => ("", below),
        };
        self.decode.value(pair, |found| {
            if let Shape::Table(table) = shape {
                let created = match &found {
                    Found::Object(object) => created(object),
                    _ => None,
                };
                table.row(name, created, pair.value.len(), text);
            }
            match (found, shape) {
                (Found::Object(object), Shape::List(list)) => list.item(object, text),
                (Found::Object(object), Shape::One(format)) => {
                    match format {
                        Format::Json => object.json(Style::Kubectl, text),
                        Format::Jsonl => object.json(Style::Server, text),
                        _ => object.yaml(text),
                    }
                    if text.last() != Some(&b'\n') {
                        text.push(b'\n');
                    }
                }
                // A table needs names and sizes: what is encrypted has those too.
                (Found::Object(_) | Found::Closed(_), Shape::Table(_)) => {}
                (Found::Closed(why), _) => {
                    *unread += 1;
                    output::say(&format!("{}: {why}", key.escape_debug()));
                }
                (Found::Other, _) => {
                    *unread += 1;
                    output::say(&format!("{}: no Kubernetes object", key.escape_debug()));
                }
            }
        });
    }

    fn end(&mut self, text: &mut Vec<u8>, nothing: &str) {
        match std::mem::replace(&mut self.shape, Shape::One(Format::Simple)) {
            Shape::One(_) => {}
            Shape::List(list) => list.end(text),
            Shape::Table(table) => {
                if !table.end(text) {
                    output::say(nothing);
                }
            }
        }
    }

    fn verdict(self) -> Result<()> {
        match self.unread {
            0 => Ok(()),
            1 => Err(Error::failure("an object could not be read")),
            many => Err(Error::failure(format!("{many} objects could not be read"))),
        }
    }
}
