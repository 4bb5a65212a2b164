//! The table says what the text for people says.

use std::collections::BTreeMap;

use super::*;

const UNION: &str = include_str!("union.txt");

/// A field's line: number, name, type, the rest.
type Line<'a> = (u32, &'a str, &'a str, Vec<&'a str>);

/// Messages of the text with their last release and their fields, and the kinds.
struct Text<'a> {
    messages: BTreeMap<&'a str, (&'a str, Vec<Line<'a>>)>,
    kinds: Vec<(&'a str, &'a str, &'a str)>,
}

fn text() -> Text<'static> {
    let mut messages: BTreeMap<_, (&str, Vec<_>)> = BTreeMap::new();
    let mut kinds = Vec::new();
    let mut open = "";
    for line in UNION.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["kind", api_version, kind, message, _] => kinds.push((*api_version, *kind, *message)),
            ["message", name, releases] => {
                open = *name;
                messages.insert(*name, (*releases, Vec::new()));
            }
            [number, name, kind, rest @ ..] if line.starts_with("  ") => {
                let field = (number.parse().unwrap(), *name, *kind, rest.to_vec());
                messages.get_mut(open).unwrap().1.push(field);
            }
            _ => panic!("not understood: {line}"),
        }
    }
    Text { messages, kinds }
}

#[test]
fn the_table_says_what_the_union_says() {
    let schema = Schema::read(TABLE).expect("the table cannot be read");
    let text = text();
    assert_eq!(schema.messages.len(), text.messages.len());
    assert_eq!(schema.kinds.len(), text.kinds.len());
    let names: Vec<&str> = text.messages.keys().copied().collect();
    for (api_version, kind, message) in &text.kinds {
        let found = schema.kind(api_version, kind).map(usize::from);
        assert_eq!(found.map(|id| names[id]), Some(*message), "{api_version} {kind}");
    }
    for (message, (name, (_, lines))) in schema.messages.iter().zip(&text.messages) {
        let fields: Vec<Line> =
            message.fields.iter().map(|field| described(field, &names)).collect();
        let lines: Vec<Line> = lines
            .iter()
            .map(|(number, json, kind, rest)| (*number, *json, *kind, flags(rest)))
            .collect();
        assert_eq!(fields, lines, "{name}");
    }
}

/// All of a field's last words but its releases, which say whether it is removed.
fn flags<'a>(rest: &[&'a str]) -> Vec<&'a str> {
    let (releases, flags) = rest.split_last().unwrap();
    let mut flags = flags.to_vec();
    if releases.contains("..") {
        flags.push("removed");
    }
    flags.sort_unstable();
    flags
}

fn described<'a>(field: &Field, names: &[&'a str]) -> Line<'a> {
    let of = match field.element {
        Element::Text => "string",
        Element::Bool => "bool",
        Element::Int32 => "i32",
        Element::Int64 => "i64",
        Element::Uint32 => "u32",
        Element::Uint64 => "u64",
        Element::Float => "f32",
        Element::Double => "f64",
        Element::Bytes => "bytes",
        Element::Message(id) => names[usize::from(id)],
    };
    let kind = match field.shape {
        Shape::One => of.to_owned(),
        Shape::List => format!("list<{of}>"),
        Shape::Map => format!("map<{of}>"),
        Shape::WrappedList => format!("wrapped<{of}>"),
        Shape::MapOfWrappedLists => format!("map<wrapped<{of}>>"),
        Shape::WrappedMap => format!("wrapped<map<{of}>>"),
    };
    let mut flags: Vec<&str> = ["omitempty", "omitzero", "pointer", "inline", "removed", "hidden"]
        .into_iter()
        .enumerate()
        .filter(|(bit, _)| field.flags & (1 << bit) != 0)
        .map(|(_, flag)| flag)
        .collect();
    flags.sort_unstable();
    let name = if field.name.is_empty() { "-" } else { field.name };
    (field.number, name, kind.leak(), flags)
}

#[test]
fn kinds_of_every_age_are_known_and_no_others() {
    let schema = Schema::get();
    for (api_version, kind) in [
        ("v1", "Pod"),
        ("apps/v1", "Deployment"),
        ("extensions/v1beta1", "PodSecurityPolicy"),
        ("settings.k8s.io/v1alpha1", "PodPreset"),
        ("auditregistration.k8s.io/v1alpha1", "AuditSink"),
        ("networking.k8s.io/v1alpha1", "ClusterCIDR"),
        ("apiregistration.k8s.io/v1", "APIService"),
        ("resource.k8s.io/v1", "ResourceSlice"),
        ("route.openshift.io/v1", "Route"),
        ("build.openshift.io/v1", "BuildConfig"),
    ] {
        assert!(schema.kind(api_version, kind).is_some(), "{api_version} {kind}");
    }
    assert_eq!(schema.kind("v2", "Pod"), None);
    assert!(TABLE.len() < 200 << 10);
    let meta = schema.message(schema.object_meta().unwrap()).unwrap();
    assert_eq!(meta.field(17).unwrap().1.name, "managedFields");
    assert_eq!(meta.field(0), None);
    assert_eq!(meta.field(u32::MAX), None);
}
