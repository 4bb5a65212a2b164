use etcdctl::kube::{Encoding, Options, Value, encode, json, read};

use super::{assert_same, cluster, every_kind};

#[test]
fn one_object_of_every_kind_is_encoded_as_the_libraries_encode_it() {
    for one in every_kind() {
        let tree = json::read(&one.json).unwrap();
        let ours = encode::protobuf(&tree).unwrap_or_else(|err| panic!("{}: {err}", one.name));
        assert_same(&ours, &one.again, &one.name);
    }
}

/// Encoded in other bytes than they are stored in, and why. They say the same.
const REWRITTEN: [(&str, &str); 11] = [
    (
        "controllerrevisions/elm-forge/amber-relay-1",
        "JSON within it, with the blanks and escapes of who sent it",
    ),
    (
        "controllerrevisions/elm-forge/garnet-merger-0",
        "JSON within it, with the blanks and escapes of who sent it",
    ),
    (
        "controllerrevisions/umber-loom/fern-ledger-0",
        "JSON within it, with the blanks and escapes of who sent it",
    ),
    (
        "controllerrevisions/umber-loom/violet-api-1",
        "JSON within it, with the blanks and escapes of who sent it",
    ),
    ("csinodes/node-2", "since 1.37 it has a status, which who knows it always writes"),
    ("csinodes/node-3", "since 1.37 it has a status, which who knows it always writes"),
    ("deviceclasses/gpu", "JSON within it, with the blanks and escapes of who sent it"),
    (
        "resourceclaims/elm-forge/fern-mailer",
        "JSON within it, with the blanks and escapes of who sent it",
    ),
    (
        "resourceclaims/umber-loom/xylem-session-xrhr",
        "JSON within it, with the blanks and escapes of who sent it",
    ),
    (
        "resourceclaimtemplates/elm-forge/gpu-template",
        "JSON within it, with the blanks and escapes of who sent it",
    ),
    (
        "resourceclaimtemplates/umber-loom/gpu-template",
        "JSON within it, with the blanks and escapes of who sent it",
    ),
];

#[test]
fn a_clusters_objects_are_encoded_as_they_were_stored() {
    let everything = Options { managed_fields: true, mod_revision: None };
    let (mut same, mut rewritten) = (0, Vec::new());
    for one in cluster().iter().filter(|one| one.encryption == "none" && !one.json.is_empty()) {
        let Ok(Value::Object(object)) = read(&one.value, &everything) else {
            panic!("{} is no object", one.key)
        };
        // Custom resources were stored as CBOR for a while; they are encoded as JSON.
        if object.encoding == Encoding::Cbor {
            continue;
        }
        let ours = encode::stored(&object.tree).unwrap_or_else(|err| panic!("{}: {err}", one.key));
        if ours == one.value {
            same += 1;
            continue;
        }
        let Ok(Value::Object(again)) = read(&ours, &everything) else { panic!("{}", one.key) };
        let newer = one.key.starts_with("/registry/csinodes/");
        assert!(newer || again.tree == object.tree, "{}", one.key);
        rewritten.push(one.key["/registry/".len()..].to_owned());
    }
    assert_eq!(rewritten, REWRITTEN.map(|(key, _)| key.to_owned()));
    assert!(same > 1030, "{same}");
}

#[test]
fn what_does_not_fit_is_named_by_its_path() {
    for (object, words) in [
        (r#"{"kind":"Pod"}"#, "the object has no apiVersion"),
        (
            r#"{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"a"},{"nam":"b"}]}}"#,
            "spec.containers[1].nam: there is no such member here",
        ),
        (
            r#"{"apiVersion":"apps/v1","kind":"Deployment","spec":{"replicas":"2"}}"#,
            "spec.replicas: a whole number is wanted here, not a text",
        ),
        (
            r#"{"apiVersion":"apps/v1","kind":"Deployment","spec":{"replicas":3000000000}}"#,
            "spec.replicas: 3000000000 is not between -2147483648 and 2147483647",
        ),
        (
            r#"{"apiVersion":"v1","kind":"Secret","data":{"k":"%"}}"#,
            "data.k: bytes are wanted here, in base64",
        ),
        (
            r#"{"apiVersion":"v1","kind":"Pod","metadata":{"creationTimestamp":"now"}}"#,
            "metadata.creationTimestamp: a time as 2006-01-02T15:04:05Z is wanted here",
        ),
    ] {
        let tree = json::read(object.as_bytes()).unwrap();
        assert_eq!(encode::stored(&tree).unwrap_err().to_string(), words);
    }
}

#[test]
fn a_custom_resource_is_stored_as_sorted_json() {
    let text = r#"{"kind":"Widget","apiVersion":"example.com/v1","spec":{"b":1,"a":2},"metadata":{"selfLink":"x","name":"n","resourceVersion":"5"}}"#;
    let stored = encode::stored(&json::read(text.as_bytes()).unwrap()).unwrap();
    assert_eq!(
        String::from_utf8(stored).unwrap(),
        "{\"apiVersion\":\"example.com/v1\",\"kind\":\"Widget\",\"metadata\":{\"name\":\"n\"},\"spec\":{\"a\":2,\"b\":1}}\n"
    );
}
