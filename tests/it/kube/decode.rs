use etcdctl::kube::json::Style;
use etcdctl::kube::{Object, Options, Value, json, read, yaml};

use super::{assert_same, bytes, cluster, every_kind, table};

fn object<'a>(value: &'a [u8], options: &Options, name: &str) -> Object<'a> {
    match read(value, options) {
        Ok(Value::Object(object)) => object,
        other => panic!("{name}: {other:?}"),
    }
}

fn as_json(object: &Object, style: Style) -> Vec<u8> {
    let mut out = Vec::new();
    object.json(style, &mut out);
    out
}

fn as_yaml(object: &Object) -> Vec<u8> {
    let mut out = Vec::new();
    object.yaml(&mut out);
    out
}

#[test]
fn one_object_of_every_kind_is_printed_as_the_libraries_print_it() {
    let options = Options { managed_fields: true, mod_revision: None };
    let mut wrong = Vec::new();
    for one in every_kind() {
        let check = std::panic::catch_unwind(|| {
            let object = object(&one.stored, &options, &one.name);
            assert!(object.unknown.is_empty(), "{}: {:?}", one.name, object.unknown);
            assert_same(&as_json(&object, Style::Fixture), &one.json, &one.name);
            assert_same(&as_yaml(&object), &one.yaml, &one.name);
        });
        if check.is_err() {
            wrong.push(one.name);
        }
    }
    assert!(wrong.is_empty(), "{} {wrong:?}", wrong.len());
}

#[test]
fn a_clusters_objects_are_printed_as_its_server_and_kubectl_print_them() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for one in cluster() {
        if one.json.is_empty() || one.encryption != "none" {
            continue;
        }
        seen += 1;
        let check = std::panic::catch_unwind(|| {
            let mut options =
                Options { managed_fields: true, mod_revision: Some(one.mod_revision) };
            let whole = object(&one.value, &options, &one.key);
            assert_same(&as_json(&whole, Style::Server), &one.json, &one.key);
            // Where kubectl's YAML loses something, ours must not: see below.
            if one.remark.contains("kubectl") {
                return;
            }
            assert_same(&as_yaml(&whole), &one.yaml_with_managers, &one.key);
            options.managed_fields = false;
            assert_same(&as_yaml(&object(&one.value, &options, &one.key)), &one.yaml, &one.key);
        });
        if check.is_err() {
            wrong.push(one.key);
        }
    }
    assert!(wrong.is_empty() && seen > 1000, "{} of {seen}: {wrong:?}", wrong.len());
}

/// Random values at every depth, with words as long as lines, and what Kubernetes' YAML library makes of them.
#[test]
fn texts_are_folded_as_the_library_folds_them() {
    let mut deep = 0;
    for row in table("kube/texts.tsv.xz") {
        let (value, expected) = (bytes(&row[0]), bytes(&row[1]));
        let mut ours = Vec::new();
        yaml::write(&json::read(&value).unwrap(), &mut ours);
        assert_same(&ours, &expected, std::str::from_utf8(&value).unwrap());
        // A line is broken past column 80, at the next blank.
        let expected = std::str::from_utf8(&expected).unwrap();
        deep += expected.lines().filter(|line| line.chars().count() > 80).count();
    }
    assert!(deep > 500, "{deep}");
}
